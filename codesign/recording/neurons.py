"""Which modules are spiking neurons, what model each is, and how it is called.

Known are the neurons of this package, of SpikingJelly (`activation_based.neuron`) and of snnTorch,
and the classes that the user declares. A class is recognised by the names of its ancestors, so
that neither library has to be installed. A neuron is one layer whatever it computes inside; it
may not hide layers with weights, whose operations would not be counted.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from codesign.errors import CaptureError
from codesign.recording.runs import Pace

_SPIKINGJELLY = "spikingjelly.activation_based.neuron"
_SNNTORCH = "snntorch._neurons"
_MODELS = {
    "codesign.networks.neurons.IF": "IF",
    "codesign.networks.neurons.LIF": "LIF",
    "codesign.networks.neurons.PLIF": "PLIF",
    f"{_SPIKINGJELLY}.IFNode": "IF",
    f"{_SPIKINGJELLY}.SimpleIFNode": "IF",
    f"{_SPIKINGJELLY}.LIFNode": "LIF",
    f"{_SPIKINGJELLY}.SimpleLIFNode": "LIF",
    f"{_SPIKINGJELLY}.ParametricLIFNode": "PLIF",
    f"{_SNNTORCH}.Leaky": "LIF",
}
"""Model by room and class; other classes of the two libraries bear their own names."""

_ALL_TIMESTEPS = {"StateLeaky", "LinearLeaky", "AssociativeLeaky"}
"""Neurons of snnTorch that process all timesteps in one call."""


@dataclass(frozen=True, slots=True)
class Neuron:
    """What is known of a neuron module.

    Attributes:
        model: `IF`, `LIF`, `PLIF`, or the name of its class.
        pace: whether a call is of all timesteps or of one; None if both are possible.
        keeps_state: whether it keeps its membrane from call to call.
        spikes: whether its result is spikes; otherwise it is a membrane.
    """

    model: str
    pace: Pace | None = None
    keeps_state: bool = False
    spikes: bool = True


def neuron_of(module: nn.Module, declared: Mapping[type[nn.Module], str]) -> Neuron | None:
    """What is known of a module as a neuron, None if it is none.

    Args:
        module: any module of the network.
        declared: the user's neuron classes and their models.
    """
    for ancestor in type(module).__mro__:
        if ancestor in declared:
            return Neuron(declared[ancestor], _step_mode(module))
        if ancestor.__module__ == "codesign.networks.neurons":
            model = _MODELS.get(f"{ancestor.__module__}.{ancestor.__qualname__}")
            if model is not None:
                return Neuron(model, Pace.ALL)
        if f"{ancestor.__module__}.".startswith(f"{_SPIKINGJELLY}."):
            return _spikingjelly(module, ancestor)
        if f"{ancestor.__module__}.".startswith(f"{_SNNTORCH}."):
            return _snntorch(module, ancestor)
    return None


def require_no_weights(module: nn.Module, path: str) -> None:
    """Raises CaptureError if layers with weights are hidden in a neuron."""
    for name, child in module.named_modules():
        is_layer = name and any(weight.dim() > 1 for weight in child.parameters(recurse=False))
        if is_layer and getattr(module, "recurrent", None) is child:
            raise CaptureError(
                f"must not feed its spikes back through weights (got '{path}.{name}'), because a "
                f"workload's layers form no circles. Use neurons without recurrent weights."
            )
        if is_layer:
            raise CaptureError(
                f"must hold no layers with weights, whose operations would not be counted (got "
                f"'{path}.{name}'). Let it get their result as its current."
            )


def state_tensors(module: nn.Module) -> list[torch.Tensor]:
    """The tensors that a module keeps beside its parameters."""
    memories = vars(module).get("_memories")
    kept = [*vars(module).values(), *module.buffers(recurse=False)]
    if isinstance(memories, dict):
        kept += memories.values()
    return [value for value in kept if isinstance(value, torch.Tensor)]


def _spikingjelly(module: nn.Module, ancestor: type) -> Neuron | None:
    if not issubclass(ancestor, nn.Module):
        return None
    own = type(module).__name__
    model = _MODELS.get(f"{_SPIKINGJELLY}.{ancestor.__name__}", own)
    spikes = not any("NonSpiking" in parent.__name__ for parent in type(module).__mro__)
    has_memory = hasattr(module, "_memories")
    return Neuron(model, _step_mode(module) or Pace.ALL, has_memory, spikes)


def _snntorch(module: nn.Module, ancestor: type) -> Neuron | None:
    if not any(parent.__name__ == "SpikingNeuron" for parent in ancestor.__mro__):
        return None  # its one-to-one connections and kernels
    model = _MODELS.get(f"{_SNNTORCH}.{ancestor.__name__}", type(module).__name__)
    beta = getattr(module, "beta", None)
    if model == "LIF" and isinstance(beta, torch.Tensor) and bool((beta == 1).all()):
        model = "IF"  # it does not leak
    everything = any(parent.__name__ in _ALL_TIMESTEPS for parent in type(module).__mro__)
    keeps_state = bool(getattr(module, "init_hidden", False))
    return Neuron(model, Pace.ALL if everything else Pace.EACH, keeps_state)


def _step_mode(module: nn.Module) -> Pace | None:
    """What SpikingJelly's `step_mode` says, which users' own neurons may have too."""
    paces = {"s": Pace.EACH, "m": Pace.ALL}
    mode: Any = getattr(module, "step_mode", None)
    return paces.get(mode) if isinstance(mode, str) else None
