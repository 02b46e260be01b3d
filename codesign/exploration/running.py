"""Running a sweep: floors of all points, then simulation of those that are wanted.

What runs depends on the machine, on other processes with the same folder and on what was computed
before; what the sweep finds does not. A point counts as pruned if and only if the floors of its
objectives are dominated by what another point was simulated to cost. That other point need not have
been pruned by none in turn: follow whoever prunes it, and the chain ends at a point of the front,
which prunes them all. So the order in which points finish decides how many are simulated in vain,
and never which ones are in the table.
"""

import math
import time
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from codesign.exploration.floor_rows import FloorTask
from codesign.exploration.prospects import (
    Known,
    Outcome,
    Prospect,
    Quantities,
    by_name,
    exclude,
    quantities,
    task,
    together,
)
from codesign.exploration.recordings import Progress
from codesign.exploration.results import Status
from codesign.exploration.rows import Found
from codesign.exploration.space import DesignSpace
from codesign.exploration.store import LASTING, LEASE_S, Store
from codesign.exploration.workers import Workers
from codesign.specs.sweep import Simulate

_CHUNK = 25
"""Floors of so many points are one task: a fortieth of a second of work, and a few megabytes."""
_SMALLEST = 1e-300
"""In place of floors of zero, which have no logarithm."""
_FLOOR = "floor_"
_PATIENCE_S = 0.5
"""Between looks at what other processes have finished."""

Costs = tuple[float, ...]
"""Of a point, one for each objective, in the unit of its column."""


