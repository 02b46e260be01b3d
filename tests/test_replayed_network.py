"""Executed job by job, a recorded torch network fires as it did in torch."""

from collections.abc import Callable
from functools import cache

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from codesign.networks.accumulation import Accumulation, AccumulationHead
from codesign.networks.blocks import Shape, SpikeBlock
from codesign.networks.connections import inhibition
from codesign.networks.neurons import IF, Neuron
from codesign.networks.timesteps import HoldForTimesteps, TimeBatched
from codesign.recording import capture
from codesign.specs.architecture import Architecture
from codesign.trace import Trace
from codesign.workload import SYNAPTIC, Kind, Workload
from tests.chip.small_chips import split_chip, unified_chip
from tests.replay.machine import replay
from tests.replay.reference import Network, Values, computed
from tests.replay.runs import run_on

TIMESTEPS = 4


class DualStream(nn.Module):
    """A stem, a block, a downsampling block and both heads of a DSNN; all numbers are integers."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 4, 3, padding=1)
        self.hold = HoldForTimesteps(TIMESTEPS)
        self.sn = IF(v_threshold=30)
        self.first = _block(Shape(4, 4, 4, stride=1, bottleneck=False))
        self.second = _block(Shape(4, 4, 8, stride=2, bottleneck=True))
        self.pool = TimeBatched(nn.AdaptiveAvgPool2d((1, 1)))
        self.fc = nn.Linear(8, 5, bias=False)
        self.head = AccumulationHead()

    def forward(self, image: Tensor) -> Tensor:
        spikes = self.sn(self.hold(self.stem(image)))
        spikes, total = self.second(self.first((spikes, spikes)))
        logits = self.fc(torch.flatten(self.pool(spikes), 2).mean(0))
        return logits + self.head(total, self.fc)


def _block(shape: Shape) -> SpikeBlock:
    return SpikeBlock(
        shape,
        lambda: IF(v_threshold=6),
        lambda channels: nn.BatchNorm2d(channels, eps=0),
        connection=inhibition,
        accumulates=True,
    )


@cache
def recorded() -> tuple[Trace, Network, Values]:
    """The trace of the network, its graph with its numbers, and its accumulations as torch had
    them; every sum is an integer that float32 holds exactly."""
    network, generator = DualStream().eval(), torch.Generator().manual_seed(3)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.copy_(torch.randint(-3, 4, parameter.shape, generator=generator))
    image = torch.randint(-4, 5, (1, 3, 8, 8), generator=generator).float()
    trace = capture(network, image)
    seen: Values = {}
    for name, module in network.named_modules():
        if isinstance(module, Accumulation):
            module.register_forward_hook(
                lambda _m, _i, made, name=name: seen.update({name: _integers(made[:, 0])})
            )
    with torch.no_grad():
        network(image)
    return trace, _with_numbers(network, trace.workload), seen | {"input": _integers(image)}


def _integers(values: Tensor) -> NDArray[np.int64]:
    exact = values.detach().numpy().astype(np.int64)
    assert np.array_equal(exact, values.detach().numpy())
    return exact


def _with_numbers(network: DualStream, workload: Workload) -> Network:
    """The weights of torch under the names of the graph; a batch norm is that of the convolution
    before it."""
    weights, biases, last = {}, {}, ""
    for name, module in network.named_modules():
        if isinstance(module, nn.Conv2d):
            weights[name], last = _integers(module.weight), name
            if module.bias is not None:
                biases[name] = _integers(module.bias)
        if isinstance(module, nn.BatchNorm2d):  # of mean 0 and variance 1
            weights[last] = weights[last] * _integers(module.weight)[:, None, None, None]
            biases[last] = _integers(module.bias)
    for name in ("fc", "head.linear"):
        weights[name] = _integers(network.fc.weight)[:, :, None, None]
    thresholds = {
        name: int(module.v_threshold)
        for name, module in network.named_modules()
        if isinstance(module, Neuron)
    }
    assert set(weights) == {layer.name for layer in workload.layers if layer.type in SYNAPTIC}
    return Network(workload, weights, biases, thresholds)


def test_the_reference_fires_and_accumulates_as_torch_does() -> None:
    trace, network, seen = recorded()
    values = computed(network, {"input": seen["input"]})
    spikes = [tensor for tensor in trace.workload.tensors if tensor.kind is Kind.SPIKE]
    assert len(spikes) == 9
    for tensor in spikes:
        assert np.array_equal(values[tensor.name], trace.values(tensor.name))
        assert 0 < values[tensor.name].mean() < 1
    assert set(seen) == {"input", "first.accumulation", "second.accumulation"}
    for name, expected in seen.items():
        assert np.array_equal(values[name], expected)
    assert trace.workload.tensor_by_name["second.accumulation"].kind is Kind.REAL
    assert len(np.unique(values["second.accumulation"])) > TIMESTEPS


@pytest.mark.parametrize("order", ["layer", "timestep", "pipeline"])
@pytest.mark.parametrize(
    "chip",
    [
        split_chip,
        unified_chip,
        lambda *o: split_chip("cores.spike.state_memory.size=512 B", *o),
        lambda *o: split_chip("schedule.time_batch=2", "schedule.partition=rows", *o),
        lambda *o: split_chip("storage.activation_buffer.size=256 B", *o),
    ],
    ids=["split", "unified", "little state", "batches of rows", "little buffer"],
)
def test_its_jobs_store_what_torch_computed(order: str, chip: Callable[..., Architecture]) -> None:
    trace, network, seen = recorded()
    values = computed(network, {"input": seen["input"]})
    images = (values, computed(network, {"input": -seen["input"]}))
    machine = replay(run_on(chip(f"schedule.order={order}"), network, images))
    for tensor in trace.workload.tensors:
        stored = machine.stored.get((tensor.name, 0))
        if stored is not None and tensor.kind is Kind.SPIKE:
            assert np.array_equal(stored, trace.values(tensor.name))
        if stored is not None and tensor.name in seen:
            assert np.array_equal(stored, seen[tensor.name])
