"""One residual network to be written with several libraries, with the same weights everywhere.

Its weights lie on a dyadic grid, so that sums are exact in whatever order they are made, and its
threshold lies off that grid, so that `>` and `>=` are the same.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from codesign.networks.neurons import IF, LIF
from codesign.trace import Trace, trace_from_packed
from codesign.workload import LayerType

TIMESTEPS = 4
THRESHOLD = 1 / 3


def image() -> Tensor:
    generator = torch.Generator().manual_seed(7)
    return torch.randint(0, 256, (1, 2, 8, 8), generator=generator) / 256


def hash_without_membranes(trace: Trace) -> str:
    """The hash that a trace has whose neurons do not show their membranes, as others' do not."""
    neurons = {layer.name for layer in trace.workload.layers if layer.type is LayerType.NEURON}
    magnitudes = {name: seen for name, seen in trace.magnitudes.items() if name not in neurons}
    packed = {name: trace.packed(name) for name in trace.names}
    return trace_from_packed(trace.workload, packed, trace.provenance, magnitudes).hash


def timed(layer: type[nn.Module]) -> type[nn.Module]:
    """A layer that sees `(T, N, ...)`, as SpikingJelly's do in multi-step mode."""

    class Timed(layer):  # type: ignore[valid-type, misc]
        def forward(self, x: Tensor) -> Tensor:
            y: Tensor = super().forward(x.flatten(0, 1))
            return y.unflatten(0, x.shape[:2])

    return Timed


PLAIN = nn.Conv2d, nn.BatchNorm2d, nn.MaxPool2d, nn.AdaptiveAvgPool2d, nn.Flatten, nn.Linear
TIMED = tuple(timed(layer) for layer in PLAIN)


class Residual(nn.Module):
    """Stem, max-pool, one residual block with ADD, average, and a linear layer with neurons.

    Args:
        layers: classes of convolution, batch norm, max-pool, average pool, flatten and linear.
        neuron: makes a neuron module.
    """

    def __init__(self, layers: tuple[Any, ...], neuron: Callable[[], nn.Module]):
        super().__init__()
        conv, norm, max_pool, average, flatten, linear = layers
        self.conv1, self.bn1, self.sn1 = conv(2, 4, 3, padding=1, bias=False), norm(4), neuron()
        self.pool = max_pool(2)
        self.conv2, self.bn2, self.sn2 = conv(4, 4, 3, padding=1, bias=False), norm(4), neuron()
        self.conv3, self.sn3 = conv(4, 4, 3, padding=1), neuron()
        self.average, self.flatten = average((2, 2)), flatten()
        self.fc, self.sn4 = linear(16, 6), neuron()
        self.draw_weights()

    def draw_weights(self) -> None:
        generator = torch.Generator().manual_seed(1)
        weights = [weight for name, weight in self.named_parameters() if "sn" not in name]
        with torch.no_grad():
            for weight in weights:
                drawn = torch.randint(-12, 17, weight.shape, generator=generator)
                weight.copy_(drawn / 64)
            for norm in (self.bn1, self.bn2):
                norm.weight.copy_(norm.weight.abs() * 4)
                norm.running_var.fill_(1 - norm.eps)
        self.eval()

    def forward(self, x: Tensor) -> Tensor:
        o = self.pool(self.sn1(self.bn1(self.conv1(x))))
        s = self.sn3(self.conv3(self.sn2(self.bn2(self.conv2(o)))))
        result: Tensor = self.sn4(self.fc(self.flatten(self.average(s + o))))
        return result


class AtOnce(Residual):
    """Holds the image for T timesteps, which its layers see at once."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.unsqueeze(0).repeat(TIMESTEPS, 1, 1, 1, 1)).mean(0)


class Looping(Residual):
    """Loops over timesteps and averages the spikes."""

    def forward(self, x: Tensor) -> Tensor:
        total: Tensor | float = 0.0
        for _ in range(TIMESTEPS):
            total = total + super().forward(x)
        assert isinstance(total, Tensor)
        return total / TIMESTEPS


class KeepingInput(LIF):
    """Leaks half of its membrane and none of its input."""

    def charge(self, v: Tensor, x: Tensor) -> Tensor:
        return v * 0.5 + x


def own_network(model: str) -> Residual:
    """The network with this package's neurons."""
    neurons: dict[str, Callable[[], nn.Module]] = {
        "IF": lambda: IF(v_threshold=THRESHOLD),
        "LIF": lambda: LIF(v_threshold=THRESHOLD),
        "LIF, input kept": lambda: KeepingInput(v_threshold=THRESHOLD),
    }
    return AtOnce(TIMED, neurons[model])
