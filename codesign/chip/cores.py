"""A core: three units that work on successive jobs at once.

The loader brings weights and input, the datapath computes, the storer takes the result away. With
double buffering the input and output memories have two places each, so while one job is computed
the next may be loaded and the one before stored, and not more; without it they have one, and the
three take turns.
"""

from collections.abc import Generator, Sequence
from dataclasses import dataclass, field

import simpy
from simpy.events import Event

from codesign.chip.fabric import Fabric, Request, happen
from codesign.chip.gates import Gates
from codesign.chip.weights import WeightFetch

Way = tuple[tuple[int, ...], int]
"""Resources of a transfer, and its latency in cycles."""


@dataclass(frozen=True, slots=True)
class Task:
    """One job in the cycles of this chip; transfers of no cycles do not happen."""

    number: int
    stage: int
    opens: int
    awaits: int
    needs: tuple[int, ...]
    room: tuple[int, ...]
    epoch: int
    priority: int
    block: int
    apart: bool
    weight_cycles: int
    load_cycles: int
    load_dram_cycles: int
    compute_cycles: int
    store_cycles: int
    store_dram_cycles: int
    sum_cycles: int
    way_of_sums: Way = ((), 0)


CYCLE_FIELDS = tuple(name for name in Task.__slots__ if name.endswith("_cycles"))
"""Fields of a task that are durations, in order."""


PHASES = ("placed", "fetched", "weighted", "ready", "passed", "alone", "loaded")
"""Moments of a job's loading: it has a place, its weights are in the buffer, and then in the core;
what it reads is stored; the barrier is open; it may load beside the job before; it is loaded."""

LOADING = ("weights", "dependency", "barrier", "output", "input")
"""What a core is stalled for up to the last five of these moments."""


@dataclass(frozen=True)
class Shared:
    """What a core shares with the others."""

    fabric: Fabric
    gates: Gates
    weights: WeightFetch
    multicast: bool


class Tally:
    """How many jobs a unit has finished, for the others that wait for it.

    One event stands for one number of jobs, whoever waits for it: that a transfer has arrived, or
    that a datapath is done, is itself the event that one more job is finished.
    """

    def __init__(self, env: simpy.Environment):
        self.count = 0
        self._env = env
        self._events: dict[int, Event] = {}

    def reach(self, count: int) -> Event:
        """The event that so many are finished, more than are now."""
        return self._events.setdefault(count, Event(self._env))

    def next(self) -> Event:
        """The event that one more is finished, for whom makes it happen; it is counted before
        anybody hears of it."""
        event = self.reach(self.count + 1)
        assert event.callbacks is not None
        event.callbacks.insert(0, self._happened)
        return event

    def add(self) -> None:
        """One more is finished now, without an event unless somebody waits for it."""
        self.count += 1
        awaited = self._events.pop(self.count, None)
        if awaited is not None:
            awaited.succeed()

    def _happened(self, _: Event) -> None:
        self.count += 1
        del self._events[self.count]


