"""Means of seeds with their intervals, and how texts and tables print them.

An interval is that of Student's t for 95 %. Ways of training are compared seed by seed: the same
seed gives the same order of pictures. What the values are of is not known here.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from scipy.stats import t as student


@dataclass(frozen=True)
class Interval:
    """A mean and its 95 % interval.

    Attributes:
        mean: of the values.
        half: of the interval's width; None of fewer than two values.
        count: of values.
    """

    mean: float
    half: float | None
    count: int

    @property
    def sign(self) -> int:
        """Of the mean, 0 if the interval holds 0 or is not known."""
        if self.half is None or abs(self.mean) <= self.half:
            return 0
        return 1 if self.mean > 0 else -1

    def text(self, factor: float = 1.0, digits: int = 1, *, signed: bool = False) -> str:
        """`97.3 +- 0.4`, the values times a factor."""
        mean = f"{self.mean * factor:{'+' if signed else ''}.{digits}f}"
        return mean if self.half is None else f"{mean} ± {self.half * factor:.{digits}f}"


def interval(values: Iterable[float]) -> Interval | None:
    """Of independent values; None of none."""
    found = list(values)
    if not found:
        return None
    mean = sum(found) / len(found)
    if len(found) < 2:
        return Interval(mean, None, len(found))
    variance = sum((value - mean) ** 2 for value in found) / (len(found) - 1)
    quantile = float(student.ppf(0.975, len(found) - 1))
    return Interval(mean, quantile * math.sqrt(variance / len(found)), len(found))


def difference(first: Mapping[int, float], second: Mapping[int, float]) -> Interval | None:
    """Of the first less the second, seed by seed."""
    return interval(first[seed] - second[seed] for seed in sorted(first.keys() & second.keys()))


def points(value: Interval | None) -> str:
    """A difference of accuracies for people."""
    return "nothing" if value is None else f"{value.text(100, 1, signed=True)} points"


def percent(values: Iterable[float]) -> str:
    """The mean of shares of 1 for a table; a dash of none."""
    found = interval(values)
    return "-" if found is None else found.text(100)


def decades(values: Sequence[float | None]) -> str:
    """Their mean for a table; a gradient of 0 has none."""
    known = [value for value in values if value is not None]
    if len(known) < len(values) or not known:
        return f"0 in {len(values) - len(known)} of {len(values)}"
    mean = interval(known)
    assert mean is not None
    return mean.text(1, 2, signed=True)
