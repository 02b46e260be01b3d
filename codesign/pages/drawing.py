"""How figures are drawn: axes with units, stacked bars, room for legends.

Colours of text, grid and background are left out: the page sets them for light and dark.
"""

import html
import re
from collections.abc import Callable, Mapping, Sequence
from itertools import groupby
from typing import Any

from codesign.pages.content import Figure, Stacked
from codesign.pages.palette import words

_PREFIXES = {12: "T", 9: "G", 6: "M", 3: "k", 0: "", -3: "m", -6: "µ", -9: "n", -12: "p", -15: "f"}
LONGEST_LABEL = 48
MOST_LABELS = 60
"""As many vertical labels are readable side by side on a laptop."""

_BLOCK = re.compile(r"(?:[^.]+\.)*?\d+(?=\.|$)|[^.]+")


def axis_scale(largest: float, unit: str) -> tuple[float, str]:
    """The factor and the prefixed unit that make the largest value of an axis 1 to 1000.

    Args:
        largest: the largest magnitude that the axis shows, in `unit`.
        unit: a unit without prefix; may be empty for counts.
    """
    for exponent, prefix in _PREFIXES.items():
        if abs(largest) >= 10.0**exponent:
            return 10.0**-exponent, f"{prefix}{unit}"
    return 1.0, unit


def axis_title(text: str, unit: str) -> str:
    """`Energy (mJ)`; without a unit the text alone."""
    return f"{text} ({unit})" if unit else text


def label(name: str) -> str:
    """A name as plotly shows it literally (it takes `<b>` for bold), cut if very long."""
    if len(name) > LONGEST_LABEL:
        name = f"{name[: LONGEST_LABEL // 2 - 1]}…{name[-LONGEST_LABEL // 2 :]}"
    return html.escape(name, quote=False)


def block_of(layer: str) -> str:
    """The block of a network that a layer belongs to, by its name: `layer1.0` of `layer1.0.conv2`.

    It is the name up to the first part that is a number, or else the first part.
    """
    found = _BLOCK.match(layer)
    return found[0] if found else layer


def blocks_of(layers: Sequence[str], most: int = MOST_LABELS) -> list[tuple[str, int, int]]:
    """Name, first and last place of each block, in order.

    Neighbouring blocks that are too narrow for a label each (of `most` side by side), as those of a
    stem, become one that is called after its first, with an ellipsis.
    """
    narrowest = -(-len(layers) // most)
    runs = [list(run) for _, run in groupby(enumerate(layers), lambda place: block_of(place[1]))]
    blocks: list[tuple[str, int, int]] = []
    for is_narrow, part in groupby(runs, lambda run: len(run) < narrowest):
        found = [(block_of(run[0][1]), run[0][0], run[-1][0]) for run in part]
        if is_narrow and len(found) > 1:
            found = [(f"{found[0][0]} …", found[0][1], found[-1][2])]
        blocks += found
    return blocks


def set_layer_axis(figure: Figure, layers: Sequence[str], title: str) -> None:
    """Makes the horizontal axis that of layers in their order, with labels that can be read.

    Every layer has a label, or, if there are more than `MOST_LABELS`, every block, and every
    second block a grey ground.
    """
    labels = [label(layer) for layer in layers]
    if len(layers) <= MOST_LABELS:
        ticks = {"tickmode": "linear", "tick0": 0, "dtick": 1}
    else:
        ticks, figure.layout["shapes"] = block_ticks(labels, MOST_LABELS)
    figure.set_axis(
        "xaxis",
        title=title,
        categoryorder="array",
        categoryarray=labels,
        showgrid=False,
        tickangle=-90,
        tickfont={"size": 12},
        **ticks,
    )
    # Without it the title may stand on long labels.
    figure.layout["xaxis"]["title"]["standoff"] = 10


def block_ticks(labels: Sequence[str], most: int) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Ticks of an axis of layers that name at most so many blocks, and the grounds of every second.

    Args:
        labels: of the layers, in their order.
        most: names that are readable side by side.
    """
    blocks = blocks_of(labels, most)
    grounds = [
        {
            **{"type": "rect", "layer": "below", "line": {"width": 0}},
            **{"xref": "x", "x0": first - 0.5, "x1": last + 0.5},
            **{"yref": "paper", "y0": 0, "y1": 1, "fillcolor": "rgba(128,128,128,0.13)"},
        }
        for _, first, last in blocks[1::2]
    ]
    shown = blocks[:: -(-len(blocks) // most)]
    ticks = {
        "tickmode": "array",
        "tickvals": [(first + last) / 2 for _, first, last in shown],
        "ticktext": [name for name, _, _ in shown],
    }
    return ticks, grounds


def new_figure(height: int, **layout: Any) -> Figure:
    """An empty figure of a height in pixels, as wide as the page, with its legend outside."""
    legend = {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom", "traceorder": "normal"}
    figure = Figure(
        [],
        {
            "height": height,
            "margin": {"l": 8, "r": 44, "t": 12, "b": 8},
            "legend": legend,
            "modebar": {"orientation": "v"},
            "font": {"size": 13},
            "hoverlabel": {"align": "left"},
            **layout,
        },
    )
    figure.set_axis("xaxis")
    figure.set_axis("yaxis")
    return figure


def add_stack(
    figure: Figure,
    stacked: Stacked,
    colours: Mapping[str, str],
    *,
    scale: tuple[float, str],
    horizontal: bool = False,
    patterns: Mapping[str, str] | None = None,
    names: Callable[[str], str] = words,
    legend: bool = True,
    axes: Mapping[str, str] | None = None,
    sparse: bool = False,
) -> None:
    """Adds one bar trace for each part.

    Args:
        figure: the figure to add to.
        stacked: the numbers.
        colours: by part.
        scale: factor and unit of the axis, from `axis_scale` of the values in `stacked.unit`.
        horizontal: categories on the vertical axis.
        patterns: by part; plain if left out.
        names: how a part is called.
        legend: whether the parts appear in the legend (once per figure).
        axes: the axes of a part of the figure, as `{"xaxis": "x2"}`; the first ones if left out.
        sparse: leave out bars of 0, each of which a browser would draw. The axis then has to list
            the categories, and each of them to have a bar in the figure.
    """
    factor, unit = scale
    ranks = {part: rank for rank, part in enumerate(colours, start=1)}
    categories = [label(category) for category in stacked.categories]
    for part, values in stacked.parts.items():
        pairs = [pair for pair in zip(categories, values, strict=True) if pair[1] or not sparse]
        named = [category for category, _ in pairs]
        shown = [value * stacked.size * factor for _, value in pairs]
        where = {"x": shown, "y": named} if horizontal else {"x": named, "y": shown}
        number, category = ("x", "y") if horizontal else ("y", "x")
        bar = {
            "type": "bar",
            **where,
            "name": names(part),
            "legendgroup": part,
            "showlegend": legend,
            "legendrank": ranks.get(part, len(ranks) + 1),
            "orientation": "h" if horizontal else "v",
            "marker": {
                "color": colours.get(part, "#8D8D8D"),
                "pattern": {"shape": (patterns or {}).get(part, ""), "solidity": 0.25},
                "line": {"width": 0},
            },
            "hovertemplate": f"%{{{category}}}<br>{names(part)}: %{{{number}:.4~g}} {unit}"
            "<extra></extra>",
        }
        figure.data.append(bar | dict(axes or {}))
