"""Fused layers: nothing is left out, nothing is computed twice, and none waits in a circle."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codesign.mapping.fusion import ELEMENT_WISE, FusedLayer, fuse, read_tensors, recomputable
from codesign.workload import Kind, LayerType, Stream, Workload
from tests.small_networks import THREE, NetworkBuilder, dual_stream_network


@st.composite
def graphs(draw: st.DrawFn) -> Workload:
    """Any order of convolutions and element-wise layers over maps of one shape."""
    net = NetworkBuilder(timesteps=2)
    net.add_tensor("x", (2, 4, 4), Kind.SPIKE, largest=1)
    net.add_tensor("image", (2, 4, 4), Kind.REAL, static=True)
    for number in range(draw(st.integers(1, 12))):
        names = [tensor.name for tensor in net.tensors]
        source, other = draw(st.sampled_from(names)), draw(st.sampled_from(names))
        both = [net.tensor(name).timesteps for name in (source, other)]
        changes = {"name": f"l{number}", "stream": draw(st.sampled_from(list(Stream)))}
        match draw(st.sampled_from(["convolution", "neuron", "relu", "add", "logic"])):
            case "convolution":
                net.convolution(source, 2, THREE, **changes)
            case "neuron":
                net.neuron(source, **changes)
            case "relu":
                net.add_layer(LayerType.RELU, (source,), **changes)
            case "add":
                net.add_layer(LayerType.ADD, (source, other), static=max(both) == 1, **changes)
            case "logic":
                net.logic((source, other), static=max(both) == 1, **changes)
    return net.workload()


def members(fused_layers: tuple[FusedLayer, ...]) -> dict[str, tuple[str, ...]]:
    return {fused.name: tuple(layer.name for layer in fused.epilogue) for fused in fused_layers}


@given(workload=graphs())
@settings(max_examples=300, deadline=None)
def test_every_layer_is_in_exactly_one_fused_layer(workload: Workload) -> None:
    for again in (frozenset[str](), recomputable(workload)):
        inside = [layer.name for each in fuse(workload, again=again) for layer in each.layers]
        assert sorted(inside) == sorted(layer.name for layer in workload.layers)


@given(workload=graphs())
@settings(max_examples=300, deadline=None)
def test_no_fused_layer_reads_what_it_or_a_later_one_stores(workload: Workload) -> None:
    made = {layer.output for layer in workload.layers}
    for again in (frozenset[str](), recomputable(workload)):
        _each_reads_what_is_stored(made, fuse(workload, again=again))


def _each_reads_what_is_stored(made: set[str], fused_layers: tuple[FusedLayer, ...]) -> None:
    stored: set[str] = set()
    for place, fused in enumerate(fused_layers):
        assert fused.index == place
        assert made.intersection(read_tensors(fused)) <= stored
        stored.update(fused.stored)


@given(workload=graphs())
@settings(max_examples=300, deadline=None)
def test_what_others_read_is_stored_and_nothing_else(workload: Workload) -> None:
    fused_layers = fuse(workload)
    home = {layer.output: fused.index for fused in fused_layers for layer in fused.layers}
    wanted = set(workload.outputs)
    for fused in fused_layers:
        for layer in fused.layers:
            wanted |= {name for name in layer.inputs if home.get(name, fused.index) != fused.index}
    assert {name for fused in fused_layers for name in fused.stored} == wanted


@given(workload=graphs())
@settings(max_examples=300, deadline=None)
def test_an_epilogue_is_computed_element_by_element_at_the_same_timesteps(
    workload: Workload,
) -> None:
    for fused in fuse(workload):
        available = {fused.main.output, *fused.operands}
        for layer in fused.epilogue:
            assert layer.type in ELEMENT_WISE
            assert layer.stream is fused.stream
            assert set(layer.inputs) <= available
            assert workload.output_tensor(layer).timesteps == fused.timesteps(workload)
            available.add(layer.output)


def test_a_dual_stream_network_is_fused_into_these() -> None:
    fused_layers = fuse(dual_stream_network().workload)
    assert members(fused_layers) == {
        "stem": (),  # computed once, its neurons at every timestep
        "stem.sn": (),
        "pool": (),
        "b1.conv1": ("b1.sn1",),
        "b1.conv2": ("b1.sn2", "b1.iand"),
        "b1.accumulation": (),  # the other stream
        "b2.conv1": ("b2.sn1",),
        "b2.conv2": ("b2.sn2",),  # the shortcut that its logic needs is not made yet
        "b2.downsample": ("b2.downsample.sn", "b2.iand"),
        "b2.pool.depthwise": (),
        "b2.pool.pointwise": ("b2.pool.relu", "b2.accumulation"),
        "spike.avgpool": (),
        "spike.mean": (),
        "spike.fc": (),
        "accumulation.avgpool": (),
        "accumulation.mean": (),
        "accumulation.fc": (),
    }
    by_name = {fused.name: fused for fused in fused_layers}
    assert by_name["b1.conv2"].operands == ("pool",)
    assert by_name["b1.conv2"].stored == ("b1.sn2", "b1.iand")
    assert by_name["b2.downsample"].operands == ("b2.sn2",)
    assert by_name["b1.accumulation"].operands == ("b1.sn2",)
    assert by_name["b2.pool.pointwise"].operands == ("b2.sn2",)
    assert by_name["b2.pool.pointwise"].stored == ("b2.accumulation",)


@pytest.mark.parametrize("relu_first", [True, False])
def test_two_chains_that_need_each_other_are_cut(relu_first: bool) -> None:
    net = NetworkBuilder()
    net.add_tensor("x", (2, 4, 4), Kind.SPIKE, largest=1)
    net.convolution("x", 2, THREE, name="conv")
    net.neuron("conv", name="sn")
    if relu_first:
        net.add_layer(LayerType.RELU, ("sn",), name="relu")
    net.convolution("sn", 2, THREE, name="other")
    if not relu_first:
        net.add_layer(LayerType.RELU, ("sn",), name="relu")
    net.add_layer(LayerType.ADD, ("relu", "other"), name="add")
    fused_layers = fuse(net.workload())
    if relu_first:
        assert members(fused_layers) == {"conv": ("sn", "relu"), "other": ("add",)}
    else:  # the sum waits for both, so it belongs to neither
        assert members(fused_layers) == {"conv": ("sn", "relu"), "other": (), "add": ()}
        assert fused_layers[-1].operands == ("other",)


def test_a_result_that_leaves_the_network_is_stored_inside_a_chain_too() -> None:
    net = NetworkBuilder()
    net.add_tensor("x", (2, 4, 4), Kind.SPIKE, largest=1)
    net.convolution("x", 2, THREE, name="conv")
    net.neuron("conv", name="sn")
    whole = net.workload()
    both = Workload(whole.name, whole.timesteps, whole.tensors, whole.layers, ("conv", "sn"))
    assert fuse(whole)[0].stored == ("sn",)
    assert fuse(both)[0].stored == ("conv", "sn")
