"""Checkpoints: trained weights from a file into a network.

Read are safetensors files and torch files of tensors. A torch file is a pickle, which could carry
code; it is read with `weights_only=True`, and one that holds anything but tensors and plain
containers is refused. The names of the code published with arXiv 2301.11929 are understood:
`.module` of its wrapper is dropped, as is the `module.` that distributed training puts in front.

What does not fit is reported name by name, all at once, before the network is touched.
"""

import argparse
import os
import pickle
import warnings
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor

from codesign.errors import Fault, InputError
from codesign.networks.network import SpikingNetwork
from codesign.networks.provenance import unreadable

_TRAINING, _OTHERS = "network.", "optimiser."
"""How names begin in what a training goes on from (`codesign.training.checkpoints`)."""
WRAPPERS = ("model", "state_dict")
"""Keys under which training scripts keep the state dict beside the optimiser's."""


def load_checkpoint(network: SpikingNetwork, path: str | os.PathLike[str]) -> None:
    """Loads a checkpoint's weights and statistics into a network, whose batch norms are unfused.

    An FSNN takes the checkpoint of a DSNN: the accumulation pathway, which only trained it, is
    left out. So is the second head of a network whose streams share one.

    Args:
        network: of the structure and family that was trained.
        path: a safetensors or torch file.

    Raises:
        InputError: the file cannot be read, carries code, or does not fit the network: every
            missing, surplus, wrongly shaped or non-finite entry is named.
    """
    place = os.fspath(path)
    state = {_own_name(key): value for key, value in read_state_dict(Path(path)).items()}
    state = {key: value for key, value in state.items() if not _rests(network, key)}
    expected = network.state_dict()
    faults = state_faults(place, expected, state, "Is it of another family or size?")
    if faults:
        raise InputError(faults)
    for key, tensor in expected.items():
        if key not in state:  # only the counters of batch norms may be absent
            state[key] = torch.zeros_like(tensor)
    network.load_state_dict(state)


def read_state_dict(path: Path) -> Mapping[str, object]:
    """The innermost mapping of names to tensors in a safetensors or torch file.

    Raises:
        InputError: the file cannot be read, carries code, or holds no such mapping.
    """
    content = _read(path)
    while isinstance(content, Mapping):
        inner = next((content[key] for key in WRAPPERS if key in content), None)
        if not isinstance(inner, Mapping):
            break
        content = inner
    if not isinstance(content, Mapping) or not all(isinstance(key, str) for key in content):
        raise InputError(
            Fault(
                str(path),
                f"must hold a mapping of names to tensors (got {type(content).__name__}).",
                "Save network.state_dict(), alone or under the key 'model' or 'state_dict'.",
            )
        )
    if content and all(key.startswith((_TRAINING, _OTHERS)) for key in content):
        names = {key: key.removeprefix(_TRAINING) for key in content if key.startswith(_TRAINING)}
        return {name: content[key] for key, name in names.items()}
    return content


def _read(path: Path) -> object:
    try:
        with path.open("rb") as file:
            start = file.read(9)
        # a safetensors file opens with the length of its JSON header
        if start[8:] == b"{":
            return load_file(path)
        # training scripts store their options, which are plain attributes, beside the weights
        with warnings.catch_warnings(), torch.serialization.safe_globals([argparse.Namespace]):
            # torch warns of unusual pickle protocols, and then raises if it cannot read them
            warnings.simplefilter("ignore")
            return torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise unreadable(path, error) from error
    except pickle.UnpicklingError as error:
        raise InputError(
            Fault(
                str(path),
                "must hold tensors and plain values alone (got something else, or code, which is "
                "never run).",
                "Save the state dict alone, best as safetensors.",
            )
        ) from error
    except Exception as error:  # torch's reader raises whatever the bytes lead it into
        problem = f"must be a whole checkpoint ({type(error).__name__}: {_first_line(error)})."
        fix = "Give a safetensors file, or one that `torch.save` wrote."
        raise InputError(Fault(str(path), problem, fix)) from error


def _first_line(error: Exception) -> str:
    lines = str(error).splitlines()
    return lines[0].rstrip(".") if lines else type(error).__name__


def _own_name(key: str) -> str:
    return key.removeprefix("module.").replace(".module.", ".")


def _rests(network: SpikingNetwork, key: str) -> bool:
    """Whether an entry belongs to a part that this network does not have, by design."""
    if key.startswith("fc_acc."):
        return network.fc_acc is None
    return network.family == "fsnn" and ".pool." in key


def state_faults(
    place: str, expected: Mapping[str, Tensor], state: Mapping[str, object], hint: str
) -> list[Fault]:
    """Every missing, surplus, wrongly shaped or non-finite entry of a state dict.

    Args:
        place: the file.
        expected: what the network has.
        state: what the file has.
        hint: what to think of where there are entries too many.
    """
    faults = []
    for key, tensor in expected.items():
        if key not in state:
            if not key.endswith(".num_batches_tracked"):
                faults.append(Fault(place, f"must have an entry '{key}' (it is missing)."))
            continue
        value = state[key]
        wanted = tuple(tensor.shape)
        if not isinstance(value, Tensor):
            problem = f"'{key}' must be a tensor (got {type(value).__name__})."
            faults.append(Fault(place, problem))
        elif tuple(value.shape) != wanted:
            problem = f"'{key}' must have the shape {wanted} (got {tuple(value.shape)})."
            faults.append(Fault(place, problem))
        elif tensor.is_floating_point() and not value.is_floating_point():
            problem = f"'{key}' must hold floating-point values (got {value.dtype})."
            faults.append(Fault(place, problem, "Save the weights before they are quantised."))
        elif not bool(torch.isfinite(value).all()):
            faults.append(Fault(place, f"'{key}' must be finite (got NaN or infinity)."))
    for key in state:
        if key not in expected:
            problem = f"must have only entries of this network (got '{key}' too)."
            faults.append(Fault(place, problem, hint))
    return faults
