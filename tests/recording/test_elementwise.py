from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from codesign.errors import CaptureError
from codesign.recording import capture
from codesign.trace import Trace
from codesign.workload import Kind, Layer, LayerType, Stream
from tests.recording.example_networks import NEURONS, Batched, Chain, TwoBranches, convolution
from tests.recording.example_networks import image as example_image


def record(network: nn.Module) -> Trace:
    torch.manual_seed(0)
    return capture(network.eval(), example_image(), neurons=NEURONS)


def layers_of(trace: Trace, layer_type: LayerType) -> list[Layer]:
    return [layer for layer in trace.workload.layers if layer.type is layer_type]


@pytest.mark.parametrize(
    ("function", "name", "truth"),
    [
        (lambda s, o: s * o, "and", lambda s, o: s & o),
        (lambda s, o: o * (1 - s), "iand", lambda s, o: o & ~s),
        (lambda s, o: s + o - s * o, "or", lambda s, o: s | o),
        (lambda s, o: s * (1 - o) + o * (1 - s), "xor", lambda s, o: s ^ o),
        (torch.maximum, "or", lambda s, o: s | o),
        (lambda s, o: torch.logical_and(s.bool(), ~o.bool()).float(), "iand", lambda s, o: s & ~o),
        (lambda s, o: (s.bool() ^ o.bool()).float(), "xor", lambda s, o: s ^ o),
        (lambda s, o: (1 - s) * (1 - o), "logic", lambda s, o: ~(s | o)),
        (lambda s, _: 1.0 - s, "not", lambda s, _: ~s),
    ],
)
def test_a_logic_of_spikes_is_one_layer_with_its_name(
    function: Callable[[Tensor, Tensor], Tensor],
    name: str,
    truth: Callable[[np.ndarray, np.ndarray], np.ndarray],
) -> None:
    trace = record(TwoBranches(function))
    [layer] = layers_of(trace, LayerType.LOGIC)
    assert layer.function == name
    assert set(layer.inputs) <= {"branch", "sn"}
    assert not layers_of(trace, LayerType.ADD)
    output = trace.workload.output_tensor(layer)
    assert (output.kind, output.largest) == (Kind.SPIKE, 1)
    s, o = (trace.values(tensor).astype(bool) for tensor in ("branch", "sn"))
    assert 0 < s.mean() < 1
    assert 0 < o.mean() < 1
    assert np.array_equal(trace.values(output.name).astype(bool), truth(s, o))


def test_iand_reads_the_inhibiting_spike_first() -> None:
    [layer] = layers_of(record(TwoBranches(lambda s, o: o * (1 - s))), LayerType.LOGIC)
    assert layer.inputs == ("branch", "sn")


@pytest.mark.parametrize(
    "function", [lambda s, o: s + o, torch.add, lambda s, o: s.clone().add_(o)]
)
def test_a_sum_of_spikes_is_an_integer_addition(
    function: Callable[[Tensor, Tensor], Tensor],
) -> None:
    trace = record(TwoBranches(function))
    [layer] = layers_of(trace, LayerType.ADD)
    assert layer.inputs == ("branch", "sn")
    output = trace.workload.output_tensor(layer)
    assert (output.kind, output.largest) == (Kind.INTEGER, 2)
    expected = trace.values("branch") + trace.values("sn")
    assert np.array_equal(trace.values(output.name), expected)
    assert expected.max() == 2


def test_a_sum_of_three_spikes_is_two_additions() -> None:
    pool = nn.MaxPool2d(3, 1, 1)
    trace = record(TwoBranches(lambda s, o: s + o + pool(o.flatten(0, 1)).view(o.shape)))
    first, second = layers_of(trace, LayerType.ADD)
    assert first.inputs == ("branch", "sn")
    assert second.inputs == (first.output, "max_pool2d")
    assert trace.workload.output_tensor(second).largest == 3
    expected = sum(trace.values(name).astype(int) for name in ("branch", "sn", "max_pool2d"))
    assert np.array_equal(trace.values(second.output), expected)


def test_integers_add_up_and_a_real_makes_the_sum_real() -> None:
    class Sum(TwoBranches):
        def forward(self, image: Tensor) -> Tensor:
            current = self.stem(image)
            o = self.sn(current.unsqueeze(0).repeat(3, 1, 1, 1, 1))
            s = self.branch(self.conv(o))
            k = s + o
            self.head(k)  # a reader closes the first sum
            return (k + s) + current

    trace = record(Sum(lambda s, _: s))
    tensors = [trace.workload.output_tensor(layer) for layer in layers_of(trace, LayerType.ADD)]
    assert [(tensor.kind, tensor.largest) for tensor in tensors] == [
        (Kind.INTEGER, 2),
        (Kind.INTEGER, 3),
        (Kind.REAL, None),
    ]
    assert tensors[2].timesteps == 3


