"""What a sweep file says: what is changed in chips and workloads, and what is wanted of them.

Every value of an architecture or a workload can be an axis, named as in `--set`
(`cores.spike.count`, `workload.timesteps`). Keys of one axis change together. Constraints limit
sums of values and results; objectives are what fronts and best designs are about.

Left out: arithmetic. Axes that depend on each other are written as one axis of several keys, or
drawn and then limited by a constraint.
"""

import math
from collections.abc import Iterator
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any

from pydantic import AfterValidator, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from codesign.specs.axes import Scalar, grid
from codesign.specs.faults import Violation, refuse
from codesign.specs.groups import Name, Spec
from codesign.units import AREA, Quantity, shown

Text = Annotated[str, StringConstraints(min_length=1)]
Key = Annotated[str, StringConstraints(pattern=r"^[^.\s=]+(\.[^.\s=]+)*$")]


def _single(value: Any) -> Any:
    if isinstance(value, bool | int | float | str):
        return value
    raise PydanticCustomError(
        "quantity",
        "{problem}",
        {"problem": f"must be one value (got {shown(value)})", "fix": "Write a number or a word."},
    )


Value = Annotated[Any, AfterValidator(_single)]
"""A number, a word, a truth value, or a quantity with its unit."""


class Scale(StrEnum):
    """Whether steps are equal in difference or in ratio."""

    LINEAR = "linear"
    LOG = "log"


class Method(StrEnum):
    """How points are chosen."""

    GRID = "grid"
    """Every combination of the axes' values."""
    RANDOM = "random"
    LATIN_HYPERCUBE = "latin_hypercube"
    """Each axis is cut into as many strata as there are points, and each stratum is met once."""
    MORRIS = "morris"
    """Trajectories on which one axis changes at a time, to see which of many matter (Morris,
    Technometrics 33, 1991)."""
    NSGA2 = "nsga2"
    """An evolutionary search, NSGA-II (Deb et al., IEEE Trans. Evol. Comput. 6, 2002)."""
    TPE = "tpe"
    """A Bayesian search by tree-structured Parzen estimators (Ozaki et al., GECCO 2020)."""


MOST_DESIGNS = 1_000_000
"""Of a grid; the same number limits what is drawn."""
SEARCHES = (Method.NSGA2, Method.TPE)
"""Methods that choose points by what was found before."""


class Simulate(StrEnum):
    """Which points are simulated; floors are computed of all."""

    ALL = "all"
    FRONT = "front"
    """Those that, by their floors, can be on a front."""
    NONE = "none"


class Range(Spec):
    """Values from one to another.

    Attributes:
        first: `from` in the file.
        last: `to` in the file; the last value, if steps meet it.
        step: difference of neighbours, of a linear range.
        points: number of values, instead of a step.
        scale: `log` for equal ratios.
    """

    first: Annotated[Value, Field(alias="from")]
    last: Annotated[Value, Field(alias="to")]
    step: Value | None = None
    points: Annotated[int, Field(strict=True, ge=2, le=100_000)] | None = None
    scale: Scale = Scale.LINEAR

    @model_validator(mode="after")
    def _ends_fit_together(self) -> "Range":
        try:
            grid(self.first, self.last, self.step, self.points, is_log=self.scale is Scale.LOG)
        except (ValueError, ArithmeticError) as error:
            refuse([Violation((), f"must be a range that can be followed: {error}.", "")])
        return self


class Axis(Spec):
    """One direction of the design space: a key and its values, or several that go together.

    Attributes:
        key: what is changed, as in `--set`.
        keys: several, of which each value gives all.
        values: what it is set to; of several keys a list for each value.
        range: values from one to another. Without `points` or `step` any between: random samples
            and Latin hypercubes draw from it. Integer ends give integers.
    """

    key: Key | None = None
    keys: Annotated[tuple[Key, ...], Field(min_length=2)] | None = None
    values: Annotated[tuple[Any, ...], Field(min_length=1)] | None = None
    range: Range | None = None

    @model_validator(mode="after")
    def _is_one_axis(self) -> "Axis":
        refuse(list(_axis_violations(self)))
        return self

    @property
    def columns(self) -> tuple[str, ...]:
        """All keys."""
        return self.keys or (str(self.key),)

    @property
    def levels(self) -> tuple[tuple[Scalar, ...], ...] | None:
        """The values, each with one part for every key; None of a range without steps."""
        if self.values is not None:
            return tuple(tuple(each) if self.keys else (each,) for each in self.values)
        assert self.range is not None, "checked above"
        span = self.range
        if span.step is None and span.points is None:
            return None
        is_log = span.scale is Scale.LOG
        return tuple(
            (each,) for each in grid(span.first, span.last, span.step, span.points, is_log=is_log)
        )


