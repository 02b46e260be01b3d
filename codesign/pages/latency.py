"""What the cycles were spent on, and how near the run is to what cannot be beaten.

Takes the `occupancy` table and the bounds of a result. A bound is proven: no order of work on
this chip with these spikes can take fewer cycles.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from codesign.pages.content import (
    Cell,
    Figure,
    Number,
    Stacked,
    Table,
    count,
    cycles,
    percent,
    quantity,
)
from codesign.pages.drawing import add_stack, label, new_figure
from codesign.pages.energy import PICOJOULE
from codesign.pages.palette import STATE_COLOURS, STATE_PATTERNS, state_words, words
from codesign.pages.timeline import LARGEST_LINES
from codesign.results import BUSY_STATES, STATES, Result


@dataclass(frozen=True, slots=True)
class Bound:
    """A lower bound of the makespan, or of the interval between images.

    Attributes:
        name: as the simulation calls it.
        cycles: no run can take fewer.
        share: of what it is a bound of, 1 when it is reached.
        words: its name as people read it.
    """

    name: str
    cycles: float
    share: float
    words: str


def bounds_data(summary: Mapping[str, Any]) -> list[Bound]:
    """The bounds, nearest to the makespan first; empty where latency is not modelled."""
    return _bounds(summary["bounds_cycles"], summary["makespan_cycles"])


def interval_bounds(summary: Mapping[str, Any]) -> list[Bound]:
    """The bounds of the interval between images, nearest first; empty like `bounds_data`."""
    return _bounds(summary["interval_bounds_cycles"], summary["interval_cycles"])


def interval_words(summary: Mapping[str, Any]) -> str:
    """What the interval is, and the bound that is nearest to it."""
    near = interval_bounds(summary)[:1]
    energy = quantity(summary["interval_energy_pj"] * PICOJOULE, "J")
    return f"between images of a stream, {energy} each" + "".join(
        f"; nearest bound: {bound.words}, {percent(bound.share)}" for bound in near
    )


def bound_words(name: str) -> str:
    """A bound as people read it: of cores and links it is that of the busiest one."""
    if name.startswith("compute_") and name != "compute_host":
        return f"busiest {words(name).removesuffix('s')}"
    return "busiest NoC link" if name == "noc" else words(name)


def _bounds(cycles: Mapping[str, float], whole: float | None) -> list[Bound]:
    if not whole:
        return []
    return sorted(
        (Bound(name, least, least / whole, bound_words(name)) for name, least in cycles.items()),
        key=lambda bound: (-bound.cycles, bound.name),
    )


def occupancy_data(result: Result) -> Stacked:
    """Cycles of each core in each state; the states of a core sum to the makespan."""
    cores = list(dict.fromkeys(result.occupancy["core"]))
    sums = result.occupancy.groupby(["state", "core"])["cycles"].sum().to_dict()
    present = set(result.occupancy["state"])
    parts = {
        state: [sums.get((state, core), 0) for core in cores]
        for state in STATES
        if state in present
    }
    return Stacked(cores, parts, "")


def busiest_cores(stacked: Stacked, limit: int = LARGEST_LINES) -> Stacked:
    """The cores that were busy for most cycles, in the order of all, if there are more."""
    nothing = [0.0] * len(stacked.categories)
    busy = [
        sum(of)
        for of in zip(*(stacked.parts.get(state, nothing) for state in BUSY_STATES), strict=True)
    ]
    ranked = sorted(range(len(busy)), key=lambda place: -busy[place])[:limit]
    places = sorted(ranked)
    parts = {state: [values[place] for place in places] for state, values in stacked.parts.items()}
    return Stacked([stacked.categories[place] for place in places], parts, stacked.unit)


def occupancy_figure(stacked: Stacked) -> Figure:
    """A bar for each core, stacked by state, in percent of the makespan."""
    totals = [total or 1 for total in stacked.totals]
    shares = {
        state: [100 * cycles / total for cycles, total in zip(values, totals, strict=True)]
        for state, values in stacked.parts.items()
    }
    figure = new_figure(150 + 22 * len(stacked.categories), barmode="stack", bargap=0.15)
    add_stack(
        figure,
        Stacked(stacked.categories, shares, "%"),
        STATE_COLOURS,
        scale=(1.0, "%"),
        horizontal=True,
        patterns=STATE_PATTERNS,
        names=state_words,
    )
    figure.set_axis("xaxis", title="Share of the makespan (%)", range=[0, 100])
    figure.set_axis("yaxis", showgrid=False, autorange="reversed", dtick=1, tickfont={"size": 11})
    return figure


def bounds_table(bounds: list[Bound], title: str = "Bounds", name: str = "bound") -> Table:
    """The bounds, or parts of the critical path, as a table."""
    rows: list[list[Cell]] = [
        [bound.words, count(bound.cycles), Number(bound.share, percent(bound.share))]
        for bound in bounds
    ]
    return Table(title, [name, "cycles", "share of the makespan"], rows)


def bounds_figure(bounds: list[Bound], makespan_cycles: float) -> Figure:
    """A bar for each bound, and the makespan as a line at its right."""
    figure = new_figure(110 + 30 * len(bounds), showlegend=False, bargap=0.3)
    colours = ["#0072B2"] + ["#6DB3DD"] * (len(bounds) - 1)
    figure.data.append(
        {
            "type": "bar",
            "x": [bound.cycles for bound in bounds],
            "y": [label(bound.words) for bound in bounds],
            "orientation": "h",
            "marker": {"color": colours, "line": {"width": 0}},
            "text": [percent(bound.share) for bound in bounds],
            "textposition": "auto",
            "hovertemplate": "%{y}: %{x:,} cycles, %{text} of the makespan<extra></extra>",
        }
    )
    figure.layout.update(_makespan_line(makespan_cycles))
    figure.layout["margin"] |= {"t": 28}
    figure.set_axis("xaxis", title="Cycles", tickformat="~s", range=[0, 1.02 * makespan_cycles])
    figure.set_axis("yaxis", showgrid=False, autorange="reversed", dtick=1)
    return figure


def _makespan_line(makespan_cycles: float) -> dict[str, Any]:
    """A dashed line with its words above it."""
    line = {"width": 2, "dash": "dash", "color": "#D55E00"}
    return {
        "shapes": [
            {
                **{"type": "line", "line": line, "xref": "x", "yref": "paper"},
                **{"x0": makespan_cycles, "x1": makespan_cycles, "y0": 0, "y1": 1},
            }
        ],
        "annotations": [
            {
                **{"x": makespan_cycles, "xanchor": "right", "xshift": -6},
                **{"y": 1, "yref": "paper", "yanchor": "bottom", "showarrow": False},
                "text": f"makespan, {cycles(makespan_cycles)}",
            }
        ],
    }
