"""Values that are no spikes, accumulated bit by bit on cores that only add."""

import numpy as np
import pytest
from hypothesis import given, settings

from codesign.counting import count_layers, fan_out, held
from codesign.errors import CapacityError
from codesign.evaluation import evaluate
from codesign.mapping import lower, map_workload
from codesign.specs.catalogue import load_architecture
from codesign.workload import Kind
from tests.chip.small_chips import split_chip
from tests.mapping.mapped_networks import Lowered, job_table, lowered, single_convolutions
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


@settings(max_examples=60, deadline=None)
@given(case=single_convolutions(kinds=(Kind.INTEGER, Kind.REAL)))
def test_accumulates_summed_over_jobs_are_the_bits_that_were_counted(case: Lowered) -> None:
    chip, trace = case.mapping.architecture, case.trace
    assert chip.policy
    assert chip.precision
    bits = {"integer_input": "bit_serial", "real_input": "bit_serial"}
    serial = chip.model_copy(update={"policy": chip.policy.model_copy(update=bits)})
    jobs = job_table(lowered(trace, serial))
    layer = trace.workload.layers[0]
    if trace.workload.input_tensor(layer).kind is Kind.REAL:
        counts = count_layers(trace).groupby("layer").sum()
        expected = counts.loc[layer.name, "mac_nonzero"] * chip.precision.activation_bits
    else:
        values = trace.values("x")[..., None].astype(np.uint8)
        set_bits = np.unpackbits(values, axis=-1).sum(axis=-1, dtype=np.uint8)
        met = fan_out(trace.workload, layer, set_bits)
        expected = held(met, trace.workload.output_tensor(layer)).sum()
    assert jobs.ac.sum() == expected
    assert jobs["mac"].sum() == 0


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
