"""Elements are as wide as the largest value that they can hold."""

import pytest

from codesign.mapping.widths import element_widths
from codesign.specs.architecture import Precision
from codesign.workload import Kind, LayerType, Stream
from tests.small_networks import POINT, NetworkBuilder

PRECISION = Precision(
    weight="8 bit", accumulator="16 bit", activation="12 bit", source="assumed, because a test"
)


def test_spikes_take_a_bit_and_integers_as_many_as_their_largest_value() -> None:
    net = NetworkBuilder(timesteps=1)
    net.add_tensor("s", (1, 1, 1), Kind.SPIKE, largest=1)
    for largest in (1, 2, 3, 4, 7, 8):
        net.add_tensor(f"k{largest}", (1, 1, 1), Kind.INTEGER, largest=largest)
    widths = element_widths(net.workload(), PRECISION)
    assert widths == {"s": 1, "k1": 1, "k2": 2, "k3": 2, "k4": 3, "k7": 3, "k8": 4}


@pytest.mark.parametrize(
    ("blocks", "growth"), [(0, 0), (1, 1), (2, 2), (3, 2), (4, 3), (6, 3), (7, 3), (8, 4)]
)
def test_a_real_grows_with_the_spikes_added_to_it(blocks: int, growth: int) -> None:
    net = NetworkBuilder(timesteps=1)
    net.add_tensor("a", (2, 1, 1), Kind.REAL)
    net.add_tensor("s", (2, 1, 1), Kind.SPIKE, largest=1)
    name = net.add_layer(LayerType.RELU, ("a",), name="relu")
    for block in range(blocks):
        name = net.add_layer(
            LayerType.ADD, (name, "s"), name=f"sum{block}", stream=Stream.ACCUMULATION
        )
    pooled = net.add_layer(LayerType.AVERAGE_POOL, (name,), name="pool", window=POINT)
    net.convolution(pooled, 2, POINT, name="conv")
    widths = element_widths(net.workload(), PRECISION)
    assert widths[name] == widths[pooled] == 12 + growth
    assert widths["conv"] == 12


def test_an_integer_added_to_a_real_counts_as_its_largest_value() -> None:
    net = NetworkBuilder(timesteps=1)
    net.add_tensor("a", (2, 1, 1), Kind.REAL)
    net.add_tensor("k", (2, 1, 1), Kind.INTEGER, largest=3)
    net.add_layer(LayerType.ADD, ("a", "k"), name="sum")
    assert element_widths(net.workload(), PRECISION)["sum"] == 12 + 2
