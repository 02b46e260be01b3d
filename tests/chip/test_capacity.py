"""No memory ever holds more than it can, whatever the order of events."""

import math
from collections import defaultdict
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings

from codesign.chip import simulate
from codesign.mapping import lower, map_workload
from codesign.mapping.fusion import read_tensors
from codesign.mapping.geometry import places_of
from codesign.mapping.mapper import Mapping, membranes_of
from codesign.workload import Kind, LayerType, Stream
from tests.chip.small_chips import Simulated, runs, simulated, split_chip
from tests.small_networks import THREE, NetworkBuilder, dual_stream_network

Presence = tuple[int, int, int]
"""From a cycle up to but without another: so many bits."""


def peak(presences: list[Presence]) -> int:
    """The most bits at once."""
    changes = sorted(
        change
        for first, last, bits in presences
        if last > first
        for change in ((first, 1, bits), (last, 0, -bits))  # what leaves makes room first
    )
    return int(max(np.cumsum([bits for _, _, bits in changes]), default=0))


def in_the_buffer(run: Simulated) -> list[Presence]:
    """Each timestep of a tensor from the first cycle in which a job of it is moved into the
    activation buffer until the last job that reads it is stored; in layer order all timesteps
    together, because their places are taken together; spilled membranes always."""
    columns, schedule, stages = run.jobs.columns, run.schedule, run.jobs.stages
    mapping = run.mapping
    moved = schedule.transfers[schedule.transfers.resource.str.startswith("activation_buffer")]
    done = schedule.started + run.jobs.compute_cycles()
    last = np.zeros(len(stages), dtype=np.int64)
    np.maximum.at(last, columns["stage"], schedule.stored)
    readers: list[list[int]] = [[] for _ in stages]
    for number, stage in enumerate(stages):
        for need in stage.needs:
            readers[need].append(number)
    presences = []
    of_tensor: dict[tuple[int, str], list[Presence]] = defaultdict(list)
    for plan in mapping.plans:
        if membranes_of(plan.fused) not in mapping.in_dram:
            bits = math.prod(plan.geometry.output_map) * plan.geometry.spilled_bits
            presences.append((0, schedule.makespan_cycles, bits))
    for number, stage in enumerate(stages):
        fused = mapping.plans[stage.layer].fused
        inside = [name for name in fused.stored if name not in mapping.in_dram]
        if not inside:
            continue
        storing = []
        for job in np.flatnonzero((columns["stage"] == number) & (columns["store_bits"] > 0)):
            mine = (moved.layer == stage.layer) & (moved.timestep == columns["timestep"][job])
            mine &= (moved.tile == columns["tile"][job]) & (moved.start_cycle >= done[job])
            storing.append(moved.start_cycle[mine].min())
        if not storing:
            continue  # partial sums, which go to another core
        for name in inside:
            reading = [
                reader
                for reader in readers[number]
                if name in read_tensors(mapping.plans[stages[reader].layer].fused)
            ]
            end = max((int(last[reader]) for reader in reading), default=int(last[number]))
            if name in mapping.workload.outputs:
                end = schedule.makespan_cycles
            tensor = mapping.workload.tensor_by_name[name]
            together = (stage.image, name) if mapping.order.kind == "layer" else (number, name)
            bits = tensor.size * mapping.widths[name]
            of_tensor[together].append((int(min(storing)), end, bits))
    for parts in of_tensor.values():
        firsts, ends, bits_of_parts = zip(*parts, strict=True)
        presences.append((min(firsts), max(ends), sum(bits_of_parts)))
    return presences


@given(run=runs())
@settings(max_examples=60, deadline=None)
def test_the_activation_buffer_is_never_overfull(run: Simulated) -> None:
    mapping = run.mapping
    assert peak(in_the_buffer(run)) <= mapping.storage.activation_buffer.size_bits


def drifting(*, waiting: bool) -> Simulated:
    """Six blocks whose sums of spikes take far longer than the plan expects, so that the spikes
    which they add up come long before; with and without waiting for room."""
    net = NetworkBuilder(timesteps=4)
    source = net.add_tensor("x", (8, 6, 6), Kind.SPIKE, largest=1)
    total = net.add_tensor("a", (8, 6, 6), Kind.INTEGER, largest=1, stream=Stream.ACCUMULATION)
    for block in range(6):
        net.convolution(source, 8, THREE, name=f"conv{block}")
        source = net.neuron(f"conv{block}", name=f"s{block}")
        total = net.add_layer(
            *(LayerType.ADD, (total, source)),
            name=f"sum{block}",
            stream=Stream.ACCUMULATION,
            kind=Kind.INTEGER,
            largest=block + 2,
        )
    trace, chip = (
        net.trace(),
        split_chip("cores.spike.count=1", "storage.activation_buffer.size=1152 B"),
    )
    mapping = map_workload(trace.workload, chip)
    jobs = lower(mapping, trace)
    slow = np.array(jobs.layer_streams)[jobs.columns["layer"]] == "accumulation"
    cycles = jobs.columns["accumulate_cycles"] * np.where(slow, 500, 1)
    jobs = replace(jobs, columns=jobs.columns | {"accumulate_cycles": cycles})
    if not waiting:
        jobs = replace(jobs, stages=tuple(replace(stage, room=()) for stage in jobs.stages))
    return Simulated(trace, chip, mapping, jobs, simulate(chip, jobs))


