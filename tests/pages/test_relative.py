"""Relative to the first run, the first run is 100 % and every other what it is of it."""

import math
from dataclasses import replace

from codesign.pages.compare_report import compare_page
from codesign.pages.content import Number
from codesign.pages.relative import (
    relative_data,
    relative_figure,
    relative_pictures,
    relative_table,
)
from codesign.results import Result
from tests.pages.drawn import drawn
from tests.pages.example_results import example_result


def timeless(result: Result) -> Result:
    return replace(result, summary=result.summary | {"latency_s": None})


def test_wholes_are_those_of_the_summaries_in_percent_of_the_first() -> None:
    results = [example_result("fsnn18"), example_result("dsnn50")]
    energy, latency = relative_data(results)
    for stacked, key in ((energy, "energy_pj"), (latency, "latency_s")):
        share = 100 * results[1].summary[key] / results[0].summary[key]
        # sums of the same numbers in another order
        assert math.isclose(stacked.totals[0], 100, rel_tol=1e-12)
        assert math.isclose(stacked.totals[1], share, rel_tol=1e-12)


def test_a_row_holds_the_parts_of_its_own_quantity() -> None:
    table = relative_table(*relative_data([example_result("fsnn18"), example_result("dsnn18")]))
    assert [row[:2] for row in table.rows] == [
        *(["fsnn18", "energy"], ["fsnn18", "latency"]),
        *(["dsnn18", "energy"], ["dsnn18", "latency"]),
    ]
    for row in table.rows:
        whole, *parts = (cell.value for cell in row if isinstance(cell, Number))
        assert math.isclose(whole, sum(parts), rel_tol=1e-12)
        filled = {name for name, cell in zip(table.columns, row, strict=True) if cell != ""}
        assert ("energy: neuron" in filled) == (row[1] == "energy")
        assert ("latency: neuron" in filled) == (row[1] == "latency")


def test_without_latencies_there_are_bars_of_energy_alone() -> None:
    results = [timeless(example_result(name)) for name in ("fsnn18", "dsnn18")]
    figure = relative_figure(*relative_data(results))
    assert "yaxis2" not in figure.layout
    assert drawn(figure).layout.xaxis.anchor == "y"


def test_a_run_without_latency_has_no_row_of_it() -> None:
    results = [example_result("fsnn18"), timeless(example_result("dsnn18"))]
    table = relative_table(*relative_data(results))
    assert [row[1] for row in table.rows] == ["energy", "latency", "energy"]


def test_each_quantity_has_a_legend_of_its_own() -> None:
    results = [example_result("fsnn18"), example_result("dsnn18")]
    figure = drawn(relative_figure(*relative_data(results)))
    legends = {trace.legend for trace in figure.data}
    assert legends == {None, "legend2"}
    assert {trace.yaxis for trace in figure.data if trace.legend} == {"y2"}


def test_a_single_run_is_not_set_beside_others() -> None:
    assert relative_pictures([example_result("fsnn18")]) == []
    titles = [section.title for section in compare_page([example_result("fsnn18")]).sections]
    assert "Side by side" not in titles
