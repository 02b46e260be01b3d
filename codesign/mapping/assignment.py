"""Assignment: which core does each job, with which weights, and what it must be kept apart from.

Tiles are dealt to the cores of a kind in equal runs, so that neighbours in a run share weights.
Weights travel in blocks (a slice of output by a chunk of input channels) from DRAM through the
weight buffer to the cores; here it is decided how often each is fetched and who loads it when.
"""

import numpy as np
from numpy.typing import NDArray

from codesign.mapping.datapaths import Integers
from codesign.mapping.jobs import Block
from codesign.mapping.mapper import Mapping, Plan
from codesign.mapping.tiling import cores_of_tiles, fetch_rounds


class Cores:
    """Numbers of the chip's cores, in declared order."""

    def __init__(self, mapping: Mapping):
        counts = {name: core.count for name, core in mapping.architecture.cores.items()}
        self.first: dict[str, int] = {}
        names: list[str] = []
        groups: list[str] = []
        for group, count in counts.items():
            self.first[group] = len(names)
            names += [f"{group}[{number}]" for number in range(count)]
            groups += [group] * count
        self.names, self.groups = tuple(names), tuple(groups)


def places(
    plan: Plan, shape: tuple[int, ...], cores_of_group: tuple[int, int], keeps: bool
) -> dict[str, Integers]:
    """Who does each job, and with which weights.

    Args:
        plan: of the layer.
        shape: slices, bands, chunks, timesteps.
        cores_of_group: number of the first core of the layer's kind, and how many there are.
        keeps: whether the weight buffer holds the whole layer.
    """
    slices, bands, chunks, timesteps = shape
    tiles = np.arange(slices * bands)
    first_core, core_count = cores_of_group
    cores = cores_of_tiles(len(tiles), core_count)
    chunk = np.arange(chunks).reshape(1, 1, chunks, 1)
    block: Integers = np.full((1, 1, 1, 1), -1)
    if plan.geometry.weight_bits:
        rounds = fetch_rounds(plan.grid, core_count, keeps=keeps)
        fetched_for = rounds.reshape(slices, bands, 1, 1)
        slice_number = np.arange(slices).reshape(slices, 1, 1, 1)
        block = (fetched_for * chunks + chunk) * slices + slice_number
    return {
        "layer": np.full((1, 1, 1, 1), plan.fused.index),
        "timestep": np.arange(timesteps).reshape(1, 1, 1, timesteps),
        "tile": tiles.reshape(slices, bands, 1, 1),
        "chunk": chunk,
        "core": first_core + cores.reshape(slices, bands, 1, 1),
        "block": block,
    }


def number_blocks(mapping: Mapping, columns: dict[str, NDArray[np.int64]]) -> tuple[Block, ...]:
    """Blocks in the order in which they are fetched; `columns["block"]` becomes their number.

    The order is (layer, round, chunk, slice). The blocks of a layer that the buffer keeps fit it
    together. Of other layers it is the order in which every core asks for its own blocks, so the
    oldest one in the buffer is always the next of the cores that still lack it: a full buffer
    cannot stop the chip.
    A job loads its block if the core's job before had another.
    """
    jobs = np.flatnonzero(columns["block"] >= 0)
    width = int(columns["block"].max(initial=0)) + 1
    keys = columns["layer"][jobs] * width + columns["block"][jobs]
    blocks, examples, numbers = np.unique(keys, return_index=True, return_inverse=True)
    in_order = np.argsort(columns["core"][jobs], kind="stable")
    held = np.stack([columns["core"][jobs], numbers])[:, in_order]
    changes = np.any(held[:, 1:] != held[:, :-1], axis=0)
    loading = in_order[np.concatenate([np.ones(min(1, len(jobs)), dtype=bool), changes])]
    loads = np.bincount(numbers[loading], minlength=len(blocks))
    sizes = columns["weight_bits"][jobs][examples]
    layers = columns["layer"][jobs][examples]
    columns["block"][jobs] = numbers
    reusing = np.delete(jobs, loading)
    for name in ("weight_bits", "weight_writes"):
        columns[name][reusing] = 0
    return tuple(
        Block(int(layer), mapping.plans[layer].group, int(size), int(count))
        for layer, size, count in zip(layers, sizes, loads, strict=True)
    )


def apart_from_the_job_before(
    mapping: Mapping, columns: dict[str, NDArray[np.int64]]
) -> NDArray[np.int64]:
    """1 for jobs whose operands find no place beside the jobs before.

    Jobs of one layer are cut so that they fit the state memory together: the results of one, the
    next at work, the operands of the one behind it; or, while the first is still to be stored, the
    results of two and the operands of the two behind them. Where a core goes from one layer to
    another this may not fit, and the later layer then waits until the earlier one is stored.
    """
    in_order = np.argsort(columns["core"], kind="stable")
    core, layer = columns["core"][in_order], columns["layer"][in_order]
    results, at_work, operands, size = _state_needs(mapping)[:, layer]
    rank = np.arange(len(core)) - np.searchsorted(core, core)

    def earlier(values: Integers, places: int) -> Integers:
        """Of the job so many places before on the same core; 0 if there is none."""
        return np.where(rank >= places, np.roll(values, places), 0)

    changes = (rank > 0) & (layer != np.roll(layer, 1))
    kept = at_work - results - operands  # sums that wait for the layer's next job
    kept = np.where(changes, 0, earlier(kept, 1))
    loaded = earlier(results, 2) + earlier(at_work, 1) + operands
    begun = earlier(results, 1) + at_work + operands
    waiting = earlier(results, 3) + earlier(results, 2) + earlier(kept + operands, 1) + operands
    crowded = waiting > size
    for place in (1, 2):  # also if the job, or the next, is one of those at the back
        crowded |= (rank < np.roll(rank, -place)) & np.roll(waiting > size, -place)
    apart = np.zeros(len(core), dtype=np.int64)
    apart[in_order] = changes & ((loaded > size) | (begun > size) | crowded)
    return apart


def _state_needs(mapping: Mapping) -> Integers:
    """State memory that each layer's largest job needs for results, at work, for operands, and
    what there is; shape `(4, layers)`."""
    cores = mapping.architecture.cores
    needs = [
        (
            plan.geometry.results_bits(plan.grid),
            plan.geometry.at_work_bits(plan.grid),
            plan.geometry.operands_bits(plan.grid),
            cores[plan.group].state_memory.size_bits,
        )
        for plan in mapping.plans
    ]
    return np.array(needs, dtype=np.int64).T
