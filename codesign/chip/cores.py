"""A core: three units that work on successive jobs at once.

The loader brings weights and input, the datapath computes, the storer takes the result away. The
input and output memories have two places each, so while one job is computed the next may be
loaded and the one before stored, and not more.
"""

from collections.abc import Generator
from dataclasses import dataclass, field

import simpy
from simpy.events import Event

from codesign.chip.gates import Gates
from codesign.chip.ports import Key, Port
from codesign.chip.weights import WeightFetch
from codesign.mapping.jobs import Place

PLACES = 2
"""Double buffering: one job at work, one on its way."""


@dataclass(frozen=True, slots=True)
class Task:
    """One job in the cycles of this chip; transfers of no cycles do not happen."""

    number: int
    key: Key
    place: Place
    needs: tuple[Place, ...]
    room: tuple[Place, ...]
    block: int
    apart: bool
    weight_cycles: int
    load_cycles: int
    load_dram_cycles: int
    compute_cycles: int
    store_cycles: int
    store_dram_cycles: int


CYCLE_FIELDS = tuple(name for name in Task.__slots__ if name.endswith("_cycles"))
"""Fields of a task that are durations, in order; they are its last."""


@dataclass(frozen=True)
class Shared:
    """What a core shares with the others."""

    gates: Gates
    weights: WeightFetch
    weight_buffer: Port
    activation_buffer: Port
    dram: Port


@dataclass
class CoreMachine:
    """Loader, datapath and storer of one core, and the record of what they did.

    Attributes:
        tasks: what this core has to do, in order.
        started: first cycle of each job's computing.
        stored: the cycle in which each job's result was stored.
        stalls: (reason, first cycle, cycle after the last) while the datapath waited.
        loader: what the loader waits for, for the message about a deadlock.
        storer: what the storer waits for.
    """

    env: simpy.Environment
    tasks: list[Task]
    shared: Shared
    started: list[int] = field(default_factory=list)
    stored: list[int] = field(default_factory=list)
    stalls: list[tuple[str, int, int]] = field(default_factory=list)
    loader: str = ""
    storer: str = ""

    def __post_init__(self) -> None:
        self._loaded = [Event(self.env) for _ in self.tasks]
        self._computed = [Event(self.env) for _ in self.tasks]
        self._stored = [Event(self.env) for _ in self.tasks]
        self._phases: list[list[tuple[str, int]]] = [[] for _ in self.tasks]

    def start(self) -> None:
        for process in (self._load(), self._compute(), self._store()):
            self.env.process(process)

    def _load(self) -> Generator[Event, None, None]:
        """For each job: waits for a place in the input memory; loads the weights if the core does
        not hold them, when they have been fetched; waits until what the job reads is stored, and
        the core's job before as well if the state memory has no space beside it; loads the input
        from the activation buffer and from DRAM."""
        shared = self.shared
        for index, task in enumerate(self.tasks):
            if index >= PLACES:
                yield self._computed[index - PLACES]
            phases = self._phases[index]
            if task.weight_cycles:
                self.loader = f"weight block {task.block}"
                yield shared.weights.fetched[task.block]
                yield shared.weight_buffer.transfer(task.key, task.weight_cycles)
                shared.weights.loaded(task.block)
            phases.append(("weights", int(self.env.now)))
            for need in shared.gates.closed(task.needs):
                self.loader = f"layer {need[0]} at timestep {need[1]}"
                yield shared.gates.opening(need)
            phases.append(("dependency", int(self.env.now)))
            if task.apart:
                self.loader = "the job before"
                yield self._stored[index - 1]
                phases.append(("output", int(self.env.now)))
            if task.load_cycles:
                self.loader = shared.activation_buffer.name
                yield shared.activation_buffer.transfer(task.key, task.load_cycles)
            if task.load_dram_cycles:
                self.loader = shared.dram.name
                yield shared.dram.transfer(task.key, task.load_dram_cycles)
            phases.append(("input", int(self.env.now)))
            self.loader = ""
            self._loaded[index].succeed()

    def _compute(self) -> Generator[Event, None, None]:
        """For each job: waits until it is loaded and a place in the output memory is free; then
        holds the datapath for its cycles."""
        free_since = 0
        for index, task in enumerate(self.tasks):
            yield self._loaded[index]
            if index >= PLACES:
                yield self._stored[index - PLACES]
            now = int(self.env.now)
            self._charge(free_since, now, self._phases[index])
            self.started.append(now)
            yield self.env.timeout(task.compute_cycles)
            free_since = now + task.compute_cycles
            self._computed[index].succeed()

    def _store(self) -> Generator[Event, None, None]:
        """For each job: waits until the activation buffer has room; stores its result there and in
        DRAM, and says so."""
        shared = self.shared
        for index, task in enumerate(self.tasks):
            yield self._computed[index]
            if task.store_cycles:
                for place in shared.gates.closed(task.room):
                    self.storer = f"room that layer {place[0]} at timestep {place[1]} leaves"
                    yield shared.gates.opening(place)
                self.storer = ""
                yield shared.activation_buffer.transfer(task.key, task.store_cycles)
            if task.store_dram_cycles:
                yield shared.dram.transfer(task.key, task.store_dram_cycles)
            self.stored.append(int(self.env.now))
            self._stored[index].succeed()
            shared.gates.stored(task.place)

    def _charge(self, first: int, last: int, phases: list[tuple[str, int]]) -> None:
        """Charges the cycles in which the datapath waited to the condition satisfied last.

        There are two: the job is loaded, and the output memory has a place. The loader's own
        conditions follow one another, so that in each of its cycles one alone is waited for.
        """
        loaded = phases[-1][1]
        for reason, end in phases if loaded == last else [("output", last)]:
            if end > first:
                self.stalls.append((reason, first, end))
                first = end
