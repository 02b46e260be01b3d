"""Floors: closed forms that no mapping and no schedule goes below."""

import math
import pickle
from functools import cache

import pytest
from hypothesis import given, settings

from codesign import trace_cache
from codesign.energy import component_sums, price
from codesign.errors import CapacityError
from codesign.evaluation import evaluate
from codesign.floors.demand import Demand, demand
from codesign.floors.total import Floors, floors
from codesign.floors.traffic import ACTIVATIONS
from codesign.specs.architecture import Architecture
from codesign.specs.catalogue import architecture_names, load_architecture, load_workload_spec
from codesign.trace import Trace
from codesign.workload import Kind
from tests.chip.small_chips import Simulated, runs, simulated, split_chip, unified_chip
from tests.messages.test_messages import Run as MessageRun
from tests.messages.test_messages import runs as message_runs
from tests.small_networks import POINT, NetworkBuilder, dual_stream_network


def exceeded(found: Floors, run: Simulated) -> list[str]:
    """Floors that are above what was simulated."""
    spent = component_sums(price(run.jobs, run.schedule, run.architecture))
    makespan = run.schedule.makespan_cycles
    pairs = {name: (cycles, makespan) for name, cycles in found.bounds_cycles.items()}
    pairs["makespan"] = (found.makespan_cycles, makespan)
    pairs["energy"] = (found.energy_pj, math.fsum(spent.values()))
    least = dict(found.energy_parts_pj)
    moving = ("activation_buffer", "dram")
    both = least.pop(ACTIVATIONS, 0.0) + math.fsum(least.get(name, 0.0) for name in moving)
    pairs[ACTIVATIONS] = (both, math.fsum(spent.get(name, 0.0) for name in moving))
    pairs |= {name: (least_pj, spent.get(name, 0.0)) for name, least_pj in least.items()}
    return [f"{name}: {low} > {high}" for name, (low, high) in pairs.items() if low > high]


PIXELS = (4, 32)
"""Of most of the random gathering cores."""


@settings(max_examples=150)
@given(run=runs())
def test_nothing_is_simulated_below_a_floor(run: Simulated) -> None:
    assert exceeded(floors(demand(run.trace, PIXELS), run.architecture), run) == []


@settings(max_examples=50)
@given(run=runs())
def test_what_is_known_of_pixels_that_share_weights_lowers_no_floor(run: Simulated) -> None:
    """And without it floors hold as well."""
    known, unknown = (
        floors(demand(run.trace, pixels), run.architecture) for pixels in (PIXELS, ())
    )
    assert unknown.makespan_cycles is not None
    assert known.makespan_cycles is not None
    assert unknown.makespan_cycles <= known.makespan_cycles
    assert unknown.energy_pj <= known.energy_pj
    assert exceeded(unknown, run) == []


@settings(max_examples=40)
@given(run=message_runs())
def test_nothing_is_below_a_floor_on_random_chips_of_messages(run: MessageRun) -> None:
    found, summary = floors(demand(run.trace), run.architecture), run.result.summary
    assert found.makespan_cycles is not None
    assert found.makespan_cycles <= summary["makespan_cycles"]
    assert found.energy_pj <= summary["energy_pj"]
    for name, least_pj in found.energy_parts_pj.items():
        assert least_pj <= summary["energy_parts_pj"][name]


@cache
def _recorded(name: str) -> tuple[Trace, Demand]:
    """A network of the shipped files with its recorded spikes, at T = 1 where it is deep."""
    changes = ("timesteps=1",) if name.endswith("18") else ()
    spec = load_workload_spec(name, changes)
    recorded = trace_cache.recording(spec, spec.images[0], use_cache=False, notice=print).trace
    return recorded, demand(recorded, pixels=(8,))


NETWORKS = ("dsnn18", "sew18", "fsnn7b_small", "dspikformer_small")
CHIPS = tuple(name for name in architecture_names() if load_architecture(name).cores)


