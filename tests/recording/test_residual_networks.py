"""The residual family recorded: kinds, streams and spikes as arXiv 2301.11929 has them."""

from collections.abc import Callable
from functools import cache

import numpy as np
import pytest
import torch
from torch import nn

from codesign.networks.accumulation import use_fixed_point
from codesign.networks.batch_norm import fuse_batch_norm
from codesign.networks.neurons import Neuron
from codesign.networks.residual import BLOCKS, ResidualNetwork, residual_network
from codesign.recording import capture
from codesign.trace import Trace
from codesign.workload import Kind, Layer, LayerType, Stream, Tensor

FAMILIES = ("fsnn", "dsnn", "sew", "spiking_resnet")
EACH = [(family, depth) for family in FAMILIES for depth in (18, 50)]
TIMESTEPS = 3


def network_of(family: str, depth: int, connection: str | None = None) -> ResidualNetwork:
    """A network whose neurons fire at every depth, from one seed whatever the family."""
    torch.manual_seed(depth)
    network = residual_network(
        family=family, depth=depth, timesteps=TIMESTEPS, connection=connection, classes=10
    )
    generator = torch.Generator()
    for name, module in network.named_modules():
        if isinstance(module, nn.BatchNorm2d | nn.Conv2d):
            generator.manual_seed(sum(map(ord, name)))
            if isinstance(module, nn.Conv2d):
                deviation = (module.in_channels // module.groups * 9) ** -0.5
                module.weight.data.normal_(0, deviation, generator=generator)
            else:
                module.running_var.fill_(0.1)
                module.bias.data.uniform_(-0.2, 0.6, generator=generator)
    return network.eval()


def image() -> torch.Tensor:
    return torch.rand((1, 3, 32, 32), generator=torch.Generator().manual_seed(7)) - 0.5


@cache
def recorded(family: str, depth: int, connection: str | None = None) -> Trace:
    return capture(network_of(family, depth, connection), image(), name=f"{family}{depth}")


def layers(trace: Trace, layer_type: LayerType) -> list[Layer]:
    return [layer for layer in trace.workload.layers if layer.type is layer_type]


def input_kinds(trace: Trace) -> dict[str, Kind]:
    """Kind of the input of every convolution but the stem."""
    return {
        layer.name: trace.workload.input_tensor(layer).kind
        for layer in layers(trace, LayerType.CONVOLUTION)[1:]
    }


@pytest.mark.parametrize(("family", "depth"), EACH)
def test_recorded_spikes_are_those_of_plain_hooks(family: str, depth: int) -> None:
    network = network_of(family, depth)
    seen: dict[str, np.ndarray] = {}
    for name, module in network.named_modules():
        if isinstance(module, Neuron):
            module.register_forward_hook(
                lambda _m, _i, output, name=name: seen.update({name: output.numpy().copy()})
            )
    with torch.inference_mode():
        network(image())
    trace = recorded(family, depth)
    neurons = layers(trace, LayerType.NEURON)
    assert {layer.name for layer in neurons} == set(seen)
    for layer in neurons:
        assert np.array_equal(trace.values(layer.output), seen[layer.name].squeeze(1))
        assert layer.function == "IF"
    assert sum(values.any() and not values.all() for values in seen.values()) > len(seen) / 2


LOGIC: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "and": lambda s, o: s & o,
    "iand": lambda s, o: o & (1 - s),
    "or": lambda s, o: s | o,
    "xor": lambda s, o: s ^ o,
}


@pytest.mark.parametrize(
    ("family", "depth", "connection"),
    [
        ("sew", 18, None),
        ("sew", 50, None),
        *(("dsnn", 18, connection) for connection in LOGIC),
        ("fsnn", 50, None),
    ],
)
def test_the_graph_replayed_on_the_recorded_spikes_gives_them_again(
    family: str, depth: int, connection: str | None
) -> None:
    trace = recorded(family, depth, connection)
    exact = [
        layer
        for layer in trace.workload.layers
        if layer.type in {LayerType.LOGIC, LayerType.ADD}
        and trace.workload.output_tensor(layer).kind is not Kind.REAL
    ]
    assert len(exact) >= sum(BLOCKS[depth])
    for layer in exact:
        first, second = (trace.values(name) for name in layer.inputs)
        function = LOGIC.get(layer.function, np.add)
        assert np.array_equal(trace.values(layer.output), function(first, second))
    functions = {layer.function for layer in layers(trace, LayerType.LOGIC)}
    assert functions == (set() if family == "sew" else {connection or "iand"})


