"""The part of a page that says where the NoC was busy: a map, a view of nodes, or a table alone."""

from codesign.pages.content import Picture, Section
from codesign.pages.noc_links import is_mesh, mesh_data, noc_data, sides
from codesign.pages.noc_map import link_figure
from codesign.pages.noc_nodes import node_figure
from codesign.pages.noc_tables import link_table, node_table
from codesign.results import Result

MOST_DRAWN = 16
"""Columns or rows of a mesh whose links are drawn; of a larger one its nodes are."""

_TEXT = (
    "Share of the makespan in which each link was busy: its triangle stands at the end to which it "
    "leads, thicker lines were busier, and thin grey ones carried nothing."
)
_NODES_TEXT = (
    "Share of the makespan in which the busiest link that leaves a node was busy. Point at a node "
    "to read each of them."
)


def noc_section(result: Result) -> list[Section]:
    """The map of a mesh, or the table of a bus or a crossbar; empty where there is no NoC."""
    links = noc_data(result)
    if not links:
        return []
    if not is_mesh(links):
        return [Section("NoC", table=link_table(links))]
    mesh = mesh_data(links)
    if max(sides(mesh)) <= MOST_DRAWN:
        content = _TEXT, link_figure(mesh), link_table(links)
    else:
        content = _NODES_TEXT, node_figure(mesh), node_table(mesh)
    return [Section("NoC", pictures=[Picture("noc", "Links of the NoC", *content)])]
