"""Cycles and memory accesses of jobs, by hand and by explicit loops over pixels and taps."""

import itertools
import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from codesign.mapping.jobs import OPERATION_COLUMNS
from codesign.workload import Kind, LayerType, Stream, Window
from tests.chip.small_chips import split_chip
from tests.mapping.mapped_networks import (
    Lowered,
    dual_streams,
    job_table,
    lowered,
    single_convolutions,
)
from tests.small_networks import DOWN, POINT, THREE, NetworkBuilder

networks = st.one_of(dual_streams(), single_convolutions())
many = settings(max_examples=60, deadline=None)


def one_layer(net: NetworkBuilder, *overrides: str) -> Lowered:
    return lowered(net.trace(), split_chip("cores.spike.count=1", *overrides))


def test_accumulate_cycles_are_pairs_times_vectors_of_lanes() -> None:
    net = NetworkBuilder(timesteps=3, seed=5)
    net.add_tensor("x", (4, 6, 6), Kind.SPIKE, largest=1)
    net.convolution("x", 70, POINT, name="conv")
    net.neuron("conv", name="sn")
    jobs = job_table(one_layer(net, "cores.spike.spike.scan=16 bit"))
    spikes = net.arrays["x"].sum(axis=(1, 2, 3))
    per_timestep = jobs.groupby("timestep")
    assert jobs.tile.nunique() == 1
    # 70 channels on 32 lanes are 3 vectors; 16-bit sums: 512 bit a cycle, 3 words of 8 banks.
    assert per_timestep.accumulate_cycles.sum().tolist() == (spikes * 3).tolist()
    assert per_timestep.ac.sum().tolist() == (spikes * 70).tolist()
    assert per_timestep.weight_reads.sum().tolist() == (spikes * 5).tolist()  # 560 / 128 bit
    neurons = 70 * 36
    membranes = -(-neurons * 16 // 64)
    staged = -(-neurons // 64)  # a spike for each neuron on its way out
    expected = spikes * 18 + membranes + staged  # 1,120 / 64 bit
    assert per_timestep.state_reads.sum().tolist() == expected.tolist()
    assert per_timestep.state_writes.sum().tolist() == expected.tolist()
    assert set(jobs.scan_cycles) == {4 * 36 // 16}
    assert set(jobs.neuron_cycles) == {-(-neurons // 32)}
    assert set(jobs.fill_cycles) == {4}
    assert set(jobs.input_reads) == set(jobs.input_writes) == {-(-4 * 36 // 64)}


def test_accumulate_cycles_of_a_three_by_three_kernel_by_hand() -> None:
    net = NetworkBuilder(timesteps=1)
    net.add_tensor("x", (1, 3, 3), Kind.SPIKE, largest=1)
    net.convolution("x", 33, THREE, name="conv")
    net.arrays["x"][:] = 0
    net.arrays["x"][0, 0, 0, 0] = net.arrays["x"][0, 0, 1, 1] = 1
    jobs = job_table(one_layer(net))
    assert jobs.tile.nunique() == 1
    reading = -(-(33 * 9 * 16 // 64 + 1) // 8)  # the sums, on their way out: 8 banks of 64 bit
    # A corner meets 4 taps, the centre 9.
    assert jobs.accumulate_cycles.tolist() == [(4 + 9) * 2 + reading]
    assert jobs.ac.tolist() == [(4 + 9) * 33]


def test_a_spike_into_a_grouped_convolution_meets_the_channels_of_its_group_alone() -> None:
    net = NetworkBuilder(timesteps=1)
    net.add_tensor("x", (3, 4, 4), Kind.SPIKE, largest=1)
    net.convolution("x", 120, replace(POINT, groups=3), name="conv")
    case = one_layer(net)
    jobs, spikes = job_table(case), int(net.arrays["x"].sum())
    assert case.plan("conv").grid.slices == ((0, 120),)
    assert jobs.ac.tolist() == [spikes * 40]
    reading = 120 * 16 * 16 // 64 // 8  # the sums, on their way out
    assert jobs.accumulate_cycles.tolist() == [spikes * 2 + reading]  # 40 channels on 32 lanes


def test_a_narrow_memory_slows_the_lanes() -> None:
    net = NetworkBuilder(timesteps=1)
    net.add_tensor("x", (1, 4, 4), Kind.SPIKE, largest=1)
    net.convolution("x", 32, POINT, name="conv")
    spikes = int(net.arrays["x"].sum())
    sums = 32 * 16 * 16  # bits, on their way out
    for override, cycles, reading in (
        # 256 bit of weights through 2 banks, then 512 bit of sums through 8.
        ("cores.spike.weight_memory.width=16 bit", 8, sums // 64 // 8),
        ("cores.spike.state_memory.width=16 bit", 4, sums // 16 // 8),
    ):
        found = job_table(one_layer(net, override)).accumulate_cycles.tolist()
        assert found == [spikes * cycles + reading]


def fullest_columns(case: Lowered, mask: NDArray[np.uint8]) -> list[int]:
    """Cycles of each job of a zero-skipping convolution: loops over pixels, groups and taps."""
    plan = case.plan("conv")
    sizes, grid, window = plan.geometry, plan.grid, plan.geometry.window
    array = case.core(plan).mac
    assert array is not None
    _, height, width = sizes.input_map
    inputs, outputs = sizes.input_channels_per_group, sizes.outputs_per_group

    def operands(timestep: int, pixel: tuple[int, int], channels: range) -> int:
        found = 0
        for i, j in itertools.product(range(window.kernel[0]), range(window.kernel[1])):
            y = pixel[0] * window.stride[0] - window.padding[0] + i * window.dilation[0]
            x = pixel[1] * window.stride[1] - window.padding[1] + j * window.dilation[1]
            if 0 <= y < height and 0 <= x < width:
                found += sum(int(mask[timestep, channel, y, x]) for channel in channels)
        return found

    cycles = []
    for (low, high), band, chunk in itertools.product(grid.slices, grid.bands, grid.chunks):
        groups = sorted({channel // outputs for channel in range(low, high)})
        passes = -(-min(high - low, outputs) // array.rows)
        pixels = list(itertools.product(range(*band), range(grid.width)))
        for timestep in range(sizes.timesteps):
            total = 0
            for group in groups:
                channels = range(group * inputs + chunk[0], group * inputs + chunk[1])
                for start in range(0, len(pixels), array.columns):
                    together = pixels[start : start + array.columns]
                    held = min(timestep, len(mask) - 1)
                    total += max(operands(held, pixel, channels) for pixel in together)
            cycles.append(total * passes)
    return cycles


@given(case=single_convolutions(kinds=(Kind.REAL,)))
@settings(max_examples=100, deadline=None)
def test_multiply_cycles_equal_loops_over_pixels_and_taps(case: Lowered) -> None:
    plan, core = case.plan("conv"), case.core(case.plan("conv"))
    jobs = job_table(case)
    mine = jobs[jobs.layer == plan.fused.index]
    assert core.mac is not None
    assume(core.mac.dataflow == "output_stationary")
    mask = case.trace.nonzero("x")
    dense = np.ones_like(mask)
    on_array = np.array(fullest_columns(case, mask if core.mac.zero_skipping else dense))
    fetching = -(-mine.weight_reads // core.weight_memory.banks)
    expected = np.maximum(on_array, fetching) + parking_cycles(case, mine)
    if core.mac.zero_skipping or plan.geometry.window.padding == (0, 0):
        assert mine.accumulate_cycles.tolist() == expected.tolist()
    else:  # padding is multiplied too
        assert (mine.accumulate_cycles >= on_array + parking_cycles(case, mine)).all()


def parking_cycles(case: Lowered, jobs: pd.DataFrame) -> list[int]:
    """Cycles in which the sums of each job's tile pass the state memory, if chunks part them."""
    plan = case.plan("conv")
    grid, memory = plan.grid, case.core(plan).state_memory
    if len(grid.chunks) == 1:
        return [0] * len(jobs)
    cycles = []
    for tile in jobs.tile:
        first, last = grid.slices[tile // len(grid.bands)]
        top, bottom = grid.bands[tile % len(grid.bands)]
        sums = (last - first) * (bottom - top) * grid.width * plan.geometry.sum_bits
        words = math.ceil(sums / memory.width_bits)
        cycles.append(math.ceil(words / memory.banks))
    return cycles


def test_a_dense_array_by_hand() -> None:
    net = NetworkBuilder(timesteps=1)
    net.add_tensor("x", (3, 12, 12), Kind.REAL)
    net.convolution("x", 10, DOWN, name="conv")
    case = lowered(net.trace(), split_chip())
    jobs = job_table(case)
    assert jobs.tile.nunique() == 1
    # 36 pixels on 8 columns are 5 groups, 10 channels on 8 rows 2 passes, 27 taps and inputs.
    assert jobs.accumulate_cycles.tolist() == [5 * 2 * 27]
    assert jobs["mac"].tolist() == [36 * 10 * 27]
    assert jobs.weight_reads.tolist() == [5 * 2 * 27]  # 8 weights are half a word
    assert jobs.input_reads.tolist() == [5 * 2 * 27 * 2]  # 8 inputs of 16 bit are two words
    assert jobs.input_writes.tolist() == [3 * 12 * 12 * 16 // 64]
    slow = lowered(net.trace(), split_chip("cores.accumulation.input_memory.width=16 bit"))
    assert job_table(slow).accumulate_cycles.tolist() == [5 * 2 * 27 * 2]  # 128 of 64 bit a cycle


@pytest.mark.parametrize("is_held", [False, True])
@pytest.mark.parametrize("timesteps", [2, 3, 4])
def test_skipping_zeros_where_there_are_none_takes_an_array_as_long_as_doing_all(
    timesteps: int, is_held: bool
) -> None:
    net = NetworkBuilder(timesteps, rate=1.0)
    net.add_tensor("x", (1, 3, 3), Kind.REAL, static=is_held)  # 9 pixels, on 8 columns
    net.convolution("x", 8, POINT, name="conv", static=False)
    dense, skipping = (
        job_table(
            lowered(
                net.trace(),
                split_chip(
                    "schedule.time_batch=2",
                    "cores.accumulation.weight_memory.banks=64",
                    f"cores.accumulation.mac.zero_skipping={skips}",
                ),
            )
        )
        for skips in ("false", "true")
    )
    for name in ("mac", "accumulate_cycles", "input_reads"):
        assert skipping[name].tolist() == dense[name].tolist()


@pytest.mark.parametrize("kind", [Kind.SPIKE, Kind.REAL])
@pytest.mark.parametrize("skips", ["true", "false"])
@pytest.mark.parametrize("places", [(5,), (2, 3)])
@pytest.mark.parametrize("memory", ["128 B", "64 KiB"])
def test_a_linear_layer_uses_the_same_weights_at_every_place(
    kind: Kind, skips: str, places: tuple[int, ...], memory: str
) -> None:
    net = NetworkBuilder(timesteps=2)
    net.add_tensor("x", (*places, 8), kind, largest=1 if kind is Kind.SPIKE else None)
    net.add_tensor("s", (*places, 20), Kind.SPIKE, largest=1)
    accumulation = {"stream": Stream.ACCUMULATION}
    net.add_layer(LayerType.LINEAR, ("x",), name="fc", shape=(*places, 20), **accumulation)
    net.add_layer(LayerType.ADD, ("fc", "s"), name="sum", **accumulation)
    case = lowered(
        net.trace(),
        split_chip(
            f"cores.accumulation.mac.zero_skipping={skips}",
            "policy.accumulation_additions=spikes",
            f"cores.spike.weight_memory.size={memory}",
            f"cores.accumulation.weight_memory.size={memory}",
        ),
    )
    sums = job_table(case)[list(OPERATION_COLUMNS)].sum()
    place_count = int(np.prod(places))
    operands = (
        int(net.arrays["x"].sum()) if kind is Kind.SPIKE else int((net.arrays["x"] > 0).sum())
    )
    dense = kind is Kind.REAL and skips == "false"
    expected = 2 * place_count * 8 * 20 if dense else operands * 20
    assert sums["ac" if kind is Kind.SPIKE else "mac"] == expected
    assert sums["addition"] == net.arrays["s"].sum()
    grid = case.plan("fc").grid
    assert grid.slices[-1][1] == 20
    assert grid.chunks[-1][1] == 8
    assert grid.bands[-1][1] == place_count
    assert case.plan("fc").geometry.block_bits(20, 8) == 20 * 8 * 8


def test_sums_wait_in_the_state_memory_between_chunks() -> None:
    net = NetworkBuilder(timesteps=2)
    net.add_tensor("x", (6, 4, 4), Kind.REAL)
    net.convolution("x", 8, POINT, name="conv")
    case = lowered(
        net.trace(),
        split_chip(
            "cores.accumulation.weight_memory.size=32 B",  # 2 x 8 outputs x 2 inputs
            "cores.accumulation.state_memory.size=2 KiB",
        ),
    )
    jobs, grid = job_table(case), case.plan("conv").grid
    assert len(grid.chunks) > 1
    result = 2 * 8 * 16 * 16 // 64  # both timesteps, 16 bit
    between = result * (len(grid.chunks) - 1)
    assert jobs.state_writes.sum() == jobs.state_reads.sum() == between + result  # and its output


def test_an_average_of_spikes_takes_its_additions() -> None:
    net = NetworkBuilder(timesteps=1, rate=1.0)
    net.add_tensor("x", (512, 7, 7), Kind.SPIKE, largest=1)
    net.add_layer(LayerType.AVERAGE_POOL, ("x",), name="pool", shape=(512,), window=Window((7, 7)))
    jobs = job_table(lowered(net.trace(), split_chip("cores.spike.count=1")))
    assert jobs.addition.sum() == 512 * 49
    assert jobs.accumulate_cycles.sum() == 512 * 49 // 32


def test_sums_that_chunks_keep_apart_are_read_once_more() -> None:
    net = NetworkBuilder(timesteps=1, rate=0.0)
    net.add_tensor("x", (64, 6, 6), Kind.SPIKE, largest=1)
    net.convolution("x", 32, THREE, name="conv")
    net.neuron("conv", name="sn")
    reads = []
    for size in ("64 KiB", "8 KiB"):
        chip = split_chip("cores.spike.count=1", f"cores.spike.weight_memory.size={size}")
        jobs = job_table(lowered(net.trace(), chip))
        assert (jobs.chunk.max() > 0) == (size == "8 KiB")
        reads.append(int(jobs.state_reads.sum()))
    assert reads[1] - reads[0] == 32 * 36 * 16 // 64


@pytest.mark.parametrize("group", ["weight", "input"])
@given(case=single_convolutions(), narrow=st.integers(1, 3))
@settings(max_examples=60, deadline=None)
def test_no_memory_is_read_faster_than_its_banks_allow(
    group: str, case: Lowered, narrow: int
) -> None:
    chip = case.mapping.architecture
    for name, core in chip.cores.items():
        memory = getattr(core, f"{group}_memory")
        slow = memory.model_copy(update={"banks": 1, "width_bits": 8 * narrow})
        slower = core.model_copy(update={f"{group}_memory": slow})
        chip = chip.model_copy(update={"cores": chip.cores | {name: slower}})
    jobs = lowered(case.trace, chip).jobs
    assert (jobs.columns[f"{group}_reads"] <= jobs.compute_cycles()).all()


def element_wise(layer: str) -> NetworkBuilder:
    net = NetworkBuilder(timesteps=1)
    net.add_tensor("r", (32, 8, 8), Kind.REAL)
    if layer == "neuron":
        net.neuron("r", name="out")
    elif layer == "relu":
        net.add_layer(LayerType.RELU, ("r",), name="out")
    elif layer == "mean":
        net.add_layer(LayerType.TIME_MEAN, ("r",), name="out", static=True)
    else:
        window = Window((8, 8), (8, 8))
        net.add_layer(LayerType.AVERAGE_POOL, ("r",), name="out", shape=(32, 1, 1), window=window)
    return net


@pytest.mark.parametrize(
    ("layer", "memory", "cycles"),
    # 2,048 values of 16 bit through one bank of 16 bit; neurons read as many membranes as well.
    [
        ("neuron", "state", 4096),
        ("relu", "state", 2048),
        ("mean", "state", 2048),
        ("pool", "input", 2048),
    ],
)
def test_an_element_wise_layer_waits_for_what_it_reads(
    layer: str, memory: str, cycles: int
) -> None:
    case = one_layer(
        element_wise(layer),
        f"cores.spike.{memory}_memory.banks=1",
        f"cores.spike.{memory}_memory.width=16 bit",
    )
    assert case.jobs.compute_cycles().sum() == cycles


def test_the_bias_of_each_channel_is_loaded_with_the_last_chunk_and_read_once_a_job() -> None:
    reads, bits = [], []
    for bias in (False, True):
        net = NetworkBuilder(timesteps=3)
        net.add_tensor("x", (4, 6, 6), Kind.SPIKE, largest=1)
        net.convolution("x", 32, THREE, name="conv", bias=bias)
        net.neuron("conv", name="sn")
        jobs = job_table(one_layer(net))
        reads.append(int(jobs.weight_reads.sum()))
        bits.append(int(jobs.weight_bits.sum()))
    assert bits[1] - bits[0] == 32 * 16
    assert reads[1] - reads[0] == 3 * 32 * 16 // 128  # 128-bit words, at three timesteps
