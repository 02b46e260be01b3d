"""Latency against energy: which runs no other run beats in both."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from codesign.pages.comparison import run_names
from codesign.pages.content import Cell, Figure, Number, Picture, Priced, Table, quantity
from codesign.pages.drawing import axis_scale, axis_title, label, new_figure
from codesign.pages.energy import PICOJOULE
from codesign.pages.palette import RUN_COLOURS
from codesign.pages.repricing import energy_of
from codesign.results import Result

MOST_NAMED = 12
"""Points that have their name beside them; of more it is read by pointing at them."""


@dataclass(frozen=True, slots=True)
class Point:
    """A run by its two costs.

    Attributes:
        name: of the run.
        architecture: its chip.
        latency_s: of one image alone.
        energy_pj: of one image.
        is_on_front: whether no other run has less of one and no more of the other.
        parts_pj: its energy by component.
    """

    name: str
    architecture: str
    latency_s: float
    energy_pj: float
    is_on_front: bool
    parts_pj: Mapping[str, float]

    @property
    def energy_j(self) -> float:
        return self.energy_pj * PICOJOULE


def pareto_data(results: Sequence[Result]) -> list[Point]:
    """A point for each run that has a latency, in their order."""
    timed = [
        (name, result.summary)
        for name, result in zip(run_names(results), results, strict=True)
        if result.summary["latency_s"] is not None
    ]
    costs = [(float(each["latency_s"]), float(each["energy_pj"])) for _, each in timed]
    return [
        Point(
            name,
            str(summary["architecture"]),
            *own,
            not any(_beats(other, own) for other in costs),
            summary["energy_parts_pj"],
        )
        for (name, summary), own in zip(timed, costs, strict=True)
    ]


def _beats(other: tuple[float, float], own: tuple[float, float]) -> bool:
    return other != own and other[0] <= own[0] and other[1] <= own[1]


def pareto_pictures(results: Sequence[Result]) -> list[Picture]:
    """The figure; none if fewer than two runs have a latency."""
    points = pareto_data(results)
    if len(points) < 2:
        return []
    return [
        Picture(
            "pareto",
            "Latency against energy",
            "Less is better on both axes. Runs on the front are full: no other run has less of one "
            "and no more of the other. The axes need not start at zero.",
            pareto_figure(points),
            pareto_table(points),
            at_file=True,
        )
    ]


def pareto_table(points: Sequence[Point]) -> Table:
    """A row for each run."""
    rows: list[list[Cell]] = [
        [
            point.name,
            Number(point.latency_s, quantity(point.latency_s, "s")),
            Number(point.energy_pj, quantity(point.energy_j, "J"), energy_of(point.parts_pj)),
            # Other coefficients may make another front, which is not computed again.
            Number(point.is_on_front, "yes" if point.is_on_front else "no", Priced(None, "")),
        ]
        for point in points
    ]
    return Table("Latency and energy", ["run", "latency", "energy", "on the front"], rows)


def pareto_figure(points: Sequence[Point]) -> Figure:
    """A point for each run, coloured by chip, and steps through the front."""
    time = axis_scale(max(point.latency_s for point in points), "s")
    energy = axis_scale(max(point.energy_j for point in points), "J")
    places = [(point.latency_s * time[0], point.energy_j * energy[0]) for point in points]
    figure = new_figure(460, showlegend=True)
    front = sorted({place for place, p in zip(places, points, strict=True) if p.is_on_front})
    figure.data.append(
        {
            "type": "scatter",
            "x": [x for x, _ in front],
            "y": [y for _, y in front],
            "mode": "lines",
            "line": {"shape": "hv", "width": 1.5, "dash": "dot", "color": "#8D8D8D"},
            "name": "front",
            "hoverinfo": "skip",
        }
    )
    positions = _positions(places)
    chips = dict.fromkeys(point.architecture for point in points)
    for number, chip in enumerate(chips):
        own = [place for place, point in enumerate(points) if point.architecture == chip]
        colour = RUN_COLOURS[number % len(RUN_COLOURS)]
        trace = _chip_trace(chip, [points[place] for place in own], colour)
        trace["x"], trace["y"] = ([places[place][axis] for place in own] for axis in (0, 1))
        trace["textposition"] = [positions[place] for place in own]
        trace["mode"] = "markers+text" if len(points) <= MOST_NAMED else "markers"
        figure.data.append(trace)
    for axis, (name, title) in enumerate(
        (("xaxis", axis_title("Latency", time[1])), ("yaxis", axis_title("Energy", energy[1])))
    ):
        figure.set_axis(name, title=title, range=_range([place[axis] for place in places]))
    return figure


def _chip_trace(chip: str, points: Sequence[Point], colour: str) -> dict[str, Any]:
    """The points of one chip, but for where they are."""
    return {
        "type": "scatter",
        "text": [label(point.name.removesuffix(f" on {chip}")) for point in points],
        "cliponaxis": False,
        "name": label(chip),
        "marker": {
            "size": 13,
            "symbol": ["circle" if point.is_on_front else "circle-open" for point in points],
            "color": colour,
            "line": {"width": 2, "color": colour},
        },
        "hovertext": [_hover(point) for point in points],
        "hovertemplate": "%{hovertext}<extra></extra>",
    }


def _positions(places: Sequence[tuple[float, float]]) -> list[str]:
    """Where each name stands: neighbours in latency alternate, since they may be close."""
    ranked = sorted(range(len(places)), key=lambda place: places[place])
    rank = {place: number for number, place in enumerate(ranked)}
    return [("bottom center", "top center")[rank[place] % 2] for place in range(len(places))]


def _range(values: Sequence[float]) -> list[float]:
    """From a little below the least to a little above the largest, with room for names."""
    room = 0.12 * (max(values) - min(values)) or 0.1 * max(values) or 1.0
    return [max(min(values) - room, 0.0), max(values) + room]


def _hover(point: Point) -> str:
    product = quantity(point.latency_s * point.energy_j, "J·s")
    front = "on the front" if point.is_on_front else "not on the front"
    return (
        f"<b>{label(point.name)}</b><br>{quantity(point.latency_s, 's')}, "
        f"{quantity(point.energy_j, 'J')}<br>EDP {product}<br>{front}"
    )
