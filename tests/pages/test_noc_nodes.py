"""A node shows the links that leave it."""

from codesign.pages.noc_links import mesh_data, noc_data
from codesign.pages.noc_nodes import node_data, node_figure
from codesign.pages.noc_tables import node_table
from tests.pages.noc_results import MESH, carried, line_of_nodes


def test_a_node_has_the_links_that_leave_it_the_busiest_first() -> None:
    nodes = node_data(mesh_data(noc_data(carried(*MESH))))
    assert [link.name for link in nodes[1, 0]] == ["(1,0)>(1,1)", "(1,0)>(0,0)"]
    assert [link.name for link in nodes[-1, 0]] == ["memory.0>(0,0)"]
    table = node_table(mesh_data(noc_data(carried(*MESH))))
    row = next(row for row in table.rows if row[0] == "node (1,0)")
    assert [cell if isinstance(cell, str) else cell.value for cell in row] == [
        *("node (1,0)", 2, 501, 0.5, "(1,1)"),
    ]


def test_a_square_shows_the_busiest_link_that_leaves_its_node() -> None:
    figure = node_figure(mesh_data(noc_data(line_of_nodes(18))))
    (squares,) = figure.data
    assert squares["z"] == [[*(100 * ((n + 1) / 1_000) for n in range(17)), 0.0]]
    assert squares["zmax"] == 100 * (17 / 1_000)
