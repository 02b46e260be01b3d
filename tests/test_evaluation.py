"""From trace to result: what a summary says, and how several images are combined."""

import json
import math

from codesign.evaluation import architecture_hash, evaluate
from codesign.specs.catalogue import load_architecture
from tests.chip.small_chips import split_chip
from tests.small_networks import dual_stream_network

KEYS = {
    *("workload", "architecture", "policy", "timesteps", "images", "makespan_cycles", "latency_s"),
    *("interval_cycles", "interval_s", "area_mm2", "area_parts_mm2", "average_power_w"),
    *("peak_power_w", "widths", "interval_bounds_cycles", "interval_energy_pj"),
    *("mapping", "idle_cores", "messages", "populations"),
    *(
        "static_parts_pj",
        "spared_clock_pj",
        "bit_serial",
        "host",
        "critical_path_cycles",
        "what_if",
        "operations",
    ),
    *("energy_pj", "energy_parts_pj", "energy_streams_pj", "edp_js", "accuracy", "counts"),
    "bounds_cycles",
    *(
        "jobs",
        "provenance",
        "sources",
        "coefficients_pj",
        "trace_hash",
        "architecture_hash",
        "version",
    ),
}


def test_a_summary_is_json_with_the_promised_keys() -> None:
    summary = evaluate(dual_stream_network(), split_chip()).summary
    assert set(summary) == KEYS
    assert json.loads(json.dumps(summary, allow_nan=False)) == summary


def test_scalars_follow_from_each_other() -> None:
    summary = evaluate(dual_stream_network(), split_chip()).summary
    assert summary["latency_s"] == summary["makespan_cycles"] / 500_000_000
    assert summary["energy_pj"] == math.fsum(summary["energy_parts_pj"].values())
    assert summary["edp_js"] == summary["latency_s"] * summary["energy_pj"] * 1e-12
    assert max(summary["bounds_cycles"].values()) <= summary["makespan_cycles"]


def test_the_tables_agree_with_the_summary() -> None:
    result = evaluate(dual_stream_network(), split_chip())
    assert math.isclose(math.fsum(result.energy.energy_pj), result.summary["energy_pj"])
    makespan = result.summary["makespan_cycles"]
    assert set(result.occupancy.groupby("core").cycles.sum()) == {makespan}
    assert result.timeline.end_cycle.max() <= makespan


def test_operations_alone_have_no_time() -> None:
    summary = evaluate(dual_stream_network(), load_architecture("paper")).summary
    times = ("makespan_cycles", "latency_s", "interval_s", "edp_js")
    assert [summary[key] for key in times] == [None] * 4
    assert set(summary["energy_parts_pj"]) == {"ac", "mac"}
    counts = summary["counts"]
    assert math.isclose(
        summary["energy_pj"], 0.9 * counts["ac_rate_dense"] + 4.6 * counts["mac"], rel_tol=1e-12
    )


def test_every_source_of_the_file_is_reported() -> None:
    sources = evaluate(dual_stream_network(), split_chip()).summary["sources"]
    assert sources["storage.dram"].startswith("LPDDR4")
    assert sources["cores.spike.operations"].startswith("Horowitz, ISSCC 2014")
    assert {"technology", "precision", "cores.accumulation.overhead"} <= set(sources)


def test_progress_names_the_stages() -> None:
    stages: list[str] = []
    evaluate(dual_stream_network(), split_chip(), progress=lambda stage, *_: stages.append(stage))
    assert set(stages) == {"lowering", "simulation", "stream of images"}


def test_the_hash_follows_the_numbers_and_not_the_file() -> None:
    assert architecture_hash(split_chip()) == architecture_hash(split_chip("cores.spike.count=2"))
    assert architecture_hash(split_chip()) != architecture_hash(split_chip("cores.spike.count=3"))


def test_a_result_without_a_timeline_is_otherwise_the_same() -> None:
    whole = evaluate(dual_stream_network(), split_chip())
    short = evaluate(dual_stream_network(), split_chip(), has_timeline=False)
    assert short.summary == whole.summary
    assert short.energy.equals(whole.energy)
    assert short.layers.equals(whole.layers)
    assert (len(short.occupancy), len(short.timeline)) == (0, 0)
    assert list(short.timeline.columns) == list(whole.timeline.columns)


def test_a_summary_of_a_chip_of_messages_has_the_same_keys() -> None:
    trace, chip = dual_stream_network(accumulation=False), load_architecture("loihi_like")
    summary = evaluate(trace, chip).summary
    assert set(summary) == KEYS
    assert json.loads(json.dumps(summary, allow_nan=False)) == summary
