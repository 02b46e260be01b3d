"""One run by the kernel and by the oracle, and what differs."""

import re
from collections import Counter
from dataclasses import replace

import pandas as pd

from codesign.chip.schedule import occupancy
from codesign.mapping.counters import trace_as_computed
from codesign.mapping.jobs import (
    CYCLE_COLUMNS,
    MEMORY_COLUMNS,
    OPERATION_COLUMNS,
    PACKET_COLUMNS,
    PATHWAY_COLUMNS,
    TRANSFER_COLUMNS,
)
from tests.chip.small_chips import Simulated
from tests.oracle.counts import counts
from tests.oracle.durations import Resource
from tests.oracle.features import features
from tests.oracle.machine import Machine, occupied

KEYS = ("layer", "timestep", "tile", "chunk")
COUNTED = (
    *(*OPERATION_COLUMNS, *MEMORY_COLUMNS, *TRANSFER_COLUMNS),
    *(*PACKET_COLUMNS, *PATHWAY_COLUMNS, *CYCLE_COLUMNS),
)


def compared(run: Simulated) -> tuple[list[str], Counter[str]]:
    """What differs between the kernel and the oracle, and the features that the run has."""
    machine = Machine(run.architecture, run.jobs)
    makespan = machine.run()
    differences = []
    if makespan != run.schedule.makespan_cycles:
        differences.append(f"makespan {run.schedule.makespan_cycles}, oracle {makespan}")
    cycles = occupancy(run.jobs, run.schedule)
    for number in range(len(machine.cores)):
        differences += _of_core(run, machine, number, makespan, cycles)
    differences += _of_transfers(run, machine)
    trace = trace_as_computed(run.trace, run.mapping.workload)
    differences += _of_counts(replace(run, trace=trace))
    return differences, features(run, run.mapping, machine)


def _of_core(
    run: Simulated, machine: Machine, number: int, makespan: int, cycles: pd.DataFrame
) -> list[str]:
    name, schedule, core = run.jobs.core_names[number], run.schedule, machine.cores[number]
    cycles = cycles[cycles.core == name]
    expected = occupied(machine, core, makespan)
    pairs = {
        "cycles": (
            dict(zip(cycles.state, cycles.cycles, strict=True)),
            {state: count for state, count in expected.items() if count},
        ),
        "started": (schedule.started[core.jobs].tolist(), core.started),
        "stored": (schedule.stored[core.jobs].tolist(), core.stored),
        "roomed": (schedule.moments.roomed[core.jobs].tolist(), core.roomed),
    }
    for place, moment in enumerate(("weighted", "ready", "passed", "alone", "loaded")):
        found = getattr(schedule.moments, moment)[core.jobs].tolist()
        pairs[moment] = (found, [times[place][1] for times in core.times])
    return _differences(pairs, name)


def _of_transfers(run: Simulated, machine: Machine) -> list[str]:
    """What every resource moved when, whatever server of it."""
    rows = run.schedule.transfers
    is_memory = re.compile(r"(weight_buffer|activation_buffer|dram|host_link)\[\d+\]$")
    names = (name.partition("[")[0] if is_memory.match(name) else name for name in rows.resource)
    found = sorted(zip(names, rows.start_cycle, rows.end_cycle, strict=True))
    names_of_cores = run.jobs.core_names
    expected = sorted((_name(what, names_of_cores), *when) for what, *when in machine.moved)
    pairs = {
        "transfers": (found, expected),
        "asked": (run.schedule.moments.asked.tolist(), machine.asked),
    }
    return _differences(pairs, "the chip")


def _differences(pairs: dict[str, tuple[object, object]], of: str) -> list[str]:
    return [
        f"{what} of {of}: {found}, oracle {expected}"
        for what, (found, expected) in pairs.items()
        if found != expected
    ]


def _name(resource: Resource, cores: tuple[str, ...]) -> str:
    """What the kernel calls a resource."""
    match resource:
        case ("from", (x, y), "to", (column, row)):
            ends = (f"memory.{row}" if x < 0 else f"({x},{y})"), f"({column},{row})"
            return f"{ends[0]}>" + (f"memory.{y}" if column < 0 else ends[1])
        case ("into", int(core)):
            return f"to {cores[core]}"
        case ("out of", int(core)):
            return f"from {cores[core]}"
    return str(resource[0]).replace(" ", "_").replace("DRAM", "dram")


def _of_counts(run: Simulated) -> list[str]:
    columns = {name: run.jobs.columns[name].tolist() for name in (*KEYS, *COUNTED)}
    keys = list(zip(*(columns[name] for name in KEYS), strict=True))
    kinds = [run.jobs.core_groups[core] for core in run.jobs.columns["core"].tolist()]
    expected = counts(run.mapping, run.trace, dict(zip(keys, kinds, strict=True)))
    differences = []
    if set(keys) != set(expected):
        differences.append(f"jobs {set(keys) ^ set(expected)} are on one side alone")
    for job, key in enumerate(keys):
        wanted = expected.get(key, {})
        if run.jobs.columns["block"][job] >= 0 and not run.jobs.columns["weight_bits"][job]:
            wanted = wanted | {"weight_bits": 0, "weight_writes": 0}  # another job loaded them
        for name in COUNTED:
            found, value = columns[name][job], wanted.get(name, 0)
            if found != value:
                differences.append(f"{name} of job {key}: {found}, oracle {value}")
    return differences
