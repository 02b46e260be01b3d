"""The critical path tiles the makespan, and names what a person would."""

import pandas as pd
from hypothesis import given, settings

from codesign.critical_path import critical_path, cycles_by_cause
from codesign.workload import Kind
from tests.chip.small_chips import Simulated, runs, simulated, split_chip
from tests.small_networks import THREE, NetworkBuilder


def path_of(run: Simulated) -> pd.DataFrame:
    return critical_path(run.jobs, run.schedule, run.architecture)


@settings(max_examples=150, deadline=None)
@given(run=runs())
def test_the_segments_follow_each_other_from_0_to_the_makespan(run: Simulated) -> None:
    path = path_of(run)
    assert path.start_cycle.iloc[0] == 0
    assert path.end_cycle.iloc[-1] == run.schedule.makespan_cycles
    assert path.start_cycle.tolist()[1:] == path.end_cycle.tolist()[:-1]
    assert (path.end_cycle > path.start_cycle).all()
    assert sum(cycles_by_cause(path).values()) == run.schedule.makespan_cycles


@settings(max_examples=100, deadline=None)
@given(run=runs())
def test_every_segment_of_a_resource_is_one_of_its_transfers_or_jobs(run: Simulated) -> None:
    moved = run.schedule.transfers
    held = set(zip(moved.resource, moved.start_cycle, moved.end_cycle, strict=True))
    ends = run.schedule.started + run.jobs.compute_cycles()
    names = [run.jobs.core_names[core] for core in run.jobs.columns["core"]]
    computed = set(zip(names, run.schedule.started.tolist(), ends.tolist(), strict=True))
    for row in path_of(run).itertuples():
        span = (row.resource, row.start_cycle, row.end_cycle)
        if row.cause.startswith("compute_"):
            assert span in computed
        elif row.cause not in ("in_flight", "barrier"):
            assert span in held


def test_one_job_after_the_other_by_hand() -> None:
    net = NetworkBuilder(timesteps=1, seed=3)
    net.add_tensor("x", (4, 6, 6), Kind.SPIKE, largest=1)
    net.convolution("x", 32, THREE, name="conv")
    net.neuron("conv", name="sn")
    run = simulated(net.trace(), split_chip("cores.spike.count=1"))
    path = path_of(run)
    assert path.cause.tolist() == [
        *("dram", "in_flight", "weight_buffer"),  # the weights, then
        *("dram", "in_flight"),  # the input
        *("compute_spike", "activation_buffer"),
    ]
    assert path.layer.tolist() == ["conv"] * 7
    cycles = cycles_by_cause(path)
    assert cycles["in_flight"] == 100
    assert cycles["compute_spike"] == run.jobs.compute_cycles()[0]
