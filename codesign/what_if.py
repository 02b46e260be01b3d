"""What if: the same jobs on a chip of which one resource is twice as fast.

Nothing is mapped again: cuts, orders and places stay, and only durations change. So the gain is
that of the resource alone; a mapping made for the faster chip may gain more. Cycles that are
halved are rounded up, so that none becomes free.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from codesign.chip import simulate
from codesign.mapping.jobs import CYCLE_COLUMNS, Jobs
from codesign.specs.architecture import Architecture

Change = Callable[[Architecture, Jobs], tuple[Architecture, Jobs]]


@dataclass(frozen=True)
class WhatIf:
    """What a change gains.

    Attributes:
        resource: as the critical path and the bounds call it.
        change: in words.
        makespan_cycles: with the change.
        gain: share of the makespan that it saves; below 0 if the change makes it longer, as
            list schedules can.
    """

    resource: str
    change: str
    makespan_cycles: int
    gain: float


def candidates(path: Mapping[str, int], bounds: Mapping[str, int], count: int) -> list[str]:
    """Resources worth a trial: the largest of the critical path, and the one that bounds the run.

    The critical path is one of many chains that may be equally long; a bound holds for all. So
    the resource with the nearest bound is tried even if it is not among the largest.

    Args:
        path: cycles on the critical path by cause, the largest first.
        bounds: lower bounds of the makespan in cycles; `dependency` is nothing to be faster.
        count: how many of the path; with none of them nothing is tried at all.
    """
    found = [cause for cause in path if _change_of(cause)][:count]
    nearest = max((name for name in bounds if _change_of(name)), key=bounds.__getitem__, default="")
    return [*found, nearest] if found and nearest not in (*found, "") else found


def what_if(
    jobs: Jobs, architecture: Architecture, makespan_cycles: int, resources: list[str]
) -> list[WhatIf]:
    """Each resource twice as fast, one at a time; those that cannot be are left out.

    Args:
        jobs: as they were simulated.
        architecture: the chip.
        makespan_cycles: without a change.
        resources: names as in the critical path: `compute_<kind>`, `weight_buffer`,
            `activation_buffer`, `dram`, `noc`, `host_link`, `in_flight`, `barrier`.
    """
    found = []
    for resource in resources:
        known = _change_of(resource)
        if known is None:
            continue
        words, change = known
        chip, work = change(architecture, jobs)
        makespan = simulate(chip, work).makespan_cycles
        found.append(WhatIf(resource, words, makespan, 1 - makespan / makespan_cycles))
    return found


def _change_of(resource: str) -> tuple[str, Change] | None:
    """What makes a resource twice as fast, in words and as it is done; None if nothing does."""
    if resource.startswith("compute_"):
        return "half the cycles of every job", _faster_cores(resource)
    return _CHANGES.get(resource)


def _faster_cores(resource: str) -> Change:
    kind = resource.removeprefix("compute_")

    def change(architecture: Architecture, jobs: Jobs) -> tuple[Architecture, Jobs]:
        mine = (np.array(jobs.core_groups) == kind)[jobs.columns["core"]]
        columns = dict(jobs.columns)
        columns["accumulate_cycles"] = np.where(
            mine, -(-jobs.compute_cycles() // 2), columns["accumulate_cycles"]
        )
        for name in CYCLE_COLUMNS:
            if name != "accumulate_cycles":
                columns[name] = np.where(mine, 0, columns[name])
        return architecture, replace(jobs, columns=columns)

    return change


def _buffer(name: str) -> Change:
    def change(architecture: Architecture, jobs: Jobs) -> tuple[Architecture, Jobs]:
        assert architecture.storage is not None
        buffer = getattr(architecture.storage, name)
        wider = buffer.model_copy(update={"width_bits": 2 * buffer.width_bits})
        storage = architecture.storage.model_copy(update={name: wider})
        return architecture.model_copy(update={"storage": storage}), jobs

    return change


def _dram(architecture: Architecture, jobs: Jobs) -> tuple[Architecture, Jobs]:
    assert architecture.storage is not None
    dram = architecture.storage.dram
    faster = dram.model_copy(update={"bandwidth_bits_per_s": 2 * dram.bandwidth_bits_per_s})
    storage = architecture.storage.model_copy(update={"dram": faster})
    return architecture.model_copy(update={"storage": storage}), jobs


def _in_flight(architecture: Architecture, jobs: Jobs) -> tuple[Architecture, Jobs]:
    assert architecture.storage is not None
    dram = architecture.storage.dram
    nearer = dram.model_copy(update={"latency_ns": dram.latency_ns / 2})
    storage = architecture.storage.model_copy(update={"dram": nearer})
    chip = architecture.model_copy(update={"storage": storage})
    if chip.host is not None:
        host = chip.host.model_copy(update={"latency_ns": chip.host.latency_ns / 2})
        chip = chip.model_copy(update={"host": host})
    if chip.noc is not None:
        hops = {"hop_latency_cycles": _half(chip.noc.hop_latency_cycles)}
        chip = chip.model_copy(update={"noc": chip.noc.model_copy(update=hops)})
    return chip, jobs


def _noc(architecture: Architecture, jobs: Jobs) -> tuple[Architecture, Jobs]:
    assert architecture.noc is not None
    wider = {"link_bits": 2 * architecture.noc.link_bits}
    return architecture.model_copy(update={"noc": architecture.noc.model_copy(update=wider)}), jobs


def _host_link(architecture: Architecture, jobs: Jobs) -> tuple[Architecture, Jobs]:
    assert architecture.host is not None
    faster = {"bandwidth_bits_per_s": 2 * architecture.host.bandwidth_bits_per_s}
    host = architecture.host.model_copy(update=faster)
    return architecture.model_copy(update={"host": host}), jobs


def _barrier(architecture: Architecture, jobs: Jobs) -> tuple[Architecture, Jobs]:
    shorter = {"barrier_cycles": _half(architecture.schedule.barrier_cycles)}
    schedule = architecture.schedule.model_copy(update=shorter)
    return architecture.model_copy(update={"schedule": schedule}), jobs


def _half(cycles: int) -> int:
    return -(-cycles // 2)


_CHANGES: dict[str, tuple[str, Change]] = {
    "weight_buffer": ("ports twice as wide", _buffer("weight_buffer")),
    "activation_buffer": ("ports twice as wide", _buffer("activation_buffer")),
    "dram": ("twice the bandwidth", _dram),
    "noc": ("links twice as wide", _noc),
    "host_link": ("twice the bandwidth", _host_link),
    "in_flight": ("half the latency of DRAM, hops and host", _in_flight),
    "barrier": ("half the cycles", _barrier),
}