@pytest.mark.parametrize(("family", "depth"), EACH)
def test_each_layer_follows_the_layers_that_it_reads(family: str, depth: int) -> None:
    workload = recorded(family, depth).workload
    known = {"input"}
    for layer in workload.layers:
        assert set(layer.inputs) <= known
        assert layer.output not in known
        known.add(layer.output)
    assert known == {tensor.name for tensor in workload.tensors}
    assert [t.name for t in workload.tensors] == ["input", *(x.output for x in workload.layers)]
    unread = [name for name, readers in workload.consumers_by_tensor.items() if not readers]
    assert unread == list(workload.outputs)


@pytest.mark.parametrize(("family", "depth"), EACH)
def test_weights_of_the_graph_are_those_of_the_network(family: str, depth: int) -> None:
    network = network_of(family, depth)
    workload = recorded(family, depth).workload
    modules = dict(network.named_modules())
    for layer in workload.synaptic_layers():
        if layer.name in modules:
            assert workload.weight_count(layer) == modules[layer.name].weight.numel()
    expected = sum(
        module.weight.numel() for module in modules.values() if isinstance(module, nn.Conv2d)
    )
    counted = [layer for layer in workload.synaptic_layers() if layer.window]
    assert sum(workload.weight_count(layer) for layer in counted) == expected


@pytest.mark.parametrize(("family", "depth"), EACH)
def test_the_stem_runs_once_and_everything_else_at_each_timestep(family: str, depth: int) -> None:
    workload = recorded(family, depth).workload
    once = [tensor.name for tensor in workload.tensors if tensor.timesteps == 1]
    assert once[:2] == ["input", "conv1"]
    head = {"time_mean", "fc", "accumulation_head.time_mean", "accumulation_head.linear"}
    head.add("sum_of_heads")
    assert set(once[2:]) <= head
    assert {t.timesteps for t in workload.tensors} == {1, TIMESTEPS}


@pytest.mark.parametrize(("family", "depth"), EACH)
def test_every_operand_of_a_synaptic_layer_is_recorded(family: str, depth: int) -> None:
    trace = recorded(family, depth)
    for layer in trace.workload.layers:
        if layer.type in {LayerType.CONVOLUTION, LayerType.LINEAR, LayerType.RELU}:
            assert layer.inputs[0] in trace
    exact = [t.name for t in trace.workload.tensors if t.kind is not Kind.REAL]
    assert all(name in trace for name in exact)


@pytest.mark.parametrize("depth", [18, 50])
def test_all_convolutions_of_an_fsnn_see_spikes(depth: int) -> None:
    trace = recorded("fsnn", depth)
    assert set(input_kinds(trace).values()) == {Kind.SPIKE}
    assert {layer.stream for layer in trace.workload.layers} == {Stream.SPIKE}


@pytest.mark.parametrize("depth", [18, 50])
def test_sew_multiplies_in_the_first_convolution_of_later_blocks_and_downsamples(
    depth: int,
) -> None:
    kinds = input_kinds(recorded("sew", depth))
    for name, kind in kinds.items():
        first_block = name.startswith("layer1.0.")
        enters = ".conv1." in name or ".downsample." in name
        assert kind is (Kind.INTEGER if enters and not first_block else Kind.SPIKE), name


@pytest.mark.parametrize("depth", [18, 50])
def test_the_integers_of_sew_grow_by_one_a_block_and_restart_in_each_stage(depth: int) -> None:
    trace = recorded("sew", depth)
    largest = [
        trace.workload.output_tensor(layer).largest
        for layer in layers(trace, LayerType.ADD)
        if trace.workload.output_tensor(layer).kind is Kind.INTEGER
    ]
    assert largest == [2 + block for blocks in BLOCKS[depth] for block in range(blocks)]


