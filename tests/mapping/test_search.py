"""The chosen cut fits, covers its layer, and is refused only when nothing fits."""

from itertools import chain

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codesign.errors import CapacityError
from codesign.fanout import Band
from codesign.mapping import map_workload
from codesign.mapping.expected_cycles import Loads, Site
from codesign.mapping.fusion import fuse
from codesign.mapping.geometry import Work, needs_of
from codesign.mapping.planning import surroundings, weight_shares
from codesign.mapping.search import best_grid
from codesign.mapping.tiling import Grid
from codesign.specs.architecture import Architecture
from codesign.workload import Kind, LayerType, Stream, Window, Workload
from tests.chip.small_chips import split_chip, unified_chip
from tests.mapping.mapped_networks import (
    Lowered,
    dual_streams,
    single_convolutions,
    sizes_on,
)
from tests.small_networks import NetworkBuilder, dual_stream_network

networks = st.one_of(dual_streams(), single_convolutions())
many = settings(max_examples=60, deadline=None)


def covered(bands: tuple[Band, ...]) -> list[int]:
    return list(chain.from_iterable(range(*band) for band in bands))


def convolution(
    channels: int = 8, inputs: int = 1, rows: int = 6, kind: Kind = Kind.SPIKE, **window: int
) -> Workload:
    net = NetworkBuilder()
    net.add_tensor("x", (inputs, rows, 6), kind, largest=1 if kind is Kind.SPIKE else None)
    geometry_of = Window((3, 3), padding=(1, 1), **window)
    net.convolution("x", channels, geometry_of, name="conv")
    return net.workload()


def grid_of(workload: Workload, *overrides: str) -> Grid:
    return map_workload(workload, split_chip(*overrides)).plans[0].grid


@many
@given(case=networks)
def test_every_output_is_in_one_tile_and_every_input_channel_in_one_chunk(case: Lowered) -> None:
    for plan in case.mapping.plans:
        grid, sizes = plan.grid, plan.geometry
        channels, rows, columns = sizes.output_map
        assert covered(grid.slices) == list(range(channels))
        assert covered(grid.bands) == list(range(rows))
        assert covered(grid.chunks) == list(range(sizes.input_channels_per_group))
        assert grid.width == columns


@many
@given(case=networks)
def test_the_chosen_cut_fits_every_memory(case: Lowered) -> None:
    shares = weight_shares(case.mapping.architecture)
    for plan in case.mapping.plans:
        assert needs_of(plan.geometry, plan.grid, case.core(plan), shares[plan.groups[0]]) == []


@many
@given(case=networks)
def test_groups_of_a_convolution_are_never_cut(case: Lowered) -> None:
    for plan in case.mapping.plans:
        sizes = plan.geometry
        if sizes.work is Work.ELEMENT_WISE or sizes.window.groups == 1:
            continue
        assert len(plan.grid.chunks) == 1
        assert all(edge % sizes.outputs_per_group == 0 for edge in chain(*plan.grid.slices))


@many
@given(case=networks)
def test_input_channels_are_cut_only_when_they_do_not_fit_whole(case: Lowered) -> None:
    shares = weight_shares(case.mapping.architecture)
    for plan in case.mapping.plans:
        grid, sizes = plan.grid, plan.geometry
        if len(grid.chunks) > 1:
            whole = Grid(
                grid.bands, grid.slices, ((0, sizes.input_channels_per_group),), grid.width
            )
            assert needs_of(sizes, whole, case.core(plan), shares[plan.groups[0]])


def test_the_mapping_does_not_depend_on_spikes() -> None:
    one, other = dual_stream_network(seed=1), dual_stream_network(seed=2)
    assert one.hash != other.hash
    chip = split_chip()
    assert map_workload(one.workload, chip) == map_workload(other.workload, chip)


def test_one_core_does_a_small_layer_in_one_piece() -> None:
    grid = grid_of(convolution(), "cores.spike.count=1")
    assert (grid.tile_count, len(grid.chunks)) == (1, 1)


def test_a_large_layer_is_spread_over_all_cores() -> None:
    grid = grid_of(convolution(channels=64, inputs=16, rows=64), "cores.spike.count=4")
    assert grid.tile_count % 4 == 0


