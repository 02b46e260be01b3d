"""Reading of a data set's files, with errors that name the file and the place in it."""

from pathlib import Path

from codesign.errors import Fault, InputError

LARGEST_FILE_BYTES = 1_000_000_000
"""No file of the known sets comes near."""


def refused(place: str | Path, problem: str, fix: str = "") -> InputError:
    """The error of a file or folder that is not what it must be."""
    return InputError(Fault(str(place), problem, fix))


def file_bytes(path: Path) -> int:
    """The size of a file.

    Raises:
        InputError: there is no such file, or it is empty or too large.
    """
    try:
        size = path.stat().st_size
    except OSError as error:
        raise _unreadable(path, error) from error
    if not path.is_file():
        raise refused(path, "must be a file (got a folder).")
    if not size:
        raise refused(path, "must not be empty (got 0 bytes).", "Unpack it again.")
    if size > LARGEST_FILE_BYTES:
        raise refused(path, f"must have at most {LARGEST_FILE_BYTES} bytes (got {size}).")
    return size


def read_file(path: Path) -> bytes:
    """All bytes of a file.

    Raises:
        InputError: it is missing, unreadable, empty or too large.
    """
    file_bytes(path)
    try:
        return path.read_bytes()
    except OSError as error:
        raise _unreadable(path, error) from error


def read_part(path: Path, offset: int, count: int) -> bytes:
    """A number of bytes of a file from an offset on.

    Raises:
        InputError: it is unreadable, or ends too early.
    """
    try:
        with path.open("rb") as file:
            file.seek(offset)
            part = file.read(count)
    except OSError as error:
        raise _unreadable(path, error) from error
    if len(part) < count:
        raise truncated(path, offset, count, len(part))
    return part


def read_lines(path: Path) -> list[str]:
    """The lines of a text file without those that are blank.

    Raises:
        InputError: it is unreadable, or no text.
    """
    try:
        lines = read_file(path).decode().splitlines()
    except UnicodeDecodeError as error:
        raise refused(path, f"must be a text file ({error}).", "Unpack it again.") from error
    return [line.strip() for line in lines if line.strip()]


def truncated(path: Path, offset: int, wanted: int, got: int) -> InputError:
    """The error of a file that ends within something."""
    problem = f"must have {wanted} bytes at offset {offset} (got {got})."
    return refused(path, problem, "The file is cut short: unpack or copy it again.")


def require_folder(path: Path) -> None:
    """Checks that a folder is there.

    Raises:
        InputError: it is not.
    """
    try:
        if path.is_dir():
            return
    except (OSError, ValueError) as error:  # too long a name, or a null byte
        raise refused(path, f"must be a folder ({error}).") from error
    got = "a file" if path.exists() else "nothing of that name"
    raise refused(path, f"must be a folder (got {got}).", "Unpack the data set first.")


def names_in(folder: Path) -> list[str]:
    """Names of what lies in a folder but for hidden things, sorted.

    Raises:
        InputError: it cannot be read.
    """
    try:
        return sorted(entry.name for entry in folder.iterdir() if entry.name[0] != ".")
    except OSError as error:
        raise refused(folder, f"must be a readable folder ({error.strerror}).") from error


def _unreadable(path: Path, error: OSError) -> InputError:
    return refused(path, f"must be a readable file ({error.strerror}).", "Unpack it again.")
