"""The ranking of the runs under every energy table, in JSON and on the page."""

import json
from typing import Any

import pandas as pd

from codesign.pages.rankings import rankings_json, rankings_sections
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
    (section,) = rankings_sections([SPIKING, MULTIPLYING])
    assert section.table is not None
    assert section.table.columns == ["energy table", "s", "m", "ranking", "source"]
    for row in section.table.rows:
        assert row[3] in ("s < m", "m < s")
        assert row[4]


def test_one_run_has_no_ranking() -> None:
    assert rankings_json([SPIKING]) is None
    assert rankings_sections([SPIKING]) == []


def test_runs_that_spend_the_same_are_not_called_ordered() -> None:
    (section,) = rankings_sections([SPIKING, SPIKING])
    assert section.table is not None
    place = section.table.columns.index("ranking")
    assert all(" = " in str(row[place]) for row in section.table.rows)


def test_the_places_of_many_runs_stand_in_a_table() -> None:
    others = [run(f"r{n}", {"ac": 200.0 + n, "dram": 95.0}, ac=4_000 + n) for n in range(6)]
    twin = run("twin", {"ac": 200.0, "dram": 95.0}, ac=4_000)
    places, energies = rankings_sections([SPIKING, MULTIPLYING, *others, twin])
    assert places.text == [
        "By energy, 1 of 36 pairs of runs have another order under some of "
        f"{len(energies.table.rows if energies.table else [])} energy tables."
    ]
    assert energies.table is not None
    assert "ranking" not in energies.table.columns
    assert places.table is not None
    rows = {str(row[0]): row[1:] for row in places.table.rows}
    assert list(rows)[:2] == ["m", "s"]
    assert rows["m"][1:] == ["1 to 2", "s"]
    assert rows["s"][1:] == ["1 to 2", "m"]
    assert rows["r0"][1:] == rows["twin"][1:] == ["3", ""]  # they spend the same
    assert rows["r1"][1:] == ["5", ""]