@dataclass
class CoreMachine:
    """Loader, datapath and storer of one core, and the record of what they did.

    Attributes:
        tasks: what this core has to do, in order.
        ways: resources of each kind of transfer, in the order of `codesign.mapping.jobs.TRANSFERS`.
        places: of the input and of the output memory: 2 with double buffering, else 1.
        started: first cycle of each job's computing.
        stored: the cycle in which each job's result was stored.
        stalls: (reason, first cycle, cycle after the last) while the datapath waited.
        phases: of each job, the moments of `PHASES`.
        roomed: of each job, when it began to be stored.
        loader: what the loader waits for, for the message about a deadlock.
        storer: what the storer waits for.
    """

    env: simpy.Environment
    tasks: list[Task]
    shared: Shared
    ways: tuple[Way, ...]
    places: int = 2
    started: list[int] = field(default_factory=list)
    stored: list[int] = field(default_factory=list)
    stalls: list[tuple[str, int, int]] = field(default_factory=list)
    loader: str = ""
    storer: str = ""

    def __post_init__(self) -> None:
        self._loaded, self._computed, self._stored = (Tally(self.env) for _ in range(3))
        self.phases: list[tuple[int, ...]] = [() for _ in self.tasks]
        self.roomed: list[int] = []

    def start(self) -> None:
        for process in (self._load(), self._compute(), self._store()):
            self.env.process(process)

    def _load(self) -> Generator[Event, None, None]:
        """For each job: waits for a place in the input memory; loads the weights if the core does
        not hold them, when they have been fetched; waits until partial sums of other cores are
        there and what the job reads is stored, then for the barrier in front of it, then for the
        core's job before as well if the state memory has no space beside it; loads the input from
        the activation buffer and from DRAM."""
        env, gates, weights = self.env, self.shared.gates, self.shared.weights
        for index, task in enumerate(self.tasks):
            if self._computed.count <= index - self.places:
                yield self._computed.reach(index - self.places + 1)
            placed = fetched = int(env.now)
            if task.weight_cycles:
                self.loader = f"weight block {task.block}"
                yield weights.fetched[task.block]
                fetched = int(env.now)
                data = task.block if self.shared.multicast else -1
                yield self._transfer(task, 0, task.weight_cycles, Event(env), data)
                weights.loaded(task.block)
            weighted = int(env.now)
            if task.awaits >= 0:
                gate = gates.opening(task.awaits)
                if gate is not None:
                    self.loader = f"stage {task.awaits}"
                    yield gate
            if task.stage not in gates.ready:
                for need in task.needs:
                    gate = gates.opening(need)
                    if gate is not None:
                        self.loader = f"stage {need}"
                        yield gate
                gates.ready.add(task.stage)
            ready = int(env.now)
            barrier = gates.barrier(task.epoch)
            if barrier is not None:
                self.loader = f"the barrier before epoch {task.epoch}"
                yield barrier
            passed = int(env.now)
            if task.apart and self._stored.count < index:
                self.loader = "the job before"
                yield self._stored.reach(index)
            alone = int(env.now)
            self.loader = ""
            loads = ((1, task.load_cycles), (2, task.load_dram_cycles))
            yield from self._in_turn(task, loads, self._loaded)
            times = (placed, fetched, weighted, ready, passed, alone, int(env.now))
            self.phases[index] = times

    def _compute(self) -> Generator[Event, None, None]:
        """For each job: waits until it is loaded and a place in the output memory is free; then
        holds the datapath for its cycles."""
        free_since = 0
        for index, task in enumerate(self.tasks):
            if self._loaded.count <= index:
                yield self._loaded.reach(index + 1)
            if self._stored.count <= index - self.places:
                yield self._stored.reach(index - self.places + 1)
            now = int(self.env.now)
            self.started.append(now)
            computed = self._computed.next()
            happen(computed, task.compute_cycles)
            yield computed
            if now > free_since:
                self._charge(free_since, now, self.phases[index])
            free_since = now + task.compute_cycles

    def _store(self) -> Generator[Event, None, None]:
        """For each job: waits until its result has room; stores it in the activation buffer and in
        DRAM, or sends its partial sums to the core that adds them up; and says so."""
        gates = self.shared.gates
        for index, task in enumerate(self.tasks):
            if self._computed.count <= index:
                yield self._computed.reach(index + 1)
            waits = task.store_cycles or task.sum_cycles
            if waits and task.stage not in gates.roomy:
                for stage in task.room:
                    gate = gates.opening(stage)
                    if gate is not None:
                        self.storer = f"room of stage {stage}"
                        yield gate
                gates.roomy.add(task.stage)
                self.storer = ""
            self.roomed.append(int(self.env.now))
            stores = ((3, task.store_cycles), (4, task.store_dram_cycles), (5, task.sum_cycles))
            yield from self._in_turn(task, stores, self._stored)
            self.stored.append(int(self.env.now))
            gates.stored(task.stage)
            if task.opens >= 0:
                gates.stored(task.opens)

    def _in_turn(
        self, task: Task, transfers: Sequence[tuple[int, int]], tally: Tally
    ) -> Generator[Event, None, None]:
        """One transfer after the other, as (kind, cycles); the last one's arrival is counted."""
        moved = [each for each in transfers if each[1]]
        if not moved:
            tally.add()
        for place, (kind, cycles) in enumerate(moved, start=1):
            arrival = tally.next() if place == len(moved) else Event(self.env)
            yield self._transfer(task, kind, cycles, arrival)

    def _transfer(
        self, task: Task, kind: int, cycles: int, arrival: Event, data: int = -1
    ) -> Event:
        way, latency = self.ways[kind] if kind < len(self.ways) else task.way_of_sums
        tag = (task.number, kind)
        request = Request(task.priority, cycles, way, latency, tag, data, arrival)
        return self.shared.fabric.transfer(request)

    def _charge(self, first: int, last: int, times: tuple[int, ...]) -> None:
        """Charges the cycles in which the datapath waited to the condition satisfied last.

        There are two: the job is loaded, and the output memory has a place. The loader's own
        conditions follow one another, so that in each of its cycles one alone is waited for.
        """
        is_loaded_last = times[-1] == last
        phases = zip(LOADING, times[2:], strict=True) if is_loaded_last else (("output", last),)
        for reason, end in phases:
            if end > first:
                self.stalls.append((reason, first, end))
                first = end
