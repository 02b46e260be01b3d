"""What a cut is expected to take and to spend."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codesign.evaluation import evaluate
from codesign.mapping import Mapping, map_workload
from codesign.mapping.expected_cycles import INSIDE, Outside, Site, expected_loads, moved_bits
from codesign.mapping.expected_energy import expected_pj
from codesign.mapping.planning import Plan, surroundings
from codesign.mapping.tiling import core_loads, teams_of_tiles, tiles_of_kinds
from codesign.specs.architecture import Architecture
from codesign.trace import Trace
from codesign.workload import Kind
from tests.chip.small_chips import split_chip
from tests.mapping.mapped_networks import Lowered, dual_streams, job_table, single_convolutions
from tests.small_networks import THREE, NetworkBuilder

CHIP = split_chip("cores.spike.count=4")


def block(rate: float = 0.2) -> Trace:
    """Two convolutions of spikes."""
    net = NetworkBuilder(timesteps=4, seed=1, rate=rate)
    net.add_tensor("x", (32, 16, 16), Kind.SPIKE, largest=1)
    net.convolution("x", 64, THREE, name="first")
    net.neuron("first", name="s1")
    net.convolution("s1", 64, THREE, name="second")
    net.neuron("second", name="s2")
    return net.trace()


def site(plan: Plan, chip: Architecture) -> Site:
    (place,) = plan.places
    return Site(place.geometry, chip.cores[place.group])


def loads_and_pj(plan: Plan, chip: Architecture, outside: Outside) -> tuple[float, float, float]:
    """Expected cycles of the activation buffer and of DRAM, and energy in 1,000 cycles."""
    around, sites = surroundings(chip, plan.weight_share), (site(plan, chip),)
    loads = expected_loads(sites, plan.grid, around, outside)
    spent = expected_pj(sites, plan.grid, around, outside, 1000.0)
    return loads.activation_buffer, loads.dram, spent


def second(mapping: Mapping) -> Plan:
    return next(plan for plan in mapping.plans if plan.fused.name == "second")


def test_what_lives_in_dram_is_charged_to_it_and_no_longer_to_the_buffer() -> None:
    plan = second(map_workload(block().workload, CHIP))
    outside = Outside(has_input=True, stored_bits=plan.geometry.stored_bits)
    inside, none = moved_bits(plan.geometry, plan.grid, INSIDE)
    rest, moved = moved_bits(plan.geometry, plan.grid, outside)
    assert (none, rest + moved) == (0, inside)
    buffer, dram, spent = loads_and_pj(plan, CHIP, INSIDE)
    other_buffer, other_dram, other_spent = loads_and_pj(plan, CHIP, outside)
    bandwidth = surroundings(CHIP, plan.weight_share).dram_bits_per_cycle
    assert other_dram - dram == pytest.approx(moved / bandwidth)
    assert other_buffer < buffer
    assert other_spent > spent


def test_weights_that_are_fetched_for_every_pass_are_charged_for_every_pass() -> None:
    plan = second(map_workload(block().workload, CHIP))
    _, once, spent = loads_and_pj(plan, CHIP, INSIDE)
    _, often, more = loads_and_pj(plan, CHIP, replace(INSIDE, weight_passes=4))
    storage = CHIP.storage
    assert storage
    assert often == 4 * once
    assert more - spent > 3 * plan.geometry.layer_bits() * storage.dram.energy_pj_per_bit


def test_energy_is_priced_by_the_architectures_own_table() -> None:
    plan = second(map_workload(block().workload, CHIP))
    _, _, spent = loads_and_pj(plan, CHIP, INSIDE)
    chip = split_chip("cores.spike.count=4", "storage.dram.background=30030 mW")
    _, _, with_background = loads_and_pj(plan, chip, INSIDE)
    assert with_background - spent == pytest.approx(30_000e9 / 500e6 * 1000)  # 30 W for 2 us


def test_the_expected_energy_is_near_what_a_layer_takes_at_the_expected_rate() -> None:
    result = evaluate(block(), CHIP)
    chip_pj = float(result.energy.loc[result.energy.stream == "chip", "energy_pj"].sum())
    found = result.summary["energy_pj"]
    expected = sum(row["expected_energy_pj"] for row in result.summary["mapping"])
    assert 0 < chip_pj < found
    assert expected == pytest.approx(found, rel=0.15)  # waits, and tiles at edges, are not expected


def test_a_buffer_that_holds_less_makes_the_forecast_expect_dram() -> None:
    small = split_chip("cores.spike.count=4", "storage.activation_buffer.size=1 KiB")
    plan = second(map_workload(block().workload, small))
    assert plan.outside.has_input
    assert plan.outside.stored_bits == plan.geometry.stored_bits
    roomy = second(map_workload(block().workload, CHIP))
    assert roomy.outside == INSIDE
    assert plan.choice.loads.dram > roomy.choice.loads.dram


@given(case=st.one_of(dual_streams(), single_convolutions()))
@settings(max_examples=60, deadline=None)
def test_blocks_are_loaded_as_often_as_expected(case: Lowered) -> None:
    jobs = job_table(case)
    for plan in case.mapping.plans:
        loads = (jobs.weight_bits[jobs.layer == plan.fused.index] > 0).sum()
        if plan.geometry.weight_bits:
            assert loads == core_loads(plan.grid, plan.choice.teams)


@given(tiles=st.integers(1, 40), counts=st.tuples(st.integers(1, 3), st.integers(0, 3)))
def test_tiles_of_kinds_are_those_that_their_teams_are_dealt(
    tiles: int, counts: tuple[int, int]
) -> None:
    teams = ((counts[0], 1.0), (counts[1], 2.5))
    dealt = teams_of_tiles(tiles, teams)
    first = int(np.count_nonzero(dealt < counts[0]))
    assert tiles_of_kinds(tiles, teams) == (first, tiles - first)
