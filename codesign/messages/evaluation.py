"""Evaluation of one recorded input on a chip of message-driven cores."""

from typing import Any

import numpy as np
import pandas as pd

from codesign.critical_path import cycles_by_cause
from codesign.messages.energy import power_steps, price_messages, stream_energy_pj
from codesign.messages.loads import Loads, loads, whole_cycles
from codesign.messages.mesh import Mesh
from codesign.messages.placement import Placement, place
from codesign.messages.populations import Population, populations
from codesign.messages.records import CAUSES, Records
from codesign.messages.timesteps import UNITS, Timesteps, one_input, steady
from codesign.results import OCCUPANCY_COLUMNS, TIMELINE_COLUMNS
from codesign.specs.architecture import Architecture
from codesign.trace import Trace
from codesign.what_if import WhatIf

Found = tuple[dict[str, Any], pd.DataFrame, tuple[pd.DataFrame, ...]]
"""Keys of the summary, the energy table, and occupancy, timeline, critical path and counters."""


def evaluate_messages(
    trace: Trace, architecture: Architecture, *, has_timeline: bool, what_ifs: int
) -> Found:
    """Latency and energy of one recorded input; arguments as of `codesign.evaluation.evaluate`.

    Raises:
        CapacityError: the network has layers that messages of spikes cannot serve, or more neurons
            than the chip; with what to change.
        TraceError: the trace was altered.
    """
    chip = architecture.messages
    assert chip is not None
    found = populations(trace.workload, architecture)
    placement = place(found, architecture)
    mesh = Mesh(chip)
    work = loads(trace, found, placement, mesh, architecture)
    barrier = whole_cycles(chip.barrier_ns(placement.tile_count), architecture)
    depths = np.array([each.depth for each in found])
    steps, stream = one_input(work, depths, barrier), steady(work, depths, barrier)
    energy = price_messages(work, found, chip, trace.workload)
    records = Records(steps, found, placement, mesh)
    path = records.critical_path()
    power = power_steps(work, found, steps, architecture)
    by_cause = cycles_by_cause(path)
    summary: dict[str, Any] = {
        "makespan_cycles": steps.makespan_cycles,
        "interval_cycles": stream.makespan_cycles,
        "interval_bounds_cycles": bounds(stream),
        "interval_energy_pj": stream_energy_pj(energy),
        "bounds_cycles": bounds(steps),
        "critical_path_cycles": by_cause,
        "what_if": _what_if(steps, by_cause, what_ifs),
        "messages": _counts(work, steps, placement),
        "peak_power_w": float(power["value"].max()),
        "populations": [_placed(each, number, placement) for number, each in enumerate(found)],
    }
    if not has_timeline:
        nothing = (OCCUPANCY_COLUMNS, TIMELINE_COLUMNS)
        return summary, energy, tuple(pd.DataFrame(columns=columns) for columns in nothing)
    return summary, energy, (records.occupancy(), records.timeline(), path, power)


def bounds(steps: Timesteps) -> dict[str, int]:
    """What the busiest core's soma, the busiest core's synapses and the busiest link have to do,
    and all barriers."""
    found = {CAUSES[unit]: int(getattr(steps, unit).sum(axis=0).max(initial=0)) for unit in UNITS}
    return {**found, "barrier": len(steps.soma) * steps.barrier_cycles}


def _counts(work: Loads, steps: Timesteps, placement: Placement) -> dict[str, int]:
    return {
        "timesteps": len(steps.soma),
        "cores": len(placement.owner),
        "tiles": placement.tile_count,
        "neurons": int(placement.neurons.sum()),
        "updates": int(work.updates.sum()),
        "spikes": int(work.spikes.sum()),
        "messages": int(work.messages.sum()),
        "hops": int(work.hops.sum()),
        "events": sum(int(events.sum()) for events in work.events.values()),
    }


def _placed(population: Population, number: int, placement: Placement) -> dict[str, Any]:
    """On which cores a population is."""
    cores = placement.cores(number)
    return {
        "layer": population.name,
        "first_core": int(cores[0]),
        "core_count": len(cores),
        "neurons": int(placement.neurons[cores].sum()),
        "depth": population.depth,
    }


def _what_if(steps: Timesteps, path: dict[str, int], count: int) -> list[dict[str, Any]]:
    """The largest causes of the critical path with half their cycles."""
    units = {cause: unit for unit, cause in CAUSES.items()} | {"barrier": "barrier"}
    found = []
    for cause in list(path)[:count]:
        makespan = steps.faster(units[cause]).makespan_cycles
        gain = 1 - makespan / steps.makespan_cycles
        found.append(vars(WhatIf(cause, "half the cycles", makespan, gain)))
    return found
