"""Jobs do exactly the work that was counted, and move exactly what they need."""

import itertools
import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from codesign.counting import count_layers
from codesign.errors import InputError
from codesign.mapping import lower, map_workload
from codesign.mapping.jobs import CYCLE_COLUMNS, MEMORY_COLUMNS, OPERATION_COLUMNS
from codesign.mapping.mapper import Plan, weight_shares
from codesign.mapping.work import input_bits
from codesign.specs.catalogue import load_architecture
from codesign.workload import SYNAPTIC, Kind, Layer, LayerType, Stream, Window
from tests.chip.small_chips import split_chip
from tests.mapping.mapped_networks import Lowered, dual_streams, lowered, single_convolutions
from tests.small_networks import DOWN, POINT, THREE, NetworkBuilder, dual_stream_network

networks = st.one_of(dual_streams(), single_convolutions())
many = settings(max_examples=60, deadline=None)


def job_table(case: Lowered) -> pd.DataFrame:
    return pd.DataFrame(case.jobs.columns)


def operation_of(case: Lowered, layer: Layer, plan: Plan) -> dict[str, list[str]]:
    """For a layer's operation, the counts that add up to it on this chip."""
    policy, mac = case.mapping.architecture.policy, case.core(plan).mac
    assert policy is not None
    kind = case.trace.workload.input_tensor(layer).kind
    if layer.type in SYNAPTIC and kind is Kind.SPIKE:
        return {"ac": ["ac_synaptic"]}
    if layer.type in SYNAPTIC and kind is Kind.INTEGER and policy.integer_input == "repeat":
        return {"ac": ["ac_repeat"]}
    if layer.type in SYNAPTIC:
        return {"mac": ["mac_nonzero" if mac and mac.zero_skipping else "mac"]}
    suffix = "_nonzero" if policy.accumulation_additions == "spikes" else ""
    pooled = "logic" if kind is Kind.SPIKE else "addition"
    return {
        LayerType.NEURON: {"neuron": ["neuron_updates"]},
        LayerType.LOGIC: {"logic": ["ac_residual"]},
        LayerType.MAX_POOL: {pooled: ["ac_pool", "mac"]},
        LayerType.AVERAGE_POOL: {"addition": ["ac_pool", "mac"]},
        LayerType.ADD: {"addition": ["ac_residual", "ac_readout", f"ac_accumulation{suffix}"]},
        LayerType.TIME_MEAN: {"addition": ["ac_readout"]},
        LayerType.RELU: {"addition": ["mac"]},
    }[layer.type]


@many
@given(case=networks)
def test_operations_summed_over_jobs_are_those_that_were_counted(case: Lowered) -> None:
    counts = count_layers(case.trace).set_index(["layer", "timestep"])
    sums = job_table(case).groupby(["layer", "timestep"])[list(OPERATION_COLUMNS)].sum()
    for plan in case.mapping.plans:
        for timestep in range(plan.geometry.timesteps):
            expected = dict.fromkeys(OPERATION_COLUMNS, 0)
            for layer in plan.fused.layers:
                for operation, names in operation_of(case, layer, plan).items():
                    expected[operation] += int(counts.loc[layer.name, timestep][names].sum())
            assert sums.loc[plan.fused.index, timestep].to_dict() == expected


@many
@given(case=networks)
def test_there_is_one_job_for_each_tile_chunk_and_timestep(case: Lowered) -> None:
    jobs = job_table(case)
    for plan in case.mapping.plans:
        mine = jobs[jobs.layer == plan.fused.index]
        places = list(zip(mine.tile, mine.chunk, mine.timestep, strict=True))
        ranges = (plan.grid.tile_count, len(plan.grid.chunks), plan.geometry.timesteps)
        assert places == list(itertools.product(*map(range, ranges)))
        assert [case.jobs.core_groups[core] for core in mine.core.unique()] == [
            plan.group
        ] * mine.core.nunique()


@many
@given(case=networks)
def test_tiles_are_dealt_to_cores_in_equal_runs(case: Lowered) -> None:
    jobs = job_table(case)
    for plan in case.mapping.plans:
        tiles = jobs[jobs.layer == plan.fused.index].drop_duplicates("tile")
        shares = tiles.groupby("core").size()
        assert tiles.core.is_monotonic_increasing
        assert len(shares) == min(case.core(plan).count, plan.grid.tile_count)
        assert shares.max() - shares.min() <= 1


