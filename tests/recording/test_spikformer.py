"""Spikformer recorded: kinds, products, and the paper's counts derived from shapes alone."""

from functools import cache

import numpy as np
import pytest
import torch

from codesign.counting import count_layers, dense_operations, totals
from codesign.inputs import network_input
from codesign.networks.construction import calibrated_network
from codesign.networks.neurons import Neuron
from codesign.recording import capture
from codesign.trace import Trace
from codesign.workload import Kind, LayerType, Stream

DEPTH, WIDTH, TIMESTEPS, TOKENS, CLASSES = 4, 384, 4, 64, 100
FAMILIES = ("sew", "fsnn", "dsnn")


def image() -> torch.Tensor:
    return torch.from_numpy(network_input("spikformer", "astronaut", TIMESTEPS))


@cache
def recorded(
    family: str, depth: int = DEPTH, width: int = WIDTH, attention: str = "scores"
) -> Trace:
    sizes = {"depth": depth, "width": width, "attention": attention}
    network = calibrated_network(structure="spikformer", family=family, **sizes)
    return capture(network, image(), name=f"{family}_spikformer")


def layers_per_token() -> dict[str, int]:
    """Weights of the layers of one block that see tokens."""
    square = WIDTH * WIDTH
    attention = {f"attention.{name}.0.0": square for name in ("q", "k", "v", "proj")}
    return {**attention, "mlp.fc1.0.0": 4 * square, "mlp.fc2.0.0": 4 * square}


def derived() -> dict[str, int]:
    """Dense operations of each layer with weights at one timestep, from shapes alone."""
    sizes = {
        "patches.conv1.0.0": 9 * 3 * 48 * 32**2,
        "patches.conv2.0.0": 9 * 48 * 96 * 32**2,
        "patches.conv3.0.0": 9 * 96 * 192 * 32**2,
        "patches.conv4.0.0": 9 * 192 * 384 * 16**2,
        "position.encode.0.0": 9 * 384 * 384 * 8**2,
    }
    for block in range(1, DEPTH + 1):
        for name, weights in layers_per_token().items():
            sizes[f"block{block}.{name}"] = weights * TOKENS
    return {**sizes, "fc": WIDTH * CLASSES}


@pytest.mark.parametrize("family", FAMILIES)
def test_dense_counts_are_those_of_a_derivation_from_shapes(family: str) -> None:
    workload = recorded(family).workload
    expected = derived()
    if family == "dsnn":
        expected["accumulation_head.linear"] = WIDTH * CLASSES
    dense = {each.name: dense_operations(workload, each) for each in workload.synaptic_layers()}
    assert dense == expected


def test_the_macs_of_add_are_the_papers() -> None:
    """1.065 G in Table 4's 5.27 mJ, which take one for each bias of the published linear layers."""
    sizes = derived()
    multiplied = ("q", "k", "v", "fc1")
    integer = [name for name in sizes if name.endswith(tuple(f"{m}.0.0" for m in multiplied))]
    assert len(integer) == 4 * DEPTH
    weights = TIMESTEPS * (sizes["patches.conv1.0.0"] + sum(sizes[name] for name in integer))
    pool = TIMESTEPS * WIDTH * TOKENS
    counted = totals(count_layers(recorded("sew")))["mac"]
    assert counted == weights + pool + sizes["fc"]
    biases = TIMESTEPS * DEPTH * TOKENS * (3 + 4) * WIDTH
    assert round(biases / 1e6, 2) == 2.75
    assert counted == pytest.approx(1.065e9, rel=0.01)  # the paper prints no more
    assert round((weights + sizes["fc"] + biases) / 1e9, 4) == 1.0651


def test_the_macs_of_iand_are_the_papers() -> None:
    """The first convolution sees the image at every timestep; nothing else but the head is MAC."""
    counted = totals(count_layers(recorded("fsnn")))["mac"]
    assert counted == TIMESTEPS * 1_327_104 + 38_400
    assert round(counted / 1e6, 2) == 5.35
    pathway = totals(count_layers(recorded("dsnn")))["mac"] - counted
    assert pathway == TIMESTEPS * WIDTH * TOKENS + 38_400  # its average and its head


