"""One run of the event kernel: the machines are made, run until all jobs are done, and read out.

`env.run()` would return silently when every process waits for another, with a makespan that is
too short; here a dry queue before the last job is an error that names who waits for what.
"""

from collections.abc import Callable

import numpy as np
import pandas as pd
import simpy

from codesign.chip.cores import CYCLE_FIELDS, PHASES, CoreMachine, Shared, Task
from codesign.chip.fabric import Fabric
from codesign.chip.gates import Gates
from codesign.chip.schedule import Moments, Schedule
from codesign.chip.transfers import fetch_cycles, transfer_cycles
from codesign.chip.ways import MEMORIES, Ways, ways_of
from codesign.chip.weights import WeightFetch
from codesign.errors import DeadlockError
from codesign.mapping.geometry import places_of
from codesign.mapping.jobs import TRANSFERS, Jobs
from codesign.specs.architecture import Architecture

Progress = Callable[[str, int, int], None]

_EVENTS_BETWEEN_REPORTS = 5000


def simulate(architecture: Architecture, jobs: Jobs, progress: Progress | None = None) -> Schedule:
    """When every job is loaded, computed and stored, if everything shared is contended for.

    Args:
        architecture: with cores.
        jobs: as lowered for this architecture.
        progress: called with ("simulation", jobs stored, jobs) now and then.

    Raises:
        DeadlockError: jobs wait for each other; with who waits for what.
    """
    env = simpy.Environment()
    ways = ways_of(architecture, jobs.core_names)
    stages = _jobs_of_stages(jobs)
    fetch = fetch_cycles(jobs, architecture).tolist()
    shared = Shared(
        fabric=Fabric(env, ways.servers),
        gates=Gates(env, jobs.stages, stages, architecture.schedule.barrier_cycles),
        weights=WeightFetch(env, jobs.blocks, jobs.queue_bits, fetch),
        multicast=architecture.noc is not None and architecture.noc.multicast,
    )
    machines = [
        CoreMachine(env, tasks, shared, ways.of_core[core], places_of(architecture.kinds[kind]))
        for core, (tasks, kind) in enumerate(
            zip(_tasks(architecture, jobs, ways), jobs.core_groups, strict=True)
        )
    ]
    for queue in jobs.queue_bits:
        env.process(shared.weights.run(queue, shared.fabric, ways.of_fetch))
    for machine in machines:
        machine.start()
    events = _run(env, machines, len(jobs), progress)
    _check_done(machines, jobs)
    return _schedule(env, machines, (jobs, events, shared.weights.asked), (shared.fabric, ways))


def _jobs_of_stages(jobs: Jobs) -> list[int]:
    """How many jobs each stage has."""
    columns, count = jobs.columns, len(jobs.stages)
    second = columns["opens"][columns["opens"] >= 0]
    counted = np.bincount(columns["stage"], minlength=count)
    counts: list[int] = (counted + np.bincount(second, minlength=count)).tolist()
    return counts


def _tasks(architecture: Architecture, jobs: Jobs, ways: Ways) -> list[list[Task]]:
    """Each core's jobs, in order."""
    columns = jobs.columns
    cycles = transfer_cycles(jobs, architecture) | {"compute_cycles": jobs.compute_cycles()}
    timed = zip(*(cycles[name].tolist() for name in CYCLE_FIELDS), strict=True)
    names = ("core", "stage", "opens", "awaits", "priority", "block", "apart", "owner")
    others = zip(*(columns[name].tolist() for name in names), strict=True)
    tasks: list[list[Task]] = [[] for _ in jobs.core_names]
    for number, (other, durations) in enumerate(zip(others, timed, strict=True)):
        core, stage, opens, awaits, priority, block, apart, owner = other
        at = jobs.stages[stage]
        sums = ways.between(core, owner) if owner >= 0 else ((), 0)
        tasks[core].append(
            Task(
                *(number, stage, opens, awaits, at.needs, at.room, at.epoch, priority),
                *(block, bool(apart), *durations, sums),
            )
        )
    return tasks


