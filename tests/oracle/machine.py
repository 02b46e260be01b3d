"""The chip, cycle by cycle: every unit is asked in every cycle whether it can go on.

In a cycle, first all that ends now ends; then every unit goes on as far as it can, until none can
any more; then waiting transfers are granted, in the order of their priorities. Cycles in which
nothing ends are passed over.
"""

from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from math import ceil

from codesign.mapping.jobs import Jobs
from codesign.specs.architecture import Architecture
from tests.oracle.durations import (
    DRAM,
    Move,
    Resource,
    capacities,
    dram_bits_per_cycle,
    dram_latency,
    moves,
)


@dataclass
class Waiting:
    """A transfer that wants to start; `done` is set to the cycle of its arrival when it does."""

    priority: int
    move: Move
    block: int = -1
    done: int | None = None


@dataclass
class Unit:
    """Where the loader, the datapath or the storer of a core stands."""

    job: int = 0
    phase: int = 0
    transfer: Waiting | None = None


@dataclass
class Core:
    """One core: its jobs in order, its units, and what it wrote down."""

    jobs: list[int]
    places: int
    loader: Unit = field(default_factory=Unit)
    storer: Unit = field(default_factory=Unit)
    times: list[list[tuple[str, int]]] = field(default_factory=list)
    roomed: list[int] = field(default_factory=list)
    loaded: int = 0
    started: list[int] = field(default_factory=list)
    computed: list[int] = field(default_factory=list)
    busy_until: int = -1
    free_since: int = 0
    stored: list[int] = field(default_factory=list)
    stalls: dict[str, int] = field(default_factory=lambda: defaultdict(int))


