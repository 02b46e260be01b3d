"""Commands that run workloads on chips: `run` and `compare`."""

import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from codesign.cli.options import (
    Architecture,
    Changes,
    Checkpoint,
    Images,
    Json,
    NoCache,
    Output,
    Samples,
    Seed,
    Timeline,
    WhatIf,
    names,
)
from codesign.cli.streams import console
from codesign.errors import CodesignError, Fault, InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.console import Console

    from codesign.cli.orders import Order
    from codesign.pages.refusals import Refusal
    from codesign.results import Result


def run(
    *,
    workload: Annotated[
        str, typer.Option("--workload", "-w", help="Workload: a name, a file name or a path.")
    ],
    arch: Architecture = "split_core",
    images: Images = None,
    samples: Samples = None,
    seed: Seed = None,
    checkpoint: Checkpoint = None,
    changes: Changes = None,
    out: Output = None,
    json: Json = None,
    what_if: WhatIf = 0,
    timeline: Timeline = None,
    no_cache: NoCache = False,
) -> None:
    """Run a workload on a chip: latency, energy, and an interactive report.

    Example: codesign run --arch split_core --workload dsnn50
    """
    from codesign.cli.folders import result_folder
    from codesign.cli.orders import Wish, take_order
    from codesign.cli.study import stage, study
    from codesign.cli.tables import print_run

    order = take_order(
        [workload],
        chips=[arch],
        wish=Wish(images, samples, seed),
        checkpoint=checkpoint,
        changes=changes,
        out=out,
        json=json,
    )
    (architecture,) = order.architectures
    if timeline is not None and architecture.operations is not None:
        problem = f"needs an architecture with cores (got {architecture.name})."
        raise InputError(Fault("--timeline", problem, "Prices of operations have no time."))
    reader = console(to_stderr=json == "-")
    with study(use_cache=not no_cache) as work:
        result = work.result(
            order.specs[0],
            architecture,
            changes=order.changes,
            samples=order.samples,
            what_ifs=what_if,
        )
    with (
        _shown_whatever_happens(lambda: print_run(reader, result, architecture)),
        stage("report"),
        result_folder(order.folder) as place,
    ):
        from codesign.pages import write_run_report
        from codesign.result_files import write_tables

        write_tables(result, place)
        write_run_report(result, place / "report.html")
    if timeline is not None:  # the result stays if this cannot be written
        _write_timeline(reader, result, timeline)
    _finish(reader, order.folder, json, result.summary)


def _write_timeline(reader: "Console", result: "Result", path: Path) -> None:
    from codesign.trace_events import write_trace_events

    write_trace_events(result, path.resolve())
    reader.print(f"timeline: {path}", highlight=False, markup=False, soft_wrap=True)


def compare(
    *,
    workloads: Annotated[
        list[str],
        typer.Option(
            "--workloads", "-w", help="Workloads, one after the other or separated by commas."
        ),
    ],
    arch: Annotated[
        list[str] | None,
        typer.Option(
            "--arch",
            "-a",
            help="Architectures: names, file names or paths, one after the other or separated by "
            "commas; split_core if left out. Every workload is run on each.",
        ),
    ] = None,
    images: Images = None,
    samples: Samples = None,
    seed: Seed = None,
    changes: Changes = None,
    out: Output = None,
    json: Json = None,
    no_cache: NoCache = False,
) -> None:
    """Run workloads on one or several chips and set them side by side.

    Example: codesign compare --arch split_core --workloads fsnn50,dsnn50,sew50
    """
    from codesign.cli.folders import result_folder
    from codesign.cli.orders import Wish, take_order
    from codesign.cli.pairs import run_pairs
    from codesign.cli.study import stage, study
    from codesign.cli.tables import print_comparison

    wanted, chips = names("--workloads", workloads), names("--arch", arch or ["split_core"])
    if len(wanted) == len(chips) == 1:
        problem = f"must name at least two workloads (got {wanted[0]}), or --arch several chips."
        raise InputError(Fault("--workloads", problem, f"Run 'codesign run -w {wanted[0]}'."))
    order = take_order(
        wanted,
        chips=chips,
        wish=Wish(images, samples, seed),
        changes=changes,
        out=out,
        json=json,
        checkpoint=None,
    )
    reader = console(to_stderr=json == "-")
    with study(use_cache=not no_cache) as work:
        results, refusals = run_pairs(work, order)
    with (
        _shown_whatever_happens(lambda: print_comparison(reader, results, refusals)),
        stage("report"),
        result_folder(order.folder) as place,
    ):
        comparison = _write_comparison(order, results, refusals, place)
    _finish(reader, order.folder, json, comparison)


def _write_comparison(
    order: "Order", results: "list[Result]", refusals: "list[Refusal]", place: Path
) -> dict[str, Any]:
    """Writes tables, summary and page into a folder; returns the summary."""
    from codesign.cli.pairs import place_names
    from codesign.pages import (
        accumulation_cost_sentence,
        pathway_energies_json,
        rankings_json,
        write_compare_report,
    )
    from codesign.pages.refusals import refusals_json
    from codesign.result_files import write_tables
    from codesign.whole_files import write_whole

    comparison: dict[str, Any] = {
        "architectures": [architecture.name for architecture in order.architectures],
        "accumulation_cost": accumulation_cost_sentence(results),
        "pathway_energy": pathway_energies_json(results),
        "sensitivity": rankings_json(results),
        "runs": [result.summary for result in results],
        "not_run": refusals_json(refusals),
    }
    for name, result in zip(place_names(comparison["runs"]), results, strict=True):
        write_tables(result, place / name)
    write_whole(place / "summary.json", json_text(comparison).encode())
    write_compare_report(results, place / "report.html", refusals)
    return comparison


@contextmanager
def _shown_whatever_happens(show: "Callable[[], None]") -> "Iterator[None]":
    """Shows a result after its report is written, and as well if it cannot be."""
    try:
        yield
    except CodesignError:
        show()
        raise
    show()


def _finish(reader: "Console", folder: Path, json: str | None, summary: Any) -> None:
    """Says where the report is, and writes the JSON."""
    reader.print(f"report: {folder / 'report.html'}", highlight=False, markup=False, soft_wrap=True)
    write_json(json, summary)


def write_json(target: str | None, summary: Any) -> None:
    """Writes a summary to a file, to stdout (`-`), or (None) not at all."""
    from codesign.whole_files import write_whole

    if target == "-":
        sys.stdout.write(json_text(summary))
    elif target is not None:
        write_whole(Path(target).resolve(), json_text(summary).encode())  # a link stays


def json_text(content: Any) -> str:
    """JSON for people, of finite numbers."""
    from json import dumps

    return dumps(content, indent=2, allow_nan=False) + "\n"
