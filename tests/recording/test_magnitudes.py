"""What is recorded of sums, weights and inputs is what a look at the tensors themselves gives."""

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional

from codesign.networks.neurons import IF, LIF
from codesign.recording import capture
from codesign.recording.magnitudes import Gauge, largest
from codesign.trace import Magnitudes, Trace
from tests.recording.example_networks import NEURONS, Batched, Chain, convolution, hold, image

BITS = 2**12


def up(value: float) -> float:
    """With 12 significant bits, not less than the value."""
    exponent = math.frexp(value)[1]
    return math.ceil(value * 2.0 ** (12 - exponent)) * 2.0 ** (exponent - 12)


def down(value: float) -> float:
    exponent = math.frexp(value)[1]
    return math.floor(value * 2.0 ** (12 - exponent)) * 2.0 ** (exponent - 12)


def recorded(network: nn.Module, inputs: Tensor | None = None) -> Trace:
    seen = image() if inputs is None else inputs
    return capture(network.eval(), seen, neurons=NEURONS)


def behind_spikes(*layers: nn.Module) -> tuple[Trace, Tensor, Tensor]:
    """A chain with layers behind its spikes: its trace, those spikes, and the layers' result."""
    torch.manual_seed(1)
    network = Chain(Batched(*layers)).eval()
    trace = recorded(network)
    with torch.no_grad():
        spikes = network.sn(hold(network.stem(image())))
        return trace, spikes, network.function(spikes)


def last(trace: Trace) -> Magnitudes:
    return trace.magnitudes[trace.workload.layers[-1].name]


def test_sums_and_weights_of_spikes() -> None:
    layer = convolution(4, 3)
    trace, _, result = behind_spikes(layer)
    assert last(trace) == Magnitudes(up(largest(result)), largest(layer.weight))


def test_reals_are_recorded_as_they_are_multiplied() -> None:
    network = Chain(nn.Identity())
    trace = recorded(network, image() * 3 - 2)
    with torch.no_grad():
        result = network.stem(image() * 3 - 2)
    assert trace.magnitudes["stem"] == Magnitudes(
        up(largest(result)), largest(network.stem.weight), down(largest(image() * 3 - 2))
    )


def _normed() -> nn.BatchNorm2d:
    norm = nn.BatchNorm2d(3)
    nn.init.uniform_(norm.weight, -3, 3)
    nn.init.uniform_(norm.bias, -1, 1)
    norm.running_mean, norm.running_var = torch.tensor([1.0, 2, 3]), torch.tensor([0.5, 4, 9])
    return norm


class OfTorch(nn.Module):
    """A batch norm by torch's own function, which takes its arguments in another order."""

    def __init__(self, norm: nn.BatchNorm2d) -> None:
        super().__init__()
        self.norm = norm

    def forward(self, x: Tensor) -> Tensor:
        n = self.norm
        statistics = (n.weight, n.bias, n.running_mean, n.running_var)
        return torch.batch_norm(x, *statistics, False, 0.1, n.eps, False)


class Affine(nn.Module):
    """A scale and a shift by channel or for all."""

    def forward(self, x: Tensor) -> Tensor:
        return (x * torch.tensor([0.5, -7.0, 2.0])[:, None, None] + 1.5) / 4


@pytest.mark.parametrize(
    "behind",
    [
        _normed,
        lambda: OfTorch(_normed()),
        Affine,
        lambda: nn.Sequential(_normed(), Affine()),
        lambda: nn.BatchNorm2d(3, affine=False),
    ],
)
def test_what_is_fused_into_a_layer_is_part_of_its_weights(behind: Callable[[], nn.Module]) -> None:
    layer, change = convolution(4, 3), behind().eval()
    trace, _, result = behind_spikes(layer, change)
    with torch.no_grad():
        slope = change(torch.ones(1, 3, 1, 1)) - change(torch.zeros(1, 3, 1, 1))
        folded = layer.weight * slope.reshape(3, 1, 1, 1)
    assert last(trace).sum == up(largest(result))
    # a slope is a difference of floats here
    assert last(trace).weight == pytest.approx(largest(folded), rel=1e-5)


