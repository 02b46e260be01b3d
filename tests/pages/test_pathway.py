"""What the pathway adds is the dual-stream network's energy less the full-spike network's."""

import math
from dataclasses import replace

from codesign.pages.compare_report import compare_page
from codesign.pages.pathway import (
    MOST_PAIRS,
    component_data,
    component_figure,
    layer_data,
    layer_figure,
    pair_names,
    pathway_section,
)
from codesign.pages.pathway_cost import CAUSES
from codesign.results import Result
from tests.pages.drawn import drawn
from tests.pages.example_results import example_result


def pair(depth: int = 18, chip: str = "split_core") -> tuple[Result, Result]:
    first, second = (
        replace(result, summary=result.summary | {"architecture": chip, "architecture_hash": chip})
        for result in (example_result(f"fsnn{depth}"), example_result(f"dsnn{depth}"))
    )
    return first, second


def test_the_components_sum_to_the_difference_of_the_energies() -> None:
    pairs = [pair(18), pair(50)]
    stacked = component_data(pairs, pair_names(pairs))
    assert len(stacked.totals) == 4 * len(pairs)
    for place, (first, second) in enumerate(pairs):
        total, *parts = stacked.totals[4 * place : 4 * place + 4]
        assert math.isclose(total, math.fsum(parts), rel_tol=1e-12)
        difference = second.summary["energy_pj"] - first.summary["energy_pj"]
        # sums of the same numbers in another order
        assert math.isclose(total, difference, rel_tol=1e-9)


def test_the_layers_sum_to_the_difference_but_for_what_no_layer_causes() -> None:
    first, second = pair()
    caused = [
        each.energy.loc[each.energy["layer"] != "", "energy_pj"].sum() for each in (first, second)
    ]
    stacked = layer_data((first, second))
    assert math.isclose(sum(stacked.totals), caused[1] - caused[0], rel_tol=1e-9)
    assert "layer1.0.accumulate" in stacked.categories


def test_a_network_adds_nothing_to_itself() -> None:
    first, _ = pair()
    stacked = layer_data((first, first))
    assert list(stacked.categories) == []
    assert stacked.table("", "layer").is_empty
    drawn(layer_figure(stacked))


def test_what_is_saved_is_stacked_to_the_other_side() -> None:
    first, second = pair()
    there, back = (component_data([each], [""]) for each in ((first, second), (second, first)))
    assert back.totals == [-total for total in there.totals]
    (section,) = pathway_section([first, second])
    assert {drawn(each.figure).layout.barmode for each in section.pictures} == {"relative"}


def test_pairs_of_several_chips_are_told_apart() -> None:
    pairs = [pair(chip="split_core"), pair(chip="unified_core")]
    assert pair_names(pairs[:1]) == ["dsnn18 - fsnn18"]
    assert pair_names(pairs) == [
        "dsnn18 - fsnn18 on split_core",
        "dsnn18 - fsnn18 on unified_core",
    ]


def test_of_many_pairs_some_have_a_figure_of_their_layers() -> None:
    results = [each for n in range(MOST_PAIRS + 2) for each in pair(chip=f"chip{n}")]
    (section,) = pathway_section(results)
    names = [picture.name for picture in section.shown_pictures]
    assert names[0] == "pathway-components"
    assert names[1:] == [f"pathway-layers-{n}" for n in range(1, MOST_PAIRS + 1)]


def test_without_a_pair_there_is_no_section() -> None:
    assert pathway_section([example_result("fsnn18"), example_result("dsnn50")]) == []
    titles = [section.title for section in compare_page(list(pair())).sections]
    assert titles == [
        *("Side by side", "Energy", "Latency", "Where the accumulation pathway's energy goes"),
        "Runs",
    ]


def test_parts_stand_below_their_difference_without_its_name() -> None:
    for pairs in ([pair()], [pair(chip="split_core"), pair(chip="unified_core")]):
        known = pair_names(pairs)
        figure = component_figure(component_data(pairs, known), known)
        ticks = [text.replace("<br>", " ") for text in figure.layout["yaxis"]["ticktext"]]
        names = [f"<b>{name}</b>" for name in known]
        assert ticks == [text for name in names for text in (name, *CAUSES)]
