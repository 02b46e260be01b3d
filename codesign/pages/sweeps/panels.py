"""Several small plots in one figure: where each stands, and its axes.

plotly numbers the axes of a figure; a panel is a pair of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from codesign.pages.content import Figure
from codesign.pages.drawing import new_figure

_GAP_PIXELS = 84
"""Between rows: room for the labels and the title of an axis, and of the panel below."""


@dataclass(frozen=True)
class Panel:
    """A small plot.

    Attributes:
        number: from 0.
        column, row: its place, from the upper left.
        x, y: the traces' names of its axes.
    """

    number: int
    column: int
    row: int
    x: str
    y: str

    @property
    def axes(self) -> dict[str, str]:
        """What puts a trace into this panel."""
        return {"xaxis": self.x, "yaxis": self.y}

    @property
    def x_name(self) -> str:
        """The horizontal axis in the layout."""
        return f"xaxis{self.x[1:]}"

    @property
    def y_name(self) -> str:
        """The vertical axis in the layout."""
        return f"yaxis{self.y[1:]}"


def panels(
    count: int, columns: int, height: int, gap: float, **layout: Any
) -> tuple[Figure, list[Panel]]:
    """A figure of empty panels, row by row.

    Args:
        count: number of panels.
        columns: most panels of a row.
        height: of a panel in pixels.
        gap: between columns, as a share of the width.
        layout: of the figure.
    """
    columns = min(columns, count)
    rows = -(-count // columns)
    inside = rows * height + (rows - 1) * _GAP_PIXELS
    figure = new_figure(inside + 110, **layout)
    width = (1 - gap * (columns - 1)) / columns
    made = []
    for number in range(count):
        suffix = str(number + 1) if number else ""
        row, column = divmod(number, columns)
        panel = Panel(number, column, row, f"x{suffix}", f"y{suffix}")
        left = column * (width + gap)
        top = 1 - row * (height + _GAP_PIXELS) / inside
        figure.set_axis(panel.x_name, domain=[left, min(left + width, 1)], anchor=panel.y)
        low = max(top - height / inside, 0.0)
        figure.set_axis(panel.y_name, domain=[low, top], anchor=panel.x)
        made.append(panel)
    return figure, made


def headings(figure: Figure, made: Sequence[Panel], texts: Sequence[str]) -> None:
    """Writes a line above each panel."""
    notes = figure.layout.setdefault("annotations", [])
    for panel, text in zip(made, texts, strict=True):
        left, right = figure.layout[panel.x_name]["domain"]
        notes.append(
            {
                **{"text": text, "showarrow": False, "font": {"size": 13}},
                **{"xref": "paper", "yref": "paper", "xanchor": "center", "yanchor": "bottom"},
                **{"x": (left + right) / 2, "y": figure.layout[panel.y_name]["domain"][1]},
            }
        )
