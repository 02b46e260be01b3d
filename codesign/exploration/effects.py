"""Effects: which axis of a sweep moves an objective, alone and together with another.

Variance is shared out as in an analysis of variance: to the means over the levels of an axis, and
to what the means over pairs of levels say beyond them. On a balanced grid, where every combination
of levels is met equally often, this is exact, and the shares of all axes, pairs and higher
interactions sum to 1. In any other sample the shares are estimates: what an axis or a pair says
beyond effects of all other axes, less what chance alone would give.

Continuous axes of random samples are cut into bins first. Keys that change together are one factor.
Left out: interactions of three axes and more, which stay in the rest.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Numbers = NDArray[np.int64]
Values = NDArray[np.float64]

MOST_LEVELS = 12
"""An axis with more values of numbers is cut into bins: more means do not fit beside each other."""
MOST_BINS = 8

MOST_SAMPLED = 2000
"""Estimates of more points take long and differ in the third digit."""

_ROUNDING = 1e-9
"""Shares below it are rounding of sums over some thousand points, not effects."""
_DEPENDENT = 1e-9
"""A direction with fewer squares, of as many ones as there are points, is one of others' sums."""
_FEWEST_LEFT = 2
"""Points beyond the number of means that are compared: of fewer, chance cannot be told."""

Sums = tuple[list[float], dict[tuple[int, int], float]]
"""Sums of squares of factors, and of pairs."""


@dataclass(frozen=True)
class Level:
    """A value of an axis, or a bin of values: the least and the largest that are in it."""

    first: Any
    last: Any


@dataclass(frozen=True, eq=False)
class Factor:
    """What varies: an axis, or several whose values go together, by levels.

    Attributes:
        keys: columns of the axes.
        levels: of the first key, in the order of its values.
        numbers: the level of each point.
        is_binned: whether levels are bins of values.
    """

    keys: tuple[str, ...]
    levels: tuple[Level, ...]
    numbers: Numbers
    is_binned: bool


@dataclass(frozen=True)
class Effect:
    """An objective at one level of a factor.

    Attributes:
        level: its number.
        count: points there.
        mean: of them; NaN where there is none.
        spread: their standard deviation (of the points, not of the mean).
    """

    level: int
    count: int
    mean: float
    spread: float


@dataclass(frozen=True)
class Shares:
    """How the variance of an objective is shared out.

    Attributes:
        single: share of each factor alone; NaN where nothing can be said, as of one that does not
            vary among these points.
        pairs: share of each pair of factors beyond the two alone.
        is_balanced: whether every combination of levels is met equally often: shares are exact.
        points: how many points were used; of a sample, at most `MOST_SAMPLED`.
    """

    single: tuple[float, ...]
    pairs: Mapping[tuple[int, int], float]
    is_balanced: bool
    points: int


def factors(points: pd.DataFrame, axes: Sequence[Mapping[str, Any]]) -> list[Factor]:
    """The axes that have more than one level among these points, in their order.

    Args:
        points: rows of a sweep.
        axes: of its summary.
    """
    found: list[Factor] = []
    for axis in axes:
        own = factor(points[axis["key"]], axis["key"], axis["scale"])
        if len(own.levels) < 2:
            continue
        same = [place for place, each in enumerate(found) if _go_together(each, own)]
        if same:
            first = found[same[0]]
            keys = (*first.keys, *own.keys)
            found[same[0]] = Factor(keys, first.levels, first.numbers, first.is_binned)
        else:
            found.append(own)
    return found


