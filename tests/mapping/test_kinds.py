"""Where several kinds of core can do a layer, all that make it faster share it."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codesign.bounds import bounds_cycles
from codesign.evaluation import evaluate
from codesign.mapping import lower, map_workload
from codesign.mapping.geometry import Work, needs_of
from codesign.mapping.kinds import Kinds, idle_kinds, pools, shared_kinds, single_kinds
from codesign.mapping.pipeline import share_cores, slowest_run
from codesign.mapping.tiling import most_tiles, teams_by_work, teams_of_tiles
from codesign.specs.architecture import Architecture, Core
from codesign.trace import Trace
from codesign.workload import Kind
from tests.chip.small_chips import Simulated, runs, simulated, split_chip, unified_chip
from tests.small_networks import THREE, NetworkBuilder, dual_stream_network


def chip_with(chip: Architecture, name: str, core: Core) -> Architecture:
    """The chip with one more kind of core, behind the others."""
    return chip.model_copy(update={"cores": chip.cores | {name: core}})


def lanes(core: Core, count: int, lane_count: int) -> Core:
    assert core.spike
    spike = core.spike.model_copy(update={"lanes": lane_count})
    return core.model_copy(update={"count": count, "spike": spike, "neuron_lanes": lane_count})


def big_and_little(*overrides: str) -> Architecture:
    """Two spike cores with 32 lanes beside two with 8."""
    chip = split_chip("cores.spike.count=2", *overrides)
    return chip_with(chip, "little", lanes(chip.cores["spike"], 2, 8))


def convolution(channels: int = 32, rows: int = 32, rate: float = 0.4) -> Trace:
    net = NetworkBuilder(timesteps=2, seed=3, rate=rate)
    net.add_tensor("x", (16, rows, rows), Kind.SPIKE, largest=1)
    net.convolution("x", channels, THREE, name="conv")
    net.neuron("conv", name="sn")
    return net.trace()


def tiles_by_kind(run: Simulated) -> dict[str, int]:
    """Tiles of the only layer that each kind computes."""
    columns = run.jobs.columns
    pairs = set(zip(columns["tile"].tolist(), columns["core"].tolist(), strict=True))
    kinds = [run.jobs.core_groups[core] for _, core in pairs]
    return {kind: kinds.count(kind) for kind in dict.fromkeys(kinds)}


def test_cores_with_a_quarter_of_the_lanes_get_about_a_quarter_of_the_tiles() -> None:
    run = simulated(convolution(), big_and_little())
    tiles = tiles_by_kind(run)
    assert set(tiles) == {"spike", "little"}
    assert 3 <= tiles["spike"] / tiles["little"] <= 6
    alone = simulated(convolution(), split_chip("cores.spike.count=2"))
    assert run.schedule.makespan_cycles < 0.9 * alone.schedule.makespan_cycles


@pytest.mark.parametrize("order", ["layer", "timestep"])
def test_two_kinds_that_are_alike_are_one_kind(order: str) -> None:
    order = f"schedule.order={order}"
    whole = split_chip("cores.spike.count=4", order)
    halves = split_chip("cores.spike.count=2", order)
    cores = {"spike": halves.cores["spike"], "same": halves.cores["spike"]} | halves.cores
    halves = halves.model_copy(update={"cores": cores})
    one, other = (evaluate(convolution(), chip).summary for chip in (whole, halves))
    assert one["makespan_cycles"] == other["makespan_cycles"]
    assert math.isclose(one["energy_pj"], other["energy_pj"])


def test_work_that_was_recorded_is_dealt_by_what_it_takes_each_kind() -> None:
    trace = convolution()
    equal, balanced = (
        simulated(trace, big_and_little(f"schedule.assignment={each}", "schedule.partition=rows"))
        for each in ("equal", "balanced")
    )

    def busiest(run: Simulated) -> int:
        return int(np.bincount(run.jobs.columns["core"], run.jobs.compute_cycles()).max())

    assert set(tiles_by_kind(balanced)) == {"spike", "little"}
    assert busiest(balanced) <= busiest(equal)


def test_unified_cores_beside_spike_cores_help_with_spikes() -> None:
    unified = unified_chip("cores.unified.count=1")
    chip = chip_with(unified, "spike", split_chip().cores["spike"])
    plans = map_workload(dual_stream_network(channels=40).workload, chip).plans
    multiplied = {plan.groups for plan in plans if plan.geometry.work is Work.MULTIPLY}
    spiking = {kind for plan in plans for kind in plan.groups if plan.fused.stream == "spike"}
    assert multiplied == {("unified",)}
    assert spiking == {"unified", "spike"}


def test_gathering_cores_share_layers_with_scattering_ones() -> None:
    chip = split_chip("cores.spike.count=2")
    spike = chip.cores["spike"].spike
    assert spike
    gathering = spike.model_copy(update={"dataflow": "gather", "pixels": 2})
    chip = chip_with(chip, "gather", chip.cores["spike"].model_copy(update={"spike": gathering}))
    (plan,) = map_workload(convolution().workload, chip).plans
    assert plan.groups == ("spike", "gather")
    assert [place.geometry.sums_in for place in plan.places] == ["membranes", "registers"]


def test_kinds_of_a_pipeline_have_layers_of_their_own() -> None:
    chip = big_and_little("schedule.order=pipeline")
    plans = map_workload(dual_stream_network(channels=40).workload, chip).plans
    assert all(len(plan.groups) == 1 for plan in plans)
    assert {"spike", "little"} <= {plan.groups[0] for plan in plans}


@given(run=runs())
@settings(max_examples=60, deadline=None)
def test_a_tile_fits_every_kind_that_computes_one(run: Simulated) -> None:
    for plan in run.mapping.plans:
        for place in plan.places:
            core = run.architecture.kinds[place.group]
            assert needs_of(place.geometry, plan.grid, core, plan.weight_share) == []


@given(run=runs())
@settings(max_examples=60, deadline=None)
def test_jobs_are_on_the_cores_of_their_plan_in_runs_of_neighbours(run: Simulated) -> None:
    columns = run.jobs.columns
    for plan in run.mapping.plans:
        mine = columns["layer"] == plan.fused.index
        assert {run.jobs.core_groups[core] for core in columns["core"][mine]} <= set(plan.groups)
        in_order = np.lexsort((columns["chunk"][mine], columns["tile"][mine]))
        cores = columns["core"][mine][in_order][columns["chunk"][mine][in_order] == 0]
        assert (np.diff(cores) >= 0).all()


counts = st.integers(1, 3)


@given(tiles=st.integers(1, 30), teams=st.lists(st.tuples(counts, st.integers(1, 9)), max_size=3))
def test_no_other_deal_of_equal_tiles_is_done_earlier(
    tiles: int, teams: list[tuple[int, int]]
) -> None:
    teams = [*teams, (1, 2)]
    dealt = teams_of_tiles(tiles, tuple((count, float(cycles)) for count, cycles in teams))
    cycles = [each for count, each in teams for _ in range(count)]
    done = max(np.bincount(dealt, minlength=len(cycles)) * cycles)
    assert (np.diff(dealt) >= 0).all()
    assert sum((done - 1) // each for each in cycles) < tiles  # in less, fewer tiles are done


def test_the_most_tiles_of_a_kind_are_those_of_its_busiest_team() -> None:
    assert most_tiles(7, ((3, 1.0),)) == (3,)
    assert teams_of_tiles(7, ((2, 1.0), (1, 2.0))).tolist() == [0, 0, 0, 1, 1, 1, 2]
    assert most_tiles(7, ((2, 1.0), (1, 2.0))) == (3, 1)


@given(data=st.data(), kinds=st.lists(st.integers(0, 1), min_size=1, max_size=3))
def test_runs_of_recorded_work_on_several_kinds_are_as_even_as_runs_can_be(
    data: st.DataObject, kinds: list[int]
) -> None:
    tiles = data.draw(st.integers(1, 6))
    row = st.lists(st.integers(0, 9), min_size=tiles, max_size=tiles)
    work = np.array([data.draw(row), data.draw(row)])

    def busiest(edges: tuple[int, ...]) -> int:
        runs = itertools.pairwise((0, *edges, tiles))
        return max(int(work[kind, a:b].sum()) for kind, (a, b) in zip(kinds, runs, strict=True))

    dealt = teams_by_work(work, kinds)
    found = tuple(int(np.searchsorted(dealt, team)) for team in range(1, len(kinds)))
    cuts = itertools.combinations_with_replacement(range(tiles + 1), len(kinds) - 1)
    assert (np.diff(dealt) >= 0).all()
    assert busiest(found) == min(busiest(edges) for edges in cuts)


def expected_by(cycles: dict[str, float | None]) -> dict[Kinds, float | None]:
    return {tuple(kinds.split("+")): each for kinds, each in cycles.items()}


SHARED = {
    "all that help": (
        {"a": 9.0, "b": 8.0, "c": 30.0, "a+b": 5.0, "b+c": 7.0, "a+b+c": 4.0},
        "a+b+c",
    ),
    "one that hardly helps": ({"a": 9.0, "b": 50.0, "c": 40.0, "a+b": 8.9, "a+c": 8.8}, "a"),
    "one that is too small": (
        {"a": 9.0, "b": None, "c": 9.0, "a+b": None, "a+c": 5.0, "a+b+c": None},
        "a+c",
    ),
    "nothing fits": ({"a": None, "b": None, "c": None}, "a"),
}


@pytest.mark.parametrize("case", SHARED)
def test_kinds_join_while_the_layer_becomes_faster(case: str) -> None:
    cycles, best = SHARED[case]
    expected = expected_by(cycles)
    chosen, tried = shared_kinds(("a", "b", "c"), lambda kinds: expected[kinds], 1.03)
    assert "+".join(chosen) == best
    assert tried == expected


def test_layers_of_a_pipeline_move_to_another_kind_while_the_busiest_core_has_less_to_do() -> None:
    expected = [{"a": 6.0, "b": 12.0}, {"a": 4.0, "b": None}, {"a": 5.0, "b": 6.0}, {"b": 1.0}]
    found = single_kinds([expected_by(each) for each in expected], {"a": 1, "b": 1})
    assert found == [("a",), ("a",), ("b",), ("b",)]
    # Three cores of a have one layer each, so that the longest takes one of them 18 cycles.
    assert single_kinds([expected_by(each) for each in expected[:1]], {"a": 3, "b": 1}) == [("a",)]
    more = single_kinds([expected_by(each) for each in expected], {"a": 3, "b": 1})
    assert more == [("a",), ("a",), ("b",), ("b",)]  # two of them, and 12 for both kinds at most


@given(
    work=st.lists(st.integers(1, 50).map(float), min_size=1, max_size=9), cores=st.integers(1, 12)
)
def test_the_slowest_run_is_that_of_the_cores_that_are_shared(
    work: list[float], cores: int
) -> None:
    runs: dict[tuple[int, int], float] = {}
    for each, place in zip(work, share_cores(work, cores), strict=True):
        runs[place] = runs.get(place, 0.0) + each
    slowest = max(load / count for (_, count), load in runs.items())
    assert slowest_run(work, cores) == pytest.approx(slowest, rel=1e-4)  # 20 halvings


def test_kinds_that_share_layers_with_the_same_kind_are_of_one_pool() -> None:
    chip = big_and_little()
    assert pools([("spike",), ("accumulation",)], chip)["little"] == ("little",)
    found = pools([("spike", "little"), ("accumulation", "little")], chip)
    assert set(found.values()) == {("spike", "accumulation", "little")}


def test_an_idle_kind_is_named_with_the_reason() -> None:
    tried = [expected_by({"a": 9.0, "b": 8.0, "c": None, "a+b": 8.0})]
    assert idle_kinds("abcd", "b", tried) == {
        "a": "no layer is expected to be faster with it",
        "c": "no layer fits its memories",
        "d": "no layer asks for what it can do",
    }


def test_a_summary_says_which_cores_compute_what_and_which_nothing() -> None:
    chip = big_and_little()
    memory = chip.cores["little"].weight_memory.model_copy(update={"size_bits": 256})
    tiny = chip.cores["little"].model_copy(update={"weight_memory": memory})
    summary = evaluate(convolution(channels=8), chip_with(chip, "tiny", tiny)).summary
    assert set(summary["idle_cores"]) >= {"accumulation"}
    (layer,) = summary["mapping"]
    assert {cores["kind"] for cores in layer["cores"]} | set(summary["idle_cores"]) == {
        *("spike", "little", "tiny", "accumulation")
    }
    assert layer["kinds"]["spike"] > 0


def test_columns_of_a_shared_layer_are_those_of_the_core_that_computes_each_tile() -> None:
    trace, chip = convolution(), big_and_little()
    mapping = map_workload(trace.workload, chip)
    jobs = lower(mapping, trace)
    on_little = np.array([group == "little" for group in jobs.core_groups])[jobs.columns["core"]]
    adding = jobs.columns["accumulate_cycles"] / np.maximum(jobs.columns["ac"], 1)
    assert adding[on_little].min() > adding[~on_little].max()


def test_kinds_that_share_a_queue_of_weights_do_not_wait_in_a_circle() -> None:
    small = split_chip("cores.spike.weight_memory.size=1 KiB").cores["spike"]
    chip = unified_chip(
        "cores.unified.count=1",
        "storage.activation_buffer.size=512 B",
        "storage.weight_buffer.size=64 KiB",
        "storage.dram.bandwidth=0.2 GB/s",
        "schedule.order=timestep",
    )
    cores = {"small": small.model_copy(update={"count": 1}), **chip.cores}
    chip = chip.model_copy(update={"cores": cores})
    # Weights are fetched layer by layer. A later layer that held room on the one core before an
    # earlier one had its weights on the other would stop the chip.
    run = simulated(dual_stream_network(2, channels=40), chip)
    used = {run.jobs.core_groups[core] for core in run.jobs.columns["core"].tolist()}
    assert used == {"small", "unified"}
    assert run.schedule.makespan_cycles >= max(bounds_cycles(run.jobs, chip).values())
