"""Folders of results: there whole, or not at all.

A result is written into a temporary folder beside its place and moved there when it is complete.
An older result in that place is replaced; a folder that holds anything else is left alone.
"""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from codesign.errors import Fault, InputError

_MARK = "report.html"


@contextmanager
def result_folder(folder: Path) -> Iterator[Path]:
    """A folder to write into that becomes `folder` if nothing is raised.

    Raises:
        InputError: the place is taken by something that is no result, or cannot be written.
    """
    if folder.exists() and not _replaceable(folder):
        raise InputError(
            Fault(
                str(folder),
                "must be a new folder, an empty one, or one with an older report.",
                "Choose another with --out.",
            )
        )
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        place = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}."))
    except OSError as error:
        raise _unwritable(folder, error) from error
    try:
        yield place
        place.chmod(0o755)
        _swap(place, folder)
    except OSError as error:
        raise _unwritable(folder, error) from error
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _replaceable(folder: Path) -> bool:
    return folder.is_dir() and ((folder / _MARK).is_file() or not any(folder.iterdir()))


def _swap(place: Path, folder: Path) -> None:
    """Puts the new folder where the old one was; the old one is kept until then."""
    if not folder.exists():
        place.rename(folder)
        return
    old = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}.old."))
    try:
        folder.rename(old / folder.name)
        place.rename(folder)
    finally:
        shutil.rmtree(old, ignore_errors=True)


def _unwritable(folder: Path, error: OSError) -> InputError:
    return InputError(
        Fault(str(folder), f"must be writable ({error.strerror}).", "Choose another with --out.")
    )
