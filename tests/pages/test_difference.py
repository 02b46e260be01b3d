"""What changed between two runs: the numbers are those of both, and differences add up."""

import math
from dataclasses import replace

import pytest

from codesign.pages.content import Number
from codesign.pages.difference import (
    change_words,
    component_changes,
    counts_table,
    difference_page,
    layer_changes,
    lead,
    time_table,
)
from codesign.results import Result
from tests.pages.example_results import example_result


@pytest.fixture(scope="module")
def pair() -> tuple[Result, Result]:
    return example_result("fsnn50"), example_result("dsnn50")


def test_changes_of_components_add_up_to_that_of_the_energy(pair: tuple[Result, Result]) -> None:
    before, after = pair
    changes = component_changes(before, after).values()
    for side, result in enumerate(pair):
        assert math.fsum(both[side] for both in changes) == pytest.approx(
            result.summary["energy_pj"]
        )


def test_layers_of_both_runs_are_there_and_add_up_to_the_streams(
    pair: tuple[Result, Result],
) -> None:
    changes = layer_changes(*pair)
    for side, result in enumerate(pair):
        of_layers = result.energy[result.energy["layer"] != ""]["energy_pj"].sum()
        assert math.fsum(both[side] for both in changes.values()) == pytest.approx(of_layers)
    assert any(before == 0 for before, _ in changes.values())  # the accumulation pathway's


def test_tables_hold_both_numbers_their_difference_and_its_share(
    pair: tuple[Result, Result],
) -> None:
    for table in (time_table(*pair), counts_table(*pair)):
        assert table.columns[1:3] == ["fsnn50 on split_core", "dsnn50 on split_core"]
        assert table.rows
        for _, *cells in table.rows:
            before, after, change = (cell.value for cell in cells[:3] if isinstance(cell, Number))
            assert change == after - before
            if before:
                share = cells[3]
                assert isinstance(share, Number)
                assert share.value == pytest.approx(after / before - 1)
            else:
                assert cells[3] == ""


def test_a_run_and_itself_have_no_difference(pair: tuple[Result, Result]) -> None:
    _, run = pair
    page = difference_page(run, run)
    assert {tile.value for tile in page.tiles} == {"same"}
    assert len(lead(run, run)) == 1
    same = "nothing changed from the files"
    assert time_table(run, run).columns[1:3] == [f"first run ({same})", f"second run ({same})"]


def test_runs_of_unlike_clocks_are_compared_in_time(pair: tuple[Result, Result]) -> None:
    _, run = pair
    slow = replace(
        run,
        summary=run.summary
        | {"latency_s": 2 * run.summary["latency_s"], "changes": ["technology.clock=250 MHz"]},
    )
    for row in time_table(run, slow).rows:
        share = row[4]
        assert isinstance(share, Number)
        assert share.value == pytest.approx(1.0)
    page = difference_page(run, slow)
    said = "First run: nothing changed from the files. Second run: technology.clock=250 MHz."
    assert said in page.statements
    assert "→" in page.facts["clock"]


def test_a_resource_that_one_chip_lacks_has_a_dash(pair: tuple[Result, Result]) -> None:
    _, run = pair
    bounds = {"noc": 5} | run.summary["bounds_cycles"]
    other = replace(run, summary=run.summary | {"bounds_cycles": bounds})
    (row,) = (row for row in time_table(run, other).rows if "NoC" in str(row[0]))
    assert row[1] == "-"
    assert row[3:] == ["", ""]


def test_runs_without_time_are_compared_by_what_they_have(pair: tuple[Result, Result]) -> None:
    priced = example_result("dsnn50", cores=False)
    page = difference_page(pair[0], priced)
    assert [tile.label for tile in page.tiles] == ["Energy"]


def test_changes_are_said_with_their_share() -> None:
    assert change_words((2.0, 1.5), 1e-3, "s") == "2 ms to 1.5 ms (-25.0 %)"
    assert change_words((2.0, 2.0), 1.0, "J") == "2 J, unchanged"
    assert change_words((0.0, 2.0), 1.0, "J") == "0 J to 2 J"


def test_layers_stand_in_the_order_of_the_network_that_has_them_all() -> None:
    single, dual = example_result("fsnn18"), example_result("dsnn18")
    order = list(dict.fromkeys(dual.layers["layer"]))
    for runs in ((single, dual), (dual, single)):
        names = list(layer_changes(*runs))
        assert names == [name for name in order if name in names]
        assert set(single.layers["layer"]) < set(order)
