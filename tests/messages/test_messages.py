"""A chip of messages: its closed form, its laws, and what it refuses."""

import math
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codesign.counting import count_layers
from codesign.errors import CapacityError
from codesign.evaluation import evaluate
from codesign.messages.loads import loads
from codesign.messages.mesh import Mesh
from codesign.messages.placement import Placement, place
from codesign.messages.populations import Population, populations
from codesign.messages.timesteps import one_input
from codesign.results import Result
from codesign.specs.architecture import Architecture
from codesign.specs.catalogue import architecture_path, load_architecture
from codesign.specs.documents import read_document
from codesign.specs.faults import validate
from codesign.specs.overrides import apply_overrides
from codesign.trace import Trace
from codesign.workload import Kind, LayerType, Stream, Window
from tests.messages.closed_form import ClosedForm, closed_form, timestep_ns
from tests.small_networks import DOWN, POINT, THREE, NetworkBuilder, dual_stream_network

NS_PER_CYCLE = 0.1
some = settings(max_examples=60, deadline=None)


def chip(*overrides: str) -> Architecture:
    return load_architecture("loihi_like", overrides)


@dataclass(frozen=True)
class Run:
    """A trace on a chip of messages, what came of it, and what should have."""

    trace: Trace
    architecture: Architecture
    found: tuple[Population, ...]
    placement: Placement
    result: Result
    expected: ClosedForm

    def expected_cycles(self, *, links: bool) -> int:
        steps = self.trace.workload.timesteps + max(each.depth for each in self.found)
        total = sum(
            timestep_ns(
                self.expected, step, self.placement, self.architecture.messages, links=links
            )
            for step in range(steps)
        )
        return round(total / NS_PER_CYCLE)


def run_of(trace: Trace, architecture: Architecture) -> Run:
    found = populations(trace.workload, architecture)
    placement = place(found, architecture)
    result = evaluate(trace, architecture, what_ifs=3)
    expected = closed_form(trace, found, placement, architecture)
    return Run(trace, architecture, found, placement, result, expected)