def factor(values: pd.Series, key: str, scale: str) -> Factor:
    """An axis by its values at each point.

    Args:
        values: a number or a word for each point.
        key: name of the axis.
        scale: "linear", "log" or "words": how bins are cut, and whether there are any.

    Points without a value, as those of another architecture, are a level of their own, the last.
    """
    missing = values.isna().to_numpy()
    if missing.any():
        found = factor(values[~missing].infer_objects(), key, scale)
        numbers = np.full(len(values), len(found.levels), dtype=np.int64)
        numbers[~missing] = found.numbers
        return replace(found, levels=(*found.levels, Level(np.nan, np.nan)), numbers=numbers)
    if values.empty:
        return Factor((key,), (), np.empty(0, dtype=np.int64), False)
    is_words = scale == "words" or not pd.api.types.is_numeric_dtype(values)
    if is_words:
        numbers, _ = pd.factorize(values.astype(str))
        shown = values.drop_duplicates().tolist()
        return Factor((key,), tuple(Level(v, v) for v in shown), numbers.astype(np.int64), False)
    distinct, numbers = np.unique(values.to_numpy(), return_inverse=True)
    if len(distinct) <= MOST_LEVELS:
        levels = tuple(Level(value, value) for value in distinct.tolist())
        return Factor((key,), levels, numbers.astype(np.int64), False)
    numbers = _bins(values.to_numpy(dtype=np.float64), is_log=scale == "log")
    levels = tuple(
        Level(values[numbers == place].min().item(), values[numbers == place].max().item())
        for place in range(int(numbers.max()) + 1)
    )
    return Factor((key,), levels, numbers, True)


def _bins(values: Values, *, is_log: bool) -> Numbers:
    """Bins of equal width, or of equal ratio, without empty ones."""
    scaled = np.log(values) if is_log and values.min() > 0 else values
    # As many points to a bin as there are bins, at least: means of fewer say little.
    wanted = min(MOST_BINS, max(2, int(np.sqrt(len(values)))))
    least, largest = scaled.min(), scaled.max()
    raw = np.floor((scaled - least) / (largest - least) * wanted).clip(0, wanted - 1)
    return np.unique(raw, return_inverse=True)[1].astype(np.int64)


def _go_together(one: Factor, other: Factor) -> bool:
    """Whether a level of either says which level of the other a point has."""
    pairs = np.unique(np.stack([one.numbers, other.numbers]), axis=1).shape[1]
    return bool(pairs == len(one.levels) == len(other.levels))


def main_effects(numbers: Numbers, values: Values, levels: int) -> list[Effect]:
    """Mean and spread of an objective at each level.

    Args:
        numbers: level of each point.
        values: objective of each point; what is not a number is left out.
        levels: how many levels there are.
    """
    found = []
    for level in range(levels):
        own = values[(numbers == level) & np.isfinite(values)]
        mean, spread = (float(own.mean()), float(own.std())) if len(own) else (np.nan, np.nan)
        found.append(Effect(level, len(own), mean, spread))
    return found


def pair_means(one: Numbers, other: Numbers, values: Values, shape: tuple[int, int]) -> Values:
    """Mean of an objective at each pair of levels; NaN where there is no point.

    Args:
        one, other: level of each point, of two factors.
        values: objective of each point; what is not a number is left out.
        shape: how many levels each has.
    """
    known = np.isfinite(values)
    sums, counts = np.zeros(shape), np.zeros(shape)
    np.add.at(sums, (one[known], other[known]), values[known])
    np.add.at(counts, (one[known], other[known]), 1)
    return np.asarray(np.divide(sums, counts, out=np.full(shape, np.nan), where=counts > 0))


def variance_shares(found: Sequence[Factor], values: Values, chosen: NDArray[np.bool_]) -> Shares:
    """Which factors, and which pairs of them, explain how an objective varies.

    Args:
        found: factors of all points.
        values: objective of each point; what is not a number is left out.
        chosen: which points are meant, as those of one network.
    """
    known = chosen & np.isfinite(values)
    own = values[known]
    levels = [np.unique(each.numbers[known], return_inverse=True)[1] for each in found]
    balanced = _is_balanced(levels, len(own)) and not any(each.is_binned for each in found)
    total = float(((own - own.mean()) ** 2).sum()) if len(own) else 0.0
    # What differs by rounding alone does not vary.
    if total <= len(own) * (1e-12 * np.abs(own).max(initial=0.0)) ** 2:
        nothing = dict.fromkeys(combinations(range(len(found)), 2), np.nan)
        return Shares((np.nan,) * len(found), nothing, balanced, len(own))
    if balanced:
        single, pairs = _exact(levels, own)
    else:
        if len(own) > MOST_SAMPLED:
            taken = np.random.default_rng(0).permutation(len(own))[:MOST_SAMPLED]
            levels = [np.unique(each[taken], return_inverse=True)[1] for each in levels]
            own = own[taken]
            total = float(((own - own.mean()) ** 2).sum())
        single, pairs = _estimated(levels, own)
    fixed = {place for place, each in enumerate(levels) if not each.any()}
    single = [np.nan if place in fixed else each for place, each in enumerate(single)]
    pairs = {pair: np.nan if fixed & {*pair} else each for pair, each in pairs.items()}
    return Shares(
        tuple(_share(each, total) for each in single),
        {pair: _share(each, total) for pair, each in pairs.items()},
        balanced,
        len(own),
    )


