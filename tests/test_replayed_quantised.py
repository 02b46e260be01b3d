"""Executed job by job in whole numbers, a quantised network fires as it did in torch."""

from functools import cache

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from codesign.networks.accumulation import Accumulation, AccumulationDownsample, FixedPoint
from codesign.networks.neurons import Neuron
from codesign.networks.quantisation import quantise
from codesign.networks.shipped_form import to_shipped_form
from codesign.networks.small_residual import SmallResidualNetwork
from codesign.recording import capture
from codesign.specs.workload import NumberFormats
from codesign.trace import Trace
from codesign.workload import SYNAPTIC, Kind
from tests.chip.small_chips import split_chip, unified_chip
from tests.networks.integer_reference import codes_and_shifts, whole
from tests.networks.trained_networks import drawn_network, drawn_pictures
from tests.replay.machine import replay
from tests.replay.reference import Network, Rounding, Values, computed
from tests.replay.runs import run_on

FORMATS = NumberFormats.of(6, 8, 9)
"""9 bits store values of 8 integer bits and none of fraction, so that spikes are added as 1."""


def quantised(family: str) -> SmallResidualNetwork:
    network = drawn_network(family, gain=6, timesteps=4, width=2, classes=3)
    for pool in network.modules():
        if isinstance(pool, AccumulationDownsample):
            assert isinstance(pool[1], nn.BatchNorm2d)
            with torch.no_grad():
                pool[1].weight.fill_(30)  # six deviations of it are 180
    to_shipped_form(network)
    quantise(network, FORMATS)
    return network


def with_numbers(network: SmallResidualNetwork, trace: Trace) -> Network:
    """The codes of a quantised network under the names of its graph."""
    weights: Values = {}
    biases: Values = {}
    roundings = {"conv1": Rounding(np.full(network.size.width, 8), FORMATS.activation_bits)}
    for name, layer in network.named_modules():
        if isinstance(layer, nn.Conv2d) and ".pool." not in name:
            unit = 256 if name == "conv1" else 1  # levels are whole in units of 2^-8
            weights[name], biases[name] = whole(layer.weight), unit * whole(layer.bias)
        elif isinstance(layer, AccumulationDownsample):
            _downsample(name, layer, weights, biases, roundings)
    for layer in trace.workload.layers:
        if layer.type in SYNAPTIC and layer.name not in weights:  # a head
            weights[layer.name] = whole(network.fc.weight * 1024)[:, :, None, None]
            biases[layer.name] = np.zeros(network.size.classes, np.int64)
    neurons = {name: each for name, each in network.named_modules() if isinstance(each, Neuron)}
    return Network(
        trace.workload,
        weights,
        biases,
        {
            name: np.broadcast_to(whole(each.v_threshold).ravel(), _channels(trace, name))
            for name, each in neurons.items()
        },
        {name: int(each.limit or 0) for name, each in neurons.items()},
        roundings,
    )


def _channels(trace: Trace, name: str) -> tuple[int]:
    return trace.workload.tensor_by_name[name].shape[:1]


def _downsample(
    name: str,
    pool: AccumulationDownsample,
    weights: Values,
    biases: Values,
    roundings: dict[str, Rounding],
) -> None:
    depthwise, between, pointwise = pool[0]
    behind, bits = pool[1], FORMATS.activation_bits
    assert isinstance(between, FixedPoint)
    assert isinstance(behind, FixedPoint)
    assert behind.fraction_bits == 0
    codes, _, shifts = codes_and_shifts(depthwise.weight, None, FORMATS.weight_bits)
    weights[f"{name}.0.0"] = codes
    roundings[f"{name}.0.0"] = Rounding(shifts - between.fraction_bits, bits)
    codes, bias, shifts = codes_and_shifts(pointwise.weight, pointwise.bias, FORMATS.weight_bits)
    finer = max(between.fraction_bits, 0)
    weights[f"{name}.0.1"] = codes << (finer - between.fraction_bits)
    biases[f"{name}.0.1"] = bias << finer
    roundings[f"{name}.0.1"] = Rounding(shifts + finer, bits)


@cache
def recorded(family: str) -> tuple[Trace, Network, Values]:
    """The trace, the network in whole numbers, and its accumulations as torch had them."""
    network, picture = quantised(family), drawn_pictures(1)
    trace = capture(network, picture)
    seen: Values = {"input": _integers(picture * 256)}
    for name, module in network.named_modules():
        if isinstance(module, Accumulation):
            module.register_forward_hook(
                lambda _m, _x, y, name=name: seen.update({name: _integers(y[:, 0])})
            )
    with torch.no_grad():
        network(picture)
    return trace, with_numbers(network, trace), seen


def _integers(values: Tensor) -> NDArray[np.int64]:
    return whole(values)


@pytest.mark.parametrize("family", ["fsnn", "dsnn", "sew"])
def test_the_reference_fires_and_accumulates_as_torch_does(family: str) -> None:
    trace, network, seen = recorded(family)
    values = computed(network, {"input": seen["input"]})
    for tensor in trace.workload.tensors:
        if tensor.kind is Kind.SPIKE:
            assert np.array_equal(values[tensor.name], trace.values(tensor.name)), tensor.name
    assert 0.05 < values["layer3.0.sn2"].mean() < 0.95
    assert len(seen) == (4 if family == "dsnn" else 1)
    for name, expected in seen.items():
        assert np.array_equal(values[name], expected), name
    if family == "dsnn":
        assert len(np.unique(seen["layer3.0.accumulation"])) > 4


@pytest.mark.parametrize("order", ["layer", "timestep", "pipeline"])
@pytest.mark.parametrize("chip", [split_chip, unified_chip])
@pytest.mark.parametrize("family", ["fsnn", "dsnn", "sew"])
def test_its_jobs_store_what_torch_computed(family: str, chip: object, order: str) -> None:
    assert callable(chip)
    trace, network, seen = recorded(family)
    values = computed(network, {"input": seen["input"]})
    machine = replay(run_on(chip(f"schedule.order={order}"), network, (values,)))
    compared = 0
    for tensor in trace.workload.tensors:
        stored = machine.stored.get((tensor.name, 0))
        if stored is not None and tensor.kind is Kind.SPIKE:
            assert np.array_equal(stored, trace.values(tensor.name))
            compared += 1
        if stored is not None and tensor.name in seen:
            assert np.array_equal(stored, seen[tensor.name])
    assert compared > 3
