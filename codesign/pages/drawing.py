"""How figures are drawn: axes with units, stacked bars, room for legends.

Colours of text, grid and background are left out: the page sets them for light and dark. plotly
is imported when a figure is drawn, because importing it takes longer than most commands.
"""

import html
from collections.abc import Callable, Mapping
from typing import Any

from codesign.pages.content import Stacked
from codesign.pages.palette import words

_PREFIXES = {12: "T", 9: "G", 6: "M", 3: "k", 0: "", -3: "m", -6: "µ", -9: "n", -12: "p", -15: "f"}
LONGEST_LABEL = 48


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


def new_figure(height: int, **layout: Any) -> Any:
    """An empty figure of a height in pixels, as wide as the page, with its legend outside."""
    from plotly import graph_objects

    figure = graph_objects.Figure()
    figure.update_layout(
        template={},
        height=height,
        margin={"l": 8, "r": 44, "t": 12, "b": 8},
        legend={"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom", "traceorder": "normal"},
        modebar={"orientation": "v"},
        font={"size": 13},
        hoverlabel={"align": "left"},
        **layout,
    )
    figure.update_xaxes(automargin=True, zeroline=False)
    figure.update_yaxes(automargin=True, zeroline=False)
    return figure


def add_stack(
    figure: Any,
    stacked: Stacked,
    colours: Mapping[str, str],
    *,
    scale: tuple[float, str],
    horizontal: bool = False,
    patterns: Mapping[str, str] | None = None,
    names: Callable[[str], str] = words,
    legend: bool = True,
    place: Mapping[str, int] | None = None,
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
        place: row and column of a subplot.
    """
    from plotly import graph_objects

    factor, unit = scale
    ranks = {part: rank for rank, part in enumerate(colours, start=1)}
    categories = [label(category) for category in stacked.categories]
    for part, values in stacked.parts.items():
        shown = [value * stacked.size * factor for value in values]
        where = {"x": shown, "y": categories} if horizontal else {"x": categories, "y": shown}
        number, category = ("x", "y") if horizontal else ("y", "x")
        bar = graph_objects.Bar(
            **where,
            name=names(part),
            legendgroup=part,
            showlegend=legend,
            legendrank=ranks.get(part),
            orientation="h" if horizontal else "v",
            marker={
                "color": colours.get(part, "#8D8D8D"),
                "pattern": {"shape": (patterns or {}).get(part, ""), "solidity": 0.25},
                "line": {"width": 0},
            },
            hovertemplate=f"%{{{category}}}<br>{names(part)}: %{{{number}:.4~g}} {unit}"
            "<extra></extra>",
        )
        figure.add_trace(bar, **(place or {}))
