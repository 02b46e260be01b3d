"""Fronts: every design by two of its objectives, and the designs that no other beats.

Dominated designs beyond `MOST_DOMINATED` are thinned out evenly, since plotly draws each point as
an element of the page (its faster ways need scripts that the page's policy forbids). Points on a
front are always drawn.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise

import numpy as np
from numpy.typing import NDArray

from codesign.pages.content import Cell, Figure, Picture, Table
from codesign.pages.drawing import axis_scale, axis_title, label
from codesign.pages.palette import CRITICAL_PATH_COLOUR
from codesign.pages.sweeps.panels import panels
from codesign.pages.sweeps.quantities import Objective, axis_cell
from codesign.pages.sweeps.study import Study

MOST_DOMINATED = 1500
_MOST_PANELS = 3
"""More pairs of objectives are views, one for each objective."""
_LOG_FROM = 20.0
"""Values that differ by more stand on a logarithmic axis."""


@dataclass(frozen=True, eq=False)
class Pair:
    """Two objectives against each other.

    Attributes:
        x, y: the objectives.
        fronts: by what is compared, the places of the points that no other beats in these two,
            from the least of x on.
    """

    x: Objective
    y: Objective
    fronts: dict[str, list[int]]


def pairs_data(study: Study) -> list[Pair]:
    """Every pair of objectives with its fronts."""
    return [_pair(study, x, y) for x, y in combinations(study.objectives, 2)]


def _pair(study: Study, x: Objective, y: Objective) -> Pair:
    found = study.pair_fronts[frozenset((x.name, y.name))]
    costs = np.stack([study.values(y), study.values(x)])
    fronts = {
        name: [int(place) for place in own[np.lexsort(costs[:, own])]]
        for name, own in found.items()
    }
    return Pair(x, y, fronts)


def drawn_places(study: Study, most: int) -> NDArray[np.int64]:
    """The points that are drawn: those of fronts, and at most so many of the others."""
    keep = study.is_on_front.copy()
    for fronts in study.pair_fronts.values():
        for places in fronts.values():
            keep[places] = True
    others = np.flatnonzero(~keep)
    if len(others) > most:
        others = others[np.linspace(0, len(others) - 1, most).astype(int)]
    return np.sort(np.concatenate([np.flatnonzero(keep), others]))


def front_pictures(study: Study) -> list[Picture]:
    """The figure; none if there are fewer than two points or objectives."""
    pairs = pairs_data(study)
    if len(study.points) < 2 or not pairs:
        return []
    views: dict[str, Figure] = {}
    if len(pairs) > _MOST_PANELS:
        for each in study.objectives:
            own = [_pair(study, each, other) for other in study.objectives if other != each]
            views[each.words] = pareto_figure(study, own)
    figure = next(iter(views.values())) if views else pareto_figure(study, pairs)
    title = "Fronts of the floors" if study.is_floors else "Fronts"
    return [Picture("fronts", title, _text(study), figure, front_table(study), "Against", views)]


def _text(study: Study) -> str:
    text = (
        "Less is better on every axis. Full points are on the front of the sweep's objectives: no "
        f"other design {'' if study.compares_networks else 'of the network '}beats them. Steps "
        "join the front of the two objectives shown. Point at a design to see all of it."
    )
    left_out = len(study.points) - len(drawn_places(study, MOST_DOMINATED))
    if left_out:
        text += f" {left_out:,} of {len(study.points):,} designs, none on a front, are not drawn."
    return text


def front_table(study: Study) -> Table:
    """A row for each point on the front of the sweep's objectives."""
    order = [place for name in study.networks for place in np.flatnonzero(study.of(name))]
    rows: list[list[Cell]] = []
    for place in order:
        if study.is_on_front[place]:
            row = study.rows[place]
            axes = [axis_cell(row[axis["key"]], axis["unit"]) for axis in study.varying]
            values = [each.cell(row[each.column]) for each in study.objectives]
            rows.append([str(row["network"]), axis_cell(row["point"], ""), *values, *axes])
    heads = [each.words for each in study.objectives] + [axis["key"] for axis in study.varying]
    return Table("Designs on the front", ["network", "point", *heads], rows)


