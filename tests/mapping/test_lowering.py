"""Jobs do exactly the work that was counted, and move exactly what they need."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codesign.counting import count_layers
from codesign.errors import InputError
from codesign.mapping import lower, map_workload
from codesign.mapping.job_sizes import input_bits
from codesign.mapping.jobs import CYCLE_COLUMNS, MEMORY_COLUMNS, OPERATION_COLUMNS
from codesign.mapping.planning import Plan, weight_shares
from codesign.specs.catalogue import load_architecture
from codesign.workload import SYNAPTIC, Kind, Layer, LayerType, Window
from tests.chip.small_chips import split_chip
from tests.mapping.mapped_networks import (
    Lowered,
    attentions,
    dual_streams,
    job_table,
    lowered,
    needs_by_place,
    single_convolutions,
)
from tests.small_networks import THREE, NetworkBuilder, dual_stream_network

networks = st.one_of(dual_streams(), single_convolutions(), attentions())
many = settings(max_examples=60, deadline=None)


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
        LayerType.PRODUCT: {"ac": ["ac_product"]},
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
def test_no_column_is_negative_and_all_are_whole(case: Lowered) -> None:
    for column in case.jobs.columns.values():
        assert column.dtype == np.int64
    counts = job_table(case)[[*OPERATION_COLUMNS, *MEMORY_COLUMNS, *CYCLE_COLUMNS]]
    assert (counts >= 0).all().all()


@many
@given(case=networks)
def test_the_largest_job_fits_its_core(case: Lowered) -> None:
    jobs, shares = job_table(case), weight_shares(case.mapping.architecture)
    for plan in case.mapping.plans:
        core, mine = case.core(plan), jobs[jobs.layer == plan.fused.index]
        assert 2 * mine.weight_bits.max() <= core.weight_memory.size_bits
        assert mine.weight_bits.max() <= shares[plan.groups[0]]
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
    for (index, timestep), wanted in needs_by_place(case).items():
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
        assert needs_by_place(case)[neurons.fused.index, timestep] == ((stem.fused.index, 0),)


def test_a_mean_over_time_waits_for_all_timesteps() -> None:
    case = lowered(dual_stream_network(timesteps=3), split_chip())
    pool, mean = case.plan("spike.avgpool").fused.index, case.plan("spike.mean").fused.index
    assert needs_by_place(case)[mean, 0] == ((pool, 0), (pool, 1), (pool, 2))


@pytest.mark.parametrize(("voters", "classes"), [(4, 3), (1, 5), (40, 11)])
def test_a_pool_of_a_vector_adds_and_loads_each_of_its_spikes_once(
    voters: int, classes: int
) -> None:
    net = NetworkBuilder(timesteps=3, seed=1)
    net.add_tensor("x", (voters * classes,), Kind.SPIKE, largest=1)
    window = Window((voters, 1), stride=(voters, 1))
    net.add_layer(LayerType.AVERAGE_POOL, ("x",), name="vote", shape=(classes,), window=window)
    case = lowered(net.trace(), split_chip())
    jobs = job_table(case)
    spikes = net.arrays["x"].reshape(3, -1).sum(axis=1)
    assert jobs.groupby("timestep").addition.sum().tolist() == spikes.tolist()
    loaded = jobs.groupby("timestep").load_dram_bits.sum()  # the input of the network
    assert loaded.tolist() == [voters * classes] * 3
    assert count_layers(case.trace)["ac_pool"].tolist() == spikes.tolist()


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


def test_a_second_neuron_layer_has_membranes_of_its_own() -> None:
    net = NetworkBuilder(timesteps=1)
    net.add_tensor("x", (4, 6, 6), Kind.SPIKE, largest=1)
    net.convolution("x", 32, THREE, name="conv")
    net.neuron("conv", name="first")
    net.neuron("first", name="second")
    jobs = job_table(lowered(net.trace(), split_chip()))
    assert jobs.groupby("layer").neuron.sum().tolist() == [32 * 36, 32 * 36]


def test_a_trace_of_another_workload_is_refused() -> None:
    mapping = map_workload(dual_stream_network(timesteps=1).workload, split_chip())
    with pytest.raises(InputError, match="must be of the mapped workload"):
        lower(mapping, dual_stream_network(timesteps=2))


def test_prices_alone_are_no_chip_to_map_to() -> None:
    with pytest.raises(InputError, match="paper: must have cores"):
        map_workload(dual_stream_network().workload, load_architecture("paper"))