def test_what_a_module_computes_is_closed_when_it_returns() -> None:
    """Two additions in modules stay two layers, although one table could hold both."""

    class Accumulate(nn.Module):
        stream = "accumulation"

        def forward(self, a: Tensor, s: Tensor) -> Tensor:
            return a + s

    class Twice(TwoBranches):
        def __init__(self) -> None:
            super().__init__(lambda s, _: s)
            self.first, self.second = Accumulate(), Accumulate()

        def forward(self, image: Tensor) -> Tensor:
            o = self.sn(self.stem(image).unsqueeze(0).repeat(3, 1, 1, 1, 1))
            s = self.branch(self.conv(o))
            return self.second(self.first(o, s), s)

    trace = record(Twice())
    first, second = layers_of(trace, LayerType.ADD)
    assert (first.name, first.inputs) == ("first", ("sn", "branch"))
    assert (second.name, second.inputs) == ("second", ("first", "branch"))
    assert first.stream is second.stream is Stream.ACCUMULATION
    assert trace.workload.tensor_by_name["first"].stream is Stream.ACCUMULATION
    assert trace.workload.tensor_by_name["second"].largest == 3


def test_an_expression_that_changes_nothing_is_no_layer() -> None:
    trace = record(TwoBranches(lambda s, _: torch.relu(s * s * 1.0)))
    assert [layer.inputs for layer in trace.workload.layers][-1] == ("branch",)
    assert not layers_of(trace, LayerType.LOGIC)


def scaled(factor: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    layer = Batched(convolution(4, 4))
    return lambda spikes: factor(layer(spikes))


@pytest.mark.parametrize(
    "factor",
    [
        lambda x: 0.5 * x + 1,
        lambda x: x / 2,
        lambda x: 1 - x,
        lambda x: x * torch.arange(4.0).view(4, 1, 1),
        lambda x: torch.round(x * 16) / 16,
        lambda x: x.mul_(2),
    ],
)
def test_a_scale_or_grid_is_part_of_the_convolution(factor: Callable[[Tensor], Tensor]) -> None:
    network = Chain(scaled(factor))
    trace = record(network)
    assert [layer.type for layer in trace.workload.layers] == [
        LayerType.CONVOLUTION,
        LayerType.NEURON,
        LayerType.CONVOLUTION,
    ]
    assert trace.workload.outputs == (trace.workload.layers[-1].output,)


def test_the_mask_is_that_of_the_changed_value() -> None:
    trace = record(Chain(scaled(lambda x: torch.relu(torch.round(x * 0.2)))))
    rounded = trace.workload.layers[-1].inputs[0]
    assert 0 < trace.nonzero(rounded).mean() < 0.9  # without rounding nearly nothing is zero


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda s: s * 0.5, r"must be arithmetic that the chip can do \(got 'mul' of spikes"),
        (lambda s: 2 * s, r"must give 0 and 1, or the plain sum of its spikes \(got the values 0"),
        (lambda s: s - s, r"must depend on its spikes \(got 0 for all of them\)"),
        (scaled(lambda x: x * x), r"'mul' of real values, real values"),
        (scaled(lambda x: 1 / x), r"'div' of a constant, real values"),
        (scaled(lambda x: x * torch.full((6,), 2.0)), "one per channel"),
        (scaled(lambda x: torch.relu(x) + 1), "must shift, or scale per channel, the result of"),
        (lambda s: torch.add(s, s, alpha=2), "must have alpha = 1"),
        (lambda s: s + s[..., :1], r"must take one timestep, `x\[t\]` \(got the index"),
        (torch.round, "must round real values"),
        (lambda s: ~s.int(), "must negate boolean spikes"),
    ],
)
def test_other_arithmetic_is_refused(function: Callable[[Tensor], Tensor], message: str) -> None:
    with pytest.raises(CaptureError, match=message):
        record(Chain(function))


def test_boolean_spikes_are_not_added() -> None:
    with pytest.raises(CaptureError, match="torch takes this for OR"):
        record(TwoBranches(lambda s, o: (s.bool() + o.bool()).float()))


def test_a_scaled_value_may_not_be_read_without_its_scale() -> None:
    def both(x: Tensor) -> Tensor:
        return x + x * 0.5

    with pytest.raises(CaptureError, match="must not read a value that a scaling has changed"):
        record(Chain(scaled(both)))

    def after(x: Tensor) -> Tensor:
        y = torch.relu(x)
        return y + x * 0.5

    with pytest.raises(CaptureError, match="must be the only one to read"):
        record(Chain(scaled(after)))