def test_a_smaller_weight_memory_cuts_input_channels_or_slices() -> None:
    workload = convolution(channels=32, inputs=16)
    roomy = grid_of(workload, "cores.spike.count=1")
    tight = grid_of(workload, "cores.spike.count=1", "cores.spike.weight_memory.size=1 KiB")
    assert (len(roomy.slices), len(roomy.chunks)) == (1, 1)
    assert len(tight.slices) * len(tight.chunks) >= 9  # 4,608 bytes, half of 1 KiB at a time


def test_a_single_output_channel_is_tried_before_a_layer_is_refused() -> None:
    # 9 taps of 8 bit, twice, fit 32 bytes; the weights of a quarter of the lanes do not.
    grid = grid_of(convolution(), "cores.spike.weight_memory.size=32 B")
    assert grid.slices == tuple((channel, channel + 1) for channel in range(8))


def test_more_input_channels_than_chunks_are_refused_like_any_others() -> None:
    net = NetworkBuilder(timesteps=1)
    net.add_tensor("x", (20_000,), Kind.SPIKE, largest=1)
    net.add_layer(LayerType.LINEAR, ("x",), name="fc", shape=(2,))
    narrow = ("banks=1", "width=16 bit", "size=16 bit")
    chip = split_chip(*(f"cores.spike.weight_memory.{each}" for each in narrow))
    with pytest.raises(CapacityError, match=r"'fc' .* of weight_memory, which has 2"):
        map_workload(net.workload(), chip)


def test_a_single_group_is_tried_before_a_layer_is_refused() -> None:
    grid = grid_of(convolution(inputs=8, groups=8), "cores.spike.weight_memory.size=32 B")
    assert grid.slices == tuple((channel, channel + 1) for channel in range(8))


SMALL = {
    # twice 8 x 8 taps of 8 bit
    "weight_memory": (
        Window((8, 8), padding=(4, 4)),
        ("cores.spike.weight_memory.size=96 B",),
        "needs 128 bytes of weight_memory, which has 96.",
    ),
    # sums of a row of 64 pixels at 16 bit, and twice their results
    "state_memory": (
        Window((3, 3), padding=(1, 1)),
        ("cores.spike.state_memory.size=128 B",),
        "needs 384 bytes of state_memory, which has 128.",
    ),
    # twice three rows of 64 spikes
    "input_memory": (
        Window((3, 3), padding=(1, 1)),
        ("cores.spike.input_memory.size=32 B",),
        "needs 48 bytes of input_memory, which has 32.",
    ),
    # 2 of 402 equal weight memories: 2 x 64 KiB / 402 = 326 bytes for 31 x 31 taps
    "weight_buffer": (
        Window((31, 31), padding=(15, 15)),
        (
            "cores.spike.count=2",
            "cores.accumulation.count=400",
            "storage.weight_buffer.size=64 KiB",
        ),
        "needs 961 bytes of weight_buffer, of which this kind of core has a share of 326.",
    ),
}


@pytest.mark.parametrize("memory", SMALL)
def test_a_layer_that_does_not_fit_says_what_to_enlarge(memory: str) -> None:
    window, overrides, message = SMALL[memory]
    net = NetworkBuilder(timesteps=1)
    net.add_tensor("x", (1, 8, 64), Kind.SPIKE, largest=1)
    net.convolution("x", 8, window, name="wide")
    with pytest.raises(CapacityError) as raised:
        map_workload(net.workload(), split_chip(*overrides))
    assert str(raised.value) == (
        f"layer 'wide' on core 'spike' of split_core: even its smallest tile {message} "
        f"Enlarge {memory}."
    )


