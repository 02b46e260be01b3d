from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from codesign.errors import CaptureError
from codesign.recording import capture
from codesign.trace import Trace
from codesign.workload import Kind, Layer, LayerType, Window
from tests.recording.example_networks import (
    NEURONS,
    TIMESTEPS,
    Batched,
    Chain,
    Integrate,
    convolution,
    hold,
)
from tests.recording.example_networks import image as example_image


def record(network: nn.Module, inputs: Tensor | None = None) -> Trace:
    inputs = example_image() if inputs is None else inputs
    return capture(network.eval(), inputs, neurons=NEURONS)


def last(trace: Trace) -> Layer:
    return trace.workload.layers[-1]


def behind_spikes(*modules: nn.Module) -> Trace:
    return record(Chain(Batched(*modules)))


@pytest.mark.parametrize(
    ("module", "window"),
    [
        (nn.Conv2d(4, 6, 3, 2, 1), Window((3, 3), (2, 2), (1, 1))),
        (nn.Conv2d(4, 4, (1, 3), groups=2), Window((1, 3), groups=2)),
        (nn.Conv2d(4, 4, 3, dilation=2), Window((3, 3), dilation=(2, 2))),
        (nn.Conv2d(4, 4, (3, 5), padding="same"), Window((3, 5), padding=(1, 2))),
        (nn.Conv2d(4, 4, 3, padding="valid"), Window((3, 3))),
    ],
)
def test_a_convolution_keeps_its_geometry(module: nn.Conv2d, window: Window) -> None:
    trace = behind_spikes(module)
    layer = last(trace)
    assert (layer.type, layer.window, layer.bias) == (LayerType.CONVOLUTION, window, True)
    assert trace.workload.weight_count(layer) == module.weight.numel()
    output = trace.workload.output_tensor(layer)
    assert (output.kind, output.timesteps) == (Kind.REAL, TIMESTEPS)


@pytest.mark.parametrize(
    ("module", "window", "shape"),
    [
        (nn.MaxPool2d(2), Window((2, 2), (2, 2)), (4, 3, 3)),
        (nn.MaxPool2d(3, 2, 1), Window((3, 3), (2, 2), (1, 1)), (4, 3, 3)),
        (nn.AvgPool2d(2), Window((2, 2), (2, 2)), (4, 3, 3)),
        (nn.AvgPool2d((6, 3)), Window((6, 3), (6, 3)), (4, 1, 2)),
        (nn.AdaptiveAvgPool2d((1, 1)), Window((6, 6), (6, 6)), (4, 1, 1)),
        (nn.AdaptiveAvgPool2d(3), Window((2, 2), (2, 2)), (4, 3, 3)),
    ],
)
def test_a_pool_keeps_its_geometry(
    module: nn.Module, window: Window, shape: tuple[int, ...]
) -> None:
    trace = behind_spikes(module)
    assert last(trace).window == window
    assert trace.workload.output_tensor(last(trace)).shape == shape


def test_a_max_pool_of_spikes_gives_spikes_and_an_average_gives_reals() -> None:
    trace = behind_spikes(nn.MaxPool2d(2))
    assert trace.workload.output_tensor(last(trace)).kind is Kind.SPIKE
    spikes = trace.values("sn").reshape(TIMESTEPS, 4, 3, 2, 3, 2)
    assert np.array_equal(trace.values(last(trace).output), spikes.max(axis=(3, 5)))
    trace = behind_spikes(nn.AvgPool2d(2))
    assert trace.workload.output_tensor(last(trace)).kind is Kind.REAL


def test_a_max_pool_of_integers_keeps_their_largest() -> None:
    network = Chain(lambda s: functional.max_pool2d(_twice(s).flatten(0, 1), 2))
    output = record(network).workload.tensors[-1]
    assert (output.kind, output.largest) == (Kind.INTEGER, 2)


def _twice(s: Tensor) -> Tensor:
    flat = functional.max_pool2d(s.flatten(0, 1), 1)
    return s + flat.view(s.shape)


def test_relu_is_a_layer_for_reals_only() -> None:
    trace = behind_spikes(nn.ReLU(), convolution(4, 4), nn.ReLU(inplace=True))
    assert [layer.type for layer in trace.workload.layers] == [
        LayerType.CONVOLUTION,
        LayerType.NEURON,
        LayerType.CONVOLUTION,
        LayerType.RELU,
    ]
    mask = trace.nonzero(last(trace).inputs[0])
    assert mask.all()  # of the value before relu overwrote it


