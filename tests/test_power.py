"""Power is energy over time: nothing is lost, and the peak is by hand where one can."""

import math

import numpy as np
import pytest
from hypothesis import given, settings

from codesign.energy import component_sums, price
from codesign.evaluation import evaluate
from codesign.power import PowerProfile, Spending, power_profile, steps
from codesign.specs.catalogue import load_architecture
from codesign.static_power import static_power_mw
from codesign.workload import Kind
from tests.chip.small_chips import Simulated, runs, simulated, split_chip
from tests.small_networks import THREE, NetworkBuilder, dual_stream_network

CLOCK_HZ = 500e6


def energy_pj(profile: PowerProfile, clock_hz: float) -> float:
    seconds = np.diff(profile.edges_cycles) / clock_hz
    return float((profile.power_w * seconds).sum() * 1e12)


@settings(max_examples=50, deadline=None)
@given(run=runs())
def test_power_over_all_cycles_is_the_energy(run: Simulated) -> None:
    profile = power_profile(run.jobs, run.schedule, run.architecture)
    assert run.architecture.technology is not None
    clock_hz = run.architecture.technology.clock_hz
    whole = math.fsum(price(run.jobs, run.schedule, run.architecture).energy_pj)
    assert energy_pj(profile, clock_hz) == pytest.approx(whole, rel=1e-9)
    assert profile.edges_cycles[0] == 0
    assert profile.edges_cycles[-1] == run.schedule.makespan_cycles


@settings(max_examples=25, deadline=None)
@given(run=runs())
def test_power_never_falls_below_what_passes_with_time_alone(run: Simulated) -> None:
    """Nothing that a core does is cheaper than its idle clock on the shipped chips."""
    profile = power_profile(run.jobs, run.schedule, run.architecture)
    static_w = sum(static_power_mw(run.architecture).values()) / 1000
    assert profile.power_w.min() >= static_w * (1 - 1e-9)


def test_overlapping_energies_add_up_by_hand() -> None:
    first = Spending(np.array([0, 4]), np.array([4, 4]), np.array([8.0, 3.0]))
    second = Spending(np.array([2]), np.array([3]), np.array([5.0]))
    edges, pj_per_cycle = steps([first, second])
    assert edges.tolist() == [0, 2, 3, 4, 5]  # what takes no cycle is given one
    assert pj_per_cycle.tolist() == [2.0, 7.0, 2.0, 3.0]


def test_the_power_of_a_core_that_computes_alone_by_hand() -> None:
    net = NetworkBuilder(timesteps=1, seed=3)
    net.add_tensor("x", (4, 6, 6), Kind.SPIKE, largest=1)
    net.convolution("x", 32, THREE, name="conv")
    net.neuron("conv", name="sn")
    run = simulated(net.trace(), split_chip("cores.spike.count=1"))
    assert len(run.jobs) == 1
    profile = power_profile(run.jobs, run.schedule, run.architecture)
    parts = component_sums(price(run.jobs, run.schedule, run.architecture))
    of_core = ("ac", "neuron", "weight_memory", "state_memory", "input_memory")
    cycles = int(run.jobs.compute_cycles()[0])
    cores = run.architecture.cores
    # the core's own clock while it computes, and the idle clock of the one that does not
    clock = cores["spike"].overhead.clock_pj + cores["accumulation"].overhead.idle_clock_pj
    per_cycle = sum(parts[name] for name in of_core) / cycles + clock
    static_w = sum(static_power_mw(run.architecture).values()) / 1000
    step = np.searchsorted(profile.edges_cycles, run.schedule.started[0], side="right") - 1
    assert profile.power_w[step] == pytest.approx(per_cycle * 1e-12 * CLOCK_HZ + static_w)
    assert profile.peak_w == profile.power_w.max()


def test_the_peak_is_at_least_the_mean_and_absent_without_cores() -> None:
    summary = evaluate(dual_stream_network(), split_chip()).summary
    assert summary["peak_power_w"] > summary["average_power_w"]
    assert (
        evaluate(dual_stream_network(), load_architecture("paper")).summary["peak_power_w"] is None
    )
