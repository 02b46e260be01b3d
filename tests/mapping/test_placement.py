"""Tensors live from their producer to their last reader; what does not fit is in DRAM."""

from hypothesis import given, settings
from hypothesis import strategies as st

from codesign.mapping.forecast import Span, forecast
from codesign.mapping.fusion import FusedLayer, fuse
from codesign.mapping.placement import (
    lifetimes,
    readers_of,
    tensor_bits,
    tensors_in_dram,
    waits_for_room,
)
from codesign.mapping.widths import element_widths
from codesign.specs.architecture import Precision
from codesign.workload import Kind, LayerType, Workload
from tests.small_networks import THREE, NetworkBuilder, dual_stream_network

PRECISION = Precision(
    weight="8 bit", accumulator="16 bit", activation="12 bit", source="assumed, because a test"
)


def residual_block() -> NetworkBuilder:
    """Fused layers 0 `a` (stores sa), 1 `b` (stores sb), 2 `c` (reads sb, and sa for its sum)."""
    net = NetworkBuilder(timesteps=2)
    net.add_tensor("x", (1, 4, 4), Kind.SPIKE, largest=1)
    net.convolution("x", 2, THREE, name="a")
    net.neuron("a", name="sa")
    net.convolution("sa", 2, THREE, name="b")
    net.neuron("b", name="sb")
    net.convolution("sb", 2, THREE, name="c")
    net.neuron("c", name="sc")
    net.add_layer(LayerType.ADD, ("sc", "sa"), name="sum", kind=Kind.INTEGER, largest=2)
    return net


def chain_of_four() -> Workload:
    net = NetworkBuilder(timesteps=1)
    net.add_tensor("x", (1, 4, 4), Kind.SPIKE, largest=1)
    source = "x"
    for name in "abcd":
        net.convolution(source, 1, THREE, name=name)
        source = net.neuron(name, name=f"s{name}")
    return net.workload()


def one_by_one(fused_layers: tuple[FusedLayer, ...]) -> list[Span]:
    return [(float(index), index + 1.0) for index in range(len(fused_layers))]


def bits_of(workload: Workload) -> dict[str, int]:
    return tensor_bits(workload, element_widths(workload, PRECISION))


def outside(workload: Workload, capacity: int, spans: list[Span] | None = None) -> frozenset[str]:
    fused_layers, sizes = fuse(workload), bits_of(workload)
    lives = lifetimes(workload, fused_layers, spans or one_by_one(fused_layers))
    return tensors_in_dram(fused_layers, lives, sizes, sizes, capacity)


def test_lifetimes_by_hand() -> None:
    workload = residual_block().workload()
    fused_layers = fuse(workload)
    assert [fused.name for fused in fused_layers] == ["a", "b", "c"]
    assert lifetimes(workload, fused_layers, one_by_one(fused_layers)) == {
        "sa": (0, 3),  # until the sum in the epilogue of c
        "sb": (1, 3),
        "sum": (2, 3),
    }


def test_a_tensor_lives_until_its_slowest_reader_has_ended() -> None:
    workload = residual_block().workload()
    lives = lifetimes(workload, fuse(workload), [(0, 5), (5, 30), (7, 9)])
    assert lives == {"sa": (0, 30), "sb": (5, 9), "sum": (7, 30)}  # the sum leaves the network


def test_an_output_of_the_network_lives_to_the_end() -> None:
    workload = dual_stream_network().workload
    net_outputs = [*workload.outputs, "spike.fc"]
    both = Workload(
        workload.name, workload.timesteps, workload.tensors, workload.layers, tuple(net_outputs)
    )
    fused_layers = fuse(both)
    lives = lifetimes(both, fused_layers, one_by_one(fused_layers))
    assert lives["spike.fc"][1] == len(fused_layers)
    assert "spike.fc" not in lifetimes(workload, fuse(workload), one_by_one(fused_layers))


def test_what_does_not_fit_beside_the_others_is_in_dram() -> None:
    workload = residual_block().workload()
    spikes = 2 * 16 * 2  # sa and sb, T = 2, 1 bit
    total = 2 * 16 * 2 * 2  # the sum, 2 bit
    # While c is computed, all three are there; the sum is as much traffic as both others.
    expected = {
        spikes + spikes + total: {"x"},
        spikes + total: {"x", "sb"},
        spikes + total - 1: {"x", "sum"},
        spikes + spikes - 1: {"x", "sb", "sum"},
        spikes - 1: {"x", "sa", "sb", "sum"},
    }
    for capacity, names in expected.items():
        assert outside(workload, capacity) == names


