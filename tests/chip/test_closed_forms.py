"""Makespans that a formula gives: alone, in a pipeline, and where one resource is saturated."""

from dataclasses import replace

import numpy as np
import pytest

from codesign.bounds import bounds_cycles
from codesign.chip import simulate
from codesign.chip.transfers import fetch_cycles, transfer_cycles
from codesign.specs.architecture import Architecture, Noc
from codesign.workload import Kind
from tests.chip.small_chips import Simulated, simulated, split_chip
from tests.small_networks import THREE, NetworkBuilder


def convolutions(count: int, timesteps: int, channels: int = 32) -> NetworkBuilder:
    """Convolutions with neurons, one behind the other."""
    net = NetworkBuilder(timesteps=timesteps, seed=5)
    source = net.add_tensor("x", (4, 6, 6), Kind.SPIKE, largest=1)
    for number in range(count):
        net.convolution(source, channels, THREE, name=f"conv{number}")
        source = net.neuron(f"conv{number}", name=f"sn{number}")
    return net


def with_cycles(run: Simulated, cycles: dict[int, int]) -> Simulated:
    """The run with so many compute cycles for every job of a layer."""
    columns = dict(run.jobs.columns)
    wanted = np.array([cycles[layer] for layer in columns["layer"].tolist()])
    for name in ("scan_cycles", "fill_cycles", "neuron_cycles"):
        columns[name] = np.zeros(len(run.jobs), dtype=np.int64)
    columns["accumulate_cycles"] = wanted
    jobs = replace(run.jobs, columns=columns)
    return replace(run, jobs=jobs, schedule=simulate(run.architecture, jobs))


@pytest.mark.parametrize("timesteps", [1, 2, 5])
def test_one_core_without_overlap_does_one_thing_after_the_other(timesteps: int) -> None:
    chip = split_chip("cores.spike.count=1", "cores.spike.double_buffering=false")
    run = simulated(convolutions(1, timesteps).trace(), chip)
    transfers = transfer_cycles(run.jobs, chip)
    latency = 50  # 100 ns at 500 MHz
    first = latency + int(fetch_cycles(run.jobs, chip)[0]) + int(transfers["weight_cycles"][0])
    loads = int(transfers["load_dram_cycles"].sum()) + latency * timesteps
    # A job is loaded while the one before is stored: the longer of the two counts.
    stores = transfers["store_cycles"].tolist()
    load = loads // timesteps
    hidden = sum(min(load, store) for store in stores[:-1])
    compute = int(run.jobs.compute_cycles().sum())
    assert run.schedule.makespan_cycles == first + loads + compute + sum(stores) - hidden


@pytest.mark.parametrize(
    ("compute", "dram", "store", "slowest"),
    # Cycles of computing, bits of DRAM and of an activation port in a cycle; and 50 of latency.
    [
        (40, 2, 128, 50 + 144 // 2),
        (700, 2, 128, 700),
        (40, 16, 8, 32 * 36 // 8),
        (9, 4, 16, 50 + 144 // 4),
    ],
)
@pytest.mark.parametrize("timesteps", [1, 2, 3, 9])
def test_loading_computing_and_storing_take_their_fill_and_the_slowest_for_each_other_job(
    compute: int, dram: int, store: int, slowest: int, timesteps: int
) -> None:
    chip = split_chip(
        "cores.spike.count=1",
        f"storage.dram.bandwidth={dram / 16} GB/s",  # at 500 MHz
        "storage.activation_buffer.banks=4",  # one for each port
        f"storage.activation_buffer.width={store} bit",
    )
    run = with_cycles(simulated(convolutions(1, timesteps).trace(), chip), {0: compute})
    assert len(run.jobs) == timesteps
    weights = 32 * 4 * 9 * 8  # bits, over the DRAM and over a port of 128 bit a cycle
    first = 50 + weights // dram + weights // 128
    load, storing = 50 + 144 // dram, 32 * 36 // store  # a spike for each input and each output
    assert slowest == max(load, compute, storing)
    expected = first + load + compute + storing + (timesteps - 1) * slowest
    assert run.schedule.makespan_cycles == expected


@pytest.mark.parametrize(("first", "second"), [(900, 400), (400, 900), (700, 700)])
@pytest.mark.parametrize("timesteps", [1, 4, 7])
def test_a_pipeline_of_two_stages_takes_its_fill_and_its_slowest_stage_for_each_other(
    first: int, second: int, timesteps: int
) -> None:
    chip = split_chip("cores.spike.count=2", "schedule.order=pipeline")
    run = with_cycles(simulated(convolutions(2, timesteps).trace(), chip), {0: first, 1: second})
    assert run.jobs.columns["core"].tolist() == run.jobs.columns["layer"].tolist()
    columns = run.jobs.columns
    alone = np.flatnonzero(columns["timestep"] == 0)
    schedule = run.schedule
    begin = int(schedule.started[alone[0]])
    # what the first timestep needs from the start of its computing to the end of its storing
    fill = int(schedule.stored[alone[1]]) - begin
    expected = begin + fill + (timesteps - 1) * max(first, second)
    assert schedule.makespan_cycles == expected


def near_its_bound(run: Simulated, resource: str) -> float:
    """The makespan over the bound of a resource."""
    bounds = bounds_cycles(run.jobs, run.architecture)
    assert bounds[resource] == max(bounds.values())
    return run.schedule.makespan_cycles / bounds[resource]


def test_a_saturated_dram_decides_the_makespan() -> None:
    chip = split_chip("storage.dram.bandwidth=0.05 GB/s", "storage.activation_buffer.size=64 B")
    run = simulated(convolutions(2, 30).trace(), chip)
    assert 1 <= near_its_bound(run, "dram") < 1.01


def on_a_bus(chip: Architecture, link_bits: int) -> Architecture:
    noc = Noc.model_validate(
        {
            "topology": "bus",
            "link": f"{link_bits} bit",
            "hop_latency": 0,
            "hop": "0.1 pJ/b",
            "multicast": False,
            "spikes": "bitmap",
            "leakage": "1 mW",
            "area": "0.1 mm2",
            "source": "assumed, because a test",
        }
    )
    return chip.model_copy(update={"noc": noc})


def test_a_saturated_link_decides_the_makespan() -> None:
    chip = on_a_bus(split_chip("cores.spike.count=4", "storage.dram.latency=0 ns"), 1)
    run = simulated(convolutions(4, 4, channels=64).trace(), chip)
    assert 1 <= near_its_bound(run, "noc") < 1.01
