"""Small networks that run timestep by timestep, and neurons that see one timestep in each call."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from codesign.recording import capture
from codesign.trace import Trace
from tests.recording.example_networks import TIMESTEPS, Integrate, convolution


class Stateful(nn.Module):
    """Integrate-and-fire with its membrane inside, reset to zero."""

    def __init__(self) -> None:
        super().__init__()
        self.membrane: Tensor | float = 0.0

    def reset(self) -> None:
        self.membrane = 0.0

    def forward(self, current: Tensor) -> Tensor:
        charged = self.membrane + current
        spikes = (charged >= 1).to(current.dtype)
        self.membrane = charged * (1 - spikes)
        return spikes


class Passing(nn.Module):
    """The same neuron, which takes its membrane and gives it back."""

    def forward(self, current: Tensor, membrane: Tensor | None = None) -> tuple[Tensor, Tensor]:
        charged = current if membrane is None else membrane + current
        spikes = (charged >= 1).to(current.dtype)
        return spikes, charged * (1 - spikes)


NEURONS: dict[type[nn.Module], str] = {Integrate: "IF", Stateful: "IF", Passing: "IF"}


class Network(nn.Module):
    """Two convolutions with neurons, their sum, a pool, and a linear layer; `run` uses them."""

    def __init__(self, neuron: Callable[[], nn.Module], run: Callable[[Any, Tensor], Any]):
        super().__init__()
        torch.manual_seed(0)
        self.stem, self.conv = convolution(2, 4), convolution(4, 4)
        self.norm = nn.BatchNorm2d(4)
        self.pool = nn.AvgPool2d(2)
        self.fc = nn.Linear(36, 5)
        self.sn1, self.sn2, self.sn3 = neuron(), neuron(), neuron()
        self.run = run

    def forward(self, x: Tensor) -> Any:
        return self.run(self, x)

    def step(self, x: Tensor) -> Tensor:
        """One timestep with neurons that keep their state."""
        return self.behind_stem(self.stem(x))

    def behind_stem(self, current: Tensor) -> Tensor:
        o = self.sn1(current)
        s = self.sn2(self.norm(self.conv(o)))
        result: Tensor = self.sn3(self.fc(self.pool(s + o).flatten(1)))
        return result


def flat(layer: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """Runs a layer on flattened time."""
    return layer(x.flatten(0, 1)).unflatten(0, x.shape[:2])


def at_once(self: Network, x: Tensor) -> Tensor:
    """All timesteps in one call of each layer."""
    x = x if x.dim() == 5 else x.unsqueeze(0).repeat(TIMESTEPS, 1, 1, 1, 1)
    o = self.sn1(flat(self.stem, x))
    s = self.sn2(flat(lambda y: self.norm(self.conv(y)), o))
    pooled = flat(self.pool, s + o)
    result: Tensor = self.sn3(self.fc(pooled.flatten(2)))
    return result


def looping(self: Network, x: Tensor) -> Tensor:
    """A loop over timesteps with neurons that keep their state."""
    return torch.stack([self.step(x if x.dim() == 4 else x[t]) for t in range(TIMESTEPS)])


def passing(self: Network, x: Tensor) -> Tensor:
    """A loop over timesteps with neurons that give and take their state."""
    frames = [x] * TIMESTEPS if x.dim() == 4 else list(x)
    m1 = m2 = m3 = None
    collected = []
    for frame in frames:
        o, m1 = self.sn1(self.stem(frame), m1)
        s, m2 = self.sn2(self.norm(self.conv(o)), m2)
        spikes, m3 = self.sn3(self.fc(self.pool(s + o).flatten(1)), m3)
        collected.append(spikes)
    return torch.stack(collected)


def one_step(self: Network, x: Tensor) -> Tensor:
    """One timestep of the caller's loop."""
    return self.step(x)


def record(network: nn.Module, inputs: Tensor, **options: Any) -> Trace:
    return capture(network.eval(), inputs, neurons=NEURONS, **options)
