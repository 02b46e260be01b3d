"""Runs whose links were busy as a test says."""

from dataclasses import replace

import pandas as pd

from codesign.results import TIMELINE_COLUMNS, Result
from tests.pages.example_results import example_result

MESH = (
    ("(0,0)>(1,0)", 0, 100),
    ("(0,0)>(1,0)", 400, 500),
    ("(1,0)>(1,1)", 0, 500),
    ("memory.0>(0,0)", 10, 20),
    ("(1,0)>(0,0)", 0, 1),
)


def carried(*rows: tuple[str, int, int]) -> Result:
    """A run of 1,000 cycles in which links were busy from one cycle to another."""
    result = example_result("fsnn18")
    table = [(link, "conv", "spike", 0, 0, "transfer", start, end) for link, start, end in rows]
    timeline = pd.DataFrame(table, columns=TIMELINE_COLUMNS)
    core = result.timeline.iloc[:1].assign(start_cycle=0, end_cycle=1_000)
    timeline = pd.concat([timeline, core], ignore_index=True)
    return replace(result, timeline=timeline, summary=result.summary | {"makespan_cycles": 1_000})


def line_of_nodes(columns: int) -> Result:
    return carried(*((f"({n},0)>({n + 1},0)", 0, n + 1) for n in range(columns - 1)))