@pytest.mark.parametrize("chip", CHIPS)
@pytest.mark.parametrize("network", NETWORKS)
def test_no_network_is_below_its_floors_on_a_shipped_chip(network: str, chip: str) -> None:
    trace, asked = _recorded(network)
    architecture = load_architecture(chip)
    found = floors(asked, architecture)
    try:
        run = simulated(trace, architecture)
    except CapacityError:
        return
    assert exceeded(found, run) == []
    assert found.energy_pj > 0.4 * math.fsum(
        component_sums(price(run.jobs, run.schedule, architecture)).values()
    )


GATHER = ("cores.spike.spike.dataflow=gather", "cores.spike.spike.pixels=8")
CHANGES = (
    ("schedule.order=timestep",),
    ("schedule.order=timestep", "schedule.time_batch=2"),
    ("schedule.order=pipeline",),
    ("schedule.order=pipeline", "cores.spike.count=64", "cores.accumulation.count=32"),
    ("schedule.partition=rows",),
    ("schedule.partition=output_channels",),
    ("schedule.time_batch=4", "schedule.assignment=balanced"),
    GATHER,
    (*GATHER, "schedule.time_batch=2"),
    ("policy.integer_input=bit_serial", "policy.real_input=bit_serial"),
    ("policy.integer_input=repeat", "policy.static_layers=recompute"),
    ("policy.accumulation_additions=counters",),
    ("cores.accumulation.mac.dataflow=weight_stationary",),
    ("cores.accumulation.mac.zero_skipping=true", "policy.accumulation_additions=spikes"),
    (
        "cores.accumulation.mac.dataflow=weight_stationary",
        "cores.accumulation.mac.zero_skipping=true",
    ),
    ("storage.activation_buffer.size=64 KiB", "storage.weight_buffer.size=128 KiB"),
)


@pytest.mark.parametrize("changes", CHANGES, ids=" ".join)
@pytest.mark.parametrize("network", ["dsnn18", "fsnn7b_small", "dspikformer_small"])
def test_no_network_is_below_its_floors_on_a_changed_chip(
    network: str, changes: tuple[str, ...]
) -> None:
    trace, asked = _recorded(network)
    _check(trace, asked, load_architecture("split_core", changes))


def _check(trace: Trace, asked: Demand, architecture: Architecture) -> None:
    try:
        run = simulated(trace, architecture)
    except CapacityError:
        return
    assert exceeded(floors(asked, architecture), run) == []


