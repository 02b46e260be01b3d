"""A run as trace events: what the format asks for, and that nothing is lost or added."""

import gzip
import json
from collections import defaultdict
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings

from codesign.combination import combine
from codesign.errors import InputError
from codesign.evaluation import evaluate
from codesign.results import Result
from codesign.specs.catalogue import load_architecture
from codesign.trace_events import origin, trace_events, write_trace_events
from codesign.workload import Kind
from tests.chip.small_chips import Simulated, runs, split_chip
from tests.small_networks import THREE, NetworkBuilder, dual_stream_network

REQUIRED = {
    "X": {"name", "cat", "pid", "tid", "ts", "dur", "args"},
    "C": {"name", "pid", "tid", "ts", "args"},
    "M": {"name", "pid", "tid", "args"},
    "s": {"name", "cat", "id", "pid", "tid", "ts"},
    "f": {"name", "cat", "id", "pid", "tid", "ts", "bp"},
}
"""Fields that the format wants of each phase, beside `ph`."""


def picoseconds(microseconds: float) -> int:
    return round(microseconds * 10**6)


def tracks_of(events: list[dict[str, Any]]) -> dict[tuple[int, int], list[tuple[int, int]]]:
    """First and last picosecond of the slices of each track."""
    found = defaultdict(list)
    for event in events:
        if event["ph"] == "X":
            start = picoseconds(event["ts"])
            found[event["pid"], event["tid"]].append((start, start + picoseconds(event["dur"])))
    return found


def check(result: Result) -> list[dict[str, Any]]:
    """The laws of every file; returns its events."""
    events = list(trace_events(result))
    names = {(e["pid"], e["tid"]) for e in events if e["name"] == "thread_name"}
    for event in events:
        assert set(event) == REQUIRED[event["ph"]] | {"ph"}
        if event["ph"] in "Xsf":
            assert (event["pid"], event["tid"]) in names
    tracks = tracks_of(events)
    for slices in tracks.values():
        slices.sort()
        assert all(after[0] >= before[1] for before, after in pairwise(slices))
    for arrow in (event for event in events if event["ph"] in "sf"):
        at, slices = picoseconds(arrow["ts"]), tracks[arrow["pid"], arrow["tid"]]
        assert any(start <= at <= end for start, end in slices)
    assert sum(map(len, tracks.values())) == len(result.timeline)
    return events


@settings(max_examples=40, deadline=None)
@given(run=runs())
def test_no_slices_of_a_track_overlap_and_every_arrow_joins_two(run: Simulated) -> None:
    result = evaluate(run.trace, run.architecture)
    events = check(result)
    longest = max(event["ts"] + event["dur"] for event in events if event["ph"] == "X")
    latency_us = result.summary["latency_s"] * 1e6
    assert longest <= latency_us + 1e-6  # a picosecond; the last data may still be in flight


def test_a_chip_of_messages_has_tracks_as_well() -> None:
    chip = load_architecture("loihi_like", ["messages.neurons=64"])
    result = evaluate(dual_stream_network(accumulation=False), chip)
    check(result)
    power = result.counters
    cycles = [*power["cycle"].tolist(), result.summary["makespan_cycles"]]
    energy_pj = sum(
        watts * (after - before) / chip.technology.clock_hz * 1e12  # type: ignore[union-attr]
        for watts, before, after in zip(power["value"], cycles, cycles[1:], strict=False)
    )
    assert energy_pj == pytest.approx(result.summary["energy_pj"])


def test_joins_of_a_dual_stream_network_have_arrows_from_both_sides() -> None:
    result = evaluate(dual_stream_network(), split_chip("schedule.order=timestep"))
    joins = {"b1.accumulation", "b1.conv2", "b2.downsample"}  # sums, and residuals behind these
    assert joins <= set(result.flows["layer"])
    assert "spike.mean" not in set(result.flows["layer"])  # which reads one layer at all timesteps
    for (layer, _), rows in result.flows.groupby(["layer", "timestep"]):
        assert len(rows) >= 2, layer
    assert (result.flows["from_cycle"] < result.flows["to_cycle"]).all()


def test_the_file_is_json_that_says_what_it_is_of(tmp_path: Path) -> None:
    result = evaluate(dual_stream_network(), split_chip())
    first, second = tmp_path / "one.json.gz", tmp_path / "other.json.gz"
    write_trace_events(result, first)
    write_trace_events(result, second)
    assert first.read_bytes() == second.read_bytes()
    content = json.loads(gzip.decompress(first.read_bytes()))
    assert content["displayTimeUnit"] == "ns"
    assert content["otherData"]["trace_hash"] == result.summary["trace_hash"]
    assert content["traceEvents"] == json.loads(json.dumps(list(trace_events(result))))
    counters = {event["name"] for event in content["traceEvents"] if event["ph"] == "C"}
    assert counters == {"power (W)", "activation_buffer (bits)", "weight_buffer (bits)"}


def test_a_run_without_time_has_no_timeline(tmp_path: Path) -> None:
    result = evaluate(dual_stream_network(), load_architecture("paper"))
    with pytest.raises(InputError, match="needs a run with a timeline"):
        write_trace_events(result, tmp_path / "x.json.gz")
    assert list(tmp_path.iterdir()) == []
    assert result.flows.empty


def test_a_chain_has_no_joins_though_its_membranes_come_back() -> None:
    net = NetworkBuilder(timesteps=3)
    net.add_tensor("x", (4, 6, 6), Kind.SPIKE, largest=1)
    source = "x"
    for name in ("first", "second"):
        net.convolution(source, 16, THREE, name=name)
        source = net.neuron(name, name=f"{name}.sn")
    chip = split_chip("schedule.order=timestep", "cores.spike.state_memory.size=1 KiB")
    result = evaluate(net.trace(), chip)
    assert result.summary["jobs"] > 0
    assert result.flows.empty


def test_the_timeline_of_several_images_is_the_first_ones() -> None:
    results = [evaluate(dual_stream_network(seed=seed), split_chip()) for seed in (1, 2)]
    first, both = results[0], combine(results)
    assert both.summary["makespan_cycles"] != first.summary["makespan_cycles"]
    assert list(trace_events(both)) == list(trace_events(first))
    assert origin(both) == origin(first) | {"images": 2}
