"""What a dual-stream network spends more consists of three parts, which sum to it exactly."""

import math
from collections.abc import Callable
from dataclasses import replace

import pytest

from codesign.evaluation import evaluate
from codesign.pages.pathway_cost import PathwayEnergy, pathway_energy, pathway_energy_sentences
from codesign.results import Result
from codesign.specs.architecture import Architecture
from codesign.static_power import idle_pj_per_cycle
from tests.chip.small_chips import split_chip, unified_chip
from tests.small_networks import dual_stream_network, with_the_spike_head

OPERATIONS = {"ac", "mac", "addition", "logic", "neuron"}
LARGE, SMALL = "storage.activation_buffer.size=64 KiB", "storage.activation_buffer.size=128 B"


def twins(*overrides: str, make: Callable[..., Architecture] = split_chip) -> tuple[Result, Result]:
    chip = make(*overrides)
    first, second = (
        evaluate(with_the_spike_head(dual_stream_network(4, 3, accumulation, 8)), chip)
        for accumulation in (False, True)
    )
    return first, second


@pytest.mark.parametrize("size", [LARGE, SMALL])
def test_the_parts_sum_to_the_difference_to_the_picojoule(size: str) -> None:
    without, with_it = twins(size)
    split = pathway_energy(without, with_it)
    difference = with_it.summary["energy_pj"] - without.summary["energy_pj"]
    assert abs(split.difference_pj - difference) < 1e-3
    own = with_it.summary["energy_streams_pj"]["accumulation"]
    idle = with_it.summary["spared_clock_pj"]["accumulation"]
    assert abs(math.fsum(split.own_pj.values()) - (own - idle)) < 1e-3
    assert not OPERATIONS.intersection(split.residency_pj)


def test_where_all_has_room_the_spike_stream_spends_the_same() -> None:
    split = pathway_energy(*twins(LARGE))
    assert split.residency_pj == {}
    assert split.own_pj["mac"] > 0


def test_where_the_pathway_takes_room_the_spike_stream_moves_more_to_the_dram() -> None:
    assert pathway_energy(*twins(SMALL)).residency_pj["dram"] > 0


@pytest.mark.parametrize("make", [split_chip, unified_chip])
@pytest.mark.parametrize("order", ["layer", "timestep", "pipeline"])
def test_static_energy_is_that_of_the_longer_makespan(
    make: Callable[..., Architecture], order: str
) -> None:
    without, with_it = twins(LARGE, f"schedule.order={order}", make=make)
    longer = with_it.summary["makespan_cycles"] - without.summary["makespan_cycles"]
    split = pathway_energy(without, with_it)
    static = math.fsum(split.static_pj.values())
    of_a_cycle = idle_pj_per_cycle(make(LARGE))
    assert static == pytest.approx(of_a_cycle * longer, abs=1e-3)
    assert longer != 0
    difference = with_it.summary["energy_pj"] - without.summary["energy_pj"]
    assert split.difference_pj == pytest.approx(difference, abs=1e-3)
    assert not OPERATIONS.intersection(split.residency_pj)


def test_the_sentence_says_what_the_spike_stream_spends_more() -> None:
    for size, said in ((LARGE, "nothing is the spike stream's"), (SMALL, "shares room")):
        pair = [
            replace(result, summary=result.summary | {"workload": name})
            for name, result in zip(("fsnn18", "dsnn18"), twins(size), strict=True)
        ]
        (sentence,) = pathway_energy_sentences(pair)
        assert sentence.startswith("dsnn18 on split_core: of the ")
        assert said in sentence
        assert "are the pathway's own (its clock above idle), " in sentence


def test_parts_sum_whatever_they_are() -> None:
    split = PathwayEnergy({"mac": 3.0}, {"dram": -1.5, "clock": 0.25}, {"leakage": 2.0})
    assert split.difference_pj == 3.75
