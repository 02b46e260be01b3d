"""Rankings: how the runs of a comparison stand under other energy tables."""

from collections.abc import Sequence
from typing import Any

from codesign.pages.comparison import run_names
from codesign.pages.content import Cell, Number, Ranking, Section, Table, quantity
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


def rankings_section(results: Sequence[Result]) -> Section | None:
    """The sentences, and the energy of each run under each table."""
    found, names, sources = _found(results), run_names(results), table_sources()
    if found is None:
        return None
    parts = [energy_parts_pj(result.summary) for result in results]
    rows: list[list[Cell]] = [
        [
            table,
            *(
                Number(value, quantity(value * PICOJOULE, "J"), energy_of(run[table]))
                for value, run in zip(values, parts, strict=True)
            ),
            Ranking(ranking_words(names, found, table)),
            sources[table],
        ]
        for table, values in found.energies_pj.items()
    ]
    table = Table("Energy under other tables", ["energy table", *names, "ranking", "source"], rows)
    text = ranking_sentences(results)
    return Section("Does the ranking hold?", text, table=table, at_file=True)


def _ranked(found: Sensitivity, table: str, names: Sequence[str]) -> list[str]:
    return [names[run] for run in found.ranking(table)]


def _found(results: Sequence[Result]) -> Sensitivity | None:
    return sensitivity([result.summary for result in results])
