"""Which designs a sweep consists of."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from codesign.exploration.points import Point, can_be_within, designs, excess, points, within
from codesign.specs.sweep import Constraint, SweepSpec


def sweep(**fields: object) -> SweepSpec:
    whole = {
        "name": "s",
        "description": "d",
        "architectures": ["a"],
        "workloads": ["w"],
        "axes": [{"key": "x", "values": [1, 2]}, {"key": "y", "values": ["p", "q"]}],
    }
    return SweepSpec.model_validate(whole | fields)


def test_a_grid_has_every_combination_with_the_last_axis_fastest() -> None:
    expected = [(1, "p"), (1, "q"), (2, "p"), (2, "q")]
    assert designs(sweep()) == expected


def test_every_design_meets_every_workload_before_the_next() -> None:
    found = list(points(sweep(architectures=["a", "b"], workloads=["v", "w"])))
    assert found[:3] == [
        Point(0, "a", "v", (1, "p")),
        Point(1, "a", "w", (1, "p")),
        Point(2, "a", "v", (1, "q")),
    ]
    assert found[8] == Point(8, "b", "v", (1, "p"))
    assert len(found) == 16


def test_keys_of_one_axis_change_together() -> None:
    axes = [{"keys": ["x", "y"], "values": [[1, 9], [2, 8]]}, {"key": "z", "values": [0, 1]}]
    assert designs(sweep(axes=axes)) == [(1, 9, 0), (1, 9, 1), (2, 8, 0), (2, 8, 1)]


def test_designs_whose_sum_is_another_are_no_points() -> None:
    axes = [{"key": "x", "values": [1, 2, 3]}, {"key": "y", "values": [2, 4, 6]}]
    limit = {"sum": {"x": 2, "y": 1}, "equals": 8}
    assert designs(sweep(axes=axes, constraints=[limit])) == [(1, 6), (2, 4), (3, 2)]


AXES = [
    {"key": "x", "range": {"from": 0.0, "to": 10.0}},
    {"key": "y", "range": {"from": "1 KiB", "to": "64 KiB", "scale": "log"}},
    {"key": "n", "range": {"from": 1, "to": 8}},
]


@given(st.integers(0, 1000), st.integers(1, 40))
def test_a_latin_hypercube_meets_every_stratum_of_an_axis_once(seed: int, count: int) -> None:
    sampling = {"method": "latin_hypercube", "points": count, "seed": seed}
    found = designs(sweep(axes=AXES[:1], sampling=sampling))
    strata = sorted(min(int(float(x) / 10 * count + 1e-6), count - 1) for (x,) in found)
    assert len(found) == count
    # Values have four digits: at most a value at an edge falls into the neighbour.
    assert all(abs(stratum - place) <= 1 for place, stratum in enumerate(strata))


@pytest.mark.parametrize("method", ["random", "latin_hypercube"])
def test_a_sample_depends_on_its_seed_alone(method: str) -> None:
    one, same, other = (
        designs(sweep(axes=AXES, sampling={"method": method, "points": 20, "seed": seed}))
        for seed in (1, 1, 2)
    )
    assert one == same
    assert one != other
    assert len(one) == 20


def test_random_draws_go_on_until_there_are_enough_for_which_sums_hold() -> None:
    axes = [
        {"key": "x", "range": {"from": 1, "to": 8}},
        {"key": "y", "range": {"from": 1, "to": 8}},
    ]
    limit = {"sum": {"x": 1, "y": 1}, "equals": 9}
    sampling = {"method": "random", "points": 30, "seed": 0}
    found = designs(sweep(axes=axes, constraints=[limit], sampling=sampling))
    assert len(found) == 30
    assert {float(x) + float(y) for x, y in found} == {9.0}


def test_drawn_integers_are_all_met_and_equally_often() -> None:
    axes = [{"key": "n", "range": {"from": 1, "to": 4}}]
    sampling = {"method": "latin_hypercube", "points": 400, "seed": 0}
    found = [n for (n,) in designs(sweep(axes=axes, sampling=sampling))]
    assert [found.count(n) for n in (1, 2, 3, 4)] == [100] * 4


@pytest.mark.parametrize(
    ("limit", "number", "is_within", "over"),
    [
        ({"at_most": "10 mm2"}, 10.0, True, 0.0),
        ({"at_most": "10 mm2"}, 15.0, False, 0.5),
        ({"at_least": "10 mm2"}, 5.0, False, 0.5),
        ({"at_least": "5 mm2", "at_most": "10 mm2"}, 7.0, True, 0.0),
        ({"equals": "10 mm2"}, 11.0, False, 0.1),
    ],
)
def test_limits(limit: dict[str, str], number: float, is_within: bool, over: float) -> None:
    constraint = Constraint.model_validate({"quantity": "area", **limit})
    assert within(number, constraint) is is_within
    assert excess(number, constraint) == pytest.approx(over)  # a quotient of decimal fractions


def test_limits_of_small_quantities_have_no_slack_of_their_own() -> None:
    constraint = Constraint.model_validate({"quantity": "edp", "at_most": "100 pJ s"})
    assert within(1e-10, constraint)
    assert not within(1.01e-10, constraint)


def test_floors_break_upper_limits_alone() -> None:
    constraint = Constraint.model_validate({"quantity": "area", "equals": "40 mm2"})
    assert can_be_within(10.0, constraint)
    assert can_be_within(40.000000000000007, constraint)
    assert not can_be_within(40.1, constraint)


def test_a_grid_has_an_end() -> None:
    axes = [{"key": key, "range": {"from": 1, "to": 1001, "step": 1}} for key in ("x", "y")]
    with pytest.raises(ValidationError, match="at most 1,000,000 combinations \\(got 1,002,001"):
        sweep(axes=axes)


def test_trajectories_change_one_axis_at_a_time() -> None:
    pytest.importorskip("SALib", reason="needs codesign[sensitivity]")
    sampling = {"method": "morris", "trajectories": 5, "seed": 1}
    axes = [*AXES, {"keys": ["p", "q"], "values": [[1, 2], [3, 4], [5, 6]]}]
    found = designs(sweep(axes=axes, sampling=sampling))
    assert found == designs(sweep(axes=axes, sampling=sampling))
    assert len(found) == 5 * (4 + 1)
    for start in range(0, 25, 5):
        for before, after in itertools.pairwise(found[start : start + 5]):
            changed = {min(place, 3) for place in range(5) if before[place] != after[place]}
            assert len(changed) == 1
    assert {x for x, *_ in found} <= {0.0, 3.333, 6.667, 10.0}


def test_sampling_has_the_fields_of_its_method() -> None:
    for sampling, message in (
        ({"method": "grid", "points": 3}, "must be absent for method 'grid'"),
        ({"method": "random", "seed": 3}, "Write 'points: 200'"),
        ({"method": "morris", "points": 3, "seed": 1}, "Write 'trajectories: 10'"),
        ({"method": "tpe", "points": 3}, "Write 'seed: 1'"),
    ):
        with pytest.raises(ValidationError, match=message):
            sweep(sampling=sampling)
