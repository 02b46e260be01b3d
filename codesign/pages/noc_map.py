"""Where the NoC was busy: its links on the map of a mesh, or as a table.

Takes the `timeline` of a result, whose links are told by their names: `(1,0)>(2,0)` and
`memory.0>(0,0)` of a mesh, `bus`, `to spike[3]` and `from spike[3]` of a crossbar. Only what
carried something has a row there; a mesh is drawn as far as its last column and row that did. A
link that a transfer holds is busy, whether or not bits pass it in that cycle.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from codesign.pages.content import (
    Cell,
    Figure,
    Number,
    Picture,
    Section,
    Table,
    count,
    percent,
)
from codesign.pages.drawing import new_figure
from codesign.pages.palette import BUSY_COLOURS
from codesign.results import Result

Node = tuple[int, int]
"""Column and row; column -1 is where the memories feed that row."""

MOST_DRAWN = 16
"""Columns or rows of a mesh whose links are drawn; of a larger one its nodes are."""

_END = r"(?:\((\d+),(\d+)\)|memory\.(\d+))"
_MESH_LINK = re.compile(f"{_END}>{_END}")
_OTHER_LINK = re.compile(r"bus|(?:to|from) \S+\[\d+\]")

_BESIDE = 0.13
"""How far the two links between neighbours stand from the line between their nodes."""

_WIDTHS = (0.1, 0.18, 0.25, 0.33, 0.4)
"""Of a link's line, by its share of the busiest link's cycles, in sides of a node."""

_TEXT = (
    "Share of the makespan in which each link was busy: its triangle stands at the end to which it "
    "leads, thicker lines were busier, and thin grey ones carried nothing."
)
_NODES_TEXT = (
    "Share of the makespan in which the busiest link that leaves a node was busy. Point at a node "
    "to read each of them."
)


@dataclass(frozen=True, slots=True)
class Link:
    """One link of a NoC.

    Attributes:
        name: as in the timeline.
        transfers: how many it carried.
        busy_cycles: in which it was held.
        share: of the makespan, 0 to 1.
        ends: first and last node on a mesh; None on a bus or a crossbar.
    """

    name: str
    transfers: int
    busy_cycles: int
    share: float
    ends: tuple[Node, Node] | None


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


def noc_data(result: Result) -> list[Link]:
    """Every link that carried something, the busiest first; empty where there is no NoC."""
    timeline, makespan = result.timeline, result.summary["makespan_cycles"]
    is_link = timeline["resource"].map(lambda name: _ends(name) is not None or _is_other(name))
    rows = timeline[is_link.astype(bool)]
    cycles = (rows["end_cycle"] - rows["start_cycle"]).groupby(rows["resource"])
    sums = cycles.agg(["size", "sum"]).sort_values("sum", ascending=False, kind="stable")
    return [
        Link(str(name), int(size), int(busy), int(busy) / makespan, _ends(str(name)))
        for name, size, busy in sums.itertuples()
    ]


def is_mesh(links: Sequence[Link]) -> bool:
    """Whether the links are those of a mesh."""
    return all(link.ends is not None for link in links)


def mesh_data(links: Sequence[Link]) -> dict[tuple[Node, Node], Link]:
    """All links between neighbours as far as the last node that sent or received anything, row by
    row, those that carried nothing with a share of 0; of the memories' links those in use."""
    used = {link.ends: link for link in links if link.ends is not None}
    nodes = [node for ends in used for node in ends]
    columns, rows = (max(node[axis] for node in nodes) + 1 for axis in (0, 1))
    found: dict[tuple[Node, Node], Link] = {}
    for row in range(rows):
        for column in range(-1, columns):
            here = (column, row)
            for other in ((column + 1, row), (column, row + 1)):
                for ends in ((here, other), (other, here)):
                    is_inside = column >= 0 and other[0] < columns and other[1] < rows
                    if ends in used:
                        found[ends] = used[ends]
                    elif is_inside:
                        found[ends] = Link(_name(ends), 0, 0, 0.0, ends)
    return found


def sides(mesh: dict[tuple[Node, Node], Link]) -> tuple[int, int]:
    """Columns and rows."""
    nodes = [node for ends in mesh for node in ends]
    columns, rows = (max(node[axis] for node in nodes) + 1 for axis in (0, 1))
    return columns, rows


def node_data(mesh: dict[tuple[Node, Node], Link]) -> dict[Node, list[Link]]:
    """The links that leave each node and each port of the memories, the busiest first."""
    leaving: dict[Node, list[Link]] = {}
    for (first, last), link in mesh.items():
        leaving.setdefault(first, []).append(link)
        leaving.setdefault(last, [])
    return {node: sorted(leaving[node], key=lambda link: -link.share) for node in sorted(leaving)}


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


