"""The command `paper`: its tables, rebuilt from our networks beside the printed numbers."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from codesign.cli.options import Json, NoCache, Output
from codesign.cli.streams import console

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from codesign.cli.study import Study
    from codesign.pages.paper_report import Pair
    from codesign.published import Row
    from codesign.workload import Workload


def paper(
    *,
    tables: Annotated[
        list[int] | None,
        typer.Option("--table", "-t", help="2, 3 or 4; all of them if left out.", min=2, max=4),
    ] = None,
    out: Output = None,
    json: Json = None,
    no_cache: NoCache = False,
) -> None:
    """Rebuild the tables of arXiv 2301.11929 beside what they print.

    Example: codesign paper --table 2
    """
    from codesign.cli.folders import require_file, require_replaceable, result_folder
    from codesign.cli.runs import json_text, write_json
    from codesign.cli.study import stage, study
    from codesign.pages import write_paper_report
    from codesign.published import ROWS
    from codesign.published.rebuilding import as_json
    from codesign.whole_files import write_whole

    folder = out or Path("reports") / "paper"
    require_replaceable(folder)
    require_file(json, outside=folder)
    rows = [row for row in ROWS if not tables or row.table in tables]
    with study(use_cache=not no_cache) as work:
        pairs, statements = _rebuilt(work, rows)
    summary = {"statements": statements, "rows": [as_json(*pair) for pair in pairs]}
    with stage("report"), result_folder(folder) as place:
        write_whole(place / "summary.json", json_text(summary).encode())
        write_paper_report(pairs, statements, place / "report.html")
    reader = console(to_stderr=json == "-")
    _print(reader, pairs, statements)
    reader.print(f"report: {folder / 'report.html'}", highlight=False, markup=False, soft_wrap=True)
    write_json(json, summary)


def _rebuilt(work: "Study", rows: "Sequence[Row]") -> "tuple[list[Pair], list[str]]":
    """Each row with what is counted on its network, and what must be said of their origin."""
    from codesign.counting import count_layers, totals
    from codesign.pages.origins import statements
    from codesign.published import rebuild
    from codesign.specs.catalogue import load_architecture, load_workload_spec

    prices = load_architecture("paper").operations
    assert prices is not None, "the shipped file says so"
    counted: dict[tuple[str, tuple[str, ...]], tuple[Workload, dict[str, int | float]]] = {}
    said: dict[str, None] = {}
    pairs: list[Pair] = []
    for row in work.progress.track(rows, description="networks of the paper"):
        key = (row.workload, row.changes)
        if row.workload and key not in counted:
            spec = load_workload_spec(row.workload, row.changes)
            trace = work.trace(spec, spec.images[0])
            counted[key] = (trace.workload, totals(count_layers(trace)))
            said |= dict.fromkeys(statements(trace.provenance))
        pairs.append((row, rebuild(row, *counted[key], prices) if row.workload else None))
    return pairs, list(said)


def _print(reader: "Console", pairs: "Sequence[Pair]", statements: "Sequence[str]") -> None:
    """A table for each of the paper's, then what is to be said about all of them."""
    from codesign.pages.paper_report import WHAT_IS_FITTED, summary_sentence
    from codesign.published import TABLES

    for number, title in TABLES.items():
        of_table = [pair for pair in pairs if pair[0].table == number]
        if of_table:
            reader.print(f"[bold]{title}[/]", highlight=False)
            _print_table(reader, of_table)
    for sentence in (summary_sentence(pairs), *WHAT_IS_FITTED):
        reader.print(sentence, highlight=False, markup=False, soft_wrap=True)
    for sentence in statements:
        reader.print(sentence, style="yellow", highlight=False, markup=False)


def _print_table(reader: "Console", pairs: "Sequence[Pair]") -> None:
    from rich.table import Table

    from codesign.pages.paper_report import bounds_words, row_name
    from codesign.published.rebuilding import difference, printed_bounds, verdict

    table = Table(box=None, pad_edge=False)
    for heading in (
        "network",
        "accuracy",
        "T",
        "AC",
        "MAC",
        "energy",
        "printed",
        "",
        "rule",
        "eq. 15",
    ):
        table.add_column(heading, justify="left" if heading in ("network", "rule") else "right")
    for row, rebuilt in pairs:
        shown = None if row.is_converted else rebuilt
        off = difference(row, rebuilt) if rebuilt else None
        bounds = printed_bounds(row)
        rule = "mac" if rebuilt is None or row.is_converted else rebuilt.rule
        table.add_row(
            row_name(row),
            f"{row.accuracy_percent:.2f} %",
            str(row.timesteps),
            f"{shown.ac_g:.2f} G" if shown else "",
            f"{shown.mac_g[rule]:.4f} G" if shown else "",
            f"{shown.energy_mj[rule]:.2f} mJ" if shown else "",
            "" if row.energy_mj is None else f"{row.energy_mj:.2f} mJ",
            "" if off is None else f"{off:+.1%}",
            verdict(row, rebuilt),
            bounds_words(rebuilt.bounds_mj[rule] if rebuilt else None)
            + (f" ({bounds_words(bounds)})" if bounds else ""),
        )
    reader.print(table)
