"""T = 1: every network is recorded with the spikes that it has without a recorder."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from codesign.inputs import network_input
from codesign.networks.construction import calibrated_network
from codesign.networks.neurons import Neuron
from codesign.recording import capture
from codesign.workload import LayerType
from tests.recording.example_networks import (
    NEURONS,
    TIMESTEPS,
    Chain,
    Integrate,
    convolution,
    image,
)

STRUCTURES: dict[str, dict[str, Any]] = {
    "resnet": {"depth": 18},
    "7b": {"width": 8},
    "wide7b": {"width": 8},
    "spikformer": {"depth": 1, "width": 64},
}
EACH = [(structure, family) for structure in STRUCTURES for family in ("fsnn", "dsnn", "sew")]


@pytest.mark.parametrize(("structure", "family"), EACH)
def test_recorded_spikes_of_one_timestep_are_those_of_plain_hooks(
    structure: str, family: str
) -> None:
    sizes = STRUCTURES[structure]
    network = calibrated_network(structure=structure, family=family, timesteps=1, **sizes)
    inputs = torch.from_numpy(network_input(structure, "astronaut", 1))
    seen: dict[str, np.ndarray] = {}
    for name, module in network.named_modules():
        if isinstance(module, Neuron):
            module.register_forward_hook(
                lambda _m, _i, output, name=name: seen.update({name: output.numpy().copy()})
            )
    with torch.inference_mode():
        network(inputs)
    trace = capture(network, inputs, name="network")
    layers = [each for each in trace.workload.layers if each.type is LayerType.NEURON]
    assert trace.workload.timesteps == 1
    assert {layer.name for layer in layers} == set(seen)
    for layer in layers:
        assert np.array_equal(trace.values(layer.output), seen[layer.name].squeeze(1))


class Held(nn.Module):
    """Holds its image for so many timesteps, before or behind its first convolution."""

    def __init__(self, timesteps: int, holds_image: bool, way: str):
        super().__init__()
        self.timesteps, self.holds_image, self.way = timesteps, holds_image, way
        self.stem, self.conv = convolution(2, 4), convolution(4, 3)
        self.sn = Integrate()

    def hold(self, x: Tensor) -> Tensor:
        if self.way == "stack":
            return torch.stack([x] * self.timesteps)
        if self.way == "repeat":
            return x.unsqueeze(0).repeat(self.timesteps, 1, 1, 1, 1)
        return x.unsqueeze(0).expand(self.timesteps, *x.shape)

    def forward(self, x: Tensor) -> Tensor:
        if self.holds_image:
            x = self.hold(x)
            current = self.stem(x.flatten(0, 1)).unflatten(0, (self.timesteps, 1))
        else:
            current = self.hold(self.stem(x))
        spikes = self.sn(current)
        return self.conv(spikes.flatten(0, 1)).unflatten(0, (self.timesteps, 1)).mean(0)


@pytest.mark.parametrize("way", ["stack", "repeat", "expand"])
@pytest.mark.parametrize("holds_image", [False, True])
def test_one_timestep_has_the_layers_of_two(holds_image: bool, way: str) -> None:
    workloads = []
    for timesteps in (1, 2):
        torch.manual_seed(0)
        network = Held(timesteps, holds_image, way).eval()
        workloads.append(capture(network, image(1, 2, 6, 6), name="net", neurons=NEURONS).workload)
    assert workloads[0].layers == workloads[1].layers
    assert [workload.timesteps for workload in workloads] == [1, 2]


def test_expanding_to_length_one_makes_no_second_time() -> None:
    def keeps_mean(spikes: Tensor) -> Tensor:
        mean = spikes.mean(0, keepdim=True)
        return mean.expand(1, -1, -1, -1, -1) + spikes

    trace = capture(Chain(keeps_mean).eval(), image(1, 2, 6, 6), name="net", neurons=NEURONS)
    assert trace.workload.timesteps == TIMESTEPS
