"""Cores: weights, membranes and partial sums, where a job must find them."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from codesign.specs.architecture import Core
from tests.replay.storage import HazardError

Integers = NDArray[np.int64]
TileKey = tuple[int, int]
"""Fused layer and tile."""


@dataclass
class CoreState:
    """What a core keeps between its jobs.

    Weights lie in their memory until newer ones need the space. Membranes that are resident stay
    to the end; those that are local, and sums that wait for the next chunk of input channels, are
    gone as soon as the core works on another tile or image. Partial sums of other cores have two
    places for each sender.

    Attributes:
        kind: what the core is.
    """

    kind: Core
    _weights: dict[tuple[int, int, int], int] = field(default_factory=dict)
    _resident: dict[TileKey, tuple[int, Integers]] = field(default_factory=dict)
    _at_work: tuple[int, int, int] = (-1, -1, -1)
    _local: tuple[int, Integers] | None = None
    _waiting: dict[int, tuple[int, Integers]] = field(default_factory=dict)
    _arrived: dict[tuple[TileKey, int, int], tuple[int, Integers]] = field(default_factory=dict)

    def load_weights(self, block: tuple[int, int, int], bits: int) -> None:
        """A block (layer, slice, chunk) comes into the memory; the oldest leave if they must."""
        self._weights.pop(block, None)
        self._weights[block] = bits
        while sum(self._weights.values()) > self.kind.weight_memory.size_bits:
            self._weights.pop(next(iter(self._weights)))

    def use_weights(self, block: tuple[int, int, int]) -> None:
        """Raises: HazardError: the block is not there."""
        if block not in self._weights:
            raise HazardError(
                f"weights {block} are not in the core, which has {list(self._weights)}"
            )

    def turn_to(self, image: int, key: TileKey) -> None:
        """The core works on a tile of an image, which may be another than before."""
        if self._at_work != (image, *key):
            self._at_work, self._local, self._waiting = (image, *key), None, {}

    def add_waiting(self, first: int, chunk: int, sums: Integers) -> Integers:
        """Sums with those of the chunks before, for a first timestep; they wait for the next."""
        if chunk:
            done, before = self._waiting.get(first, (0, sums))
            if done != chunk:
                raise HazardError(
                    f"chunk {chunk} needs the sums of all before it (got {done} of them)"
                )
            sums = sums + before
        self._waiting[first] = (chunk + 1, sums)
        return sums

    def receive(self, key: TileKey, chunk: int, stamp: int, sums: Integers | None) -> None:
        """Partial sums of another core take the place of those two before; None: they come."""
        place = (key, chunk, stamp % 2)
        self._arrived.pop(place, None)
        if sums is not None:
            self._arrived[place] = (stamp, sums)

    def take(self, key: TileKey, chunk: int, stamp: int) -> Integers:
        """Partial sums that another core sent, once.

        Raises:
            HazardError: they did not come, or others did.
        """
        found, sums = self._arrived.pop((key, chunk, stamp % 2), (-1, np.zeros(0)))
        if found != stamp:
            raise HazardError(
                f"sums {stamp} of chunk {chunk} of tile {key} must be there (got {found})"
            )
        return sums

    def membranes(self, key: TileKey, stamp: int, *, is_resident: bool) -> Integers:
        """The membranes of a tile as they were left behind.

        Raises:
            HazardError: this core does not have those of that moment.
        """
        found = self._resident.get(key) if is_resident else self._local
        if found is None or found[0] != stamp:
            held = found and found[0]
            raise HazardError(f"membranes {stamp} of tile {key} must be in the core (got {held})")
        return found[1]

    def keep(self, key: TileKey, stamp: int, membranes: Integers, *, is_resident: bool) -> None:
        """Leaves membranes behind."""
        if is_resident:
            self._resident[key] = (stamp, membranes)
        else:
            self._local = (stamp, membranes)
