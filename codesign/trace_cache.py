"""The cache of recordings: an inference that was recorded once is not run again.

An entry's name is the SHA-256 of everything that determines it: the workload, the weights, the
picture, versions, and the sources of the rooms that made it; of a user's own network, its source.
It is found without importing torch. Entries are verified before they are used; a broken one is
recorded again. Writing is a rename, so that several processes may record the same thing at once.
Where nothing can be written, runs go on without a cache.
"""

import hashlib
import itertools
import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout, suppress
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from threading import get_ident
from typing import TYPE_CHECKING, Any

import codesign
from codesign.cache_limit import make_room, mark_used
from codesign.errors import Fault, InputError, TraceError
from codesign.inputs import input_provenance, network_input, require_network_input
from codesign.models.inputs import model_input, model_input_provenance
from codesign.models.provenance import model_provenance
from codesign.networks.provenance import weights_provenance
from codesign.specs.catalogue import AnyWorkload
from codesign.specs.model import ModelSpec
from codesign.specs.recorded import RecordedSpec
from codesign.specs.workload import WorkloadSpec
from codesign.spike_files import load_spikes, require_spike_file
from codesign.trace import Trace
from codesign.trace_files import load_trace, save_trace
from codesign.workload import Kind

if TYPE_CHECKING:
    from torch import nn

FOLDER_VARIABLE = "CODESIGN_CACHE"
_SUFFIX = ".trace"
MEASURED_SUFFIX = ".accuracy.json"
"""Of small files beside the entries (`codesign.accuracy`)."""
_NOT_IN_KEY = {"description", "source", "images"}
_SOURCES = (
    *("networks", "models", "recording", "pictures.py", "datasets", "events.py", "inputs.py"),
    "workload.py",
    *("trace.py", "trace_files.py", "trace_cache.py"),
)
_LIBRARIES = ("torch", "pillow")  # what sums trained weights, and what decodes pictures

_SAVES_BETWEEN_LIMITS = 32  # so that many entries are not looked through for each new one
_saves = itertools.count()

Notice = Callable[[str], None]
RunWorkload = WorkloadSpec | ModelSpec
"""Workloads whose network is run to record it."""


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
    spec: AnyWorkload, picture: str, *, notice: Notice, use_cache: bool = True
) -> Recording:
    """The trace of one inference, from the cache if it is there whole.

    Args:
        spec: the workload; its `images` are not looked at.
        picture: name of a shipped photograph, a path, or the reference of a data set's sample
            (`codesign.datasets.references`); of a user's own network, one of the
            workload's `images`, which may name another input.
        notice: called with a sentence when an entry was broken or cannot be written.
        use_cache: False neither looks nor writes.

    Raises:
        InputError: the picture, the checkpoint or the user's model cannot be used.
        CaptureError: the network cannot be recorded.
    """
    if isinstance(spec, RecordedSpec):
        return Recording(load_spikes(spec.workload(), Path(picture), _stated(spec)), found=True)
    path = cache_folder() / f"{entry_key(spec, picture)}{_SUFFIX}"
    if use_cache:
        try:
            trace = load_trace(path)
            trace.verify()
            mark_used(path)
            return Recording(trace, found=True)
        except TraceError as error:
            # not there, or not to be reached: then it cannot be written either, which is told below
            if not isinstance(error.__cause__, OSError):
                notice(f"The cached recording is broken and is made again: {error}")
    trace = _record(spec, picture)
    if use_cache:
        try:
            _save(trace, path)
        except TraceError as error:
            notice(f"The recording is not cached: {error}")
    return Recording(trace, found=False)


def _save(trace: Trace, path: Path) -> None:
    """Adds an entry; now and then, old ones make room.

    Raises:
        TraceError: the cache cannot be written.
    """
    save_trace(trace, path)
    if next(_saves) % _SAVES_BETWEEN_LIMITS == 0:
        with suppress(InputError):  # a folder that cannot be listed cannot be limited
            make_room(entries())


def entry_key(spec: RunWorkload, picture: str) -> str:
    """SHA-256 of everything that determines a recording.

    Raises:
        InputError: the picture, the checkpoint or the model's source cannot be read.
    """
    return key_of({**network_content(spec), "input": _input(spec, picture)})


def network_content(spec: RunWorkload) -> dict[str, Any]:
    """Everything that determines what a network computes, but for its input; JSON values.

    Raises:
        InputError: the checkpoint or the model's source cannot be read.
    """
    return {
        "workload": spec.model_dump(mode="json", exclude=_NOT_IN_KEY),
        "weights": _weights(spec),
        "versions": [codesign.__version__, *(_version(library) for library in _LIBRARIES)],
        "sources": _sources_digest(),
    }


