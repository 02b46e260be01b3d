"""Every point is in the table, and every error in a group."""

import pytest

from codesign.exploration.results import Status
from codesign.pages.content import Number
from codesign.pages.sweeps import designs
from codesign.pages.sweeps.designs import (
    MEANINGS,
    designs_section,
    designs_table,
    problem_rows,
    problem_section,
    status_table,
)
from codesign.pages.sweeps.study import study
from tests.pages.example_sweeps import grid_sweep, whole_grid


def test_a_row_holds_the_values_of_the_point() -> None:
    known = study(grid_sweep())
    table = designs_table(known)
    columns = {"point": "point", "latency": "latency_s", "energy": "energy_pj", "area": "area_mm2"}
    columns |= {"cores.spike.count": "cores.spike.count"}
    for head, column in columns.items():
        place = list(table.columns).index(head)
        cells = [row[place] for row in table.rows]
        assert [c.value for c in cells if isinstance(c, Number)] == known.points[column].tolist()
    on_front = list(table.columns).index("on the front")
    assert [row[on_front] == "yes" for row in table.rows] == known.is_on_front.tolist()


def test_of_too_many_points_the_page_says_where_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(designs, "MOST_ROWS", 172)
    section = designs_section(study(grid_sweep()))
    assert section.table is None
    assert section.text == [
        "173 points are too many for a page: fronts and best designs are above. points.parquet "
        "beside this page holds every column of every point."
    ]


def test_every_status_has_a_meaning_and_its_count() -> None:
    assert set(MEANINGS) == set(Status)
    rows = status_table(grid_sweep()).rows
    assert [(row[0], row[1]) for row in rows] == [
        ("simulated", Number(173, "173")),
        ("pruned", Number(2, "2")),
        ("refused", Number(4, "4")),
        ("failed", Number(1, "1")),
    ]


def test_errors_that_differ_in_numbers_are_one_group_with_an_example() -> None:
    first, second = problem_rows(study(grid_sweep()))
    assert first[:4] == ["refused", "tile of 7 KiB does not fit", Number(4, "4"), "point 7, fsnn50"]
    assert "cores.spike.count = 4" in first[4] if isinstance(first[4], str) else False
    assert second[:3] == ["failed", "<b>division</b> by zero", Number(1, "1")]
    assert problem_section(study(whole_grid())) == []
