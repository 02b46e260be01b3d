"""One run of the event kernel: the machines are made, run until all jobs are done, and read out.

`env.run()` would return silently when every process waits for another, with a makespan that is
too short; here a dry queue before the last job is an error that names who waits for what.
"""

from collections import Counter
from collections.abc import Callable

import numpy as np
import pandas as pd
import simpy

from codesign.chip.cores import CYCLE_FIELDS, CoreMachine, Shared, Task
from codesign.chip.gates import Gates
from codesign.chip.ports import Port
from codesign.chip.schedule import Schedule
from codesign.chip.transfers import (
    chip_parts,
    fetch_cycles,
    latency_cycles,
    transfer_cycles,
)
from codesign.chip.weights import WeightFetch
from codesign.errors import DeadlockError
from codesign.mapping.jobs import Jobs
from codesign.mapping.mapper import weight_shares
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
    technology, storage = chip_parts(architecture)
    places = list(
        zip(jobs.columns["layer"].tolist(), jobs.columns["timestep"].tolist(), strict=True)
    )
    fetch = fetch_cycles(jobs, architecture).tolist()
    shared = Shared(
        gates=Gates(env, Counter(places)),
        weights=WeightFetch(env, jobs.blocks, weight_shares(architecture), fetch),
        weight_buffer=Port(env, "weight_buffer", storage.weight_buffer.ports),
        activation_buffer=Port(env, "activation_buffer", storage.activation_buffer.ports),
        dram=Port(env, "dram", storage.dram.channels, latency_cycles(storage.dram, technology)),
    )
    machines = [CoreMachine(env, tasks, shared) for tasks in _tasks(architecture, jobs)]
    for group in architecture.cores:
        env.process(shared.weights.run(group, shared.dram))
    for machine in machines:
        machine.start()
    events = _run(env, machines, len(jobs), progress)
    _check_done(machines, jobs)
    return _schedule(env, machines, shared, (jobs, events))


def _tasks(architecture: Architecture, jobs: Jobs) -> list[list[Task]]:
    """Each core's jobs, in order."""
    cycles = transfer_cycles(jobs, architecture) | {"compute_cycles": jobs.compute_cycles()}
    timed = zip(*(cycles[name].tolist() for name in CYCLE_FIELDS), strict=True)
    keys = zip(
        *(jobs.columns[name].tolist() for name in ("layer", "timestep", "tile", "chunk")),
        strict=True,
    )
    tasks: list[list[Task]] = [[] for _ in jobs.core_names]
    others = zip(*(jobs.columns[name].tolist() for name in ("core", "block", "apart")), strict=True)
    for number, (key, (core, block, apart), durations) in enumerate(
        zip(keys, others, timed, strict=True)
    ):
        place = (key[0], key[1])
        task = Task(
            *(number, key, place, jobs.needs[place], jobs.room[key[0]]),
            *(block, bool(apart), *durations),
        )
        tasks[core].append(task)
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
            layer, timestep = machine.tasks[done].place
            waits = machine.storer or machine.loader or "an earlier job"
            stuck.append(
                f"{name} at layer {layer} ('{jobs.layer_names[layer]}'), timestep {timestep}, "
                f"waits for {waits}"
            )
    if stuck:
        left = sum(len(m.tasks) - len(m.stored) for m in machines)
        raise DeadlockError(
            f"simulation: all jobs must end, but {left} of {len(jobs)} wait for each other: "
            f"{'; '.join(stuck[:8])}. Check the order of jobs in the mapping."
        )


def _schedule(
    env: simpy.Environment,
    machines: list[CoreMachine],
    shared: Shared,
    record: tuple[Jobs, int],
) -> Schedule:
    jobs, events = record
    started, stored = np.zeros((2, len(jobs)), dtype=np.int64)
    stalls = []
    for core, machine in enumerate(machines):
        numbers = [task.number for task in machine.tasks]
        started[numbers], stored[numbers] = machine.started, machine.stored
        stalls += [(core, *stall) for stall in machine.stalls]
    transfers = [
        (f"{port.name}[{server}]", key[0], key[1], key[2], first, last)
        for port in (shared.weight_buffer, shared.activation_buffer, shared.dram)
        for server, key, first, last in port.transfers
    ]
    return Schedule(
        int(env.now),
        started,
        stored,
        pd.DataFrame(stalls, columns=["core", "state", "start_cycle", "end_cycle"]),
        pd.DataFrame(
            transfers,
            columns=["resource", "layer", "timestep", "tile", "start_cycle", "end_cycle"],
        ),
        events,
    )
