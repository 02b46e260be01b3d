"""Small networks in plain torch, with a neuron class of their own, to be recorded."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

TIMESTEPS = 3
NEURONS: dict[type[nn.Module], str]


class Integrate(nn.Module):
    """Integrate-and-fire over the leading axis, reset to zero."""

    def forward(self, currents: Tensor) -> Tensor:
        membrane = torch.zeros_like(currents[0])
        spikes = []
        for current in currents:
            membrane = membrane + current
            fired = (membrane >= 1).to(currents.dtype)
            membrane = membrane * (1 - fired)
            spikes.append(fired)
        return torch.stack(spikes)


NEURONS = {Integrate: "IF"}


class Batched(nn.Sequential):
    """Runs its layers on flattened time."""

    def forward(self, x: Tensor) -> Tensor:
        y = super().forward(x.flatten(0, 1))
        return y.view(x.shape[0], x.shape[1], *y.shape[1:])


def convolution(inputs: int, outputs: int) -> nn.Conv2d:
    """3x3, with weights that make most neurons fire now and then."""
    layer = nn.Conv2d(inputs, outputs, 3, padding=1)
    nn.init.uniform_(layer.weight, -0.3, 0.5)
    return layer


class TwoBranches(nn.Module):
    """Two spike tensors `s` and `o`, a function of both, and a convolution that reads it."""

    def __init__(self, function: Callable[[Tensor, Tensor], Tensor]):
        super().__init__()
        self.stem = convolution(2, 4)
        self.sn = Integrate()
        self.conv = Batched(convolution(4, 4))
        self.branch = Integrate()
        self.function = function
        self.head = Batched(convolution(4, 3))

    def forward(self, image: Tensor) -> Tensor:
        o = self.sn(self.stem(image).unsqueeze(0).repeat(TIMESTEPS, 1, 1, 1, 1))
        s = self.branch(self.conv(o))
        result: Tensor = self.head(self.function(s, o))
        return result


class Chain(nn.Module):
    """A neuron, then `function` on its spikes `(T, 1, 4, 6, 6)`."""

    def __init__(self, function: Callable[[Tensor], Tensor]):
        super().__init__()
        self.stem = convolution(2, 4)
        self.sn = Integrate()
        self.function = function

    def forward(self, image: Tensor) -> Tensor:
        return self.function(self.sn(hold(self.stem(image))))


def hold(x: Tensor) -> Tensor:
    return x.unsqueeze(0).expand(TIMESTEPS, *x.shape)


def image(*shape: int, seed: int = 0) -> Tensor:
    """A random image; `(1, 2, 6, 6)` unless said otherwise."""
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(shape or (1, 2, 6, 6), generator=generator)