def node_table(mesh: dict[tuple[Node, Node], Link]) -> Table:
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
        rows.append([_node_words(node), count(transfers), count(cycles), busiest, target])
    columns = ["node", "transfers", "busy cycles of its links", "share of the busiest", "leads to"]
    return Table("Links that leave each node", columns, rows)


def link_figure(mesh: dict[tuple[Node, Node], Link]) -> Figure:
    """A line with a triangle for each link, in the colour of its share."""
    columns, rows = sides(mesh)
    figure = new_figure(190 + max((64 if columns <= 8 else 48) * rows, 100), showlegend=False)
    side = min(20.0, 130 / columns)  # in pixels, so that links are seen on half a page too
    figure.data.extend(_lines(mesh, side))
    figure.data.append(_heads(mesh, side))
    figure.data.append(_nodes(mesh, side))
    _set_axes(figure, columns, rows)
    return figure


def node_figure(mesh: dict[tuple[Node, Node], Link]) -> Figure:
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
                [_leaving_words((column, row), of) for column, of in zip(across, line, strict=True)]
                for row, line in enumerate(cells)
            ],
            "hovertemplate": "%{hovertext}<extra></extra>",
            "xgap": 2,
            "ygap": 2,
            "zmin": 0,
            **_scale("zmax", mesh),
        }
    )
    _set_axes(figure, columns, rows)
    return figure


def _lines(mesh: dict[tuple[Node, Node], Link], side: float) -> list[dict[str, Any]]:
    """A trace for each width, since all lines of a trace are as wide; and one of idle links."""
    levels: dict[int, list[Link]] = {}
    largest = _largest(mesh)
    for link in mesh.values():
        share = link.share / largest
        level = min(int(share * len(_WIDTHS)), len(_WIDTHS) - 1) if link.transfers else -1
        levels.setdefault(level, []).append(link)
    traces = []
    for level, links in sorted(levels.items()):
        xs: list[float | None] = []
        ys: list[float | None] = []
        for link in links:
            (x0, y0), (x1, y1) = _drawn(link)
            xs += [x0, x1, None]
            ys += [y0, y1, None]
        middle = (level + 0.5) / len(_WIDTHS)
        line = {"color": _colour(middle), "width": round(side * _WIDTHS[level], 1)}
        if level < 0:
            line = {"color": BUSY_COLOURS[0], "width": 1.0}
        traces.append(
            {
                "type": "scatter",
                "mode": "lines",
                "x": xs,
                "y": ys,
                "line": line,
                "hoverinfo": "skip",
            }
        )
    return traces


def _heads(mesh: dict[tuple[Node, Node], Link], side: float) -> dict[str, Any]:
    """A triangle at the end of each link, which a reader points at, and the scale of colours."""
    links = list(mesh.values())
    ends = [_drawn(link)[1] for link in links]
    scale = _scale("cmax", mesh)
    return {
        "type": "scatter",
        "mode": "markers",
        "x": [x for x, _ in ends],
        "y": [y for _, y in ends],
        "marker": {
            "symbol": [_symbol(link) for link in links],
            "size": round(0.6 * side, 1),
            "color": [100 * link.share for link in links],
            "line": {"width": 0},
            "cmin": 0,
            **scale,
        },
        "hovertext": [_link_words(link) for link in links],
        "hovertemplate": "%{hovertext}<extra></extra>",
    }


def _nodes(mesh: dict[tuple[Node, Node], Link], side: float) -> dict[str, Any]:
    """A square for each node, a diamond for each port of the memories."""
    nodes = node_data(mesh)
    return {
        "type": "scatter",
        "mode": "markers",
        "x": [column for column, _ in nodes],
        "y": [row for _, row in nodes],
        "marker": {
            "symbol": ["diamond" if column < 0 else "square" for column, _ in nodes],
            "size": round(side, 1),
            "color": "#8D8D8D",
            "line": {"width": 0},
        },
        "hovertext": [_leaving_words(node, links) for node, links in nodes.items()],
        "hovertemplate": "%{hovertext}<extra></extra>",
    }


