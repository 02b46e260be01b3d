"""Layers that are no spikes, done by a host outside the chip."""

import math
from typing import Any

import pytest

from codesign.area import area_mm2
from codesign.counting import count_layers
from codesign.evaluation import evaluate
from codesign.mapping import map_workload
from codesign.mapping.geometry import Work
from codesign.results import Result
from codesign.specs.architecture import Architecture, Host
from codesign.specs.catalogue import load_architecture
from tests.chip.small_chips import simulated
from tests.small_networks import dual_stream_network

VALUES = {
    **{"mac": "5 pJ", "macs_per_cycle": 64, "bandwidth": "4 GB/s", "latency": "1 us"},
    **{"energy": "10 pJ/b", "source": "assumed, because a test"},
}
CLOCK_HZ = 500_000_000


def with_host(*overrides: str, **changes: Any) -> Architecture:
    chip = load_architecture("spike_only", list(overrides))
    assert chip.policy is not None
    policy = chip.policy.model_copy(update={"real_input": "host", "integer_input": "host"})
    host = Host.model_validate(VALUES | changes)
    return chip.model_copy(update={"host": host, "policy": policy})


def dual(chip: Architecture) -> Result:
    return evaluate(dual_stream_network(channels=8), chip)


def test_a_chip_without_multipliers_runs_both_streams_with_a_host() -> None:
    result = dual(with_host())
    costs, counts = result.summary["host"], count_layers(dual_stream_network(channels=8))
    macs = counts[counts.type.isin(["convolution", "linear"])].groupby("layer")["mac"].sum()
    assert {name: cost["mac"] for name, cost in costs.items()} == macs[macs > 0].to_dict()
    assert result.summary["operations"]["mac"] == 0
    assert result.summary["bit_serial"] == {}


def test_what_a_host_costs_is_macs_and_bits_times_their_prices() -> None:
    result = dual(with_host())
    costs = result.summary["host"]
    for cost in costs.values():
        assert cost["mac_pj"] == 5 * cost["mac"]
        assert cost["link_pj"] == 10 * (cost["to_host_bits"] + cost["from_host_bits"])
    spent = math.fsum(cost["mac_pj"] + cost["link_pj"] for cost in costs.values())
    assert result.summary["energy_parts_pj"]["host"] == pytest.approx(spent, rel=1e-12)
    rows = result.energy[result.energy.component == "host"]
    assert set(rows.layer) == set(costs)


def test_inputs_go_over_the_link_and_results_come_back_as_wide_as_they_are_stored() -> None:
    trace, chip = dual_stream_network(channels=8), with_host()
    stem = dual(chip).summary["host"]["stem"]
    inputs, made = (trace.workload.tensor_by_name[name] for name in ("input", "stem"))
    assert chip.precision is not None
    assert stem["to_host_bits"] == inputs.size * chip.precision.activation_bits
    assert stem["from_host_bits"] == made.size * chip.precision.activation_bits


def test_neurons_behind_a_layer_of_the_host_stay_on_the_chip() -> None:
    chip = with_host()
    mapping = map_workload(dual_stream_network(channels=8).workload, chip)
    outside = [plan for plan in mapping.plans if plan.geometry.work is Work.HOST]
    assert outside
    assert all(plan.fused.epilogue == () for plan in outside)
    assert all(plan.groups == ("host",) for plan in outside)


@pytest.mark.parametrize(
    ("slower", "least"),
    [
        ({"macs_per_cycle": 1}, lambda cost: cost["mac"]),
        ({"bandwidth": "0.1 GB/s"}, lambda cost: cost["from_host_bits"] * CLOCK_HZ / 0.8e9),
        ({"latency": "100 us"}, lambda _: 50_000),
    ],
    ids=["computing", "link", "latency"],
)
def test_a_slower_host_makes_the_run_longer_by_what_it_takes(slower: Any, least: Any) -> None:
    quick, slow = dual(with_host()).summary, dual(with_host(**slower)).summary
    stem = slow["host"]["stem"]
    assert slow["makespan_cycles"] >= quick["makespan_cycles"] + least(stem) * 0.9
    assert slow["makespan_cycles"] >= max(slow["bounds_cycles"].values())


def test_a_host_takes_no_room_and_no_static_power_on_the_chip() -> None:
    result = dual(with_host())
    assert result.summary["area_mm2"] == area_mm2(load_architecture("spike_only"))
    assert not any(place.startswith("host") for place in result.summary["static_parts_pj"])


def test_without_layers_for_it_a_host_changes_nothing() -> None:
    chip = load_architecture("split_core")
    idle = chip.model_copy(update={"host": Host.model_validate(VALUES)})
    one, two = (simulated(dual_stream_network(), each).schedule for each in (chip, idle))
    assert one.makespan_cycles == two.makespan_cycles
    assert one.started.tolist() == two.started.tolist()


def test_the_power_of_a_host_is_in_the_power_of_the_run() -> None:
    result = dual(with_host())
    steps = result.counters[result.counters.counter == "power (W)"]
    ends = [*steps.cycle.tolist()[1:], result.summary["makespan_cycles"]]
    spent = sum(
        watt * (end - start)
        for watt, start, end in zip(steps.value, steps.cycle, ends, strict=True)
    )
    assert spent / CLOCK_HZ == pytest.approx(result.summary["energy_pj"] * 1e-12, rel=1e-9)
