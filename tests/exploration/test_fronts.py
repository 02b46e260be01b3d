"""Pareto fronts against the definition, taken literally."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from codesign.exploration.fronts import front

COSTS = arrays.arrays(
    float,
    st.tuples(st.integers(0, 30), st.integers(1, 4)),
    elements=st.one_of(st.integers(0, 5).map(float), st.just(np.nan)),
)


def dominates(one: np.ndarray, other: np.ndarray) -> bool:
    return all(a <= b for a, b in zip(one, other, strict=True)) and any(
        a < b for a, b in zip(one, other, strict=True)
    )


@given(COSTS)
def test_a_point_is_on_the_front_if_and_only_if_nothing_dominates_it(costs: np.ndarray) -> None:
    expected = [
        not np.isnan(own).any() and not any(dominates(other, own) for other in costs)
        for own in costs
    ]
    assert expected == front(costs).tolist()


def test_a_front_of_two_objectives_worked_by_hand() -> None:
    costs = np.array([[1.0, 4.0], [2.0, 2.0], [2.0, 3.0], [4.0, 1.0], [2.0, 2.0], [1.0, np.nan]])
    assert front(costs).tolist() == [True, True, False, True, True, False]
