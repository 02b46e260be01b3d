"""Lowering: the mapping and one trace become jobs with exact counts and cycles.

All work on single spikes happens here, as array operations over whole layers; the simulation
sees integers only. Summed over jobs, the operations are those that `codesign.counting` counts
(a law of the tests).

For each fused layer the columns are arrays of `(slices, bands, chunks, timesteps)` that are
flattened in the order of the cores' work: tile by tile, within it chunk by chunk, within it
timestep by timestep, so that weights are loaded once for all timesteps.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from codesign.errors import Fault, InputError
from codesign.mapping.datapaths import Integers
from codesign.mapping.epilogue import epilogue_columns, transfer_columns
from codesign.mapping.geometry import chip_precision
from codesign.mapping.jobs import COLUMNS, Block, Jobs
from codesign.mapping.mapper import Mapping, Plan
from codesign.mapping.placement import read_tensors
from codesign.mapping.work import WORK_COLUMNS
from codesign.trace import Trace
from codesign.workload import LayerType, Workload

Progress = Callable[[str, int, int], None]


def lower(mapping: Mapping, trace: Trace, progress: Progress | None = None) -> Jobs:
    """Jobs of one recorded input.

    Args:
        mapping: of the trace's workload.
        trace: the recorded spikes.
        progress: called with ("lowering", layers done, layers) after each fused layer.

    Raises:
        InputError: the trace is of another workload.
        TraceError: a recorded tensor was altered.
    """
    if trace.workload != mapping.workload:
        raise InputError(
            Fault(
                f"trace of {trace.workload.name}",
                f"must be of the mapped workload (got another than {mapping.workload.name}).",
                "Map the trace's own workload.",
            )
        )
    cores = _Cores(mapping)
    parts = []
    for done, plan in enumerate(mapping.plans, start=1):
        parts.append(_layer_jobs(mapping, trace, plan, cores))
        if progress:
            progress("lowering", done, len(mapping.plans))
    columns = {name: np.concatenate([part[name] for part in parts]) for name in COLUMNS}
    return Jobs(
        columns=columns,
        blocks=_number_blocks(mapping, columns),
        needs=_needs(mapping),
        core_names=cores.names,
        core_groups=cores.groups,
        layer_names=tuple(plan.fused.name for plan in mapping.plans),
        layer_streams=tuple(str(plan.fused.stream) for plan in mapping.plans),
    )


class _Cores:
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


def _layer_jobs(
    mapping: Mapping, trace: Trace, plan: Plan, cores: _Cores
) -> dict[str, NDArray[np.int64]]:
    grid = plan.grid
    shape = (len(grid.slices), len(grid.bands), len(grid.chunks), plan.geometry.timesteps)
    core = mapping.architecture.cores[plan.group]
    precision = chip_precision(mapping.architecture)
    columns: dict[str, Integers | int] = dict.fromkeys(COLUMNS, 0)
    columns |= WORK_COLUMNS[plan.geometry.work](trace, plan, core, precision)
    for part in (
        epilogue_columns(trace, plan, core, mapping),
        transfer_columns(mapping, plan, core),
    ):
        for name, values in part.items():
            columns[name] = columns[name] + values
    columns |= _places(plan, shape, cores.first[plan.group], core.count)
    return {
        name: np.broadcast_to(np.asarray(values, dtype=np.int64), shape).ravel()
        for name, values in columns.items()
    }


def _places(
    plan: Plan, shape: tuple[int, ...], first_core: int, core_count: int
) -> dict[str, Integers]:
    """Who does each job. `block` is made unique per layer, round, chunk and slice."""
    slices, bands, chunks, timesteps = shape
    tiles = np.arange(slices * bands)
    cores = tiles * min(core_count, len(tiles)) // len(tiles)
    rounds = tiles - np.searchsorted(cores, cores)
    part = {"tile": tiles, "core": first_core + cores, "round": rounds}
    places = {name: each.reshape(slices, bands, 1, 1) for name, each in part.items()}
    chunk = np.arange(chunks).reshape(1, 1, chunks, 1)
    slice_number = np.arange(slices).reshape(slices, 1, 1, 1)
    if plan.geometry.weight_bits:
        loading = places["round"]
        if chunks == 1:  # a core that goes on with the same slice keeps its weights
            starts = np.searchsorted(
                cores * slices + tiles // bands, cores * slices + tiles // bands
            )
            loading = rounds[starts].reshape(slices, bands, 1, 1)
        block = (loading * chunks + chunk) * slices + slice_number
    else:
        block = np.full((1, 1, 1, 1), -1)
    return {
        "layer": np.full((1, 1, 1, 1), plan.fused.index),
        "timestep": np.arange(timesteps).reshape(1, 1, 1, timesteps),
        "tile": places["tile"],
        "chunk": chunk,
        "core": places["core"],
        "block": block,
    }


def _number_blocks(mapping: Mapping, columns: dict[str, NDArray[np.int64]]) -> tuple[Block, ...]:
    """Blocks in the order in which they are fetched; `columns["block"]` becomes their number.

    The order (layer, round, chunk, slice) is that in which every core asks for its own blocks, so
    the oldest block in the weight buffer is always the next one of the cores that still lack it:
    a full buffer cannot stop the chip. Only the first job of a core with a block loads it.
    """
    jobs = np.flatnonzero(columns["block"] >= 0)
    width = int(columns["block"].max(initial=0)) + 1
    keys = columns["layer"][jobs] * width + columns["block"][jobs]
    blocks, examples, numbers = np.unique(keys, return_index=True, return_inverse=True)
    cores = int(columns["core"].max(initial=0)) + 1
    loading = np.unique(numbers * cores + columns["core"][jobs], return_index=True)[1]
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


def _needs(mapping: Mapping) -> dict[tuple[int, int], tuple[tuple[int, int], ...]]:
    """For each (fused layer, timestep), what must be stored before its jobs load."""
    workload = mapping.workload
    maker = {name: plan.fused.index for plan in mapping.plans for name in plan.fused.stored}
    needs = {}
    for plan in mapping.plans:
        for timestep in range(plan.geometry.timesteps):
            wanted = [
                (maker[name], needed)
                for name in read_tensors(plan.fused)
                if name in maker
                for needed in _needed_timesteps(workload, plan, name, timestep)
            ]
            needs[plan.fused.index, timestep] = tuple(dict.fromkeys(wanted))
    return needs


def _needed_timesteps(workload: Workload, plan: Plan, name: str, timestep: int) -> range:
    made = workload.tensor_by_name[name].timesteps
    if plan.fused.main.type is LayerType.TIME_MEAN:
        return range(made)
    return range(1) if made == 1 else range(timestep, timestep + 1)
