"""Best designs: for each network and objective the point with the least, and its command."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from codesign.pages.content import Cell, Number, Table, Tile
from codesign.pages.sweeps.quantities import Objective, axis_cell
from codesign.pages.sweeps.study import Study

_MOST_TILES = 12
_MOST_AXES = 5
"""Axes that a sentence names; the table has all."""


@dataclass(frozen=True, eq=False)
class Best:
    """The best design of a network in an objective.

    Attributes:
        row: of the table.
        file: the architecture, if one was written.
        command: that runs it again.
    """

    network: str
    objective: Objective
    row: dict[str, Any]
    file: str
    command: str


def best_data(study: Study) -> list[Best]:
    """What the summary calls best, by what is compared and objective; in a sweep of bounds, what
    has the least floors."""
    return list(_found(study))


def _found(study: Study) -> Iterator[Best]:
    known = study.summary["best"]
    for name, compared in study.compared.items():
        for each in study.objectives:
            said = known.get(name, {}).get(each.name)
            if said is not None:
                own = study.row(int(said["point"]))
                file, command = str(said.get("file") or ""), str(said.get("command") or "")
                yield Best(str(own["network"]), each, own, file, command)
            elif study.is_floors and np.isfinite(study.values(each)[compared]).any():
                values = np.where(compared, study.values(each), np.nan)
                own = study.row(int(study.points["point"][int(np.nanargmin(values))]))
                yield Best(str(own["network"]), each, own, "", "")


def base_of(study: Study, network: str) -> tuple[str, dict[str, float]]:
    """What best designs are compared with: the point that the summary calls `base`, or else the
    median of all designs, objective by objective."""
    number = study.summary.get("base", {}).get(network)
    own = study.points[study.of(network)]
    if number is not None and (own["point"] == number).any():
        row = study.row(int(number))
        return "the architecture as its file has it", {
            each.name: float(row[each.column]) for each in study.objectives
        }
    return "the median design", {
        each.name: float(own[each.column].median()) for each in study.objectives
    }


def change(value: float, base: float) -> str:
    """By how much a value is above or below another: `-12.3 %`."""
    return f"{100 * (value / base - 1):+.1f} %"


def best_table(study: Study) -> Table:
    """A row for each network and objective: the design and all its objectives."""
    found = best_data(study)
    rows: list[list[Cell]] = []
    for each in found:
        base = base_of(study, each.network)[1] if study.of(each.network).sum() > 1 else {}
        row: list[Cell] = [each.network, each.objective.words, axis_cell(each.row["point"], "")]
        row += [axis_cell(each.row[axis["key"]], axis["unit"]) for axis in study.varying]
        for own in study.objectives:
            row += [own.cell(each.row[own.column]), *_change_cell(each.row[own.column], own, base)]
        rows.append(row)
    heads = ["network", "best in", "point", *(axis["key"] for axis in study.varying)]
    for own in study.objectives:
        heads += [own.words, f"{own.words}, change"]
    return Table("Best designs", heads, rows)


def command_table(study: Study) -> Table:
    """A row for each best design that can be run again."""
    rows: list[list[Cell]] = [
        [each.network, each.objective.words, each.file, each.command]
        for each in best_data(study)
        if each.command
    ]
    return Table("Commands", ["network", "best in", "file", "command"], rows)


def _change_cell(value: float, own: Objective, base: dict[str, float]) -> list[Cell]:
    known = base.get(own.name, np.nan)
    if not (np.isfinite(value) and np.isfinite(known) and known):
        return [""]
    return [Number(value / known - 1, change(value, known))]


def best_sentences(study: Study, most: int) -> list[str]:
    """Each best design in a sentence; those of the first objective, if there are too many."""
    found = best_data(study)
    if len(found) > most:
        found = [each for each in found if each.objective == found[0].objective][:most]
    ranked = [key for each in study.ranked for key in each.keys]
    shown, more = ranked[:_MOST_AXES], len(ranked) - _MOST_AXES
    rest = f", and {more} axes that matter less" if more > 0 else ""
    return [
        f"{_least(study, each)}, {each.objective.text(each.row[each.objective.column])}, at point "
        f"{each.row['point']}{f': {study.design(each.row, shown)}{rest}' if shown else ''}."
        for each in found
    ]


def _least(study: Study, best: Best) -> str:
    """Whose value it is: of all networks, where these are compared."""
    words = best.objective.words
    if study.compares_networks:
        return f"Of all networks {best.network} has the least {words}"
    return f"{best.network} has its least {words}"


def base_sentence(study: Study) -> str:
    """What changes are against."""
    names = dict.fromkeys(base_of(study, network)[0] for network in study.networks)
    return f"Changes are against {' or '.join(names)}, for the same network."


def best_tiles(study: Study) -> list[Tile]:
    """The best values, to be shown large; of very many, those of the first objective."""
    found = best_data(study)
    if len(found) > _MOST_TILES:
        found = [each for each in found if each.objective == found[0].objective][:_MOST_TILES]
    return [
        Tile(
            f"{each.network}, {each.objective.words}",
            each.objective.text(each.row[each.objective.column]),
            f"point {each.row['point']}",
        )
        for each in found
    ]