@pytest.mark.parametrize(("depth", "first_real"), [(18, "layer2.0"), (50, "layer1.0")])
def test_the_accumulation_is_integer_until_its_first_relu(depth: int, first_real: str) -> None:
    trace = recorded("dsnn", depth)
    sums = [
        (layer.name, trace.workload.output_tensor(layer))
        for layer in layers(trace, LayerType.ADD)
        if layer.name != "sum_of_heads"  # of both heads' logits
    ]
    assert [name for name, _ in sums] == [
        f"layer{stage}.{block}.accumulation"
        for stage, blocks in enumerate(BLOCKS[depth], start=1)
        for block in range(blocks)
    ]
    real = [name for name, tensor in sums if tensor.kind is Kind.REAL]
    assert real[0] == f"{first_real}.accumulation"
    integers = [tensor.largest for _, tensor in sums if tensor.kind is Kind.INTEGER]
    assert integers == [2 + block for block in range(len(sums) - len(real))]
    assert all(layer.stream is Stream.ACCUMULATION for layer in layers(trace, LayerType.RELU))


def test_only_the_first_downsample_of_a_bottleneck_accumulation_sees_spikes() -> None:
    pathway = {
        name: kind for name, kind in input_kinds(recorded("dsnn", 50)).items() if ".pool." in name
    }
    spikes = [name for name, kind in pathway.items() if kind is Kind.SPIKE]
    assert spikes == ["layer1.0.pool.0"]
    assert len(pathway) == 7
    shallow = {n: k for n, k in input_kinds(recorded("dsnn", 18)).items() if ".pool." in n}
    assert list(shallow.values()) == [Kind.INTEGER, *[Kind.REAL] * 5]


@pytest.mark.parametrize("depth", [18, 50])
def test_a_dsnn_without_its_accumulation_is_the_fsnn(depth: int) -> None:
    dual, full = recorded("dsnn", depth), recorded("fsnn", depth)
    kept = [layer for layer in dual.workload.layers if layer.stream is Stream.SPIKE]
    assert kept == list(full.workload.layers)
    tensors: list[Tensor] = [dual.workload.tensor_by_name[t.name] for t in full.workload.tensors]
    assert tensors == list(full.workload.tensors)
    assert all(dual.packed(name) == full.packed(name) for name in full.names)


@pytest.mark.parametrize("depth", [18, 50])
def test_nothing_in_the_spike_stream_reads_the_accumulation(depth: int) -> None:
    workload = recorded("dsnn", depth).workload
    for layer in workload.layers:
        if layer.stream is Stream.SPIKE and layer.name not in workload.outputs:
            streams = {workload.tensor_by_name[name].stream for name in layer.inputs}
            assert streams == {Stream.SPIKE}


def test_the_spiking_resnet_adds_currents_before_its_last_neuron() -> None:
    trace = recorded("spiking_resnet", 18)
    sums = layers(trace, LayerType.ADD)
    assert len(sums) == sum(BLOCKS[18])
    for layer in sums:
        assert trace.workload.output_tensor(layer).kind is Kind.REAL
        [reader] = trace.workload.consumers_by_tensor[layer.output]
        assert reader.type is LayerType.NEURON
    assert set(input_kinds(trace).values()) == {Kind.SPIKE}


@pytest.mark.parametrize(("family", "depth"), [("dsnn", 18), ("dsnn", 50), ("spiking_resnet", 18)])
def test_a_network_fused_before_has_the_same_graph(family: str, depth: int) -> None:
    network = network_of(family, depth)
    fuse_batch_norm(network)
    trace = capture(network, image(), name=f"{family}{depth}")
    assert trace.workload == recorded(family, depth).workload


def test_a_grid_for_activations_changes_masks_but_not_the_graph() -> None:
    network = network_of("dsnn", 18)
    fuse_batch_norm(network)
    use_fixed_point(network)
    trace = capture(network, image(), name="dsnn18")
    original = recorded("dsnn", 18)
    assert trace.workload == original.workload
    name = "layer2.0.pool.0.1"
    assert trace.nonzero(name).sum() < original.nonzero(name).sum()
