"""Assignment: which core does each job, with which weights, and what it must be kept apart from.

Tiles are dealt to cores in runs, so that neighbours in a run share weights: to the cores of one
kind in equal runs, to those of several kinds by what a tile is expected to take them, or such that
the recorded work of all cores is alike.
Weights travel in blocks (a slice of output by a chunk of input channels) from DRAM through the
weight buffer to the cores; here it is decided how often each is fetched and who loads it when.
"""

from collections import defaultdict
from collections.abc import Mapping as Numbers
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from codesign.mapping.datapaths import Integers
from codesign.mapping.jobs import Block
from codesign.mapping.mapper import Mapping
from codesign.mapping.planning import Plan, weight_shares
from codesign.mapping.tiling import fetch_rounds, teams_by_work, teams_of_tiles


class Cores:
    """Numbers of the chip's cores, in declared order."""

    def __init__(self, mapping: Mapping):
        counts = {name: core.count for name, core in mapping.architecture.kinds.items()}
        self.first: dict[str, int] = {}
        names: list[str] = []
        groups: list[str] = []
        for group, count in counts.items():
            self.first[group] = len(names)
            names += [f"{group}[{number}]" for number in range(count)]
            groups += [group] * count
        self.names, self.groups = tuple(names), tuple(groups)


def dealt(plan: Plan, cycles: Sequence[Integers] | None) -> Integers:
    """The team of cores that does each tile, counted over all kinds of the layer.

    Args:
        plan: of the layer.
        cycles: of each job on each kind of core, shape `(slices, bands, chunks, steps)`, if tiles
            are dealt by their recorded work. Layers whose membranes stay in the cores are dealt as
            expected all the same, because their memory was.
    """
    if cycles is None or plan.geometry.membranes == "resident":
        return teams_of_tiles(plan.grid.tile_count, plan.choice.teams)
    work = [
        each.sum(axis=3).max(axis=2) if plan.grid.is_spread else each.sum(axis=(2, 3))
        for each in cycles
    ]
    kinds = [kind for kind, (count, _) in enumerate(plan.choice.teams) for _ in range(count)]
    return teams_by_work(np.stack([each.ravel() for each in work]), kinds)


def kinds_of_tiles(plan: Plan, teams: Integers) -> Integers:
    """Which of the plan's places does each tile."""
    ends = np.cumsum([count for count, _ in plan.choice.teams])
    kinds: Integers = np.searchsorted(ends, teams, side="right")
    return kinds


def places(plan: Plan, teams: Integers, first_cores: Numbers[str, int]) -> dict[str, Integers]:
    """Who does each job, and with which weights.

    Args:
        plan: of the layer.
        teams: of each tile.
        first_cores: number of the first core of each kind.
    """
    grid, per_tile = plan.grid, plan.grid.cores_per_tile
    slices, bands, chunks = len(grid.slices), len(grid.bands), len(grid.chunks)
    keeps = plan.keeps_weights or plan.geometry.keeps_weights(plan.weight_share)
    first_of_team = np.concatenate(
        [
            first_cores[place.group] + place.first + np.arange(count) * per_tile
            for place, (count, _) in zip(plan.places, plan.choice.teams, strict=True)
        ]
    )
    cores = first_of_team[teams].reshape(slices, bands, 1, 1)
    chunk = np.arange(chunks).reshape(1, 1, chunks, 1)
    none: Integers = np.full((1, 1, 1, 1), -1)
    block = none
    if plan.geometry.weight_bits:
        rounds = fetch_rounds(grid, teams, keeps=keeps)
        fetched_for = rounds.reshape(slices, bands, 1, 1)
        slice_number = np.arange(slices).reshape(slices, 1, 1, 1)
        block = (fetched_for * chunks + chunk) * slices + slice_number
    steps = np.arange(plan.geometry.steps)
    return {
        "layer": np.full((1, 1, 1, 1), plan.fused.index),
        "timestep": (steps * plan.geometry.batch).reshape(1, 1, 1, -1),
        "tile": np.arange(slices * bands).reshape(slices, bands, 1, 1),
        "chunk": chunk,
        "core": cores + chunk * grid.is_spread,
        "owner": np.where(chunk < chunks - 1, cores + chunks - 1, -1) if per_tile > 1 else none,
        "block": block,
    }