@dataclass
class Run:
    """A sweep under way.

    Attributes:
        space: the sweep.
        workers: who computes.
        store: where rows are kept.
        progress: called with (stage, done, total).
        simulate: which points are simulated.
        seconds: of all simulations of this run, for the record.
        worker_bytes: the largest memory of a worker.
    """

    space: DesignSpace
    workers: Workers
    store: Store
    progress: Progress
    simulate: Simulate
    seconds: list[float] = field(default_factory=list)
    worker_bytes: int = 0
    _fronts: dict[str, list[Costs]] = field(default_factory=lambda: defaultdict(list))
    _renewed: float = 0.0

    def floors(self, prospects: Sequence[Prospect]) -> None:
        """Adds the floors of all legal points, and excludes those whose floors break a limit."""
        legal = [each for each in prospects if each.key is not None]
        keys = list(dict.fromkeys(str(each.key) for each in legal))
        rows = {each.key: quantities(each.row, _FLOOR) for each in self.store.found("floors", keys)}
        first = {str(each.key): each for each in reversed(legal)}
        missing = [first[key] for key in keys if key not in rows]
        done = len(rows)
        self.progress("floors", done, len(keys))
        tasks, waiting, is_over = _chunks(self.space, missing), 0, False
        while waiting or not is_over:
            while not is_over and self.workers.free() > 0:
                following = next(tasks, None)
                is_over = following is None
                if following is not None:
                    self.workers.submit(following)
                    waiting += 1
            for found in self.workers.finished(_PATIENCE_S) if waiting else []:
                waiting -= 1
                some = _rows_of(found)
                self.store.keep("floors", some)
                rows |= {each.key: quantities(each.row, _FLOOR) for each in some}
                done += len(some)
                self.progress("floors", done, len(keys))
        for each in legal:
            found_now = rows.get(str(each.key), each.floors)
            each.floors = together(found_now, each.floors)
            exclude(self.space, each, each.floors, Known.FLOORS)

    def simulations(self, prospects: Sequence[Prospect]) -> None:
        """Simulates what is wanted, and says of every point what became of it."""
        open_ = [each for each in prospects if each.status is None]
        if self.simulate is Simulate.NONE:
            for each in open_:
                each.ends(Status.BOUNDED)
            return
        keys = list(dict.fromkeys(str(each.key) for each in open_))
        rows = {each.key: Outcome.of(each) for each in self.store.found("simulated", keys)}
        for each in open_:
            if str(each.key) in rows:
                self._note(each, rows[str(each.key)])
        if self.simulate is Simulate.FRONT:  # the sooner the front is known, the more is pruned
            open_.sort(key=self._promise)
        self._simulate(open_, rows)
        for each in open_:
            self._conclude(each, rows)

    def _simulate(self, wanted: Iterable[Prospect], rows: dict[str, Outcome]) -> None:
        """Computes rows until every prospect has one, is pruned, or was done by others."""
        pending = deque(each for each in wanted if str(each.key) not in rows)
        total = len({str(each.key) for each in pending} | set(rows))
        elsewhere: deque[Prospect] = deque()
        under_way: dict[str, Prospect] = {}
        while pending or elsewhere or under_way:
            self.progress("simulations", len(rows), total)
            while pending and self.workers.free() > 0:
                each = pending.popleft()
                key = str(each.key)
                if key in rows or key in under_way:
                    continue
                if self._is_pruned(each):
                    total -= 1
                elif self.store.claim(key):
                    self.workers.submit(task(self.space, each))
                    under_way[key] = each
                else:
                    elsewhere.append(each)
            self._gather(rows, under_way)
            if not pending and elsewhere:
                self._look_elsewhere(rows, elsewhere, is_idle=not under_way)
                pending, elsewhere = elsewhere, deque()
        self.progress("simulations", total, total)

    def _gather(self, rows: dict[str, Outcome], under_way: dict[str, Prospect]) -> None:
        """Takes in what has finished."""
        if not under_way:
            return
        for found in self.workers.finished(_PATIENCE_S):
            each = under_way.pop(found.key)
            if found.status in LASTING:
                self.store.keep("simulated", [found])
            else:
                self.store.release(found.key)
            rows[found.key] = Outcome.of(found)
            self.seconds.append(found.seconds)
            self.worker_bytes = max(self.worker_bytes, found.peak_bytes or 0)
            self._note(each, rows[found.key])
        if time.monotonic() - self._renewed > LEASE_S / 4:
            self.store.renew()
            self._renewed = time.monotonic()

    def _look_elsewhere(
        self, rows: dict[str, Outcome], elsewhere: "deque[Prospect]", *, is_idle: bool
    ) -> None:
        """Takes in what other processes have finished; the rest is tried again."""
        if is_idle:
            time.sleep(_PATIENCE_S)
        for found in self.store.found("simulated", [str(each.key) for each in elsewhere]):
            rows[found.key] = Outcome.of(found)
        for each in elsewhere:
            if str(each.key) in rows:
                self._note(each, rows[str(each.key)])

    def _note(self, prospect: Prospect, found: Outcome) -> None:
        """Lets a simulated point prune others, if it is within all limits."""
        known = together(found.costs, prospect.costs)
        if found.status is not Status.SIMULATED or self._is_outside(prospect, known):
            return
        costs = tuple(cost for cost in self._objectives(known) if cost is not None)
        if len(costs) < len(self.space.spec.objectives):
            return
        front = self._fronts[self.space.compared(prospect.network)]
        if not any(_dominates(other, costs) for other in front):
            front[:] = [other for other in front if not _dominates(costs, other)] + [costs]

    def _promise(self, prospect: Prospect) -> float:
        """The product of a point's floors, as a logarithm: units do not matter."""
        return sum(math.log(max(cost, _SMALLEST)) for cost in self._least(prospect))

    def _is_pruned(self, prospect: Prospect) -> bool:
        if self.simulate is not Simulate.FRONT:
            return False
        least = self._least(prospect)
        front = self._fronts[self.space.compared(prospect.network)]
        return any(_dominates(other, least) for other in front)

    def _conclude(self, prospect: Prospect, rows: dict[str, Outcome]) -> None:
        """What became of a point, whether or not it was simulated in vain."""
        if self._is_pruned(prospect):
            prospect.ends(Status.PRUNED)
            return
        found = rows[str(prospect.key)]
        if found.status is Status.SIMULATED:
            prospect.costs = together(found.costs, prospect.costs)
            exclude(self.space, prospect, prospect.costs, Known.RESULTS)
        if prospect.status is None:
            prospect.ends(found.status, found.error)

    def _is_outside(self, prospect: Prospect, costs: Quantities) -> bool:
        trial = Prospect(prospect.point, prospect.network)
        exclude(self.space, trial, costs, Known.RESULTS)
        return trial.status is not None

    def _objectives(self, costs: Quantities) -> Quantities:
        amounts = by_name(costs)
        return tuple(amounts[name] for name in self.space.spec.objectives)

    def _least(self, prospect: Prospect) -> Costs:
        """What a point costs at least; 0 where nothing is known."""
        return tuple(cost or 0.0 for cost in self._objectives(prospect.floors))


def _dominates(one: Costs, other: Costs) -> bool:
    return one != other and all(a <= b for a, b in zip(one, other, strict=True))


def _chunks(space: DesignSpace, prospects: Sequence[Prospect]) -> Iterator[FloorTask]:
    """Tasks of floors, each of one recording; made when they are asked for, as chips take room."""
    by_traces: dict[tuple[str, ...], list[Prospect]] = defaultdict(list)
    for each in prospects:
        by_traces[each.traces].append(each)
    for mine in by_traces.values():
        for start in range(0, len(mine), _CHUNK):
            some = mine[start : start + _CHUNK]
            chips = tuple((str(each.key), space.architecture(each.point)) for each in some)
            first = some[0]
            yield FloorTask(f"floors {first.key}", space.recorded(first.point), first.traces, chips)


def _rows_of(found: Found) -> list[Found]:
    """The rows of a task of floors."""
    return [Found(key, Status.BOUNDED, row) for key, row in found.row.get("rows", {}).items()]
