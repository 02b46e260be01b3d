"""Parallel coordinates: a line for each design through its axes and objectives.

Drawn as plain lines, since plotly's own need scripts that the page's policy forbids. Designs beyond
`MOST_LINES` that are on no front are thinned out as in the figure of fronts.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codesign.exploration.effects import Factor, factor
from codesign.pages.content import Cell, Figure, Picture, Table
from codesign.pages.drawing import label, new_figure
from codesign.pages.palette import shades_of_time
from codesign.pages.sweeps.pareto import drawn_places
from codesign.pages.sweeps.quantities import Objective, axis_text, level_text
from codesign.pages.sweeps.study import Study

MOST_LINES = 500
"""Beside those on fronts; more are a haze, and make the page large."""
_FEW_LINES = 60
"""Strong lines of one colour that do not hide each other."""
_MOST_TICKS = 6
_SHADES = 5
"""Groups of an objective, equally many designs in each."""
_LOG_FROM = 20.0


@dataclass(frozen=True, eq=False)
class Coordinate:
    """One of the vertical axes.

    Attributes:
        title: an axis of the sweep, or an objective.
        heights: of each point, 0 at the lowest value and 1 at the highest; NaN where unknown.
        ticks: heights and texts of the values that are written at it.
        is_log: whether equal distances are equal ratios.
    """

    title: str
    heights: NDArray[np.float64]
    ticks: Sequence[tuple[float, str]]
    is_log: bool = False


def coordinates(study: Study) -> list[Coordinate]:
    """The network, if there are several, the axes that vary, the most important last, and the
    objectives."""
    found = []
    if len(study.networks) > 1:
        known = factor(study.points["network"], "network", "words")
        found.append(_by_levels("network", known, ""))
    scales = {axis["key"]: axis["scale"] for axis in study.axes}
    for each in reversed(study.ranked):
        for key in each.keys:
            values = study.points[key]
            own = factor(values, key, scales[key])
            if own.is_binned:
                found.append(
                    _by_value(
                        key,
                        values.to_numpy(dtype=np.float64),
                        lambda v, key=key: axis_text(v, study.units[key]),
                        scales[key] == "log",
                    )
                )
            else:
                found.append(_by_levels(key, own, study.units[key]))
    return found + [_objective(study, each) for each in study.objectives]


def _by_levels(title: str, own: Factor, unit: str) -> Coordinate:
    """Levels at equal distances, as they were chosen."""
    last = max(len(own.levels) - 1, 1)
    places = np.linspace(0, len(own.levels) - 1, min(len(own.levels), _MOST_TICKS)).round()
    ticks = [(place / last, level_text(own.levels[int(place)], unit)) for place in places]
    return Coordinate(title, own.numbers / last, ticks)


def _objective(study: Study, wanted: Objective) -> Coordinate:
    values = study.values(wanted)
    known = values[np.isfinite(values)]
    is_log = bool(known.min() > 0 and known.max() / known.min() > _LOG_FROM)
    return _by_value(wanted.words, values, wanted.text, is_log)


def _by_value(title: str, values: NDArray[np.float64], text: Any, is_log: bool) -> Coordinate:
    is_log = is_log and bool(np.nanmin(values) > 0)
    scaled = np.log(values) if is_log else values
    least, largest = float(np.nanmin(scaled)), float(np.nanmax(scaled))
    span = largest - least or 1.0
    shown = np.linspace(least, largest, 5) if largest > least else np.array([least])
    ticks = [
        (float((each - least) / span), text(float(np.exp(each) if is_log else each)))
        for each in shown
    ]
    return Coordinate(title, (scaled - least) / span, ticks, is_log)


def parallel_pictures(study: Study) -> list[Picture]:
    """The figure; none if there are fewer than two points or nothing varies."""
    if len(study.points) < 2 or not study.factors:
        return []
    known = coordinates(study)
    views = {each.words: parallel_figure(study, known, each) for each in study.objectives}
    if len(study.networks) > 1:
        views["network"] = parallel_figure(study, known, None)
    return [
        Picture(
            "parallel",
            "Every design through its axes",
            _text(study, known),
            next(iter(views.values())),
            coordinate_table(known),
            "Coloured by",
            views,
        )
    ]


def _text(study: Study, known: Sequence[Coordinate]) -> str:
    logarithmic = [each.title for each in known if each.is_log]
    text = (
        "A line is a design; strong lines are on the front. Axes that matter most stand nearest to "
        "the objectives. Drag along an axis to keep the designs that cross it there, double-click "
        "to see all again, and point at a crossing to see all of a design. The table of all points "
        "says the same, row by row."
    )
    if logarithmic:
        text += f" Logarithmic: {', '.join(logarithmic)}."
    left_out = len(study.points) - len(drawn_places(study, MOST_LINES))
    if left_out:
        text += f" {left_out:,} of {len(study.points):,} designs, none on a front, are not drawn."
    return text


def coordinate_table(known: Sequence[Coordinate]) -> Table:
    """What stands at each vertical axis, from its lower end up."""
    rows: list[list[Cell]] = [
        [each.title, each.ticks[0][1], each.ticks[-1][1], ", ".join(t for _, t in each.ticks)]
        for each in known
    ]
    return Table("Axes of the figure", ["axis", "lower end", "upper end", "marks"], rows)


def parallel_figure(
    study: Study, known: Sequence[Coordinate], coloured: Objective | None
) -> Figure:
    """Lines in groups of a colour: of an objective, or of the network."""
    figure = new_figure(560, showlegend=True, dragmode="select", selectdirection="any")
    figure = replace(figure, detail={"brush": len(known)})
    figure.layout["margin"] = {"l": 70, "r": 96, "t": 12, "b": 96}
    heights = np.stack([each.heights for each in known], axis=1).astype(np.float64).round(4)
    places = drawn_places(study, MOST_LINES)
    for name, colour, chosen in _groups(study, coloured):
        figure.data.append(_legend(name, colour))
        own = places[chosen[places]]
        for is_front in (False, True):
            part = own[study.is_on_front[own] == is_front]
            figure.data.append(_lines(heights, part, name, colour, is_front))
    figure.set_axis("xaxis", visible=False, range=[-0.02, len(known) - 0.98])
    figure.set_axis("yaxis", visible=False, range=[-0.02, 1.02])
    figure.layout["shapes"] = [
        {
            **{"type": "line", "x0": place, "x1": place, "y0": 0, "y1": 1},
            **{"line": {"color": "#8D8D8D", "width": 1.5}},
        }
        for place in range(len(known))
    ]
    figure.layout["annotations"] = [
        note for place, each in enumerate(known) for note in _notes(place, each)
    ]
    return figure


def _groups(study: Study, coloured: Objective | None) -> list[tuple[str, str, NDArray[np.bool_]]]:
    """Name, colour and points of each group; the best of an objective come last, on top."""
    if coloured is None:
        names = study.points["network"].map(study.shown_as).to_numpy()
        return [
            (name, study.colour(name), names == name)
            for name in dict.fromkeys(study.shown_as.values())
        ]
    values = study.values(coloured)
    cuts = np.unique(np.nanquantile(values, np.linspace(0, 1, _SHADES + 1)))
    numbers = np.searchsorted(cuts[1:-1], values, side="left")
    present = np.unique(numbers[np.isfinite(values)]).tolist()
    shades = shades_of_time(max(len(present), 2))
    found = []
    for shade, number in zip(shades, present, strict=False):
        chosen = (numbers == number) & np.isfinite(values)
        ends = [coloured.text(end) for end in (values[chosen].min(), values[chosen].max())]
        name = ends[0] if ends[0] == ends[1] else f"{ends[0]} to {ends[1]}"
        found.append((f"{coloured.words} {name}", shade, chosen))
    return found[::-1]


def _lines(
    heights: NDArray[np.float64],
    places: NDArray[np.int64],
    name: str,
    colour: str,
    is_front: bool,
) -> dict[str, Any]:
    """The lines of some designs as one, with a gap behind each."""
    count = heights.shape[1]
    y = [
        each
        for place in places
        for each in (*(None if np.isnan(h) else h for h in heights[place].tolist()), None)
    ]
    return {
        "type": "scatter",
        "mode": "lines",
        "x": [*range(count), None] * len(places),
        "y": y,
        "customdata": [int(place) for place in places for _ in range(count + 1)],
        "name": label(name),
        "legendgroup": name,
        "showlegend": False,
        "line": {"color": colour, "width": 2 if is_front else 1},
        "opacity": (1.0 if len(places) <= _FEW_LINES else 0.6) if is_front else 0.3,
        "hovertemplate": "%{hovertext}<extra></extra>",
    }


def _legend(name: str, colour: str) -> dict[str, Any]:
    """The legend's entry of a group, as strong as a line of the front."""
    return {
        **{"type": "scatter", "mode": "lines", "x": [None], "y": [None]},
        **{"name": label(name), "legendgroup": name, "line": {"color": colour, "width": 4}},
    }


def _notes(place: int, each: Coordinate) -> list[Mapping[str, Any]]:
    """The values beside an axis, and its name below."""
    plain = {"showarrow": False, "x": place}
    ticks = [
        plain
        | {
            **{"y": height, "text": label(text), "xanchor": "left", "xshift": 3},
            **{"font": {"size": 11}, "bgcolor": "#FFFFFF", "opacity": 0.85, "borderpad": 1},
        }
        for height, text in each.ticks
    ]
    name = label(each.title).replace(".", ".<br>").replace(" ", "<br>").replace("_", "_<wbr>")
    lines = {"y": 0, "yanchor": "top", "yshift": -14, "text": name.replace("<wbr>", "")}
    return [*ticks, plain | lines]