class Sampling(Spec):
    """How points of the design space are chosen.

    Attributes:
        method: a grid if left out.
        points: number of designs, each run with every workload; of a search, for each workload.
            Neither of a grid nor of `morris`.
        trajectories: of `morris`, each with one design more than there are axes.
        seed: of what is drawn; not of a grid.
    """

    method: Method = Method.GRID
    points: Annotated[int, Field(strict=True, ge=1, le=1_000_000)] | None = None
    trajectories: Annotated[int, Field(strict=True, ge=2, le=10_000)] | None = None
    seed: Annotated[int, Field(strict=True, ge=0)] | None = None

    @model_validator(mode="after")
    def _fields_fit_together(self) -> "Sampling":
        count = {Method.GRID: (), Method.MORRIS: ("trajectories", "seed")}
        wanted, found = count.get(self.method, ("points", "seed")), []
        for key, example in (("points", 200), ("trajectories", 10), ("seed", 1)):
            value = getattr(self, key)
            if key not in wanted and value is not None:
                problem = f"must be absent for method '{self.method}' (got {value})."
                found.append(Violation((key,), problem, "Remove the line."))
            if key in wanted and value is None:
                problem = f"must be given for method '{self.method}' (got nothing)."
                found.append(Violation((key,), problem, f"Write '{key}: {example}'.", missing=True))
        refuse(found)
        return self


_SECONDS = {"s": Decimal(1), **{f"{p}s": Decimal(1).scaleb(n) for p, n in (("m", -3), ("u", -6))}}
_SECONDS |= {"ns": Decimal("1e-9")}
_PICOJOULES = {
    unit: Decimal(1).scaleb(exponent)
    for unit, exponent in (("pJ", 0), ("fJ", -3), ("nJ", 3), ("uJ", 6), ("mJ", 9), ("J", 12))
}
_WATTS = {"W": Decimal(1), "mW": Decimal("1e-3"), "uW": Decimal("1e-6")}
_EDP = {"J s": Decimal(1)}
_EDP |= {f"{p}J s": Decimal(1).scaleb(n) for p, n in (("m", -3), ("u", -6), ("n", -9), ("p", -12))}
_ANY = (Decimal("1e-30"), Decimal("1e30"))

LIMITED = {
    "latency": Quantity("a time", "20 ms", _SECONDS, *_ANY),
    "energy": Quantity("an energy", "10 mJ", _PICOJOULES, *_ANY),
    "edp": Quantity("an energy-delay product", "100 uJ s", _EDP, *_ANY),
    "area": AREA,
    "interval": Quantity("a time", "20 ms", _SECONDS, *_ANY),
    "interval_energy": Quantity("an energy", "10 mJ", _PICOJOULES, *_ANY),
    "power": Quantity("a power", "2 W", _WATTS, *_ANY),
    "peak_power": Quantity("a power", "2 W", _WATTS, *_ANY),
    "error_rate": Quantity("a share", "3 %", {"%": Decimal(1)}, Decimal("1e-9"), Decimal(100)),
}
"""What can be an objective (less is better) or be limited, in the unit of its column."""

Objective = StrEnum("Objective", {name.upper(): name for name in LIMITED})  # type: ignore[misc]


