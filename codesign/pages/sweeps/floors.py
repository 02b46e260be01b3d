"""Floors: how near the closed-form lower bounds come to what was simulated."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from codesign.exploration.results import Status
from codesign.pages.content import Cell, Figure, Number, Picture, Table, percent
from codesign.pages.drawing import label
from codesign.pages.sweeps.panels import panels
from codesign.pages.sweeps.quantities import axis_cell, floor_of, objective
from codesign.pages.sweeps.study import Study

_WIDTH = 0.05
"""Of a bar: a twentieth of the simulated value."""
_ROUNDING = 1e-9


@dataclass(frozen=True, eq=False)
class Tightness:
    """Floor by simulated value, of the points of a network where both are known.

    Attributes:
        name: of the objective.
        shares: of the points.
    """

    name: str
    network: str
    shares: NDArray[np.float64]


def tightness_data(study: Study) -> list[Tightness]:
    """For each objective with a floor and each network; empty where nothing was simulated."""
    if study.is_floors:
        return []
    found = []
    for name in ("latency", "energy"):
        floor, own = floor_of(name), objective(name)
        if floor is None or floor.column not in study.points or own.column not in study.points:
            continue
        shares = study.values(floor) / study.values(own)
        for network in study.networks:
            known = shares[study.of(network) & np.isfinite(shares)]
            if len(known):
                found.append(Tightness(name, network, known))
    return found


def floor_sentences(study: Study) -> list[str]:
    """How tight the floors are, what they saved, and whether any is wrong."""
    texts = []
    for name in ("latency", "energy"):
        own = [each.shares for each in tightness_data(study) if each.name == name]
        if own:
            shares = np.concatenate(own)
            texts.append(
                f"The floor of {name} is {percent(float(np.median(shares)))} of the simulated "
                f"{name} in the median design ({percent(float(shares.min()))} to "
                f"{percent(float(shares.max()))})."
            )
    pruned = int(study.summary["counts"].get(Status.PRUNED, 0))
    total = len(study.result.points)
    verb = "was" if pruned == 1 else "were"
    texts.append(
        f"{pruned:,} of {total:,} points {verb} not simulated, since their floors alone show that "
        "another design is better."
        if pruned
        else "No point was left out because of its floors."
    )
    wrong = sum(int((each.shares > 1 + _ROUNDING).sum()) for each in tightness_data(study))
    if wrong:
        texts.append(
            f"{wrong} values lie below their floor, which cannot be: the program is wrong there."
        )
    return texts


def floor_pictures(study: Study) -> list[Picture]:
    """The figure; none if nothing was simulated."""
    known = tightness_data(study)
    if not known:
        return []
    text = (
        "Floor divided by simulated value. At 100 % the closed form says all; what is missing is "
        "contention, waiting and imbalance that only a simulation sees."
    )
    return [Picture("floors", "Floors", text, floor_figure(study, known), floor_table(known))]


def floor_table(known: list[Tightness]) -> Table:
    """A row for each objective and network."""
    rows: list[list[Cell]] = [
        [
            each.name,
            each.network,
            axis_cell(len(each.shares), ""),
            *(
                Number(float(value), percent(float(value)))
                for value in (each.shares.min(), np.median(each.shares), each.shares.max())
            ),
        ]
        for each in known
    ]
    return Table(
        "Floor by simulated value",
        ["objective", "network", "designs", "least", "median", "largest"],
        rows,
    )


def bars(shares: NDArray[np.float64]) -> NDArray[np.int64]:
    """How many designs are in each twentieth; what is above 100 % is in the last."""
    places = np.floor(shares / _WIDTH + _ROUNDING).astype(np.int64)
    return np.bincount(places.clip(0, round(1 / _WIDTH) - 1), minlength=round(1 / _WIDTH))


def floor_figure(study: Study, known: list[Tightness]) -> Figure:
    """A histogram for each objective; networks are stacked."""
    names = list(dict.fromkeys(each.name for each in known))
    figure, made = panels(len(names), 2, 230, 0.06, showlegend=True, barmode="stack", bargap=0.06)
    width, seen = 100 * _WIDTH, set[str]()
    for panel, name in zip(made, names, strict=True):
        for each in (each for each in known if each.name == name):
            counts, group = bars(each.shares), study.shown_as[each.network]
            figure.data.append(
                {
                    "type": "bar",
                    "x": [width * (place + 0.5) for place in range(len(counts))],
                    "y": counts.tolist(),
                    "width": 0.94 * width,
                    "name": label(group),
                    "legendgroup": group,
                    "showlegend": group not in seen,
                    "marker": {"color": study.colour(each.network)},
                    "hovertext": [
                        f"{label(each.network)}: {number} designs<br>"
                        f"{width * place:.0f} % to {width * (place + 1):.0f} %"
                        for place, number in enumerate(counts)
                    ],
                    "hovertemplate": "%{hovertext}<extra></extra>",
                }
                | panel.axes
            )
            seen.add(group)
        figure.set_axis(panel.x_name, title=f"Floor of the simulated {name} (%)", range=[0, 100])
        figure.set_axis(panel.y_name, title="Designs", rangemode="tozero")
        figure.layout[panel.x_name]["title"]["standoff"] = 8
    return figure