def _set_axes(figure: Figure, columns: int, rows: int) -> None:
    """Columns to the right and rows downwards, as they are numbered; squares stay squares."""
    ports = any(x is not None and x < -0.5 for trace in figure.data for x in trace["x"])
    step = -(-max(columns, rows) // MOST_DRAWN)
    # Between narrow columns there is no room for `memory` beside a number.
    ticks = list(range(step if ports and step > 1 else 0, columns, step))
    figure.set_axis(
        "xaxis",
        title="Column of the mesh",
        tickmode="array",
        tickvals=[-1] * ports + ticks,
        ticktext=["memory"] * ports + [str(tick) for tick in ticks],
        range=[-1.6 if ports else -0.6, columns - 0.4],
        tickangle=0,
        showgrid=False,
        constrain="domain",
        constraintoward="left",
    )
    figure.set_axis(
        "yaxis",
        title="Row of the mesh",
        tick0=0,
        dtick=step,
        range=[rows - 0.4, -0.6],
        showgrid=False,
        scaleanchor="x",
        constrain="domain",
        constraintoward="top",
    )


def _scale(largest: str, mesh: dict[tuple[Node, Node], Link]) -> dict[str, Any]:
    """Colours from none to the busiest link, and the bar that explains them."""
    steps = len(BUSY_COLOURS) - 1
    return {
        largest: 100 * _largest(mesh),
        "colorscale": [[place / steps, colour] for place, colour in enumerate(BUSY_COLOURS)],
        "showscale": True,
        "colorbar": {
            "title": {"text": "Busy (% of the makespan)"},
            "outlinewidth": 0,
            "thickness": 12,
            **{"orientation": "h", "lenmode": "pixels", "len": 480},
            **{"x": 0, "xanchor": "left", "y": 1.0, "yanchor": "bottom"},
        },
    }


def _largest(mesh: dict[tuple[Node, Node], Link]) -> float:
    return max((link.share for link in mesh.values()), default=0.0) or 1.0


def _colour(share: float) -> str:
    """The colour between none (0) and the busiest link (1), of the same scale as the bar."""
    place = min(max(share, 0.0), 1.0) * (len(BUSY_COLOURS) - 1)
    first = min(int(place), len(BUSY_COLOURS) - 2)
    ends = (_channels(BUSY_COLOURS[first]), _channels(BUSY_COLOURS[first + 1]))
    mixed = (round(a + (place - first) * (b - a)) for a, b in zip(*ends, strict=True))
    return "#{:02X}{:02X}{:02X}".format(*mixed)


def _channels(colour: str) -> tuple[int, ...]:
    return tuple(int(colour[place : place + 2], 16) for place in (1, 3, 5))


def _drawn(link: Link) -> tuple[tuple[float, float], tuple[float, float]]:
    """First and last point of a link: beside the line between its nodes, on its right."""
    assert link.ends is not None
    (x0, y0), (x1, y1) = link.ends
    dx, dy = x1 - x0, y1 - y0
    # Rows are drawn downwards, so that the right of a way along +x is at +y.
    side = (-dy * _BESIDE, dx * _BESIDE)
    near, far = 0.22, 0.7
    return (
        (x0 + dx * near + side[0], y0 + dy * near + side[1]),
        (x0 + dx * far + side[0], y0 + dy * far + side[1]),
    )


def _symbol(link: Link) -> str:
    assert link.ends is not None
    (x0, y0), (x1, y1) = link.ends
    if x0 != x1:
        return "triangle-right" if x1 > x0 else "triangle-left"
    return "triangle-down" if y1 > y0 else "triangle-up"


def _link_words(link: Link) -> str:
    return (
        f"<b>{link.name.replace('>', ' → ')}</b><br>busy {percent(link.share)} of the makespan"
        f"<br>{link.busy_cycles:,} cycles, {link.transfers:,} transfers"
    )


def _leaving_words(node: Node, links: Sequence[Link] | None) -> str:
    if links is None:
        return ""
    lines = [f"to {link.name.partition('>')[2]}: {percent(link.share)}" for link in links]
    return "<br>".join([f"<b>{_node_words(node)}</b>", *lines])


def _node_words(node: Node) -> str:
    column, row = node
    return f"memory, row {row}" if column < 0 else f"node ({column},{row})"


def _ends(name: str) -> tuple[Node, Node] | None:
    """Both nodes of a mesh's link."""
    found = _MESH_LINK.fullmatch(name)
    if found is None:
        return None
    first, last = (_node(*found.groups()[part : part + 3]) for part in (0, 3))
    return first, last


def _node(column: str | None, row: str | None, memory: str | None) -> Node:
    return (-1, int(memory)) if memory is not None else (int(column or 0), int(row or 0))


def _is_other(name: str) -> bool:
    return _OTHER_LINK.fullmatch(name) is not None


def _name(ends: tuple[Node, Node]) -> str:
    return ">".join(f"({column},{row})" for column, row in ends)
