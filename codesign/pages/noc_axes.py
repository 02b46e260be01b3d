"""The ground that views of a mesh stand on: columns, rows, and the scale of how busy a link was."""

from typing import Any

from codesign.pages.content import Figure
from codesign.pages.noc_links import Mesh, largest_share
from codesign.pages.palette import BUSY_COLOURS

MOST_NUMBERED = 16
"""Columns or rows that are all numbered; of more every second, third ... is."""


def set_mesh_axes(figure: Figure, columns: int, rows: int) -> None:
    """Columns to the right and rows downwards, as they are numbered; squares stay squares."""
    ports = any(x is not None and x < -0.5 for trace in figure.data for x in trace["x"])
    step = -(-max(columns, rows) // MOST_NUMBERED)
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


def busy_scale(largest: str, mesh: Mesh) -> dict[str, Any]:
    """Colours from none to the busiest link, and the bar that explains them."""
    steps = len(BUSY_COLOURS) - 1
    return {
        largest: 100 * largest_share(mesh),
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
