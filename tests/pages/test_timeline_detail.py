"""What a reader sees of a stretch that is zoomed into are the rows merged less."""

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from codesign.pages import write_run_report
from codesign.pages.timeline import LARGEST_BARS, timeline_data, timeline_figure
from codesign.pages.timeline_detail import LEVELS, timeline_detail
from tests.pages.conftest import Opened
from tests.pages.example_results import example_result
from tests.pages.timelines import in_pieces

RESULT = example_result("dsnn50")
TIMELINE = in_pieces(RESULT.timeline, 8)
MAKESPAN = int(RESULT.summary["makespan_cycles"])
CORES = list(dict.fromkeys(RESULT.occupancy["core"]))
BARS = """() => document.getElementById("timeline").data.filter((trace) => trace.base).map(
  (trace) => [trace.base, trace.x, trace.y, trace.hovertext, trace.marker.opacity])"""
ZOOM = """(range) => Plotly.relayout("timeline", range ? { "xaxis.range": range }
  : { "xaxis.autorange": true }).then(() => null)"""


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("detail") / "report.html"
    write_run_report(replace(RESULT, timeline=TIMELINE), path)
    return path


def bars_between(bars: pd.DataFrame, first: int, last: int) -> pd.DataFrame:
    return bars[(bars["start_cycle"] < last) & (bars["end_cycle"] > first)]


def test_a_timeline_that_is_drawn_as_it_is_has_no_detail() -> None:
    few = RESULT.timeline.iloc[:100]
    bars = timeline_data(few)
    assert timeline_detail(few, CORES, bars, timeline_figure(bars, MAKESPAN)) is None


def test_levels_hold_every_row_and_every_cycle() -> None:
    bars = timeline_data(TIMELINE, CORES)
    detail = timeline_detail(TIMELINE, CORES, bars, timeline_figure(bars, MAKESPAN))
    assert detail is not None
    cycles = int((TIMELINE["end_cycle"] - TIMELINE["start_cycle"]).sum())
    for level, limit in zip(detail["levels"], LEVELS, strict=True):
        assert limit / 2 <= len(level["rows"]) <= limit
        assert sum(level["rows"]) == len(TIMELINE)
        assert sum(level["lengths"]) - sum(level["idle"]) == cycles


@pytest.mark.parametrize(("share", "limit"), [(0.35, LEVELS[0]), (0.05, LEVELS[1])])
def test_a_stretch_has_the_finest_bars_that_are_not_too_many(
    share: float, limit: int, path: Path, open_page: Callable[..., Opened]
) -> None:
    opened = open_page(path)
    lines = opened.page.locator("#timeline .ytick text")
    names = lines.all_text_contents()
    whole = opened.page.evaluate(BARS)
    first, last = int(0.3 * MAKESPAN), int((0.3 + share) * MAKESPAN)
    opened.page.evaluate(ZOOM, [first, last])
    expected = timeline_figure(bars_between(timeline_data(TIMELINE, CORES, limit), first, last), 1)
    found = opened.page.evaluate(BARS)
    check_bars(found[:-1], [trace for trace in expected.data if "base" in trace])
    count = sum(len(trace[0]) for trace in found[:-1])
    assert count <= LARGEST_BARS
    assert opened.page.locator("#timeline .points .point path").count() >= count
    assert lines.all_text_contents() == names
    opened.page.evaluate(ZOOM, None)
    assert opened.page.evaluate(BARS) == whole
    assert opened.messages == []


def check_bars(found: list[Any], expected: list[Any]) -> None:
    for (base, length, line, said, opacity), trace in zip(found, expected, strict=True):
        assert (base, length, line) == (trace["base"], trace["x"], trace["y"])
        assert said == trace["hovertext"]
        # rounded to three digits in Python
        assert all(
            math.isclose(one, other, abs_tol=1e-3)
            for one, other in zip(opacity, trace["marker"]["opacity"], strict=True)
        )
