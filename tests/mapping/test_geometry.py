"""Sizes of fused layers, and what of them fits which memory, by hand."""

import pytest

from codesign.mapping.fusion import fuse
from codesign.mapping.geometry import Geometry, Work, needs_of
from codesign.mapping.tiling import Grid, cut, cut_by
from codesign.workload import Kind, Stream, Window
from tests.chip.small_chips import split_chip, unified_chip
from tests.mapping.mapped_networks import sizes_on
from tests.small_networks import THREE, NetworkBuilder, dual_stream_network

CHIP = split_chip()
SPIKE = CHIP.cores["spike"]


def sizes(name: str, *overrides: str, timesteps: int = 2) -> Geometry:
    """Of one fused layer of a dual-stream network with 4 channels."""
    workload = dual_stream_network(timesteps=timesteps).workload
    fused = next(each for each in fuse(workload) if each.name == name)
    return sizes_on(workload, fused, split_chip(*overrides))


def test_a_block_with_neurons_and_an_operand() -> None:
    assert sizes("b1.conv2") == Geometry(
        work=Work.ACCUMULATE,
        input_map=(4, 3, 3),
        output_map=(4, 3, 3),
        window=THREE,
        timesteps=2,
        input_timesteps=1,
        input_bits=1,
        weight_bits=8,
        bias_bits=0,
        sum_bits=16,
        has_neurons=True,
        operand_bits=1,  # the identity
        stored_bits=2,  # s for the accumulation stream, o for the next block
        waiting_timesteps=2,
    )


def test_the_stem_is_computed_once_from_pixels() -> None:
    stem = sizes("stem", timesteps=4)
    assert (stem.work, stem.timesteps, stem.input_bits) == (Work.MULTIPLY, 1, 16)
    assert (stem.has_neurons, stem.operand_bits, stem.stored_bits) == (False, 0, 16)
    neurons = sizes("stem.sn", timesteps=4)
    assert (neurons.work, neurons.timesteps, neurons.has_neurons) == (Work.ELEMENT_WISE, 4, True)
    assert (neurons.input_bits, neurons.weight_bits, neurons.sum_bits) == (16, 0, 16)
    assert not neurons.reads_windows


def test_a_mean_reads_all_timesteps_at_once_and_a_linear_layer_is_one_pixel() -> None:
    mean, linear = sizes("spike.mean", timesteps=4), sizes("spike.fc", timesteps=4)
    assert (mean.timesteps, mean.input_timesteps) == (1, 4)
    assert (linear.input_map, linear.output_map) == ((8, 1, 1), (10, 1, 1))
    assert linear.window == Window((1, 1))
    assert linear.block_bits(10, 8) == 10 * 8 * 8


def test_a_depthwise_layer_has_one_channel_in_a_group() -> None:
    depthwise = sizes("b2.pool.depthwise")
    assert depthwise.input_bits == 2  # the pool's spikes and one block's: 0 to 2
    assert (depthwise.input_channels_per_group, depthwise.outputs_per_group) == (1, 1)
    assert depthwise.input_channels(3, 1) == 3
    assert depthwise.block_bits(3, 1) == 3 * 9 * 8


@pytest.mark.parametrize(
    ("kind", "policy", "expected"),
    [
        (Kind.SPIKE, "mac", Work.ACCUMULATE),
        (Kind.SPIKE, "repeat", Work.ACCUMULATE),
        (Kind.INTEGER, "mac", Work.MULTIPLY),
        (Kind.INTEGER, "repeat", Work.ACCUMULATE),
        (Kind.REAL, "mac", Work.MULTIPLY),
        (Kind.REAL, "repeat", Work.MULTIPLY),
    ],
)
@pytest.mark.parametrize("stream", Stream)
def test_work_follows_from_kind_and_policy_alone(
    kind: Kind, policy: str, expected: Work, stream: Stream
) -> None:
    net = NetworkBuilder()
    net.add_tensor("x", (1, 4, 4), kind, largest=1 if kind is Kind.INTEGER else None)
    net.convolution("x", 2, THREE, stream=stream)
    for chip in (split_chip, unified_chip):
        architecture = chip(f"policy.integer_input={policy}")
        workload = net.workload()
        assert sizes_on(workload, fuse(workload)[0], architecture).work is expected


def test_the_input_of_a_band_includes_the_rows_above_and_below() -> None:
    block = sizes("b1.conv2")
    whole = Grid(cut(3, 1), cut_by(4, 4), cut(4, 1), width=3)
    rows = Grid(cut(3, 3), cut_by(4, 2), cut(4, 2), width=3)
    assert block.input_tile_bits(whole) == 4 * 3 * 3
    assert block.input_tile_bits(rows) == 2 * 3 * 3  # the middle row needs all three


def test_state_by_hand() -> None:
    whole = Grid(cut(3, 1), cut_by(4, 4), cut(4, 1), width=3)
    chunked = Grid(cut(3, 3), cut_by(4, 2), cut(4, 2), width=3)
    block = sizes("b1.conv2")
    assert block.state_bits(whole) == 36 * (16 + 2 * 3)
    # Sums of both timesteps wait for the second chunk, beside the membranes.
    assert block.state_bits(chunked) == 2 * 3 * (3 * 16 + 2 * 3)
    pointwise = sizes("b2.pool.pointwise")  # real: sums stay in the array; s, and a + s of 17 bit
    grid = Grid(cut(2, 1), cut_by(8, 8), cut(4, 1), width=2)
    in_chunks = Grid(cut(2, 1), cut_by(8, 8), cut(4, 2), width=2)
    assert pointwise.state_bits(grid) == 32 * 2 * (1 + 17)
    assert pointwise.state_bits(in_chunks) == 32 * (2 * 16 + 2 * (1 + 17))
    neurons = sizes("stem.sn")  # its input is staged beside its result
    grid = Grid(cut(6, 1), cut_by(4, 4), cut(4, 1), width=6)
    assert neurons.state_bits(grid) == 144 * (16 + 2 * (1 + 16))


def test_needs_name_every_memory_that_overflows() -> None:
    block = sizes("b1.conv2")
    grid = Grid(cut(3, 1), cut_by(4, 4), cut(4, 1), width=3)
    weights, inputs, state = 4 * 4 * 9 * 8, 36, 36 * 22
    assert needs_of(block, grid, SPIKE, share=weights) == []
    assert needs_of(block, grid, SPIKE, share=weights - 1) == [
        ("weight_buffer", weights, weights - 1)
    ]
    small = split_chip(
        "cores.spike.weight_memory.size=256 B",
        "cores.spike.input_memory.banks=1",
        "cores.spike.input_memory.width=8 bit",
        "cores.spike.input_memory.size=64 bit",
        "cores.spike.state_memory.size=64 B",
    ).cores["spike"]
    assert needs_of(block, grid, small, share=weights) == [
        ("weight_memory", 2 * weights, 256 * 8),
        ("input_memory", 2 * inputs, 64),
        ("state_memory", state, 64 * 8),
    ]


def test_an_element_wise_layer_needs_no_input_memory() -> None:
    neurons = sizes("stem.sn")
    grid = Grid(cut(6, 1), cut_by(4, 4), cut(4, 1), width=6)
    bits = neurons.state_bits(grid)
    held = split_chip(
        "cores.spike.input_memory.size=32 B",
        f"cores.spike.state_memory.size={-(-bits // 512) * 64} B",
    ).cores["spike"]
    assert 2 * neurons.input_tile_bits(grid) > held.input_memory.size_bits
    assert needs_of(neurons, grid, held, share=0) == []
