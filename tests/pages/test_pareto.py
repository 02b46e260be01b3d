"""The front holds the runs that no other run beats."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codesign.pages.pareto import pareto_data, pareto_figure, pareto_pictures
from codesign.results import Result
from tests.pages.drawn import drawn
from tests.pages.example_results import example_result

BASE = example_result("fsnn18")


def run(latency_s: float | None, energy_pj: float, architecture: str = "split_core") -> Result:
    costs = {"latency_s": latency_s, "energy_pj": energy_pj, "architecture": architecture}
    return replace(BASE, summary=BASE.summary | costs)


def front(*costs: tuple[float, float]) -> list[bool]:
    return [point.is_on_front for point in pareto_data([run(*cost) for cost in costs])]


@pytest.mark.parametrize(
    ("costs", "expected"),
    [
        ([(1.0, 3.0), (2.0, 2.0), (3.0, 1.0)], [True, True, True]),
        ([(1.0, 3.0), (2.0, 3.0)], [True, False]),
        ([(1.0, 3.0), (1.0, 2.0)], [False, True]),
        ([(1.0, 1.0), (1.0, 1.0), (2.0, 2.0)], [True, True, False]),
    ],
)
def test_a_run_that_another_beats_is_not_on_the_front(
    costs: list[tuple[float, float]], expected: list[bool]
) -> None:
    assert front(*costs) == expected


@given(st.lists(st.tuples(st.integers(1, 9), st.integers(1, 9)), min_size=1, max_size=8))
def test_whatever_is_not_on_the_front_is_beaten_by_something_on_it(
    costs: list[tuple[int, int]],
) -> None:
    is_on = front(*((float(a), float(b)) for a, b in costs))
    best = [cost for cost, on in zip(costs, is_on, strict=True) if on]
    assert best
    for cost, on in zip(costs, is_on, strict=True):
        beaten = any(b != cost and b[0] <= cost[0] and b[1] <= cost[1] for b in best)
        assert beaten != on


def test_a_run_without_latency_is_no_point() -> None:
    assert [point.latency_s for point in pareto_data([run(None, 1.0), run(2.0, 1.0)])] == [2.0]
    assert pareto_pictures([run(None, 1.0), run(2.0, 1.0)]) == []


def test_chips_have_a_colour_and_an_entry_of_the_legend_each() -> None:
    points = pareto_data([run(1.0, 2.0), run(2.0, 1.0, "unified_core"), run(3.0, 3.0)])
    _, *chips = drawn(pareto_figure(points)).data
    assert [chip.name for chip in chips] == ["split_core", "unified_core"]
    assert len({chip.marker.color for chip in chips}) == 2
    assert list(chips[0].marker.symbol) == ["circle", "circle-open"]
    assert list(chips[0].text) == ["fsnn18", "fsnn18 on split_core (run 2)"]


def test_names_of_neighbours_stand_on_different_sides() -> None:
    points = pareto_data([run(1.0, 2.0), run(1.001, 2.0)])
    assert [*pareto_figure(points).data[1]["textposition"]] == ["bottom center", "top center"]


def test_runs_of_equal_cost_have_an_axis() -> None:
    layout = drawn(pareto_figure(pareto_data([run(1.0, 2e12), run(1.0, 2e12)]))).layout
    assert layout.xaxis.range == (0.9, 1.1)
