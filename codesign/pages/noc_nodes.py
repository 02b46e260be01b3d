"""The nodes of a mesh with the links that leave them: the view of a NoC too large for its links."""

from collections.abc import Sequence

from codesign.pages.content import Figure, percent
from codesign.pages.drawing import new_figure
from codesign.pages.noc_axes import busy_scale, set_mesh_axes
from codesign.pages.noc_links import Link, Mesh, Node, sides


def node_data(mesh: Mesh) -> dict[Node, list[Link]]:
    """The links that leave each node and each port of the memories, the busiest first."""
    leaving: dict[Node, list[Link]] = {}
    for (first, last), link in mesh.items():
        leaving.setdefault(first, []).append(link)
        leaving.setdefault(last, [])
    return {node: sorted(leaving[node], key=lambda link: -link.share) for node in sorted(leaving)}


def node_figure(mesh: Mesh) -> Figure:
    """A square for each node, in the colour of the busiest link that leaves it."""
    columns, rows = sides(mesh)
    nodes = node_data(mesh)
    first = min(node[0] for node in nodes)
    across = range(first, columns)
    figure = new_figure(190 + max(24 * rows, 100), showlegend=False)
    cells = [[nodes.get((column, row)) for column in across] for row in range(rows)]
    figure.data.append(
        {
            "type": "heatmap",
            "x": list(across),
            "y": list(range(rows)),
            "z": [[100 * of[0].share if of else None for of in line] for line in cells],
            "hovertext": [
                [leaving_words((column, row), of) for column, of in zip(across, line, strict=True)]
                for row, line in enumerate(cells)
            ],
            "hovertemplate": "%{hovertext}<extra></extra>",
            "xgap": 2,
            "ygap": 2,
            "zmin": 0,
            **busy_scale("zmax", mesh),
        }
    )
    set_mesh_axes(figure, columns, rows)
    return figure


def leaving_words(node: Node, links: Sequence[Link] | None) -> str:
    if links is None:
        return ""
    lines = [f"to {link.name.partition('>')[2]}: {percent(link.share)}" for link in links]
    return "<br>".join([f"<b>{node_words(node)}</b>", *lines])


def node_words(node: Node) -> str:
    column, row = node
    return f"memory, row {row}" if column < 0 else f"node ({column},{row})"