def _run(
    env: simpy.Environment, machines: list[CoreMachine], total: int, progress: Progress | None
) -> int:
    """Processes events until there are none; returns how many there were."""
    events = 0
    try:
        while True:
            env.step()
            events += 1
            if progress and events % _EVENTS_BETWEEN_REPORTS == 0:
                progress("simulation", sum(len(machine.stored) for machine in machines), total)
    except simpy.core.EmptySchedule:
        if progress:
            progress("simulation", total, total)
    return events


def _check_done(machines: list[CoreMachine], jobs: Jobs) -> None:
    stuck = []
    for name, machine in zip(jobs.core_names, machines, strict=True):
        done = len(machine.stored)
        if done < len(machine.tasks):
            here = jobs.describe(machine.tasks[done].stage)
            waits = machine.storer or machine.loader or "an earlier job"
            if waits.startswith("stage "):
                waits = jobs.describe(int(waits.removeprefix("stage ")))
            elif waits.startswith("room of stage "):
                waits = "room that is free after " + jobs.describe(int(waits.rsplit(" ", 1)[1]))
            stuck.append(f"{name} at {here} waits for {waits}")
    if stuck:
        left = sum(len(m.tasks) - len(m.stored) for m in machines)
        raise DeadlockError(
            f"simulation: all jobs must end, but {left} of {len(jobs)} wait for each other: "
            f"{'; '.join(stuck[:8])}. Check the order of jobs in the mapping."
        )


def _schedule(
    env: simpy.Environment,
    machines: list[CoreMachine],
    record: tuple[Jobs, int, list[int]],
    moved: tuple[Fabric, Ways],
) -> Schedule:
    jobs, events, asked = record
    phases = np.array([each for machine in machines for each in machine.phases], dtype=np.int64)
    in_order = np.argsort([task.number for machine in machines for task in machine.tasks])
    started, stored = np.zeros((2, len(jobs)), dtype=np.int64)
    stalls = []
    for core, machine in enumerate(machines):
        numbers = [task.number for task in machine.tasks]
        started[numbers], stored[numbers] = machine.started, machine.stored
        stalls += [(core, *stall) for stall in machine.stalls]
    return Schedule(
        int(env.now),
        started,
        stored,
        pd.DataFrame(stalls, columns=["core", "state", "start_cycle", "end_cycle"]),
        _transfers(jobs, *moved),
        events,
        Moments(
            **dict(zip(PHASES, phases[in_order].T, strict=True)),
            roomed=np.concatenate([machine.roomed for machine in machines])[in_order],
            asked=np.array(asked, dtype=np.int64),
            shared=moved[0].shared,
        ),
    )


def _transfers(jobs: Jobs, fabric: Fabric, ways: Ways) -> pd.DataFrame:
    """What every server moved; columns as in `Schedule.transfers`."""
    names = ["number", "server", "job", "kind", "start_cycle", "end_cycle"]
    table = np.array(fabric.transfers, dtype=np.int64).reshape(-1, len(names))
    rows = pd.DataFrame(dict(zip(names, table.T, strict=True)))
    first = np.cumsum([0, *ways.servers])[:-1]
    labels = np.array([name for servers in ways.names for name in servers])
    rows["resource"] = labels[first[rows["number"]] + rows["server"]]
    is_fetch = (rows["kind"] == TRANSFERS.index("fetch")).to_numpy()
    job, block = (rows["job"].where(which, 0).to_numpy() for which in (~is_fetch, is_fetch))
    of_block = np.array([block.layer for block in jobs.blocks] or [0], dtype=np.int64)
    columns = jobs.columns
    rows["layer"] = np.where(is_fetch, of_block[block], columns["layer"][job])
    rows["timestep"] = np.where(is_fetch, -1, columns["timestep"][job])
    rows["is_link"] = rows["number"] >= len(MEMORIES)
    rows["is_vertical"] = np.array(ways.is_vertical)[rows["number"]]
    rows["tile"] = np.where(is_fetch, block, columns["tile"][job])
    return rows[
        [
            *("resource", "layer", "timestep", "tile", "start_cycle", "end_cycle"),
            *("job", "kind", "is_link", "is_vertical"),
        ]
    ]
