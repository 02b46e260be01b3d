"""Screening: what changing one axis at a time does to each objective (Morris's method)."""

from collections.abc import Iterator
from itertools import product

import numpy as np

from codesign.exploration.results import Status
from codesign.exploration.sensitivities import MorrisEffect, morris_effects
from codesign.pages.content import Cell, Number, Table
from codesign.pages.sweeps.quantities import Objective
from codesign.pages.sweeps.study import Study

Screened = tuple[Objective, str, list[MorrisEffect]]
"""An objective, a workload with its architecture where there are several, an effect by axis."""


def screening_sentence() -> str:
    """How the table is to be read."""
    return (
        "Morris's method changes one axis at a time. The mean size of the change is what an axis "
        "moves an objective by from one of its ends to the other; where it scatters much (the "
        "standard deviation), the effect depends on other axes, or is bent."
    )


def screening_table(study: Study) -> Table | None:
    """A row for each axis; None if the sweep has no trajectories."""
    found = list(screening_data(study))
    if not found:
        return None
    keys: dict[int, list[str]] = {}
    for axis in study.summary["axes"]:
        keys.setdefault(axis["axis"], []).append(axis["key"])
    heads = [
        f"{objective.words}, {subject}: {what}"
        for objective, subject, _ in found
        for what in ("mean size of the change", "standard deviation")
    ]
    rows: list[list[Cell]] = [
        [
            ", ".join(names),
            *(
                Number(value, objective.text(value)) if np.isfinite(value) else ""
                for objective, _, effects in found
                for value in (effects[place].mu_star, effects[place].sigma)
            ),
        ]
        for place, names in keys.items()
    ]
    return Table("Effects of single axes", ["axis", *heads], rows)


def screening_data(study: Study) -> Iterator[Screened]:
    """The effects of each axis, from all points that were simulated on the trajectories."""
    levels = np.array(study.summary.get("levels") or [], dtype=np.int64)
    if not len(levels):
        return
    table, chips = study.result.points, study.summary["architectures"]
    for chip, workload, objective in product(chips, study.workloads, study.objectives):
        own = table[(table["architecture"] == chip) & (table["workload"] == workload)]
        if len(own) != len(levels):  # a workload axis that is not legal for this one
            continue
        values = own[objective.column].where(own["status"] == Status.SIMULATED).to_numpy(float)
        subject = workload if len(chips) == 1 else f"{workload} on {chip}"
        yield objective, subject, morris_effects(levels, values)
