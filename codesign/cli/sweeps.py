"""The command that explores a design space: `sweep`."""

from collections import Counter
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from codesign.cli.streams import console

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from rich.console import Console

    from codesign.exploration.prospects import Prospect, Recordings
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


def sweep(
    name: Annotated[str, typer.Argument(metavar="SWEEP", help="A name, a file name or a path.")],
    *,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="Folder of the results; a sweep in it is continued."),
    ] = None,
    simulate: Annotated[
        Wanted | None,
        typer.Option(
            help="Which points are simulated: all, those that can be on a front by their floors, "
            "or none. The sweep's own choice if left out."
        ),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(
            min=1, max=1024, help="Processes that compute; one for each core if left out."
        ),
    ] = None,
    scheduler: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS",
            help="A Dask scheduler whose workers compute instead, as tcp://host:8786; `local` for "
            "a cluster on this machine with --workers processes.",
        ),
    ] = None,
    timeout: Annotated[
        float | None,
        typer.Option(metavar="SECONDS", min=0.001, help="After which a point is given up."),
    ] = None,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Say how many points, how long and how much memory."),
    ] = False,
    json: Annotated[
        str | None,
        typer.Option(
            "--json",
            metavar="FILE|-",
            help="Write the summary as JSON to a file, or to stdout alone.",
        ),
    ] = None,
) -> None:
    """Explore a design space: points, bounds, simulations, fronts and best designs.

    What was computed is kept in the folder: a sweep that was interrupted goes on where it was, and
    several processes may work on one.

    Example: codesign sweep core_split
    """
    from codesign.cli.folders import require_file
    from codesign.cli.runs import write_json
    from codesign.cli.study import stage
    from codesign.exploration.exploring import explore
    from codesign.exploration.space import design_space
    from codesign.exploration.workers import core_count
    from codesign.pages import write_sweep_report
    from codesign.specs.sweep import Simulate

    require_file(json)
    space = design_space(name)
    folder = out or Path("reports") / space.spec.name
    require_sweep_folder(folder)
    count = workers or core_count()
    reader = console(to_stderr=json == "-")
    wanted = Simulate(simulate) if simulate else space.spec.simulate
    pool = _workers(scheduler, count, timeout)
    try:
        if dry_run:
            _forecast(reader, space, folder, pool, wanted)
        else:
            with _bars() as (progress, notice):
                explored = explore(
                    space, folder, pool, simulate=wanted, progress=progress, notice=notice
                )
            result = explored.result
            with stage("report"):
                write_sweep_report(result, folder / "report.html")
            print_sweep(reader, result, folder, len(explored.seconds))
            write_json(json, result.summary)
    finally:
        pool.close()


def _workers(scheduler: str | None, count: int, timeout: float | None) -> "Workers":
    from codesign.exploration.workers import Pool

    if scheduler is None:
        return Pool(count, timeout)
    from codesign.exploration.cluster import Cluster

    return Cluster(scheduler, count=count, timeout_s=timeout)


def require_sweep_folder(folder: Path) -> None:
    """Checks, before any work is done, that a sweep can be put or continued there.

    Raises:
        InputError: the place holds something else, or cannot be written.
    """
    from codesign.cli.folders import require_replaceable
    from codesign.exploration.store import FILE

    if not (folder / FILE).is_file():
        require_replaceable(folder)


def _forecast(
    reader: "Console", space: "DesignSpace", folder: Path, pool: "Workers", simulate: "Simulate"
) -> None:
    from codesign.exploration.forecast import forecast
    from codesign.exploration.store import FILE, Store

    with _bars() as (progress, notice):
        prospects, _ = _prospects(space, progress, notice)
        kept = Store(folder) if (folder / FILE).is_file() else None
        found = forecast(
            space, prospects, simulate=simulate, store=kept, workers=pool, count=pool.count
        )
        if kept is not None:
            kept.close()
    say = _sayer(reader)
    say(
        f"{found.points:,} points, of which {found.ended:,} need no simulation, {found.kept:,} kept"
    )
    say(f"about {_duration(found.seconds)} on {pool.count} workers")
    if found.worker_bytes and found.parent_bytes:
        total = found.parent_bytes + pool.count * found.worker_bytes
        each = found.worker_bytes / 2**20
        say(f"about {total / 2**20:.0f} MiB: {each:.0f} MiB for each worker, and the program")


def _prospects(
    space: "DesignSpace",
    progress: "Callable[[str, int, int], None]",
    notice: "Callable[[str], None]",
) -> "tuple[list[Prospect], Recordings]":
    from codesign.exploration.prospects import prospects, record

    recordings = record(space, progress=progress, notice=notice)
    return list(prospects(space, recordings)), recordings


def print_sweep(reader: "Console", result: "SweepResult", folder: Path, computed: int) -> None:
    """Prints how many points there are, and the best designs."""
    from rich.table import Table

    from codesign.exploration.results import OBJECTIVES, Status
    from codesign.pages.content import quantity

    say, summary = _sayer(reader), result.summary
    counts = {name: number for name, number in summary["counts"].items() if number}
    total = sum(counts.values())
    parts = ", ".join(f"{number:,} {name}" for name, number in counts.items())
    say(f"{summary['name']}: {total:,} points: {parts} ({computed:,} computed now)")
    keys = _shown_keys(summary["axes"])
    table = Table(box=None, pad_edge=False)
    for column in ("network", "least", "value", *keys):
        table.add_column(column, no_wrap=True)
    rows = result.points.set_index("point")
    for network, objectives in summary["best"].items():
        for objective, entry in objectives.items():
            column, unit = OBJECTIVES[objective]
            value = quantity(*_in_si(float(rows[column].loc[entry["point"]]), unit))
            table.add_row(network, objective, value, *(entry["design"][key] for key in keys))
    reader.print(table, soft_wrap=True)
    failed = rows[rows["status"].isin([Status.FAILED, Status.KILLED, Status.TIMED_OUT])]
    for error, some in failed.groupby("error", sort=False):
        say(f"{len(some):,} points {some['status'].iloc[0]}: {error}")
    say(f"report: {folder / 'report.html'}")


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


def _in_si(value: float, unit: str) -> tuple[float, str]:
    return (value * 1e-12, "J") if unit == "pJ" else (value, unit)


def _sayer(reader: "Console") -> "Callable[[str], None]":
    return lambda text: reader.print(text, highlight=False, markup=False, soft_wrap=True)


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


@contextmanager
def _bars() -> "Iterator[tuple[Callable[[str, int, int], None], Callable[[str], None]]]":
    """Bars on stderr: one for each stage, and notices."""
    from codesign.cli.study import bars_on_stderr

    with bars_on_stderr() as progress:
        bars: dict[str, Any] = {}

        def show(stage: str, done: int, total: int) -> None:
            if stage not in bars:
                bars[stage] = progress.add_task(stage, total=total)
            progress.update(bars[stage], completed=done, total=total)

        def notice(sentence: str) -> None:
            progress.console.print(
                f"note: {sentence}", style="yellow", highlight=False, markup=False, soft_wrap=True
            )

        yield show, notice
