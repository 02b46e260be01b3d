"""Fill levels: how full the shared buffers are in every cycle of a simulated run.

A tensor takes its place in the activation buffer when the first job that makes a timestep of it (or
a batch of them) begins to store, and gives it back when the last job that reads it has loaded; a
whole place is counted from the beginning, though it fills tile by tile. What leaves the network
stays. Membranes that found no place in a core's memory keep theirs for the whole run. A block of
weights takes its place in the weight buffer when its fetch is asked for, and gives it back when the
last core that computes with it has loaded it, unless it is kept.
"""

import math
from collections.abc import Iterator

import numpy as np
import pandas as pd

from codesign.chip.schedule import Schedule
from codesign.mapping.datapaths import Integers
from codesign.mapping.jobs import Jobs
from codesign.mapping.mapper import Mapping, membranes_of
from codesign.mapping.placement import readers_of
from codesign.mapping.planning import Plan

Change = tuple[int, int]
"""A cycle, and the bits that are taken (or, below 0, given back) in it."""

LEVEL_COLUMNS = ["buffer", "cycle", "bits"]


def fill_levels(mapping: Mapping, jobs: Jobs, schedule: Schedule) -> pd.DataFrame:
    """The level of each buffer from each cycle in which it changes; columns `LEVEL_COLUMNS`."""
    changes = {
        "activation_buffer": [*_tensors(mapping, jobs, schedule), *_membranes(mapping)],
        "weight_buffer": list(_weights(jobs, schedule)),
    }
    parts = [_levels(name, found) for name, found in changes.items()]
    return pd.concat(parts, ignore_index=True)


def _levels(name: str, changes: list[Change]) -> pd.DataFrame:
    """Sums of changes; of one cycle what is given back comes first, and only the last counts."""
    cycles, bits = (
        np.array(column, dtype=np.int64) for column in zip((0, 0), *changes, strict=True)
    )
    sums = pd.Series(bits).groupby(cycles).sum().cumsum()
    return pd.DataFrame({"buffer": name, "cycle": sums.index, "bits": sums.to_numpy()})


def _tensors(mapping: Mapping, jobs: Jobs, schedule: Schedule) -> Iterator[Change]:
    images = np.array([stage.image for stage in jobs.stages])[jobs.columns["stage"]]
    keys = images * mapping.workload.timesteps + jobs.columns["timestep"]
    readers = readers_of([plan.fused for plan in mapping.plans])
    for plan in mapping.plans:
        mine = jobs.columns["layer"] == plan.fused.index
        stored_from = _by_key(keys[mine], schedule.moments.roomed[mine], least=True)
        for name in plan.fused.stored:
            if name not in mapping.in_dram:
                read = np.isin(jobs.columns["layer"], readers[name])
                yield from _places(
                    mapping, (plan, name), stored_from,
                    _freed(mapping, (keys[read], schedule.moments.loaded[read]), name),
                )  # fmt: skip


def _places(
    mapping: Mapping,
    which: tuple[Plan, str],
    stored_from: dict[int, int],
    freed: dict[int, int],
) -> Iterator[Change]:
    """What one tensor takes, timestep by timestep (or batch by batch) of each image."""
    plan, name = which
    tensor, total = mapping.workload.tensor_by_name[name], mapping.workload.timesteps
    for key, first in stored_from.items():
        image, timestep = divmod(key, total)
        held = min(plan.geometry.batch, tensor.timesteps - timestep)
        bits = tensor.size * mapping.widths[name] * held
        yield first, bits
        last = freed.get(key if tensor.timesteps == total else image * total)
        if last is not None and name not in mapping.workload.outputs:
            yield last, -bits


def _freed(mapping: Mapping, reading: tuple[Integers, Integers], name: str) -> dict[int, int]:
    """When each timestep of a tensor has been read for the last time, by image and timestep."""
    keys, loaded = reading
    total = mapping.workload.timesteps
    timesteps = mapping.workload.tensor_by_name[name].timesteps
    if timesteps < total or name in _gathered_over_time(mapping):
        found = _by_key(keys // total, loaded, least=False)
        of_each = range(total) if timesteps == total else range(1)
        return {image * total + t: last for image, last in found.items() for t in of_each}
    return _by_key(keys, loaded, least=False)


def _gathered_over_time(mapping: Mapping) -> set[str]:
    """Tensors of all timesteps that a layer reads at once: those of a mean over time."""
    total = mapping.workload.timesteps
    return {
        name
        for plan in mapping.plans
        if plan.fused.timesteps(mapping.workload) < total
        for name in (*plan.fused.sources, *plan.fused.operands)
    }


def _by_key(keys: Integers, cycles: Integers, *, least: bool) -> dict[int, int]:
    grouped = pd.Series(cycles).groupby(keys)
    found = grouped.min() if least else grouped.max()
    return {int(key): int(cycle) for key, cycle in found.items()}  # type: ignore[call-overload]


def _membranes(mapping: Mapping) -> Iterator[Change]:
    for plan in mapping.plans:
        if plan.geometry.spilled_bits and membranes_of(plan.fused) not in mapping.in_dram:
            yield 0, math.prod(plan.geometry.output_map) * plan.geometry.spilled_bits


def _weights(jobs: Jobs, schedule: Schedule) -> Iterator[Change]:
    loading = jobs.columns["weight_bits"] > 0
    blocks = jobs.columns["block"][loading]
    last = _by_key(blocks, schedule.moments.weighted[loading], least=False)
    for number, block in enumerate(jobs.blocks):
        yield int(schedule.moments.asked[number]), block.bits
        if not block.kept:
            yield last[number], -block.bits
