"""Sensitivity: which axis moves which objective, as shares of variance and as SALib's delta."""

from collections.abc import Sequence
from itertools import product

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from codesign.exploration import sensitivities
from codesign.pages.content import Cell, Figure, Number, Picture, Table, percent
from codesign.pages.drawing import label, new_figure
from codesign.pages.sweeps.main_effects import factor_words
from codesign.pages.sweeps.quantities import Objective
from codesign.pages.sweeps.study import Study

RANDOM = "random numbers, for comparison"
_MOST_HEADINGS = 9
"""Of an objective and a workload, side by side on a page of 1,280 pixels."""

Matrix = dict[tuple[str, str], list[float]]
"""By objective and workload: a value for each factor; NaN where nothing can be said."""


def is_balanced(study: Study) -> bool:
    """Whether the points of every workload with values are a balanced grid."""
    return all(each.is_balanced for each in study.shares.values())


def share_data(study: Study) -> Matrix:
    """The share of each factor alone: its first-order index."""
    return {
        (each.words, workload): list(study.shares[each.name, workload].single)
        for each, workload in product(study.objectives, study.workloads)
    }


def delta_data(study: Study) -> Matrix:
    """Delta of each factor, and of random numbers, which matter to nothing.

    Empty for a grid, few points, or without SALib.
    """
    if not sensitivities.is_installed() or is_balanced(study):
        return {}
    seed = int(study.summary["sampling"].get("seed") or 0)
    columns = [_numbers(study, each.keys[0]) for each in study.factors]
    columns.append(np.random.default_rng(seed).random(len(study.points)))
    found: Matrix = {}
    for each, workload in product(study.objectives, study.workloads):
        own = study.of_workload(workload)
        deltas = sensitivities.deltas(np.stack(columns, axis=1)[own], study.values(each)[own], seed)
        if deltas is not None:
            found[each.words, workload] = [np.nan if d is None else d for d in deltas]
    return found


def _numbers(study: Study, key: str) -> NDArray[np.float64]:
    values = study.points[key]
    if pd.api.types.is_numeric_dtype(values):
        return values.to_numpy(dtype=np.float64)
    return pd.factorize(values.astype(str))[0].astype(np.float64)


def share_sentences(study: Study) -> list[str]:
    """What moves each objective most, and how far shares can be trusted; of one axis nothing."""
    if len(study.factors) < 2:
        return []
    best = [text for each in study.objectives if (text := _most_sentence(study, each))]
    if is_balanced(study):
        trust = (
            "The grid is balanced: shares are exact, and what is missing to 100 % is interactions."
        )
    else:
        trust = (
            "The sample is not balanced: not every combination of values is met equally often. "
            "Shares are estimates, from which what chance explains is subtracted; they need not "
            "sum to 100 %."
        )
        used = max(each.points for each in study.shares.values())
        if used < max(int(study.of_workload(workload).sum()) for workload in study.workloads):
            trust += f" They are of {used:,} designs, chosen at random."
    return [*best, trust, *_left_out_sentences(study)]


def _left_out_sentences(study: Study) -> list[str]:
    """That the effects are those of designs with results, where others were left out."""
    left_out = len(study.result.points) - len(study.points)
    if not left_out:
        return []
    return [
        f"All this is said of the designs with results: {left_out:,} points have none, and values "
        "that only they have are not compared."
    ]


def _most_sentence(study: Study, wanted: Objective) -> str:
    """What moves an objective most, by axis; empty where nothing can be said."""
    found: dict[str, list[str]] = {}
    for workload in study.workloads:
        own = np.array(study.shares[wanted.name, workload].single)
        if np.isfinite(own).any():
            place = int(np.nanargmax(own))
            words = f"{percent(own[place])} for {workload}"
            found.setdefault(factor_words(study.factors[place]), []).append(words)
    parts = [f"{name} ({', '.join(shares)})" for name, shares in found.items()]
    return f"What moves the {wanted.words} most: {', '.join(parts)}." if parts else ""


