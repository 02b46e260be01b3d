"""Placement floors: what the activation buffer and the cores cannot hold, wherever it is put.

A tensor that the activation buffer cannot hold even alone lives in the DRAM, as does one that no
layer makes. Others must leave it where they do not fit beside each other: a layer's inputs and
results are all there when it begins (`codesign.mapping.placement`); and in a pipeline everything
keeps its place from the beginning to the end. Of such a set some must leave, those at least that
move fewest bits for the place that they take, the last of them in part.

Where each timestep is a pass of its own, membranes stay in the cores if those of all layers of the
same cores fit half of their state memory; else all of these are stored and loaded again
(`codesign.mapping.residency`), and keep their place to the end where they are stored.

Left out: sets of more tensors than those of a layer, tensors that are of several such sets (they
are counted in the first that does not fit), and that rings of a pipeline have several places.
"""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from codesign.floors.asked import Asked
from codesign.floors.groups import Flags, Numbers
from codesign.floors.pipelines import most_cores
from codesign.mapping.kinds import Kinds
from codesign.mapping.residency import WORKING_PART
from codesign.specs.architecture import Architecture


def spilled_membranes(wanted: Asked, architecture: Architecture, kinds: Sequence[Kinds]) -> float:
    """Bits of all membranes that travel from one step to the next.

    Args:
        wanted: the network.
        architecture: the chip.
        kinds: of core that can do each of the network's groups.
    """
    total, order = float(wanted.membrane_bits.sum()), architecture.schedule.order
    if order == "layer" or not total:
        return 0.0
    cores = architecture.cores.values()
    state = sum(core.count * core.state_memory.size_bits for core in cores)
    too_many = max(0.0, total - state // WORKING_PART)
    if order == "pipeline":
        return max(too_many, _of_own_cores(wanted, architecture, kinds))
    of_neurons = {
        each for group, each in zip(wanted.groups, kinds, strict=True) if group.has_neurons.any()
    }
    is_one_pool = len(of_neurons) == 1 and len(next(iter(of_neurons))) == 1
    return total if too_many and is_one_pool else too_many


def _of_own_cores(wanted: Asked, architecture: Architecture, kinds: Sequence[Kinds]) -> float:
    """Of layers of a pipeline whose membranes do not fit the most cores that they can have."""
    count: dict[str, int] = defaultdict(int)
    for group, each in zip(wanted.groups, kinds, strict=True):
        if len(each) == 1:
            count[each[0]] += len(group.layers)
    spilled = 0.0
    for group, each in zip(wanted.groups, kinds, strict=True):
        core = architecture.cores.get(each[0]) if len(each) == 1 else None
        if core is not None:
            cores = most_cores(count[each[0]], core.count)
            room = cores * core.state_memory.size_bits // WORKING_PART
            membranes = wanted.membrane_bits[group.layers]
            spilled += float(membranes[membranes > room].sum())
    return spilled


def outside(wanted: Asked, capacity: int) -> Flags:
    """Which tensors live in the DRAM for sure."""
    tensors = wanted.tensors
    return np.asarray(tensors.is_outside | (tensors.held_bits > capacity))


def leaving_bits(wanted: Asked, architecture: Architecture, spilled: float) -> float:
    """Bits that move between cores and DRAM because their place in the buffer is not enough,
    without those of tensors that are `outside`.

    Args:
        wanted: the network.
        architecture: the chip.
        spilled: bits of all membranes that travel; each step but the last stores and each but
            the first loads them.
    """
    assert architecture.storage is not None
    capacity = architecture.storage.activation_buffer.size_bits
    is_open = ~outside(wanted, capacity)
    tensors = wanted.tensors
    held = np.where(is_open, tensors.held_bits, 0.0)
    moved = tensors.stored_bits + tensors.loaded_bits
    travelling = 2 * spilled * (max(wanted.steps) - 1)
    if architecture.schedule.order == "pipeline":
        held, moved = np.append(held, spilled), np.append(moved, travelling)
        return _least_moved(held[held > 0], moved[held > 0], capacity)
    leaving = travelling * max(0.0, 1 - capacity / spilled) if spilled else 0.0
    for layer in np.flatnonzero(wanted.meetings @ held > capacity).tolist():
        mine = (wanted.meetings[layer] > 0) & (held > 0)
        leaving += _least_moved(held[mine], moved[mine], capacity)
        if held[mine].sum() > capacity:
            held[mine] = 0.0
    return leaving


def _least_moved(held: Numbers, moved: Numbers, capacity: int) -> float:
    """What leaves moves at least so many bits, if the rest must fit."""
    left = held.sum() - capacity
    if left <= 0:
        return 0.0
    order = np.argsort(moved / held, kind="stable")
    before = np.cumsum(held[order]) - held[order]
    parts = np.clip((left - before) / held[order], 0.0, 1.0)
    return float((parts * moved[order]).sum())
