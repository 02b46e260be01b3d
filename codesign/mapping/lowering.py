"""Lowering: the mapping and one trace become jobs with exact counts and cycles.

All work on single spikes happens here, as array operations over whole layers; the simulation
sees integers only. Summed over jobs, the operations are those that `codesign.counting` counts
(a law of the tests).

For each fused layer the columns are arrays of `(slices, bands, chunks, timesteps)` that are
flattened in the order of the cores' work: tile by tile, within it chunk by chunk, within it
timestep by timestep, so that weights are loaded once for all timesteps.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from codesign.errors import Fault, InputError
from codesign.mapping.assignment import Cores, apart_from_the_job_before, number_blocks, places
from codesign.mapping.datapaths import Integers
from codesign.mapping.epilogue import epilogue_columns, transfer_columns
from codesign.mapping.geometry import chip_precision
from codesign.mapping.jobs import COLUMNS, Block, Jobs
from codesign.mapping.mapper import Mapping, Plan, weight_shares
from codesign.mapping.stages import first_stages, stages_of
from codesign.mapping.work import WORK_COLUMNS
from codesign.trace import Trace

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
    columns["stage"] = np.array(first_stages(mapping))[columns["layer"]] + columns["timestep"]
    blocks = number_blocks(mapping, columns)
    return Jobs(
        columns=columns,
        blocks=_granted_in_order(columns, blocks),
        stages=stages_of(mapping),
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


def _granted_in_order(
    columns: dict[str, NDArray[np.int64]], blocks: tuple[Block, ...]
) -> tuple[Block, ...]:
    """The order in which shared resources are granted: by layer, timestep, tile and chunk, and
    the blocks of a layer before its jobs. Sets the column `priority`, and that of the blocks."""
    of_blocks = [(block.layer, -1, number, 0) for number, block in enumerate(blocks)]
    of_jobs = np.stack([columns[name] for name in ("layer", "timestep", "tile", "chunk")], axis=1)
    keys = np.concatenate([np.array(of_blocks, dtype=np.int64).reshape(-1, 4), of_jobs])
    places = np.empty(len(keys), dtype=np.int64)
    places[np.lexsort(keys.T[::-1])] = np.arange(len(keys))
    columns["priority"] = places[len(blocks) :]
    return tuple(
        replace(block, priority=int(place)) for block, place in zip(blocks, places, strict=False)
    )
