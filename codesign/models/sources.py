"""The source of a user's network, found without running it.

A recording is kept for the source that made it: of a module's file, of every module in the same
folder that it imports, and all of a package. Libraries count by their versions. Imports are read
from the source; what is imported by name at run time, and data files, are not seen.
"""

import ast
import hashlib
import sys
from collections.abc import Iterator
from importlib.machinery import PathFinder
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from codesign.errors import Fault, InputError


def folder_of_model() -> Path:
    """The folder in front of all others in which users' modules are looked for."""
    return Path.cwd()


def source_digest(module: str) -> str:
    """SHA-256 of a module's source and of what it imports.

    Args:
        module: its dotted name.

    Raises:
        InputError: it is not found, or its source cannot be read.
    """
    root, files, libraries = _reached(module.partition(".")[0])
    digest = hashlib.sha256()
    for path in sorted(files):
        digest.update(str(path.relative_to(root)).encode())
        digest.update(files[path])
    for name in sorted(libraries):
        digest.update(f"{name} {_version(name)}".encode())
    return digest.hexdigest()


def _reached(top: str) -> tuple[Path, dict[Path, bytes], set[str]]:
    """The folder of a module, the sources that it reaches there, and what else they import."""
    entry = _find(top)
    if entry is None:
        raise InputError(
            Fault(
                f"model {top}",
                f"must be a Python module (got none of that name in {folder_of_model()} or where "
                f"Python looks).",
                "Run from the folder that holds it.",
            )
        )
    root = entry.parent
    files: dict[Path, bytes] = {}
    libraries: set[str] = set()
    waiting = [entry]
    while waiting:
        for path in _files(waiting.pop()):
            if path in files:
                continue
            files[path] = _read(path)
            for name in _imports(path, files[path]):
                # beside installed packages everything else is installed, too
                other = _find(name) if root == folder_of_model() else None
                if other is not None and other.parent == root:
                    waiting.append(other)
                else:
                    libraries.add(name)
    return root, files, libraries - set(sys.stdlib_module_names)


def _find(top: str) -> Path | None:
    """The file of a module, or the folder of a package, without importing it."""
    found = PathFinder.find_spec(top, [str(folder_of_model()), *sys.path])
    if found is None:
        return None
    if found.submodule_search_locations:
        return Path(next(iter(found.submodule_search_locations)))
    return Path(found.origin) if found.origin and Path(found.origin).is_file() else None


def _files(entry: Path) -> Iterator[Path]:
    yield from entry.rglob("*.py") if entry.is_dir() else [entry]


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(
            Fault(str(path), f"must be a readable source file ({error.strerror}).")
        ) from error


def _imports(path: Path, source: bytes) -> Iterator[str]:
    """Top-level names that a source file imports; none if it is no Python that can be read."""
    if path.suffix != ".py":
        return
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):  # told when it is imported, with the line
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]


def _version(library: str) -> str:
    try:
        return version(library)
    except PackageNotFoundError:  # a distribution of another name, or none
        return "unknown"