class Constraint(Spec):
    """A limit of a result, or of a sum of the design's own numbers.

    Attributes:
        quantity: a result, as `area`; the limit has its unit.
        sum: keys of axes and the factor of each; the limit is a number.
        at_most, at_least, equals: the limit.
    """

    quantity: Objective | None = None
    sum: Annotated[dict[str, float], Field(min_length=1)] | None = None
    at_most: Value | None = None
    at_least: Value | None = None
    equals: Value | None = None

    @model_validator(mode="after")
    def _is_one_limit(self) -> "Constraint":
        found = list(_constraint_violations(self))
        limits = {} if found else dict(self.limits())
        if limits.get("at_least", -math.inf) > limits.get("at_most", math.inf):
            problem = f"must not be above at_most (got {self.at_least} and {self.at_most})."
            found.append(Violation(("at_least",), problem, "Change one of the two."))
        refuse(found)
        return self

    def limits(self) -> Iterator[tuple[str, float]]:
        """`at_most`, `at_least` and `equals`, as far as given, in the unit of the column."""
        for word in _LIMIT_WORDS:
            value = getattr(self, word)
            if value is not None:
                yield word, LIMITED[self.quantity].parse(value) if self.quantity else float(value)

    def __str__(self) -> str:
        what = self.quantity or " + ".join(
            f"{by:g} x {key}" for key, by in (self.sum or {}).items()
        )
        said = [
            f"{word.replace('_', ' ')} {getattr(self, word)}"
            for word in _LIMIT_WORDS
            if getattr(self, word) is not None
        ]
        return f"{what} {' and '.join(said)}"


_NAMES = {f"{prefix}{key}" for prefix in ("", "workload.") for key in ("name", "description")}
"""Keys that name things and change nothing."""
_LIMIT_WORDS = ("at_most", "at_least", "equals")


class SweepSpec(Spec):
    """A sweep: axes over chips and workloads.

    Attributes:
        name: the file's name without its ending.
        description: one line for lists and reports.
        architectures: names or paths (from this file's folder) of the chips that are changed.
        workloads: names or paths of the workloads, each run on every design.
        images: instead of the workloads' own.
        axes: what is changed.
        sampling: how points are chosen from the axes.
        constraints: designs for which one does not hold are left out of fronts; those that need no
            simulation are not simulated.
        objectives: what designs are judged by.
        simulate: which points are simulated.
    """

    name: Name
    description: Text
    architectures: Annotated[tuple[Text, ...], Field(min_length=1)]
    workloads: Annotated[tuple[Text, ...], Field(min_length=1)]
    images: Annotated[tuple[Text, ...], Field(min_length=1)] | None = None
    axes: Annotated[tuple[Axis, ...], Field(min_length=1)]
    sampling: Sampling = Sampling()
    constraints: tuple[Constraint, ...] = ()
    objectives: Annotated[tuple[Objective, ...], Field(min_length=1)] = (
        Objective("latency"),
        Objective("energy"),
    )
    simulate: Simulate = Simulate.ALL

    @model_validator(mode="after")
    def _fields_fit_together(self) -> "SweepSpec":
        rules = (
            *(_key_violations, _range_violations, _repeated),
            *(_search_violations, _screening_violations),
        )
        refuse([violation for rule in rules for violation in rule(self)])
        return self

    @property
    def keys(self) -> tuple[str, ...]:
        """All keys of all axes, in order."""
        return tuple(key for axis in self.axes for key in axis.columns)

    @property
    def needs_accuracy(self) -> bool:
        """Whether the error rate is an objective or limited: then all networks are compared."""
        limited = {each.quantity for each in self.constraints}
        return Objective("error_rate") in {*self.objectives, *limited}

    @property
    def has_streams(self) -> bool:
        """Whether the stream of images is simulated for the sake of an objective or a limit."""
        limited = {each.quantity for each in self.constraints}
        return not {"interval", "interval_energy"}.isdisjoint({*self.objectives, *limited})


def _axis_violations(axis: Axis) -> Iterator[Violation]:
    if (axis.key is None) == (axis.keys is None):
        problem = "must have either a key or several keys."
        yield Violation((), problem, "Write 'key: cores.spike.count'.")
    if (axis.values is None) == (axis.range is None):
        yield Violation((), "must have either values or a range.", "Write 'values: [8, 16]'.")
    if axis.keys and axis.range:
        problem = "must be absent of several keys."
        yield Violation(("range",), problem, "Write 'values', a list for each.")
    for number, value in enumerate(axis.values or ()):
        yield from _value_violations(axis, ("values", number), value)
    distinct = {repr(value) for value in axis.values or ()}
    if axis.values and len(distinct) < len(axis.values):
        yield Violation(("values",), "must be different from each other.", "Leave one out.")


def _value_violations(axis: Axis, path: tuple[str | int, ...], value: Any) -> Iterator[Violation]:
    if not axis.keys:
        if isinstance(value, list | dict) or value is None:
            problem = f"must be one value (got {shown(value)})."
            yield Violation(path, problem, "Write a number or a word.")
        return
    number = len(axis.keys)
    is_whole = isinstance(value, list) and len(value) == number
    if not is_whole or any(isinstance(part, list | dict) or part is None for part in value):
        problem = f"must be a list of {number} values, one for each key (got {shown(value)})."
        yield Violation(path, problem, "Write one value for each key.")


