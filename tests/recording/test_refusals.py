"""What a network does that is not understood is named: the module, the operation, what to do."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from codesign.errors import CaptureError
from codesign.recording import capture
from tests.recording.example_networks import (
    NEURONS,
    TIMESTEPS,
    Batched,
    Chain,
    Integrate,
    convolution,
    image,
)

SEQUENCE = image(TIMESTEPS, 1, 2, 6, 6)


class Step(torch.autograd.Function):
    """A spike with a gradient of its own, as users write it."""

    @staticmethod
    def forward(_ctx: Any, x: Tensor) -> Tensor:
        return (x > 0).to(x.dtype)

    @staticmethod
    def backward(_ctx: Any, *gradients: Tensor) -> Tensor:
        return gradients[0]


@pytest.mark.parametrize(
    "spike",
    [
        lambda x: (x > 0.5).float(),
        lambda x: x.ge(0.5).to(x.dtype),
        Step.apply,
        lambda x: torch.heaviside(x, torch.ones(1)),
        lambda x: torch.where(x > 0.5, 1.0, 0.0),
        lambda x: (torch.sign(x) + 1) / 2,
        torch.floor,
        lambda x: torch.bernoulli(x.sigmoid()),
        lambda x: (x.sigmoid() * 2).round(),
        lambda x: torch.round(x).clamp(0, 1),
        lambda x: torch.fake_quantize_per_tensor_affine(x, 1.0, 0, 0, 1),
        lambda x: functional.hardtanh(torch.round(x), 0, 1),
    ],
)
def test_a_spike_that_is_made_outside_a_neuron_is_not_taken_for_a_real_value(
    spike: Callable[[Tensor], Tensor],
) -> None:
    class Undeclared(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return spike(x)

    network = Chain(nn.Sequential(Batched(convolution(4, 4)), Undeclared())).eval()
    with pytest.raises(CaptureError, match=r"^function\.1 \(\w+\): .*eclare .*`neurons={") as error:
        capture(network, image(), neurons=NEURONS)
    assert "Undeclared: 'LIF'" in str(error.value) or "neurons={...}" in str(error.value)


@pytest.mark.parametrize(
    "function",
    [
        lambda x: -x if x.transpose(0, 1)[0] else x,
        lambda x: x * float(x.flatten(0, 1)[0].flatten()[0]),
        lambda x: x * int(x.reshape(TIMESTEPS, -1)[0].sum()),
        lambda x: x * x[0].item(),
        lambda x: torch.tensor(x.tolist()),
        lambda x: torch.from_numpy(x.numpy()),
        lambda x: x + len([v for v in x[0] if 1.0 in v]),
    ],
)
def test_python_does_not_get_at_recorded_values(function: Callable[[Tensor], Any]) -> None:
    with pytest.raises(CaptureError, match=r"^network \(.*\): must"):
        capture(Chain(function).eval(), image(), neurons=NEURONS)


def test_control_flow_on_recorded_values_is_named() -> None:
    class Gated(nn.Module):
        def forward(self, s: Tensor) -> Tensor:
            return s[0] if s[0] else s

    message = r"^function \(bool of\): must not let Python read recorded values"
    with pytest.raises(CaptureError, match=message):
        capture(Chain(Gated()).eval(), image(), neurons=NEURONS)


@pytest.mark.parametrize(
    ("module", "message"),
    [
        (nn.Sigmoid(), r"^1 \(sigmoid\): .*'sigmoid' on a recorded value in a Sigmoid"),
        (nn.GELU(), r"^1 \(gelu\)"),
        (nn.Softmax(-1), r"^1 \(softmax\)"),
        (nn.GroupNorm(2, 2), r"^1 \(\w+\): must"),
        (nn.LSTM(36, 4), r"^1 \(lstm\): .*in a LSTM"),
        (nn.ConvTranspose2d(2, 2, 1), r"^1 \(conv_transpose2d\)"),
        (nn.Sequential(nn.Upsample(scale_factor=2)), r"^1\.0 \(interpolate\)"),
        (nn.PixelShuffle(1), r"^1 \(pixel_shuffle\)"),
    ],
)
def test_a_layer_of_an_unknown_type_is_named(module: nn.Module, message: str) -> None:
    network = nn.Sequential(Integrate(), module).eval()

    class Flattened(nn.Sequential):
        def forward(self, x: Tensor) -> Any:
            spikes = self[0](x).flatten(0, 1)
            return self[1](spikes.flatten(2) if isinstance(module, nn.LSTM) else spikes)

    with pytest.raises(CaptureError, match=message):
        capture(Flattened(*network).eval(), SEQUENCE, neurons=NEURONS)


def write_part(s: Tensor) -> Tensor:
    collected = torch.zeros(TIMESTEPS, *s.shape[1:])
    for t in range(TIMESTEPS):
        collected[t].add_(s[t])
    return s + collected


def write_item(s: Tensor) -> Tensor:
    collected = torch.zeros(s.shape)
    collected[0] = s[0]
    return s + collected


def read_view(s: Tensor) -> Tensor:
    total = torch.zeros(s.shape)
    view = total.view(-1)
    total += s
    return functional.linear(view, torch.ones(1, view.numel())) * s


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (write_part, "must not write values into a part of another tensor"),
        (write_item, r"\(setitem\): must not write values into another tensor"),
        (read_view, "must not read a view of memory that recorded values were written into"),
        (lambda s: torch.zeros(s.shape).copy_(s), r"got torch's 'copy_'"),
        (lambda s: torch.add(s, s, out=torch.empty(0)), "with out="),
        (lambda s: s.masked_fill_(torch.ones(1, dtype=torch.bool), 0), "masked_fill_"),
        (lambda s: setattr(s, "data", torch.ones(1)), "got torch's 'setting data'"),
    ],
)
def test_tricks_in_place_are_refused(function: Callable[[Tensor], Any], message: str) -> None:
    with pytest.raises(CaptureError, match=message):
        capture(Chain(function).eval(), image(), neurons=NEURONS)


def test_a_value_that_is_not_finite_is_named_with_the_layer_that_made_it() -> None:
    network = nn.Sequential(Integrate(), Batched(convolution(2, 4), nn.ReLU(), convolution(4, 2)))
    with torch.no_grad():
        network[1][0].bias[2] = torch.inf
    message = r"^1\.1 \(relu\): must read finite values \(got 108 that are NaN or infinite in '1.0'"
    with pytest.raises(CaptureError, match=message):
        capture(network.eval(), SEQUENCE, neurons=NEURONS)


@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")
def test_scripted_and_compiled_modules_are_named() -> None:
    scripted = torch.jit.script(nn.Linear(6, 6))
    with pytest.raises(CaptureError, match=r"^1: must be a plain module \(got a scripted one"):
        capture(nn.Sequential(Integrate(), scripted).eval(), SEQUENCE, neurons=NEURONS)
    compiled = torch.compile(nn.Linear(6, 6))
    with pytest.raises(CaptureError, match=r"^1: must be a plain module \(got a compiled one"):
        capture(nn.Sequential(Integrate(), compiled).eval(), SEQUENCE, neurons=NEURONS)
    with pytest.raises(CaptureError, match=r"^small: must be a plain module \(got a compiled one"):
        capture(torch.compile(nn.Linear(6, 6)).eval(), SEQUENCE, name="small")


def test_values_of_a_shape_alone_are_no_recorded_values() -> None:
    class Starting(Chain):
        def forward(self, image: Tensor) -> Tensor:
            current = self.stem(image)
            total = torch.zeros_like(current) + current.new_zeros(1)
            result: Tensor = self.sn((total + current).unsqueeze(0).repeat(TIMESTEPS, 1, 1, 1, 1))
            return result

    layers = capture(Starting(lambda s: s).eval(), image(), neurons=NEURONS).workload.layers
    assert [layer.name for layer in layers] == ["stem", "sn"]
