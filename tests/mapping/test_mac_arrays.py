"""Weight-stationary MAC arrays: by hand and by explicit loops; output-stationary ones are in
`test_work`."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from codesign.workload import Kind, Window
from tests.chip.small_chips import split_chip
from tests.mapping.mapped_networks import Lowered, job_table, lowered, single_convolutions
from tests.small_networks import DOWN, POINT, THREE, NetworkBuilder

HOLDS = "cores.accumulation.mac.dataflow=weight_stationary"
SKIPS = "cores.accumulation.mac.zero_skipping=true"


def streamed_pixels(case: Lowered, mask: NDArray[np.uint8], skips: bool) -> list[tuple[int, int]]:
    """For each job of a convolution: pixels that stream through tiles of weights, and those of
    them that begin their sums. Loops over groups, tiles, pixels and the operands on the rows."""
    plan = case.plan("conv")
    sizes, grid, window = plan.geometry, plan.grid, plan.geometry.window
    array = case.core(plan).mac
    assert array is not None
    _, height, width = sizes.input_map
    inputs, outputs = sizes.input_channels_per_group, sizes.outputs_per_group

    def holds(held: NDArray[np.uint8], pixel: tuple[int, int], row: tuple[int, int, int]) -> bool:
        channel, i, j = row
        y = pixel[0] * window.stride[0] - window.padding[0] + i * window.dilation[0]
        x = pixel[1] * window.stride[1] - window.padding[1] + j * window.dilation[1]
        return 0 <= y < height and 0 <= x < width and bool(held[channel, y, x])

    found = []
    for (low, high), band, chunk in itertools.product(grid.slices, grid.bands, grid.chunks):
        groups = sorted({channel // outputs for channel in range(low, high)})
        pixels = list(itertools.product(range(*band), range(grid.width)))
        begins = chunk[0] == 0 or grid.is_spread
        for timestep in range(sizes.timesteps):
            held = mask[min(timestep, len(mask) - 1)]
            streamed = 0
            for group in groups:
                channels = range(group * inputs + chunk[0], group * inputs + chunk[1])
                taps = range(window.kernel[0]), range(window.kernel[1])
                rows = list(itertools.product(channels, *taps))
                for first in range(0, len(rows), array.rows):
                    tile = rows[first : first + array.rows]
                    passes_all = not skips or (first == 0 and begins)
                    streamed += sum(
                        passes_all or any(holds(held, pixel, row) for row in tile)
                        for pixel in pixels
                    )
            found.append((streamed, len(pixels) * len(groups) * begins))
    return found


@given(case=single_convolutions(kinds=(Kind.REAL,), neurons=False))
@settings(max_examples=150, deadline=None)
def test_streamed_pixels_equal_loops_over_tiles_and_operands(case: Lowered) -> None:
    plan, core = case.plan("conv"), case.core(case.plan("conv"))
    array, grid = core.mac, plan.grid
    assert array is not None
    assume(array.dataflow == "weight_stationary")
    jobs = job_table(case)
    loops = streamed_pixels(case, case.trace.nonzero("x"), array.zero_skipping)
    for (_, job), (streamed, begun) in zip(jobs.iterrows(), loops, strict=True):
        first, last = grid.slices[job.tile // len(grid.bands)]
        groups = max(1, (last - first) // plan.geometry.outputs_per_group)
        channels = min(last - first, plan.geometry.outputs_per_group)
        pairs = (grid.chunks[job.chunk][1] - grid.chunks[job.chunk][0]) * plan.geometry.window.taps
        columns, rows = min(channels, array.columns), min(pairs, array.rows)
        across, down = -(-channels // array.columns), -(-pairs // array.rows)
        sums, inputs = -(-columns * 16 // 64), -(-rows * 16 // 64)
        finished = job.chunk == len(grid.chunks) - 1
        elements = (job.store_bits + job.store_dram_bits) // 16
        leaving = -(-elements * 16 // 64) if finished else 0
        assert job.input_reads == streamed * across * inputs
        assert job.weight_reads == groups * across * down * rows
        # Finished sums are read once more, and results pass the memory on their way out.
        assert job.state_writes == streamed * across * sums + leaving
        assert job.state_reads == (streamed - begun) * across * sums + 2 * leaving
        cycles = groups * across * down * array.rows + streamed * across
        assert job.accumulate_cycles == cycles + -(-leaving // core.state_memory.banks)


def test_a_tile_of_weights_by_hand() -> None:
    net = NetworkBuilder(timesteps=1)
    net.add_tensor("x", (3, 12, 12), Kind.REAL)
    net.convolution("x", 10, DOWN, name="conv")
    jobs = job_table(lowered(net.trace(), split_chip(HOLDS)))
    assert len(jobs) == 1
    # 27 channels and taps on 8 rows are 4 tiles, 10 channels on 8 columns 2: 8 tiles of 8 cycles,
    # and 36 pixels stream through each. Then 360 sums are read, 90 words from 8 banks.
    assert jobs.accumulate_cycles.tolist() == [8 * (8 + 36) + 12]
    assert jobs["mac"].tolist() == [36 * 10 * 27]
    assert jobs.weight_reads.tolist() == [8 * 8]
    assert jobs.input_reads.tolist() == [8 * 36 * 2]  # 8 inputs of 16 bit are two words
    assert jobs.state_writes.tolist() == [8 * 36 * 2 + 90]  # 8 sums of 16 bit are two words
    assert jobs.state_reads.tolist() == [6 * 36 * 2 + 90 + 90]
    slow = job_table(lowered(net.trace(), split_chip(HOLDS, "cores.accumulation.mac.rows=64")))
    # One tile of rows; 27 inputs of 16 bit are 432 bits, of 256 a cycle.
    assert slow.accumulate_cycles.tolist() == [2 * (64 + 2 * 36) + 12]


def test_a_depthwise_convolution_uses_one_column() -> None:
    net = NetworkBuilder(timesteps=1)
    net.add_tensor("x", (6, 5, 5), Kind.REAL)
    net.convolution("x", 6, replace(THREE, groups=6), name="conv")
    case = lowered(net.trace(), split_chip(HOLDS))
    tiles = 6 * 2  # 9 taps on 8 rows
    assert job_table(case).weight_reads.sum() == tiles * 8
    assert job_table(case).state_writes.sum() == tiles * 25 + -(-6 * 25 * 16 // 64)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 999), rate=st.floats(0, 1), skips=st.booleans())
def test_both_dataflows_multiply_the_same(seed: int, rate: float, *, skips: bool) -> None:
    net = NetworkBuilder(timesteps=2, seed=seed, rate=rate)
    net.add_tensor("x", (3, 7, 7), Kind.REAL)
    net.convolution("x", 9, Window((3, 3), (2, 2), (1, 1)), name="conv", bias=True)
    net.neuron("conv", name="sn")
    skipping = (SKIPS,) if skips else ()
    one, other = (
        job_table(lowered(net.trace(), split_chip(*skipping, *dataflow)))
        for dataflow in ((), (HOLDS,))
    )
    assert one["mac"].sum() == other["mac"].sum()
    assert one.neuron.sum() == other.neuron.sum()


def test_only_the_tile_that_begins_the_sums_streams_pixels_of_zeros() -> None:
    net = NetworkBuilder(timesteps=1, rate=0.0)
    net.add_tensor("x", (16, 4, 4), Kind.REAL)
    net.convolution("x", 8, POINT, name="conv")
    jobs = job_table(lowered(net.trace(), split_chip(HOLDS, SKIPS)))
    assert jobs["mac"].sum() == 0
    reading = -(-8 * 16 * 16 // 64 // 8)
    assert jobs.accumulate_cycles.sum() == 2 * 8 + 16 + reading


def test_timesteps_of_a_job_stream_through_the_same_tile() -> None:
    net = NetworkBuilder(timesteps=4)
    net.add_tensor("x", (16, 4, 4), Kind.REAL)
    net.convolution("x", 8, POINT, name="conv")
    apart, together = (
        job_table(lowered(net.trace(), split_chip(HOLDS, f"schedule.time_batch={batch}")))
        for batch in (1, 4)
    )
    assert apart.weight_reads.sum() == 4 * together.weight_reads.sum() == 4 * 2 * 8
    assert apart.input_reads.sum() == together.input_reads.sum()
    assert apart.accumulate_cycles.sum() - together.accumulate_cycles.sum() == 3 * 2 * 8


@pytest.mark.parametrize("has_neurons", [False, True])
def test_sums_of_a_whole_tile_are_in_the_state_memory_beside_the_membranes(
    has_neurons: bool,
) -> None:
    net = NetworkBuilder(timesteps=2)
    net.add_tensor("x", (4, 6, 6), Kind.REAL)
    net.convolution("x", 8, THREE, name="conv")
    if has_neurons:
        net.neuron("conv", name="sn")
    case = lowered(net.trace(), split_chip(HOLDS))
    plan = case.plan("conv")
    elements = plan.grid.largest_tile
    stored = 1 if has_neurons else 16
    expected = elements * (16 * (1 + has_neurons) + stored)
    assert plan.geometry.at_work_bits(plan.grid) == expected


def test_the_mapper_expects_what_a_dense_layer_takes() -> None:
    net = NetworkBuilder(timesteps=3)
    net.add_tensor("x", (16, 8, 8), Kind.REAL)
    net.convolution("x", 16, THREE, name="conv")
    case = lowered(net.trace(), split_chip(HOLDS, "cores.accumulation.count=1"))
    plan, jobs = case.plan("conv"), job_table(case)
    reading = -(-16 * 64 * 16 // 64 // 8)  # the sums, on their way out, are no part of it
    assert len(jobs) == 3
    assert plan.expected_cycles == case.jobs.compute_cycles().sum() - 3 * reading
