"""YAML text as plain data that remembers where each of its values stands.

First half of the door for what users write: this module reads the text, `codesign.specs.faults`
compares it with a model. The text is YAML 1.2 restricted to what a description needs: one
document with a group of keys at its root, no tags, keys that are text. Aliases are legal; the
limits below hold after they are expanded, so that a small file cannot become a large one.

What a file's syntax allows but this module does not (duplicate keys, tags) is collected on the
document, to be reported together with what the model finds. Text that cannot be read at all
raises at once, since nothing after the fault can be trusted.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    CollectionEndEvent,
    CollectionStartEvent,
    DocumentStartEvent,
    NodeEvent,
    ScalarEvent,
)
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from ruamel.yaml.reader import ReaderError

from codesign.errors import Fault, InputError
from codesign.units import shown

KeyPath = tuple[str | int, ...]
"""Keys and list positions from the root to a value."""

LARGEST_FILE_BYTES = 256 * 1024
DEEPEST_NESTING = 24
MOST_VALUES = 20_000
LONGEST_NUMBER = 64
"""Limits far above any description of a chip (about 200 values, 5 levels), and far below what
would exhaust memory or the interpreter's stack."""

_LINE_BREAK = re.compile(r"\r\n|[\r\n\x85\u2028\u2029]")
_WIDEST_EXCERPT = 100
_FLOATS = {".inf": "inf", ".nan": "nan"}


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where a value stands: a line and column (from 1) of a file, or an option (line 0)."""

    line: int
    column: int
    text: str
    excerpt: str = ""

    @property
    def is_option(self) -> bool:
        return self.line == 0

    def fault(self, problem: str, fix: str = "") -> Fault:
        return Fault(self.text, problem, fix, self.excerpt)


@dataclass(frozen=True)
class Document:
    """What a user wrote, not yet compared with a model.

    Attributes:
        file: the file's name as shown to the user.
        data: groups as dicts, lists, and scalars.
        values: the place of each value.
        keys: the place of each key of a group.
        faults: what is wrong with the text itself, each with its place.
    """

    file: str
    data: dict[str, Any]
    values: Mapping[KeyPath, Place]
    keys: Mapping[KeyPath, Place]
    faults: tuple[tuple[Place, Fault], ...] = ()

    def place_of_value(self, path: KeyPath) -> Place:
        """Where a value stands, or the group that should hold it."""
        while path not in self.values:
            path = path[:-1]
        return self.values[path]

    def place_of_key(self, path: KeyPath) -> Place:
        """Where a key stands; an element of a list has none, its value stands for it."""
        return self.keys[path] if path in self.keys else self.place_of_value(path)


def read_document(path: Path) -> Document:
    """The document in a file.

    Raises:
        InputError: the file cannot be read, is not UTF-8, or is not the YAML described above.
    """
    return parse_document(_read_text(path), shown_path(path))


def parse_document(text: str, file: str) -> Document:
    """The document in a text; `file` names it in messages.

    Raises:
        InputError: the text is not the YAML described above.
    """
    source = _Source(text, file)
    try:
        faults = list(_check_events(source))
        root = YAML(typ="rt").compose(text)
    except ReaderError as error:
        at = source.place_of_offset(error.position)
        raise InputError(at.fault("must hold no control characters.", "Remove them.")) from None
    except MarkedYAMLError as error:
        raise InputError(_syntax_fault(source, error)) from None
    except YAMLError as error:
        raise InputError(source.place(0, 0).fault(f"must be YAML ({error}).")) from None
    if not isinstance(root, MappingNode):
        raise InputError(_root_fault(source, root))
    walk = _Walk(source, faults)
    data = walk.group(root, ())
    return Document(file, data, walk.values, walk.keys, tuple(walk.faults))


def parse_scalar(text: str) -> Any:
    """The value that a text has as a YAML scalar: text, number, true or false, or nothing.

    Raises:
        ValueError: the text is not one scalar.
    """
    try:
        events = [event for event in YAML(typ="rt").parse(text) if isinstance(event, NodeEvent)]
        if len(events) > 1 or any(isinstance(event, CollectionStartEvent) for event in events):
            raise ValueError("it is not a single value")
        if any(event.ctag for event in events if isinstance(event, ScalarEvent)):
            raise ValueError("it has a tag")
        node = YAML(typ="rt").compose(text)
    except YAMLError:
        raise ValueError("it is not YAML") from None
    return _scalar(node) if isinstance(node, ScalarNode) else None


def shown_path(path: Path) -> str:
    """A path as short as it stays clear: relative to the current folder if it is inside."""
    try:
        return path.resolve().relative_to(Path.cwd().resolve()).as_posix()
    except (ValueError, OSError):
        return str(path)


def _read_text(path: Path) -> str:
    name = shown_path(path)
    try:
        with path.open("rb") as stream:
            content = stream.read(LARGEST_FILE_BYTES + 1)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise InputError(
            Fault(name, f"must be a readable file (got: {reason}).", "Check the path.")
        ) from None
    if len(content) > LARGEST_FILE_BYTES:
        raise InputError(
            Fault(
                name,
                f"must be at most {LARGEST_FILE_BYTES // 1024} KiB (got more).",
                "A description is a few KiB; is this the right file?",
            )
        )
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise InputError(
            Fault(
                f"{name}:{line}",
                f"must be UTF-8 text (got the byte 0x{content[error.start]:02x}).",
                "Save the file as UTF-8.",
            )
        ) from None


@dataclass
class _Source:
    """The text, for places and excerpts."""

    text: str
    file: str

    def __post_init__(self) -> None:
        self.lines = _LINE_BREAK.split(self.text)

    def place(self, line: int, column: int) -> Place:
        """The place at a line and column that are counted from 0."""
        text = self.lines[line] if line < len(self.lines) else ""
        start = max(0, column - _WIDEST_EXCERPT // 2) if len(text) > _WIDEST_EXCERPT else 0
        cut = text[start : start + _WIDEST_EXCERPT]
        cut = "".join(letter if letter.isprintable() else " " for letter in cut)
        return Place(
            line + 1,
            column + 1,
            f"{self.file}:{line + 1}:{column + 1}",
            f"    {cut}\n    {' ' * (column - start)}^",
        )

    def place_of(self, mark: Any) -> Place:
        return self.place(mark.line, mark.column)

    def place_of_offset(self, offset: int) -> Place:
        lines = _LINE_BREAK.split(self.text[:offset])
        return self.place(len(lines) - 1, len(lines[-1]))


def _check_events(source: _Source) -> Iterator[tuple[Place, Fault]]:
    """Faults visible without building anything; stops an attack before it costs time.

    Raises:
        InputError: the nesting is too deep, or the file declares another version of YAML.
    """
    depth = 0
    anchors: set[str] = set()
    for event in YAML(typ="rt").parse(source.text):
        if isinstance(event, CollectionEndEvent):
            depth -= 1
        elif isinstance(event, CollectionStartEvent):
            depth += 1
            if depth > DEEPEST_NESTING:
                raise InputError(_depth_fault(source.place_of(event.start_mark)))
        if isinstance(event, DocumentStartEvent) and event.version not in (None, (1, 2)):
            at = source.place_of(event.start_mark)
            raise InputError(at.fault("must be YAML 1.2.", "Remove the %YAML line."))
        if not isinstance(event, ScalarEvent | CollectionStartEvent):
            continue
        at = source.place_of(event.start_mark)
        if event.ctag:
            yield at, at.fault(f"must have no tag (got {shown(str(event.ctag))}).", "Remove it.")
        if event.anchor:
            if event.anchor in anchors:
                problem = f"must define the anchor '{event.anchor}' once."
                raise InputError(at.fault(problem, "Rename one of the two."))
            anchors.add(event.anchor)


@dataclass
class _Walk:
    """One pass over the nodes: builds the data and notes the place of everything in it."""

    source: _Source
    faults: list[tuple[Place, Fault]]
    values: dict[KeyPath, Place] = field(default_factory=dict)
    keys: dict[KeyPath, Place] = field(default_factory=dict)

    def group(self, node: MappingNode, path: KeyPath) -> dict[str, Any]:
        self._note(node, path)
        data: dict[str, Any] = {}
        for key_node, value_node in node.value:
            at = self.source.place_of(key_node.start_mark)
            if not isinstance(key_node, ScalarNode):
                self._fault(at, "must have plain text as key.", "Write 'key: value'.")
                continue
            key = str(key_node.value)
            key_path = (*path, key)
            if key in data:
                first = self.keys[key_path].line
                self._fault(
                    at,
                    f"must have each key once ({shown(key)} is already in line {first}).",
                    "Remove one of the two.",
                )
                continue
            self.keys[key_path] = at
            data[key] = self.value(value_node, key_path)
        return data

    def value(self, node: Node, path: KeyPath) -> Any:
        if isinstance(node, MappingNode):
            return self.group(node, path)
        self._note(node, path)
        if isinstance(node, SequenceNode):
            return [self.value(entry, (*path, index)) for index, entry in enumerate(node.value)]
        try:
            return _scalar(node) if isinstance(node, ScalarNode) else None
        except ValueError as error:
            at = self.source.place_of(node.start_mark)
            self._fault(at, f"must be a number that can be read ({error}).", "Shorten it.")
            return None

    def _note(self, node: Node, path: KeyPath) -> None:
        at = self.source.place_of(node.start_mark)
        if len(path) > DEEPEST_NESTING:  # only an alias that holds itself gets this deep
            raise InputError(_depth_fault(at))
        if len(self.values) >= MOST_VALUES:
            raise InputError(
                at.fault(
                    f"must hold at most {MOST_VALUES} values after aliases are expanded.",
                    "Use fewer aliases.",
                )
            )
        self.values[path] = at

    def _fault(self, at: Place, problem: str, fix: str) -> None:
        self.faults.append((at, at.fault(problem, fix)))


def _scalar(node: ScalarNode) -> Any:
    """The value of a scalar under YAML 1.2; dates stay text.

    Raises:
        ValueError: a number of absurd length.
    """
    text, tag = node.value, str(node.tag).rpartition(":")[2]
    if tag == "null":
        return None
    if tag == "bool":
        return text.lower() == "true"
    if tag not in ("int", "float"):
        return text
    if len(text) > LONGEST_NUMBER:
        raise ValueError(f"it has {len(text)} characters")
    digits = text.replace("_", "").lower()
    if tag == "int":
        based = digits.lstrip("+-")[:2] in ("0x", "0o", "0b")
        return int(digits, 0) if based else int(digits)
    for yaml, python in _FLOATS.items():
        digits = digits.replace(yaml, python)
    return float(digits)


def _depth_fault(at: Place) -> Fault:
    return at.fault(
        f"must not nest deeper than {DEEPEST_NESTING} levels.",
        "Flatten it; an alias must not hold itself.",
    )


def _root_fault(source: _Source, root: Node | None) -> Fault:
    if root is None or (isinstance(root, ScalarNode) and not root.value):
        return Fault(source.file, "must hold a description (got an empty file).", "Write one.")
    at = source.place_of(root.start_mark)
    kind = "a list" if isinstance(root, SequenceNode) else "a single value"
    return at.fault(f"must be a group of keys (got {kind}).", "Write 'key: value' lines.")


def _syntax_fault(source: _Source, error: MarkedYAMLError) -> Fault:
    mark = error.problem_mark or error.context_mark
    at = source.place_of(mark) if mark is not None else source.place(0, 0)
    problem = str(error.problem or error.context or "it cannot be read")
    if "'\\t'" in problem:
        return at.fault("must be indented with spaces (got a tab).", "Replace the tab by spaces.")
    if "another document" in problem:
        return at.fault("must be one document (got a second one).", "Remove the '---' line.")
    if "undefined alias" in problem:
        return at.fault(f"must define its anchors ({problem}).", "Define it with '&' before.")
    if "mapping values are not allowed" in problem:
        fix = "Put a text that holds ': ' in quotes; check the indentation."
        return at.fault(f"must be YAML ({problem}).", fix)
    return at.fault(f"must be YAML ({problem}).", "Check quotes, brackets and indentation.")
