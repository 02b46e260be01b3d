"""The points of a sweep: which designs are looked at, in which order.

A point is a workload on an architecture, with one value for every key of every axis. Which points
there are follows from the sweep alone, its seed included; nothing here looks at a chip. Designs
for which a sum does not hold are no points: they are not part of the space that was asked for.
"""

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from codesign.errors import Fault, InputError
from codesign.exploration.sensitivities import INSTALL, is_installed, morris_levels
from codesign.specs.axes import Scalar, drawn
from codesign.specs.sweep import Axis, Constraint, Method, Scale, SweepSpec

RANGE_LEVELS = 4
"""Of a range without steps in Morris's method."""
_TRIES = 1_000
"""Random draws for each point that is wanted: rarer ones are too rare to be drawn at random."""
_SLACK = 1e-9
"""Relative to a limit, for what is a sum of decimal fractions; of sums near zero absolute."""

Values = tuple[Scalar, ...]
"""One for every key of a sweep, in order."""


@dataclass(frozen=True, slots=True)
class Point:
    """One workload on one design.

    Attributes:
        number: its place in the sweep, from 0.
        architecture: as the sweep names it.
        workload: as the sweep names it.
        values: for every key of the sweep.
    """

    number: int
    architecture: str
    workload: str
    values: Values


def points(spec: SweepSpec) -> Iterator[Point]:
    """All points, design by design, each with every workload."""
    numbers = itertools.count()
    for architecture, values in itertools.product(spec.architectures, designs(spec)):
        for workload in spec.workloads:
            yield Point(next(numbers), architecture, workload, values)


def designs(spec: SweepSpec) -> list[Values]:
    """The values of all designs, without those for which a sum does not hold.

    What a search proposes is known when it runs: of one, these are some designs of its space.
    """
    if spec.sampling.method is Method.GRID:
        levels = [axis.levels or () for axis in spec.axes]
        return [values for values in map(_flat, itertools.product(*levels)) if holds(spec, values)]
    if spec.sampling.method is Method.MORRIS:
        return [_on_levels(spec, numbers) for numbers in screening_levels(spec)]
    count, random = spec.sampling.points or 0, np.random.default_rng(spec.sampling.seed)
    if spec.sampling.method is Method.LATIN_HYPERCUBE:
        parts = _hypercube(random, count, len(spec.axes))
        return [values for row in parts if holds(spec, values := _at(spec.axes, row))]
    return list(itertools.islice(_random(spec, random, _TRIES * count), count))


def screening_levels(spec: SweepSpec) -> list[list[int]]:
    """Of each design of Morris's method, the number of its level on each axis.

    Raises:
        InputError: SALib is not installed.
    """
    if not is_installed():
        problem = "with method 'morris' needs SALib, which is not installed."
        raise InputError(Fault(f"{spec.name}: sampling", problem, f"Install it with: {INSTALL}."))
    counts = [len(axis.levels or range(RANGE_LEVELS)) for axis in spec.axes]
    trajectories, seed = spec.sampling.trajectories or 0, spec.sampling.seed or 0
    levels: list[list[int]] = morris_levels(counts, trajectories, seed).tolist()
    return levels


def _on_levels(spec: SweepSpec, numbers: Sequence[int]) -> Values:
    return _flat(
        at(axis, number / (RANGE_LEVELS - 1)) if axis.levels is None else axis.levels[number]
        for axis, number in zip(spec.axes, numbers, strict=True)
    )


def holds(spec: SweepSpec, values: Values) -> bool:
    """Whether all limits of sums hold for a design."""
    return all(_sum_holds(each, spec.keys, values) for each in spec.constraints if each.sum)


def within(number: float, constraint: Constraint) -> bool:
    """Whether a number is within the limits of a constraint."""
    return can_be_within(number, constraint) and all(
        word == "at_most" or number >= limit - _slack(limit, constraint)
        for word, limit in constraint.limits()
    )


def can_be_within(floor: float, constraint: Constraint) -> bool:
    """Whether a number that is at least `floor` can be within the limits of a constraint."""
    return all(
        word == "at_least" or floor <= limit + _slack(limit, constraint)
        for word, limit in constraint.limits()
    )


def _slack(limit: float, constraint: Constraint) -> float:
    return _SLACK * (abs(limit) if constraint.quantity else max(1.0, abs(limit)))


def excess(number: float, constraint: Constraint) -> float:
    """By how much a number is outside of a constraint's limits, relative to them; 0 within."""
    if within(number, constraint):
        return 0.0
    return max(
        (
            number - limit
            if word == "at_most"
            else limit - number
            if word == "at_least"
            else abs(number - limit)
        )
        / (abs(limit) or 1.0)
        for word, limit in constraint.limits()
    )


def _sum_holds(constraint: Constraint, keys: Sequence[str], values: Values) -> bool:
    of = dict(zip(keys, values, strict=True))
    terms = ((factor, of[key]) for key, factor in (constraint.sum or {}).items())
    return within(math.fsum(factor * float(value) for factor, value in terms), constraint)


def _random(spec: SweepSpec, random: np.random.Generator, tries: int) -> Iterator[Values]:
    for _ in range(tries):
        values = _at(spec.axes, random.random(len(spec.axes)).tolist())
        if holds(spec, values):
            yield values


def _hypercube(random: np.random.Generator, points: int, axes: int) -> list[list[float]]:
    """Parts of the way along each axis, shape (points, axes): a Latin hypercube."""
    strata = np.stack([random.permutation(points) for _ in range(axes)], axis=1)
    found: list[list[float]] = ((strata + random.random((points, axes))) / points).tolist()
    return found


def _at(axes: Sequence[Axis], parts: Sequence[float]) -> Values:
    return _flat(at(axis, part) for axis, part in zip(axes, parts, strict=True))


def at(axis: Axis, part: float) -> Values:
    """The value of an axis at a part of the way along it, from 0 to less than 1; of a range
    without steps up to 1."""
    levels = axis.levels
    if levels is not None:
        return levels[int(part * len(levels))]
    assert axis.range is not None, "it has no levels"
    is_log = axis.range.scale is Scale.LOG
    return (drawn(axis.range.first, axis.range.last, part, is_log=is_log),)


def _flat(parts: "Iterator[Values] | Sequence[Values]") -> Values:
    return tuple(itertools.chain.from_iterable(parts))
