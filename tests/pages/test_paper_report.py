"""The page of the paper's tables shows every row, its numbers, and what is open about it."""

from codesign.counting import count_layers, totals
from codesign.pages.document import page_html
from codesign.pages.paper_report import Pair, energy_figure, paper_page, summary_sentence
from codesign.published import ROWS, rebuild
from codesign.specs.catalogue import load_architecture
from tests.pages.drawn import drawn
from tests.small_networks import dual_stream_network


def pairs() -> list[Pair]:
    """All rows, with the counts of a network that is none of them."""
    trace = dual_stream_network()
    counts, prices = totals(count_layers(trace)), load_architecture("paper").operations
    assert prices is not None
    return [
        (row, rebuild(row, trace.workload, counts, prices) if row.workload else None)
        for row in ROWS
    ]


def test_every_row_stands_in_the_figure_and_in_both_tables() -> None:
    sections = paper_page(pairs(), ["Weights: not trained."]).sections
    assert [len(section.table.rows) for section in sections if section.table] == [
        *(19, 19),
        *(13, 13),
        *(3, 3),
    ]
    names = [name for section in sections for picture in section.pictures
             for name in picture.figure.layout["yaxis"]["categoryarray"]]  # fmt: skip
    assert len(names) == len(ROWS)


def test_columns_that_a_table_does_not_print_are_left_out() -> None:
    tables = {section.table.title: section.table.columns
              for section in paper_page(pairs(), []).sections if section.table}  # fmt: skip
    assert "AC, printed" in tables["Table 2: ImageNet"]
    assert "AC, printed" not in tables["Table 4: Spikformer on CIFAR100"]


def test_plotly_knows_every_property_of_the_figure() -> None:
    figure = energy_figure(pairs())
    assert len(drawn(figure).data) == 4


def test_a_page_of_other_networks_reproduces_nothing() -> None:
    rows = pairs()
    printed = sum(row.energy_mj is not None for row in ROWS)
    assert summary_sentence(rows) == (
        f"Of {printed} printed energies 0 are reproduced within 1.0 %: none."
    )
    text = page_html(paper_page(rows, ["Weights: not trained."]))
    assert "Accuracies are the paper&#x27;s" in text
    assert "Weights: not trained." in text
