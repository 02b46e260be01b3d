"""All points of a sweep as a table, and what became of those without results."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from codesign.exploration.results import Status, SweepResult
from codesign.pages.content import Cell, Number, OnFront, Section, Table
from codesign.pages.sweeps.quantities import axis_cell
from codesign.pages.sweeps.study import POINTS_FILE, Study

MOST_ROWS = 2000
"""Of more points a page would be slow to open."""

_NUMBER = re.compile(r"\d[\d.,]*")

MEANINGS = {
    Status.SIMULATED: "has results",
    Status.BOUNDED: "only its floors were asked for",
    Status.PRUNED: "its floors alone show that another design is better in every objective",
    Status.EXCLUDED: "a constraint does not hold",
    Status.REFUSED: "it is no chip, or the workload does not fit it",
    Status.FAILED: "the program went wrong",
    Status.KILLED: "the process that computed it was ended from outside, repeatedly",
    Status.TIMED_OUT: "it took longer than was allowed",
}


def designs_section(study: Study) -> Section:
    """Every point with values, or the sentence that says where they are."""
    total = len(study.points)
    where = f"{POINTS_FILE} beside this page holds every column of every point."
    if total > MOST_ROWS:
        text = f"{total:,} points are too many for a page: fronts and best designs are above."
        return Section("All points", [f"{text} {where}"])
    if not total:
        return Section("All points", [f"No point has values. {where}"])
    kind = "with floors" if study.is_floors else "that were simulated"
    text = f"The {total:,} points {kind}. Click a heading to sort. {where}"
    return Section("All points", [text], table=designs_table(study))


def designs_table(study: Study) -> Table:
    """A row for each point with values."""
    heads = [*(each.words for each in study.objectives), "on the front"]
    heads += [axis["key"] for axis in study.varying]
    rows: list[list[Cell]] = []
    for row, is_front in zip(study.rows, study.is_on_front.tolist(), strict=True):
        rows.append(
            [
                Number(row["point"], str(row["point"])),
                str(row["network"]),
                *(each.cell(row[each.column]) for each in study.objectives),
                OnFront("yes" if is_front else "no"),
                *(axis_cell(row[axis["key"]], axis["unit"]) for axis in study.varying),
            ]
        )
    return Table("All points", ["point", "network", *heads], rows)


def status_section(study: Study) -> Section:
    """How many points came how far."""
    text = [] if len(problem_rows(study)) else ["No point was refused, and none went wrong."]
    return Section("What became of the points", text, table=status_table(study.result))


def status_table(result: SweepResult) -> Table:
    """A row for each status that points have."""
    counts = result.summary["counts"]
    rows: list[list[Cell]] = [
        [status.value, axis_cell(int(counts[status]), ""), meaning]
        for status, meaning in MEANINGS.items()
        if counts.get(status)
    ]
    return Table("Points by status", ["status", "points", "meaning"], rows)


def problem_section(study: Study) -> list[Section]:
    """Errors in groups; none if there are none."""
    rows = problem_rows(study)
    if not rows:
        return []
    heads = ["status", "error of one of them", "points", "example", "its design"]
    text = "Errors that differ in numbers alone are told once."
    return [Section("Why points have no results", [text], table=Table("Errors", heads, rows))]


def problem_rows(study: Study) -> Sequence[Sequence[Cell]]:
    """Status, text, number of points, and the first point, of each kind of error; most first."""
    table = study.result.points
    wrong = table[table["error"].notna()]
    wrong = wrong.assign(kind=[_NUMBER.sub("N", str(text)) for text in wrong["error"]])
    found = []
    for (status, _), group in wrong.groupby(["status", "kind"], sort=False):
        first = {str(name): value for name, value in group.iloc[0].items()}
        found.append((len(group), str(status), first))
    found.sort(key=lambda each: -each[0])
    return [
        [status, str(first["error"]), axis_cell(number, ""), _place(first), study.design(first)]
        for number, status, first in found
    ]


def _place(row: Mapping[str, Any]) -> str:
    return f"point {row['point']}, {row['network']}"
