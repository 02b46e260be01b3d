"""A sweep in one call: from its file to a folder that holds what was found."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from codesign.exploration.exports import with_files
from codesign.exploration.points import Point
from codesign.exploration.prospects import prospects
from codesign.exploration.recordings import Progress, Recordings, record
from codesign.exploration.results import SweepResult
from codesign.exploration.running import Run
from codesign.exploration.search import search
from codesign.exploration.space import DesignSpace
from codesign.exploration.store import store
from codesign.exploration.sweep_files import write_sweep
from codesign.exploration.table import sweep_result
from codesign.exploration.workers import Workers
from codesign.specs.sweep import SEARCHES, Simulate


@dataclass(frozen=True)
class Explored:
    """A finished sweep.

    Attributes:
        result: what it found; the same whoever computed it.
        seconds: of each row that was computed now; others were in the store.
        worker_bytes: the largest memory of any worker then; 0 where it is not known.
    """

    result: SweepResult
    seconds: list[float]
    worker_bytes: int


def explore(
    space: DesignSpace,
    folder: Path,
    workers: Workers,
    *,
    simulate: Simulate | None = None,
    progress: Progress | None = None,
    notice: Callable[[str], None] | None = None,
) -> Explored:
    """Computes a sweep, or what is missing of it, and writes it into its folder.

    Args:
        space: the sweep, of `codesign.exploration.space.design_space`.
        folder: of store, table, summary and best designs; made if it does not exist.
        workers: who computes, as `codesign.exploration.workers.Pool(2)`; they stay open.
        simulate: which points, instead of what the sweep says.
        progress: called with (stage, done, total).
        notice: called with a sentence, as when a recording is made again.

    Raises:
        InputError: the folder cannot be written, or the sweep needs a library that is missing.
    """
    show, wanted = progress or _silent, simulate or space.spec.simulate
    with store(folder) as rows:
        recordings = record(
            space, progress=show, notice=notice or _unheard, processes=workers.count
        )
        is_search = space.spec.sampling.method in SEARCHES  # which shows its own progress
        run = Run(space, workers, rows, _silent if is_search else show, wanted)
        result, points = _found(run, recordings, show)
    best, texts = with_files(space, points, result.summary["best"], folder.as_posix())
    result = SweepResult(dict(result.summary) | {"best": best}, result.points)
    write_sweep(result, texts, folder)
    return Explored(result, run.seconds, run.worker_bytes)


def _found(run: Run, recordings: Recordings, progress: Progress) -> tuple[SweepResult, list[Point]]:
    """What a run finds, and the points of its rows; all else that was known of them is let go."""
    if run.space.spec.sampling.method in SEARCHES:
        found = search(run.space, recordings, run, progress)
    else:
        found = list(prospects(run.space, recordings))
        run.floors(found)
        run.simulations(found)
    result = sweep_result(run.space, found, recordings, run.simulate, run.store)
    return result, [each.point for each in found]


def _unheard(_sentence: str) -> None:
    """Nobody listens."""


def _silent(_stage: str, _done: int, _total: int) -> None:
    """Nobody looks."""
