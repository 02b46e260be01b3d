"""Folders of results: there whole, or not at all.

A result is written into a temporary folder beside its place and moved there when it is complete.
An older result in that place is replaced; a folder that holds anything else, even beside a
result, is left alone.
"""

import errno
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from itertools import count
from pathlib import Path

from codesign.errors import Fault, InputError
from codesign.result_files import SUMMARY, SUMS, TABLES

_PREFIX = ".codesign."
"""Of temporary folders. With the result's name in it, it could be too long where that is not."""

_FILES = frozenset({"report.html", SUMMARY, SUMS, *(f"{table}.parquet" for table in TABLES)})


def require_replaceable(folder: Path) -> None:
    """Checks, before any work is done, that a result can be put there.

    Raises:
        InputError: the place holds anything but a result, is in use, or cannot be written.
    """
    try:
        place = folder.resolve()
        if place in (Path.cwd(), *Path.cwd().parents):
            raise _refused(folder, "must be a folder of its own (got one that is in use).")
        if _is_no_folder(place):
            raise _refused(folder, "must be a folder (got a file).")
        foreign = _foreign(place)
        nearest = next(parent for parent in place.parents if parent.exists())
    except (OSError, RuntimeError, ValueError) as error:  # loops of links, null bytes
        raise _refused(folder, f"must be a folder that can be used ({error}).") from error
    if foreign:
        raise _refused(folder, f"must be new, empty, or hold a report only (got '{foreign[0]}').")
    if not _takes_new(nearest):
        raise _refused(folder, f"must be in a folder that can be written (got {nearest}).")
    if _is_locked(place):
        raise _refused(
            folder, "must be new, or a folder that can be written (got one that cannot)."
        )


def require_file(name: str | None, *, outside: Path | None = None) -> None:
    """Checks, before any work is done, that JSON can be put there; None and `-` are no files.

    Args:
        name: the place.
        outside: the folder of the result, in which it may not be: a result with other files is
            not replaced, and one whose summary was replaced is not whole. None if there is none.

    Raises:
        InputError: the place is empty, taken by something that is no file, in a result, or cannot
            be written.
    """
    if name in (None, "-"):
        return
    try:
        place = Path(name).resolve()
        # Writing is a rename, which would put a file where a device or a pipe was.
        if not name or (place.exists() and not place.is_file()):
            got = "something else, which is there" if name else "an empty name"
            raise _refused_file(name, f"must be a file (got {got}).")
        folder = outside.resolve() if outside else None
        if folder and (folder in (place, *place.parents) or place in folder.parents):
            raise _refused_file(name, f"must be outside of the result (got {outside} for that).")
        nearest = next(parent for parent in place.parents if parent.exists())
    except (OSError, RuntimeError) as error:  # loops of links, names that are too long
        raise _refused_file(name, f"must be a file that can be used ({error}).") from error
    if not _takes_new(nearest):
        raise _refused_file(
            name, f"must be a file in a folder that can be written (got {nearest})."
        )


@contextmanager
def result_folder(folder: Path) -> Iterator[Path]:
    """A folder to write into that becomes `folder` if nothing is raised.

    Raises:
        InputError: the place is taken by something that is no result, or cannot be written.
    """
    require_replaceable(folder)
    folder = folder.resolve()  # a link stays, what it points to is replaced
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        place = Path(tempfile.mkdtemp(dir=folder.parent, prefix=_PREFIX))
    except OSError as error:
        raise _unwritable(folder, error) from error
    try:
        yield place
        require_replaceable(folder)  # time has passed
        place.chmod(0o755)
        _swap(place, folder)
    except InputError as error:
        raise InputError([_renamed(fault, place, folder) for fault in error.faults]) from error
    except OSError as error:
        raise _unwritable(folder, error) from error
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _renamed(fault: Fault, place: Path, folder: Path) -> Fault:
    """The fault of a file in a temporary folder, whose name says nothing to anybody."""
    return replace(fault, place=fault.place.replace(str(place), str(folder)))


def _swap(place: Path, folder: Path) -> None:
    """Puts the new folder where the old one was; the old one returns if that is broken off.

    Of several runs that do this at once each puts aside what it finds, and the last one's stays.
    """
    aside = Path(tempfile.mkdtemp(dir=folder.parent, prefix=_PREFIX))
    old = aside / "0"
    try:
        for number in count():
            if _takes(place, folder):
                break
            old = aside / str(number)
            with suppress(FileNotFoundError):  # another run has put it aside
                folder.rename(old)
    except BaseException:
        if old.exists() and not folder.exists():
            old.rename(folder)
        raise
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _takes(place: Path, folder: Path) -> bool:
    """Renames `place` to `folder`; False if something is there."""
    try:
        place.rename(folder)
    except OSError as error:
        if error.errno in (errno.ENOTEMPTY, errno.EEXIST):
            return False
        raise
    return True


# Another run may replace the folder while it is looked at: each of these asks the disk once.


def _is_no_folder(place: Path) -> bool:
    """Whether anything but a folder is there."""
    try:
        return not stat.S_ISDIR(place.stat().st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return False


def _takes_new(folder: Path) -> bool:
    """Whether something new can be put into a folder: tried, because rights do not say it all."""
    try:
        with tempfile.TemporaryDirectory(dir=folder, prefix=_PREFIX):
            return True
    except OSError:
        return False


def _is_locked(place: Path) -> bool:
    """Whether a folder is there in which nothing can be written."""
    try:
        opened = os.open(place, os.O_RDONLY | os.O_DIRECTORY)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    try:
        return not os.access(".", os.W_OK | os.X_OK, dir_fd=opened)
    finally:
        os.close(opened)


def _foreign(folder: Path) -> list[str]:
    """Names of what is no part of a result, sorted."""
    try:
        with os.scandir(folder) as entries:
            return sorted(entry.name for entry in entries if not _is_of_result(entry))
    except FileNotFoundError:
        return []


def _is_of_result(entry: "os.DirEntry[str]") -> bool:
    """A file of a result, or the folder of one run of a comparison."""
    if entry.is_dir(follow_symlinks=False):
        inside = {path.name for path in Path(entry).iterdir()}
        return SUMS in inside and inside <= _FILES
    return entry.name in _FILES


def _refused(folder: Path, problem: str) -> InputError:
    return InputError(Fault(f"--out {folder}", problem, "Choose another with --out."))


def _refused_file(name: str, problem: str) -> InputError:
    return InputError(Fault(f"--json {name}".strip(), problem, "Name a file, or - for stdout."))


def _unwritable(folder: Path, error: OSError) -> InputError:
    return _refused(folder, f"must be a place that can be written ({error.strerror or error}).")
