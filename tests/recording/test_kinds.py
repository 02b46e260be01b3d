"""Kinds and streams follow from declarations: what the values happen to be changes nothing."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
import torch
from torch import Tensor, nn

from codesign.counting import count_layers
from codesign.recording import capture
from codesign.trace import Trace
from codesign.workload import Kind, Stream
from tests.recording.example_networks import (
    NEURONS,
    TIMESTEPS,
    Batched,
    Integrate,
    convolution,
    hold,
)

IMAGE = torch.rand((1, 2, 6, 6), generator=torch.Generator().manual_seed(0))


class Accumulate(nn.Module):
    stream = "accumulation"

    def forward(self, a: Tensor, s: Tensor) -> Tensor:
        return a + s


class Head(Batched):
    stream = "accumulation"


class DualStream(nn.Module):
    """Two neuron layers, their sum in the accumulation stream, and a convolution of the sum."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.stem, self.sn = convolution(2, 4), Integrate()
        self.conv, self.branch = Batched(convolution(4, 4)), Integrate()
        self.accumulation, self.head = Accumulate(), Head(convolution(4, 3))

    def forward(self, image: Tensor) -> Tensor:
        o = self.sn(hold(self.stem(image)))
        result: Tensor = self.head(self.accumulation(o, self.branch(self.conv(o))))
        return result


def always(network: DualStream) -> None:
    """Every neuron of both layers fires at every timestep."""
    silent(network)
    network.stem.bias.fill_(2)
    network.conv[0].bias.fill_(2)


def silent(network: DualStream) -> None:
    for layer in (network.stem, network.conv[0]):
        layer.weight.zero_()
        layer.bias.zero_()


def binary(network: DualStream) -> None:
    """The branch is silent, so that the sum of both is 0 or 1."""
    network.conv[0].weight.zero_()
    network.conv[0].bias.zero_()


def record(change: Callable[[DualStream], None] | None) -> Trace:
    network = DualStream().eval()
    if change is not None:
        with torch.no_grad():
            change(network)
    return capture(network, IMAGE, neurons=NEURONS)


def counts(trace: Trace, layer: str) -> pd.DataFrame:
    rows = count_layers(trace)
    return rows[rows["layer"] == layer]


@pytest.mark.parametrize(
    ("change", "values"),
    [(None, {0, 1, 2}), (binary, {0, 1}), (silent, {0}), (always, {2})],
)
def test_an_accumulation_is_counted_by_its_stream_and_kind(
    change: Callable[[DualStream], None] | None, values: set[int]
) -> None:
    trace = record(change)
    assert set(np.unique(trace.values("accumulation"))) == values
    assert trace.workload == record(None).workload
    tensor = trace.workload.tensor_by_name["accumulation"]
    assert (tensor.kind, tensor.largest) == (Kind.INTEGER, 2)
    assert tensor.stream is Stream.ACCUMULATION
    head = counts(trace, "head.0")
    assert head["mac"].tolist() == [3 * 4 * 9 * 36] * TIMESTEPS
    assert head["ac_synaptic"].tolist() == [0] * TIMESTEPS
    added = counts(trace, "accumulation")
    assert added["ac_accumulation"].tolist() == [4 * 36] * TIMESTEPS
    assert added["ac_residual"].tolist() == [0] * TIMESTEPS
    assert added["ac_accumulation_nonzero"].tolist() == counts(trace, "branch")["spikes"].tolist()


@pytest.mark.parametrize("change", [None, silent, always])
def test_spikes_are_accumulated_however_many_there_are(
    change: Callable[[DualStream], None] | None,
) -> None:
    trace = record(change)
    rows = counts(trace, "conv.0")
    assert rows["mac"].tolist() == [0] * TIMESTEPS
    rate = trace.values("sn").mean()
    assert (rows["ac_synaptic"].sum() > 0) == (rate > 0)
    assert counts(trace, "sn")["ac_neuron"].tolist() == [4 * 36] * TIMESTEPS


@pytest.mark.parametrize("pixels", [IMAGE, torch.zeros_like(IMAGE), torch.ones_like(IMAGE)])
def test_an_image_is_multiplied_whatever_its_pixels_are(pixels: Tensor) -> None:
    trace = capture(DualStream().eval(), pixels, neurons=NEURONS)
    [row] = counts(trace, "stem").to_dict("records")
    assert row["mac"] == 4 * 2 * 9 * 36
    assert (row["mac_nonzero"] == 0) == (not pixels.any())
    assert row["ac_synaptic"] == 0
