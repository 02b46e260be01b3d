"""The ranking of the runs under every energy table, in JSON and on the page."""

import json
from typing import Any

import pandas as pd

from codesign.pages.rankings import rankings_json, rankings_section
from codesign.results import Result

NO_OPERATIONS = dict.fromkeys(("ac", "mac", "addition", "reduction", "neuron", "logic"), 0)


def run(workload: str, parts: dict[str, float], **operations: int) -> Result:
    """A result with the numbers that a ranking reads."""
    summary: dict[str, Any] = {
        "workload": workload,
        "architecture": "split_core",
        "energy_pj": sum(parts.values()),
        "energy_parts_pj": parts,
        "operations": NO_OPERATIONS | operations,
    }
    empty = pd.DataFrame()
    return Result(summary, empty, empty, empty, empty)


SPIKING = run("s", {"ac": 5.0, "dram": 95.0}, ac=100)
MULTIPLYING = run("m", {"mac": 12.5, "dram": 77.5}, mac=50)


def test_the_json_has_energies_ranking_and_source_of_every_table() -> None:
    found = rankings_json([SPIKING, MULTIPLYING])
    assert found is not None
    assert json.loads(json.dumps(found)) == found
    assert list(found["energies_pj"]) == list(found["rankings"]) == list(found["sources"])
    assert found["energies_pj"]["operations alone"] == {"s": 5.0, "m": 12.5}
    assert found["rankings"]["the chip as it is"] == ["m", "s"]
    assert found["rankings"]["operations alone"] == ["s", "m"]
    assert found["flips"]["operations alone"] == [["m", "s"]]


def test_the_page_says_ranking_and_source_beside_each_table() -> None:
    section = rankings_section([SPIKING, MULTIPLYING])
    assert section is not None
    assert section.table is not None
    assert section.table.columns == ["energy table", "s", "m", "ranking", "source"]
    for row in section.table.rows:
        assert row[3] in ("s < m", "m < s")
        assert row[4]


def test_one_run_has_no_ranking() -> None:
    assert rankings_json([SPIKING]) is None
    assert rankings_section([SPIKING]) is None


def test_runs_that_spend_the_same_are_not_called_ordered() -> None:
    section = rankings_section([SPIKING, SPIKING])
    assert section is not None
    assert section.table is not None
    place = section.table.columns.index("ranking")
    assert all(" = " in str(row[place]) for row in section.table.rows)
