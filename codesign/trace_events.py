"""Trace events: a run in the format of Chrome's tracing, which Perfetto opens.

One track for each core, port, channel and link, with a slice for everything that it did; counters
for power and for what the buffers hold; and arrows from the jobs whose results meet at a join to
the first job of the join. Times are cycles in microseconds, exact to the picosecond: both ends of a
slice are rounded alike, so that slices which touch do not overlap.

The format: Trace Event Format, Google, 2016 (phases `X`, `C`, `s`, `f`, `M`).
"""

import gzip
import io
import json
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pandas as pd

from codesign.errors import Fault, InputError
from codesign.results import Result
from codesign.whole_files import write_whole

_CORES, _MEMORIES, _COUNTERS = 1, 2, 3
PROCESSES = {
    _CORES: "cores",
    _MEMORIES: "memories and NoC",
    _COUNTERS: "counters",
}
_PS_PER_SECOND = 10**12


def write_trace_events(result: Result, path: Path) -> None:
    """Writes the timeline of a result as gzipped JSON.

    Args:
        result: of a run with a timeline.
        path: the file; it appears only when it is complete.

    Raises:
        InputError: the run has no timeline, or the file cannot be written.
    """
    if result.timeline.empty:
        problem = f"needs a run with a timeline (got one on {result.summary['architecture']})."
        raise InputError(Fault(str(path), problem, "Use an architecture with cores."))
    buffer = io.BytesIO()
    with gzip.GzipFile(fileobj=buffer, mode="wb", mtime=0) as packed:  # equal runs, equal files
        head = {"displayTimeUnit": "ns", "otherData": origin(result)}
        packed.write(json.dumps(head)[:-1].encode() + b', "traceEvents": [\n')
        for number, event in enumerate(trace_events(result)):
            packed.write((b",\n" if number else b"") + json.dumps(event).encode())
        packed.write(b"\n]}\n")
    write_whole(path, buffer.getvalue())


def trace_events(result: Result) -> Iterator[dict[str, Any]]:
    """All events: names of tracks, slices, counters, arrows."""
    clock = _Clock(result)
    cores = list(dict.fromkeys(result.occupancy["core"]))
    others = sorted(set(result.timeline["resource"]) - set(cores), key=_in_order)
    tracks = {name: (_CORES, number) for number, name in enumerate(cores)}
    tracks |= {name: (_MEMORIES, number) for number, name in enumerate(others)}
    yield from _names(tracks)
    for row in result.timeline.to_dict("records"):
        yield _slice({str(key): value for key, value in row.items()}, tracks, clock)
    for name, cycle, value in result.counters.itertuples(index=False):
        at = {"pid": _COUNTERS, "tid": 0, "ts": clock.us(cycle)}
        yield {"name": name, "ph": "C", **at, "args": {name: value}}
    yield from _arrows(result.flows, tracks, clock)


class _Clock:
    """Cycles as microseconds, of the input whose timeline is kept.

    Attributes:
        makespan_cycles: of that input.
    """

    def __init__(self, result: Result):
        self._ps = float(result.summary["latency_s"]) * _PS_PER_SECOND
        self._cycles = float(result.summary["makespan_cycles"])
        self.makespan_cycles = int(result.critical_path["end_cycle"].max())

    def ps(self, cycle: int) -> int:
        return round(int(cycle) * self._ps / self._cycles)

    def us(self, cycle: int) -> float:
        return self.ps(cycle) / 10**6


def _names(tracks: dict[str, tuple[int, int]]) -> Iterator[dict[str, Any]]:
    for process, name in PROCESSES.items():
        at = {"ph": "M", "pid": process, "tid": 0}
        yield {"name": "process_name", **at, "args": {"name": name}}
        yield {"name": "process_sort_index", **at, "args": {"sort_index": process}}
    for name, (process, thread) in tracks.items():
        at = {"ph": "M", "pid": process, "tid": thread}
        yield {"name": "thread_name", **at, "args": {"name": name}}
        yield {"name": "thread_sort_index", **at, "args": {"sort_index": thread}}


def _slice(
    row: dict[str, Any], tracks: dict[str, tuple[int, int]], clock: _Clock
) -> dict[str, Any]:
    process, thread = tracks[row["resource"]]
    start, end = int(row["start_cycle"]), int(row["end_cycle"])
    length = (clock.ps(end) - clock.ps(start)) / 10**6
    facts = {name: row[name] for name in ("stream", "timestep", "tile")}
    return {
        **{"name": row["layer"] or "messages", "cat": row["state"], "ph": "X"},
        **{"pid": process, "tid": thread, "ts": clock.us(start), "dur": length},
        "args": {**facts, "start_cycle": start, "cycles": end - start},
    }


def _arrows(
    flows: pd.DataFrame, tracks: dict[str, tuple[int, int]], clock: _Clock
) -> Iterator[dict[str, Any]]:
    """Each arrow begins in the slice of a job and ends at that of the join."""
    numbers = count(1)
    for flow in flows.to_dict("records"):
        shared = {"name": "join", "cat": "join", "id": next(numbers)}
        for phase, side in (("s", "from"), ("f", "to")):
            process, thread = tracks[flow[f"{side}_core"]]
            at = {"pid": process, "tid": thread, "ts": clock.us(flow[f"{side}_cycle"])}
            ends = {"bp": "e"} if phase == "f" else {}
            yield {**shared, "ph": phase, **at, **ends}


def _in_order(name: str) -> tuple[str, int, str]:
    return name.partition("[")[0], len(name), name


def origin(result: Result) -> dict[str, Any]:
    """What the events are of: the first input, if there are several."""
    keys = ("workload", "architecture", "architecture_hash", "version", "images")
    clock = _Clock(result)
    return {
        **{name: result.summary[name] for name in keys},
        "trace_hash": result.summary.get("timeline_of", result.summary["trace_hash"]),
        "makespan_cycles": clock.makespan_cycles,
        "latency_s": clock.ps(clock.makespan_cycles) / _PS_PER_SECOND,
    }
