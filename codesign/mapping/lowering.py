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
from codesign.mapping.assignment import Cores, apart_from_the_job_before, number_blocks, places
from codesign.mapping.datapaths import Integers
from codesign.mapping.epilogue import epilogue_columns, transfer_columns
from codesign.mapping.fusion import read_tensors
from codesign.mapping.geometry import chip_precision
from codesign.mapping.jobs import COLUMNS, Jobs, Place
from codesign.mapping.mapper import Mapping, Plan, weight_shares
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
    cores = Cores(mapping)
    parts = []
    for done, plan in enumerate(mapping.plans, start=1):
        parts.append(_layer_jobs(mapping, trace, plan, cores))
        if progress:
            progress("lowering", done, len(mapping.plans))
    columns = {name: np.concatenate([part[name] for part in parts]) for name in COLUMNS}
    columns["apart"] = apart_from_the_job_before(mapping, columns)
    return Jobs(
        columns=columns,
        blocks=number_blocks(mapping, columns),
        needs=_needs(mapping),
        room=_room(mapping),
        core_names=cores.names,
        core_groups=cores.groups,
        layer_names=tuple(plan.fused.name for plan in mapping.plans),
        layer_streams=tuple(str(plan.fused.stream) for plan in mapping.plans),
    )


def _layer_jobs(
    mapping: Mapping, trace: Trace, plan: Plan, cores: Cores
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
    keeps = plan.geometry.keeps_weights(weight_shares(mapping.architecture)[plan.group])
    columns |= places(plan, shape, (cores.first[plan.group], core.count), keeps)
    return {
        name: np.broadcast_to(np.asarray(values, dtype=np.int64), shape).ravel()
        for name, values in columns.items()
    }


def _room(mapping: Mapping) -> tuple[tuple[Place, ...], ...]:
    """For each fused layer, what must be stored before its jobs store."""
    return tuple(
        tuple(
            (index, timestep)
            for index in awaited
            for timestep in range(mapping.plans[index].geometry.timesteps)
        )
        for awaited in mapping.waits
    )


def _needs(mapping: Mapping) -> dict[Place, tuple[Place, ...]]:
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
