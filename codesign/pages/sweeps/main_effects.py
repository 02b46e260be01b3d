"""Main effects: the mean of an objective at each level of each axis, for each workload.

Means are shown as differences from the mean of all points of the workload, so that one scale
serves all axes and workloads, and a steep line is an axis that matters. The table has the means
themselves.
"""

from dataclasses import dataclass

import numpy as np

from codesign.exploration.effects import Effect, Factor, main_effects
from codesign.pages.content import Cell, Figure, Picture, Table
from codesign.pages.drawing import label
from codesign.pages.sweeps.panels import headings, panels
from codesign.pages.sweeps.quantities import Objective, axis_cell, level_text, tick_text
from codesign.pages.sweeps.study import Study

_COLUMNS = 4


@dataclass(frozen=True, eq=False)
class Line:
    """The effect of a factor on an objective of a workload.

    Attributes:
        mean: of all points of the workload.
        effects: at each level.
    """

    factor: Factor
    objective: Objective
    workload: str
    mean: float
    effects: list[Effect]


def effects_data(study: Study, wanted: Objective) -> list[Line]:
    """A line for each factor and workload."""
    lines = []
    for each in study.factors:
        for workload in study.workloads:
            own = study.of_workload(workload)
            values = study.values(wanted)[own]
            if np.isfinite(values).any():
                found = main_effects(each.numbers[own], values, len(each.levels))
                lines.append(Line(each, wanted, workload, float(np.nanmean(values)), found))
    return lines


def effect_pictures(study: Study) -> list[Picture]:
    """The figure; none if nothing varies."""
    if not study.factors or len(study.points) < 2:
        return []
    views = {each.words: effects_figure(study, each) for each in study.objectives}
    lines = [line for each in study.objectives for line in effects_data(study, each)]
    return [
        Picture(
            "main-effects",
            "Main effects",
            "The mean at each value of an axis, over all values of the others, against the mean of "
            "all designs of the workload. Bars are a standard deviation of the designs each way. "
            "A flat line is an axis that does not matter on its own.",
            next(iter(views.values())),
            effects_table(study, lines),
            "Objective",
            views if len(views) > 1 else {},
        )
    ]


def factor_words(each: Factor) -> str:
    """The axis, or those that change together."""
    return " with ".join(each.keys)


def effects_table(study: Study, lines: list[Line]) -> Table:
    """A row for each level."""
    rows: list[list[Cell]] = [
        [
            factor_words(line.factor),
            level_text(line.factor.levels[each.level], study.units[line.factor.keys[0]]),
            line.objective.words,
            line.workload,
            axis_cell(each.count, ""),
            line.objective.cell(each.mean),
            line.objective.cell(each.spread),
        ]
        for line in lines
        for each in line.effects
    ]
    heads = ["axis", "value", "objective", "workload", "designs", "mean", "standard deviation"]
    return Table("Means by axis", heads, rows)


def effects_figure(study: Study, wanted: Objective) -> Figure:
    """A panel for each factor, a line for each workload."""
    figure, made = panels(len(study.factors), _COLUMNS, 230, 0.03, showlegend=True)
    lines = effects_data(study, wanted)
    for panel, each in zip(made, study.factors, strict=True):
        own = [line for line in lines if line.factor is each]
        for place, line in enumerate(own):
            # Side by side, so that their bars can be told apart.
            shift = 0.14 * (place - (len(own) - 1) / 2) if len(own) > 1 else 0.0
            trace = _trace(study, line, min(shift, 0.3), panel.number == 0)
            figure.data.append(trace | panel.axes)
        texts = [tick_text(level, study.units[each.keys[0]]) for level in each.levels]
        figure.set_axis(
            panel.x_name,
            tickmode="array",
            tickvals=list(range(len(texts))),
            ticktext=[label(text) for text in texts],
            range=[-0.5, len(texts) - 0.5],
            showgrid=False,
            tickfont={"size": 11},
            tickangle=-30 if max(map(len, texts)) * len(texts) > 34 else 0,
        )
        figure.set_axis(panel.y_name, zeroline=True, zerolinecolor="#8D8D8D")
        if panel.number:
            figure.set_axis(panel.y_name, matches="y", showticklabels=panel.column == 0)
        if panel.column == 0:
            figure.set_axis(panel.y_name, title=f"{wanted.title}<br>against mean (%)")
    headings(figure, made, [f"<b>{label(factor_words(each))}</b>" for each in study.factors])
    figure.layout["legend"]["y"] = 1 + 34 / figure.layout["height"]
    return figure


def _trace(study: Study, line: Line, shift: float, is_first: bool) -> dict[str, object]:
    known = [each for each in line.effects if each.count]
    size = line.mean or 1.0
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "x": [each.level + shift for each in known],
        "y": [round(100 * (each.mean - line.mean) / size, 3) for each in known],
        "error_y": {
            "type": "data",
            "array": [round(100 * each.spread / abs(size), 3) for each in known],
            "thickness": 1,
            "width": 3,
        },
        "hovertext": [
            f"<b>{label(line.workload)}</b><br>mean {line.objective.text(each.mean)}<br>"
            f"standard deviation {line.objective.text(each.spread)}<br>{each.count} designs"
            for each in known
        ],
        "hovertemplate": "%{hovertext}<extra></extra>",
        "name": label(line.workload),
        "legendgroup": line.workload,
        "showlegend": is_first,
        "line": {"color": study.colour(line.workload), "width": 2},
        "marker": {"size": 7},
    }
