"""Commands that run workloads on chips: `run` and `compare`."""

import sys
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
    names,
)
from codesign.errors import Fault, InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from codesign.specs.workload import WorkloadSpec

_LONGEST_LINE = 1_000


def run(
    *,
    workload: Annotated[
        str, typer.Option("--workload", "-w", help="Workload: a name, a file name or a path.")
    ],
    arch: Architecture = "split_core",
    images: Images = None,
    checkpoint: Checkpoint = None,
    changes: Changes = None,
    out: Output = None,
    json: Json = None,
    no_cache: NoCache = False,
) -> None:
    """Run a workload on a chip: latency, energy, and an interactive report.

    Example: codesign run --arch split_core --workload dsnn50
    """
    from codesign.cli.folders import require_file, require_replaceable, result_folder
    from codesign.cli.study import study, with_choices
    from codesign.cli.tables import print_run
    from codesign.specs.catalogue import load_architecture, load_workload_spec
    from codesign.specs.overrides import split_overrides

    for_chip, for_workload = split_overrides(changes or [])
    architecture = load_architecture(arch, for_chip)
    spec = with_choices(load_workload_spec(workload, for_workload), images, checkpoint)
    folder = out or Path("reports") / f"{spec.name}_on_{architecture.name}"
    require_replaceable(folder)
    require_file(json)
    with study(use_cache=not no_cache) as work:
        result = work.result(spec, architecture)
        with work.stage("report") as done:
            from codesign.pages import write_run_report
            from codesign.result_files import write_tables

            with result_folder(folder) as place:
                write_tables(result, place)
                write_run_report(result, place / "report.html")
            done(1, 1)
    console = _console(json)
    print_run(console, result, architecture)
    _finish(console, folder, json, result.summary)


def compare(
    *,
    workloads: Annotated[
        list[str],
        typer.Option("--workloads", "-w", help="Workloads, separated by commas or given again."),
    ],
    arch: Architecture = "split_core",
    images: Images = None,
    changes: Changes = None,
    out: Output = None,
    json: Json = None,
    no_cache: NoCache = False,
) -> None:
    """Run several workloads on one chip and set them side by side.

    Example: codesign compare --arch split_core --workloads fsnn50,dsnn50,sew50
    """
    from codesign.cli.folders import require_file, require_replaceable, result_folder
    from codesign.cli.study import study, with_choices
    from codesign.cli.tables import print_comparison
    from codesign.specs.catalogue import load_architecture, load_workload_spec
    from codesign.specs.overrides import split_overrides

    wanted = list(dict.fromkeys(names(workloads)))
    if not wanted:
        raise InputError(Fault("--workloads", "needs at least one workload (got none)."))
    for_chip, for_workload = split_overrides(changes or [])
    architecture = load_architecture(arch, for_chip)
    specs = [with_choices(load_workload_spec(name, for_workload), images, None) for name in wanted]
    _require_different(specs)
    folder = out or Path("reports") / f"{'_'.join(s.name for s in specs)}_on_{architecture.name}"
    require_replaceable(folder)
    require_file(json)
    with study(use_cache=not no_cache) as work:
        results = [work.result(spec, architecture) for spec in specs]
        with work.stage("report") as done:
            from codesign.pages import accumulation_cost_sentence, write_compare_report
            from codesign.result_files import write_tables, write_whole

            comparison = {
                "architecture": architecture.name,
                "accumulation_cost": accumulation_cost_sentence(results),
                "runs": [result.summary for result in results],
            }
            with result_folder(folder) as place:
                for result in results:
                    write_tables(result, place / result.summary["workload"])
                write_whole(place / "summary.json", _as_json(comparison).encode())
                write_compare_report(results, place / "report.html")
            done(1, 1)
    console = _console(json)
    print_comparison(console, results)
    _finish(console, folder, json, comparison)


def _require_different(specs: "Sequence[WorkloadSpec]") -> None:
    """Checks that results can be told apart: two files of one name can lie in different folders.

    Raises:
        InputError: two workloads bear the same name.
    """
    found = [spec.name for spec in specs]
    for name in found:
        if found.count(name) > 1:
            problem = f"must be workloads of different names (got '{name}' twice)."
            raise InputError(Fault("--workloads", problem, "Rename one, in its file as well."))


def _console(json: str | None) -> "Console":
    """Where people read: stdout, unless JSON has it; in files and pipes no line is broken."""
    from rich.console import Console

    stream = sys.stderr if json == "-" else sys.stdout
    return Console(file=stream, width=None if stream.isatty() else _LONGEST_LINE)


def _finish(console: "Console", folder: Path, json: str | None, summary: Any) -> None:
    """Says where the report is, and writes the JSON."""
    console.print(
        f"report: {folder / 'report.html'}", highlight=False, markup=False, soft_wrap=True
    )
    if json is not None:
        _write_json(json, summary)


def _write_json(target: str, summary: Any) -> None:
    from codesign.result_files import write_whole

    if target == "-":
        sys.stdout.write(_as_json(summary))
    else:
        write_whole(Path(target).resolve(), _as_json(summary).encode())  # a link stays


def _as_json(content: Any) -> str:
    from json import dumps

    return dumps(content, indent=2, allow_nan=False) + "\n"
