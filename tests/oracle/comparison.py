"""One run by the kernel and by the oracle, and what differs."""

from collections import Counter

from codesign.chip.schedule import busy_intervals
from codesign.mapping import Mapping, map_workload
from codesign.mapping.jobs import (
    CYCLE_COLUMNS,
    MEMORY_COLUMNS,
    OPERATION_COLUMNS,
    PACKET_COLUMNS,
    TRANSFER_COLUMNS,
)
from tests.chip.small_chips import Simulated
from tests.oracle.counts import counts
from tests.oracle.features import features
from tests.oracle.machine import Core, Machine

KEYS = ("layer", "timestep", "tile", "chunk")
COUNTED = (
    *(*OPERATION_COLUMNS, *MEMORY_COLUMNS, *TRANSFER_COLUMNS),
    *(*PACKET_COLUMNS, *CYCLE_COLUMNS),
)


def compared(run: Simulated) -> tuple[list[str], Counter[str]]:
    """What differs between the kernel and the oracle, and the features that the run has."""
    machine = Machine(run.architecture, run.jobs)
    makespan = machine.run()
    differences = []
    if makespan != run.schedule.makespan_cycles:
        differences.append(f"makespan {run.schedule.makespan_cycles}, oracle {makespan}")
    for number, core in enumerate(machine.cores):
        differences += _of_core(run, number, core)
    mapping = map_workload(run.trace.workload, run.architecture)
    differences += _of_counts(run, mapping)
    return differences, features(run, mapping, machine.shared_transfers)


def _of_core(run: Simulated, number: int, core: Core) -> list[str]:
    name, schedule = run.jobs.core_names[number], run.schedule
    stalls = schedule.stalls[schedule.stalls.core == number]
    cycles = (stalls.end_cycle - stalls.start_cycle).groupby(stalls.state).sum().to_dict()
    busy = busy_intervals(run.jobs, schedule)
    busy = busy[busy.core == number]
    pairs = {
        "started": (schedule.started[core.jobs].tolist(), core.started),
        "stored": (schedule.stored[core.jobs].tolist(), core.stored),
        "stalls": (cycles, dict(core.stalls)),
        "busy": (
            int((busy.end_cycle - busy.start_cycle).sum()),
            sum(end - start for start, end in zip(core.started, core.computed, strict=True)),
        ),
    }
    return [
        f"{what} of {name}: {found}, oracle {expected}"
        for what, (found, expected) in pairs.items()
        if found != expected
    ]


def _of_counts(run: Simulated, mapping: Mapping) -> list[str]:
    columns = {name: run.jobs.columns[name].tolist() for name in (*KEYS, *COUNTED)}
    expected = counts(mapping, run.trace)
    keys = list(zip(*(columns[name] for name in KEYS), strict=True))
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
