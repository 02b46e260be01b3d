"""The page says why each layer is cut as it is, with the numbers of the summary."""

from dataclasses import replace

from codesign.evaluation import evaluate
from codesign.pages.content import Number
from codesign.pages.mapping import mapping_section, mapping_table
from codesign.results import BUSY_STATES
from tests.chip.small_chips import split_chip
from tests.pages.example_results import example_result
from tests.small_networks import dual_stream_network


def test_a_layer_has_its_cut_and_what_else_was_expected() -> None:
    table = mapping_table(example_result("dsnn18"))
    first = dict(zip(table.columns, table.rows[0], strict=True))
    assert first["cut into"] == "4 bands x 2 chunks"
    assert first["set by"] == "computing"
    assert first["expected by rows"] == Number(1000.0, "1 k")
    assert first["expected by output channels"] == Number(2000.0, "2 k")
    assert "expected by input channels" not in table.columns


def test_what_a_layer_took_is_what_the_timeline_says() -> None:
    result = evaluate(dual_stream_network(), split_chip())
    table = mapping_table(result)
    took = {row[0]: row[-1] for row in table.rows}
    cores = result.timeline[result.timeline.state.isin(BUSY_STATES)]
    for layer, rows in cores.groupby("layer"):
        cell = took[layer]
        assert isinstance(cell, Number)
        assert cell.value == rows.end_cycle.max() - rows.start_cycle.min()


def test_a_mean_over_images_does_not_say_what_a_layer_took() -> None:
    result = example_result("dsnn18")
    table = mapping_table(replace(result, timeline=result.timeline.iloc[:0]))
    assert "simulated cycles" not in table.columns


def test_without_cores_nothing_was_mapped() -> None:
    assert mapping_section(example_result("fsnn18", cores=False)) == []