@pytest.mark.parametrize(
    "norm",
    [
        nn.BatchNorm2d(4),
        nn.BatchNorm2d(4, affine=False),
        nn.Sequential(nn.BatchNorm2d(4), nn.Dropout(), nn.Identity()),
    ],
)
def test_a_batch_norm_becomes_part_of_its_convolution(norm: nn.Module) -> None:
    trace = behind_spikes(nn.Conv2d(4, 4, 3, bias=False), norm)
    assert (last(trace).batch_norm, last(trace).bias) == (True, True)
    assert last(trace).type is LayerType.CONVOLUTION


def test_a_convolution_fused_before_says_so() -> None:
    layer = nn.Conv2d(4, 4, 3)
    layer.batch_norm_fused = True
    assert last(behind_spikes(layer)).batch_norm
    assert not last(behind_spikes(nn.Conv2d(4, 4, 3, bias=False))).bias


def test_the_readout_is_a_pool_a_mean_over_time_and_a_linear_layer() -> None:
    head = nn.Linear(4, 5)
    variants: list[Callable[[Tensor], Tensor]] = [
        lambda s: head(s.mean((-2, -1)).mean(0)),
        lambda s: head(functional.adaptive_avg_pool2d(s.flatten(0, 1), 1).flatten(1)),
        lambda s: head(s.mean((3, 4), keepdim=True).mean(dim=0).flatten(1)),
        lambda s: head(torch.mean(s.mean((3, 4)), 0, keepdim=True).squeeze(0)),
    ]
    for function in variants:
        workload = record(Chain(function)).workload
        types = [layer.type for layer in workload.layers[2:]]
        pooled = workload.output_tensor(workload.layers[2])
        assert types[0] is LayerType.AVERAGE_POOL
        assert workload.layers[2].window == Window((6, 6), (6, 6))
        assert pooled.shape == (4, 1, 1)
        assert types[-1] is LayerType.LINEAR
        if LayerType.TIME_MEAN in types:
            assert workload.tensors[-1].timesteps == workload.tensors[-2].timesteps == 1
            assert workload.tensors[-2].shape == (4,)
            assert workload.weight_count(workload.layers[-1]) == 20


def test_a_linear_layer_may_see_every_timestep() -> None:
    trace = record(Chain(lambda s: nn.functional.linear(s.flatten(2), torch.ones(5, 144))))
    output = trace.workload.tensors[-1]
    assert (output.shape, output.timesteps) == ((5,), TIMESTEPS)


def test_a_static_value_is_computed_once_until_it_is_held() -> None:
    workload = record(Chain(lambda s: s)).workload
    assert {tensor.name: tensor.timesteps for tensor in workload.tensors} == {
        "input": 1,
        "stem": 1,
        "sn": TIMESTEPS,
    }
    assert workload.timesteps == TIMESTEPS


def test_an_image_that_is_held_before_the_first_layer_is_seen_at_every_timestep() -> None:
    class Early(Chain):
        def forward(self, image: Tensor) -> Tensor:
            result: Tensor = self.sn(self.function(hold(image)))
            return result

    image = example_image()
    image[0, 0] = 0
    trace = record(Early(Batched(convolution(2, 4))), image)
    assert [tensor.timesteps for tensor in trace.workload.tensors] == [TIMESTEPS] * 3
    mask = trace.nonzero("input")
    assert mask.shape == (TIMESTEPS, 2, 6, 6)
    assert np.array_equal(mask, np.repeat(image.ne(0).numpy(), TIMESTEPS, axis=0))

    class Both(Early):
        def forward(self, image: Tensor) -> Tensor:
            return super().forward(image).mean(0) + self.stem(image)

    with pytest.raises(CaptureError, match="must not read 'input' without time"):
        record(Both(Batched(convolution(2, 4))))


