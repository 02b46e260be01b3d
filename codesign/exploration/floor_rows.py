"""Rows of floors: lower bounds of many chips for one network, computed in one task."""

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass

from codesign.errors import CodesignError
from codesign.exploration.results import Status
from codesign.exploration.rows import Found, Row, peak_bytes, told, traces
from codesign.floors import Demand, demand, floors
from codesign.specs.architecture import Architecture
from codesign.specs.catalogue import AnyWorkload

_JOULE_PER_PJ = 1e-12
_ROUNDING = 1 - 1e-12
"""Sums and products of a simulation are rounded in another order: relative errors of some 1e-16 for
each, and floors that are exact must not exceed what they are floors of."""

_demands: dict[tuple[tuple[str, ...], frozenset[int]], list[Demand]] = {}
"""Of the networks that this process has seen, with the numbers of pixels that lanes share."""


@dataclass(frozen=True)
class FloorTask:
    """Many chips, and one network that runs on them.

    Attributes:
        key: of the task.
        workload: with its images.
        traces: hash of the recording of each image.
        chips: keys of the rows, and chips.
    """

    key: str
    workload: AnyWorkload
    traces: tuple[str, ...]
    chips: tuple[tuple[str, Architecture], ...]


def floor_rows(task: FloorTask) -> Found:
    """The floors of all chips of a task, by key, as `rows`; of several images their means."""
    start = time.perf_counter()
    try:
        rows = _rows(task)
    except Exception as error:  # floors are a help: without them, all points are simulated
        return Found(task.key, Status.FAILED, {"error": told(error)})
    took = time.perf_counter() - start
    return Found(task.key, Status.BOUNDED, {"rows": rows}, took, peak_bytes())


def _rows(task: FloorTask) -> dict[str, Row]:
    pixels = frozenset(pixels for _, chip in task.chips for pixels in _shared_pixels(chip))
    demands = _demands_of(task, pixels)
    return {key: _row(demands, architecture) for key, architecture in task.chips}


def _shared_pixels(architecture: Architecture) -> Iterator[int]:
    """How many pixels share the lanes of gathering cores."""
    for core in (architecture.cores or {}).values():
        if core.spike is not None and core.spike.pixels is not None:
            yield core.spike.pixels


def _demands_of(task: FloorTask, pixels: frozenset[int]) -> list[Demand]:
    name = task.traces, pixels
    if name not in _demands:
        _demands[name] = [demand(trace, pixels) for trace in traces(task.workload, task.traces)]
    return _demands[name]


def _row(demands: list[Demand], architecture: Architecture) -> Row:
    """Columns of one chip; nothing where the workload does not fit it.

    Of several images they are means, as those of a simulation: that of the energy-delay product is
    the mean of products.
    """
    try:
        found = [floors(each, architecture) for each in demands]
    except CodesignError:
        return {}
    row: Row = {"floor_energy_pj": _mean([each.energy_pj for each in found])}
    cycles = [each.makespan_cycles for each in found if each.makespan_cycles is not None]
    if len(cycles) == len(found) and architecture.technology is not None:
        latencies = [number / architecture.technology.clock_hz for number in cycles]
        row["floor_latency_s"] = _mean(latencies)
        edps = [
            latency * each.energy_pj * _JOULE_PER_PJ
            for latency, each in zip(latencies, found, strict=True)
        ]
        row["floor_edp_js"] = _mean(edps)
    return row


def _mean(values: list[float]) -> float:
    """A mean that no other order of rounding falls below."""
    return math.fsum(values) / len(values) * _ROUNDING