def key_of(content: dict[str, Any]) -> str:
    """SHA-256 of JSON values."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def require_input(spec: AnyWorkload, picture: str) -> None:
    """Checks that an input is there and is what it must be, before anything is run.

    Raises:
        InputError: the input cannot be read.
    """
    if isinstance(spec, RecordedSpec):
        require_spike_file(Path(picture))
    elif isinstance(spec, ModelSpec):
        model_input_provenance(spec, picture)
    else:
        require_network_input(spec.structure, picture, spec.timesteps, spec.pictures)


def _input(spec: RunWorkload, picture: str) -> dict[str, Any]:
    """The provenance of an input, which is read for it.

    Raises:
        InputError: the input cannot be read.
    """
    if isinstance(spec, ModelSpec):
        return model_input_provenance(spec, picture)
    return input_provenance(spec.structure, picture)


def entries() -> list[Path]:
    """The files of the cache.

    Raises:
        InputError: its folder cannot be read.
    """
    folder = cache_folder()
    try:
        with os.scandir(folder) as found:
            names = [entry.name for entry in found if entry.is_file()]
    except FileNotFoundError:
        return []
    except OSError as error:
        problem = f"must be a folder that can be read ({error.strerror})."
        fix = f"Choose another with ${FOLDER_VARIABLE}."
        raise InputError(Fault(str(folder), problem, fix)) from error
    return sorted(folder / name for name in names if name.endswith(_SUFFIX))


def clear() -> int:
    """Removes all entries, and what else was measured; returns how many recordings there were.

    Raises:
        InputError: one cannot be removed.
    """
    found = entries()
    measured = (
        cache_folder().glob(f"*{MEASURED_SUFFIX}") if found or cache_folder().is_dir() else ()
    )
    for path in (*found, *measured):
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            problem = f"must be a file that can be removed ({error.strerror})."
            raise InputError(Fault(str(path), problem)) from error
    return len(found)


def _record(spec: RunWorkload, picture: str) -> Trace:
    """Runs the network once and records it; the only place behind which torch is imported."""
    if isinstance(spec, ModelSpec):
        return _record_model(spec, picture)
    # before torch, so that a bad file is refused at once
    seen = network_input(spec.structure, picture, spec.timesteps, spec.pictures)

    import torch

    from codesign.recording import capture

    provenance = _provenance(spec, picture, str(torch.__version__))
    inputs = torch.from_numpy(seen)
    digest = str(provenance["weights"]["sha256"])
    network = _network(spec.model_copy(update={"images": ()}), digest, get_ident())
    kind = _input_kind(provenance)
    return capture(network, inputs, name=spec.name, provenance=provenance, input_kind=kind)


@lru_cache(maxsize=1)
def _network(spec: WorkloadSpec, _weights: str, _thread: int) -> "nn.Module":
    """The network of a workload, kept for its next image; it can run in one thread at a time.

    The SHA-256 of its weights is an argument because a checkpoint may be written again.
    """
    from codesign.networks.construction import build

    return build(spec)


def _record_model(spec: ModelSpec, picture: str) -> Trace:
    """Runs a user's own network once and records it."""
    values = model_input(spec, picture)  # before torch, so that a bad file is refused at once

    import torch

    from codesign.models.loading import build_model, failures_told, neuron_classes
    from codesign.recording import capture

    # stdout is for what the user asked for, stderr for what their network prints meanwhile
    with redirect_stdout(sys.stderr), failures_told(spec):
        network, neurons = build_model(spec), neuron_classes(spec)
        provenance = _provenance(spec, picture, str(torch.__version__))
        return capture(
            network,
            torch.from_numpy(values),
            timesteps=spec.timesteps,
            name=spec.name,
            provenance=provenance,
            neurons=neurons,
            input_kind=_input_kind(provenance),
        )


def _input_kind(provenance: dict[str, Any]) -> Kind:
    """Spikes where the input says so, as binary frames of events do; else real values."""
    return Kind(provenance["input"].get("values", Kind.REAL))


def _provenance(spec: RunWorkload, picture: str, torch_version: str) -> dict[str, Any]:
    return {
        "weights": _weights(spec),
        "input": _input(spec, picture),
        "recorded_with": {"codesign": codesign.__version__, "torch": torch_version},
    }


def _weights(spec: RunWorkload) -> dict[str, Any]:
    return model_provenance(spec) if isinstance(spec, ModelSpec) else weights_provenance(spec)


def _stated(spec: RecordedSpec) -> dict[str, Any]:
    """What the user says of a recording's weights; results repeat it, and say no more."""
    description = "of the network whose spikes were recorded elsewhere"
    stated = f"{spec.weights}; {spec.source}"
    weights = {"kind": "user's recording", "description": description, "stated_by_user": stated}
    return {"weights": weights}


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