def test_streams_that_drift_apart_overfill_a_buffer_for_whose_room_they_do_not_wait() -> None:
    for waiting in (True, False):
        run = drifting(waiting=waiting)
        size = run.mapping.storage.activation_buffer.size_bits
        assert (peak(in_the_buffer(run)) <= size) == waiting


def test_passes_of_streams_that_drift_apart_never_overfill_the_buffer() -> None:
    # Heads are in the last pass alone: that they wait for a pass says nothing about earlier ones.
    chip = split_chip("schedule.order=timestep", "storage.activation_buffer.size=576 B")
    trace = dual_stream_network(timesteps=24)
    mapping = map_workload(trace.workload, chip)
    jobs = lower(mapping, trace)
    is_slow = (np.array(jobs.layer_streams) == "accumulation")[jobs.columns["layer"]]
    cycles = jobs.columns["accumulate_cycles"] * np.where(is_slow, 300, 1)
    jobs = replace(jobs, columns=jobs.columns | {"accumulate_cycles": cycles})
    run = Simulated(trace, chip, mapping, jobs, simulate(chip, jobs))
    assert peak(in_the_buffer(run)) <= mapping.storage.activation_buffer.size_bits


def test_a_wait_for_room_is_charged_to_the_output() -> None:
    with_waits, without = drifting(waiting=True), drifting(waiting=False)

    def output(run: Simulated) -> int:
        stalls = run.schedule.stalls
        stalls = stalls[stalls.state == "output"]
        return int((stalls.end_cycle - stalls.start_cycle).sum())

    assert output(with_waits) > output(without)


def in_the_state_memory(run: Simulated, mapping: Mapping, core: int) -> list[Presence]:
    """What the jobs of a core hold: operands from the first cycle in which they may be loaded,
    all that a job needs while it is computed, results until they are stored."""
    columns, schedule = run.jobs.columns, run.schedule
    mine = np.flatnonzero(columns["core"] == core)
    started, stored = schedule.started[mine].tolist(), schedule.stored[mine].tolist()
    ended = (schedule.started[mine] + run.jobs.compute_cycles()[mine]).tolist()
    kind = run.architecture.kinds[run.jobs.core_groups[core]]
    layers = {int(columns["layer"][job]) for job in mine}
    plans = [mapping.plans[layer] for layer in layers]
    group = run.jobs.core_groups[core]
    held = [plan.resident_bits(group) for plan in plans]
    presences = [(0, run.schedule.makespan_cycles, sum(held))]
    loading, places = 0, places_of(kind)
    for place, job in enumerate(mine):
        plan = mapping.plans[columns["layer"][job]]
        sizes = next(place.geometry for place in plan.places if place.group == group)
        grid = plan.grid
        loading = max(loading, ended[place - places] if place >= places else 0)
        if columns["apart"][job]:
            loading = max(loading, stored[place - 1])
        presences.append((min(loading, started[place]), started[place], sizes.operands_bits(grid)))
        presences.append((started[place], ended[place], sizes.at_work_bits(grid)))
        presences.append((ended[place], stored[place], sizes.results_bits(grid)))
    return presences


@given(run=runs())
@settings(max_examples=60, deadline=None)
def test_the_state_memory_of_a_core_is_never_overfull(run: Simulated) -> None:
    mapping = run.mapping
    for core, group in enumerate(run.jobs.core_groups):
        size = run.architecture.kinds[group].state_memory.size_bits
        assert peak(in_the_state_memory(run, mapping, core)) <= size


def test_jobs_of_different_layers_stay_apart_only_where_they_must() -> None:
    net = NetworkBuilder(timesteps=2)
    net.add_tensor("x", (1, 6, 6), Kind.SPIKE, largest=1)
    net.add_tensor("r", (12, 6, 6), Kind.REAL)
    net.convolution("x", 12, THREE, name="conv")
    net.neuron("conv", name="sn")
    net.add_layer(LayerType.ADD, ("r", "r"), name="sum")
    for size, expected in (("64 KiB", []), ("1 KiB", [(1, 0)])):
        # 432 membranes of 16 bit, and the operands of the sum, fit 1 KiB alone, not together.
        chip = split_chip("cores.spike.count=1", f"cores.spike.state_memory.size={size}")
        columns = simulated(net.trace(), chip).jobs.columns
        apart = np.flatnonzero(columns["apart"])
        layers, timesteps = columns["layer"][apart].tolist(), columns["timestep"][apart].tolist()
        assert list(zip(layers, timesteps, strict=True)) == expected


@pytest.mark.parametrize("presences", [[(0, 4, 3), (4, 6, 3)], [(2, 2, 9), (0, 1, 3)]])
def test_what_leaves_in_a_cycle_makes_room_in_it(presences: list[Presence]) -> None:
    assert peak(presences) == 3
