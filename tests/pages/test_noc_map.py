"""The map of the NoC shows every link where it is, and as busy as it was."""

from dataclasses import replace

import pandas as pd
import pytest

from codesign.pages.noc_map import (
    link_figure,
    link_table,
    mesh_data,
    noc_data,
    noc_section,
    node_data,
    node_figure,
    node_table,
    sides,
)
from codesign.pages.run_report import run_page
from codesign.results import TIMELINE_COLUMNS, Result
from tests.pages.drawn import drawn
from tests.pages.example_results import example_result


def carried(*rows: tuple[str, int, int]) -> Result:
    """A run of 1,000 cycles in which links were busy from one cycle to another."""
    result = example_result("fsnn18")
    table = [(link, "conv", "spike", 0, 0, "transfer", start, end) for link, start, end in rows]
    timeline = pd.DataFrame(table, columns=TIMELINE_COLUMNS)
    core = result.timeline.iloc[:1].assign(start_cycle=0, end_cycle=1_000)
    timeline = pd.concat([timeline, core], ignore_index=True)
    return replace(result, timeline=timeline, summary=result.summary | {"makespan_cycles": 1_000})


MESH = (
    ("(0,0)>(1,0)", 0, 100),
    ("(0,0)>(1,0)", 400, 500),
    ("(1,0)>(1,1)", 0, 500),
    ("memory.0>(0,0)", 10, 20),
    ("(1,0)>(0,0)", 0, 1),
)


def test_a_links_share_is_the_sum_of_its_cycles_in_the_makespan() -> None:
    found = {
        link.name: (link.transfers, link.busy_cycles, link.share)
        for link in noc_data(carried(*MESH))
    }
    assert found == {
        "(1,0)>(1,1)": (1, 500, 0.5),
        "(0,0)>(1,0)": (2, 200, 0.2),
        "memory.0>(0,0)": (1, 10, 0.01),
        "(1,0)>(0,0)": (1, 1, 0.001),
    }


def test_both_directions_between_neighbours_are_there_even_if_idle() -> None:
    mesh = mesh_data(noc_data(carried(*MESH)))
    assert sides(mesh) == (2, 2)
    idle = {link.name for link in mesh.values() if not link.transfers}
    assert len(mesh) == 4 * 2 + 1  # four pairs of neighbours, and the way from the memory
    assert idle == {"(0,0)>(0,1)", "(0,1)>(0,0)", "(0,1)>(1,1)", "(1,1)>(0,1)", "(1,1)>(1,0)"}
    assert all(link.ends == ends for ends, link in mesh.items())


def test_a_node_has_the_links_that_leave_it_the_busiest_first() -> None:
    nodes = node_data(mesh_data(noc_data(carried(*MESH))))
    assert [link.name for link in nodes[1, 0]] == ["(1,0)>(1,1)", "(1,0)>(0,0)"]
    assert [link.name for link in nodes[-1, 0]] == ["memory.0>(0,0)"]
    table = node_table(mesh_data(noc_data(carried(*MESH))))
    row = next(row for row in table.rows if row[0] == "node (1,0)")
    assert [cell if isinstance(cell, str) else cell.value for cell in row] == [
        *("node (1,0)", 2, 501, 0.5, "(1,1)"),
    ]


def test_no_two_links_are_drawn_at_one_place() -> None:
    figure = link_figure(mesh_data(noc_data(carried(*MESH))))
    (heads,) = [trace for trace in figure.data if "colorscale" in trace.get("marker", {})]
    places = list(zip(heads["x"], heads["y"], strict=True))
    assert len(set(places)) == len(places) == 9


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


def line_of_nodes(columns: int) -> Result:
    return carried(*((f"({n},0)>({n + 1},0)", 0, n + 1) for n in range(columns - 1)))


@pytest.mark.parametrize(("columns", "kind"), [(16, "scatter"), (17, "heatmap")])
def test_links_of_a_large_mesh_are_gathered_at_their_nodes(columns: int, kind: str) -> None:
    (section,) = noc_section(line_of_nodes(columns))
    (picture,) = section.pictures
    assert picture.figure.data[-1]["type"] == kind
    drawn(picture.figure)


def test_a_square_shows_the_busiest_link_that_leaves_its_node() -> None:
    figure = node_figure(mesh_data(noc_data(line_of_nodes(18))))
    (squares,) = figure.data
    assert squares["z"] == [[*(100 * ((n + 1) / 1_000) for n in range(17)), 0.0]]
    assert squares["zmax"] == 100 * (17 / 1_000)


def test_the_section_follows_latency() -> None:
    titles = [section.title for section in run_page(carried(*MESH)).sections]
    assert titles[1:4] == ["Latency", "NoC", "Power and area"]
