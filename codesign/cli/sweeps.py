"""The command that explores a design space: `sweep`."""

import math
from collections import Counter
from contextlib import contextmanager
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from codesign.cli.options import Json
from codesign.cli.streams import console
from codesign.errors import Fault, InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from rich.console import Console

    from codesign.exploration.exploring import Explored
    from codesign.exploration.forecast import Forecast
    from codesign.exploration.results import SweepResult
    from codesign.exploration.space import DesignSpace
    from codesign.exploration.workers import Workers
    from codesign.specs.sweep import Simulate


_TOGETHER = 2
"""Keys of one axis that are shown; of more, the first stands for all."""


class Wanted(StrEnum):
    """Which points are simulated: `codesign.specs.sweep.Simulate`, which takes long to import."""

    ALL = "all"
    FRONT = "front"
    NONE = "none"


Sweep = Annotated[str, typer.Argument(metavar="SWEEP", help="A name, a file name or a path.")]
Folder = Annotated[
    Path | None,
    typer.Option("--out", "-o", help="Folder of the results; a sweep in it is continued."),
]
Points = Annotated[
    Wanted | None,
    typer.Option(
        "--simulate",
        help="Which points are simulated: all, those that can be on a front by their floors, or "
        "none. The sweep's own choice if left out.",
    ),
]
Processes = Annotated[
    int | None,
    typer.Option(
        "--workers", min=1, max=1024, help="Processes that compute; one for each core if left out."
    ),
]
Scheduler = Annotated[
    str | None,
    typer.Option(
        metavar="ADDRESS",
        help="A Dask scheduler whose workers compute instead, as tcp://host:8786; `local` for a "
        "cluster on this machine with --workers processes.",
    ),
]
Timeout = Annotated[
    float | None,
    typer.Option(metavar="SECONDS", min=0.001, help="After which a point is given up."),
]
DryRun = Annotated[
    bool,
    typer.Option(
        "--dry-run",
        help="Say how many points, how long and how much memory; spikes are recorded, and kept.",
    ),
]


def sweep(
    name: Sweep,
    *,
    out: Folder = None,
    simulate: Points = None,
    workers: Processes = None,
    scheduler: Scheduler = None,
    timeout: Timeout = None,
    dry_run: DryRun = False,
    json: Json = None,
) -> None:
    """Explore a design space: points, bounds, simulations, fronts and best designs.

    What was computed is kept in the folder: a sweep that was interrupted goes on where it was, and
    several processes may work on one.

    Example: codesign sweep core_split
    """
    from codesign.cli.folders import require_file
    from codesign.cli.runs import write_json
    from codesign.exploration.space import design_space
    from codesign.specs.sweep import Simulate

    if timeout is not None and not math.isfinite(timeout):
        raise InputError(Fault("--timeout", f"must be a number of seconds (got {timeout})."))
    space = design_space(name)
    folder = out or Path("reports") / space.spec.name
    _require_sweep_folder(folder)
    require_file(json, outside=folder)
    reader = console(to_stderr=json == "-")
    wanted = Simulate(simulate) if simulate else space.spec.simulate
    pool = _workers(scheduler, workers, timeout)
    try:
        if dry_run:
            found = _forecast(space, folder, pool, wanted)
            _print_forecast(reader, found)
            write_json(json, asdict(found))
            return
        explored = _explored(space, folder, pool, wanted)
    finally:
        pool.close()
    _print_sweep(reader, explored, folder)
    write_json(json, explored.result.summary)
    _require_results(explored.result, folder)


def _workers(scheduler: str | None, wanted: int | None, timeout: float | None) -> "Workers":
    from codesign.exploration.workers import Pool, core_count

    count = wanted or core_count()
    if scheduler is None:
        return Pool(count, timeout)
    from codesign.exploration.cluster import Cluster

    return Cluster(scheduler, count=count, timeout_s=timeout)


def _require_sweep_folder(folder: Path) -> None:
    """Checks, before any work is done, that a sweep can be put or continued there.

    Raises:
        InputError: the place holds something else, or cannot be written.
    """
    from codesign.cli.folders import require_replaceable
    from codesign.exploration.store import FILE

    if not (folder / FILE).is_file():
        require_replaceable(folder)


def _explored(
    space: "DesignSpace", folder: Path, workers: "Workers", simulate: "Simulate"
) -> "Explored":
    """The sweep, which is in its folder then, with a report."""
    from codesign.cli.study import stage
    from codesign.exploration.exploring import explore
    from codesign.pages import write_sweep_report

    with _bars() as (progress, notice):
        found = explore(space, folder, workers, simulate=simulate, progress=progress, notice=notice)
    with stage("report"):
        write_sweep_report(found.result, folder / "report.html")
    return found


