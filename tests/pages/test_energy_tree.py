"""The rectangles hold all energy once, however few of them there may be."""

import math

import pytest

from codesign.pages.energy_tree import MOST_LEAVES, tree_data, tree_figure, tree_table
from codesign.pages.palette import COMPONENT_COLOURS
from tests.pages.drawn import drawn
from tests.pages.example_results import example_result


@pytest.mark.parametrize("limit", [0, 1, 20, 10_000])
def test_leaves_hold_all_energy(limit: int) -> None:
    result = example_result("dsnn50")
    leaves = tree_data(result, limit)
    energy = sum(leaf.energy_pj for leaf in leaves)
    # sums of the same numbers in another order
    assert math.isclose(energy, result.summary["energy_pj"], rel_tol=1e-12)
    assert len({(leaf.component, leaf.stream, leaf.layer) for leaf in leaves}) == len(leaves)


def test_the_largest_layers_are_told_apart_and_the_others_counted() -> None:
    result = example_result("dsnn50")
    everything = tree_data(result, 10_000)
    shown = tree_data(result, 20)
    largest = sorted(everything, key=lambda leaf: -leaf.energy_pj)[:20]
    assert set(largest) <= set(shown)
    gathered = [leaf for leaf in shown if leaf not in largest]
    assert {(leaf.component, leaf.stream) for leaf in gathered} == {
        (leaf.component, leaf.stream) for leaf in everything if leaf not in largest
    }
    counted = sum(
        int(leaf.layer.split()[0]) if leaf.layer.endswith(" small layers") else 1
        for leaf in gathered
    )
    assert counted == len(everything) - 20


def test_a_chips_own_energy_belongs_to_no_layer() -> None:
    leaves = tree_data(example_result("dsnn50"))
    assert [leaf.layer for leaf in leaves if leaf.component == "leakage"] == ["whole chip"]


def test_every_rectangle_stands_in_another_and_has_its_components_colour() -> None:
    leaves = tree_data(example_result("dsnn50"), 30)
    figure = tree_figure(leaves)
    (trace,) = figure.data
    assert trace["parents"][0] == ""
    assert set(trace["parents"][1:]) <= set(trace["ids"])
    assert len(set(trace["ids"])) == len(trace["ids"])
    colours = zip(trace["ids"][1:], trace["marker"]["colors"][1:], strict=True)
    assert all(COMPONENT_COLOURS[name.split("/")[0]] == colour for name, colour in colours)
    drawn(figure)


def test_a_small_rectangle_has_its_name_alone() -> None:
    leaves = tree_data(example_result("dsnn50"))
    whole = sum(leaf.energy_pj for leaf in leaves)
    (trace,) = tree_figure(leaves).data
    numbered = {
        id_ for id_, text in zip(trace["ids"], trace["texttemplate"], strict=True) if "text" in text
    }
    of_layers = {id_ for id_ in numbered if id_.count("/") == 2}
    assert of_layers == {
        f"{leaf.component}/{leaf.stream}/{leaf.layer}"
        for leaf in leaves
        if leaf.energy_pj >= 0.01 * whole
    }
    assert 0 < len(of_layers) < len(leaves)
    assert numbered - of_layers == {id_ for id_ in trace["ids"] if id_.count("/") < 2}


def test_there_are_few_rectangles_of_a_deep_network() -> None:
    leaves = tree_data(example_result("dsnn50"))
    groups = {(leaf.component, leaf.stream) for leaf in leaves}
    assert len(leaves) <= MOST_LEAVES + len(groups)
    assert len(tree_table(leaves).rows) == len(leaves)


def test_a_run_without_energy_has_no_rectangles() -> None:
    result = example_result("fsnn18", cores=False)
    result.energy["energy_pj"] = 0.0
    assert tree_table(tree_data(result)).is_empty