@st.composite
def traces(draw: st.DrawFn) -> Trace:
    """Networks of convolutions, pools, residuals, integers and a linear head."""
    net = NetworkBuilder(draw(st.integers(1, 3)), draw(st.integers(0, 99)))
    channels = draw(st.sampled_from([2, 4]))
    kind = draw(st.sampled_from([Kind.SPIKE, Kind.REAL]))
    size = draw(st.integers(4, 6))
    net.add_tensor("input", (2, size, size), kind, static=kind is Kind.REAL)
    net.convolution("input", channels, draw(st.sampled_from([THREE, DOWN, POINT])), name="stem")
    o = net.neuron("stem", name="stem.sn")
    for block in range(draw(st.integers(0, 2))):
        grouped = Window((3, 3), padding=(1, 1), groups=draw(st.sampled_from([1, 2])))
        net.convolution(o, channels, grouped, name=f"{block}.conv1")
        net.neuron(f"{block}.conv1", name=f"{block}.sn1")
        net.convolution(f"{block}.sn1", channels, THREE, name=f"{block}.conv2")
        s = net.neuron(f"{block}.conv2", name=f"{block}.sn2")
        if draw(st.booleans()):
            o = net.logic((s, o), name=f"{block}.g") if net.tensor(o).kind is Kind.SPIKE else s
        else:
            largest = (net.tensor(o).largest or 1) + 1
            o = net.add_layer(
                LayerType.ADD, (s, o), name=f"{block}.g", kind=Kind.INTEGER, largest=largest
            )
    if draw(st.booleans()) and net.tensor(o).kind is Kind.SPIKE:
        shape = net.tensor(o).shape
        wide = Window((2, 2), stride=(2, 2))
        pooled = (shape[0], shape[1] // 2, shape[2] // 2)
        if min(pooled) > 0:
            o = net.add_layer(
                LayerType.MAX_POOL, (o,), name="pool", kind=Kind.SPIKE, shape=pooled, window=wide
            )
    net.add_layer(LayerType.LINEAR, (o,), name="head", shape=(3,))
    net.add_layer(LayerType.TIME_MEAN, ("head",), name="mean", static=True)
    return net.trace()


@st.composite
def runs(draw: st.DrawFn, *overrides: str) -> Run:
    """Random networks on meshes that are used in full or in part."""
    rows = draw(st.integers(1, 4))
    architecture = chip(
        f"messages.neurons={draw(st.sampled_from([5, 16, 1024]))}",
        f"messages.cores={draw(st.integers(1, 4))}",
        *(f"messages.rows={rows}", f"messages.columns={-(-240 // rows)}"),
        f"messages.placement={draw(st.sampled_from(['pixels', 'channels']))}",
        f"policy.integer_input={draw(st.sampled_from(['repeat', 'bit_serial']))}",
        *overrides,
    )
    return run_of(draw(traces()), architecture)


NO_LINKS = ("messages.hop.latency=0 ns", "messages.vertical_hop.latency=0 ns")


@some
@given(run=runs(*NO_LINKS))
def test_where_nothing_contends_latency_is_the_published_closed_form(run: Run) -> None:
    assert run.result.summary["makespan_cycles"] == run.expected_cycles(links=False)


@some
@given(run=runs())
def test_a_timestep_is_as_long_as_its_busiest_core_or_link(run: Run) -> None:
    makespan = run.result.summary["makespan_cycles"]
    assert makespan == run.expected_cycles(links=True)
    assert makespan >= run.expected_cycles(links=False)


@some
@given(run=runs())
def test_energy_is_the_sum_of_all_events(run: Run) -> None:
    chip = run.architecture.messages
    assert chip is not None
    accessed = int(run.placement.neurons.sum()) * run.result.summary["messages"]["timesteps"]
    expected = run.expected.energy_pj + accessed * chip.soma.access.energy_pj
    # one sums picojoules by event, the other by count: equal but for rounding
    assert run.result.summary["energy_pj"] == pytest.approx(expected, rel=1e-12)
    assert run.result.summary["messages"]["messages"] == run.expected.messages
    assert run.result.summary["messages"]["events"] == run.expected.events.total()


@some
@given(run=runs())
def test_events_of_spikes_are_the_accumulates_that_were_counted(run: Run) -> None:
    rows = count_layers(run.trace).groupby("layer")[["ac_synaptic", "ac_repeat", "ac_pool"]].sum()
    table = run.result.energy
    energy = table[table.component == "ac"].groupby("layer")["energy_pj"].sum()
    for layer in run.trace.workload.layers:
        kind = run.trace.workload.input_tensor(layer).kind
        if layer.type in (LayerType.CONVOLUTION, LayerType.LINEAR) and kind is not Kind.REAL:
            repeats = kind is Kind.INTEGER
            if repeats and run.architecture.policy.integer_input != "repeat":  # type: ignore[union-attr]
                continue
            counted = rows.loc[layer.name, "ac_repeat" if repeats else "ac_synaptic"]
            price = 24.0 if layer.type is LayerType.CONVOLUTION else 35.5
            assert energy.get(layer.name, 0.0) == pytest.approx(counted * price)
        elif layer.type is LayerType.MAX_POOL:  # its windows do not overlap
            counted = rows.loc[layer.name, "ac_pool"]
            assert energy.get(layer.name, 0.0) == pytest.approx(counted * 24.0)


@some
@given(run=runs())
def test_states_and_path_sum_to_the_makespan_and_no_unit_does_two_things(run: Run) -> None:
    result, makespan = run.result, run.result.summary["makespan_cycles"]
    assert set(result.occupancy.groupby("core")["cycles"].sum()) == {makespan}
    assert result.timeline.timestep.between(-1, run.trace.workload.timesteps - 1).all()
    path = result.critical_path
    assert path.start_cycle.tolist() == [0, *path.end_cycle.tolist()[:-1]]
    assert path.end_cycle.iloc[-1] == makespan
    for _, rows in result.timeline.groupby("resource"):
        assert (rows.start_cycle.to_numpy()[1:] >= rows.end_cycle.to_numpy()[:-1]).all()
    busy = result.timeline.assign(cycles=result.timeline.end_cycle - result.timeline.start_cycle)
    worked = result.occupancy[result.occupancy.state.isin(["neuron", "accumulate"])]
    by_core = busy.groupby("resource")["cycles"].sum()
    assert by_core[worked.core.tolist()].tolist() == worked.cycles.tolist()


@some
@given(run=runs())
def test_bounds_hold_for_the_run_and_for_a_stream(run: Run) -> None:
    summary = run.result.summary
    assert summary["makespan_cycles"] >= max(summary["bounds_cycles"].values())
    assert summary["interval_cycles"] >= max(summary["interval_bounds_cycles"].values())
    assert summary["interval_cycles"] <= summary["makespan_cycles"]
    for tried in summary["what_if"]:
        assert tried["makespan_cycles"] <= summary["makespan_cycles"]


def one_neuron(channels: int = 1, timesteps: int = 1) -> Trace:
    """One input that spikes at every timestep, and convolutions of one weight to some neurons."""
    net = NetworkBuilder(timesteps, rate=1.1)
    net.add_tensor("input", (1, 1, 1), Kind.SPIKE)
    net.convolution("input", channels, POINT, name="conv")
    net.neuron("conv", name="sn")
    return net.trace()


def test_one_spike_worked_by_hand() -> None:
    """Two timesteps of the chip on one tile: the input fires and its message meets a synapse; then
    the neuron is updated."""
    summary = evaluate(one_neuron(), chip()).summary
    first = max(6.0 + 30 + 5.1, 16 + 3.1)  # input's soma; neuron's synapses
    second = 6.0 + 3.7 + 30  # the neuron's update; it fires as well, to nobody
    assert summary["latency_s"] == pytest.approx((first + second + 2 * 600) * 1e-9)
    energy = 2 * 2 * 51.2 + 21.6 + 2 * 69.3 + 111 + 24.0
    assert summary["energy_pj"] == pytest.approx(energy)


def test_one_spike_over_two_links_worked_by_hand() -> None:
    """One core a tile and one neuron a core: the second tile is south, the third one east."""
    overrides = ("messages.cores=1", "messages.neurons=1", "messages.rows=2")
    summary = evaluate(one_neuron(channels=3), chip(*overrides)).summary
    # input on tile 0 (0, 0); neurons on tiles 1 (0, 1), 2 (1, 0) and 3 (1, 1)
    expected = {
        **{"timesteps": 2, "cores": 4, "tiles": 4, "neurons": 4, "updates": 3, "spikes": 4},
        **{"messages": 3, "hops": 4, "events": 3},
    }
    assert {name: summary["messages"][name] for name in expected} == expected
    hops = 4.2 + 3.0 + (3.0 + 4.2)
    assert summary["energy_parts_pj"]["noc"] == pytest.approx(3 * 111 + hops)
    first = 6.0 + 30 + 3 * 5.1
    assert summary["latency_s"] == pytest.approx((first + 6.0 + 3.7 + 30 + 2 * 1400) * 1e-9)
    parts = summary["messages"]
    spent = [parts[f"{name}_pj"] for name in ("access", "update", "spike", "message", "hop")]
    assert spent == pytest.approx([2 * 4 * 51.2, 3 * 21.6, 4 * 69.3, 3 * 111, hops])


def test_a_timestep_in_which_nothing_takes_time_lasts_a_cycle() -> None:
    events = ("soma.access", "soma.update", "soma.spike", "synapses.convolution", "message_out",
              "message_in")  # fmt: skip
    free = [f"messages.{event}.latency=0 ns" for event in events]
    document = read_document(architecture_path("loihi_like"))
    document.data["messages"]["barrier"] = [{"tiles": 1, "latency": "0 ns"}]
    quick = validate(apply_overrides(document, Architecture, free), Architecture, "loihi_like")
    summary = evaluate(one_neuron(), quick, what_ifs=3).summary
    assert summary["makespan_cycles"] == summary["messages"]["timesteps"] == 2
    assert math.isfinite(summary["peak_power_w"])


def test_the_resource_of_the_nearest_bound_is_tried_faster_as_well() -> None:
    summary = evaluate(one_neuron(), chip(), what_ifs=1).summary
    nearest = max(summary["bounds_cycles"], key=summary["bounds_cycles"].__getitem__)
    assert nearest in [each["resource"] for each in summary["what_if"]]


def test_inputs_are_layers_that_send_and_values_sent_bit_by_bit_are_told() -> None:
    result = evaluate(dual_stream_network(accumulation=False), chip())
    assert result.layers.layer.iloc[0] == "input"
    assert set(result.energy.layer) - {""} <= set(result.layers.layer)
    assert set(result.summary["bit_serial"]) == {"stem", "spike.fc"}
    assert result.summary["operations"]["ac"] == result.summary["messages"]["events"]


@pytest.mark.parametrize(("tiles", "barrier_ns"), [(1, 600), (2, 1000), (3, 1000), (4, 1400)])
def test_the_barrier_is_that_of_the_tiles_in_use(tiles: int, barrier_ns: float) -> None:
    overrides = ("messages.cores=1", "messages.neurons=1")
    summary = evaluate(one_neuron(channels=tiles - 1) if tiles > 1 else one_neuron(),
                       chip(*overrides) if tiles > 1 else chip()).summary  # fmt: skip
    assert summary["messages"]["tiles"] == tiles
    assert summary["bounds_cycles"]["barrier"] == 2 * barrier_ns / NS_PER_CYCLE


def test_a_link_that_all_messages_share_sets_the_timestep() -> None:
    slow = ("messages.hop.latency=1000 ns", "messages.cores=1", "messages.neurons=4")
    net = NetworkBuilder(1, rate=1.1)
    net.add_tensor("input", (4, 1, 1), Kind.SPIKE)
    net.convolution("input", 4, POINT, name="conv")
    net.neuron("conv", name="sn")
    run = run_of(net.trace(), chip(*slow, "messages.rows=1"))
    path = run.result.critical_path
    assert path.cause.tolist() == ["noc", "barrier", "compute_soma", "barrier"]
    assert path.resource.tolist()[0] == "(0,0)>(1,0)"
    assert path.end_cycle.tolist()[0] == 4 * 1000 / NS_PER_CYCLE


def test_a_stream_repeats_after_the_networks_timesteps() -> None:
    """Images T timesteps apart: the loads of all of them, added up by hand, settle at the
    interval."""
    run = run_of(dual_stream_network(accumulation=False), chip("policy.bit_serial_layers=all"))
    architecture, count = run.architecture, 12
    assert architecture.messages is not None
    work = loads(run.trace, run.found, run.placement, Mesh(architecture.messages), architecture)
    depths = np.array([each.depth for each in run.found])
    barrier = run.result.summary["bounds_cycles"]["barrier"]
    barrier //= run.result.summary["messages"]["timesteps"]
    one = one_input(work, depths, barrier)
    timesteps = run.trace.workload.timesteps
    length = len(one.soma) + timesteps * (count - 1)
    access = work.access
    ends = np.zeros(length, dtype=np.int64)
    for unit in ("soma", "synapses", "links"):
        each = getattr(one, unit) - (access if unit == "soma" else 0)
        total = np.zeros((length, each.shape[1]), dtype=np.int64)
        for image in range(count):
            first = image * timesteps
            total[first : first + len(each)] += each
        total += access if unit == "soma" else 0
        ends = np.maximum(ends, total.max(axis=1, initial=0))
    middle = slice(len(one.soma), len(one.soma) + timesteps)
    assert run.result.summary["interval_cycles"] == int((ends[middle] + barrier).sum())
    accessed_pj = int(run.placement.neurons.sum()) * 51.2
    beyond = (len(one.soma) - timesteps) * accessed_pj  # accesses that overlap with other images'
    expected_pj = run.result.summary["energy_pj"] - beyond
    assert run.result.summary["interval_energy_pj"] == pytest.approx(expected_pj, rel=1e-12)


def depths_of(trace: Trace) -> dict[str, int]:
    found = populations(trace.workload, chip("policy.bit_serial_layers=all"))
    return {each.name: each.depth for each in found}


def test_currents_are_added_where_the_neurons_are() -> None:
    """The stem's current belongs to its neurons, a mean to the pool in front of it; the residual of
    `b2` is computed where the downsampled identity is, which is made last."""
    assert depths_of(dual_stream_network(accumulation=False)) == {
        **{"input": 0, "stem": 1, "pool": 2},
        **{"b1.conv1": 3, "b1.conv2": 4},
        **{"b2.conv1": 5, "b2.conv2": 6, "b2.downsample": 7},
        **{"spike.avgpool": 8, "spike.fc": 9},
    }


def test_a_mean_over_timesteps_is_sent_once_behind_the_last() -> None:
    trace = dual_stream_network(timesteps=3, accumulation=False)
    found = populations(trace.workload, chip("policy.bit_serial_layers=all"))
    assert {each.name: each.during for each in found}["spike.fc"] == slice(2, 3)
    assert found[0].during == slice(0, 1)


def test_layers_that_messages_cannot_serve_are_refused_with_their_names() -> None:
    with pytest.raises(CapacityError, match=r"'b2\.pool\.relu' rectifies.*Use a chip with acc"):
        evaluate(dual_stream_network(), chip())


def test_a_network_with_too_many_neurons_is_refused_with_a_mesh_that_holds_it() -> None:
    trace = dual_stream_network(accumulation=False, channels=8)
    small = ("messages.columns=1", "messages.rows=1", "messages.cores=2", "messages.neurons=100",
             "policy.bit_serial_layers=all")  # fmt: skip
    with pytest.raises(CapacityError, match="must fit 2 cores of 100 neurons") as caught:
        evaluate(trace, chip(*small))
    fix = str(caught.value).split("--set ")[1].split(",")[0]
    assert evaluate(trace, chip(*small, fix)).summary["latency_s"] > 0


def test_additions_of_a_pathway_that_nothing_else_reads_are_one_population() -> None:
    """Counters: every block's spikes go to the same neurons, which send nothing."""
    net = NetworkBuilder(2)
    net.add_tensor("input", (2, 4, 4), Kind.SPIKE)
    a = o = "input"
    for block in range(3):
        net.convolution(o, 2, THREE, name=f"{block}.conv")
        o = net.neuron(f"{block}.conv", name=f"{block}.sn")
        a = net.add_layer(
            LayerType.ADD, (a, o), name=f"{block}.sum", stream=Stream.ACCUMULATION,
            kind=Kind.INTEGER, largest=block + 2,
        )  # fmt: skip
    run = run_of(net.trace(), chip())
    assert {each.name: each.depth for each in run.found} == {
        **{"input": 0, "0.conv": 1, "1.conv": 2, "2.conv": 3, "0.sum": 4}
    }
    assert run.result.summary["makespan_cycles"] == run.expected_cycles(links=True)


def test_the_preset_is_the_published_table() -> None:
    chip = load_architecture("loihi_like").messages
    assert chip is not None
    assert (chip.columns, chip.rows, chip.cores, chip.neurons) == (8, 4, 4, 1024)
    events = [
        *(chip.soma.access, chip.soma.update, chip.soma.spike),
        *(chip.synapses.convolution, chip.synapses.dense, chip.synapses.sparse),
        *(chip.message_out, chip.message_in, chip.hop, chip.vertical_hop),
    ]
    assert [(event.energy_pj, event.latency_ns) for event in events] == [
        *((51.2, 6.0), (21.6, 3.7), (69.3, 30.0)),
        *((24.0, 3.1), (35.5, 3.8), (33.6, 4.7)),
        *((111.0, 5.1), (0.0, 16.0), (3.0, 4.1), (4.2, 6.5)),
    ]
    assert [(each.tiles, each.latency_ns) for each in chip.barrier] == [
        *((1, 600), (2, 1000), (4, 1400), (29, 1800))
    ]
