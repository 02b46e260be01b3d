"""Rows of floors: lower bounds of many chips for one network, computed in one task."""

import time
from collections.abc import Iterator
from dataclasses import dataclass

from codesign.errors import CodesignError
from codesign.exploration.results import Status
from codesign.exploration.rows import Found, Row, peak_bytes, traces
from codesign.floors import Demand, demand, floors
from codesign.specs.architecture import Architecture
from codesign.specs.catalogue import AnyWorkload

_demands: dict[tuple[str, frozenset[int]], list[Demand]] = {}
"""Of the networks that this process has seen, with the numbers of pixels that lanes share."""


@dataclass(frozen=True)
class FloorTask:
    """Many chips, and one network that runs on them.

    Attributes:
        key: of the task.
        workload: with its images.
        chips: keys of the rows, and chips.
    """

    key: str
    workload: AnyWorkload
    chips: tuple[tuple[str, Architecture], ...]


def floor_rows(task: FloorTask) -> Found:
    """The floors of all chips of a task, by key, as `rows`; of several images their means."""
    start = time.perf_counter()
    pixels = frozenset(pixels for _, chip in task.chips for pixels in _shared_pixels(chip))
    demands = _demands_of(task.workload, pixels)
    rows = {key: _row(demands, architecture) for key, architecture in task.chips}
    took = time.perf_counter() - start
    return Found(task.key, Status.BOUNDED, {"rows": rows}, took, peak_bytes())


def _shared_pixels(architecture: Architecture) -> Iterator[int]:
    """How many pixels share the lanes of gathering cores."""
    for core in (architecture.cores or {}).values():
        if core.spike is not None and core.spike.pixels is not None:
            yield core.spike.pixels


def _demands_of(workload: AnyWorkload, pixels: frozenset[int]) -> list[Demand]:
    name = workload.model_dump_json(), pixels
    if name not in _demands:
        _demands[name] = [demand(trace, pixels) for trace in traces(workload)]
    return _demands[name]


def _row(demands: list[Demand], architecture: Architecture) -> Row:
    """Columns of one chip; nothing where the workload does not fit it."""
    try:
        found = [floors(each, architecture) for each in demands]
    except CodesignError:
        return {}
    row: Row = {"floor_energy_pj": sum(each.energy_pj for each in found) / len(found)}
    cycles = [each.makespan_cycles for each in found if each.makespan_cycles is not None]
    if len(cycles) == len(found) and architecture.technology is not None:
        row["floor_latency_s"] = sum(cycles) / len(cycles) / architecture.technology.clock_hz
    return row
