"""A document compared with its model: either a frozen spec, or every fault with its place.

Second half of the door for what users write. pydantic finds what is wrong; this module says it
in the words of the project, with the line and column of the value, and with the nearest legal
word. Rules between values (a spike core has no MAC array) are the model's own: its validators
report them as `Violation`s, which are located in the same way.
"""

import re
import typing
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from types import NoneType, UnionType
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails, PydanticCustomError

from codesign.errors import Fault, InputError, nearest
from codesign.specs.documents import Document, KeyPath, Place
from codesign.units import Quantity, shown

Model = TypeVar("Model", bound=BaseModel)

_MUST_BE = {
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "string_type": "text",
    "model_type": "a group of keys",
    "model_attributes_type": "a group of keys",
    "dict_type": "a group of keys",
    "tuple_type": "a list",
    "list_type": "a list",
}
_LIMITS = {
    "greater_than_equal": ("at least", "ge"),
    "greater_than": ("more than", "gt"),
    "less_than_equal": ("at most", "le"),
    "less_than": ("less than", "lt"),
}
_QUOTED = re.compile(r"'([^']*)'")


@dataclass(frozen=True, slots=True)
class Violation:
    """A rule between values that does not hold.

    Attributes:
        path: keys from the group that was checked to the value to blame.
        problem: what must hold and what was found, after the value's name.
        fix: what to do about it.
        missing: whether the value to blame is not there, so that its group is the place.
        causes: the other values of the rule; if one of them was overridden from the command
            line, the option is the place.
    """

    path: KeyPath
    problem: str
    fix: str
    missing: bool = False
    causes: tuple[KeyPath, ...] = ()


def refuse(violations: Sequence[Violation]) -> None:
    """Ends a model's validator with what it found.

    Raises:
        PydanticCustomError: there are violations.
    """
    if violations:
        text = " ".join(f"{dotted(entry.path)} {entry.problem} {entry.fix}" for entry in violations)
        raise PydanticCustomError(
            "violations", "{text}", {"text": text, "violations": tuple(violations)}
        )


def validate(document: Document, model: type[Model], name: str) -> Model:
    """The spec in a document.

    Args:
        document: what the user wrote.
        model: what it must be.
        name: what its key `name` must be, which is the file's name: one name, one chip.

    Raises:
        InputError: with all the faults of the document, in the order of the file.
    """
    found = [*document.faults, *_name_faults(document, name)]
    try:
        spec = model.model_validate(document.data, by_alias=True, by_name=False)
    except ValidationError as error:
        for details in _without_echoes(model, error.errors(include_url=False)):
            found += _faults(document, model, details)
    if found:
        # An alias repeats what is wrong with its anchor: say it once.
        ordered = sorted(dict.fromkeys(found), key=lambda entry: entry[0])
        raise InputError([fault for _, fault in ordered])
    return spec