def test_a_place_is_used_again_after_the_last_reader() -> None:
    # Two neighbours at a time: four tensors of 16 bits in 32.
    assert outside(chain_of_four(), 32) == {"x"}
    assert outside(chain_of_four(), 31) == {"x", "sb", "sd"}


def test_readers_are_all_fused_layers_that_read_a_tensor() -> None:
    assert readers_of(fuse(residual_block().workload())) == {"sa": (1, 2), "sb": (2,), "sum": ()}


def waits(workload: Workload, capacity: int, spans: list[Span] | None = None) -> list[list[int]]:
    fused_layers, sizes = fuse(workload), bits_of(workload)
    spans = spans or one_by_one(fused_layers)
    lives = lifetimes(workload, fused_layers, spans)
    gone = tensors_in_dram(fused_layers, lives, sizes, sizes, capacity)
    inside = {name: life for name, life in lives.items() if name not in gone}
    return [list(each) for each in waits_for_room(fused_layers, spans, inside, sizes, capacity)]


def test_a_layer_waits_for_the_readers_of_what_it_replaces() -> None:
    # sc takes the place of sa, which b has read; sd that of sb, which c has read.
    assert waits(chain_of_four(), 32) == [[], [], [1], [1, 2]]
    assert waits(chain_of_four(), 48) == [[], [], [], [1]]
    assert waits(chain_of_four(), 64) == [[], [], [], []]


@st.composite
def plans(draw: st.DrawFn) -> tuple[Workload, list[Span], int]:
    """A dual-stream network, spans of layers that may run side by side, and a capacity."""
    workload = dual_stream_network(
        timesteps=draw(st.integers(1, 4)), channels=draw(st.integers(1, 8))
    ).workload
    fused_layers = fuse(workload)
    count = len(fused_layers)
    groups = draw(st.lists(st.sampled_from("ab"), min_size=count, max_size=count))
    cycles = draw(st.lists(st.floats(0.1, 30), min_size=count, max_size=count))
    spans = list(forecast(fused_layers, groups, cycles))
    return workload, spans, draw(st.integers(0, 20_000))


@given(plan=plans())
@settings(max_examples=150, deadline=None)
def test_the_buffer_is_never_overfull_by_the_plan(plan: tuple[Workload, list[Span], int]) -> None:
    workload, spans, capacity = plan
    fused_layers, sizes = fuse(workload), bits_of(workload)
    lives = lifetimes(workload, fused_layers, spans)
    gone = outside(workload, capacity, spans)
    for moment, _ in lives.values():
        alive = [
            name
            for name, (first, last) in lives.items()
            if first <= moment < last and name not in gone
        ]
        assert sum(sizes[name] for name in alive) <= capacity


@given(plan=plans())
@settings(max_examples=150, deadline=None)
def test_what_a_layer_did_not_wait_for_fits_beside_its_result(
    plan: tuple[Workload, list[Span], int],
) -> None:
    workload, spans, capacity = plan
    fused_layers, sizes = fuse(workload), bits_of(workload)
    lives = lifetimes(workload, fused_layers, spans)
    readers, gone = readers_of(fused_layers), outside(workload, capacity, spans)
    order = sorted(range(len(fused_layers)), key=lambda index: (spans[index][0], index))
    for index, awaited in enumerate(waits(workload, capacity, spans)):
        before = order[: order.index(index) + 1]
        assert set(awaited) <= set(before) - {index}
        inside = [name for each in before for name in fused_layers[each].stored if name not in gone]
        there = [
            name
            for name in inside
            if not readers[name]
            or not set(readers[name]) <= set(awaited)
            or lives[name][1] > spans[index][0]
        ]
        if any(name not in gone for name in fused_layers[index].stored):
            assert sum(sizes[name] for name in there) <= capacity


def test_a_buffer_that_holds_everything_leaves_only_the_input_in_dram() -> None:
    assert outside(dual_stream_network().workload, 10**9) == {"input"}
