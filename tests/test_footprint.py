"""Memory of layers by hand."""

from codesign.footprint import footprint
from codesign.specs.architecture import Precision
from codesign.workload import Kind, LayerType
from tests.small_networks import THREE, NetworkBuilder

INT8 = Precision(
    weight="8 bit", accumulator="16 bit", activation="12 bit", source="assumed, because a test"
)


def network() -> NetworkBuilder:
    net = NetworkBuilder(timesteps=3)
    net.add_tensor("x", (2, 4, 4), Kind.SPIKE, largest=1)
    net.convolution("x", 5, THREE, name="conv", bias=True)
    net.neuron("conv", name="sn")
    net.add_layer(LayerType.ADD, ("sn", "sn"), name="sum", kind=Kind.INTEGER, largest=2)
    return net


def test_weights_membranes_and_results_in_single_precision() -> None:
    rows = footprint(network().workload()).set_index("layer")
    assert rows.weights.tolist() == [2 * 9 * 5, 0, 0]
    assert rows.weight_bits.tolist() == [(2 * 9 * 5 + 5) * 32, 0, 0]
    assert rows.membrane_bits.tolist() == [0, 5 * 16 * 32, 0]
    assert rows.result_bits.tolist() == [3 * 80 * 32, 3 * 80, 3 * 80 * 2]


def test_number_formats_of_a_chip_change_the_widths() -> None:
    rows = footprint(network().workload(), INT8).set_index("layer")
    assert rows.weight_bits.tolist() == [2 * 9 * 5 * 8 + 5 * 16, 0, 0]
    assert rows.membrane_bits.tolist() == [0, 80 * 16, 0]
    assert rows.result_bits.tolist() == [3 * 80 * 12, 3 * 80, 3 * 80 * 2]