def test_sums_are_taken_before_they_are_rounded_and_saturate() -> None:
    class Stored(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return torch.fake_quantize_per_tensor_affine(x, 1 / 16, 0, -8, 7)

    layer = convolution(4, 3)
    trace, spikes, _ = behind_spikes(layer, Stored())
    with torch.no_grad():
        assert last(trace).sum == up(largest(layer(spikes.flatten(0, 1)))) > 0.5


@pytest.mark.parametrize("scale", [0.25, 3.0])
def test_scaled_integers_are_counted_in_units_of_the_recorded_ones(scale: float) -> None:
    class Attention(nn.Module):
        def forward(self, spikes: Tensor) -> Tensor:
            matrices = spikes.flatten(3)
            scores = matrices @ matrices.transpose(-2, -1) * scale
            return functional.linear(scores, weight)

    weight = torch.tensor([[1.0, -2.0, 0.5, 1.0]])
    trace = recorded(Chain(Attention()))
    assert last(trace).weight == 2 * scale
    assert last(trace).input is None


@pytest.mark.parametrize("timed", [True, False])
def test_what_is_changed_timestep_by_timestep_is_what_is_changed_at_once(timed: bool) -> None:
    layer, norm = convolution(4, 3), _normed().eval()

    def stepwise(spikes: Tensor) -> Tensor:
        whole = [*layer(spikes.flatten(0, 1)).unsqueeze(1)] if timed else map(layer, spikes)
        return torch.stack([norm(currents) for currents in whole])

    def at_once(spikes: Tensor) -> Tensor:
        return norm(layer(spikes.flatten(0, 1))).unflatten(0, (len(spikes), 1))

    networks = []
    for run in (stepwise, at_once):
        torch.manual_seed(3)
        networks.append(Chain(run))
    assert recorded(networks[0]).magnitudes == recorded(networks[1]).magnitudes


@pytest.mark.parametrize("neuron", [IF(), LIF(3.0)])
def test_membranes_are_seen_before_they_fire_and_never_again(neuron: IF | LIF) -> None:
    network = Chain(nn.Identity())
    network.sn = neuron
    trace = recorded(network)
    membranes: list[float] = []
    neuron.watch = lambda membrane: membranes.append(largest(membrane))
    with torch.inference_mode():
        neuron(hold(network.stem(image())))
    assert trace.magnitudes["sn"] == Magnitudes(up(max(membranes)))
    del neuron.watch
    assert neuron.watch is None


def test_a_recording_leaves_no_watch_behind() -> None:
    network = Chain(nn.Identity())
    network.sn = IF()
    recorded(network)
    assert "watch" not in vars(network.sn)


def test_membranes_of_other_neurons_are_not_known() -> None:
    assert set(recorded(Chain(nn.Identity())).magnitudes) == {"stem"}


@given(
    values=st.lists(st.floats(-1e6, 1e6, width=32), min_size=4, max_size=4),
    other_layout=st.booleans(),
)
def test_the_largest_magnitude_in_any_layout(values: list[float], other_layout: bool) -> None:
    tensor = torch.tensor(values).reshape(2, 2)
    assert largest(tensor.T if other_layout else tensor) == np.abs(values).max()


def test_factors_of_no_channels_leave_the_weights_unknown() -> None:
    gauge = Gauge()
    gauge.weigh("fc", torch.ones(4, 2), 1.0, None)
    gauge.add("fc", 1.0, None)
    workload = recorded(Chain(nn.Identity())).workload
    assert gauge.magnitudes(workload, {}) == {}
    gauge.scale("fc", torch.ones(3), None)
    gauge.add("stem", 1.0, None)
    assert gauge.magnitudes(workload, {}) == {}
