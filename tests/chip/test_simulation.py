"""Laws of the chip: what must hold of every run, and makespans that can be worked out by hand."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings

from codesign.bounds import bounds_cycles
from codesign.chip import simulate
from codesign.chip.schedule import busy_intervals, idle_intervals, occupancy, timeline
from codesign.chip.transfers import fetch_cycles, transfer_cycles
from codesign.errors import DeadlockError
from codesign.mapping import lower, map_workload
from codesign.mapping.geometry import places_of
from codesign.results import STATES
from codesign.workload import Kind
from tests.chip.small_chips import Simulated, runs, simulated, split_chip, unified_chip
from tests.small_networks import THREE, NetworkBuilder, dual_stream_network

many = settings(max_examples=60, deadline=None)


def core_intervals(run: Simulated) -> pd.DataFrame:
    """Every recorded interval of every core, in order."""
    parts = [
        busy_intervals(run.jobs, run.schedule),
        run.schedule.stalls,
        idle_intervals(run.jobs, run.schedule),
    ]
    columns = ["core", "state", "start_cycle", "end_cycle"]
    rows = pd.concat([part[columns] for part in parts], ignore_index=True)
    return rows.sort_values(["core", "start_cycle"], ignore_index=True)


@many
@given(run=runs())
def test_recorded_intervals_tile_the_makespan_on_every_core(run: Simulated) -> None:
    for _, rows in core_intervals(run).groupby("core"):
        assert rows.start_cycle.iloc[0] == 0
        assert rows.end_cycle.iloc[-1] == run.schedule.makespan_cycles
        assert rows.start_cycle.tolist()[1:] == rows.end_cycle.tolist()[:-1]
        assert (rows.end_cycle > rows.start_cycle).all()
        assert set(rows.state) <= set(STATES)


@many
@given(run=runs())
def test_states_sum_to_the_makespan_on_every_core(run: Simulated) -> None:
    sums = occupancy(run.jobs, run.schedule).groupby("core")["cycles"].sum()
    assert sorted(sums.index) == sorted(run.jobs.core_names)
    assert set(sums) == {run.schedule.makespan_cycles}


@many
@given(run=runs())
def test_every_bound_is_at_most_the_makespan(run: Simulated) -> None:
    bounds = bounds_cycles(run.jobs, run.architecture)
    assert max(bounds.values()) <= run.schedule.makespan_cycles
    assert all(isinstance(bound, int) for bound in bounds.values())


@many
@given(run=runs())
def test_a_job_starts_after_everything_that_it_needs_is_stored(run: Simulated) -> None:
    columns, schedule = run.jobs.columns, run.schedule
    stored = np.zeros(len(run.jobs.stages), dtype=np.int64)
    np.maximum.at(stored, columns["stage"], schedule.stored)
    for stage, start in zip(columns["stage"].tolist(), schedule.started.tolist(), strict=True):
        assert start >= max((stored[need] for need in run.jobs.stages[stage].needs), default=0)


@many
@given(run=runs())
def test_nothing_serves_two_at_once(run: Simulated) -> None:
    for _, rows in timeline(run.jobs, run.schedule).groupby("resource"):
        assert (rows.start_cycle.to_numpy()[1:] >= rows.end_cycle.to_numpy()[:-1]).all()


@many
@given(run=runs())
def test_each_core_computes_its_jobs_in_order_with_two_places_each_way(run: Simulated) -> None:
    cycles = run.jobs.compute_cycles()
    for core in range(len(run.jobs.core_names)):
        mine = np.flatnonzero(run.jobs.columns["core"] == core)
        started, stored = run.schedule.started[mine], run.schedule.stored[mine]
        assert (started[1:] >= started[:-1] + cycles[mine][:-1]).all()
        assert (stored >= started + cycles[mine]).all()
        places = places_of(run.architecture.kinds[run.jobs.core_groups[core]])
        assert (started[places:] >= stored[:-places]).all()


@many
@given(run=runs())
def test_the_schedule_changes_no_operation(run: Simulated) -> None:
    plain = {"schedule": type(run.architecture.schedule)(), "noc": None}
    mapping = map_workload(run.trace.workload, run.architecture.model_copy(update=plain))
    expected, found = lower(mapping, run.trace).columns, run.jobs.columns
    arrays = [core.mac for core in run.architecture.cores.values() if core.mac is not None]
    are_alike = len({array.zero_skipping for array in arrays}) < 2  # else the array decides
    for name in ("ac", *(["mac"] if are_alike else []), "addition", "neuron", "logic"):
        assert found[name].sum() == expected[name].sum()


@many
@given(run=runs())
def test_all_transfers_happen_with_their_cycles(run: Simulated) -> None:
    cycles = transfer_cycles(run.jobs, run.architecture)
    read = run.schedule.moved("weight_buffer", len(run.jobs))
    noc = run.architecture.noc
    if noc is None or not noc.multicast:
        assert read.tolist() == (cycles["weight_cycles"] > 0).astype(int).tolist()
    expected = {
        "weight_buffer": (cycles["weight_cycles"] * read).sum(),
        "activation_buffer": (cycles["load_cycles"] + cycles["store_cycles"]).sum(),
        "dram": (cycles["load_dram_cycles"] + cycles["store_dram_cycles"]).sum()
        + fetch_cycles(run.jobs, run.architecture).sum(),
    }
    moved = run.schedule.transfers
    length = moved.end_cycle - moved.start_cycle
    resource = moved.resource.str.split("[").str[0]
    for name, total in expected.items():
        assert length[resource == name].sum() == total


@many
@given(run=runs())
def test_two_runs_are_equal(run: Simulated) -> None:
    again = simulate(run.architecture, run.jobs)
    assert again.makespan_cycles == run.schedule.makespan_cycles
    assert again.started.tolist() == run.schedule.started.tolist()
    assert again.stalls.equals(run.schedule.stalls)
    assert again.transfers.equals(run.schedule.transfers)


@many
@given(run=runs())
def test_at_most_twelve_events_a_job(run: Simulated) -> None:
    """Beside them each core, each block and each barrier has a few of its own."""
    apart = 10 * len(run.jobs.core_names) + 4 * len(run.jobs.blocks)
    barriers = 2 * len({stage.epoch for stage in run.jobs.stages})
    assert run.schedule.events <= 12 * len(run.jobs) + apart + barriers


def test_the_makespan_is_a_python_integer() -> None:
    run = simulated(dual_stream_network(), split_chip())
    assert type(run.schedule.makespan_cycles) is int


def one_convolution(timesteps: int = 1) -> Simulated:
    net = NetworkBuilder(timesteps=timesteps, seed=3)
    net.add_tensor("x", (4, 6, 6), Kind.SPIKE, largest=1)
    net.convolution("x", 32, THREE, name="conv")
    net.neuron("conv", name="sn")
    chip = split_chip("cores.spike.count=1", "cores.spike.spike.scan=256 bit")
    return simulated(net.trace(), chip)


def test_one_job_takes_fetch_load_compute_and_store_one_after_the_other() -> None:
    run = one_convolution()
    assert len(run.jobs) == 1
    pairs = int(run.jobs.columns["ac"][0]) // 32
    weights = 32 * 4 * 9 * 8  # bits
    latency = 50  # 100 ns at 500 MHz
    bandwidth = 25.6e9 * 8 / 500e6  # 409.6 bit a cycle
    fetch = latency + weights // 256  # the buffer's 4 banks of 64 bit are slower than the DRAM
    load_weights = weights // 128  # 4 banks x 64 bit over 2 ports
    load_input = latency + int(np.ceil(4 * 36 / bandwidth))  # the input is in DRAM
    compute = pairs + 4 + 32 * 36 // 32  # a cycle a pair, fill, neurons over 32 lanes
    store = 32 * 36 // 128  # 16 banks x 32 bit over 4 ports
    assert run.schedule.makespan_cycles == fetch + load_weights + load_input + compute + store


def test_a_stalled_core_says_what_it_waited_for() -> None:
    run = one_convolution()
    stalls = run.schedule.stalls.set_index("state")
    weights, load = stalls.loc["weights"], stalls.loc["input"]
    assert (weights.start_cycle, weights.end_cycle) == (0, 50 + 36 + 72)
    assert (load.start_cycle, load.end_cycle) == (158, 158 + 50 + 1)


def test_a_wait_is_charged_to_the_condition_satisfied_last() -> None:
    """Three jobs of one core, stored slower than computed: the third finds its input loaded long
    before, and no place for its result until the first is stored."""
    run = one_convolution(3)
    columns = dict(run.jobs.columns)
    for name, value in (("scan_cycles", 0), ("accumulate_cycles", 0), ("neuron_cycles", 1)):
        columns[name] = np.full(3, value)
    columns["fill_cycles"] = np.zeros(3, dtype=np.int64)
    columns["load_dram_bits"] = np.zeros(3, dtype=np.int64)
    columns["store_bits"] = np.full(3, 128 * 100)  # 100 cycles of one port
    jobs = replace(run.jobs, columns=columns)
    schedule = simulate(run.architecture, jobs)
    first = int(schedule.started[0])
    assert schedule.started.tolist() == [first, first + 1, first + 101]
    rows = schedule.stalls[["state", "start_cycle", "end_cycle"]].to_numpy().tolist()
    assert rows == [["weights", 0, first], ["output", first + 2, first + 101]]


def test_later_timesteps_load_while_earlier_ones_compute() -> None:
    one, four = one_convolution(1), one_convolution(4)
    compute = four.jobs.compute_cycles()
    longest_transfer = max(
        cycles.max() for cycles in transfer_cycles(four.jobs, four.architecture).values()
    )
    assert compute.min() > longest_transfer  # so that everything but the first load is hidden
    first = int(four.schedule.started[0])
    store = (
        one.schedule.makespan_cycles
        - int(one.schedule.started[0])
        - int(one.jobs.compute_cycles()[0])
    )
    assert four.schedule.makespan_cycles == first + int(compute.sum()) + store


def test_more_work_in_every_job_never_ends_earlier_on_one_core() -> None:
    run = one_convolution(4)
    columns = dict(run.jobs.columns)
    columns["accumulate_cycles"] = columns["accumulate_cycles"] * 3
    slower = simulate(run.architecture, replace(run.jobs, columns=columns))
    assert slower.makespan_cycles > run.schedule.makespan_cycles


def test_the_streams_advance_at_the_same_time_on_a_split_chip() -> None:
    run = simulated(dual_stream_network(timesteps=4, channels=40), split_chip())
    rows = timeline(run.jobs, run.schedule)
    spike = rows[rows.resource.str.startswith("spike[")]
    other = rows[rows.resource.str.startswith("accumulation[") & (rows.stream == "accumulation")]
    assert spike.start_cycle.min() < other.end_cycle.min() < spike.end_cycle.max()


def test_without_the_pathway_the_spike_stream_does_the_same_work() -> None:
    both = simulated(dual_stream_network(accumulation=True), unified_chip())
    alone = simulated(dual_stream_network(accumulation=False), unified_chip())
    streams = np.array(both.jobs.layer_streams)[both.jobs.columns["layer"]]
    spike = streams == "spike"
    for name in ("ac", "mac", "neuron", "logic", "accumulate_cycles", "neuron_cycles"):
        assert both.jobs.columns[name][spike].tolist() == alone.jobs.columns[name].tolist()


def test_a_circle_of_needs_is_an_error_that_names_who_waits_for_what() -> None:
    trace, chip = dual_stream_network(), split_chip()
    jobs = lower(map_workload(trace.workload, chip), trace)
    first = replace(jobs.stages[0], needs=(len(jobs.stages) - 1,))
    circular = replace(jobs, stages=(first, *jobs.stages[1:]))
    with pytest.raises(DeadlockError, match=r"spike\[0\] at layer .* waits for layer \d+ \("):
        simulate(chip, circular)


def test_progress_reaches_the_end() -> None:
    trace, chip = dual_stream_network(), split_chip()
    jobs = lower(map_workload(trace.workload, chip), trace)
    seen: list[tuple[str, int, int]] = []
    simulate(chip, jobs, lambda *state: seen.append(state))
    assert seen[-1] == ("simulation", len(jobs), len(jobs))