@many
@given(case=networks)
def test_no_column_is_negative_and_all_are_whole(case: Lowered) -> None:
    for column in case.jobs.columns.values():
        assert column.dtype == np.int64
    counts = job_table(case)[[*OPERATION_COLUMNS, *MEMORY_COLUMNS, *CYCLE_COLUMNS]]
    assert (counts >= 0).all().all()


@many
@given(case=networks)
def test_a_core_loads_its_weights_when_its_job_before_had_others(case: Lowered) -> None:
    jobs = job_table(case)
    with_weights = jobs[jobs.block >= 0]
    loading = with_weights[with_weights.weight_bits > 0]
    held = with_weights.groupby("core").block.shift()
    assert loading.index.tolist() == with_weights.index[with_weights.block != held].tolist()
    assert (jobs.weight_bits[jobs.block < 0] == 0).all()
    assert ((jobs.weight_bits > 0) == (jobs.weight_writes > 0)).all()
    for number, block in enumerate(case.jobs.blocks):
        mine = loading[loading.block == number]
        assert len(mine) == block.loads
        assert set(mine.weight_bits) == {block.bits}
        assert set(mine.layer) == {block.layer}
        assert {case.jobs.core_groups[core] for core in mine.core} == {block.group}


def weight_bits(case: Lowered, plan: Plan) -> int:
    """Weights of 8 bit and biases of 16 bit."""
    main = plan.fused.main
    biases = plan.geometry.output_map[0] * main.bias
    return 8 * case.trace.workload.weight_count(main) + 16 * biases


@many
@given(case=networks)
def test_weights_are_fetched_once_if_the_buffer_holds_their_layer(case: Lowered) -> None:
    shares = weight_shares(case.mapping.architecture)
    for plan in case.mapping.plans:
        blocks = [block for block in case.jobs.blocks if block.layer == plan.fused.index]
        bits, fetched = weight_bits(case, plan), sum(block.bits for block in blocks)
        assert fetched >= bits
        if bits <= shares[plan.group]:
            assert fetched == bits


@many
@given(case=networks)
def test_blocks_that_the_buffer_cannot_keep_are_fetched_in_the_order_of_loading(
    case: Lowered,
) -> None:
    jobs, shares = job_table(case), weight_shares(case.mapping.architecture)
    for plan in case.mapping.plans:
        mine = jobs[(jobs.layer == plan.fused.index) & (jobs.block >= 0)]
        loaded = mine[mine.weight_bits > 0]
        if weight_bits(case, plan) > shares[plan.group]:
            for _, blocks in loaded.groupby("core").block:
                assert blocks.is_monotonic_increasing
        first = loaded.drop_duplicates(["core", "chunk"]).block  # of the first round
        assert first.groupby(loaded.core).apply(lambda each: each.is_monotonic_increasing).all()


@many
@given(case=networks)
def test_weights_of_a_layer_are_loaded_as_often_as_its_tiles_are_cut(case: Lowered) -> None:
    jobs = job_table(case)
    sums = jobs.groupby("layer").weight_bits.sum()
    for plan in case.mapping.plans:
        bits = weight_bits(case, plan)
        mine = jobs[jobs.layer == plan.fused.index]
        slice_number = mine.tile // len(plan.grid.bands)
        pairs = mine.assign(slice=slice_number).drop_duplicates(["core", "slice"])
        if len(plan.grid.chunks) == 1:  # once for each core that works on a slice
            lengths = [plan.grid.slices[number] for number in pairs.slice]
            of_one = bits // plan.geometry.output_map[0]
            assert sums[plan.fused.index] == sum((last - first) * of_one for first, last in lengths)
        else:  # every tile needs all its chunks again
            assert sums[plan.fused.index] == bits * len(plan.grid.bands)


