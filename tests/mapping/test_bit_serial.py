"""Values that are no spikes, accumulated bit by bit on cores that only add."""

import numpy as np
import pytest

from codesign.errors import CapacityError
from codesign.evaluation import evaluate
from codesign.mapping import lower, map_workload
from codesign.specs.catalogue import load_architecture
from codesign.workload import Kind
from tests.chip.small_chips import split_chip
from tests.small_networks import THREE, NetworkBuilder, dual_stream_network


def of_integers(largest: int) -> NetworkBuilder:
    net = NetworkBuilder(timesteps=2, seed=4)
    net.add_tensor("x", (3, 5, 5), Kind.INTEGER, largest=largest)
    net.convolution("x", 8, THREE, name="conv")
    net.neuron("conv", name="sn")
    return net


def accumulates(net: NetworkBuilder, policy: str) -> int:
    trace = net.trace()
    chip = split_chip(f"policy.integer_input={policy}")
    return int(lower(map_workload(trace.workload, chip), trace).columns["ac"].sum())


def test_an_integer_costs_its_set_bits_for_each_weight_that_it_meets() -> None:
    expected = 0
    for timestep in of_integers(5).trace().values("x").reshape(2, 3, 5, 5):
        for channel, y, x in np.argwhere(timestep):
            taps = (3 - (y in (0, 4))) * (3 - (x in (0, 4)))
            expected += 8 * taps * int(timestep[channel, y, x]).bit_count()
    assert accumulates(of_integers(5), "bit_serial") == expected


@pytest.mark.parametrize("largest", [1, 2, 7])
def test_bits_are_never_more_than_repeats(largest: int) -> None:
    net = of_integers(largest)
    assert accumulates(net, "bit_serial") <= accumulates(net, "repeat")


def test_ones_cost_the_same_bit_by_bit_and_repeated() -> None:
    assert accumulates(of_integers(1), "bit_serial") == accumulates(of_integers(1), "repeat")


def test_a_chip_of_spike_cores_computes_the_ends_and_says_what_they_cost() -> None:
    result = evaluate(dual_stream_network(accumulation=False), load_architecture("spike_only"))
    costs = result.summary["bit_serial"]
    assert set(costs) == {"stem", "spike.fc"}
    assert all(cost["ac"] > 0 and cost["energy_pj"] > 0 for cost in costs.values())


def test_a_chip_of_spike_cores_refuses_the_accumulation_stream_by_name() -> None:
    trace, chip = dual_stream_network(channels=8), load_architecture("spike_only")
    with pytest.raises(CapacityError, match=r"but '.*' multiply values that are not spikes"):
        evaluate(trace, chip)
    paid = load_architecture("spike_only", ["policy.bit_serial_layers=all"])
    assert len(evaluate(trace, paid).summary["bit_serial"]) > 2
