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
from codesign.mapping.assignment import (
    Cores,
    apart_from_the_job_before,
    dealt,
    kinds_of_tiles,
    number_blocks,
    places,
    queue_bits,
)
from codesign.mapping.counters import trace_as_computed
from codesign.mapping.datapaths import Integers
from codesign.mapping.epilogue import epilogue_columns, transfer_columns
from codesign.mapping.geometry import chip_precision
from codesign.mapping.job_sizes import Columns
from codesign.mapping.jobs import COLUMNS, Block, Jobs, compute_cycles
from codesign.mapping.mapper import Mapping
from codesign.mapping.packets import packet_columns
from codesign.mapping.planning import Plan
from codesign.mapping.reduction import reduction_columns
from codesign.mapping.stages import TileStages, first_stages, stages_of
from codesign.mapping.work import WORK_COLUMNS
from codesign.specs.architecture import Core
from codesign.trace import Trace

Progress = Callable[[str, int, int], None]


def lower(
    mapping: Mapping, trace: Trace, progress: Progress | None = None, *, images: int = 1
) -> Jobs:
    """Jobs of one recorded input.

    Args:
        mapping: of the trace's workload.
        trace: the recorded spikes.
        images: how often the input follows itself, as a stream of images.
        progress: called with ("lowering", layers done, layers) after each fused layer.

    Raises:
        InputError: the trace is of another workload.
        TraceError: a recorded tensor was altered.
    """
    return arrange(mapping, measure(mapping, trace, progress), images)


def measure(
    mapping: Mapping, trace: Trace, progress: Progress | None = None
) -> dict[str, NDArray[np.int64]]:
    """Columns of the jobs of one image, layer by layer, before they have an order; arguments and
    errors as of `lower`."""
    if trace.workload != mapping.network:
        raise InputError(
            Fault(
                f"trace of {trace.workload.name}",
                f"must be of the mapped workload (got another than {mapping.network.name}).",
                "Map the trace's own workload.",
            )
        )
    trace = trace_as_computed(trace, mapping.workload)
    cores = Cores(mapping)
    parts = []
    for done, plan in enumerate(mapping.plans, start=1):
        parts.append(_layer_jobs(mapping, trace, plan, cores))
        if progress:
            progress("lowering", done, len(mapping.plans))
    return {name: np.concatenate([part[name] for part in parts]) for name in COLUMNS}


def arrange(mapping: Mapping, measured: dict[str, NDArray[np.int64]], images: int = 1) -> Jobs:
    """Jobs in the order of the cores' work.

    Args:
        mapping: that they were measured for.
        measured: columns of one image, as of `measure`.
        images: how often the input follows itself, as a stream of images.
    """
    cores = Cores(mapping)
    columns, steps = _in_order(mapping, measured, images)
    columns["apart"] = apart_from_the_job_before(mapping, columns)
    blocks = number_blocks(mapping, columns, steps)
    return Jobs(
        columns=columns,
        blocks=_granted_in_order(columns, blocks, steps),
        queue_bits=queue_bits(mapping),
        stages=stages_of(mapping, images),
        core_names=cores.names,
        core_groups=cores.groups,
        layer_names=tuple(plan.fused.name for plan in mapping.plans),
        layer_streams=tuple(str(plan.fused.stream) for plan in mapping.plans),
    )


def _layer_jobs(
    mapping: Mapping, trace: Trace, plan: Plan, cores: Cores
) -> dict[str, NDArray[np.int64]]:
    grid = plan.grid
    shape = (len(grid.slices), len(grid.bands), len(grid.chunks), plan.geometry.steps)
    by_kind = [
        _columns_at(mapping, trace, plan.at(place), mapping.architecture.kinds[place.group])
        for place in plan.places
    ]
    cycles = None
    if mapping.architecture.schedule.assignment == "balanced":
        cycles = [np.broadcast_to(compute_cycles(columns), shape) for columns in by_kind]
    teams = dealt(plan, cycles)
    kinds = kinds_of_tiles(plan, teams).reshape(shape[0], shape[1], 1, 1)
    columns = by_kind[0]
    for kind, others in enumerate(by_kind[1:], start=1):
        here = kinds == kind
        columns = {name: np.where(here, others[name], columns[name]) for name in columns}
    columns |= places(plan, teams, cores.first)
    return {
        name: np.broadcast_to(np.asarray(values, dtype=np.int64), shape).ravel()
        for name, values in columns.items()
    }