@many
@given(case=networks)
def test_the_largest_job_fits_its_core(case: Lowered) -> None:
    jobs, shares = job_table(case), weight_shares(case.mapping.architecture)
    for plan in case.mapping.plans:
        core, mine = case.core(plan), jobs[jobs.layer == plan.fused.index]
        assert 2 * mine.weight_bits.max() <= core.weight_memory.size_bits
        assert mine.weight_bits.max() <= shares[plan.group]
        read = int(input_bits(plan).max())
        assert read == plan.geometry.input_tile_bits(plan.grid)
        memory = core.input_memory if plan.geometry.reads_windows else core.state_memory
        assert 2 * read <= memory.size_bits
        assert plan.geometry.state_bits(plan.grid) <= core.state_memory.size_bits


@many
@given(case=networks)
def test_every_result_is_stored_once_where_it_lives(case: Lowered) -> None:
    sums = job_table(case).groupby("layer")[["store_bits", "store_dram_bits"]].sum()
    for plan in case.mapping.plans:
        expected = {True: 0, False: 0}
        for name in plan.fused.stored:
            tensor = case.trace.workload.tensor_by_name[name]
            width = case.mapping.widths[name]
            expected[name in case.mapping.in_dram] += tensor.size * tensor.timesteps * width
        assert sums.loc[plan.fused.index].tolist() == [expected[False], expected[True]]


@many
@given(case=networks)
def test_needs_are_the_makers_of_what_is_read_at_the_timestep(case: Lowered) -> None:
    workload, plans = case.trace.workload, case.mapping.plans
    for (index, timestep), wanted in case.jobs.needs.items():
        layers = plans[index].fused.layers
        assert all(maker < index for maker, _ in wanted)
        for layer, name in ((each, name) for each in layers for name in each.inputs):
            maker = workload.producer_by_tensor.get(name)
            if maker is None or maker in layers:
                continue
            home = next(plan.fused.index for plan in plans if maker in plan.fused.layers)
            made = workload.tensor_by_name[name].timesteps
            at = range(made) if layer.type is LayerType.TIME_MEAN else [min(timestep, made - 1)]
            assert {(home, each) for each in at} <= set(wanted)


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
    assert jobs.accumulate_cycles.tolist() == [(4 + 9) * 2]  # a corner meets 4 taps, 9 the centre
    assert jobs.ac.tolist() == [(4 + 9) * 33]


def test_a_spike_into_a_grouped_convolution_meets_the_channels_of_its_group_alone() -> None:
    net = NetworkBuilder(timesteps=1)
    net.add_tensor("x", (3, 4, 4), Kind.SPIKE, largest=1)
    net.convolution("x", 120, replace(POINT, groups=3), name="conv")
    case = one_layer(net)
    jobs, spikes = job_table(case), int(net.arrays["x"].sum())
    assert case.plan("conv").grid.slices == ((0, 120),)
    assert jobs.ac.tolist() == [spikes * 40]
    assert jobs.accumulate_cycles.tolist() == [spikes * 2]  # 40 channels on 32 lanes


def test_a_narrow_memory_slows_the_lanes() -> None:
    net = NetworkBuilder(timesteps=1)
    net.add_tensor("x", (1, 4, 4), Kind.SPIKE, largest=1)
    net.convolution("x", 32, POINT, name="conv")
    spikes = int(net.arrays["x"].sum())
    for override, cycles in (
        ("cores.spike.weight_memory.width=16 bit", 8),  # 256 bit of weights, 2 banks
        ("cores.spike.state_memory.width=16 bit", 4),  # 512 bit of sums, 8 banks
    ):
        assert job_table(one_layer(net, override)).accumulate_cycles.tolist() == [spikes * cycles]


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


def test_the_stem_is_computed_once_and_loaded_at_every_timestep() -> None:
    case = lowered(dual_stream_network(timesteps=4), split_chip())
    jobs = job_table(case)
    stem, neurons = case.plan("stem"), case.plan("stem.sn")
    bits = 4 * 36 * 16
    stem_jobs = jobs[jobs.layer == stem.fused.index]
    assert stem_jobs.timestep.unique().tolist() == [0]
    assert stem_jobs.store_bits.sum() == bits
    mine = jobs[jobs.layer == neurons.fused.index]
    assert mine.groupby("timestep").load_bits.sum().tolist() == [bits] * 4
    for timestep in range(4):
        assert case.jobs.needs[neurons.fused.index, timestep] == ((stem.fused.index, 0),)