def delta_sentence(study: Study, deltas: Matrix) -> str:
    """What SALib adds, or how to get it."""
    if is_balanced(study) or deltas or len(study.factors) < 2:
        return ""
    if not sensitivities.is_installed():
        return (
            "With SALib this page also shows how much each axis changes the whole distribution of "
            f"an objective: {sensitivities.INSTALL}."
        )
    return (
        f"SALib's delta needs {sensitivities.FEWEST_POINTS} designs of a workload that differ in "
        "an objective: there are fewer."
    )


def share_pictures(study: Study, deltas: Matrix) -> list[Picture]:
    """Shares of variance, and delta where it is known."""
    if len(study.factors) < 2 or len(study.points) < 2:
        return []
    found = [
        _picture(
            study,
            "variance-shares",
            "Share of the variance that an axis explains alone",
            "How much of the variation of an objective the means over an axis explain "
            "(first-order index). Dark is much.",
            share_data(study),
        )
    ]
    if deltas:
        most = sensitivities.MOST_POINTS
        text = (
            "How much the distribution of an objective changes when an axis is known: 0 % not at "
            "all (Borgonovo's delta, estimated by SALib). An axis that is not above random numbers "
            "is not known to matter."
        )
        if len(study.points) > most:
            text += f" Of at most {most} designs of a workload, chosen at random."
        title = "Change of the distribution when an axis is known"
        found.append(_picture(study, "delta", title, text, deltas))
    return found


def _picture(study: Study, name: str, title: str, text: str, data: Matrix) -> Picture:
    names = [*map(factor_words, study.factors), RANDOM]
    count = len(next(iter(data.values())))
    order = sorted(range(count), key=lambda place: -_most(data, place))
    table = share_table(data, names, order, title)
    return Picture(name, title, text, share_figure(data, names, order), table)


def _most(data: Matrix, place: int) -> float:
    return max((own[place] for own in data.values() if np.isfinite(own[place])), default=0.0)


def share_table(data: Matrix, names: Sequence[str], order: Sequence[int], title: str) -> Table:
    """A row for each factor."""
    heads = [f"{objective}, {workload}" for objective, workload in data]
    rows: list[list[Cell]] = [
        [
            names[place],
            *(
                Number(own[place], percent(own[place])) if np.isfinite(own[place]) else ""
                for own in data.values()
            ),
        ]
        for place in order
    ]
    return Table(title, ["axis", *heads], rows)


def share_figure(data: Matrix, names: Sequence[str], order: Sequence[int]) -> Figure:
    """A map of axes by objectives; what matters most is at the top.

    Where headings of the objectives would overlap, they are at the left, and what matters most too.
    """
    across = [f"{label(objective)}<br>{label(workload)}" for objective, workload in data]
    down = [label(names[place]) for place in order]
    cells = [[own[place] for own in data.values()] for place in order]
    height = 36
    if len(data) > _MOST_HEADINGS:
        height = 24
        across, down = down, [each.replace("<br>", ", ") for each in across]
        cells = [list(column) for column in zip(*cells, strict=True)]
    texts = [["" if np.isnan(c) else percent(c) for c in row] for row in cells]
    figure = new_figure(130 + height * len(down), showlegend=False)
    figure.data.append(
        {
            "type": "heatmap",
            "z": [[None if np.isnan(c) else round(100 * c, 4) for c in row] for row in cells],
            "text": texts,
            "texttemplate": "%{text}",
            "hovertemplate": "%{y}<br>%{x}<br>%{text}<extra></extra>",
            "hoverongaps": False,
            "x": across,
            "y": down,
            "zmin": 0,
            "zmax": 100,
            "colorscale": [[0.0, "#EEF4FA"], [0.5, "#6FA8D0"], [1.0, "#0B4F86"]],
            "colorbar": {"title": {"text": "Share (%)"}, "thickness": 14, "outlinewidth": 0},
            "xgap": 2,
            "ygap": 2,
        }
    )
    figure.set_axis("yaxis", autorange="reversed", showgrid=False, ticks="")
    figure.set_axis("xaxis", side="top", showgrid=False, ticks="", tickangle=0)
    figure.layout["margin"] = {"l": 8, "r": 44, "t": 56, "b": 8}
    return figure
