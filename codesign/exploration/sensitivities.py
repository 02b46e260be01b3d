"""Sensitivities that SALib computes: delta of samples, and Morris's screening.

Delta (Borgonovo, Reliability Engineering & System Safety 92, 2007) is how much the distribution of
an objective changes when one axis is known: 0 if not at all, at most 1. It needs no special
design of the sample. Morris's method (Technometrics 33, 1991) needs its own: trajectories on
which one axis changes at a time; `morris_levels` makes one over the levels of a sweep.

SALib is an extra (`pip install 'codesign[sensitivity]'`) and is imported inside; what it does to
warnings and to numpy's random state is undone.
"""

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray

INSTALL = "pip install 'codesign[sensitivity]'"

FEWEST_POINTS = 64
"""Fewer points do not make densities."""
MOST_POINTS = 400
"""Delta of more points takes minutes and differs in the second digit."""

_RESAMPLES = 10
"""By which delta's bias is reduced; more change its third digit."""

_LEVELS = 4
"""Of Morris's own grid; with jumps of 2/3 of an axis each level is met equally often."""


@dataclass(frozen=True)
class MorrisEffect:
    """What changing one axis does, over the trajectories.

    Attributes:
        mu_star: mean size of the change of the objective, for a change over the whole axis.
        sigma: standard deviation of these changes; large where the effect depends on other axes.
    """

    mu_star: float
    sigma: float


def is_installed() -> bool:
    """Whether the extra is there."""
    return find_spec("SALib") is not None


def deltas(numbers: NDArray[Any], values: NDArray[Any], seed: int) -> list[float | None] | None:
    """Delta of each axis, by SALib.

    Args:
        numbers: shape (points, axes): a number for each value of an axis, words too.
        values: objective of each point; points without value or number are left out.
        seed: of the resampling, and of the choice of points if there are more than `MOST_POINTS`.

    Returns:
        A value for each axis, None where it cannot be told. None in place of all if there are fewer
        than `FEWEST_POINTS` points, or nothing varies.

    Raises:
        ImportError: SALib is not installed.
    """
    analyze = import_module("SALib.analyze.delta").analyze
    known = np.isfinite(values) & np.isfinite(numbers).all(axis=1)
    numbers, values = numbers[known].astype(np.float64), values[known].astype(np.float64)
    if len(values) < FEWEST_POINTS or np.ptp(values) == 0:
        return None
    if len(values) > MOST_POINTS:
        chosen = np.sort(np.random.default_rng(seed).permutation(len(values))[:MOST_POINTS])
        numbers, values = numbers[chosen], values[chosen]
    # Of a unit near 1: densities of joules in picojoules have no digits left.
    scaled = (values - values.mean()) / values.std()
    found: list[float | None] = []
    for axis in range(numbers.shape[1]):
        own = numbers[:, [axis]]
        found.append(_delta(analyze, own, scaled, seed) if np.ptp(own) else 0.0)
    return found


def _delta(analyze: Any, own: NDArray[Any], values: NDArray[Any], seed: int) -> float | None:
    problem = {"num_vars": 1, "names": ["axis"], "bounds": [[own.min(), own.max()]]}
    try:
        with _left_alone():
            found = analyze(
                problem, own, values, num_resamples=_RESAMPLES, seed=seed + 1, method="delta"
            )
    except (ValueError, RuntimeError):  # densities that are spikes: a class of equal values
        return None
    # Until SALib 1.5 there was one delta; since then it is the raw one of three.
    value = float(found["delta_raw" if "delta_raw" in found else "delta"][0])
    return min(max(value, 0.0), 1.0) if np.isfinite(value) else None


@contextmanager
def _left_alone() -> Iterator[None]:
    """Keeps warnings and random numbers of the process as they were."""
    state, shown = np.random.get_state(), warnings.formatwarning
    try:
        with warnings.catch_warnings(record=True):  # SALib sets filters of its own
            yield
    finally:
        np.random.set_state(state)
        warnings.formatwarning = shown


def morris_levels(
    levels_per_axis: Sequence[int], trajectories: int, seed: int
) -> NDArray[np.int64]:
    """A design for Morris's method: trajectories on which one axis changes at a time.

    Args:
        levels_per_axis: how many levels each axis has; one with a single level never changes.
        trajectories: how many; of each axis as many effects are found.
        seed: the same design for the same seed.

    Returns:
        Shape (trajectories x (axes + 1), axes): level numbers from 0, trajectory by trajectory.

    Raises:
        ImportError: SALib is not installed.
    """
    axes = len(levels_per_axis)
    problem = {"num_vars": axes, "names": [f"axis {n}" for n in range(axes)]}
    sample = import_module("SALib.sample.morris").sample
    with _left_alone():
        units = sample(
            problem | {"bounds": [[0.0, 1.0]] * axes}, trajectories, num_levels=_LEVELS, seed=seed
        )
    # A jump of 2/3 changes the level of every axis that has two or more.
    numbers = np.rint(np.asarray(units) * (np.asarray(levels_per_axis) - 1))
    return np.asarray(numbers, dtype=np.int64)


def morris_effects(
    numbers: NDArray[np.integer[Any]], values: NDArray[np.floating[Any]]
) -> list[MorrisEffect]:
    """Morris's measures of each axis, from a design of `morris_levels`.

    An effect is the change of the objective where one axis changes, divided by how much of that
    axis' levels the change spans: axes with other numbers of levels are comparable. Steps with an
    objective that is not a number at an end are left out.

    Args:
        numbers: shape (points, axes), as designed.
        values: objective of each point.

    Returns:
        For each axis; NaN where no effect is known.

    Raises:
        ValueError: the points are no whole trajectories, or more than one axis changes in a step.
    """
    axes = numbers.shape[1]
    if len(numbers) % (axes + 1) or len(numbers) != len(values):
        raise ValueError(f"{len(numbers)} points are no trajectories over {axes} axes")
    levels = numbers.reshape(-1, axes + 1, axes)
    changes = np.diff(values.reshape(-1, axes + 1), axis=1)
    steps = np.diff(levels, axis=1)
    if (np.count_nonzero(steps, axis=2) > 1).any():
        raise ValueError("more than one axis changes in a step of a trajectory")
    spans = np.maximum(np.ptp(numbers, axis=0), 1)
    return [_measures(changes, steps[:, :, axis] / spans[axis]) for axis in range(axes)]


def _measures(changes: NDArray[Any], steps: NDArray[Any]) -> MorrisEffect:
    used = (steps != 0) & np.isfinite(changes)
    effects = changes[used] / steps[used]
    if not len(effects):
        return MorrisEffect(np.nan, np.nan)
    sigma = float(effects.std(ddof=1)) if len(effects) > 1 else np.nan
    return MorrisEffect(float(np.abs(effects).mean()), sigma)
