"""What a faster resource gains, with the same jobs."""

import pytest
from hypothesis import given, settings

from codesign.critical_path import critical_path, cycles_by_cause
from codesign.specs.architecture import Noc
from codesign.trace import Trace
from codesign.what_if import candidates, what_if
from codesign.workload import Kind
from tests.chip.small_chips import Simulated, runs, simulated, split_chip
from tests.small_networks import THREE, NetworkBuilder, dual_stream_network

TURNS = ("cores.spike.count=1", "cores.spike.double_buffering=false")
"""One core that works, whose loader, datapath and storer take turns."""


def makespans(run: Simulated, *resources: str) -> dict[str, int]:
    found = what_if(run.jobs, run.architecture, run.schedule.makespan_cycles, list(resources))
    return {each.resource: each.makespan_cycles for each in found}


def path_of(run: Simulated) -> dict[str, int]:
    return cycles_by_cause(critical_path(run.jobs, run.schedule, run.architecture))


def two_convolutions() -> Trace:
    """Spikes alone, so that spike cores do all the work: 8 jobs on one of them."""
    net = NetworkBuilder(timesteps=4, seed=3)
    net.add_tensor("x", (4, 6, 6), Kind.SPIKE, largest=1)
    for number, source in enumerate(("x", "s0")):
        net.convolution(source, 32, THREE, name=f"c{number}")
        net.neuron(f"c{number}", name=f"s{number}")
    return net.trace()


def noc(hop_latency: int) -> Noc:
    return Noc.model_validate(
        {
            **{"topology": "bus", "link": "4096 bit", "hop_latency": hop_latency},
            **{"hop": "0.1 pJ/b", "multicast": False, "spikes": "bitmap", "leakage": "1 mW"},
            **{"area": "0.1 mm2", "source": "assumed, because a test"},
        }
    )


def test_a_core_in_turns_saves_half_of_every_job_to_the_cycle() -> None:
    run = simulated(two_convolutions(), split_chip(*TURNS))
    cycles = run.jobs.compute_cycles()
    saved = int((cycles // 2).sum())
    assert len(run.jobs) == 8
    assert set(cycles % 2) == {0, 1}  # half of an odd number is rounded up
    assert makespans(run, "compute_spike") == {
        "compute_spike": run.schedule.makespan_cycles - saved
    }


def test_a_link_that_is_not_on_the_path_of_one_core_gains_nothing() -> None:
    run = simulated(two_convolutions(), split_chip(*TURNS).model_copy(update={"noc": noc(0)}))
    assert "noc" not in path_of(run)
    assert makespans(run, "noc") == {"noc": run.schedule.makespan_cycles}


@pytest.mark.parametrize("cycles", [2000, 2001])
def test_half_a_barrier_is_rounded_up(cycles: int) -> None:
    barriers = ("schedule.barrier=layer", f"schedule.barrier_cycles={cycles}")
    run = simulated(two_convolutions(), split_chip(*TURNS, *barriers))
    assert path_of(run)["barrier"] == cycles  # one, between the two layers
    assert makespans(run, "barrier") == {"barrier": run.schedule.makespan_cycles - 1000}


def test_a_barrier_that_passes_while_weights_are_loaded_gains_nothing() -> None:
    barriers = ("schedule.barrier=layer", "schedule.barrier_cycles=30")
    run = simulated(two_convolutions(), split_chip(*TURNS, *barriers))
    assert "barrier" not in path_of(run)
    assert makespans(run, "barrier") == {"barrier": run.schedule.makespan_cycles}


def test_no_hop_becomes_free() -> None:
    chip = split_chip(*TURNS, "storage.dram.latency=0 ns").model_copy(update={"noc": noc(1)})
    run = simulated(two_convolutions(), chip)
    assert "in_flight" in path_of(run)
    assert makespans(run, "in_flight") == {"in_flight": run.schedule.makespan_cycles}


def test_the_gain_is_a_share_of_the_makespan_with_the_same_jobs() -> None:
    run = simulated(dual_stream_network(), split_chip())
    before = run.schedule.makespan_cycles
    columns = {name: values.copy() for name, values in run.jobs.columns.items()}
    found = what_if(run.jobs, run.architecture, before, list(path_of(run)))
    assert [each.resource for each in found] == list(path_of(run))
    assert all(each.gain == 1 - each.makespan_cycles / before for each in found)
    assert all((run.jobs.columns[name] == columns[name]).all() for name in columns)


def test_a_resource_that_the_chip_does_not_have_is_left_out() -> None:
    run = simulated(dual_stream_network(), split_chip())
    assert makespans(run, "something", "compute_spike").keys() == {"compute_spike"}


@settings(max_examples=40, deadline=None)
@given(run=runs())
def test_the_same_chip_once_more_takes_the_same_cycles(run: Simulated) -> None:
    assert makespans(run, "compute_none") == {"compute_none": run.schedule.makespan_cycles}


@settings(max_examples=60, deadline=None)
@given(run=runs())
def test_every_cause_of_a_path_can_be_made_faster(run: Simulated) -> None:
    path = path_of(run)
    assert candidates(path, {}, len(path)) == list(path)


def test_the_nearest_bound_is_tried_beside_the_largest_of_the_path() -> None:
    path = {"dram": 60, "compute_spike": 30, "in_flight": 10}
    bounds = {"dram": 50, "weight_buffer": 70, "dependency": 90}
    assert candidates(path, bounds, 1) == ["dram", "weight_buffer"]
    assert candidates(path, {"dram": 50, "dependency": 90}, 2) == ["dram", "compute_spike"]
    assert candidates(path, {"dependency": 90}, 9) == list(path)
    assert candidates(path, bounds, 0) == []
