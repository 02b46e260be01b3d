"""The event networks recorded: kinds, streams, spikes, and counts from shapes alone."""

from functools import cache
from typing import Any

import numpy as np
import pytest
import torch

from codesign.counting import count_layers, dense_operations, totals
from codesign.inputs import network_input
from codesign.networks.construction import calibrated_network
from codesign.networks.network import SpikingNetwork
from codesign.networks.neurons import Neuron
from codesign.recording import capture
from codesign.trace import Trace
from codesign.workload import Kind, LayerType, Stream

STRUCTURES = ("7b", "wide7b")
FAMILIES = ("fsnn", "dsnn", "sew")
EACH = [(structure, family) for structure in STRUCTURES for family in FAMILIES]
TIMESTEPS = 2


def frames(timesteps: int = TIMESTEPS) -> torch.Tensor:
    return torch.from_numpy(network_input("7b", "astronaut", timesteps))


def network(structure: str, family: str, width: int = 8, **options: Any) -> SpikingNetwork:
    return calibrated_network(structure=structure, family=family, width=width, **options)


@cache
def recorded(structure: str, family: str, width: int = 8, connection: str | None = None) -> Trace:
    net = network(structure, family, width, connection=connection)
    return capture(net, frames(), name=f"{family}_{structure}")


def kinds(trace: Trace, layer_type: LayerType) -> dict[str, Kind]:
    return {
        layer.name: trace.workload.input_tensor(layer).kind
        for layer in trace.workload.layers
        if layer.type is layer_type
    }


@pytest.mark.parametrize(("structure", "family"), EACH)
def test_recorded_spikes_are_those_of_plain_hooks(structure: str, family: str) -> None:
    net = network(structure, family)
    seen: dict[str, np.ndarray] = {}
    for name, module in net.named_modules():
        if isinstance(module, Neuron):
            module.register_forward_hook(
                lambda _m, _i, output, name=name: seen.update({name: output.numpy().copy()})
            )
    with torch.inference_mode():
        net(frames())
    trace = recorded(structure, family)
    layers = [layer for layer in trace.workload.layers if layer.type is LayerType.NEURON]
    assert {layer.name for layer in layers} == set(seen)
    assert {layer.function for layer in layers} == {"PLIF"}
    for layer in layers:
        assert np.array_equal(trace.values(layer.output), seen[layer.name].squeeze(1))


def convolutions(structure: str, width: int) -> dict[str, int]:
    """Dense operations of each convolution of the spike stream at one timestep, from shapes."""
    sizes = {"stem.0.0": 2 * width * 128**2}
    side, channels = 128, width
    for block in range(1, 8):
        if structure == "wide7b" and block == 5:
            sizes["widening.spikes.0.0"] = channels * 2 * channels * side**2
            channels *= 2
        for index in (1, 2):
            sizes[f"block{block}.conv{index}.0"] = 9 * channels**2 * side**2
        side //= 2
    return sizes


@pytest.mark.parametrize(("structure", "width"), [("7b", 32), ("wide7b", 64)])
@pytest.mark.parametrize("family", FAMILIES)
def test_dense_counts_are_those_of_a_derivation_from_shapes(
    structure: str, width: int, family: str
) -> None:
    trace = capture(network(structure, family, width), frames(1), name="net")
    expected = convolutions(structure, width)
    last = width * (2 if structure == "wide7b" else 1)
    classes = 11 if structure == "7b" else 10
    expected["fc"] = last * classes
    if family == "dsnn":
        expected["accumulation_head.linear"] = last * classes
        if structure == "wide7b":
            expected["widening.pool.0"] = width * last * 8**2
    workload = trace.workload
    dense = {each.name: dense_operations(workload, each) for each in workload.synaptic_layers()}
    assert dense == expected


@pytest.mark.parametrize("structure", STRUCTURES)
def test_only_the_frames_and_the_head_of_an_fsnn_are_multiplied(structure: str) -> None:
    trace = recorded(structure, "fsnn")
    seen = kinds(trace, LayerType.CONVOLUTION)
    assert seen.pop("stem.0.0") is Kind.REAL
    assert set(seen.values()) == {Kind.SPIKE}
    expected = TIMESTEPS * convolutions(structure, 8)["stem.0.0"]
    head = 8 * 11 if structure == "7b" else 16 * 10
    assert totals(count_layers(trace))["mac"] == expected + head


@pytest.mark.parametrize("structure", STRUCTURES)
def test_sew_multiplies_in_the_first_convolution_of_later_blocks(structure: str) -> None:
    for name, kind in kinds(recorded(structure, "sew"), LayerType.CONVOLUTION).items():
        later = name.startswith("block") and not name.startswith("block1.")
        restarts = structure == "wide7b" and name.startswith("block5.")
        integer = (later and ".conv1." in name and not restarts) or name.startswith("widening")
        wanted = Kind.REAL if name == "stem.0.0" else Kind.INTEGER if integer else Kind.SPIKE
        assert kind is wanted, name


@pytest.mark.parametrize("structure", STRUCTURES)
def test_integers_grow_by_one_a_block_and_pass_pools_unchanged(structure: str) -> None:
    workload = recorded(structure, "sew").workload
    grown = [2, 3, 4, 5, *((2, 3, 4) if structure == "wide7b" else (6, 7, 8))]
    for number, largest in enumerate(grown, start=1):
        for name in (f"block{number}.add", f"pool{number}.spikes.0"):
            assert workload.tensor_by_name[name].largest == largest


def test_the_accumulation_is_integer_until_it_widens() -> None:
    for structure in STRUCTURES:
        workload = recorded(structure, "dsnn").workload
        sums = [workload.tensor_by_name[f"block{n}.accumulation"] for n in range(1, 8)]
        real = [tensor.kind is Kind.REAL for tensor in sums]
        assert real == [structure == "wide7b" and n >= 5 for n in range(1, 8)]
        assert [tensor.largest for tensor in sums[:4]] == [2, 3, 4, 5]
        assert {tensor.stream for tensor in sums} == {Stream.ACCUMULATION}


def test_an_averaged_accumulation_is_real_behind_its_first_pool() -> None:
    net = network("7b", "dsnn", accumulation_pool="average")
    workload = capture(net, frames(1), name="net").workload
    assert workload.tensor_by_name["block1.accumulation"].kind is Kind.INTEGER
    assert workload.tensor_by_name["block2.accumulation"].kind is Kind.REAL


@pytest.mark.parametrize("structure", STRUCTURES)
def test_a_dsnn_without_its_accumulation_is_the_fsnn(structure: str) -> None:
    dual, full = recorded(structure, "dsnn"), recorded(structure, "fsnn")
    kept = [layer for layer in dual.workload.layers if layer.stream is Stream.SPIKE]
    assert kept == list(full.workload.layers)
    assert all(dual.packed(name) == full.packed(name) for name in full.names)


def test_sew_with_iand_is_an_fsnn() -> None:
    trace = recorded("7b", "sew", 8, "iand")
    assert trace.workload.layers == recorded("7b", "fsnn").workload.layers


@pytest.mark.filterwarnings("ignore:TF32 acceleration")  # on leaving the block
@pytest.mark.parametrize("family", ["dsnn", "sew"])
def test_many_timesteps_record_the_same_spikes_without_onednn(family: str) -> None:
    """From 16 timesteps on torch would then convolve by transforms, which round."""
    net, inputs = network("7b", family), frames(16)
    expected = capture(net, inputs, name="net")
    with torch.backends.mkldnn.flags(enabled=False):
        trace = capture(net, inputs, name="net")
    assert all(trace.packed(name) == expected.packed(name) for name in expected.names)
