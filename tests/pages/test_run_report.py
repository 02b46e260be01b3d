"""A report shows what a result holds, and leaves out what it does not."""

from dataclasses import replace
from pathlib import Path

import pytest

from codesign.pages.compare_report import compare_page
from codesign.pages.document import page_html
from codesign.pages.run_report import run_page
from codesign.results import Result
from tests.pages.drawn import drawn
from tests.pages.example_results import example_result


def shown(result: Result) -> list[str]:
    return [
        picture.name for section in run_page(result).sections for picture in section.shown_pictures
    ]


def test_a_mean_over_images_has_no_timeline() -> None:
    result = example_result("dsnn18")
    mean = replace(
        result,
        summary=result.summary | {"images": 8, "bounds_cycles": {}},
        timeline=result.timeline.iloc[:0],
        layers=result.layers.astype({"ac_synaptic": "float64", "spikes": "float64"}),
    )
    assert set(shown(result)) - set(shown(mean)) == {"bounds", "timeline"}
    assert "mean of 8" in page_html(run_page(mean))


def test_a_result_without_rows_is_a_page() -> None:
    result = example_result("fsnn18", cores=False)
    empty = Result(
        result.summary | {"energy_pj": 0.0, "energy_parts_pj": {}, "energy_streams_pj": {}},
        *(table.iloc[:0] for table in (result.layers, result.energy)),
        result.occupancy,
        result.timeline,
    )
    assert shown(empty) == []
    assert "No energy was spent." in page_html(run_page(empty))


@pytest.mark.parametrize("cores", [True, False])
def test_the_sections_are_in_the_order_of_the_questions(cores: bool) -> None:
    assert [section.title for section in run_page(example_result(cores=cores)).sections] == [
        "Energy",
        "Latency",
        *(["Power and area"] if cores else []),
        "What the network did",
        "Layers",
        *(["Mapping"] if cores else []),
        "Sources of the architecture's numbers",
    ]


@pytest.mark.parametrize("cores", [True, False])
def test_every_row_of_a_table_has_a_cell_for_each_heading(cores: bool) -> None:
    sections = run_page(example_result(cores=cores)).sections
    tables = [picture.table for section in sections for picture in section.shown_pictures]
    tables += [section.table for section in sections if section.table is not None]
    for table in tables:
        assert {len(row) for row in table.rows} == {len(table.columns)}, table.title


def test_without_sources_there_is_no_table_of_them() -> None:
    result = example_result("fsnn18")
    del result.summary["sources"]
    titles = [section.title for section in run_page(result).sections]
    assert "Sources of the architecture's numbers" not in titles


def test_a_layer_without_energy_is_explained_by_what_the_chip_models() -> None:
    pages = [page_html(run_page(example_result("fsnn18", cores=cores))) for cores in (True, False)]
    assert ["computed together" in page for page in pages] == [True, False]


def test_assumed_numbers_are_counted() -> None:
    section = run_page(example_result("fsnn18")).sections[-1]
    assert section.text == ["Assumed, without a published source: 1 of 5 groups of numbers."]


def test_a_number_and_its_unit_stay_on_one_line(request: pytest.FixtureRequest) -> None:
    page: Path = request.getfixturevalue("run_page")
    lead = page.read_text("utf-8").partition('class="lead">')[2].partition("</p>")[0]
    assert lead == "dsnn50 on split_core takes 10.8&nbsp;ms and 7.25&nbsp;mJ for one image."


def repeating(result: Result) -> Result:
    """The result of a chip that repeats integers, of which each layer has some."""
    policy = {"integer_input": "repeat", "accumulation_additions": "dense"}
    layers = result.layers.assign(ac_repeat=12_345)
    counts = result.summary["counts"] | {"ac_repeat": int(layers["ac_repeat"].sum())}
    return replace(
        result, layers=layers, summary=result.summary | {"policy": policy, "counts": counts}
    )


def test_integers_that_the_chip_repeats_stand_beside_the_networks_counts() -> None:
    result = example_result("dsnn18")
    page, other = page_html(run_page(repeating(result))), page_html(run_page(result))
    assert "instead of their MACs it does what is counted as &#x27;integers as AC&#x27;" in page
    assert ">integers as AC<" in page
    assert "integers as AC" not in other


def test_a_comparison_tells_them_for_each_run() -> None:
    results = [repeating(example_result("fsnn18")), example_result("dsnn18")]
    (table,) = [section.table for section in compare_page(results).sections if section.table]
    assert table.columns[-1] == "integers as AC"
    assert [row[-1].value for row in table.rows] == [results[0].summary["counts"]["ac_repeat"], 0.0]
    assert "counted as &#x27;integers as AC&#x27;" in page_html(compare_page(results))


def test_plotly_knows_every_property_of_every_figure() -> None:
    """plotly.js ignores what it does not know, plotly's own objects refuse it."""
    results = [example_result(name) for name in ("fsnn50", "dsnn50")]
    pages = [run_page(results[1]), run_page(example_result(cores=False)), compare_page(results)]
    figures = [
        picture.figure
        for page in pages
        for section in page.sections
        for picture in section.shown_pictures
    ]
    assert len(figures) >= 16
    for figure in figures:
        assert len(drawn(figure).data) == len(figure.data) > 0
