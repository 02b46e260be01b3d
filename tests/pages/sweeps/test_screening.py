"""The table of Morris's effects, on objectives that are known functions of the axes."""

import numpy as np
import pandas as pd
import pytest

from codesign.exploration.results import SweepResult
from codesign.pages.content import Number
from codesign.pages.sweeps.screening import screening_table
from codesign.pages.sweeps.study import study
from tests.pages.example_sweeps import grid_sweep

LEVELS = [[0, 0], [1, 0], [1, 2], [1, 1], [0, 1], [0, 0]]
"""Two trajectories over axes of two and three levels."""


def screened() -> SweepResult:
    """Latency is linear in both axes, energy depends on the first through the second."""
    base = grid_sweep()
    first, second = np.array(LEVELS, dtype=float).T
    table = pd.concat([base.points.iloc[[0]]] * 6, ignore_index=True).assign(
        point=range(6),
        workload="fsnn50",
        network="fsnn50",
        status="simulated",
        latency_s=0.001 + 0.002 * first + 0.003 * second,
        energy_pj=1e9 * (1 + first * second),
        **{axis["key"]: first for axis in base.summary["axes"]},
    )
    axes = [
        {"axis": place, "key": key, "unit": "", "scale": "linear", "values": [0, 1]}
        for place, key in enumerate(("a.count", "b.count"))
    ]
    table = table.assign(**{"a.count": first, "b.count": second})
    summary = dict(base.summary) | {
        "axes": axes,
        "objectives": ["latency", "energy"],
        "levels": LEVELS,
        "workloads": ["fsnn50"],
        "networks": ["fsnn50"],
        "architectures": [table["architecture"][0]],
    }
    return SweepResult(summary, table)


def test_effects_of_a_linear_and_of_a_mixed_objective() -> None:
    table = screening_table(study(screened()))
    assert table is not None
    (first, second), heads = table.rows, table.columns
    assert heads[1] == "latency, fsnn50: mean size of the change"
    assert [row[0] for row in table.rows] == ["a.count", "b.count"]
    numbers = [[c.value for c in row[1:] if isinstance(c, Number)] for row in (first, second)]
    # From end to end: 2 ms for one level, 3 ms for each of two; a product changes by 1e9 x 0 and 1.
    assert numbers[0] == pytest.approx([0.002, 0.0, 0.5e9, 0.5**0.5 * 1e9])
    assert numbers[1][:2] == pytest.approx([0.006, 0.0])


def test_other_sweeps_have_no_such_table() -> None:
    assert screening_table(study(grid_sweep())) is None
