"""Rankings: how the runs of a comparison stand under other energy tables."""

from collections.abc import Sequence
from typing import Any

from codesign.pages.comparison import run_names
from codesign.pages.content import Cell, Number, Ranking, Section, Table, count, quantity
from codesign.pages.energy import PICOJOULE
from codesign.pages.repricing import energy_of
from codesign.results import Result
from codesign.sensitivity import (
    Sensitivity,
    energy_parts_pj,
    ranking_words,
    sensitivity,
    sentences,
    table_sources,
)

MOST_SAID = 4
"""Runs whose order is said in sentences; of more there is a table."""


def ranking_sentences(results: Sequence[Result]) -> list[str]:
    """Whether the ranking of the runs by energy survives other energy tables."""
    return sentences(run_names(results), _found(results))


def rankings_json(results: Sequence[Result]) -> dict[str, Any] | None:
    """Energies of the runs under each energy table, in pJ, their ranking (the least first, equal
    ones in any order), the table's source, and where the ranking flips; None where there is
    nothing to rank."""
    found, names = _found(results), run_names(results)
    if found is None:
        return None
    return {
        "energies_pj": {
            table: dict(zip(names, values, strict=True))
            for table, values in found.energies_pj.items()
        },
        "rankings": {table: _ranked(found, table, names) for table in found.energies_pj},
        "sources": table_sources(),
        "flips": {
            table: [[names[less], names[more]] for less, more in pairs]
            for table, pairs in found.flips.items()
        },
    }


def rankings_sections(results: Sequence[Result]) -> list[Section]:
    """Whether the ranking holds, in sentences, or of many runs as a table; and the energy of each
    run under each table. Empty where there is nothing to rank."""
    found, names, sources = _found(results), run_names(results), table_sources()
    if found is None:
        return []
    is_said = len(names) <= MOST_SAID
    parts = [energy_parts_pj(result.summary) for result in results]
    rows: list[list[Cell]] = [
        [
            table,
            *(
                Number(value, quantity(value * PICOJOULE, "J"), energy_of(run[table]))
                for value, run in zip(values, parts, strict=True)
            ),
            *([Ranking(ranking_words(names, found, table))] if is_said else []),
            sources[table],
        ]
        for table, values in found.energies_pj.items()
    ]
    table = Table(
        "Energy under other tables",
        ["energy table", *names, *["ranking"] * is_said, "source"],
        rows,
    )
    title = "Does the ranking hold?"
    if is_said:
        return [Section(title, ranking_sentences(results), table=table, at_file=True)]
    return [
        Section(title, [_held(found)], table=places_table(found, names), at_file=True),
        Section(table.title, table=table),
    ]


def _held(found: Sensitivity) -> str:
    """How many pairs keep their order."""
    tables = f"{len(found.energies_pj)} energy tables"
    runs = len(next(iter(found.energies_pj.values())))
    changing = {frozenset(pair) for pairs in found.flips.values() for pair in pairs}
    if not changing:
        return f"By energy, none of {tables} reverses an order."
    return (
        f"By energy, {len(changing)} of {runs * (runs - 1) // 2} pairs of runs have another order "
        f"under some of {tables}."
    )


def places_table(found: Sensitivity, names: Sequence[str]) -> Table:
    """The place of each run by energy, the least first, on the chip as it is and under all tables,
    and the runs with which it changes places."""
    rows: list[list[Cell]] = []
    for run in found.ranking(next(iter(found.energies_pj))):
        # Runs that spend the same share a place.
        places = [
            1 + sum(value < values[run] for value in values)
            for values in found.energies_pj.values()
        ]
        others = dict.fromkeys(
            names[less if more == run else more]
            for pairs in found.flips.values()
            for less, more in pairs
            if run in (less, more)
        )
        span = f"{min(places)} to {max(places)}" if len(set(places)) > 1 else f"{places[0]}"
        rows.append([names[run], count(places[0]), span, ", ".join(others)])
    columns = ["run", "place by energy", "under all tables", "changes places with"]
    return Table("Places by energy", columns, rows)


def _ranked(found: Sensitivity, table: str, names: Sequence[str]) -> list[str]:
    return [names[run] for run in found.ranking(table)]


def _found(results: Sequence[Result]) -> Sensitivity | None:
    return sensitivity([result.summary for result in results])
