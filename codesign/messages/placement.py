"""Placement: which core holds which neurons.

Populations are placed in order, each on cores of its own, as few as hold it, in equal parts.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from codesign.errors import CapacityError
from codesign.messages.populations import Population
from codesign.specs.architecture import Architecture
from codesign.specs.messages import Messages

Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Placement:
    """Where the neurons are.

    Attributes:
        core_of: for each population the core of each neuron, in the order of its tensor's
            elements (C order).
        owner: for each core in use the number of its population.
        tiles: for each core in use its tile.
        neurons: for each core in use how many it holds.
    """

    core_of: tuple[Integers, ...]
    owner: Integers
    tiles: Integers
    neurons: Integers

    @property
    def tile_count(self) -> int:
        """Tiles in use."""
        return len(set(self.tiles.tolist()))

    def cores(self, population: int) -> Integers:
        """The cores of a population, in order."""
        return np.flatnonzero(self.owner == population)


def place(populations: Sequence[Population], architecture: Architecture) -> Placement:
    """Deals neurons to cores.

    Raises:
        CapacityError: there are not enough cores; with the need, the capacity and the fix.
    """
    chip = architecture.messages
    assert chip is not None
    sizes = [int(np.prod(each.shape)) for each in populations]
    counts = [-(-size // chip.neurons) for size in sizes]
    if sum(counts) > chip.core_count:
        largest = max(range(len(sizes)), key=sizes.__getitem__)
        raise CapacityError(
            f"{architecture.name}: the network must fit {chip.core_count} cores of "
            f"{chip.neurons:,} neurons, but its {sum(sizes):,} neurons need {sum(counts):,} "
            f"(most of all '{populations[largest].name}': {sizes[largest]:,}). Enlarge the mesh: "
            f"--set messages.columns={_columns(chip, sum(counts))}, or use a smaller network."
        )
    firsts = np.cumsum([0, *counts])
    core_of = tuple(
        first + _order(each.shape, chip) * count // size
        for each, first, count, size in zip(populations, firsts[:-1], counts, sizes, strict=True)
    )
    owner = np.repeat(np.arange(len(populations)), counts)
    neurons = np.bincount(np.concatenate(core_of), minlength=len(owner))
    return Placement(core_of, owner, np.arange(len(owner)) // chip.cores, neurons)


def _columns(chip: Messages, cores: int) -> int:
    """Columns of tiles that hold so many cores."""
    return -(-cores // (chip.rows * chip.cores))


def _order(shape: tuple[int, ...], chip: Messages) -> Integers:
    """The place of each element, in C order, in the order in which neurons are dealt."""
    size = int(np.prod(shape))
    if chip.placement == "channels" or len(shape) < 3:
        return np.arange(size)
    channels = shape[0]
    return np.arange(size).reshape(-1, channels).T.ravel()
