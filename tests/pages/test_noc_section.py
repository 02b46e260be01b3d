"""A NoC is shown as a map, as nodes or as a table, by its topology and size."""

import pytest

from codesign.pages.noc_links import noc_data
from codesign.pages.noc_section import noc_section
from codesign.pages.noc_tables import link_table
from codesign.pages.run_report import run_page
from tests.pages.drawn import drawn
from tests.pages.example_results import example_result
from tests.pages.noc_results import MESH, carried, line_of_nodes


def test_without_a_noc_there_is_no_section() -> None:
    assert noc_section(example_result("dsnn50")) == []
    assert noc_section(example_result("dsnn50", cores=False)) == []


@pytest.mark.parametrize("links", [["bus"], ["from accumulation[0]", "to spike[3]"]])
def test_a_bus_and_a_crossbar_have_a_table_alone(links: list[str]) -> None:
    (section,) = noc_section(carried(*((link, 0, 250) for link in links)))
    assert section.pictures == ()
    assert section.table is not None
    assert [row[0] for row in section.table.rows] == links
    assert section.table == link_table(noc_data(carried(*((link, 0, 250) for link in links))))


@pytest.mark.parametrize(("columns", "kind"), [(16, "scatter"), (17, "heatmap")])
def test_links_of_a_large_mesh_are_gathered_at_their_nodes(columns: int, kind: str) -> None:
    (section,) = noc_section(line_of_nodes(columns))
    (picture,) = section.pictures
    assert picture.figure.data[-1]["type"] == kind
    drawn(picture.figure)


def test_the_section_follows_latency() -> None:
    titles = [section.title for section in run_page(carried(*MESH)).sections]
    assert titles[1:4] == ["Latency", "NoC", "Power and area"]