def _is_balanced(levels: Sequence[Numbers], points: int) -> bool:
    if not levels or not points:
        return False
    counts = np.unique(np.stack(levels), axis=1, return_counts=True)[1]
    combined = int(np.prod([each.max() + 1 for each in levels]))
    return len(counts) == combined and bool((counts == counts[0]).all())


def _exact(levels: Sequence[Numbers], values: Values) -> Sums:
    """Sums of squares of means on a balanced grid: all of them are independent."""
    centred = values - values.mean()
    effects = [_means(each, centred)[each] for each in levels]
    pairs = {}
    for a, b in combinations(range(len(levels)), 2):
        cells = np.unique(np.stack([levels[a], levels[b]]), axis=1, return_inverse=True)[1]
        beyond = _means(cells.reshape(-1), centred)[cells.reshape(-1)] - effects[a] - effects[b]
        pairs[a, b] = float((beyond**2).sum())
    return [float((each**2).sum()) for each in effects], pairs


def _estimated(levels: Sequence[Numbers], values: Values) -> Sums:
    """Sums of squares beyond effects of all other axes, less what chance is expected to add.

    That is epsilon squared (Kelley, An unbiased correlation ratio measure, PNAS 21, 1935), by
    sums of type II. What is left by effects of all axes, or of these and the pair, is the chance. A
    sum is NaN where too few points are left to tell it.
    """
    one = np.ones((len(values), 1))
    columns = [np.eye(int(each.max()) + 1)[each] for each in levels]
    single = [
        _beyond(_basis(np.hstack([one, *columns[:place], *columns[place + 1 :]])), own, values)
        for place, own in enumerate(columns)
    ]
    additive = _basis(np.hstack([one, *columns]))
    pairs = {
        (a, b): _beyond(additive, _cells(levels[a], levels[b]), values)
        for a, b in combinations(range(len(levels)), 2)
    }
    return single, pairs


def _cells(one: Numbers, other: Numbers) -> Values:
    """A column for each pair of levels that is met."""
    cells = np.unique(np.stack([one, other]), axis=1, return_inverse=True)[1].reshape(-1)
    return np.eye(int(cells.max()) + 1)[cells]


def _basis(columns: Values) -> Values:
    """Orthonormal columns that span the same."""
    squares, directions = np.linalg.eigh(columns.T @ columns)
    kept = squares > _DEPENDENT * len(columns)
    return np.asarray(columns @ directions[:, kept] / np.sqrt(squares[kept]))


def _beyond(known: Values, added: Values, values: Values) -> float:
    """How much of the squares added columns explain beyond a basis of known ones, less chance."""
    rest = values - known @ (known.T @ values)
    new = _basis(added - known @ (known.T @ added))
    freedom = new.shape[1]
    left = len(values) - known.shape[1] - freedom
    if not freedom:
        return 0.0
    if left < _FEWEST_LEFT:
        return np.nan
    explained = float(((new.T @ rest) ** 2).sum())
    chance = max(float((rest**2).sum()) - explained, 0.0) / left
    return float(explained - freedom * chance)


def _share(part: float, total: float) -> float:
    share = part / total
    return share if np.isnan(share) or share > _ROUNDING else 0.0


def _means(numbers: Numbers, values: Values) -> Values:
    return np.asarray(np.bincount(numbers, weights=values) / np.bincount(numbers))