def pareto_figure(study: Study, pairs: Sequence[Pair]) -> Figure:
    """A panel for each pair: dominated designs faint and open, those of the front full."""
    figure, made = panels(len(pairs), _MOST_PANELS, 380, 0.075, showlegend=True)
    figure.layout["legend"]["itemsizing"] = "constant"
    places = drawn_places(study, MOST_DOMINATED)
    seen: set[object] = set()
    for panel, pair in zip(made, pairs, strict=True):
        scales = [_unit(study, each) for each in (pair.x, pair.y)]
        shown = [
            study.values(each) * each.size * factor
            for each, (factor, _) in zip((pair.x, pair.y), scales, strict=True)
        ]
        for name in study.networks:
            own = places[study.of(name)[places]]
            for is_front in (False, True):
                chosen = own[study.is_on_front[own] == is_front]
                trace = _points(study, name, chosen, shown, is_front=is_front)
                trace["showlegend"] = trace["legendgroup"] not in seen
                seen.add(trace["legendgroup"])
                figure.data.append(trace | panel.axes)
        for name, front in pair.fronts.items():
            figure.data.append(_steps(study, name, front, shown) | panel.axes)
        for axis, each, (_, unit), values in zip(
            (panel.x_name, panel.y_name), (pair.x, pair.y), scales, shown, strict=True
        ):
            title = axis_title(each.title, unit)
            figure.set_axis(axis, title=title, **_scale(values))
            figure.layout[axis]["title"]["standoff"] = 8
    return figure


def _unit(study: Study, each: Objective) -> tuple[float, str]:
    """Factor and unit of an axis."""
    if each.is_plain:
        return 1.0, each.unit
    return axis_scale(float(np.nanmax(study.values(each))) * each.size, each.unit)


def _scale(values: NDArray[np.float64]) -> dict[str, object]:
    """A logarithmic axis where values differ much."""
    known = values[np.isfinite(values)]
    if known.min() > 0 and known.max() / known.min() > _LOG_FROM:
        return {"type": "log", "dtick": "D2"}
    room = 0.06 * float(known.max() - known.min()) or 0.1 * abs(float(known.max())) or 1.0
    return {"range": [float(known.min()) - room, float(known.max()) + room]}


def _points(
    study: Study,
    network: str,
    places: NDArray[np.int64],
    shown: Sequence[NDArray[np.float64]],
    *,
    is_front: bool,
) -> dict[str, object]:
    places = places[np.isfinite(shown[0][places]) & np.isfinite(shown[1][places])]
    colour = study.colour(network)
    words = "on the front" if is_front else "other designs"
    return {
        "type": "scatter",
        "mode": "markers",
        "x": [_short(value) for value in shown[0][places]],
        "y": [_short(value) for value in shown[1][places]],
        "customdata": places.tolist(),
        "name": f"{label(study.shown_as[network])}: {words}",
        "legendgroup": f"{study.shown_as[network]} {words}",
        "marker": {
            "size": 9 if is_front else 6,
            "symbol": "circle" if is_front else "circle-open",
            "color": colour,
            "opacity": 1.0 if is_front else 0.6,
        },
        "hovertemplate": "%{hovertext}<extra></extra>",
    }


def _steps(
    study: Study, compared: str, places: Sequence[int], shown: Sequence[NDArray[np.float64]]
) -> dict[str, object]:
    is_network = compared in study.shown_as
    group = f"{study.shown_as[compared]} on the front" if is_network else "the front"
    return {
        "type": "scatter",
        "mode": "lines",
        "x": [_short(shown[0][place]) for place in places],
        "y": [_short(shown[1][place]) for place in places],
        "line": {
            "shape": "hv",
            "width": 1.5,
            "color": study.colour(compared) if is_network else CRITICAL_PATH_COLOUR,
        },
        "legendgroup": group,
        "showlegend": False,
        "hoverinfo": "skip",
    }


def _short(value: float) -> float:
    """Six digits are finer than a pixel."""
    return float(f"{value:.6g}")


def front_sentences(study: Study, most: int) -> list[str]:
    """How large each front is, and what its ends give up for each other; of so many at most."""
    names = [name for name, own in study.compared.items() if own.sum() > 1]
    if not names:
        return ["Each network has one design: there is no front."] if study.networks else []
    found = [_front_sentence(study, name) for name in names[:most]]
    left_out = len(names) - most
    return [*found, f"{left_out} more networks have fronts below."] if left_out > 0 else found


def _front_sentence(study: Study, network: str) -> str:
    own = np.flatnonzero(study.compared[network] & study.is_on_front)
    if len(own) < 2:
        return (
            f"The front of {network} is one design: it is best in everything."
            if len(own) == 1
            else f"No design of {network} is on a front."
        )
    steps = []
    for x, y in pairwise(study.objectives[:2]):
        values_x, values_y = study.values(x)[own], study.values(y)[own]
        fast, small = int(np.nanargmin(values_x)), int(np.nanargmin(values_y))
        steps.append(
            f"from the least {x.words} ({x.text(values_x[fast])} at {y.text(values_y[fast])}) to "
            f"the least {y.words} ({y.text(values_y[small])} at {x.text(values_x[small])})"
        )
    return f"The front of {network} has {len(own)} designs, {'; '.join(steps)}."
