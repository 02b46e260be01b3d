"""Rows: what one point of a sweep comes to, computed in whatever process is free.

A task carries all that determines its row; a process keeps the recordings that it has read, since
neighbouring points share them. Nothing here knows of the sweep, of other points or of files of
results.
"""

import functools
import hashlib
import json
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import codesign
from codesign.errors import CapacityError, CodesignError, TraceError
from codesign.exploration.results import Status
from codesign.specs.architecture import Architecture
from codesign.specs.catalogue import AnyWorkload
from codesign.trace import Trace

_KEPT_TRACES = 8
"""Of a process, each a few megabytes: networks of a sweep take turns."""

_UNRELATED = {"cli", "pages", "published", "networks", "models", "recording", "datasets"}
"""Rooms whose code cannot change a row: what records is in the hash of the recording."""
_OWN = {"rows.py", "floor_rows.py"}
"""Modules of this room whose code can."""
_LIBRARIES = ("numpy", "pandas", "simpy")

Row = dict[str, Any]


@dataclass(frozen=True)
class Task:
    """One workload on one chip.

    Attributes:
        key: of its row, see `row_key`.
        workload: with the images that it is run for.
        traces: hash of the recording of each image, on which the key rests.
        architecture: the chip.
        has_stream: whether a stream of images is simulated as well.
    """

    key: str
    workload: AnyWorkload
    traces: tuple[str, ...]
    architecture: Architecture
    has_stream: bool


@dataclass(frozen=True)
class Found:
    """What became of a task.

    Attributes:
        key: of the task.
        status: `SIMULATED`, or why there is no result.
        row: columns of the table (`codesign.exploration.results`), with `error` if it failed.
        seconds: that it took.
        peak_bytes: the largest memory of its process so far; None where it is not known.
    """

    key: str
    status: Status
    row: Row
    seconds: float = 0.0
    peak_bytes: int | None = None


def row_key(trace_hashes: list[str], architecture_hash: str, *, has_stream: bool) -> str:
    """SHA-256 of everything that determines a row: recordings, chip, and this program."""
    content = [trace_hashes, architecture_hash, has_stream, program()]
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()


@functools.cache
def program() -> list[str]:
    """The version of everything that computes a row."""
    package = Path(codesign.__file__).parent
    digest = hashlib.sha256()
    for path in sorted(package.rglob("*.py")):
        room = path.relative_to(package).parts[0]
        if room not in _UNRELATED and (room != "exploration" or path.name in _OWN):
            digest.update(path.relative_to(package).as_posix().encode())
            digest.update(path.read_bytes())
    return [digest.hexdigest(), *(version(library) for library in _LIBRARIES)]


def simulate_row(task: Task) -> Found:
    """The row of a task; whatever goes wrong is a row as well."""
    start = time.perf_counter()
    try:
        status, row = Status.SIMULATED, _simulated(task)
    except CapacityError as error:
        status, row = Status.REFUSED, {"error": str(error)}
    except CodesignError as error:
        status, row = Status.FAILED, {"error": str(error)}
    except Exception as error:  # the other points go on
        status, row = Status.FAILED, {"error": told(error)}
    return Found(task.key, status, row, time.perf_counter() - start, peak_bytes())


def _simulated(task: Task) -> Row:
    from codesign.combination import combine
    from codesign.evaluation import evaluate

    results = (
        evaluate(trace, task.architecture, has_timeline=False, has_stream=task.has_stream)
        for trace in traces(task.workload, task.traces)
    )
    return _columns(combine(results).summary)


def _columns(summary: dict[str, Any]) -> Row:
    bounds = summary["bounds_cycles"]
    nearest = max(bounds, key=bounds.__getitem__) if bounds else None
    same = (
        *("makespan_cycles", "latency_s", "energy_pj", "edp_js", "interval_s"),
        *("interval_energy_pj", "area_mm2", "average_power_w", "peak_power_w"),
    )
    return {
        **{name: summary[name] for name in same},
        "bound_cycles": bounds[nearest] if nearest else None,
        "bound": nearest,
        "ac": summary["counts"]["ac"],
        "mac": summary["counts"]["mac"],
        **{f"energy_{name}_pj": value for name, value in summary["energy_parts_pj"].items()},
        "trace_hash": summary["trace_hash"],
        "architecture_hash": summary["architecture_hash"],
    }


_kept: dict[str, Trace] = {}


def recorded(workload: AnyWorkload, notice: Callable[[str], None]) -> Iterator[Trace]:
    """The recordings of a workload as they are now, one for each image."""
    from codesign.trace_cache import recording

    for picture in workload.images:
        yield recording(workload, picture, notice=notice).trace


def traces(workload: AnyWorkload, hashes: Sequence[str]) -> Iterator[Trace]:
    """The recordings with these hashes, one for each image; a process keeps the last few.

    Raises:
        TraceError: the workload is recorded differently here, as after its weights have changed.
    """
    from codesign.trace_cache import recording

    for picture, digest in zip(workload.images, hashes, strict=True):
        trace = _kept.pop(digest, None)
        if trace is None:
            trace = recording(workload, picture, notice=lambda _: None).trace
        if trace.hash != digest:
            raise TraceError(
                f"{workload.name}: the recording of '{picture}' must be the one that the sweep "
                "began with (got another). Begin again; machines that share a sweep need the same "
                "versions."
            )
        _kept[digest] = trace  # the last in order
        while len(_kept) > max(_KEPT_TRACES, len(hashes)):
            del _kept[next(iter(_kept))]
        yield trace


def peak_bytes() -> int | None:
    """The largest memory of this process so far."""
    try:
        import resource
    except ImportError:  # not on Windows
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak


def told(error: Exception) -> str:
    """An unforeseen error on one line, with where it happened."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__}: {error} ({Path(frame.filename).name}:{frame.lineno})"