def _columns_at(mapping: Mapping, trace: Trace, plan: Plan, core: Core) -> Columns:
    """What every job of a layer takes, if it is on a kind of core."""
    precision = chip_precision(mapping.architecture)
    columns: Columns = dict.fromkeys(COLUMNS, 0)
    columns |= WORK_COLUMNS[plan.geometry.work](trace, plan, core, precision)
    for part in (
        epilogue_columns(trace, plan, core, mapping),
        transfer_columns(mapping, plan, core),
        packet_columns(trace, plan, mapping),
        reduction_columns(plan, core),
    ):
        for name, values in part.items():
            columns[name] = columns[name] + values
    return columns


def _in_order(
    mapping: Mapping, columns: dict[str, NDArray[np.int64]], images: int
) -> tuple[dict[str, NDArray[np.int64]], Integers]:
    """Jobs of all images in the order of the cores' work, and the step of each.

    Within a step and layer, the order is that in which they were lowered: by tile, chunk, timestep.
    """
    order, first = mapping.order, first_stages(mapping)
    batches = np.array([plan.geometry.batch for plan in mapping.plans])[columns["layer"]]
    stage = np.array(first)[columns["layer"]] + columns["timestep"] // batches
    of_stage = [
        order.step(plan.fused.index, step)
        for plan in mapping.plans
        for step in range(plan.geometry.steps)
    ]
    numbers = np.arange(images)[:, None]
    steps = (np.array(of_stage)[stage] + numbers * order.passes).ravel()
    repeated = {name: np.tile(values, images) for name, values in columns.items()}
    repeated["stage"] = (stage + numbers * len(of_stage)).ravel()
    _meet(mapping, repeated, images)
    in_order = np.lexsort((repeated["layer"], steps))
    return {name: values[in_order] for name, values in repeated.items()}, steps[in_order]


def _meet(mapping: Mapping, columns: dict[str, NDArray[np.int64]], images: int) -> None:
    """Sets the stages of tiles whose partial sums meet: `stage` of the jobs that send them,
    `awaits` and `opens` of the job that adds them up."""
    tiles = TileStages(mapping, images)
    for name in ("opens", "awaits"):
        columns[name] = np.full(len(columns["stage"]), -1)
    image = np.repeat(np.arange(images), len(columns["stage"]) // images)
    for plan in mapping.plans:
        if not plan.grid.is_spread:
            continue
        layer, steps = plan.fused.index, plan.geometry.steps
        mine = np.flatnonzero(columns["layer"] == layer)
        step = columns["timestep"][mine] // plan.geometry.batch
        place = columns["tile"][mine] * steps + step
        sums = tiles.sums(0, layer, 0, 0) + image[mine] * tiles.of_image + 2 * place
        sends = columns["owner"][mine] >= 0
        columns["stage"][mine[sends]] = sums[sends]
        columns["awaits"][mine[~sends]] = sums[~sends]
        columns["opens"][mine[~sends]] = sums[~sends] + 1


def _granted_in_order(
    columns: dict[str, NDArray[np.int64]], blocks: tuple[Block, ...], steps: Integers
) -> tuple[Block, ...]:
    """The order in which shared resources are granted: by step, layer, timestep, tile and chunk,
    the blocks of a layer before its jobs. Sets the column `priority`, and that of the blocks."""
    of_blocks = [(each.step, each.layer, -1, number, 0) for number, each in enumerate(blocks)]
    names = ("layer", "timestep", "tile", "chunk")
    of_jobs = np.stack([steps, *(columns[name] for name in names)], axis=1)
    keys = np.concatenate([np.array(of_blocks, dtype=np.int64).reshape(-1, 5), of_jobs])
    places = np.empty(len(keys), dtype=np.int64)
    places[np.lexsort(keys.T[::-1])] = np.arange(len(keys))
    columns["priority"] = places[len(blocks) :]
    return tuple(
        replace(block, priority=int(place)) for block, place in zip(blocks, places, strict=False)
    )