def test_a_mean_over_time_waits_for_all_timesteps() -> None:
    case = lowered(dual_stream_network(timesteps=3), split_chip())
    pool, mean = case.plan("spike.avgpool").fused.index, case.plan("spike.mean").fused.index
    assert case.jobs.needs[mean, 0] == ((pool, 0), (pool, 1), (pool, 2))


def test_a_tensor_outside_the_buffer_is_moved_from_and_to_dram() -> None:
    trace = dual_stream_network()
    inside = lowered(trace, split_chip())
    outside = lowered(trace, split_chip("storage.activation_buffer.size=64 B"))
    assert job_table(inside).store_dram_bits.sum() == 0
    assert job_table(inside).load_dram_bits.sum() == 3 * 144 * 16  # the image
    assert outside.mapping.in_dram > inside.mapping.in_dram
    for name in ("load", "store"):
        places = [f"{name}_bits", f"{name}_dram_bits"]
        both = [job_table(case)[places] for case in (inside, outside)]
        assert both[0].sum(axis=1).tolist() == both[1].sum(axis=1).tolist()


def test_a_job_lasts_at_least_one_cycle_and_scanning_hides_behind_accumulating() -> None:
    case = lowered(dual_stream_network(), split_chip())
    columns, cycles = case.jobs.columns, case.jobs.compute_cycles()
    longest = np.maximum(columns["scan_cycles"], columns["accumulate_cycles"])
    rest = columns["fill_cycles"] + columns["neuron_cycles"]
    assert cycles.tolist() == np.maximum(longest + rest, 1).tolist()
    assert cycles.min() >= 1


def test_spike_only_additions_leave_silent_elements_alone() -> None:
    trace = dual_stream_network(timesteps=2)
    added = [int(plane.sum()) for plane in trace.values("b1.sn2")]
    for policy, expected in (("dense", [4 * 9] * 2), ("spikes", added)):
        case = lowered(trace, split_chip(f"policy.accumulation_additions={policy}"))
        jobs = job_table(case)
        mine = jobs[jobs.layer == case.plan("b1.accumulation").fused.index]
        assert mine.groupby("timestep").addition.sum().tolist() == expected


def test_progress_names_every_fused_layer() -> None:
    case = lowered(dual_stream_network(), split_chip())
    seen: list[tuple[str, int, int]] = []
    lower(case.mapping, case.trace, lambda *state: seen.append(state))
    count = len(case.mapping.plans)
    assert seen == [("lowering", done, count) for done in range(1, count + 1)]


def test_an_average_of_spikes_takes_its_additions() -> None:
    net = NetworkBuilder(timesteps=1, rate=1.0)
    net.add_tensor("x", (512, 7, 7), Kind.SPIKE, largest=1)
    net.add_layer(LayerType.AVERAGE_POOL, ("x",), name="pool", shape=(512,), window=Window((7, 7)))
    jobs = job_table(lowered(net.trace(), split_chip("cores.spike.count=1")))
    assert jobs.addition.sum() == 512 * 49
    assert jobs.accumulate_cycles.sum() == 512 * 49 // 32


def test_a_second_neuron_layer_has_membranes_of_its_own() -> None:
    net = NetworkBuilder(timesteps=1)
    net.add_tensor("x", (4, 6, 6), Kind.SPIKE, largest=1)
    net.convolution("x", 32, THREE, name="conv")
    net.neuron("conv", name="first")
    net.neuron("first", name="second")
    jobs = job_table(lowered(net.trace(), split_chip()))
    assert jobs.groupby("layer").neuron.sum().tolist() == [32 * 36, 32 * 36]


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


def test_a_trace_of_another_workload_is_refused() -> None:
    mapping = map_workload(dual_stream_network(timesteps=1).workload, split_chip())
    with pytest.raises(InputError, match="must be of the mapped workload"):
        lower(mapping, dual_stream_network(timesteps=2))


def test_prices_alone_are_no_chip_to_map_to() -> None:
    with pytest.raises(InputError, match="paper: must have cores"):
        map_workload(dual_stream_network().workload, load_architecture("paper"))
