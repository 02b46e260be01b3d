"""Interactions: pairs of axes whose effects on an objective do not add up.

A pair is ranked by the share of the variance that the means over both axes explain beyond an effect
of each. The strongest of each objective are drawn as maps of means.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from codesign.exploration.effects import Factor, pair_means
from codesign.pages.content import Cell, Figure, Number, Picture, Table, percent
from codesign.pages.drawing import label
from codesign.pages.sweeps.main_effects import factor_words
from codesign.pages.sweeps.panels import headings, panels
from codesign.pages.sweeps.quantities import Objective, tick_text
from codesign.pages.sweeps.study import Study

_MOST_MAPS = 3
_FEW_LEVELS = 4
_LEAST = 0.001
"""Shares below it are told in the table alone."""
_MOST_ROWS = 60
SCALE = [[0.0, "#DCEAF5"], [0.5, "#6FA8D0"], [1.0, "#0B4F86"]]
"""From little to much; for text in cells, dark above and light below the middle."""


@dataclass(frozen=True, eq=False)
class Interaction:
    """Two factors and an objective of a workload.

    Attributes:
        share: of the variance; NaN where chance cannot be told.
    """

    workload: str
    objective: Objective
    one: Factor
    other: Factor
    share: float


def interactions(study: Study) -> list[Interaction]:
    """All pairs for all objectives and workloads, the strongest first."""
    found = [
        Interaction(workload, wanted, study.factors[a], study.factors[b], share)
        for workload in study.workloads
        for wanted in study.objectives
        for (a, b), share in study.shares[wanted.name, workload].pairs.items()
    ]
    return sorted(found, key=lambda each: -each.share if np.isfinite(each.share) else 1.0)


def strongest(known: list[Interaction], wanted: Objective) -> list[Interaction]:
    """Those of an objective that are drawn: one workload of each pair."""
    found: dict[tuple[str, str], Interaction] = {}
    for each in known:
        if each.objective == wanted and each.share >= _LEAST:
            found.setdefault((factor_words(each.one), factor_words(each.other)), each)
    return list(found.values())[:_MOST_MAPS]


def interaction_pictures(study: Study) -> list[Picture]:
    """The figure; none if no pair interacts."""
    known = interactions(study)
    views = {
        each.words: interactions_figure(study, maps)
        for each in study.objectives
        if (maps := strongest(known, each))
    }
    if not views:
        return []
    return [
        Picture(
            "interactions",
            "Strongest interactions",
            "The mean at each pair of values, for the pairs of axes that explain most beyond the "
            "sum of their own effects, each for the workload where that is most. Dark is much.",
            next(iter(views.values())),
            interaction_table(known),
            "Objective",
            views if len(views) > 1 else {},
        )
    ]


def interaction_sentence(study: Study) -> str:
    """The strongest pair in words."""
    known = [each for each in interactions(study) if each.share >= _LEAST]
    if len(study.factors) < 2:
        return "One axis alone varies: there is nothing that it could interact with."
    if not known:
        return "No two axes interact: the effects of all pairs add up within 0.1 % of the variance."
    best = known[0]
    return (
        f"The strongest interaction is that of {factor_words(best.one)} and "
        f"{factor_words(best.other)}: {percent(best.share)} of how the {best.objective.words} of "
        f"{best.workload} varies."
    )


def interaction_table(known: list[Interaction]) -> Table:
    """A row for each pair that interacts, the strongest first, as far as a page can show them."""
    rows: list[list[Cell]] = [
        [
            factor_words(each.one),
            factor_words(each.other),
            each.objective.words,
            each.workload,
            Number(each.share, percent(each.share)),
        ]
        for each in known
        if each.share > 0
    ]
    heads = ["axis", "other axis", "objective", "workload", "share of variance"]
    return Table("Interactions", heads, rows[:_MOST_ROWS])


def map_data(study: Study, each: Interaction) -> NDArray[np.float64]:
    """The mean at each pair of levels, in the unit of the objective's column."""
    own = study.of_workload(each.workload)
    shape = (len(each.other.levels), len(each.one.levels))
    values = study.values(each.objective)[own]
    return pair_means(each.other.numbers[own], each.one.numbers[own], values, shape)


def interactions_figure(study: Study, maps: list[Interaction]) -> Figure:
    """A map of means for each pair."""
    tallest = max(len(each.other.levels) for each in maps)
    # A cell must hold its number.
    columns = 3 if max(len(each.one.levels) for each in maps) <= _FEW_LEVELS else 2
    figure, made = panels(len(maps), columns, max(230, 34 * tallest), 0.15, showlegend=False)
    titles = []
    for panel, each in zip(made, maps, strict=True):
        means = map_data(study, each)
        figure.data.append(_map(means, each) | panel.axes)
        for axis, own in ((panel.x_name, each.one), (panel.y_name, each.other)):
            texts = [tick_text(level, study.units[own.keys[0]]) for level in own.levels]
            figure.set_axis(
                axis,
                title=label(factor_words(own)),
                tickmode="array",
                tickvals=list(range(len(texts))),
                ticktext=[label(text) for text in texts],
                showgrid=False,
                tickfont={"size": 11},
            )
            figure.layout[axis]["title"] |= {"standoff": 6, "font": {"size": 12}}
        titles.append(
            f"<b>{each.objective.title} of {label(each.workload)}</b>, "
            f"{percent(each.share)} of variance"
        )
    headings(figure, made, titles)
    figure.layout["margin"] = {"l": 8, "r": 44, "t": 40, "b": 8}
    return figure


def _map(means: NDArray[np.float64], each: Interaction) -> dict[str, object]:
    texts = [[each.objective.text(value) for value in row] for row in means]
    return {
        "type": "heatmap",
        "z": [[None if np.isnan(value) else value for value in row] for row in means.tolist()],
        "text": texts,
        "texttemplate": "%{text}",
        "textfont": {"size": 10},
        "hovertemplate": "%{text}<extra></extra>",
        "hoverongaps": False,
        "colorscale": SCALE,
        "showscale": False,
        "xgap": 1,
        "ygap": 1,
    }