@given(
    bytes_of=st.fixed_dictionaries(
        {
            "weight_memory": st.integers(1, 40).map(lambda words: 32 * words),
            "state_memory": st.integers(1, 40).map(lambda words: 64 * words),
            "input_memory": st.integers(1, 20).map(lambda words: 32 * words),
        }
    ),
    channels=st.integers(1, 70),
    inputs=st.integers(1, 9),
    grouped=st.booleans(),
    kind=st.sampled_from([Kind.SPIKE, Kind.REAL]),
)
@settings(max_examples=150, deadline=None)
def test_a_layer_is_cut_so_that_it_fits_or_refused_with_a_memory_that_overflows(
    bytes_of: dict[str, int], channels: int, inputs: int, *, grouped: bool, kind: Kind
) -> None:
    group = "spike" if kind is Kind.SPIKE else "accumulation"
    chip = split_chip(*(f"cores.{group}.{name}.size={size} B" for name, size in bytes_of.items()))
    groups = {"groups": inputs} if grouped else {}
    workload = convolution(channels * inputs if grouped else channels, inputs, 6, kind, **groups)
    sizes = sizes_on(workload, fuse(workload)[0], chip)
    core, around = chip.cores[group], surroundings(chip, weight_shares(chip)[group])
    try:
        grid = best_grid((Site(sizes, core),), around).grid
        overflow, message = needs_of(sizes, grid, core, around.share), ""
    except CapacityError as error:
        overflow, message = [], str(error)
    named = [
        name for name, size in bytes_of.items() if f"of {name}, which has {size:,}." in message
    ]
    assert overflow == []
    assert len(named) == (1 if message else 0)


def without(architecture: Architecture, group: str) -> Architecture:
    cores = {name: core for name, core in architecture.cores.items() if name != group}
    return architecture.model_copy(update={"cores": cores})


def test_a_layer_that_no_core_can_do_is_refused_by_name() -> None:
    cases = (
        (Kind.REAL, "accumulation", "multiply values that are not spikes", "accumulation"),
        (Kind.SPIKE, "spike", "accumulate spikes", "spike"),
    )
    for kind, missing, verb, wanted in cases:
        with pytest.raises(CapacityError) as raised:
            map_workload(convolution(kind=kind), without(split_chip(), missing))
        assert str(raised.value).startswith(
            f"layers must have a core of split_core that can do them, but 'conv' {verb}. "
            f"Add a core of kind '{wanted}' or 'unified'"
        )


def test_all_layers_that_no_core_can_do_are_named_at_once() -> None:
    workload = dual_stream_network().workload
    with pytest.raises(CapacityError, match=r"'stem', .*'.*' multiply values"):
        map_workload(workload, without(split_chip(), "accumulation"))


def test_each_stream_is_on_its_own_cores_where_they_can_do_it() -> None:
    workload = dual_stream_network().workload
    chip = split_chip("policy.integer_input=repeat")
    for plan in map_workload(workload, chip).plans:
        work, stream = plan.geometry.work, plan.fused.stream
        if work is Work.ELEMENT_WISE:
            expected = "spike" if stream is Stream.SPIKE else "accumulation"
        else:
            expected = "spike" if work is Work.ACCUMULATE else "accumulation"
        assert plan.groups == (expected,)
    unified = map_workload(workload, unified_chip())
    assert {plan.groups for plan in unified.plans} == {("unified",)}


def test_the_weight_buffer_is_shared_in_proportion_to_the_weight_memories() -> None:
    chip = split_chip("cores.spike.count=3", "cores.accumulation.weight_memory.size=32 KiB")
    total = 512 * 1024 * 8
    assert weight_shares(chip) == {"spike": total * 6 // 7, "accumulation": total // 7}
    assert weight_shares(unified_chip()) == {"unified": total}


def test_a_kind_of_core_without_a_share_of_the_weight_buffer_is_refused() -> None:
    chip = split_chip(
        "cores.spike.count=1",
        "cores.spike.weight_memory.size=96 B",
        "cores.accumulation.count=1000",
        "storage.weight_buffer.size=32 KiB",
    )
    assert weight_shares(chip)["spike"] == 0
    with pytest.raises(CapacityError, match="of which this kind of core has a share of 0"):
        map_workload(convolution(), chip)


def test_needs_are_never_shown_smaller_than_they_are() -> None:
    net = NetworkBuilder(timesteps=1)
    net.add_tensor("x", (1, 6, 43), Kind.SPIKE, largest=1)
    net.convolution("x", 1, Window((6, 1)), name="conv")
    narrow = ("banks=1", "width=32 bit", "size=32 B")
    chip = split_chip(*(f"cores.spike.input_memory.{each}" for each in narrow))
    with pytest.raises(CapacityError, match="needs 65 bytes of input_memory, which has 32"):
        map_workload(net.workload(), chip)


def test_the_limit_is_the_slowest_of_four() -> None:
    loads = Loads(compute=3.0, weight_buffer=1.0, activation_buffer=9.0, dram=2.0)
    assert (loads.cycles, loads.limit) == (9.0, "activation_buffer")
