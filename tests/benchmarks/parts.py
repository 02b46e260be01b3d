"""How long each part of one run takes behind its recording."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from codesign.chip import simulate
from codesign.energy import price
from codesign.mapping import lower, map_workload
from codesign.specs.catalogue import load_architecture
from codesign.trace_files import load_trace

T = TypeVar("T")


def part_times(recording: Path, architecture_name: str) -> list[tuple[str, float]]:
    """Each part of a run with its time in seconds, in the order of the flow."""
    times: list[tuple[str, float]] = []

    def timed(label: str, part: Callable[[], T]) -> T:
        start = time.perf_counter()
        result = part()
        times.append((label, time.perf_counter() - start))
        return result

    trace = timed("loading the recording", lambda: load_trace(recording))
    architecture = load_architecture(architecture_name)
    mapping = timed("mapping", lambda: map_workload(trace.workload, architecture))
    jobs = timed("lowering", lambda: lower(mapping, trace))
    schedule = timed(f"simulation of {len(jobs)} jobs", lambda: simulate(architecture, jobs))
    timed("pricing", lambda: price(jobs, schedule, architecture))
    return times
