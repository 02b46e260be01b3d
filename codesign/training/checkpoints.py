"""Checkpoints of a training: all that it needs to go on, in one file that is whole or not there.

The file is of safetensors: the network's parameters and statistics and the optimiser's buffers as
tensors, everything else as JSON in its header. Whatever ends the program, the last whole one stays.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from codesign.errors import Fault, InputError
from codesign.networks.checkpoints import state_faults
from codesign.whole_files import write_whole

FORM = 3
"""Of the header; another one cannot be read."""
_KEY = "codesign_training"
_NETWORK, _OPTIMISER = "network.", "optimiser."


@dataclass
class Progress:
    """How far a training is; JSON values.

    Attributes:
        epoch: that runs, from 0; the number of epochs when all is done.
        step: steps of it that are done.
        tally: sums over the samples of these steps (see `Tally`).
        seconds: that these steps took.
        history: a row for each epoch that is done.
        firing: of each neuron layer the test's spikes and how many there could have been.
        scaler: state of the gradient scaler of mixed precision; empty without.
    """

    epoch: int = 0
    step: int = 0
    tally: list[float] = field(default_factory=list)
    seconds: float = 0.0
    history: list[dict[str, Any]] = field(default_factory=list)
    firing: dict[str, list[int]] = field(default_factory=dict)
    scaler: dict[str, Any] = field(default_factory=dict)


def write_checkpoint(
    path: Path,
    network: nn.Module,
    optimiser: torch.optim.Optimizer,
    progress: Progress,
    command: Mapping[str, Any],
) -> None:
    """Writes a checkpoint in place of the last one.

    Args:
        path: of the file.
        network: that is trained.
        optimiser: of its parameters.
        progress: how far it is.
        command: what decides on the training; JSON values.

    Raises:
        InputError: it cannot be written; the last one stays.
    """
    tensors = {_NETWORK + name: tensor for name, tensor in network.state_dict().items()}
    for name, parameter in network.named_parameters():
        for key, value in optimiser.state.get(parameter, {}).items():
            if isinstance(value, Tensor):
                tensors[f"{_OPTIMISER}{key}.{name}"] = value
    plain = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    content = {
        "form": FORM,
        "command": dict(command),
        "machine": machine(),
        "progress": vars(progress),
    }
    header = {_KEY: json.dumps(content | {"sha256": _digest(plain)}, allow_nan=False)}
    write_whole(path, save(plain, header))


def machine() -> dict[str, Any]:
    """What the last digits of a result depend on beside the command; JSON values."""
    return {
        "torch": str(torch.__version__),
        "threads": torch.get_num_threads(),
        "instructions": torch.backends.cpu.get_cpu_capability(),
    }


@dataclass(frozen=True)
class Checkpoint:
    """A whole checkpoint, as it was read.

    Attributes:
        path: of the file.
        command: what decides on the training; JSON values.
        machine: that wrote it (see `machine`).
        progress: how far the training is.
        tensors: of the network and its optimiser, by the names in the file.
    """

    path: Path
    command: dict[str, Any]
    machine: dict[str, Any]
    progress: Progress
    tensors: Mapping[str, Tensor]

    def load(self, network: nn.Module, optimiser: torch.optim.Optimizer) -> None:
        """Brings a network and its optimiser to where the checkpoint is.

        Args:
            network: of the same options.
            optimiser: of its parameters.

        Raises:
            InputError: the checkpoint is of another network.
        """
        state = _below(_NETWORK, self.tensors)
        question = "Is it of another network?"
        faults = state_faults(str(self.path), network.state_dict(), state, question)
        if faults:
            raise InputError(faults)
        network.load_state_dict(state)
        for name, parameter in network.named_parameters():
            found = {
                key.removesuffix(f".{name}"): tensor
                for key, tensor in _below(_OPTIMISER, self.tensors).items()
                if key.partition(".")[2] == name
            }
            if found:
                optimiser.state[parameter] = {
                    key: tensor.to(parameter.device) for key, tensor in found.items()
                }


def read_checkpoint(path: Path) -> Checkpoint:
    """Reads a checkpoint.

    Raises:
        InputError: it is not a whole checkpoint of a training.
    """
    try:
        with safe_open(path, "pt") as file:
            header = json.loads((file.metadata() or {})[_KEY])
            if header["form"] != FORM:
                raise ValueError(f"form {header['form']} of another version")
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
        if header["sha256"] != _digest(tensors):
            raise ValueError("its SHA-256 is not the one that was written with it")
        progress = Progress(**header["progress"])
        return Checkpoint(path, header["command"], header["machine"], progress, tensors)
    except (OSError, SafetensorError, KeyError, ValueError, TypeError) as error:
        problem = f"must be a whole checkpoint of a training ({type(error).__name__}: {error})."
        fix = "Remove it to begin anew, or choose another folder with --out."
        raise InputError(Fault(str(path), problem, fix)) from error


def _digest(tensors: Mapping[str, Tensor]) -> str:
    digest = hashlib.sha256()
    for name in sorted(tensors):
        digest.update(f"{name}\n".encode())
        digest.update(tensors[name].flatten().view(torch.uint8).numpy().data)
    return digest.hexdigest()


def _below(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {
        key.removeprefix(prefix): tensor
        for key, tensor in tensors.items()
        if key.startswith(prefix)
    }