def _require_results(result: "SweepResult", folder: Path) -> None:
    """Checks that a sweep came to anything.

    Raises:
        InputError: no point has results, or only floors were wanted and none has them; with the
            most frequent reason.
    """
    from codesign.exploration.results import Status

    status = result.points["status"]
    if status.isin([Status.SIMULATED, Status.BOUNDED]).any():
        return
    reasons = Counter(error for error in result.points["error"] if error is not None)
    reason = f" Most often: {reasons.most_common(1)[0][0]}" if reasons else ""
    problem = f"must have at least one point with results (got none of {len(status):,}).{reason}"
    raise InputError(Fault(str(folder), problem))


def _forecast(
    space: "DesignSpace", folder: Path, workers: "Workers", simulate: "Simulate"
) -> "Forecast":
    from contextlib import closing, nullcontext

    from codesign.exploration.forecast import forecast
    from codesign.exploration.prospects import prospects
    from codesign.exploration.recordings import record
    from codesign.exploration.store import FILE, Store

    with _bars() as (progress, notice):
        recordings = record(space, progress=progress, notice=notice, processes=workers.count)
        known = list(prospects(space, recordings))
        kept = closing(Store(folder)) if (folder / FILE).is_file() else nullcontext()
        with kept as rows:
            return forecast(space, known, simulate=simulate, store=rows, workers=workers)


def _print_forecast(reader: "Console", found: "Forecast") -> None:
    say = _sayer(reader)
    known = f"{found.refused:,} refused, {found.excluded:,} excluded, {found.kept:,} kept"
    say(f"{found.points:,} points: {known}")
    say(f"about {_duration(found.seconds)} of simulation on {found.workers} workers")
    if found.worker_bytes and found.parent_bytes:
        total = found.parent_bytes + found.workers * found.worker_bytes
        each = found.worker_bytes / 2**20
        own = found.parent_bytes / 2**20
        say(
            f"about {total / 2**20:.0f} MiB: {each:.0f} MiB for each worker, {own:.0f} for this one"
        )
    for reason in found.failures:
        say(f"no time is known of points like one that was tried: {reason}")


def _print_sweep(reader: "Console", explored: "Explored", folder: Path) -> None:
    """Prints how many points there are, the best designs, and what went wrong."""
    from codesign.exploration.results import Status

    say, summary = _sayer(reader), explored.result.summary
    counts = {name: number for name, number in summary["counts"].items() if number}
    parts = ", ".join(f"{number:,} {name}" for name, number in counts.items())
    total, computed = sum(counts.values()), len(explored.seconds)
    say(f"{summary['name']}: {total:,} points: {parts} ({computed:,} computed now)")
    if summary["best"]:
        reader.print(_best_table(explored.result), soft_wrap=True)
    points = explored.result.points
    told = [Status.FAILED, Status.KILLED, Status.TIMED_OUT, Status.REFUSED]
    for (status, error), some in points[points["status"].isin(told)].groupby(["status", "error"]):
        say(f"{len(some):,} points {status}: {error}")
    say(f"report: {folder / 'report.html'}")


def _best_table(result: "SweepResult") -> Any:
    from rich.table import Table

    from codesign.exploration.results import OBJECTIVES
    from codesign.pages.sweeps.quantities import objective

    keys = _shown_keys(result.summary["axes"])
    chips = ["architecture"] if len(result.summary["architectures"]) > 1 else []
    table = Table(box=None, pad_edge=False)
    for column in ("network", "least", "value", *chips, *keys):
        table.add_column(column, no_wrap=True)
    rows = result.points.set_index("point")
    for objectives in result.summary["best"].values():
        for name, entry in objectives.items():
            network = str(rows["network"].loc[entry["point"]])
            value = float(rows[OBJECTIVES[name][0]].loc[entry["point"]])
            design = [str(rows["architecture"].loc[entry["point"]])] if chips else []
            design += [entry["design"][key] for key in keys]
            table.add_row(network, name, objective(name).text(value), *design)
    return table


def _shown_keys(axes: "Sequence[Mapping[str, Any]]") -> list[str]:
    """Keys that say which design it is: of many that go together the first."""
    together = Counter(axis["axis"] for axis in axes)
    firsts = {axis["axis"]: axis["key"] for axis in reversed(axes)}
    return [
        axis["key"]
        for axis in axes
        if len(axis["values"]) > 1
        and (together[axis["axis"]] <= _TOGETHER or axis["key"] == firsts[axis["axis"]])
    ]


def _sayer(reader: "Console") -> "Callable[[str], None]":
    return lambda text: reader.print(text, highlight=False, markup=False, soft_wrap=True)


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


@contextmanager
def _bars() -> "Iterator[tuple[Callable[[str, int, int], None], Callable[[str], None]]]":
    """Bars on stderr: one for each stage, and notices."""
    from codesign.cli.study import Study, bars_on_stderr

    with bars_on_stderr() as progress:
        bars: dict[str, Any] = {}

        def show(stage: str, done: int, total: int) -> None:
            if stage not in bars:
                bars[stage] = progress.add_task(stage, total=total)
            progress.update(bars[stage], completed=done, total=total)

        yield show, Study(progress, use_cache=True).notice
