"""Evaluation of one recorded input on a chip of message-driven cores."""

from typing import Any

import numpy as np
import pandas as pd

from codesign.critical_path import cycles_by_cause
from codesign.mapping.jobs import OPERATION_COLUMNS
from codesign.messages.energy import power_steps, price_messages, stream_energy_pj
from codesign.messages.loads import Loads, loads, whole_cycles
from codesign.messages.mesh import Mesh
from codesign.messages.placement import Placement, place
from codesign.messages.populations import Population, populations
from codesign.messages.records import CAUSES, Records
from codesign.messages.timesteps import UNITS, Timesteps, one_input, steady
from codesign.results import OCCUPANCY_COLUMNS, TIMELINE_COLUMNS
from codesign.specs.architecture import Architecture
from codesign.specs.messages import Messages
from codesign.trace import Trace
from codesign.what_if import WhatIf
from codesign.workload import Kind

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
    records = Records(steps, found, placement, mesh, trace.workload.timesteps)
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
        "messages": _counts(work, steps, placement, chip),
        "operations": _operations(work),
        "bit_serial": _bit_serial(work, trace, architecture),
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


def _operations(work: Loads) -> dict[str, int]:
    """What the chip executes: an accumulate for every event, and its neurons' updates."""
    events = sum(int(events.sum()) for events in work.events.values())
    nothing = dict.fromkeys(OPERATION_COLUMNS, 0)
    return nothing | {"ac": events, "neuron": int(work.updates.sum())}


def _bit_serial(
    work: Loads, trace: Trace, architecture: Architecture
) -> dict[str, dict[str, float]]:
    """Events and their energy in layers whose input is sent bit by bit."""
    chip, policy = architecture.messages, architecture.policy
    assert chip is not None
    assert policy is not None
    serial = {Kind.REAL, *([Kind.INTEGER] if policy.integer_input == "bit_serial" else [])}
    costs: dict[str, dict[str, float]] = {}
    layers = {layer.name: layer for layer in trace.workload.layers}
    for (_, name, kind), events in work.events.items():
        if kind != "sparse" and trace.workload.input_tensor(layers[name]).kind in serial:
            cost = costs.setdefault(name, {"ac": 0, "energy_pj": 0.0})
            cost["ac"] += int(events.sum())
            cost["energy_pj"] += int(events.sum()) * getattr(chip.synapses, kind).energy_pj
    return costs


def _counts(
    work: Loads, steps: Timesteps, placement: Placement, chip: Messages
) -> dict[str, float]:
    """What is in use, how many events of each sort there were, and what those of neurons and
    messages spent."""
    neurons = int(placement.neurons.sum())
    hops = work.hops.sum(axis=(0, 1))
    sent_pj = chip.message_out.energy_pj + chip.message_in.energy_pj
    return {
        "timesteps": len(steps.soma),
        "cores": len(placement.owner),
        "tiles": placement.tile_count,
        "neurons": neurons,
        "updates": int(work.updates.sum()),
        "spikes": int(work.spikes.sum()),
        "messages": int(work.messages.sum()),
        "hops": int(work.hops.sum()),
        "events": _operations(work)["ac"],
        "access_pj": len(steps.soma) * neurons * chip.soma.access.energy_pj,
        "update_pj": int(work.updates.sum()) * chip.soma.update.energy_pj,
        "spike_pj": int(work.spikes.sum()) * chip.soma.spike.energy_pj,
        "message_pj": int(work.messages.sum()) * sent_pj,
        "hop_pj": float(hops @ [chip.hop.energy_pj, chip.vertical_hop.energy_pj]),
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
    """The largest causes of the critical path, and that of the nearest bound, with half their
    cycles."""
    units = {cause: unit for unit, cause in CAUSES.items()} | {"barrier": "barrier"}
    nearest = max(limits := bounds(steps), key=limits.__getitem__)
    found = []
    for cause in dict.fromkeys([*list(path)[:count], *[nearest] * bool(count)]):
        makespan = steps.faster(units[cause]).makespan_cycles
        gain = 1 - makespan / steps.makespan_cycles
        found.append(vars(WhatIf(cause, "half the cycles", makespan, gain)))
    return found
