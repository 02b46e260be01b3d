"""The command that makes reports of results that lie on disk: `report`."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from codesign.cli.streams import console
from codesign.errors import Fault, InputError

if TYPE_CHECKING:
    from codesign.pages.content import Page
    from codesign.pages.refusals import Refusal
    from codesign.results import Result


def report(
    results: Annotated[
        list[Path],
        typer.Argument(
            help="Folder of a result, of a comparison or of a sweep, or of two results."
        ),
    ],
    figures: Annotated[
        str | None,
        typer.Option(
            help="Write each figure as a file at the width of a column, in these formats: "
            "svg, pdf, png, separated by commas.",
            metavar="FORMATS",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="Folder for what is written; else that of the result."),
    ] = None,
) -> None:
    """Write the report of a result, comparison or sweep again, of what changed between two results,
    or the figures as files.

    Example: codesign report reports/dsnn50_on_split_core --figures svg,pdf
    """
    from codesign.cli.study import stage

    formats = _formats(figures)
    if len(results) > 2:
        problem = f"must be one or two folders of results (got {len(results)})."
        raise InputError(Fault("report", problem, "Compare two at a time."))
    if len(results) == 2 and out is None:
        problem = "is missing for what changed between two results."
        raise InputError(Fault("--out", problem, "Name a folder, which may be new."))
    folder = out or results[0]
    page = _page(results)
    reader = console()
    with stage("figures" if formats else "report"):
        written = _write(page, folder, formats)
    for path in written:
        reader.print(f"{path}", highlight=False, markup=False, soft_wrap=True)


def _page(folders: list[Path]) -> "Page":
    from codesign.pages.compare_report import compare_page
    from codesign.pages.difference import difference_page
    from codesign.pages.run_report import run_page
    from codesign.result_files import read_result

    if len(folders) == 1 and _is_sweep(folders[0]):
        from codesign.exploration.sweep_files import read_sweep
        from codesign.pages.sweep_report import sweep_page

        return sweep_page(read_sweep(folders[0]))
    if len(folders) == 1 and _is_comparison(folders[0]):
        return compare_page(*_comparison(folders[0]))
    for folder in folders:
        if not (_is_sweep(folder) or _is_comparison(folder)):
            continue
        what = "sweep" if _is_sweep(folder) else "comparison"
        problem = f"must be the folder of one run (got that of a {what})."
        if what == "sweep":
            raise InputError(Fault(str(folder), problem, "Run one of its best designs."))
        raise InputError(Fault(str(folder), problem, f"Name a run in it, as {folder}/WORKLOAD."))
    known = [read_result(folder) for folder in folders]
    return run_page(known[0]) if len(known) == 1 else difference_page(*known)


def _is_sweep(folder: Path) -> bool:
    from codesign.exploration.store import FILE

    return (folder / FILE).is_file()


def _is_comparison(folder: Path) -> bool:
    from codesign.result_files import SUMMARY, SUMS

    return (folder / SUMMARY).is_file() and not (folder / SUMS).exists()


def _comparison(folder: Path) -> "tuple[list[Result], list[Refusal]]":
    """What `codesign compare` left in a folder.

    Raises:
        InputError: it is not whole.
    """
    from codesign.cli.pairs import place_names
    from codesign.pages.refusals import Refusal
    from codesign.result_files import SUMMARY, read_result

    try:
        content = json.loads((folder / SUMMARY).read_text("utf-8"))
        names = place_names(content["runs"])
        refusals = [Refusal(**each) for each in content["not_run"]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        problem = f"must be what a comparison wrote ({type(error).__name__}: {error})."
        fix = "Repeat 'codesign compare', or name the folder of a finished run."
        raise InputError(Fault(str(folder / SUMMARY), problem, fix)) from error
    return [read_result(folder / name) for name in names], refusals


def _write(page: "Page", folder: Path, formats: list[str]) -> list[Path]:
    """The figures alone if any format is named, else the page."""
    if formats:
        from codesign.pages.figure_files import write_figures

        return write_figures(page, folder / "figures", formats)
    from codesign.pages.document import write_page

    write_page(page, folder / "report.html")
    return [folder / "report.html"]


def _formats(figures: str | None) -> list[str]:
    """Names of formats, in order.

    Raises:
        InputError: one is not known.
    """
    from codesign.errors import nearest
    from codesign.pages.figure_files import FORMATS

    named = [part.strip() for part in (figures or "").split(",") if part.strip()]
    unknown = [name for name in named if name not in FORMATS]
    if unknown or (figures is not None and not named):
        problem = f"must be formats of a figure (got '{', '.join(unknown)}')."
        raise InputError(
            Fault("--figures", problem, nearest(unknown[0] if unknown else "", FORMATS))
        )
    return list(dict.fromkeys(named))