def _constraint_violations(constraint: Constraint) -> Iterator[Violation]:
    if (constraint.quantity is None) == (constraint.sum is None):
        problem = "must limit either a quantity or a sum."
        yield Violation((), problem, "Write 'quantity: area'.")
        return
    given = [word for word in _LIMIT_WORDS if getattr(constraint, word) is not None]
    if not given:
        problem = f"must have one of {', '.join(_LIMIT_WORDS)}."
        yield Violation((), problem, "Write 'at_most: 40 mm2'.")
    for word in given:
        value = getattr(constraint, word)
        if constraint.quantity is not None:
            try:
                LIMITED[constraint.quantity].parse(value)
            except PydanticCustomError as error:
                context = error.context or {}
                yield Violation((word,), f"{context['problem']}.", str(context["fix"]))
        elif isinstance(value, bool | str):
            yield Violation((word,), f"must be a number (got {shown(value)}).", "Change it.")


def _key_violations(spec: SweepSpec) -> Iterator[Violation]:
    seen: set[str] = set()
    for number, axis in enumerate(spec.axes):
        for key in axis.columns:
            if key in seen:
                problem = f"must change each key once ('{key}' is in an axis before)."
                yield Violation(("axes", number), problem, "Remove one of the two.")
            seen.add(key)
            if key in _NAMES:
                problem = f"must change what a chip or a workload is (got '{key}')."
                yield Violation(("axes", number), problem, "Remove the axis.")
    for number, constraint in enumerate(spec.constraints):
        for key in constraint.sum or {}:
            if key not in seen:
                problem = "must be the key of an axis."
                fix = f"There are: {', '.join(sorted(seen))}."
                yield Violation(("constraints", number, "sum", key), problem, fix)


def _range_violations(spec: SweepSpec) -> Iterator[Violation]:
    for number, axis in enumerate(spec.axes):
        if spec.sampling.method is Method.GRID and axis.range and axis.levels is None:
            problem = "must have points or a step in a grid."
            yield Violation(("axes", number, "range"), problem, "Write 'points: 5'.")
        yield from _sum_violations(spec, number, axis)
    count = math.prod(len(axis.levels or ()) for axis in spec.axes)
    if spec.sampling.method is Method.GRID and count > MOST_DESIGNS:
        problem = f"must have at most {MOST_DESIGNS:,} combinations (got {count:,})."
        fix = "Draw some: 'sampling: {method: latin_hypercube, points: 1000, seed: 1}'."
        yield Violation(("axes",), problem, fix)


def _sum_violations(spec: SweepSpec, number: int, axis: Axis) -> Iterator[Violation]:
    """Values that are part of a sum, and no numbers."""
    summed = {key for constraint in spec.constraints for key in constraint.sum or {}}
    ends = ((axis.range.first,), (axis.range.last,)) if axis.range else ()
    for place, key in enumerate(axis.columns):
        values = [level[place] for level in axis.levels or ends]
        wrong = [value for value in values if isinstance(value, bool | str)]
        if key in summed and wrong:
            problem = f"must have plain numbers to be part of a sum (got {shown(wrong[0])})."
            yield Violation(("axes", number), problem, "Limit a result instead.")


def _search_violations(spec: SweepSpec) -> Iterator[Violation]:
    for number, axis in enumerate(spec.axes):
        if spec.sampling.method in SEARCHES and any(
            key.startswith("workload.") for key in axis.columns
        ):
            problem = "must be of the architecture: a search compares designs for one network."
            yield Violation(("axes", number), problem, "Write a sweep for each workload.")


def _screening_violations(spec: SweepSpec) -> Iterator[Violation]:
    for number, constraint in enumerate(spec.constraints):
        if spec.sampling.method is Method.MORRIS and constraint.sum:
            problem = "must be absent for method 'morris', whose trajectories it would break."
            yield Violation(("constraints", number), problem, "Write keys that go together.")


def _repeated(spec: SweepSpec) -> Iterator[Violation]:
    for field in ("architectures", "workloads", "images", "objectives"):
        values = getattr(spec, field) or ()
        if len(set(values)) < len(values):
            yield Violation((field,), "must be different from each other.", "Leave one out.")
