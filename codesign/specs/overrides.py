"""Single values of a document replaced: by `--set cores.spike.count=32`, or by an axis of a sweep.

An override is applied before the document is compared with its model, so that it obeys the same
rules as the file; a fault that it causes names the option, or the axis, as its place. Its value is
one YAML scalar. Left out: lists and whole groups, which are written in a file.
"""

import copy
import difflib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from pydantic import BaseModel

from codesign.errors import Fault, InputError, nearest
from codesign.specs.documents import Document, KeyPath, Place, parse_scalar
from codesign.specs.faults import dotted, is_table, keys_of, model_at
from codesign.specs.workload import WorkloadSpec
from codesign.units import shown

WORKLOAD_PREFIX = "workload."
"""Overrides of a workload begin with it where an architecture can be meant as well."""


@dataclass(frozen=True, slots=True)
class Override:
    """One `key.key=value`, read but not yet applied.

    Attributes:
        option: as it was or would be written.
        path: keys from the root of the document.
        value: one scalar.
        place: of whom to blame, outside of the document (line 0).
    """

    option: str
    path: KeyPath
    value: Any
    place: Place


def split_overrides(options: Iterable[str]) -> tuple[list[str], list[str]]:
    """Options for the architecture and options for the workload (`workload.timesteps=8`)."""
    architecture: list[str] = []
    workload: list[str] = []
    for option in options:
        (workload if option.startswith(WORKLOAD_PREFIX) else architecture).append(option)
    return architecture, workload


@lru_cache(maxsize=4096)
def parse_override(option: str) -> Override:
    """The override that an option states; the prefix `workload.` is no part of its path.

    Raises:
        InputError: the option has no `=`, an empty key, or a value that is not one YAML scalar.
    """
    at = Place(0, 0, f"--set {option}")
    keys, equals, value = option.partition("=")
    path = path_of(keys)
    if not equals or not all(path):
        raise InputError(
            at.fault(
                f"must have the form key.key=value (got {shown(option)}).",
                "Write it like '--set cores.spike.count=32'.",
            )
        )
    try:
        return Override(option, path, parse_scalar(value), at)
    except ValueError as error:
        raise InputError(
            at.fault(
                f"must end in one value (got {shown(value)}: {error}).",
                "Lists and groups belong in a file.",
            )
        ) from None


def path_of(key: str) -> KeyPath:
    """The path that a key names; the prefix `workload.` is no part of it."""
    return tuple(key.strip().removeprefix(WORKLOAD_PREFIX).split("."))


def apply_overrides(
    document: Document, model: type[BaseModel], options: Iterable[str | Override]
) -> Document:
    """The document with its values replaced; the given one stays as it is.

    A key that the model knows may be new to the document; the group that holds it only if none of
    its keys must be there. In groups whose keys are free every name may be new.

    Raises:
        InputError: with a fault for every option that is malformed or leads nowhere.
    """
    data = copy.deepcopy(document.data)
    values, keys = dict(document.values), dict(document.keys)
    faults: list[Fault] = []
    for option in options:
        try:
            read = parse_override(option) if isinstance(option, str) else option
            override = _with_dotted_name(read, model)
            _group(data, model, override)[str(override.path[-1])] = override.value
        except InputError as error:
            faults += error.faults
            continue
        values[override.path] = keys[override.path] = override.place
    if faults:
        raise InputError(faults)
    return replace(document, data=data, values=values, keys=keys)


def _with_dotted_name(override: Override, model: type[BaseModel]) -> Override:
    """The override with the rest of its path as one key, where keys are free: names of layers
    have dots in them."""
    for depth in range(1, len(override.path)):
        if is_table(model, override.path[:depth]):
            name = dotted(override.path[depth:])
            return replace(override, path=(*override.path[:depth], name))
    return override


def _group(data: dict[str, Any], model: type[BaseModel], override: Override) -> dict[str, Any]:
    """The group that holds the value to replace.

    Raises:
        InputError: it does not exist, or its model does not know the key.
    """
    group: dict[str, Any] = data
    for depth, key in enumerate(override.path[:-1]):
        inside = override.path[: depth + 1]
        if key not in group:
            if not is_table(model, inside) and not _is_optional(model_at(model, inside)):
                raise _no_such_key(model, override, depth, _known(group, model, override, depth))
            group[str(key)] = {}
        inner_value: Any = group[str(key)]
        if not isinstance(inner_value, dict):
            at, inner = override.place, dotted(override.path[: depth + 1])
            problem = f"{inner} must be a group to hold other keys (got {shown(inner_value)})."
            raise InputError(at.fault(problem, f"Set '{inner}' itself."))
        group = inner_value
    depth = len(override.path) - 1
    if is_table(model, override.path[:-1]):
        return group
    description = model_at(model, override.path[:-1])
    known = list(group) if description is None else keys_of(description)
    if override.path[-1] not in known:
        raise _no_such_key(model, override, depth, known)
    return group


def _known(
    group: dict[str, Any], model: type[BaseModel], override: Override, depth: int
) -> list[str]:
    """Keys that can stand at a depth of a path: those that are there, and optional groups."""
    at = override.path[:depth]
    description = model_at(model, at)
    keys = keys_of(description) if description else []
    optional = [key for key in keys if _is_optional(model_at(model, (*at, key)))]
    return sorted({*group, *optional})


def _is_optional(model: type[BaseModel] | None) -> bool:
    return model is not None and not any(
        field.is_required() for field in model.model_fields.values()
    )


def _no_such_key(
    model: type[BaseModel], override: Override, depth: int, known: list[str]
) -> InputError:
    owner = dotted(override.path[:depth]) or "the file"
    key = str(override.path[depth])
    fix = nearest(key, known)
    owning, whole = (model_at(model, override.path[:end]) for end in (depth, depth + 1))
    if owning and whole and key in keys_of(owning):
        needed = [
            info.alias or name for name, info in whole.model_fields.items() if info.is_required()
        ]
        fix = f"Write {', '.join(needed)} in a file: they belong together."
    if depth == 0 and model is not WorkloadSpec:
        # what is meant may be a value of the workload, with its prefix forgotten
        near = difflib.get_close_matches(key, [*known, *keys_of(WorkloadSpec)], n=1)
        if near and near[0] not in known:
            _, _, value = override.option.partition("=")
            written = f"{WORKLOAD_PREFIX}{near[0]}"
            is_option = override.place.text.startswith("--set")
            fix = f"Did you mean '{f'--set {written}={value}' if is_option else written}'?"
    return InputError(override.place.fault(f"{owner} has no key {shown(key)}.", fix))