def dotted(path: KeyPath) -> str:
    """A path as users write it: `cores.spike.count`, `images[0]`."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def model_at(model: type[BaseModel], path: KeyPath) -> type[BaseModel] | None:
    """The model of the group at a path, None where no model describes it."""
    current: Any = model
    for part in path:
        current = _member(current, part)
    return current if _is_model(current) else None


def is_table(model: type[BaseModel], path: KeyPath) -> bool:
    """Whether the keys of the group at a path are free and its values plain: names of layers."""
    current: Any = model
    for part in path:
        current = _member(current, part)
    return typing.get_origin(current) is dict and not _is_model(typing.get_args(current)[-1])


def keys_of(model: type[BaseModel]) -> list[str]:
    """The keys that a group may have."""
    return [info.alias or name for name, info in model.model_fields.items()]


def _without_echoes(
    model: type[BaseModel], details: Sequence[ErrorDetails]
) -> Iterator[ErrorDetails]:
    """Errors save those of a missing key that stands there misspelt: one slip, one fault."""
    hints = {
        (entry["loc"][:-1], _key_hint(model, entry["loc"]))
        for entry in details
        if entry["type"] == "extra_forbidden"
    }
    for entry in details:
        path = entry["loc"]
        is_echo = entry["type"] == "missing" and (path[:-1], f"Did you mean '{path[-1]}'?") in hints
        if not is_echo:
            yield entry


def _key_hint(model: type[BaseModel], path: KeyPath) -> str:
    group = model_at(model, path[:-1])
    return nearest(str(path[-1]), keys_of(group)) if group else ""


def _name_faults(document: Document, name: str) -> list[tuple[Place, Fault]]:
    written = document.data.get("name")
    if not isinstance(written, str) or written == name:
        return []
    at = document.place_of_value(("name",))
    problem = f"name must be the file's name, '{name}' (got {shown(written)})."
    return [(at, at.fault(problem, "Change one of the two."))]


def _faults(
    document: Document, model: type[BaseModel], details: ErrorDetails
) -> list[tuple[Place, Fault]]:
    path, kind = details["loc"], details["type"]
    if kind == "violations":
        return [_violation_fault(document, path, entry) for entry in details["ctx"]["violations"]]
    if kind == "missing":
        at = _place(document, path[:-1])
        return [(at, at.fault(f"{dotted(path)} is missing.", _missing_fix(model, path)))]
    if kind == "extra_forbidden":
        at = document.place_of_key(path)
        owner = dotted(path[:-1]) or "the file"
        problem = f"{owner} has no key {shown(path[-1])}."
        return [(at, at.fault(problem, _key_hint(model, path)))]
    if path and path[-1] == "[key]":
        at = document.place_of_key(path[:-1])
        problem = f"{dotted(path[:-1])} must be named {_NAME_RULE}."
        return [(at, at.fault(problem, "Rename it."))]
    at = document.place_of_value(path)
    problem, fix = _wording(details)
    separator = " " if problem.startswith("must") else ": "
    return [(at, at.fault(f"{dotted(path) or 'the file'}{separator}{problem}.", fix))]


def _violation_fault(
    document: Document, group: KeyPath, violation: Violation
) -> tuple[Place, Fault]:
    blamed = (*group, *violation.path)
    at = _place(document, blamed[:-1] if violation.missing else blamed)
    for cause in violation.causes:
        other = document.place_of_value((*group, *cause))
        if other.is_option and not at.is_option:
            at = other
    return at, at.fault(f"{dotted(blamed)} {violation.problem}", violation.fix)


_NAME_RULE = "with small letters, digits and '_', a letter first"


def _place(document: Document, path: KeyPath) -> Place:
    """Where a value stands; for a group that begins on the next line, the key that names it."""
    value = document.place_of_value(path)
    key = document.keys.get(path, value)
    return value if value.line == key.line else key


def _wording(details: ErrorDetails) -> tuple[str, str]:  # noqa: PLR0911, one return for each kind of error
    """Problem and fix in the project's words, for an error of a single value."""
    kind, context, got = details["type"], details.get("ctx", {}), shown(details["input"])
    if kind == "quantity":
        return context["problem"], context["fix"]
    if kind in ("enum", "literal_error"):
        words = _QUOTED.findall(context["expected"])
        written = details["input"]
        fix = nearest(written, words) if words and isinstance(written, str) else ""
        return f"must be {context['expected']} (got {got})", fix
    if kind in _LIMITS:
        limit, key = _LIMITS[kind]
        return f"must be {limit} {context[key]} (got {got})", "Change the number."
    if kind in _MUST_BE:
        return f"must be {_MUST_BE[kind]} (got {_kind_shown(details['input'])})", ""
    if kind == "string_pattern_mismatch":
        return f"must be named {_NAME_RULE} (got {got})", "Rename it."
    if kind in ("string_too_short", "too_short"):
        return f"must not be shorter than {context['min_length']} (got {got})", "Fill it in."
    message = details["msg"]
    return f"must be valid: {message[:1].lower()}{message[1:]} (got {got})", ""


def _kind_shown(value: object) -> str:
    """A value in a message about its kind: a group or a list is named, not printed."""
    if isinstance(value, dict):
        return "a group of keys"
    if isinstance(value, list):
        return "a list"
    return shown(value)


def _missing_fix(model: type[BaseModel], path: KeyPath) -> str:
    group, key = model_at(model, path[:-1]), str(path[-1])
    info = _field(group, key) if group else None
    for entry in info.metadata if info else ():
        if isinstance(entry, Quantity):
            return f"Write it like '{key}: {entry.example}'."
    owner = dotted(path[:-1])
    return f"Add it to '{owner}'." if owner else f"Add a line '{key}: ...'."


def _field(model: type[BaseModel], key: str) -> FieldInfo | None:
    for name, info in model.model_fields.items():
        if key == (info.alias or name):
            return info
    return None


def _member(current: Any, part: str | int) -> Any:
    """The type of a member of a type: a model's field, a dict's value, a list's element."""
    if _is_model(current):
        info = _field(current, str(part))
        return _without_none(info.annotation) if info else None
    arguments = typing.get_args(current)
    return _without_none(arguments[-1]) if typing.get_origin(current) is dict else None


def _without_none(annotation: Any) -> Any:
    if typing.get_origin(annotation) in (UnionType, typing.Union):
        kinds = [kind for kind in typing.get_args(annotation) if kind is not NoneType]
        return kinds[0] if len(kinds) == 1 else annotation
    return annotation


def _is_model(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)
