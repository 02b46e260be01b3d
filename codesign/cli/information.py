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


class Shelf(StrEnum):
    """What can be listed."""

    ARCHITECTURES = "architectures"
    WORKLOADS = "workloads"


def list_(
    what: Annotated[Shelf | None, typer.Argument(help="Only these; both if left out.")] = None,
) -> None:
    """List the architectures and workloads that come with the program."""
    from rich.table import Table

    from codesign.specs.catalogue import architectures, workloads

    reader = console()
    shelves = {Shelf.ARCHITECTURES: architectures, Shelf.WORKLOADS: workloads}
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
    name: Annotated[str, typer.Argument(help="Name of an architecture or a workload.")],
) -> None:
    """Print a file that comes with the program, to start your own from.

    Example: codesign show split_core > my_chip.yaml
    """
    from codesign.specs.catalogue import (
        architecture_names,
        architecture_path,
        workload_names,
        workload_path,
    )

    known = dict.fromkeys(architecture_names(), architecture_path)
    known |= dict.fromkeys(workload_names(), workload_path)
    wanted = name.removesuffix(".yaml")
    if wanted not in known:
        problem = "must be the name of an architecture or a workload (got an unknown name)."
        raise InputError(Fault(name or "''", problem, nearest(wanted, known)))
    sys.stdout.write(known[wanted](wanted).read_text("utf-8"))


def validate(
    files: Annotated[list[str], typer.Argument(help="Names or paths of YAML files.")],
    kind: Annotated[
        DocumentKind | None, typer.Option(help="What the files are; found out if left out.")
    ] = None,
) -> None:
    """Check architecture and workload files without running anything; all faults at once."""
    from codesign.area import area_mm2
    from codesign.specs.catalogue import load_architecture, load_workload_spec

    faults: list[Fault] = []
    for name in files:
        try:
            require_no_folder("", name)
            is_workload = (kind or _kind_of(name)) is not DocumentKind.ARCHITECTURE
            if is_workload:
                load_workload_spec(name)
                said = "workload is right."
            else:
                area = area_mm2(load_architecture(name))
                said = f"architecture is right{'' if area is None else f', {area:.3g} mm2'}."
        except InputError as error:
            faults += error.faults
        else:
            typer.echo(f"{name}: {said}")
    if faults:
        raise InputError(faults)


def _kind_of(name: str) -> DocumentKind:
    """A workload names a family, a model or layers; all else is taken for an architecture."""
    from codesign.specs.catalogue import workload_names
    from codesign.specs.documents import read_document

    if Path(name).stem in workload_names():
        return DocumentKind.WORKLOAD
    if not Path(name).is_file():
        return DocumentKind.ARCHITECTURE
    keys = read_document(Path(name)).data
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
