"""Who does which job, and how often weights travel."""

import itertools

from hypothesis import given, settings
from hypothesis import strategies as st

from codesign.mapping.planning import Plan, weight_shares
from tests.mapping.mapped_networks import (
    Lowered,
    dual_streams,
    job_table,
    single_convolutions,
)

networks = st.one_of(dual_streams(), single_convolutions())
many = settings(max_examples=60, deadline=None)


@many
@given(case=networks)
def test_there_is_one_job_for_each_tile_chunk_and_timestep(case: Lowered) -> None:
    jobs = job_table(case)
    for plan in case.mapping.plans:
        mine = jobs[jobs.layer == plan.fused.index]
        places = list(zip(mine.tile, mine.chunk, mine.timestep, strict=True))
        ranges = (plan.grid.tile_count, len(plan.grid.chunks), plan.geometry.timesteps)
        assert places == list(itertools.product(*map(range, ranges)))
        assert {case.jobs.core_groups[core] for core in mine.core} == set(plan.groups)


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
        assert {f"{case.jobs.core_groups[core]}[0]" for core in mine.core} == {block.queue}


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
        if bits <= shares[plan.groups[0]]:
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
        if weight_bits(case, plan) > shares[plan.groups[0]]:
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
