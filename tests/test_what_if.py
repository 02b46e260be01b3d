"""What a faster resource gains, with the same jobs."""

import pytest
from hypothesis import given, settings

from codesign.what_if import what_if
from tests.chip.small_chips import Simulated, runs, simulated, split_chip
from tests.small_networks import dual_stream_network


def gains(run: Simulated, *resources: str) -> dict[str, float]:
    makespan = run.schedule.makespan_cycles
    found = what_if(run.jobs, run.architecture, makespan, list(resources))
    return {each.resource: each.gain for each in found}


def test_cores_that_decide_alone_gain_half_of_their_computing() -> None:
    chip = split_chip(
        *("storage.dram.latency=0 ns", "storage.dram.bandwidth=10000 GB/s"),
        *("cores.spike.count=1", "cores.accumulation.count=1"),
    )
    run = simulated(dual_stream_network(timesteps=4, channels=40, accumulation=False), chip)
    (gain,) = gains(run, "compute_spike").values()
    assert 0.3 < gain <= 0.5


def test_what_is_idle_gains_nothing() -> None:
    run = simulated(dual_stream_network(accumulation=False), split_chip())
    assert gains(run, "barrier") == {"barrier": 0.0}


def test_a_resource_that_the_chip_does_not_have_is_left_out() -> None:
    run = simulated(dual_stream_network(), split_chip())
    assert gains(run, "something", "compute_spike").keys() == {"compute_spike"}


@settings(max_examples=40, deadline=None)
@given(run=runs())
def test_cores_of_no_kind_change_nothing(run: Simulated) -> None:
    assert gains(run, "compute_none") == {"compute_none": 0.0}


def test_half_of_an_odd_number_of_cycles_is_rounded_up() -> None:
    run = simulated(dual_stream_network(), split_chip("cores.spike.count=1"))
    (found,) = what_if(run.jobs, run.architecture, run.schedule.makespan_cycles, ["compute_spike"])
    assert found.makespan_cycles >= run.schedule.makespan_cycles / 2
    assert found.gain == pytest.approx(1 - found.makespan_cycles / run.schedule.makespan_cycles)