class Machine:
    """The whole chip."""

    def __init__(self, architecture: Architecture, jobs: Jobs):
        self.architecture, self.jobs = architecture, jobs
        self.now = 0
        self.moves = [moves(architecture, jobs, job) for job in range(len(jobs))]
        self.cycles = [_compute_cycles(jobs, job) for job in range(len(jobs))]
        self.cores = []
        for number, kind in enumerate(jobs.core_groups):
            mine = [job for job in range(len(jobs)) if jobs.columns["core"][job] == number]
            places = 2 if kind == "host" or architecture.cores[kind].double_buffering else 1
            self.cores.append(Core(mine, places))
        self.capacity = capacities(architecture)
        self.holding: list[tuple[int, Resource]] = []
        self.waiting: list[Waiting] = []
        self.shared_transfers = 0
        self.waits: Counter[str] = Counter()
        self.moved: list[tuple[Resource, int, int]] = []
        self.asked = [-1] * len(jobs.blocks)
        self.left = [0] * len(jobs.stages)
        for column in ("stage", "opens"):
            for stage in jobs.columns[column].tolist():
                if stage >= 0:
                    self.left[stage] += 1
        used = {stage for stage, count in enumerate(self.left) if count}
        self.epochs = sorted({jobs.stages[stage].epoch for stage in used})
        self.barrier_open: dict[int, int] = {}
        self.fetched: list[Waiting | None] = [None for _ in jobs.blocks]
        self.loads_left = [block.loads for block in jobs.blocks]
        self.free_bits = dict(jobs.queue_bits)
        self.next_fetch = {
            queue: [n for n, block in enumerate(jobs.blocks) if block.queue == queue]
            for queue in jobs.queue_bits
        }

    def run(self) -> int:
        """The makespan.

        Raises:
            RuntimeError: all units wait for each other.
        """
        ends = 0
        while True:
            for core in self.cores:
                if core.busy_until == self.now and len(core.computed) < len(core.started):
                    core.computed.append(self.now)
                    core.free_since = self.now
            self.holding = [each for each in self.holding if each[0] > self.now]
            while any([self._fetch(), *(self._advance(core) for core in self.cores)]):
                self._agree()
            self._grant()
            ends = max([ends, *(core.stored[-1] for core in self.cores if core.stored)])
            if all(len(core.stored) == len(core.jobs) for core in self.cores):
                return ends
            self.now = self._next()

    def _next(self) -> int:
        """The next cycle in which anything ends."""
        moments = [end for end, _ in self.holding]
        moments += [core.busy_until for core in self.cores]
        units = [unit for core in self.cores for unit in (core.loader, core.storer)]
        moments += [unit.transfer.done for unit in units if unit.transfer and unit.transfer.done]
        moments += [each.done for each in self.fetched if each and each.done]
        moments += list(self.barrier_open.values())
        later = [moment for moment in moments if moment > self.now]
        if not later:
            raise RuntimeError(f"all wait for each other in cycle {self.now}")
        return min(later)

    def _fetch(self) -> bool:
        """Blocks whose queue has space for them join the line of the DRAM."""
        moved = False
        for queue, numbers in self.next_fetch.items():
            while numbers and self.jobs.blocks[numbers[0]].bits <= self.free_bits[queue]:
                number = numbers.pop(0)
                block = self.jobs.blocks[number]
                self.free_bits[queue] -= block.bits
                assert self.architecture.storage
                buffer = self.architecture.storage.weight_buffer
                cycles = max(
                    ceil(block.bits / dram_bits_per_cycle(self.architecture)),
                    ceil(Fraction(block.bits, buffer.banks * buffer.width_bits)),
                )
                move = Move(cycles, (DRAM,), dram_latency(self.architecture))
                self.fetched[number] = Waiting(block.priority, move)
                self.waiting.append(self.fetched[number])
                self.asked[number] = self.now
                moved = True
        return moved

    def _advance(self, core: Core) -> bool:
        moved = False
        while self._load(core):
            moved = True
        if self._compute(core):
            moved = True
        while self._store(core):
            moved = True
        return moved

    def _load(self, core: Core) -> bool:
        """One phase of the loader, if it can go on."""
        unit = core.loader
        if unit.job == len(core.jobs):
            return False
        phases = (
            self._place,
            self._weights,
            self._noted("weights"),
            self._needs,
            self._noted("dependency"),
            self._barrier,
            self._noted("barrier"),
            self._apart,
            self._noted("output"),
            self._input("load"),
            self._input("load_dram"),
            self._noted("input"),
        )
        if not phases[unit.phase](core, core.jobs[unit.job]):
            return False
        unit.phase += 1
        if unit.phase == len(phases):
            core.loaded += 1
            unit.job, unit.phase = unit.job + 1, 0
        return True

    def _noted(self, reason: str) -> Callable[[Core, int], bool]:
        def note(core: Core, _: int) -> bool:
            core.times[-1].append((reason, self.now))
            return True

        return note

    def _place(self, core: Core, _: int) -> bool:
        if len(core.computed) <= core.loader.job - core.places:
            return False
        core.times.append([])
        return True

    def _weights(self, core: Core, job: int) -> bool:
        if "weights" not in self.moves[job]:
            return True
        number, noc = int(self.jobs.columns["block"][job]), self.architecture.noc
        block, fetch = self.jobs.blocks[number], self.fetched[number]
        if fetch is None or fetch.done is None or fetch.done > self.now:
            return False
        if not self._moved(core.loader, job, "weights", number if noc and noc.multicast else -1):
            return False
        self.loads_left[number] -= 1
        if not self.loads_left[number] and not block.kept:
            self.free_bits[block.queue] += block.bits
        return True

    def _needs(self, _: Core, job: int) -> bool:
        needs = list(self.jobs.stages[self.jobs.columns["stage"][job]].needs)
        sums = int(self.jobs.columns["awaits"][job])
        return not any(self.left[need] for need in (*needs, *([sums] if sums >= 0 else [])))

    def _barrier(self, _: Core, job: int) -> bool:
        is_open = self._passed(self.jobs.stages[self.jobs.columns["stage"][job]].epoch)
        self.waits["barrier"] += not is_open
        return is_open

    def _apart(self, core: Core, job: int) -> bool:
        may_load = not self.jobs.columns["apart"][job] or len(core.stored) >= core.loader.job
        self.waits["apart"] += not may_load
        return may_load

    def _input(self, name: str) -> Callable[[Core, int], bool]:
        def move(core: Core, job: int) -> bool:
            return name not in self.moves[job] or self._moved(core.loader, job, name)

        return move

    def _moved(self, unit: Unit, job: int, name: str, block: int = -1) -> bool:
        """Whether a transfer has arrived; asks for it if that was not done."""
        if unit.transfer is None:
            priority = int(self.jobs.columns["priority"][job])
            unit.transfer = Waiting(priority, self.moves[job][name], block)
            self.waiting.append(unit.transfer)
        if unit.transfer.done is None or unit.transfer.done > self.now:
            return False
        unit.transfer = None
        return True

    def _passed(self, epoch: int) -> bool:
        """Whether the barrier in front of an epoch is open."""
        before = [each for each in self.epochs if each < epoch]
        return not before or self.barrier_open.get(before[-1], self.now + 1) <= self.now

    def _agree(self) -> None:
        """Notes when the barrier behind an epoch opens, once all before it is stored."""
        for epoch in self.epochs:
            if epoch in self.barrier_open:
                continue
            if any(self.left[n] for n, each in enumerate(self.jobs.stages) if each.epoch <= epoch):
                break
            self.barrier_open[epoch] = self.now + self.architecture.schedule.barrier_cycles

    def _compute(self, core: Core) -> bool:
        """Starts the next job if it is loaded and a place for its result is free."""
        number = len(core.started)
        if number == len(core.jobs) or len(core.computed) < number:
            return False
        if core.loaded <= number or len(core.stored) <= number - core.places:
            return False
        times = core.times[number]
        if times[-1][1] < self.now:
            times = [("output", self.now)]
        since = core.free_since
        for reason, end in times:
            if end > since:
                core.stalls[reason] += end - since
                since = end
        core.started.append(self.now)
        core.busy_until = self.now + self.cycles[core.jobs[number]]
        return True

    def _store(self, core: Core) -> bool:
        """One phase of the storer, if it can go on."""
        unit = core.storer
        if unit.job == len(core.jobs) or len(core.computed) <= unit.job:
            return False
        job = core.jobs[unit.job]
        stage = int(self.jobs.columns["stage"][job])
        names = ("store", "store_dram", "sums")
        if unit.phase == 0:
            waits = "store" in self.moves[job] or "sums" in self.moves[job]
            if waits and any(self.left[each] for each in self.jobs.stages[stage].room):
                self.waits["room"] += 1
                return False
            core.roomed.append(self.now)
        elif unit.phase <= len(names):
            name = names[unit.phase - 1]
            if name in self.moves[job] and not self._moved(unit, job, name):
                return False
        else:
            core.stored.append(self.now)
            self.left[stage] -= 1
            if self.jobs.columns["opens"][job] >= 0:
                self.left[self.jobs.columns["opens"][job]] -= 1
            unit.job, unit.phase = unit.job + 1, -1
        unit.phase += 1
        return True

    def _grant(self) -> None:
        for request in sorted(self.waiting, key=lambda each: each.priority):
            if request.done is None and self._is_free(request.move.way):
                self._start(request)
        self.waiting = [each for each in self.waiting if each.done is None]

    def _is_free(self, way: tuple[Resource, ...], taken: frozenset[Resource] = frozenset()) -> bool:
        held = [resource for _, resource in self.holding]
        return all(
            resource in taken or held.count(resource) < self.capacity.get(resource, 1)
            for resource in way
        )

    def _start(self, request: Waiting) -> None:
        members, taken = [request], set(request.move.way)
        if request.block >= 0:
            for other in sorted(self.waiting, key=lambda each: each.priority):
                if other is request or other.block != request.block or other.done is not None:
                    continue
                if self._is_free(other.move.way, frozenset(taken)):
                    members.append(other)
                    taken |= set(other.move.way)
        self.shared_transfers += len(members) > 1
        end = self.now + request.move.cycles
        self.holding += [(end, resource) for resource in taken]
        self.moved += [(resource, self.now, end) for resource in taken]
        for member in members:
            member.done = end + member.move.latency


def _compute_cycles(jobs: Jobs, job: int) -> int:
    names = ("scan_cycles", "accumulate_cycles", "fill_cycles", "neuron_cycles")
    scan, accumulate, fill, neuron = (int(jobs.columns[name][job]) for name in names)
    return max(1, max(scan, accumulate) + fill + neuron)


def occupied(machine: Machine, core: Core, makespan: int) -> Counter[str]:
    """What a core did in each of its cycles: of a job's cycles the last ones go to neurons, the
    first ones to the scanner alone if it has more to do than the adders."""
    found = Counter(core.stalls)
    for job in core.jobs:
        columns = machine.jobs.columns
        neuron = int(columns["neuron_cycles"][job])
        alone = int(columns["scan_cycles"][job]) - int(columns["accumulate_cycles"][job])
        for cycle in range(machine.cycles[job]):
            if cycle >= machine.cycles[job] - neuron:
                found["neuron"] += 1
            else:
                found["scan" if cycle < alone else "accumulate"] += 1
    found["idle"] = makespan - (core.computed[-1] if core.computed else 0)
    return found
