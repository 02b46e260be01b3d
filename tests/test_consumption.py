"""Eq. 15's bounds and eq. 6's ratio by hand; the published rows are in `test_table_2`."""

import pytest

from codesign.consumption import consumption
from codesign.counting import count_layers, totals
from codesign.specs.architecture import PaperEnergies
from codesign.workload import Kind
from tests.small_networks import POINT, NetworkBuilder, attention_network

PRICES = PaperEnergies(ac="0.9 pJ", mac="4.6 pJ", source="Horowitz, ISSCC 2014")


def test_bounds_and_ratio_by_hand() -> None:
    net = NetworkBuilder(timesteps=3)
    net.add_tensor("image", (2, 4, 4), Kind.REAL, static=True)
    net.convolution("image", 3, POINT, name="stem", batch_norm=True)
    net.neuron("stem", name="sn")
    net.convolution("sn", 5, POINT, name="conv")
    trace = net.trace()
    counts = totals(count_layers(trace))
    found = consumption(trace.workload, counts, PRICES, with_bn=False)
    stem, dense, updates = 16 * 2 * 3, 3 * 16 * 3 * 5, 3 * 48
    spikes = int(net.arrays["sn"].sum())
    assert found.dense_ac == dense + updates
    assert found.least_pj == pytest.approx(4.6 * stem, rel=1e-12)
    assert found.most_pj == pytest.approx(4.6 * stem + 0.9 * (dense + updates), rel=1e-12)
    assert found.firing_rate == pytest.approx(spikes / (3 * 48), rel=1e-12)
    assert found.limit_ratio == pytest.approx(3 * found.firing_rate * 0.9 / 4.6, rel=1e-12)
    ann = 4.6 * (stem + 16 * 3 * 5)
    spent = 4.6 * stem + 0.9 * (spikes * 5 + updates)
    assert found.ratio == pytest.approx(spent / ann, rel=1e-12)
    with_bn = consumption(trace.workload, counts, PRICES, with_bn=True)
    assert with_bn.least_pj == pytest.approx(4.6 * (stem + 2 * 48), rel=1e-12)


def test_the_energy_of_a_run_lies_within_its_bounds() -> None:
    net = NetworkBuilder(timesteps=2, rate=1.0)
    net.add_tensor("x", (2, 4, 4), Kind.SPIKE, largest=1)
    net.convolution("x", 3, POINT, name="conv")
    net.neuron("conv", name="sn")
    trace = net.trace()
    counts = totals(count_layers(trace))
    found = consumption(trace.workload, counts, PRICES, with_bn=False)
    assert found.firing_rate == 1.0
    assert 0.9 * counts["ac_rate_dense"] == pytest.approx(found.most_pj, rel=1e-12)
    assert found.least_pj == 0


def test_products_of_spikes_are_driven_by_spikes_as_synapses_are() -> None:
    trace = attention_network(timesteps=2, sizes=(2, 3, 5), rate=1.0)
    found = consumption(trace.workload, totals(count_layers(trace)), PRICES, with_bn=False)
    products, updates = 2 * (2 * 5 * 3 * 5), 4 * 2 * 3 * 5
    assert found.dense_ac == 2 * (products + updates)
    assert found.firing_rate == 1.0