@pytest.mark.parametrize(
    ("attention", "expected"), [("scores", 50_331_648), ("context", 25_165_824)]
)
def test_products_of_spikes_are_the_papers(attention: str, expected: int) -> None:
    """50.3 M per image in the published order, half of it in the other."""
    trace = recorded("fsnn", attention=attention)
    products = [each for each in trace.workload.layers if each.type is LayerType.PRODUCT]
    assert len(products) == 2 * DEPTH
    sizes = [each.contraction.size for each in products if each.contraction]
    assert TIMESTEPS * sum(sizes) == expected
    heads, channels = WIDTH // 32, 32
    inner = TOKENS * TOKENS * channels if attention == "scores" else TOKENS * channels * channels
    assert sizes == [heads * inner] * (2 * DEPTH)


def test_both_orders_of_attention_record_the_same_spikes_at_another_cost() -> None:
    published, other = recorded("fsnn"), recorded("fsnn", attention="context")
    spikes = [t.name for t in published.workload.tensors if t.kind is Kind.SPIKE]
    assert all(published.packed(name) == other.packed(name) for name in spikes)
    counts = [totals(count_layers(trace)) for trace in (published, other)]
    assert counts[0]["ac_synaptic"] == counts[1]["ac_synaptic"]
    assert counts[0]["ac_product"] != counts[1]["ac_product"]


def test_coincidences_are_those_of_the_recorded_spikes() -> None:
    trace = recorded("sew", 1, 64)
    counts = count_layers(trace).groupby("layer").ac_product.sum()
    names = [f"block1.attention.{name}.1" for name in "qkv"]
    q, k, v = (trace.values(name).reshape(4, 2, 32, 64).astype(int) for name in names)
    scores = np.einsum("thcn,thcm->thnm", q, k)
    assert np.array_equal(trace.values("block1.attention.inner"), scores)
    assert counts["block1.attention.inner"] == scores.sum()
    met = np.einsum("thdm,thnm->", v, (scores > 0).astype(int))
    assert counts["block1.attention.outer"] == met


@pytest.mark.parametrize("family", FAMILIES)
def test_recorded_spikes_are_those_of_plain_hooks(family: str) -> None:
    network = calibrated_network(structure="spikformer", family=family, depth=1, width=64)
    seen: dict[str, np.ndarray] = {}
    for name, module in network.named_modules():
        if isinstance(module, Neuron):
            module.register_forward_hook(
                lambda _m, _i, output, name=name: seen.update({name: output.numpy().copy()})
            )
    with torch.inference_mode():
        network(image())
    trace = recorded(family, 1, 64)
    layers = [layer for layer in trace.workload.layers if layer.type is LayerType.NEURON]
    assert {layer.name for layer in layers} == set(seen)
    for layer in layers:
        assert np.array_equal(trace.values(layer.output), seen[layer.name].squeeze(1))


def test_with_add_the_residual_stream_is_multiplied_and_with_iand_nothing_is() -> None:
    for family in ("sew", "fsnn"):
        trace = recorded(family)
        for layer in trace.workload.layers:
            if layer.type is LayerType.CONVOLUTION and layer.name != "patches.conv1.0.0":
                reads = layer.name.removesuffix(".0.0").rpartition(".")[2]
                integer = family == "sew" and reads in {"q", "k", "v", "fc1"}
                kind = trace.workload.input_tensor(layer).kind
                assert kind is (Kind.INTEGER if integer else Kind.SPIKE), layer.name


def test_the_accumulation_stays_integer() -> None:
    workload = recorded("dsnn").workload
    sums = [
        workload.output_tensor(layer)
        for layer in workload.layers
        if layer.type is LayerType.ADD and layer.name != "sum_of_heads"
    ]
    assert [tensor.largest for tensor in sums] == list(range(2, 3 + 2 * DEPTH))
    assert {tensor.stream for tensor in sums} == {Stream.ACCUMULATION}


def test_a_dsnn_without_its_accumulation_is_the_fsnn() -> None:
    dual, full = recorded("dsnn"), recorded("fsnn")
    kept = [layer for layer in dual.workload.layers if layer.stream is Stream.SPIKE]
    assert kept == list(full.workload.layers)
    assert all(dual.packed(name) == full.packed(name) for name in full.names)
