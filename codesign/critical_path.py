"""The critical path: the chain of jobs and resources that set the makespan, read from a schedule.

It is followed backwards from the job that was stored last. Every step asks what ended in the cycle
in which this one began: the transfer before, the transfer that held a resource which this one
wanted, the computing, the job that gave its place away, the job whose result was needed, the
barrier. The segments follow each other without gap from cycle 0 to the makespan; where two things
ended in the same cycle, one of them is followed.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from codesign.chip.schedule import Schedule
from codesign.chip.transfers import transfer_cycles
from codesign.chip.ways import ways_of
from codesign.mapping.geometry import places_of
from codesign.mapping.jobs import TRANSFERS, Jobs
from codesign.results import PATH_COLUMNS
from codesign.specs.architecture import Architecture

WEIGHTS, LOAD, LOAD_DRAM, STORE, STORE_DRAM, SUMS, FETCH = range(len(TRANSFERS))
_LOADING, _STORING = (LOAD, LOAD_DRAM), (STORE, STORE_DRAM, SUMS)

Tag = tuple[int, int]
"""A job and the kind of its transfer, or a block and `FETCH`."""

Point = tuple[str, Tag, int]
"""A moment on the way: which, whose (the second number only for transfers), and its cycle."""

Segment = tuple[int, int, str, str, Tag]
"""First cycle, the cycle after the last, cause, resource, and whose it is."""


def critical_path(jobs: Jobs, schedule: Schedule, architecture: Architecture) -> pd.DataFrame:
    """Segments from cycle 0 to the makespan, in order; columns `PATH_COLUMNS`.

    A cause is `compute_<kind of core>`, a memory (`dram`), `noc`, `host_link`, `in_flight` (data
    whose transfer is over), or `barrier`; the resource is the core, port, channel or link.
    """
    segments = sorted(_Walk(jobs, schedule, architecture).segments())
    rows = []
    for start, end, cause, resource, (number, kind) in segments:
        if kind == FETCH:
            layer, timestep, tile = jobs.blocks[number].layer, -1, number
        else:
            layer, timestep, tile = (int(jobs.columns[name][number]) for name in PATH_COLUMNS[4:])
        rows.append((start, end, cause, resource, jobs.layer_names[layer], timestep, tile))
    return pd.DataFrame(rows, columns=PATH_COLUMNS)


def cycles_by_cause(path: pd.DataFrame) -> dict[str, int]:
    """Cycles of each cause, the largest first; they sum to the makespan."""
    cycles = (path["end_cycle"] - path["start_cycle"]).groupby(path["cause"]).sum()
    ordered = cycles.sort_values(ascending=False, kind="stable")
    return {str(cause): int(total) for cause, total in ordered.items()}


@dataclass
class _Transfer:
    """A transfer that happened, with all resources that it held."""

    tag: Tag
    start: int
    end: int
    resources: list[str]


class _Walk:
    """The way back through one schedule; a method for each kind of moment.

    Each returns the segments that end there, and the moment before them.
    """

    def __init__(self, jobs: Jobs, schedule: Schedule, architecture: Architecture):
        self.jobs, self.moments = jobs, schedule.moments
        self.ways = ways_of(architecture, jobs.core_names)
        self.barrier_cycles = architecture.schedule.barrier_cycles
        self.places = [places_of(architecture.kinds[kind]) for kind in jobs.core_groups]
        self.start, self.store = schedule.started.tolist(), schedule.stored.tolist()
        self.end = (schedule.started + jobs.compute_cycles()).tolist()
        self.core = jobs.columns["core"].tolist()
        self.of_core: dict[int, list[int]] = defaultdict(list)
        self.rank: list[int] = []
        for job, core in enumerate(self.core):
            self.rank.append(len(self.of_core[core]))
            self.of_core[core].append(job)
        self.transfers = _transfers(schedule)
        self.released = {
            (resource, transfer.end): transfer
            for transfer in self.transfers.values()
            for resource in transfer.resources
        }
        self.stored_at = _by_cycle(schedule.stored, range(len(jobs)))
        loading = np.flatnonzero(jobs.columns["weight_bits"] > 0)
        self.weighted_at = _by_cycle(schedule.moments.weighted[loading], loading.tolist())
        alone = architecture.model_copy(update={"noc": None})
        self.without_noc = np.stack(list(transfer_cycles(jobs, alone).values()))

    def segments(self) -> Iterator[Segment]:
        """All segments, the last first."""
        job = int(np.argmax(self.store))
        point: Point = ("stored", (job, -1), self.store[job])
        methods: dict[str, Callable[[Tag, int], tuple[list[Segment], Point]]] = {
            name: getattr(self, f"before_{name}")
            for name in (
                *("stored", "arrived", "granted", "roomed", "computed", "started", "loaded"),
                *("alone", "passed", "ready", "weighted", "fetched", "placed"),
            )
        }
        while point[2] > 0:
            found, point = methods[point[0]](point[1], point[2])
            yield from (segment for segment in found if segment[1] > segment[0])

    def before_stored(self, tag: Tag, cycle: int) -> tuple[list[Segment], Point]:
        """The last transfer of the result, or the end of computing."""
        made = [kind for kind in _STORING if (tag[0], kind) in self.transfers]
        if made:
            return [], ("arrived", (tag[0], made[-1]), cycle)
        return [], ("roomed", tag, cycle)

    def before_arrived(self, tag: Tag, cycle: int) -> tuple[list[Segment], Point]:
        """The latency of a transfer, and the transfer."""
        transfer = self.transfers[self.moments.shared.get(tag, tag)]
        flight = (transfer.end, cycle, "in_flight", transfer.resources[0], tag)
        return [flight, self.held(transfer)], ("granted", transfer.tag, transfer.start)

    def held(self, transfer: _Transfer) -> Segment:
        """A transfer, blamed on the NoC if that made it longer, else on its memory."""
        number, kind = transfer.tag
        resource, cause = transfer.resources[0], transfer.resources[0].split("[")[0]
        cycles = transfer.end - transfer.start
        if kind != FETCH and cycles > int(self.without_noc[kind, number]):
            resource, cause = transfer.resources[-1], "noc"
        return (transfer.start, transfer.end, cause, resource, transfer.tag)

    def before_granted(self, tag: Tag, cycle: int) -> tuple[list[Segment], Point]:
        """What a transfer waited for: who asked for it, or who held what it needed."""
        asked, point = self.request(tag)
        if asked == cycle:
            return [], point
        for resource in self.transfers[tag].resources:
            before = self.released.get((resource, cycle))
            if before is not None:
                return [self.held(before)], ("granted", before.tag, before.start)
        raise AssertionError(f"nothing let transfer {tag} start in cycle {cycle}")

    def request(self, tag: Tag) -> tuple[int, Point]:
        """When a transfer was asked for, and the moment at which that was."""
        number, kind = tag
        if kind == FETCH:
            cycle = int(self.moments.asked[number])
            queue = self.jobs.blocks[number].queue
            for job in self.weighted_at.get(cycle, ()):
                if self.jobs.blocks[int(self.jobs.columns["block"][job])].queue == queue:
                    return cycle, ("weighted", (job, -1), cycle)
            return cycle, ("placed", tag, cycle)
        if kind == WEIGHTS:
            cycle = int(self.moments.fetched[number])
            return cycle, ("fetched", (number, -1), cycle)
        line = _LOADING if kind in _LOADING else _STORING
        for earlier in reversed(line[: line.index(kind)]):
            if (number, earlier) in self.transfers:
                cycle = self.arrival(number, earlier)
                return cycle, ("arrived", (number, earlier), cycle)
        name = "alone" if kind in _LOADING else "roomed"
        cycle = int(getattr(self.moments, name)[number])
        return cycle, (name, (number, -1), cycle)

    def arrival(self, job: int, kind: int) -> int:
        """When an earlier transfer of the same line arrived: the next was asked for then."""
        latency: int = self.ways.of_core[self.core[job]][kind][1]
        return self.transfers[job, kind].end + latency

    def before_roomed(self, tag: Tag, cycle: int) -> tuple[list[Segment], Point]:
        """The end of computing, the storing of the job before, or the room that others left."""
        job = tag[0]
        if self.end[job] == cycle:
            return [], ("computed", tag, cycle)
        before = self.earlier(job, 1)
        if before >= 0 and self.store[before] == cycle:
            return [], ("stored", (before, -1), cycle)
        return [], self.stored_in(self.jobs.stages[self.stage(job)].room, cycle)

    def before_computed(self, tag: Tag, cycle: int) -> tuple[list[Segment], Point]:
        """The computing."""
        name = self.jobs.core_names[self.core[tag[0]]]
        cause = f"compute_{self.jobs.core_groups[self.core[tag[0]]]}"
        start = self.start[tag[0]]
        return [(start, cycle, cause, name, tag)], ("started", tag, start)

    def before_started(self, tag: Tag, cycle: int) -> tuple[list[Segment], Point]:
        """The job is loaded, a place for its result is free, or the core."""
        job = tag[0]
        if int(self.moments.loaded[job]) == cycle:
            return [], ("loaded", tag, cycle)
        freed = self.earlier(job, self.places[self.core[job]])
        if freed >= 0 and self.store[freed] == cycle:
            return [], ("stored", (freed, -1), cycle)
        return [], ("computed", (self.earlier(job, 1), -1), cycle)

    def before_loaded(self, tag: Tag, cycle: int) -> tuple[list[Segment], Point]:
        """The last transfer of the input, if there is any."""
        made = [kind for kind in _LOADING if (tag[0], kind) in self.transfers]
        if made:
            return [], ("arrived", (tag[0], made[-1]), cycle)
        return [], ("alone", tag, cycle)

    def before_alone(self, tag: Tag, cycle: int) -> tuple[list[Segment], Point]:
        """The job before is stored, if this one had to wait for that."""
        if self.moments.alone[tag[0]] > self.moments.passed[tag[0]]:
            return [], ("stored", (self.earlier(tag[0], 1), -1), cycle)
        return [], ("passed", tag, cycle)

    def before_passed(self, tag: Tag, cycle: int) -> tuple[list[Segment], Point]:
        """The barrier, and the last job in front of it."""
        if self.moments.passed[tag[0]] == self.moments.ready[tag[0]]:
            return [], ("ready", tag, cycle)
        agreed = cycle - self.barrier_cycles
        epoch = self.jobs.stages[self.stage(tag[0])].epoch
        stages = [n for n, stage in enumerate(self.jobs.stages) if stage.epoch < epoch]
        barrier = (agreed, cycle, "barrier", "barrier", tag)
        return [barrier], self.stored_in(stages, agreed)

    def before_ready(self, tag: Tag, cycle: int) -> tuple[list[Segment], Point]:
        """The last of the jobs whose results are needed."""
        job = tag[0]
        if self.moments.ready[job] == self.moments.weighted[job]:
            return [], ("weighted", tag, cycle)
        needs = self.jobs.stages[self.stage(job)].needs
        return [], self.stored_in((*needs, int(self.jobs.columns["awaits"][job])), cycle)

    def before_weighted(self, tag: Tag, cycle: int) -> tuple[list[Segment], Point]:
        """The transfer of the weights, if the job loads any."""
        if self.jobs.columns["weight_bits"][tag[0]]:
            return [], ("arrived", (tag[0], WEIGHTS), cycle)
        return [], ("placed", tag, cycle)

    def before_fetched(self, tag: Tag, cycle: int) -> tuple[list[Segment], Point]:
        """The arrival of the weights in the weight buffer, if the job waited for it."""
        if self.moments.fetched[tag[0]] > self.moments.placed[tag[0]]:
            block = int(self.jobs.columns["block"][tag[0]])
            return [], ("arrived", (block, FETCH), cycle)
        return [], ("placed", tag, cycle)

    def before_placed(self, tag: Tag, cycle: int) -> tuple[list[Segment], Point]:
        """The job whose computing freed the place, or the loading of the one before."""
        job = tag[0]
        freed = self.earlier(job, self.places[self.core[job]])
        if freed >= 0 and self.end[freed] == cycle:
            return [], ("computed", (freed, -1), cycle)
        return [], ("loaded", (self.earlier(job, 1), -1), cycle)

    def earlier(self, job: int, places: int) -> int:
        """The job so many places before on the same core; -1 if there is none."""
        rank = self.rank[job] - places
        return self.of_core[self.core[job]][rank] if rank >= 0 else -1

    def stage(self, job: int) -> int:
        return int(self.jobs.columns["stage"][job])

    def stored_in(self, stages: Iterable[int], cycle: int) -> Point:
        """A job of some stages that was stored in a cycle."""
        wanted = set(stages)
        for job in self.stored_at[cycle]:
            if self.stage(job) in wanted or int(self.jobs.columns["opens"][job]) in wanted:
                return ("stored", (job, -1), cycle)
        raise AssertionError(f"no job was stored in cycle {cycle} that others waited for")


def _transfers(schedule: Schedule) -> dict[Tag, _Transfer]:
    """Every transfer by its tag, with the memory first among its resources."""
    found: dict[Tag, _Transfer] = {}
    rows = schedule.transfers
    names = ("job", "kind", "start_cycle", "end_cycle", "resource")
    for number, kind, start, end, resource in zip(
        *(rows[name].tolist() for name in names), strict=True
    ):
        transfer = found.setdefault((number, kind), _Transfer((number, kind), start, end, []))
        transfer.resources.append(resource)
    return found


def _by_cycle(cycles: NDArray[np.int64], numbers: Iterable[int]) -> dict[int, list[int]]:
    """Which of some jobs something happened to in each cycle."""
    found: dict[int, list[int]] = defaultdict(list)
    for cycle, number in zip(cycles.tolist(), numbers, strict=True):
        found[cycle].append(number)
    return found