def _with_a_little_kind(architecture: Architecture) -> Architecture:
    """The chip with spike cores of half the lanes beside its own."""
    own = architecture.cores["spike"]
    assert own.spike is not None
    lanes = own.spike.model_copy(update={"lanes": own.spike.lanes // 2})
    little = own.model_copy(update={"spike": lanes, "count": 6})
    return architecture.model_copy(update={"cores": architecture.cores | {"little": little}})


@pytest.mark.parametrize("network", ["dsnn18", "fsnn7b_small"])
@pytest.mark.parametrize("order", ["layer", "timestep", "pipeline"])
def test_no_network_is_below_its_floors_on_cores_that_share_it(network: str, order: str) -> None:
    trace, asked = _recorded(network)
    chip = load_architecture("split_core", [f"schedule.order={order}"])
    _check(trace, asked, _with_a_little_kind(chip))


def test_a_point_on_one_core_is_worked_by_hand() -> None:
    """40 channels of 5 spikes in a map of 2 x 4 pixels, a point of 2 channels, on one spike core.

    A pair of a spike and a tap adds 40 sums, for
    which 32 lanes take 2 cycles and 8 banks of 64 bits, four sums each, take 2.
    """
    net = NetworkBuilder(timesteps=1)
    net.add_tensor("x", (2, 2, 4), Kind.SPIKE, largest=1)
    net.convolution("x", 40, POINT, name="conv", static=False)
    net.arrays["x"][:] = 0
    net.arrays["x"].reshape(-1)[[0, 3, 5, 9, 15]] = 1
    chip = split_chip(
        *("cores.spike.count=1", "cores.accumulation.count=1", "storage.dram.latency=0 ns"),
        *("storage.dram.bandwidth=4 GB/s", "technology.clock=500 MHz"),
    )
    found = floors(demand(net.trace()), chip)
    # 5 pairs of 2 cycles; 8 pixels of 40 sums of 16 bits, 80 words of 64 bits, read from 8 banks
    # in 10; 4 cycles to fill; a cycle to load and a cycle to store.
    assert found.makespan_cycles == found.bounds_cycles["compute_spike"] == 1 + 10 + 10 + 4 + 1
    assert found.bounds_cycles["dependency"] == 26
    # 80 weights of 8 bits and 16 bits of input at 64 bits a cycle: 640 + 16 = 656 bits
    assert found.bounds_cycles["dram"] == math.ceil(656 / 64)
    spent = {name: each / (1 - 1e-9) for name, each in found.energy_parts_pj.items()}
    assert spent["ac"] == pytest.approx(5 * 40 * 0.05, rel=1e-12)
    # 320 bits of weights are 3 words of 128, read for every spike; 640 bits are written once
    assert spent["weight_memory"] == pytest.approx(5 * 3 * 13.39 + 5 * 13.63, rel=1e-12)
    # sums of a pair are 10 words, read and written; 80 words are read once more to be stored, and
    # results of 16 bits pass the memory in both directions
    words = 5 * 10 + 80
    assert spent["state_memory"] == pytest.approx((words + 80) * 3.923 + words * 4.046, rel=1e-12)
    assert spent["dram"] == pytest.approx(656 * 8, rel=1e-12)
    assert exceeded(found, simulated(net.trace(), chip)) == []


@pytest.mark.parametrize("lanes", [1, 2, 4, 8, 16])
def test_more_lanes_raise_no_floor_of_the_makespan(lanes: int) -> None:
    asked = demand(dual_stream_network(channels=40))
    for chip, key in ((split_chip, "spike"), (unified_chip, "unified")):
        few, many = (
            floors(asked, chip(f"cores.{key}.spike.lanes={count}")) for count in (lanes, 2 * lanes)
        )
        assert many.makespan_cycles is not None
        assert few.makespan_cycles is not None
        assert many.makespan_cycles <= few.makespan_cycles


def test_more_cores_raise_no_floor_of_the_makespan() -> None:
    asked = demand(dual_stream_network(channels=40))
    for order in ("layer", "timestep", "pipeline"):
        found = [
            floors(asked, split_chip(f"cores.spike.count={n}", f"schedule.order={order}"))
            for n in range(1, 20)
        ]
        cycles = [each.makespan_cycles or 0 for each in found]
        assert cycles == sorted(cycles, reverse=True)


def test_operations_alone_are_exact() -> None:
    trace = dual_stream_network()
    found = floors(demand(trace), load_architecture("paper"))
    assert found.makespan_cycles is None
    assert found.energy_pj == evaluate(trace, load_architecture("paper")).summary["energy_pj"]


def test_a_chip_of_messages_is_not_below_its_floors() -> None:
    trace = dual_stream_network(accumulation=False)
    chip = load_architecture("loihi_like")
    found, summary = floors(demand(trace), chip), evaluate(trace, chip).summary
    assert found.makespan_cycles is not None
    assert 0 <= found.makespan_cycles <= summary["makespan_cycles"]
    assert found.energy_pj <= summary["energy_pj"]


def test_a_chip_that_cannot_do_the_network_has_floors_all_the_same() -> None:
    chip = load_architecture("spike_only")
    assert floors(demand(dual_stream_network()), chip).energy_pj > 0


def test_a_demand_can_be_sent_to_another_process() -> None:
    asked = demand(dual_stream_network())
    packed = pickle.dumps(asked)
    assert len(packed) < 100_000
    assert floors(pickle.loads(packed), split_chip()) == floors(asked, split_chip())


def test_a_network_with_more_spikes_has_higher_floors() -> None:
    """Nothing is a rate times a dense count."""
    few, many = (NetworkBuilder(2, rate=rate) for rate in (0.1, 0.6))
    for net in (few, many):
        net.add_tensor("x", (4, 8, 8), Kind.SPIKE, largest=1)
        net.convolution("x", 40, POINT, name="conv")
        net.neuron("conv", name="sn")
    less, more = (floors(demand(net.trace()), split_chip()) for net in (few, many))
    assert less.energy_pj < more.energy_pj
    assert (less.makespan_cycles or 0) < (more.makespan_cycles or 0)
