"""Gathering lanes: weights that pixels share, by hand and by explicit loops."""

import itertools

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from codesign.mapping.geometry import Work
from codesign.workload import Kind
from tests.chip.small_chips import split_chip
from tests.mapping.mapped_networks import Lowered, job_table, lowered, single_convolutions
from tests.mapping.test_products import sums_read_cycles
from tests.small_networks import POINT, THREE, NetworkBuilder

many = settings(max_examples=80, deadline=None)


def gathering(pixels: int, *overrides: str) -> tuple[str, ...]:
    spike = "cores.spike.spike"
    return (f"{spike}.dataflow=gather", f"{spike}.pixels={pixels}", *overrides)


def vectors_of_jobs(case: Lowered, pixels: int) -> list[int]:
    """Vectors of weights that each job of a convolution adds: loops over pixels and taps."""
    plan = case.plan("conv")
    sizes, grid, window = plan.geometry, plan.grid, plan.geometry.window
    values = case.trace.values("x")
    _, height, width = sizes.input_map
    inputs, outputs = sizes.input_channels_per_group, sizes.outputs_per_group
    found = []
    for (low, high), band, chunk in itertools.product(grid.slices, grid.bands, grid.chunks):
        places = list(itertools.product(range(*band), range(grid.width)))
        groups = sorted({channel // outputs for channel in range(low, high)})
        channels = [group * inputs + n for group in groups for n in range(*chunk)]
        taps = list(itertools.product(range(window.kernel[0]), range(window.kernel[1])))
        for timestep in range(sizes.timesteps):
            held, added = values[min(timestep, len(values) - 1)], 0
            for first, channel, (i, j) in itertools.product(
                range(0, len(places), pixels), channels, taps
            ):
                most = 0
                for row, column in places[first : first + pixels]:
                    y = row * window.stride[0] - window.padding[0] + i * window.dilation[0]
                    x = column * window.stride[1] - window.padding[1] + j * window.dilation[1]
                    if 0 <= y < height and 0 <= x < width:
                        most = max(most, int(held[channel, y, x]))
                added += most
            found.append(added)
    return found


@many
@given(case=single_convolutions(kinds=(Kind.SPIKE, Kind.INTEGER), neurons=False))
def test_vectors_that_pixels_share_equal_loops_over_pixels_and_taps(case: Lowered) -> None:
    plan, core = case.plan("conv"), case.core(case.plan("conv"))
    assume(plan.geometry.work is Work.ACCUMULATE and core.spike and core.spike.pixels)
    assert core.spike
    assert core.spike.pixels
    jobs = job_table(case)
    side_by_side = core.spike.lanes // core.spike.pixels
    for (_, job), added in zip(
        jobs.iterrows(), vectors_of_jobs(case, core.spike.pixels), strict=True
    ):
        first, last = plan.grid.slices[job.tile // len(plan.grid.bands)]
        channels = min(last - first, plan.geometry.outputs_per_group)
        parts = [min(side_by_side, channels - start) for start in range(0, channels, side_by_side)]
        words = sum(-(-part * 8 // core.weight_memory.width_bits) for part in parts)
        cycles = sum(-(-part * 8 // core.weight_memory.bits_per_cycle) for part in parts)
        assert job.weight_reads == added * words
        waiting = 0
        if len(plan.grid.chunks) > 1 and not plan.grid.is_spread:
            rows = plan.grid.bands[job.tile % len(plan.grid.bands)]
            timesteps = min(plan.geometry.batch, plan.geometry.timesteps - job.timestep)
            sums = (last - first) * (rows[1] - rows[0]) * plan.grid.width * timesteps
            waiting = sums_read_cycles(sums, core)
        assert job.accumulate_cycles == max(added * len(parts), added * cycles) + waiting


def test_four_pixels_by_hand() -> None:
    net = NetworkBuilder(timesteps=1)
    net.add_tensor("x", (1, 1, 8), Kind.SPIKE, largest=1)
    net.convolution("x", 10, POINT, name="conv")
    net.arrays["x"][0, 0, 0] = [1, 0, 1, 1, 0, 0, 0, 0]
    jobs = job_table(lowered(net.trace(), split_chip("cores.spike.count=1", *gathering(4))))
    assert len(jobs) == 1
    # One of two groups of pixels has spikes; 10 channels are 8 lanes and 2.
    assert jobs.accumulate_cycles.tolist() == [2]
    assert jobs.weight_reads.tolist() == [2]
    assert jobs.ac.tolist() == [3 * 10]
    staged = -(-10 * 8 * 16 // 64)  # the results, on their way out: no sum is read or written
    assert jobs.state_reads.tolist() == jobs.state_writes.tolist() == [staged]
    assert jobs.input_reads.tolist() == [1]  # 8 bits, twice
    assert jobs.scan_cycles.tolist() == [1]


def test_of_repeated_integers_the_largest_of_a_group_decides() -> None:
    net = NetworkBuilder(timesteps=1)
    net.add_tensor("x", (1, 1, 8), Kind.INTEGER, largest=5)
    net.convolution("x", 8, POINT, name="conv")
    net.arrays["x"][0, 0, 0] = [1, 0, 3, 2, 0, 5, 0, 0]
    chip = split_chip("cores.spike.count=1", "policy.integer_input=repeat", *gathering(4))
    jobs = job_table(lowered(net.trace(), chip))
    assert jobs.accumulate_cycles.sum() == 3 + 5
    assert jobs.ac.sum() == 8 * 11


@many
@given(seed=st.integers(0, 999), rate=st.floats(0, 1), pixels=st.sampled_from([1, 2, 8, 32]))
def test_vectors_are_at_most_those_scattered_and_at_least_these_over_the_pixels(
    seed: int, rate: float, pixels: int
) -> None:
    net = NetworkBuilder(timesteps=2, seed=seed, rate=rate)
    net.add_tensor("x", (3, 6, 6), Kind.SPIKE, largest=1)
    net.convolution("x", 1, THREE, name="conv")
    net.neuron("conv", name="sn")
    one = "cores.spike.count=1"
    scattered = job_table(lowered(net.trace(), split_chip(one)))
    gathered = job_table(lowered(net.trace(), split_chip(one, *gathering(pixels))))
    assert gathered.ac.sum() == scattered.ac.sum()
    by_timestep = [each.groupby("timestep") for each in (scattered, gathered)]
    most, found = (each.accumulate_cycles.sum().to_numpy() for each in by_timestep)
    assert (found <= most).all()
    assert (found * pixels >= most).all()
    if pixels == 1:
        assert found.tolist() == most.tolist()


def test_silence_costs_no_accumulation_and_only_membranes_pass_the_state_memory() -> None:
    net = NetworkBuilder(timesteps=2, rate=0.0)
    net.add_tensor("x", (3, 6, 6), Kind.SPIKE, largest=1)
    net.convolution("x", 32, THREE, name="conv")
    net.neuron("conv", name="sn")
    jobs = job_table(lowered(net.trace(), split_chip(*gathering(4))))
    assert jobs.ac.sum() == jobs.accumulate_cycles.sum() == jobs.weight_reads.sum() == 0
    loud = NetworkBuilder(timesteps=2, rate=1.0, tensors=net.tensors, layers=net.layers)
    loud.arrays = {name: np.ones_like(values) for name, values in net.arrays.items()}
    others = job_table(lowered(loud.trace(), split_chip(*gathering(4))))
    assert others.ac.sum() > 0
    assert others.state_reads.tolist() == jobs.state_reads.tolist()
    assert others.state_writes.tolist() == jobs.state_writes.tolist()


@pytest.mark.parametrize("pixels", [1, 4])
def test_sums_wait_in_the_state_memory_between_chunks_only(pixels: int) -> None:
    net = NetworkBuilder(timesteps=2)
    net.add_tensor("x", (6, 4, 4), Kind.SPIKE, largest=1)
    net.convolution("x", 8, POINT, name="conv")
    chip = split_chip("cores.spike.weight_memory.size=32 B", *gathering(pixels))
    case = lowered(net.trace(), chip)
    jobs, count = job_table(case), len(case.plan("conv").grid.chunks)
    assert count > 1
    result = 2 * 8 * 16 * 16 // 64  # both timesteps, 16 bit
    assert jobs.state_writes.sum() == jobs.state_reads.sum() == result * (count - 1) + result


@pytest.mark.parametrize("rate", [0.3, 1.0])
def test_timesteps_of_a_job_share_the_weights_that_they_read(rate: float) -> None:
    net = NetworkBuilder(timesteps=3, seed=2, rate=rate)
    net.add_tensor("x", (3, 6, 6), Kind.SPIKE, largest=1)
    net.convolution("x", 8, THREE, name="conv")
    net.neuron("conv", name="sn")
    one = ("cores.spike.count=1", "schedule.time_batch=3")
    together = job_table(lowered(net.trace(), split_chip(*one, *gathering(4))))
    apart = job_table(lowered(net.trace(), split_chip(one[0], *gathering(4))))
    assert together.ac.sum() == apart.ac.sum()
    assert together.accumulate_cycles.sum() == apart.accumulate_cycles.sum()
    assert len(together) == 1
    if rate == 1:  # all need all
        assert together.weight_reads.sum() == apart.weight_reads.max()
    else:
        assert apart.weight_reads.max() < together.weight_reads.sum() < apart.weight_reads.sum()


def test_the_mapper_cuts_channels_into_what_the_lanes_beside_each_other_hold() -> None:
    net = NetworkBuilder(timesteps=1)
    net.add_tensor("x", (16, 4, 4), Kind.SPIKE, largest=1)
    net.convolution("x", 64, THREE, name="conv")
    net.neuron("conv", name="sn")
    chip = split_chip("cores.spike.count=8", "schedule.partition=output_channels", *gathering(4))
    grid = lowered(net.trace(), chip).plan("conv").grid
    assert {last - first for first, last in grid.slices} == {8}  # 32 lanes for 4 pixels
