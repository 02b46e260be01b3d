"""Files that are whole or not there, whatever ends the program that writes them."""

import os
import tempfile
from pathlib import Path

from codesign.errors import Fault, InputError


def write_whole(path: Path, content: bytes) -> None:
    """Writes a file under a temporary name beside `path`, brings it to the disk, and renames it.

    A power cut leaves the old file or the new one.

    Args:
        path: of the file; folders above it are made.
        content: all of it.

    Raises:
        InputError: it cannot be written; neither a part of it nor the temporary file is left.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=temporary_prefix(path))
    except OSError as error:
        raise not_writable(path, error) from error
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(handle)
        temporary.chmod(0o644)  # a temporary file is private, a result is not
        temporary.replace(path)
    except OSError as error:
        raise not_writable(path, error) from error
    finally:
        temporary.unlink(missing_ok=True)


def temporary_prefix(path: Path) -> str:
    """How the names begin that a file has before it is whole."""
    return f".{path.name}."


def not_writable(path: Path, error: OSError) -> InputError:
    """Says that a place cannot be written."""
    problem = f"must be a place that can be written ({error.strerror or error})."
    return InputError(Fault(str(path), problem, "Choose another one, or make room."))
