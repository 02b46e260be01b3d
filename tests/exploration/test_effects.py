"""Shares of variance against examples worked by hand, and functions whose shares are known."""

import itertools
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from codesign.exploration.effects import (
    MOST_BINS,
    MOST_SAMPLED,
    Effect,
    Level,
    Shares,
    factor,
    factors,
    main_effects,
    pair_means,
    variance_shares,
)

NAMES = "abc"


def axes(*scales: str) -> list[dict[str, object]]:
    return [
        {"key": key, "unit": "", "scale": scale, "values": []}
        for key, scale in zip(NAMES, scales, strict=False)
    ]


def grid(*levels: int) -> pd.DataFrame:
    rows = itertools.product(*(range(count) for count in levels))
    return pd.DataFrame(rows, columns=list(NAMES[: len(levels)]))


def shares(points: pd.DataFrame, function: Callable[..., float]) -> Shares:
    values = np.array([function(*row) for row in points.itertuples(index=False)], dtype=float)
    found = factors(points, axes(*["linear"] * points.shape[1]))
    return variance_shares(found, values, np.ones(len(points), dtype=bool))


def test_means_and_spreads_worked_by_hand() -> None:
    effects = main_effects(np.array([0, 0, 1, 1, 2]), np.array([1.0, 3.0, 10.0, np.nan, np.nan]), 3)
    assert effects[:2] == [Effect(0, 2, 2.0, 1.0), Effect(1, 1, 10.0, 0.0)]
    assert effects[2].count == 0
    assert np.isnan(effects[2].mean)


def test_an_additive_function_has_no_interaction_at_all() -> None:
    found = shares(grid(4, 2, 8), lambda a, b, c: 3 * a + 16 * b + c * c)
    assert found.is_balanced
    assert set(found.pairs.values()) == {0.0}
    assert sum(found.single) == pytest.approx(1, abs=1e-12)


def test_shares_of_two_axes_worked_by_hand() -> None:
    # values 0 2 / 4 10: mean 4, sum of squares 56; a 36, b 16, both 4
    found = shares(grid(2, 2), lambda a, b: [[0, 2], [4, 10]][a][b])
    assert found.single == pytest.approx((36 / 56, 16 / 56))
    assert found.pairs[0, 1] == pytest.approx(4 / 56)


def test_an_exclusive_or_is_all_interaction() -> None:
    found = shares(grid(2, 2, 2), lambda a, b, _: a ^ b)
    assert found.single == (0.0, 0.0, 0.0)
    assert found.pairs == {(0, 1): 1.0, (0, 2): 0.0, (1, 2): 0.0}


def test_a_product_of_centred_values_is_all_interaction() -> None:
    found = shares(grid(3, 5), lambda a, b: (a - 1) * (b - 2))
    assert (found.single, found.pairs) == ((0.0, 0.0), {(0, 1): 1.0})


def test_a_hole_in_the_grid_makes_it_a_sample_without_inventing_interactions() -> None:
    points = pd.concat([grid(4, 3), grid(4, 3)]).drop_duplicates().iloc[1:]
    points = pd.concat([points, points])
    found = shares(points, lambda a, b: a + 10.0 * b)
    assert not found.is_balanced
    assert found.pairs == {(0, 1): 0.0}
    assert found.single[1] > 0.9


def test_noise_is_no_effect_in_a_random_sample() -> None:
    rng = np.random.default_rng(0)
    points = pd.DataFrame(rng.random((600, 3)), columns=list(NAMES))
    values = 5 * points["a"].to_numpy() + rng.normal(size=600)
    found = variance_shares(
        factors(points, axes("linear", "log", "linear")), values, np.ones(600, dtype=bool)
    )
    assert not found.is_balanced
    # variance of a uniform number is 1/12: 25/12 of it against 1
    assert found.single[0] == pytest.approx(25 / 37, abs=0.06)
    assert max(found.single[1:]) < 0.03
    assert max(found.pairs.values()) < 0.06


