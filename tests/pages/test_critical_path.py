"""What a report says of the critical path is the path's own."""

from dataclasses import replace
from typing import Any

from codesign.pages.content import Number
from codesign.pages.critical_path import (
    chain_data,
    chain_table,
    marks_data,
    path_data,
    path_pictures,
    path_sentence,
    what_if_table,
)
from codesign.pages.run_report import run_page
from codesign.pages.timeline import timeline_data, timeline_figure
from codesign.results import Result
from tests.pages.drawn import drawn
from tests.pages.example_results import example_result

TRIALS = [
    {
        **{"resource": "dram", "change": "twice the bandwidth"},
        **{"makespan_cycles": 900, "gain": 0.1},
    },
    {
        **{"resource": "noc", "change": "links twice as wide"},
        **{"makespan_cycles": 1010, "gain": -0.01},
    },
]


def changed(result: Result, **summary: Any) -> Result:
    return replace(result, summary=result.summary | summary)


def test_the_bars_in_time_hold_every_cycle_of_the_path_once() -> None:
    result = example_result()
    bars = chain_data(result)
    assert bars["busy_cycles"].sum() == result.summary["makespan_cycles"]
    assert bars["rows"].sum() == len(result.critical_path)
    assert list(dict.fromkeys(bars["resource"])) == ["spike cores", "DRAM"]


def test_a_bar_has_the_stream_of_its_layer() -> None:
    streams = chain_data(example_result()).set_index("layer")["stream"].to_dict()
    assert streams["stem.neuron"] == "spike"
    assert streams["layer1.0.accumulate"] == "accumulation"


def test_the_table_of_the_chain_sums_to_the_path_with_the_longest_first() -> None:
    result = example_result()
    rows = chain_table(result).rows
    cycles = [cell.value for row in rows for cell in row[3:4] if isinstance(cell, Number)]
    assert sum(cycles) == sum(result.summary["critical_path_cycles"].values())
    assert cycles == sorted(cycles, reverse=True)


def test_marks_hold_every_cycle_of_the_path_that_has_a_line() -> None:
    result = example_result()
    length = result.summary["makespan_cycles"]
    everywhere = marks_data(result, ["spike[0]", "dram[0]"])
    assert everywhere["busy_cycles"].sum() == length
    on_core = marks_data(result, ["spike[0]", "spike[1]"])
    assert set(on_core["resource"]) == {"spike[0]"}
    assert on_core["busy_cycles"].sum() == length - 9  # of the weights of the first layer
    assert marks_data(example_result(cores=False), ["spike[0]"]).empty


def test_the_marks_are_hidden_by_an_entry_of_the_legend() -> None:
    result = example_result()
    bars = timeline_data(result.timeline)
    marks = marks_data(result, list(dict.fromkeys(bars["resource"])))
    plain, marked = (timeline_figure(bars, 1, drawn_too) for drawn_too in (None, marks))
    entry, strip = drawn(marked).data[len(plain.data) :]
    assert entry.showlegend is None
    assert entry.name == entry.legendgroup == strip.legendgroup == "critical path"
    assert len(strip.x) == len(marks)
    assert drawn(timeline_figure(bars, 1, marks.iloc[:0])).data == drawn(plain).data


def test_a_mean_over_images_shows_the_path_of_the_first_in_its_own_length() -> None:
    result = example_result()
    length = sum(part.cycles for part in path_data(result.summary))
    mean = changed(result, images=8, makespan_cycles=length * 1.5)
    assert path_sentence(mean.summary).startswith("Critical path of the first image: 100.0 % ")
    for picture in path_pictures(mean):
        assert drawn(picture.figure).layout.xaxis.range[1] <= 1.02 * length


def test_without_a_path_there_is_no_picture_and_no_sentence() -> None:
    result = example_result(cores=False)
    assert path_sentence(result.summary) == ""
    assert all(picture.table.is_empty for picture in path_pictures(result))


def test_trials_have_a_section_of_their_own_with_gains_that_may_be_losses() -> None:
    result = changed(example_result(), what_if=TRIALS)
    (section,) = (each for each in run_page(result).sections if each.title == "What if")
    assert section.table == what_if_table(result.summary)
    texts = [[c.text if isinstance(c, Number) else c for c in row] for row in section.table.rows]
    assert texts == [
        ["DRAM", "twice the bandwidth", "900", "10.0 %"],
        ["NoC", "links twice as wide", "1,010", "-1.0 %"],
    ]


def test_trials_of_several_images_are_the_first_ones() -> None:
    assert what_if_table({"images": 8, "what_if": TRIALS}).title == "Twice as fast (first image)"
