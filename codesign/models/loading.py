"""A user's network: its code imported, the module made, its weights loaded.

This runs the user's code, which is theirs to trust; a checkpoint is data and never runs any. What
goes wrong in the user's code is told with the place in it where it went wrong.
"""

import importlib
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import nn

from codesign.errors import CodesignError, Fault, InputError, nearest
from codesign.models.provenance import SEED
from codesign.models.sources import folder_of_model, source_digest
from codesign.networks.checkpoints import read_state_dict, state_faults
from codesign.specs.model import ModelSpec

_imported: dict[str, str] = {}
"""Source digest of each top-level module when it was imported, to import it anew if it changed."""


def build_model(spec: ModelSpec) -> nn.Module:
    """The network of a workload with its weights, in evaluation mode.

    Raises:
        InputError: the model cannot be imported, is not callable, fails, or returns no module;
            the checkpoint cannot be read, carries code, or does not fit: every missing, surplus,
            wrongly shaped or non-finite entry is named.
    """
    make = _attribute(spec.model, "model")
    if not callable(make) or isinstance(make, nn.Module):
        problem = f"must be a function or class that makes the network (got {_kind(make)})."
        raise InputError(Fault(f"model {spec.model}", problem, "Name the function that does."))
    with _told(f"model {spec.model}"), torch.random.fork_rng(devices=[]):
        torch.manual_seed(SEED)
        network = make(**spec.arguments)
    if not isinstance(network, nn.Module):
        problem = f"must return a torch.nn.Module (got {_kind(network)})."
        raise InputError(Fault(f"model {spec.model}", problem, "Return the network."))
    if spec.weights is not None:
        _load_weights(network, spec.weights)
    return network.eval()


def neuron_classes(spec: ModelSpec) -> dict[type[nn.Module], str]:
    """The user's neuron classes and their models.

    Raises:
        InputError: a class cannot be imported, or is no module.
    """
    own = spec.model.partition(":")[0]
    classes: dict[type[nn.Module], str] = {}
    for name, model in spec.neurons.items():
        place = name if ":" in name else f"{own}:{name}"
        found = _attribute(place, "neurons")
        if not (isinstance(found, type) and issubclass(found, nn.Module)):
            problem = f"must be a subclass of torch.nn.Module (got {_kind(found)})."
            raise InputError(Fault(f"neurons {place}", problem, "Name the neuron's class."))
        classes[found] = model
    return classes


@contextmanager
def failures_told(spec: ModelSpec) -> Iterator[None]:
    """Turns what the user's network raises while it runs into an error that names the line."""
    try:
        with _told(f"model {spec.model}"):
            yield
    except InputError as error:
        cause = error.__cause__
        if isinstance(cause, Exception | SystemExit) and not _line(cause):
            raise cause from None  # not raised by the user's code
        raise


def _attribute(place: str, key: str) -> Any:
    module_name, _, name = place.partition(":")
    module = _module(module_name, f"{key} {place}")
    if not hasattr(module, name):
        known = [word for word in vars(module) if not word.startswith("_")]
        problem = f"must be in module '{module_name}' (it has no '{name}')."
        raise InputError(Fault(f"{key} {place}", problem, nearest(name, known)))
    return getattr(module, name)


def _module(name: str, place: str) -> Any:
    """A module of the user's, imported from the current folder or where Python looks."""
    top = name.partition(".")[0]
    digest = source_digest(name)
    if _imported.get(top, digest) != digest:
        for loaded in _modules_beside(top):
            del sys.modules[loaded]
    _imported[top] = digest
    with _told(place, "cannot be imported"), _import_path():
        importlib.invalidate_caches()
        return importlib.import_module(name)


def _modules_beside(top: str) -> list[str]:
    """Loaded modules of the current folder, and of the package itself."""
    here = folder_of_model()
    found = []
    for name, module in sys.modules.items():
        file = getattr(module, "__file__", None)
        if name.partition(".")[0] == top or (file and here in Path(file).parents):
            found.append(name)
    return [name for name in found if name.partition(".")[0] not in {"codesign", "__main__"}]


@contextmanager
def _import_path() -> Iterator[None]:
    """Puts the current folder in front of where Python looks, and leaves no bytecode in it.

    Bytecode is told from its source by whole seconds and size only, so that an edit in between
    could go unseen.
    """
    here, writes = str(folder_of_model()), sys.dont_write_bytecode
    sys.path.insert(0, here)
    sys.dont_write_bytecode = True
    try:
        yield
    finally:
        sys.path.remove(here)
        sys.dont_write_bytecode = writes


@contextmanager
def _told(place: str, failed: str = "failed") -> Iterator[None]:
    try:
        yield
    except CodesignError:
        raise
    except (Exception, SystemExit) as error:  # the user's code may raise anything
        said = str(error).strip().splitlines()
        text = f"{type(error).__name__}: {said[0]}" if said else type(error).__name__
        problem = f"{failed} ({text}{_line(error)})."
        raise InputError(
            Fault(place, problem, "Correct it, and run it in Python first.")
        ) from error


def _line(error: BaseException) -> str:
    """Where in the user's code it was raised."""
    here = folder_of_model()
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if here in Path(frame.filename).parents and "site-packages" not in frame.filename
    ]
    if isinstance(error, SyntaxError) and error.filename:
        return f", {Path(error.filename).name}:{error.lineno}"
    return f", {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""


def _load_weights(network: nn.Module, path: str) -> None:
    state = dict(read_state_dict(Path(path)))
    expected = {
        key: value for key, value in network.state_dict().items() if isinstance(value, torch.Tensor)
    }
    faults = state_faults(path, expected, state, "Is it of another network, or other arguments?")
    if faults:
        raise InputError(faults)
    network.load_state_dict(state, strict=False)  # only counters of batch norms may be absent


def _kind(value: object) -> str:
    return f"a {type(value).__name__}" if value is not None else "nothing"
