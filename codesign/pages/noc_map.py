"""The map of a mesh: every link where it is, as thick and as dark as it was busy."""

from collections.abc import Sequence
from typing import Any

from codesign.pages.content import Figure, percent
from codesign.pages.drawing import new_figure
from codesign.pages.noc_axes import busy_scale, set_mesh_axes
from codesign.pages.noc_links import Link, Mesh, largest_share, sides
from codesign.pages.noc_nodes import leaving_words, node_data
from codesign.pages.palette import BUSY_COLOURS

_BESIDE = 0.13
"""How far the two links between neighbours stand from the line between their nodes."""

_WIDTHS = (0.1, 0.18, 0.25, 0.33, 0.4)
"""Of a link's line, by its share of the busiest link's cycles, in sides of a node."""


def link_figure(mesh: Mesh) -> Figure:
    """A line with a triangle for each link, in the colour of its share."""
    columns, rows = sides(mesh)
    figure = new_figure(190 + max((64 if columns <= 8 else 48) * rows, 100), showlegend=False)
    side = min(20.0, 130 / columns)  # in pixels, so that links are seen on half a page too
    figure.data.extend(_lines(mesh, side))
    figure.data.append(_heads(mesh, side))
    figure.data.append(_nodes(mesh, side))
    set_mesh_axes(figure, columns, rows)
    return figure


def _lines(mesh: Mesh, side: float) -> list[dict[str, Any]]:
    """A trace for each width, since all lines of a trace are as wide; and one of idle links."""
    levels: dict[int, list[Link]] = {}
    largest = largest_share(mesh)
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


def _heads(mesh: Mesh, side: float) -> dict[str, Any]:
    """A triangle at the end of each link, which a reader points at, and the scale of colours."""
    links = list(mesh.values())
    ends = [_drawn(link)[1] for link in links]
    marker = {
        "symbol": [_symbol(link) for link in links],
        "size": round(0.6 * side, 1),
        "color": [100 * link.share for link in links],
        "cmin": 0,
        **busy_scale("cmax", mesh),
    }
    return _markers(ends, marker, [_link_words(link) for link in links])


def _nodes(mesh: Mesh, side: float) -> dict[str, Any]:
    """A square for each node, a diamond for each port of the memories."""
    nodes = node_data(mesh)
    marker = {
        "symbol": ["diamond" if column < 0 else "square" for column, _ in nodes],
        "size": round(side, 1),
        "color": "#8D8D8D",
    }
    words = [leaving_words(node, links) for node, links in nodes.items()]
    return _markers(list(nodes), marker, words)


def _markers(
    places: Sequence[tuple[float, float]], marker: dict[str, Any], words: list[str]
) -> dict[str, Any]:
    """Signs without an edge that a reader points at."""
    return {
        "type": "scatter",
        "mode": "markers",
        "x": [x for x, _ in places],
        "y": [y for _, y in places],
        "marker": {**marker, "line": {"width": 0}},
        "hovertext": words,
        "hovertemplate": "%{hovertext}<extra></extra>",
    }


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