def number_blocks(
    mapping: Mapping, columns: dict[str, NDArray[np.int64]], steps: Integers
) -> tuple[Block, ...]:
    """Blocks in the order in which they are fetched; `columns["block"]` becomes their number.

    The order is (step, layer, round, chunk, slice), where a layer that stays in the buffer has the
    step of its first pass. The blocks of a layer that the buffer keeps fit it together. Of other
    layers it is the order in which every core asks for its own blocks, so the oldest one in the
    buffer is always the next of the cores that still lack it: a full buffer cannot stop the chip.

    Args:
        mapping: what was decided.
        columns: of all jobs, in the order of the cores' work.
        steps: of each job, when its pass is computed.
    """
    jobs = np.flatnonzero(columns["block"] >= 0)
    layer, block = columns["layer"][jobs], columns["block"][jobs]
    loading, source = _loads(mapping, columns, jobs)
    keeps = np.array([plan.keeps_weights for plan in mapping.plans])[layer]
    first = np.full(len(mapping.plans), steps.max(initial=0))
    np.minimum.at(first, columns["layer"], steps)
    width = int(block.max(initial=0)) + 1
    keys = np.where(keeps, first[layer], steps[jobs]) * len(mapping.plans) + layer
    keys = keys * width + block
    blocks, examples, numbers = np.unique(keys[loading], return_index=True, return_inverse=True)
    loads = np.bincount(numbers, minlength=len(blocks))
    sizes = columns["weight_bits"][jobs][loading][examples]
    layers = layer[loading][examples]
    of_jobs = np.zeros(len(jobs), dtype=np.int64)
    of_jobs[loading] = numbers
    columns["block"][jobs] = of_jobs[source]
    for name in ("weight_bits", "weight_writes"):
        columns[name][np.delete(jobs, loading)] = 0
    return tuple(
        Block(
            int(layer),
            mapping.plans[layer].queue,
            *(int(size), int(count)),
            step=int(key // width // len(mapping.plans)),
            kept=mapping.plans[layer].keeps_weights,
        )
        for key, layer, size, count in zip(blocks, layers, sizes, loads, strict=True)
    )


def queue_bits(mapping: Mapping) -> dict[str, int]:
    """Bits of the weight buffer that each queue of blocks has."""
    shares, kinds = weight_shares(mapping.architecture), mapping.architecture.kinds
    return {
        plan.queue: sum(shares[kind] for kind in plan.pool)
        * plan.places[0].count
        // kinds[plan.places[0].group].count
        for plan in mapping.plans
    }


def _loads(
    mapping: Mapping, columns: dict[str, NDArray[np.int64]], jobs: Integers
) -> tuple[Integers, Integers]:
    """Which of the jobs with weights load them, and for each which of them loaded what it uses.

    A job loads its block if the core's job before had another. Where each timestep is a pass, a
    core whose weight memory holds all that it ever uses loads each block once.
    """
    layer, core = columns["layer"][jobs], columns["core"][jobs]
    contents = np.array([len(p.grid.chunks) * len(p.grid.slices) for p in mapping.plans])
    content = columns["block"][jobs] % contents[layer]
    _, used = np.unique(np.stack([core, layer, content]), axis=1, return_inverse=True)
    used = used.ravel()
    in_order = np.argsort(core, kind="stable")
    begins = np.ones(len(jobs), dtype=bool)
    begins[1:] = used[in_order][1:] != used[in_order][:-1]
    source = np.empty(len(jobs), dtype=np.int64)
    source[in_order] = in_order[np.maximum.accumulate(np.where(begins, np.arange(len(jobs)), 0))]
    if mapping.order.kind != "layer" and len(jobs):
        _, first_use = np.unique(used, return_index=True)
        held = np.zeros(int(columns["core"].max()) + 1, dtype=np.int64)
        np.add.at(held, core[first_use], columns["weight_bits"][jobs][first_use])
        memories = np.array([_weight_memory(mapping, each) for each in range(len(held))])
        holds_all = (held <= memories)[core]
        source = np.where(holds_all, first_use[used], source)
    loading: Integers = np.flatnonzero(source == np.arange(len(jobs)))
    return loading, source


def _weight_memory(mapping: Mapping, core: int) -> int:
    """Bits of the weight memory of a core of the chip."""
    for kind in mapping.architecture.kinds.values():
        if core < kind.count:
            return kind.weight_memory.size_bits
        core -= kind.count
    raise IndexError(core)


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
    results, at_work, operands, size = _state_needs(mapping)[:, layer, core]
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
    what there is; shape `(4, layers, cores)`, 0 where a core has no part of a layer."""
    groups = Cores(mapping).groups
    needs = np.zeros((4, len(mapping.plans), len(groups)), dtype=np.int64)
    of_layers: dict[tuple[str, str], int] = defaultdict(int)
    for plan in mapping.plans:
        for group in plan.groups:
            of_layers[plan.queue, group] += plan.resident_bits(group)
    for layer, plan in enumerate(mapping.plans):
        for place in plan.places:
            memory = mapping.architecture.kinds[place.group].state_memory
            sizes, grid = place.geometry, plan.grid
            cores = [number for number, group in enumerate(groups) if group == place.group]
            needs[:, layer, cores] = np.array(
                [
                    sizes.results_bits(grid),
                    sizes.at_work_bits(grid),
                    sizes.operands_bits(grid),
                    memory.size_bits - of_layers[plan.queue, place.group],
                ]
            )[:, None]
    return needs
