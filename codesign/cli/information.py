"""Commands that run nothing: what there is, whether a file is right, what a file may say."""

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from codesign.cli.options import require_no_folder
from codesign.cli.streams import console
from codesign.errors import Fault, InputError, nearest


class DocumentKind(StrEnum):
    """Kinds of files that users write."""

    ARCHITECTURE = "architecture"
    WORKLOAD = "workload"
    MODEL = "model"
    """A workload with a network of the user's own."""
    RECORDED = "recorded"
    """A workload with spikes that were recorded elsewhere."""
    SWEEP = "sweep"
    """A design space and what is wanted of it."""


class Shelf(StrEnum):
    """What can be listed."""

    ARCHITECTURES = "architectures"
    WORKLOADS = "workloads"
    SWEEPS = "sweeps"


def list_(
    what: Annotated[Shelf | None, typer.Argument(help="Only these; all if left out.")] = None,
) -> None:
    """List the architectures, workloads and sweeps that come with the program."""
    from rich.table import Table

    from codesign.specs.catalogue import architectures, sweeps, workloads

    reader = console()
    shelves = {
        Shelf.ARCHITECTURES: architectures,
        Shelf.WORKLOADS: workloads,
        Shelf.SWEEPS: sweeps,
    }
    for shelf, entries in shelves.items():
        if what not in (None, shelf):
            continue
        table = Table(title=str(shelf), title_justify="left", box=None, pad_edge=False)
        table.add_column("name", no_wrap=True)
        table.add_column("description")
        for entry in entries():
            table.add_row(entry.name, entry.description)
        reader.print(table, "")


def show(
    name: Annotated[str, typer.Argument(help="Name of an architecture, a workload or a sweep.")],
) -> None:
    """Print a file that comes with the program, to start your own from.

    Example: codesign show split_core > my_chip.yaml
    """
    from codesign.specs.catalogue import (
        architecture_names,
        architecture_path,
        sweep_names,
        sweep_path,
        workload_names,
        workload_path,
    )

    known = dict.fromkeys(architecture_names(), architecture_path)
    known |= dict.fromkeys(workload_names(), workload_path)
    known |= dict.fromkeys(sweep_names(), sweep_path)
    wanted = name.removesuffix(".yaml")
    if wanted not in known:
        problem = "must be the name of an architecture, a workload or a sweep (unknown)."
        raise InputError(Fault(name or "''", problem, nearest(wanted, known)))
    sys.stdout.write(known[wanted](wanted).read_text("utf-8"))


def validate(
    files: Annotated[list[str], typer.Argument(help="Names or paths of YAML files.")],
    kind: Annotated[
        DocumentKind | None, typer.Option(help="What the files are; found out if left out.")
    ] = None,
) -> None:
    """Check files without running anything; all faults at once."""
    faults: list[Fault] = []
    for name in files:
        try:
            require_no_folder("", name)
            said = _checked(name, kind or _kind_of(name))
        except InputError as error:
            faults += error.faults
        else:
            typer.echo(f"{name}: {said}")
    if faults:
        raise InputError(faults)


def _checked(name: str, kind: DocumentKind) -> str:
    """What is to be said of a file that is right.

    Raises:
        InputError: it is not.
    """
    from codesign.area import area_mm2
    from codesign.specs.catalogue import load_architecture, load_workload_spec

    if kind is DocumentKind.SWEEP:
        from codesign.exploration.space import design_space

        return f"sweep is right, {len(design_space(name).points):,} points."
    if kind is not DocumentKind.ARCHITECTURE:
        load_workload_spec(name)
        return "workload is right."
    area = area_mm2(load_architecture(name))
    return f"architecture is right{'' if area is None else f', {area:.3g} mm2'}."


def _kind_of(name: str) -> DocumentKind:
    """A sweep has axes, a workload names a family, a model or layers; all else is taken for an
    architecture."""
    from codesign.specs.catalogue import sweep_names, workload_names
    from codesign.specs.documents import read_document

    if Path(name).stem in workload_names():
        return DocumentKind.WORKLOAD
    if Path(name).stem in sweep_names():
        return DocumentKind.SWEEP
    if not Path(name).is_file():
        return DocumentKind.ARCHITECTURE
    keys = read_document(Path(name)).data
    if "axes" in keys:
        return DocumentKind.SWEEP
    is_workload = not {"family", "model", "layers"}.isdisjoint(keys)
    return DocumentKind.WORKLOAD if is_workload else DocumentKind.ARCHITECTURE


def schema(
    kind: Annotated[DocumentKind, typer.Argument(help="Kind of file.")],
) -> None:
    """Print the JSON Schema of a kind of file, for editors."""
    import json

    from codesign.specs.schema import json_schema

    typer.echo(json.dumps(json_schema(kind), indent=2))


def cache(
    clear: Annotated[bool, typer.Option("--clear", help="Remove all recordings.")] = False,
) -> None:
    """Show where recordings are kept and how large they are, or remove them."""
    from codesign import trace_cache

    if clear:
        typer.echo(f"{trace_cache.clear()} recordings removed from {trace_cache.cache_folder()}")
        return
    entries = trace_cache.entries()
    size = sum(path.stat().st_size for path in entries)
    typer.echo(f"{trace_cache.cache_folder()}: {len(entries)} recordings, {size / 2**20:.1f} MiB")
