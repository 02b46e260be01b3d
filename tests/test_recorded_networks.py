"""Whatever `capture` takes can be counted, mapped, simulated and priced."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from codesign import evaluate, load_architecture
from codesign.counting import count_layers
from codesign.workload import LayerType
from tests.recording.example_networks import TIMESTEPS, Integrate, image
from tests.recording.stepwise_networks import Network, Passing, Stateful, at_once, record

SEQUENCE = image(TIMESTEPS, 1, 2, 6, 6)


def sums_of_spikes(self: Network, x: Tensor) -> Tensor:
    return functional.linear(sum(self.step(frame) for frame in x), torch.ones(3, 5))


def means_of_logits(self: Network, x: Tensor) -> Tensor:
    logits = [functional.linear(self.step(frame), torch.ones(3, 5)) for frame in x]
    return torch.stack(logits).mean(0)


def membranes(self: Network, x: Tensor) -> Tensor:
    m1 = m2 = None
    collected = []
    for frame in x:
        spikes, m1 = self.sn1(self.stem(frame), m1)
        _, m2 = self.sn2(self.conv(spikes), m2)
        collected.append(functional.linear(m2.flatten(1), torch.ones(3, 144)))
    return torch.stack(collected)


@pytest.mark.parametrize("architecture", ["split_core", "unified_core", "paper"])
@pytest.mark.parametrize(
    ("neuron", "run"),
    [
        (Integrate, at_once),
        (Stateful, sums_of_spikes),
        (Stateful, means_of_logits),
        (Passing, membranes),
    ],
)
def test_a_recorded_network_runs_on_a_chip(
    neuron: Any, run: Callable[..., Tensor], architecture: str
) -> None:
    trace = record(Network(neuron, run), SEQUENCE)
    result = evaluate(trace, load_architecture(architecture))
    assert result.summary["energy_pj"] > 0
    counts = count_layers(trace)
    synaptic = counts[counts["type"].isin([str(LayerType.CONVOLUTION), str(LayerType.LINEAR)])]
    assert (synaptic["ac_synaptic"] + synaptic["mac"] > 0).any()
    if architecture != "paper":
        assert result.summary["makespan_cycles"] >= max(result.summary["bounds_cycles"].values())


def test_the_sum_of_spikes_over_time_is_multiplied() -> None:
    trace = record(Network(Stateful, sums_of_spikes), SEQUENCE)
    counts = count_layers(trace)
    head = counts[counts["layer"] == "linear"]
    assert head["mac"].tolist() == [15]
    assert head["ac_repeat"].tolist() == [3 * trace.values("time_sum").sum()]
    assert counts[counts["layer"] == "time_sum"]["ac_readout"].tolist() == [5 * TIMESTEPS]
