"""The same numbers as the views of a NoC in tables: a row for each link, or for each node."""

from collections.abc import Sequence

from codesign.pages.content import Cell, Number, Table, count, percent
from codesign.pages.noc_links import Link, Mesh
from codesign.pages.noc_nodes import node_data, node_words


def link_table(links: Sequence[Link]) -> Table:
    """A row for each link that carried something, the busiest first."""
    rows: list[list[Cell]] = [
        [
            link.name,
            count(link.transfers),
            count(link.busy_cycles),
            Number(link.share, percent(link.share)),
        ]
        for link in links
    ]
    return Table("Links", ["link", "transfers", "busy cycles", "share of the makespan"], rows)


def node_table(mesh: Mesh) -> Table:
    """A row for each node, with the sum of the links that leave it and the busiest of them."""
    rows: list[list[Cell]] = []
    for node, links in node_data(mesh).items():
        if not links:
            continue
        transfers, cycles = (
            sum(getattr(link, name) for link in links) for name in ("transfers", "busy_cycles")
        )
        busiest = Number(links[0].share, percent(links[0].share))
        target = links[0].name.partition(">")[2]
        rows.append([node_words(node), count(transfers), count(cycles), busiest, target])
    columns = ["node", "transfers", "busy cycles of its links", "share of the busiest", "leads to"]
    return Table("Links that leave each node", columns, rows)
