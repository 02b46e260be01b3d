"""Products on a chip: by hand, by explicit loops over jobs, and where their operands come from."""

import itertools

import pytest
from hypothesis import given, settings

from codesign.coincidence import events_of, values_of
from codesign.errors import CapacityError
from codesign.mapping.geometry import Work
from codesign.specs.architecture import Core
from codesign.workload import Contraction, Kind, LayerType
from tests.chip.small_chips import split_chip
from tests.mapping.mapped_networks import (
    Lowered,
    attentions,
    job_table,
    lowered,
    needs_by_place,
)
from tests.small_networks import NetworkBuilder, attention_network

many = settings(max_examples=60, deadline=None)


@many
@given(case=attentions())
def test_events_and_meetings_of_each_job_equal_explicit_loops(case: Lowered) -> None:
    for name in ("scores", "mixed"):
        assert_jobs_equal_explicit_loops(case, name)


def assert_jobs_equal_explicit_loops(case: Lowered, name: str) -> None:
    """The ACs and cycles of each job of a product, spike by spike."""
    jobs, plan = job_table(case), case.plan(name)
    meet, grid, core = plan.fused.main.contraction, plan.grid, case.core(plan)
    assert meet is not None
    assert core.spike is not None
    spikes, values = (case.trace.values(each) for each in plan.fused.main.inputs)
    events, met = events_of(spikes, meet), values_of(values, meet) > 0
    mine = jobs[jobs.layer == plan.fused.index]
    ranges = itertools.product(grid.slices, grid.bands, grid.chunks, range(len(spikes)))
    for job, (channels, band, chunk, t) in zip(mine.to_dict("records"), ranges, strict=True):
        added = meetings = 0
        together = core.spike.pixels or 1
        heads = sorted({channel // meet.outputs for channel in range(*channels)})
        groups = range(band[0], band[1], together)
        for head, first, k in itertools.product(heads, groups, range(*chunk)):
            outputs = [c % meet.outputs for c in range(*channels) if c // meet.outputs == head]
            mine_of = events[t, head, first : min(first + together, band[1]), k]
            added += int(mine_of.max())
            meetings += int(mine_of.sum()) * int(met[t, head, k, outputs].sum())
        lanes = min(channels[1] - channels[0], meet.outputs)
        assert job["ac"] == meetings
        cycles = added * -(-lanes // (core.spike.lanes // together))
        elements = (channels[1] - channels[0]) * (band[1] - band[0])
        if core.spike.pixels is not None:
            cycles += sums_read_cycles(elements, core) * (len(grid.chunks) > 1)
        elif not plan.fused.has_neurons and chunk == grid.chunks[-1]:
            cycles += sums_read_cycles(elements, core)
        assert job["accumulate_cycles"] == cycles


def sums_read_cycles(sums: int, core: Core) -> int:
    """Cycles in which so many sums of 16 bit leave the state memory."""
    words = -(-sums * 16 // core.state_memory.width_bits)
    return -(-words // core.state_memory.banks)


@many
@given(case=attentions())
def test_values_of_two_jobs_fit_the_weight_memory(case: Lowered) -> None:
    for plan in case.mapping.plans:
        grid = plan.grid
        values = plan.geometry.value_block_bits(grid.largest_slice, grid.largest_chunk)
        assert 2 * values <= case.core(plan).weight_memory.size_bits
        assert (values > 0) == (plan.fused.main.type is LayerType.PRODUCT)


def one_product(*overrides: str, places: int = 3, inner: int = 4, outputs: int = 70) -> Lowered:
    """One head: some terms, spikes at some places, values of up to 5 for each output."""
    net = NetworkBuilder(timesteps=2, seed=3)
    net.add_tensor("e_current", (places, inner), Kind.REAL)
    net.add_tensor("v", (inner, outputs), Kind.INTEGER, largest=5)
    net.neuron("e_current", name="e")
    meet = Contraction(1, places, inner, outputs, (0, inner, 1), (0, outputs, 1))
    net.product("e", "v", meet, name="product")
    return lowered(net.trace(), split_chip("cores.spike.count=1", *overrides))


def test_a_product_by_hand() -> None:
    case = one_product()
    jobs = job_table(case)
    plan = case.plan("product")
    mine = jobs[jobs.layer == plan.fused.index]
    spikes = case.trace.values("e").sum(axis=(1, 2))
    assert len(mine) == 2
    # 70 outputs on 32 lanes are 3 vectors; values of 3 bit, 210 in two words of 128. Then 210
    # sums of 16 bit are read, 53 words of 64 bit from 8 banks.
    assert mine.accumulate_cycles.tolist() == (spikes * 3 + 7).tolist()
    assert mine.weight_reads.tolist() == (spikes * 2).tolist()
    assert mine.load_bits.tolist() == [3 * 4] * 2  # the values come from outside
    assert mine.load_dram_bits.tolist() == [4 * 70 * 3] * 2
    assert mine.weight_writes.tolist() == [-(-4 * 70 * 3 // 128)] * 2
    assert mine.weight_bits.tolist() == [0, 0]
    assert mine.block.tolist() == [-1, -1]
    assert mine.store_bits.tolist() == [3 * 70 * 5] * 2  # up to 4 x 5 = 20: 5 bit
    assert plan.geometry.work is Work.ACCUMULATE


def test_values_are_loaded_at_every_timestep_by_every_tile() -> None:
    case = one_product("cores.spike.state_memory.size=512 B")
    plan, jobs = case.plan("product"), job_table(case)
    mine = jobs[jobs.layer == plan.fused.index]
    assert plan.grid.tile_count > 1
    bands, slices = len(plan.grid.bands), len(plan.grid.slices)
    assert mine.load_dram_bits.sum() == 2 * bands * 4 * 70 * 3
    assert mine.load_bits.sum() == 2 * slices * 3 * 4


def test_terms_are_cut_into_chunks_where_values_do_not_fit() -> None:
    sums = []
    for overrides in ((), ("cores.spike.weight_memory.size=96 B",)):
        case = one_product(*overrides, inner=400, outputs=3)
        assert (len(case.plan("product").grid.chunks) > 1) == bool(overrides)
        assert_jobs_equal_explicit_loops(case, "product")
        sums.append(job_table(case).ac.sum())
    assert sums[0] == sums[1] > 0


def test_neurons_behind_a_product_are_fused_although_heads_are_put_together() -> None:
    case = lowered(attention_network(), split_chip())
    fused = case.plan("mixed").fused
    assert [layer.name for layer in fused.layers] == ["mixed", "sn"]
    assert fused.stored == ("sn",)
    jobs = job_table(case)
    mine = jobs[jobs.layer == fused.index]
    assert mine.neuron.sum() == case.trace.workload.tensor_by_name["sn"].size * 2


def test_a_product_waits_for_both_operands() -> None:
    case = lowered(attention_network(timesteps=3), split_chip())
    homes = {name: plan.fused.index for plan in case.mapping.plans for name in plan.fused.stored}
    for name, read in (("scores", ("q", "k")), ("mixed", ("v", "scores"))):
        index = case.plan(name).fused.index
        for timestep in range(3):
            expected = {(homes[each], timestep) for each in read}
            assert set(needs_by_place(case)[index, timestep]) == expected


def test_products_are_computed_where_spikes_are_accumulated() -> None:
    case = lowered(attention_network(), split_chip())
    products = [p for p in case.mapping.plans if p.fused.main.type is LayerType.PRODUCT]
    assert {plan.groups for plan in products} == {("spike",)}
    assert {plan.geometry.weight_bits for plan in products} == {0}


def test_a_head_that_fits_no_memory_is_refused() -> None:
    trace = attention_network(sizes=(2, 40, 60))
    with pytest.raises(CapacityError, match=r"layer 'scores' on core 'spike' .* weight_memory"):
        lowered(trace, split_chip("cores.spike.weight_memory.size=96 B"))


def test_silent_events_cost_no_accumulation() -> None:
    case = lowered(attention_network(rate=0.0), split_chip())
    jobs, index = job_table(case), case.plan("mixed").fused.index
    assert jobs.ac.sum() == 0
    assert jobs.accumulate_cycles[jobs.layer == index].sum() == 0
    assert jobs.scan_cycles[jobs.layer == index].min() > 0
