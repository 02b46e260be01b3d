"""Several inputs give one result: means, and the distribution of every scalar."""

import math
import weakref
from collections.abc import Iterator

import numpy as np
import pytest

from codesign.combination import combine, spread
from codesign.errors import InputError
from codesign.evaluation import evaluate
from codesign.results import Result
from tests.chip.small_chips import split_chip
from tests.small_networks import dual_stream_network


def test_several_images_give_means_and_spread() -> None:
    chip = split_chip()
    results = [evaluate(dual_stream_network(seed=seed), chip) for seed in (1, 2, 3)]
    both = combine(results)
    latencies = [result.summary["latency_s"] for result in results]
    assert both.summary["images"] == 3
    assert both.summary["latency_s"] == pytest.approx(sum(latencies) / 3, rel=1e-12)
    assert both.summary["spread"]["latency_s"]["min"] == min(latencies)
    assert both.summary["spread"]["latency_s"]["max"] == max(latencies)
    parts = math.fsum(both.summary["energy_parts_pj"].values())
    assert both.summary["energy_pj"] == pytest.approx(parts, rel=1e-12)
    assert math.fsum(both.energy.energy_pj) == pytest.approx(parts, rel=1e-12)
    bounds = [result.summary["interval_bounds_cycles"]["dram"] for result in results]
    assert both.summary["interval_bounds_cycles"]["dram"] == pytest.approx(sum(bounds) / 3)
    spikes = sum(result.layers.ac_synaptic.sum() for result in results) / 3
    assert both.layers.ac_synaptic.sum() == pytest.approx(spikes, rel=1e-12)


def test_the_peak_is_the_highest_of_all_images() -> None:
    first, second = (evaluate(dual_stream_network(seed=seed), split_chip()) for seed in (1, 2))
    peak_w = first.summary["peak_power_w"]
    second.summary["peak_power_w"] = 2 * peak_w
    both = combine([first, second]).summary
    assert both["peak_power_w"] == both["spread"]["peak_power_w"]["max"] == 2 * peak_w


def test_one_image_is_itself() -> None:
    result = evaluate(dual_stream_network(), split_chip())
    assert combine([result]) is result


def test_nothing_and_unlike_results_are_not_combined() -> None:
    with pytest.raises(InputError, match="needs at least one result"):
        combine([])
    results = [
        evaluate(dual_stream_network(), split_chip()),
        evaluate(dual_stream_network(accumulation=False), split_chip()),
    ]
    with pytest.raises(InputError, match="needs results of one workload"):
        combine(results)


def test_a_distribution_by_hand() -> None:
    values = [float(value) for value in range(101)]
    assert spread(values) == {
        "min": 0.0,
        "low": 2.5,
        "median": 50.0,
        "high": 97.5,
        "max": 100.0,
        "std": pytest.approx(np.std(values, ddof=1), rel=1e-12),
    }


def test_results_are_taken_one_at_a_time() -> None:
    chip = split_chip()
    made: list[weakref.ref[Result]] = []
    alive = []

    def results() -> Iterator[Result]:
        for seed in range(5):
            alive.append(sum(reference() is not None for reference in made))
            result = evaluate(dual_stream_network(seed=seed), chip)
            made.append(weakref.ref(result))
            yield result

    assert combine(results()).summary["images"] == 5
    assert max(alive) <= 2  # the first, whose timeline is kept, and the one before


def test_equal_inputs_have_no_spread() -> None:
    result = evaluate(dual_stream_network(), split_chip())
    both = combine([result, result])
    assert both.summary["energy_pj"] == pytest.approx(result.summary["energy_pj"], rel=1e-12)
    assert both.summary["spread"]["energy_pj"]["std"] == 0
    assert both.layers["ac_synaptic"].tolist() == result.layers["ac_synaptic"].tolist()
