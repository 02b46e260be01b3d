"""Tensors live from their producer to their last reader; what does not fit is in DRAM."""

from hypothesis import given, settings
from hypothesis import strategies as st

from codesign.mapping.fusion import fuse
from codesign.mapping.placement import element_bits, lifetimes, read_tensors, tensors_in_dram
from codesign.specs.architecture import Precision
from codesign.workload import Kind, LayerType, Tensor
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


def test_elements_are_as_wide_as_their_largest_value() -> None:
    def bits(kind: Kind, largest: int | None) -> int:
        return element_bits(Tensor("x", (1,), 1, kind, largest=largest), PRECISION)

    assert bits(Kind.SPIKE, 1) == 1
    assert [bits(Kind.INTEGER, largest) for largest in (1, 2, 3, 4, 7, 8)] == [1, 2, 2, 3, 3, 4]
    assert bits(Kind.REAL, None) == 12


def test_lifetimes_by_hand() -> None:
    workload = residual_block().workload()
    fused_layers = fuse(workload)
    assert [fused.name for fused in fused_layers] == ["a", "b", "c"]
    assert lifetimes(workload, fused_layers) == {
        "sa": range(3),  # until the sum in the epilogue of c
        "sb": range(1, 3),
        "sum": range(2, 3),
    }


def test_an_output_of_the_network_lives_to_the_end() -> None:
    workload = dual_stream_network().workload
    net_outputs = [*workload.outputs, "spike.fc"]
    both = type(workload)(
        workload.name, workload.timesteps, workload.tensors, workload.layers, tuple(net_outputs)
    )
    fused_layers = fuse(both)
    lives = lifetimes(both, fused_layers)
    assert lives["spike.fc"].stop == len(fused_layers)
    assert "spike.fc" not in lifetimes(workload, fuse(workload))


def test_what_does_not_fit_beside_the_others_is_in_dram() -> None:
    workload = residual_block().workload()
    fused_layers = fuse(workload)
    spikes = 2 * 16 * 2  # sa and sb, T = 2, 1 bit
    total = 2 * 16 * 2 * 2  # the sum, 2 bit
    # While c is computed, all three are there.
    expected = {
        spikes + spikes + total: {"x"},
        spikes + spikes + total - 1: {"x", "sum"},
        spikes + spikes - 1: {"x", "sb", "sum"},
        spikes - 1: {"x", "sa", "sb", "sum"},
    }
    for capacity, outside in expected.items():
        assert tensors_in_dram(workload, fused_layers, PRECISION, capacity) == outside


def test_a_place_is_used_again_after_the_last_reader() -> None:
    net = NetworkBuilder(timesteps=1)
    net.add_tensor("x", (1, 4, 4), Kind.SPIKE, largest=1)
    source = "x"
    for name in "abcd":
        net.convolution(source, 1, THREE, name=name)
        source = net.neuron(name, name=f"s{name}")
    workload = net.workload()
    # Two neighbours at a time: four tensors of 16 bits in 32.
    assert tensors_in_dram(workload, fuse(workload), PRECISION, 32) == {"x"}
    assert tensors_in_dram(workload, fuse(workload), PRECISION, 31) == {"x", "sb", "sd"}


@given(timesteps=st.integers(1, 4), channels=st.integers(1, 8), capacity=st.integers(0, 20_000))
@settings(max_examples=80, deadline=None)
def test_the_buffer_is_never_overfull(timesteps: int, channels: int, capacity: int) -> None:
    workload = dual_stream_network(timesteps=timesteps, channels=channels).workload
    fused_layers = fuse(workload)
    outside = tensors_in_dram(workload, fused_layers, PRECISION, capacity)
    tensors = {tensor.name: tensor for tensor in workload.tensors}
    for place in range(len(fused_layers)):
        alive = [
            tensors[name]
            for name, life in lifetimes(workload, fused_layers).items()
            if place in life and name not in outside
        ]
        held = sum(each.size * each.timesteps * element_bits(each, PRECISION) for each in alive)
        assert held <= capacity


def test_a_buffer_that_holds_everything_leaves_only_the_input_in_dram() -> None:
    workload = dual_stream_network().workload
    fused_layers = fuse(workload)
    assert tensors_in_dram(workload, fused_layers, PRECISION, 10**9) == {"input"}


def test_a_fused_layer_reads_its_input_and_then_its_operands() -> None:
    fused_layers = fuse(residual_block().workload())
    assert [read_tensors(fused) for fused in fused_layers] == [("x",), ("sa",), ("sb", "sa")]
