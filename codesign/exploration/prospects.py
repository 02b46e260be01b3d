"""Prospects: the points of a sweep with what is known of each before it is simulated.

A point whose workload or chip is not legal is refused here, and one whose area breaks a limit is
excluded: neither takes any time. All others get the key of their row, for which the recordings must
be there.
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from codesign.accuracy import Accuracy
from codesign.area import area_mm2
from codesign.errors import InputError
from codesign.evaluation import architecture_hash
from codesign.exploration.points import Point, can_be_within, within
from codesign.exploration.recordings import Recordings, content
from codesign.exploration.results import OBJECTIVES, Status, quantity_text
from codesign.exploration.rows import Found, Row, Task, row_key
from codesign.exploration.space import DesignSpace

Quantities = tuple[float | None, ...]
"""What can be an objective or be limited: for each of `OBJECTIVES` a number in the unit of its
column, or None where it is not known."""

_UNKNOWN: Quantities = (None,) * len(OBJECTIVES)


@dataclass(slots=True)
class Prospect:
    """A point and what became of it so far; of a sweep's points all are in memory at once, so that
    nothing is here but what decides which of them are simulated.

    Attributes:
        point: the point.
        network: its workload with what was changed in it; fronts are those of one network.
        key: of its row; None if it is no legal design.
        traces: hashes of its recordings.
        architecture_hash: of its chip.
        status: None while it can still be simulated.
        error: why there is no result.
        accuracy: of its network, if that is known.
        floors: what it costs at least.
        costs: what it costs, as far as it is known.
    """

    point: Point
    network: str
    key: str | None = None
    traces: tuple[str, ...] = ()
    architecture_hash: str | None = None
    status: Status | None = None
    error: str | None = None
    accuracy: Accuracy | None = None
    floors: Quantities = _UNKNOWN
    costs: Quantities = _UNKNOWN

    def ends(self, status: Status, error: str | None = None) -> None:
        """Says what became of it, if that is its end."""
        self.status, self.error = status, error

    @property
    def was_simulated(self) -> bool:
        """Whether there is a row of its own in the store; then at least its energy is known."""
        return self.costs[_ENERGY] is not None


_ENERGY = list(OBJECTIVES).index("energy")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a simulation came to, without the rest of its row.

    Attributes:
        status: of the row.
        error: why there is no result.
        costs: what it costs.
    """

    status: Status
    error: str | None
    costs: Quantities

    @classmethod
    def of(cls, found: Found) -> "Outcome":
        """The outcome of a row."""
        return cls(found.status, found.row.get("error"), quantities(found.row))


def prospects(space: DesignSpace, recordings: Recordings) -> Iterator[Prospect]:
    """All points, in their order."""
    for point in space.points:
        yield prospect(space, recordings, point)


def prospect(space: DesignSpace, recordings: Recordings, point: Point) -> Prospect:
    """One point: refused, excluded, or with the key of its row."""
    try:
        network = space.network(point)
    except InputError as error:
        found = Prospect(point, sys.intern(Path(point.workload).stem))
        found.ends(Status.REFUSED, first_line(error))
        return found
    return _on_chip(space, recordings, Prospect(point, sys.intern(network)))


def _on_chip(space: DesignSpace, recordings: Recordings, prospect: Prospect) -> Prospect:
    try:
        architecture = space.architecture(prospect.point)
        recorded = content(space.recorded(prospect.point))
    except InputError as error:
        prospect.ends(Status.REFUSED, first_line(error))
        return prospect
    if recorded in recordings.failures:
        prospect.ends(*recordings.failures[recorded])
        return prospect
    digest = architecture_hash(architecture)
    prospect.architecture_hash = digest
    prospect.traces = recordings.hashes[recorded]
    prospect.key = row_key(list(prospect.traces), digest, has_stream=space.spec.has_streams)
    prospect.accuracy = recordings.accuracies.get(recorded)
    known = {"area_mm2": area_mm2(architecture)}
    if prospect.accuracy is not None:
        known["error_percent"] = error_percent(prospect.accuracy)
    prospect.floors = prospect.costs = quantities(known)
    exclude(space, prospect, prospect.costs, Known.AT_ONCE)
    return prospect


def error_percent(accuracy: Accuracy) -> float:
    """What a network gets wrong."""
    return 100 * (accuracy.total - accuracy.correct) / accuracy.total


class Known(Enum):
    """What is known of a point when its limits are checked."""

    AT_ONCE = "what needs no simulation"
    FLOORS = "lower bounds"
    RESULTS = "everything"


def exclude(space: DesignSpace, prospect: Prospect, values: Quantities, known: Known) -> None:
    """Ends a prospect if a constraint does not hold for what is known.

    Args:
        space: the sweep.
        prospect: the point.
        values: what it costs.
        known: whether others may follow, and whether these are lower bounds.
    """
    amounts = by_name(values)
    for constraint in space.spec.constraints:
        if constraint.quantity is None or prospect.status is not None:
            continue
        value = amounts[constraint.quantity]
        if value is None:
            if known is Known.RESULTS:
                prospect.ends(Status.EXCLUDED, f"{constraint} (not known of this chip)")
        elif known is Known.FLOORS:
            if not can_be_within(value, constraint):
                prospect.ends(
                    Status.EXCLUDED,
                    f"{constraint} (got at least {quantity_text(constraint.quantity, value)})",
                )
        elif not within(value, constraint):
            prospect.ends(
                Status.EXCLUDED, f"{constraint} (got {quantity_text(constraint.quantity, value)})"
            )


def task(space: DesignSpace, prospect: Prospect) -> Task:
    """What a worker needs to simulate a prospect that has a key."""
    assert prospect.key is not None, "only legal designs are simulated"
    return Task(
        prospect.key,
        space.recorded(prospect.point),
        prospect.traces,
        space.architecture(prospect.point),
        space.spec.has_streams,
    )


def quantities(row: Row, prefix: str = "") -> Quantities:
    """What can be an objective or be limited, of the columns of a row that begin with a prefix."""
    return tuple(row.get(f"{prefix}{column}") for column, _ in OBJECTIVES.values())


def together(known: Quantities, more: Quantities) -> Quantities:
    """What is known, and where that is nothing, what else is."""
    return tuple(other if own is None else own for own, other in zip(known, more, strict=True))


def by_name(values: Quantities) -> dict[str, float | None]:
    """The same, by the names that sweeps use."""
    return dict(zip(OBJECTIVES, values, strict=True))


def first_line(error: InputError) -> str:
    """The faults of a design, without the lines of the file that they point to."""
    return " ".join(f"{fault.problem} {fault.fix}".strip() for fault in error.faults)
