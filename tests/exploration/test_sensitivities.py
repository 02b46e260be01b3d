"""Morris's effects against functions whose derivatives are known, and SALib's delta as it is."""

import warnings

import numpy as np
import pytest

from codesign.exploration.sensitivities import (
    FEWEST_POINTS,
    MorrisEffect,
    deltas,
    is_installed,
    morris_effects,
    morris_levels,
)

with_salib = pytest.mark.skipif(
    not is_installed(), reason="SALib is not installed: pip install 'codesign[sensitivity]'"
)


def test_effects_of_a_linear_function_are_its_changes_over_the_whole_axes() -> None:
    numbers = np.array([[0, 0], [2, 0], [2, 1], [1, 1], [1, 0], [3, 0]])
    effects = morris_effects(numbers, (4.0 * numbers[:, 0] - 5 * numbers[:, 1]))
    assert effects == [MorrisEffect(12.0, 0.0), MorrisEffect(5.0, 0.0)]


def test_effects_that_depend_on_another_axis_have_a_spread() -> None:
    numbers = np.array([[0, 0], [1, 0], [1, 1], [0, 1], [1, 1], [1, 0]])
    first, second = morris_effects(numbers, (numbers[:, 0] * numbers[:, 1]).astype(float))
    assert (first.mu_star, second.mu_star) == (0.5, 1.0)
    assert (first.sigma, second.sigma) == (pytest.approx(0.5**0.5), 0.0)


def test_a_step_without_value_is_left_out() -> None:
    numbers = np.array([[0], [1], [1], [0]])
    assert morris_effects(numbers, np.array([1.0, 3.0, np.nan, 3.0]))[0].mu_star == 2.0
    assert np.isnan(morris_effects(numbers, np.full(4, np.nan))[0].mu_star)


@pytest.mark.parametrize(
    ("numbers", "message"),
    [([[0, 0], [1, 0]], "no trajectories"), ([[0, 0], [1, 1], [0, 1]], "more than one axis")],
)
def test_points_that_are_no_trajectories_are_refused(
    numbers: list[list[int]], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        morris_effects(np.array(numbers), np.zeros(len(numbers)))


@with_salib
def test_a_design_changes_one_axis_at_a_time_within_its_levels() -> None:
    levels = (2, 3, 1, 7)
    design = morris_levels(levels, trajectories=6, seed=3)
    assert design.shape == (6 * 5, 4)
    assert (design.min(axis=0) >= 0).all()
    assert (design.max(axis=0) < levels).all()
    steps = np.count_nonzero(np.diff(design.reshape(6, 5, 4), axis=1), axis=2)
    # one step of each trajectory is that of the axis with one level
    assert np.sort(steps, axis=1).tolist() == [[0, 1, 1, 1]] * 6
    assert np.array_equal(design, morris_levels(levels, trajectories=6, seed=3))
    assert not np.array_equal(design, morris_levels(levels, trajectories=6, seed=4))


@with_salib
def test_effects_agree_with_salib_on_its_own_grid() -> None:
    from SALib.analyze import morris

    design = morris_levels((4, 4, 4), trajectories=8, seed=1)
    units = design / 3
    values = units[:, 0] + units[:, 1] * units[:, 2] ** 2
    problem = {"num_vars": 3, "names": list("abc"), "bounds": [[0, 1]] * 3}
    expected = morris.analyze(problem, units, values, num_levels=4, seed=1)
    found = morris_effects(design, values)
    assert [each.mu_star for each in found] == pytest.approx(list(expected["mu_star"]))
    assert [each.sigma for each in found] == pytest.approx(list(expected["sigma"]))


@with_salib
def test_delta_ranks_axes_by_what_they_move_and_leaves_the_process_as_it_was() -> None:
    rng = np.random.default_rng(0)
    numbers = np.hstack([rng.integers(0, 50, (500, 3)), np.ones((500, 1))])
    values = 1e12 * (numbers[:, 0] + 0.5 * numbers[:, 1])
    before, shown = np.random.get_state()[1].tolist(), warnings.formatwarning
    found = deltas(numbers, values, seed=0)
    assert np.random.get_state()[1].tolist() == before
    assert warnings.formatwarning is shown
    assert found is not None
    first, second, third, constant = found
    assert first is not None
    assert second is not None
    assert third is not None
    assert first > 1.5 * second > 1.5 * third
    assert constant == 0
    assert found == deltas(numbers, values, seed=0)


@with_salib
def test_too_few_points_and_constant_objectives_have_no_delta() -> None:
    numbers = np.arange(FEWEST_POINTS - 1).reshape(-1, 1)
    assert deltas(numbers, numbers[:, 0] * 1.0, seed=0) is None
    assert deltas(np.arange(100).reshape(-1, 1), np.ones(100), seed=0) is None
