"""The cache of recordings: an inference that was recorded once is not run again.

An entry's name is the SHA-256 of everything that determines it: the workload, the weights, the
picture, versions, and the sources of the rooms that made it. It is found without importing torch.
Entries are verified before they are used; a broken one is recorded again. Writing is a rename, so
that several processes may record the same thing at once. Where nothing can be written, runs go on
without a cache.
"""

import hashlib
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import codesign
from codesign.errors import Fault, InputError, TraceError
from codesign.networks.provenance import weights_provenance
from codesign.pictures import picture_digest, picture_path
from codesign.specs.workload import WorkloadSpec
from codesign.trace import Trace
from codesign.trace_files import load_trace, save_trace

FOLDER_VARIABLE = "CODESIGN_CACHE"
_SUFFIX = ".trace"
_NOT_IN_KEY = {"description", "source", "images"}
_SOURCES = (
    *("networks", "recording", "pictures.py", "workload.py"),
    *("trace.py", "trace_files.py", "trace_cache.py"),
)
_LIBRARIES = ("torch", "pillow")  # what sums trained weights, and what decodes pictures

Notice = Callable[[str], None]


@dataclass(frozen=True)
class Recording:
    """A trace and how it was come by: found in the cache, or recorded now."""

    trace: Trace
    found: bool


def cache_folder() -> Path:
    """The folder of the cache: `$CODESIGN_CACHE`, or the user's cache directory."""
    chosen = os.environ.get(FOLDER_VARIABLE)
    if chosen:
        return Path(chosen)
    from platformdirs import user_cache_path

    return user_cache_path("codesign")


def recording(
    spec: WorkloadSpec, picture: str, *, notice: Notice, use_cache: bool = True
) -> Recording:
    """The trace of one inference, from the cache if it is there whole.

    Args:
        spec: the workload; its `images` are not looked at.
        picture: name of a shipped photograph, or a path.
        notice: called with a sentence when an entry was broken or cannot be written.
        use_cache: False neither looks nor writes.

    Raises:
        InputError: the picture or the checkpoint cannot be used.
        CaptureError: the network cannot be recorded.
    """
    path = cache_folder() / f"{entry_key(spec, picture)}{_SUFFIX}"
    if use_cache:
        try:
            trace = load_trace(path)
            trace.verify()
            return Recording(trace, found=True)
        except TraceError as error:
            # not there, or not to be reached: then it cannot be written either, which is told below
            if not isinstance(error.__cause__, OSError):
                notice(f"The cached recording is broken and is made again: {error}")
    trace = _record(spec, picture)
    if use_cache:
        try:
            save_trace(trace, path)
        except TraceError as error:
            notice(f"The recording is not cached: {error}")
    return Recording(trace, found=False)


def entry_key(spec: WorkloadSpec, picture: str) -> str:
    """SHA-256 of everything that determines a recording.

    Raises:
        InputError: the picture or the checkpoint cannot be read.
    """
    content = {
        "workload": spec.model_dump(mode="json", exclude=_NOT_IN_KEY),
        "weights": weights_provenance(spec),
        "picture": picture_digest(picture),
        "input": _input_provenance(picture),
        "versions": [codesign.__version__, *(_version(library) for library in _LIBRARIES)],
        "sources": _sources_digest(),
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def entries() -> list[Path]:
    """The files of the cache."""
    return sorted(path for path in cache_folder().glob(f"*{_SUFFIX}") if path.is_file())


def clear() -> int:
    """Removes all entries; returns how many there were.

    Raises:
        InputError: one cannot be removed.
    """
    found = entries()
    for path in found:
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            problem = f"must be a file that can be removed ({error.strerror})."
            raise InputError(Fault(str(path), problem)) from error
    return len(found)


def _record(spec: WorkloadSpec, picture: str) -> Trace:
    """Runs the network once and records it; the only place behind which torch is imported."""
    from codesign.pictures import load_picture

    pixels = load_picture(picture)  # before torch, so that a bad file is refused at once

    import torch

    from codesign.networks.construction import build
    from codesign.recording import capture

    provenance: dict[str, Any] = {
        "weights": weights_provenance(spec),
        "input": _input_provenance(picture),
        "recorded_with": {"codesign": codesign.__version__, "torch": str(torch.__version__)},
    }
    inputs = torch.from_numpy(pixels)[None]
    return capture(build(spec), inputs, name=spec.name, provenance=provenance)


def _input_provenance(picture: str) -> dict[str, str]:
    return {
        "kind": "photograph",
        "name": picture_path(picture).name,
        "sha256": picture_digest(picture),
    }


def _version(library: str) -> str:
    """The version that is installed, without importing it."""
    try:
        return version(library)
    except PackageNotFoundError:  # put on the path without an installation
        return "unknown"


@cache
def _sources_digest() -> str:
    """SHA-256 of the modules that decide what a recording holds."""
    digest = hashlib.sha256()
    for path in _source_files():
        digest.update(path.name.encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _source_files() -> Iterator[Path]:
    package = Path(codesign.__file__).parent
    for name in _SOURCES:
        place = package / name
        yield from sorted(place.rglob("*.py")) if place.is_dir() else [place]
