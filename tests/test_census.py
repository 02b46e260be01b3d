"""Counts by layer are those of counting, whatever the number of inputs, under either policy."""

import math

import pytest

from codesign.census import census
from codesign.counting import count_layers, totals
from codesign.errors import InputError
from codesign.specs.architecture import PaperEnergies
from codesign.trace import Trace
from codesign.workload import Kind, LayerType
from tests.small_networks import POINT, NetworkBuilder, dual_stream_network

PRICES = PaperEnergies(ac="0.9 pJ", mac="4.6 pJ", source="Horowitz, ISSCC 2014")


def integers(seed: int = 0) -> Trace:
    """A convolution of spikes and one of integers."""
    net = NetworkBuilder(timesteps=2, seed=seed)
    net.add_tensor("x", (2, 4, 4), Kind.SPIKE, largest=1)
    net.add_layer(LayerType.ADD, ("x", "x"), name="sum", kind=Kind.INTEGER, largest=2)
    net.convolution("x", 3, POINT, name="spikes")
    net.convolution("sum", 5, POINT, name="integers")
    net.neuron("integers", name="sn")
    return net.trace()


def test_totals_are_those_of_counting() -> None:
    trace = dual_stream_network(timesteps=3)
    found = census([trace], PRICES)
    assert found.summary["counts"] == totals(count_layers(trace))
    assert found.layers["layer"].tolist() == [layer.name for layer in trace.workload.layers]
    assert found.summary["images"] == 1


def test_repeated_integers_are_accumulates_and_no_multiplies() -> None:
    trace = integers()
    multiplied, repeated = (
        census([trace], PRICES, policy=policy).layers.set_index("layer")
        for policy in ("mac", "repeat")
    )
    units = int(trace.values("sum").sum())
    assert multiplied.loc["integers", ["mac", "ac_synaptic"]].tolist() == [2 * 16 * 2 * 5, 0]
    assert repeated.loc["integers", ["mac", "mac_nonzero"]].tolist() == [0, 0]
    assert repeated.loc["integers", "ac_synaptic"] == units * 5
    assert multiplied.loc["spikes"].dropna().equals(repeated.loc["spikes"].dropna())


def test_counts_of_several_inputs_are_means() -> None:
    traces = [integers(seed) for seed in (1, 2, 3)]
    each = [census([trace], PRICES).summary["counts"]["ac_synaptic"] for trace in traces]
    found = census(iter(traces), PRICES).summary
    assert found["images"] == 3
    assert found["counts"]["ac_synaptic"] == pytest.approx(sum(each) / 3, rel=1e-12)


def test_rates_are_spikes_per_update() -> None:
    trace = integers()
    found = census([trace], PRICES)
    rates = found.layers.set_index("layer")["firing_rate"]
    spikes = int(trace.values("sn").sum())
    assert rates["sn"] == spikes / (2 * 80)
    assert math.isnan(rates["spikes"])
    assert found.summary["firing_rate"] == spikes / (2 * 80)
    assert found.summary["layers"][0]["firing_rate"] is None


def test_inputs_of_different_workloads_and_none_are_refused() -> None:
    with pytest.raises(InputError, match="needs inputs of one workload"):
        census([integers(), dual_stream_network()], PRICES)
    with pytest.raises(InputError, match="at least one input"):
        census([], PRICES)


def test_dense_operations_are_those_of_a_silent_input_as_well() -> None:
    """By hand: 16 places of 2 x 3 and 2 x 5 weights, at two timesteps; nothing but weights."""
    dense = census([integers()], PRICES).layers.set_index("layer")["dense"].to_dict()
    assert dense == {"sum": 0, "spikes": 2 * 16 * 6, "integers": 2 * 16 * 10, "sn": 0}
