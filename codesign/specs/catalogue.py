"""Architectures, workloads and sweeps by name, file name or path.

The shipped files stand in `archs/`, `workloads/` and `sweeps/`: beside the package in a checkout,
inside it in an installed wheel. A path with a separator, or a file of that name in the current
folder, comes before them, so that a user's own chip needs no installation.
"""

import os
from collections.abc import Container, Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import codesign
from codesign.errors import Fault, InputError, nearest
from codesign.specs.architecture import Architecture
from codesign.specs.documents import Document, read_document
from codesign.specs.faults import Model, validate
from codesign.specs.model import ModelSpec
from codesign.specs.overrides import Override, apply_overrides
from codesign.specs.recorded import RecordedSpec
from codesign.specs.sweep import SweepSpec
from codesign.specs.workload import WorkloadSpec

SUFFIXES = (".yaml", ".yml")

AnyWorkload = WorkloadSpec | ModelSpec | RecordedSpec
"""A network of the paper, the user's own, or spikes that were recorded elsewhere."""


_TELLING = {
    "axes": ("a sweep", "Run it with: codesign sweep FILE."),
    **dict.fromkeys(
        ("technology", "cores", "operations"), ("an architecture", "Give it as: --arch FILE.")
    ),
    **dict.fromkeys(("family", "model", "layers"), ("a workload", "Give it as: --workload FILE.")),
}
"""Keys that only one kind of file has, and what is done with such a file."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A shipped file, for lists."""

    name: str
    description: str
    path: Path


def load_architecture(name_or_path: str | Path, overrides: Iterable[str] = ()) -> Architecture:
    """The architecture of a shipped name (`split_core`), a file name or a path.

    Args:
        name_or_path: which one.
        overrides: values to replace, each `cores.spike.count=32`.

    Raises:
        InputError: there is no such file, or what it says is wrong; with every fault's place.
    """
    return _load(Architecture, architecture_path(name_or_path), overrides)


def load_workload_spec(
    name_or_path: str | Path, overrides: Iterable[str | Override] = ()
) -> AnyWorkload:
    """The workload of a shipped name (`dsnn18`), a file name or a path.

    A file with the key `model` is that of a user's own network, one with `layers` that of spikes
    which were recorded elsewhere.

    Args:
        name_or_path: which one.
        overrides: values to replace, each `timesteps=8` or `workload.timesteps=8`.

    Raises:
        InputError: there is no such file, or what it says is wrong; with every fault's place.
    """
    path = workload_path(name_or_path)
    document = _read(path, "a workload")
    model = workload_model(document.data)
    spec = validate(apply_overrides(document, model, overrides), model, path.stem)
    if isinstance(spec, RecordedSpec):
        files = tuple(str(path.parent / name) for name in spec.images)
        return spec.model_copy(update={"images": files})
    return spec


def load_sweep(name_or_path: str | Path) -> tuple[SweepSpec, Document]:
    """The sweep of a shipped name (`core_split`), a file name or a path, and the text behind it.

    Raises:
        InputError: there is no such file, or what it says is wrong; with every fault's place.
    """
    path = sweep_path(name_or_path)
    document = _read(path, "a sweep")
    return validate(document, SweepSpec, path.stem), document


def workload_model(keys: Container[str]) -> type[AnyWorkload]:
    """What a workload file with such keys says."""
    if "model" in keys:
        return ModelSpec
    return RecordedSpec if "layers" in keys else WorkloadSpec


def architecture_path(name_or_path: str | Path) -> Path:
    """The file that a name or path of an architecture means.

    Raises:
        InputError: the name is not known.
    """
    return _resolve(str(name_or_path), "archs", "an architecture")


def workload_path(name_or_path: str | Path) -> Path:
    """The file that a name or path of a workload means.

    Raises:
        InputError: the name is not known.
    """
    return _resolve(str(name_or_path), "workloads", "a workload")


def sweep_path(name_or_path: str | Path) -> Path:
    """The file that a name or path of a sweep means.

    Raises:
        InputError: the name is not known.
    """
    return _resolve(str(name_or_path), "sweeps", "a sweep")


def sweep_names() -> list[str]:
    """Names of the shipped sweeps, sorted."""
    return list(_shipped("sweeps"))


def architecture_names() -> list[str]:
    """Names of the shipped architectures, sorted."""
    return list(_shipped("archs"))


def workload_names() -> list[str]:
    """Names of the shipped workloads, by family and then by depth."""
    return sorted(
        _shipped("workloads"), key=lambda name: (name.rstrip("0123456789"), len(name), name)
    )


def architectures() -> list[Entry]:
    """The shipped architectures with their descriptions."""
    return [_entry(name, _shipped("archs")[name]) for name in architecture_names()]


def workloads() -> list[Entry]:
    """The shipped workloads with their descriptions."""
    return [_entry(name, _shipped("workloads")[name]) for name in workload_names()]


def sweeps() -> list[Entry]:
    """The shipped sweeps with their descriptions."""
    return [_entry(name, _shipped("sweeps")[name]) for name in sweep_names()]


def _load(model: type[Model], path: Path, overrides: Iterable[str]) -> Model:
    document = apply_overrides(_read(path, "an architecture"), model, overrides)
    return validate(document, model, path.stem)


def _read(path: Path, wanted: str) -> Document:
    """A file's text.

    Raises:
        InputError: it is not a document, or one of another kind.
    """
    document = read_document(path)
    kinds = {kind for key, (kind, _) in _TELLING.items() if key in document.data}
    if kinds and wanted not in kinds:
        kind, use = next(told for key, told in _TELLING.items() if key in document.data)
        raise InputError(Fault(str(path), f"must be {wanted} (got {kind}).", use))
    return document


def _entry(name: str, path: Path) -> Entry:
    return Entry(name, str(read_document(path).data.get("description", "")), path)


def _resolve(text: str, folder: str, noun: str) -> Path:
    has_separator = os.sep in text or "/" in text
    if has_separator or Path(text).is_file():
        return Path(text)
    shipped = _shipped(folder)
    name = text
    for suffix in SUFFIXES:
        name = name.removesuffix(suffix)
    if name in shipped:
        return shipped[name]
    names = ", ".join(shipped)
    fix = nearest(name, shipped)
    if fix.startswith("Did you mean"):
        fix += f" There are: {names};"
    else:
        fix = f"There are: {names};"
    got = "a file that is not there" if name != text else "an unknown name"
    raise InputError(
        Fault(
            text or "''",
            f"must be {noun}'s name or a file (got {got}).",
            f"{fix} a path works too.",
        )
    )


@cache
def _shipped(folder: str) -> dict[str, Path]:
    """The shipped files of a folder by name, sorted."""
    package = Path(codesign.__file__).resolve().parent
    for root in (package / folder, package.parent / folder):
        if root.is_dir():
            return {path.stem: path for path in sorted(root.glob("*.yaml"))}
    return {}