def test_small_effects_are_found_beside_large_ones_where_points_are_missing() -> None:
    points = grid(4, 5, 3)
    whole = shares(points, lambda a, b, c: 100.0 * a + b + c)
    found = shares(points.drop(index=[7, 30]), lambda a, b, c: 100.0 * a + b + c)
    assert not found.is_balanced
    assert found.single == pytest.approx(whole.single, rel=0.1)
    assert set(found.pairs.values()) == {0.0}


def test_single_points_at_pairs_of_levels_tell_no_interaction_from_chance() -> None:
    points = grid(4, 3).iloc[1:]
    assert np.isnan(shares(points, lambda a, b: a * b).pairs[0, 1])


def test_what_does_not_vary_has_no_shares() -> None:
    assert np.isnan(shares(grid(2, 2), lambda *_: 7.0).single).all()
    assert np.isnan(shares(grid(2, 2), lambda *_: np.nan).single).all()


def test_other_points_are_left_out() -> None:
    points = grid(2, 2)
    twice = pd.concat([points, points], ignore_index=True)
    values = np.array([0.0, 2, 4, 10, 99, np.nan, 5, 6])
    found = variance_shares(factors(twice, axes("linear", "linear")), values, np.arange(8) < 4)
    assert found == shares(points, lambda a, b: [[0, 2], [4, 10]][a][b])


def test_shares_of_very_many_points_are_of_some_of_them() -> None:
    rng = np.random.default_rng(0)
    points = pd.DataFrame(rng.random((MOST_SAMPLED + 500, 2)), columns=["a", "b"])
    found = shares(points, lambda a, b: a + b)
    assert found.points == MOST_SAMPLED
    assert found.single == pytest.approx((0.5, 0.5), abs=0.05)


def test_means_of_pairs_are_empty_where_no_point_is() -> None:
    means = pair_means(np.array([0, 0, 1]), np.array([1, 1, 0]), np.array([1.0, 3.0, 5.0]), (2, 2))
    assert np.array_equal(means, [[np.nan, 2.0], [5.0, np.nan]], equal_nan=True)


def test_words_keep_their_order_and_numbers_theirs() -> None:
    words = factor(pd.Series(["layer", "timestep", "layer", "pipeline"]), "order", "words")
    assert [level.first for level in words.levels] == ["layer", "timestep", "pipeline"]
    assert words.numbers.tolist() == [0, 1, 0, 2]
    numbers = factor(pd.Series([64, 16, 32, 16]), "size", "log")
    assert [level.first for level in numbers.levels] == [16, 32, 64]
    assert numbers.numbers.tolist() == [2, 0, 1, 0]


def test_words_that_are_numbers_and_truths_are_words() -> None:
    found = factor(pd.Series([True, False, "auto", True], dtype=object), "key", "words")
    assert [level.first for level in found.levels] == [True, False, "auto"]


@pytest.mark.parametrize(
    ("values", "levels"),
    [([2.0, np.nan, 1.0], [1.0, 2.0]), (["b", None, "a"], ["b", "a"]), ([None, None], [])],
)
def test_points_without_a_value_are_the_last_level(
    values: list[object], levels: list[object]
) -> None:
    found = factor(pd.Series(values), "key", "linear")
    assert [level.first for level in found.levels[:-1]] == levels
    assert np.isnan(found.levels[-1].first)
    assert found.numbers[1] == len(levels)
    assert len(found.numbers) == len(values)


def test_many_values_are_cut_into_bins_of_equal_ratio_if_the_axis_is_logarithmic() -> None:
    values = pd.Series(2.0 ** np.linspace(0, 8, 800, endpoint=False))
    found = factor(values, "size", "log")
    assert found.is_binned
    assert len(found.levels) == MOST_BINS
    assert np.bincount(found.numbers).tolist() == [100] * MOST_BINS
    assert found.levels[0] == Level(1.0, values[99])
    linear = factor(values, "size", "linear")
    assert np.bincount(linear.numbers)[0] > 500


def test_axes_that_change_together_are_one_factor_and_constant_ones_none() -> None:
    points = grid(3, 2).assign(c=lambda table: 100 - 10 * table["a"])
    assert [each.keys for each in factors(points, axes(*["linear"] * 3))] == [("a", "c"), ("b",)]
    assert [each.keys for each in factors(points.assign(b=1), axes(*["linear"] * 3))] == [
        ("a", "c")
    ]
