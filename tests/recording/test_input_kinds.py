"""What the network's input is, spikes or real values, is declared and never read off its values."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from codesign import capture
from codesign.counting import count_layers
from codesign.errors import CaptureError
from codesign.trace import Trace
from codesign.workload import Kind
from tests.recording.example_networks import TIMESTEPS, Integrate

FRAMES = (
    torch.rand(TIMESTEPS, 1, 2, 6, 6, generator=torch.Generator().manual_seed(0)) < 0.3
).float()


class Stem(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(2, 3, 3, padding=1)
        self.neuron = Integrate()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.neuron(self.conv(x.flatten(0, 1)).unflatten(0, x.shape[:2]))


def recorded(inputs: torch.Tensor, network: nn.Module | None = None, **options: Any) -> Trace:
    torch.manual_seed(0)
    return capture((network or Stem()).eval(), inputs, neurons={Integrate: "IF"}, **options)


def stem_counts(trace: Trace) -> dict[str, list[int]]:
    counts = count_layers(trace)
    stem = counts[counts["type"] == "convolution"]
    return {name: stem[name].tolist() for name in ("ac_synaptic", "mac")}


def test_frames_of_spikes_are_accumulated_and_real_ones_multiplied() -> None:
    taps = functional.conv2d(FRAMES[:, 0], torch.ones(1, 2, 3, 3), padding=1).sum((1, 2, 3)) * 3
    spikes, real = recorded(FRAMES, input_kind=Kind.SPIKE), recorded(FRAMES)
    assert stem_counts(spikes) == {"ac_synaptic": taps.int().tolist(), "mac": [0] * TIMESTEPS}
    assert stem_counts(real) == {"ac_synaptic": [0] * TIMESTEPS, "mac": [36 * 54] * TIMESTEPS}
    assert np.array_equal(spikes.values("input"), FRAMES[:, 0].numpy())
    assert np.array_equal(spikes.values("neuron"), real.values("neuron"))


def test_logic_on_the_input_is_that_of_spikes() -> None:
    class Gate(Stem):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(2, 2, 3, padding=1)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return super().forward(x) * (1 - x)

    trace = recorded(FRAMES, Gate(), input_kind=Kind.SPIKE)
    (logic,) = [layer for layer in trace.workload.layers if layer.type == "logic"]
    assert set(logic.inputs) == {"input", "neuron"}
    with pytest.raises(CaptureError):
        recorded(FRAMES, Gate())  # a product of spikes and real values


def test_an_input_of_other_values_is_no_spikes() -> None:
    with pytest.raises(CaptureError, match=r"the input.*must hold zeros and ones to be spikes"):
        recorded(2 * FRAMES, input_kind=Kind.SPIKE)


def test_integers_are_recorded_as_real_values() -> None:
    with pytest.raises(CaptureError, match="input_kind must be 'real' or 'spike'"):
        recorded(2 * FRAMES, input_kind=Kind.INTEGER)


@pytest.mark.parametrize(("result", "got"), [(3, "int"), (None, "NoneType")])
def test_a_network_that_returns_no_result_of_its_own_is_refused(result: Any, got: str) -> None:
    class Lost(Stem):
        def forward(self, x: torch.Tensor) -> Any:
            super().forward(x)
            return result

    with pytest.raises(CaptureError, match=rf"tensor that the network computed \(got {got}\)"):
        recorded(FRAMES, Lost())


def test_a_network_that_returns_its_input_is_refused() -> None:
    class Passing(Stem):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            super().forward(x)
            return x

    with pytest.raises(CaptureError, match=r"computed \(got its input\)"):
        recorded(FRAMES, Passing())
