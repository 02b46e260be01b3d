"""Firing rates of a network's neurons, by forward hooks.

The rate of a layer is its spikes per neuron and timestep; that of a network is the mean over all
its neurons, so that a layer counts by its number of neurons.
"""

from collections.abc import Callable
from types import TracebackType

import torch
from torch import Tensor, nn

from codesign.networks.neurons import Neuron


class FiringRates:
    """Watches every neuron layer of a network, as a context.

    Args:
        network: the network.
        differentiable: whether `rate` has a gradient, through the neurons' surrogate.
    """

    def __init__(self, network: nn.Module, *, differentiable: bool = False):
        self.differentiable = differentiable
        self._layers = {
            name: module for name, module in network.named_modules() if isinstance(module, Neuron)
        }
        self._handles: list[torch.utils.hooks.RemovableHandle] = []
        self._fired: dict[str, Tensor] = {}
        self._chances: dict[str, int] = {}

    def __enter__(self) -> "FiringRates":
        for name, module in self._layers.items():
            self._handles.append(module.register_forward_hook(self._hook(name)))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        while self._handles:
            self._handles.pop().remove()

    def clear(self) -> None:
        """Forgets what was seen."""
        self._fired.clear()
        self._chances.clear()

    def rate(self) -> Tensor:
        """Mean of all neurons since `clear`; 0 without neurons."""
        if not self._fired:
            return torch.zeros(())
        fired = torch.stack(list(self._fired.values())).sum()
        return fired / sum(self._chances.values())

    def counts(self) -> dict[str, tuple[int, int]]:
        """Of each layer the spikes since `clear`, and how many there could have been."""
        return {
            name: (int(fired.item()), self._chances[name]) for name, fired in self._fired.items()
        }

    def _hook(self, name: str) -> Callable[[nn.Module, object, Tensor], None]:
        def see(_: nn.Module, __: object, spikes: Tensor) -> None:
            if self.differentiable and torch.is_grad_enabled():
                fired = spikes.sum(dtype=torch.float32)  # in float16 it would be far off
            else:
                fired = spikes.count_nonzero()
            if name in self._fired:
                fired = self._fired[name] + fired
            self._fired[name] = fired
            self._chances[name] = self._chances.get(name, 0) + spikes.numel()

        return see