@pytest.mark.parametrize(
    "held",
    [
        hold,
        lambda x: x.repeat(TIMESTEPS, 1, 1, 1, 1),
        lambda x: x.repeat(TIMESTEPS, 1, 1, 1).unflatten(0, (TIMESTEPS, 1)),
        lambda x: torch.stack([x] * TIMESTEPS),
        lambda x: x.expand(TIMESTEPS, -1, -1, -1).view(TIMESTEPS, 1, *x.shape[1:]),
        lambda x: torch.stack([x] * TIMESTEPS).permute(1, 0, 2, 3, 4).transpose(0, 1),
    ],
)
def test_all_ways_to_hold_a_value_are_the_same(held: Callable[[Tensor], Tensor]) -> None:
    class Held(Chain):
        def forward(self, image: Tensor) -> Tensor:
            result: Tensor = self.sn(held(self.stem(image)))
            return result

    torch.manual_seed(1)
    expected = record(Chain(lambda s: s))
    torch.manual_seed(1)
    trace = record(Held(lambda s: s))
    assert trace.workload == expected.workload
    assert np.array_equal(trace.values("sn"), expected.values("sn"))


def test_one_timestep_is_a_timestep() -> None:
    class Once(Chain):
        def forward(self, image: Tensor) -> Tensor:
            result: Tensor = self.sn(self.stem(image).unsqueeze(0).expand(1, -1, -1, -1, -1))
            return result

    workload = record(Once(lambda s: s)).workload
    assert workload.timesteps == 1
    assert workload.tensor_by_name["sn"].shape == (4, 6, 6)


def test_a_sequence_has_time_from_the_start() -> None:
    network = nn.Sequential(Batched(convolution(2, 4)), Integrate())
    sequence = example_image(5, 1, 2, 6, 6)
    sequence[2] = 0
    trace = record(network, sequence)
    assert trace.workload.timesteps == 5
    assert [tensor.timesteps for tensor in trace.workload.tensors] == [5, 5, 5]
    assert np.array_equal(trace.nonzero("input"), sequence.ne(0).numpy().squeeze(1))


def test_timesteps_may_not_change_on_the_way() -> None:
    class Longer(Chain):
        def forward(self, image: Tensor) -> Tensor:
            current = self.stem(image)
            first = self.sn(hold(current))
            return first.mean(0) + self.sn(torch.stack([current] * 5)).mean(0)

    with pytest.raises(CaptureError, match="must run for the same number of timesteps"):
        record(Longer(lambda s: s))


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda s: functional.max_pool2d(s.flatten(0, 1), 4, ceil_mode=True), "ceil_mode=False"),
        (lambda s: functional.adaptive_avg_pool2d(s.flatten(0, 1), 4), "divides the map"),
        (lambda s: s.mean((0, 3, 4)), "Take the two means one after the other"),
        (lambda s: s.mean(), "must be over time, or over the whole map"),
        (lambda s: functional.linear(s.movedim(0, -1), torch.ones(2, 3)), "movedim"),
        (lambda s: functional.linear(s.permute(1, 2, 3, 4, 0), torch.ones(2, 3)), "on features"),
        (lambda s: functional.batch_norm(s.flatten(0, 1), ZERO, ONE), "must directly follow"),
        (lambda s: functional.conv2d(s.flatten(0, 1), s.flatten(0, 1)), "constant weights"),
        (lambda s: functional.dropout(s, 0.5, True), r"must be off \(got training mode\)"),
        (lambda s: torch.stack([s, s + 0]), "must collect one value at all timesteps"),
        (lambda s: s.transpose(3, 4), "features in the order in which they were made"),
        (lambda s: s.view(torch.int32), "must not reinterpret bits"),
        (lambda s: s.view(2, -1), "must keep time as an axis of its own"),
        (lambda s: s.sum((0, 3)), "must sum over time alone"),
        (lambda s: torch.add(s, 1 - s, out=torch.empty(0)), "with out="),
        (lambda s: functional.conv2d(s.view(3, 2, 12, 6), torch.ones(1, 2, 1, 1)), "as 'sn' made"),
        (lambda s: s.T, "got torch's 'T' on a recorded value"),
        (lambda s: s if s.max() > 0 else -s, "got torch's 'max' on a recorded value"),
        (lambda s: s * s.flatten()[0].item(), "must keep time"),
    ],
)
@pytest.mark.filterwarnings("ignore:The use of `x.T`")
def test_what_is_not_understood_is_refused(
    function: Callable[[Tensor], Tensor], message: str
) -> None:
    with pytest.raises(CaptureError, match=message):
        record(Chain(function))


ZERO, ONE = torch.zeros(4), torch.ones(4)
