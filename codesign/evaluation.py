"""Evaluation: one recorded input on one architecture, from trace to result.

This is the whole program behind capture, as one pure function: counting, mapping, lowering,
simulation, bounds and pricing. Several inputs are evaluated one by one and combined
(`codesign.combination`).
"""

import hashlib
import json
import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import pandas as pd

import codesign
from codesign.area import area_mm2, area_parts_mm2
from codesign.aside import aside
from codesign.bounds import bounds_cycles
from codesign.chip import simulate
from codesign.chip.schedule import joins, occupancy, timeline
from codesign.chip.transfers import of_host
from codesign.counting import count_layers, totals
from codesign.critical_path import critical_path, cycles_by_cause
from codesign.energy import (
    component_sums,
    host_prices,
    price,
    price_operations,
    single_coefficients_pj,
    spared_clock_pj,
    static_parts_pj,
    stream_sums,
)
from codesign.fill_levels import fill_levels
from codesign.mapping import Jobs, Mapping, arrange, map_workload, measure
from codesign.mapping.geometry import Work
from codesign.mapping.jobs import OPERATION_COLUMNS
from codesign.mapping.kinds import idle_kinds
from codesign.mapping.planning import Plan
from codesign.messages import evaluate_messages
from codesign.overflow import widths
from codesign.power import PowerProfile, power_profile, power_steps
from codesign.results import OCCUPANCY_COLUMNS, TIMELINE_COLUMNS, Result
from codesign.specs.architecture import Architecture
from codesign.static_power import idle_pj_per_cycle
from codesign.throughput import Interval, interval
from codesign.trace import Trace
from codesign.what_if import candidates, what_if

Progress = Callable[[str, int, int], None]

_JOULE_PER_PJ = 1e-12


def evaluate(
    trace: Trace,
    architecture: Architecture,
    *,
    progress: Progress | None = None,
    has_timeline: bool = True,
    has_stream: bool = True,
    what_ifs: int = 0,
) -> Result:
    """Latency and energy of one recorded input.

    On an architecture without cores (`paper`) operations are priced alone, and everything of
    time is None.

    Args:
        trace: the recorded input.
        architecture: the chip.
        progress: called with (stage, done, total), stages "lowering", "simulation" and
            "stream of images".
        has_timeline: whether occupancy and timeline are made; of several inputs, only those of
            the first are kept.
        has_stream: whether a stream of images is simulated as well, which takes longer than one
            image; without it the summary has no interval.
        what_ifs: for how many resources, the largest of the critical path first, the jobs are
            simulated again with this resource twice as fast; if for any, then for the resource
            with the nearest bound as well.

    Raises:
        CapacityError: a layer does not fit the chip; with the layer, the need and the fix.
        TraceError: the trace was altered.
    """
    layers, wanted = count_layers(trace), _Wanted(has_timeline, has_stream, what_ifs)
    if architecture.messages is not None:
        return _of_messages(trace, architecture, layers, wanted)
    if architecture.cores:
        return _on_cores(trace, architecture, layers, wanted, progress)
    energy = price_operations(layers, architecture)
    return Result(_summary(trace, architecture, layers, energy), layers, energy, *_no_tables())


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What is worked out beside latency and energy."""

    timeline: bool
    stream: bool
    what_ifs: int


def _no_tables() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Occupancy and timeline of a run that keeps none."""
    return pd.DataFrame(columns=OCCUPANCY_COLUMNS), pd.DataFrame(columns=TIMELINE_COLUMNS)


def _on_cores(
    trace: Trace,
    architecture: Architecture,
    layers: pd.DataFrame,
    wanted: _Wanted,
    progress: Progress | None,
) -> Result:
    """The result on a chip whose cores share memories."""
    mapping = map_workload(trace.workload, architecture)
    measured = measure(mapping, trace, progress)
    jobs = arrange(mapping, measured)
    steady = aside(partial(interval, mapping, measured)) if wanted.stream else None
    schedule = simulate(architecture, jobs, progress)
    energy = price(jobs, schedule, architecture)
    summary = _summary(trace, architecture, layers, energy)
    summary |= _times(schedule.makespan_cycles, architecture, summary["energy_pj"])
    power = power_profile(jobs, schedule, architecture)
    summary["peak_power_w"] = power.peak_w
    summary["static_parts_pj"] = static_parts_pj(jobs, schedule, architecture)
    summary["spared_clock_pj"] = spared_clock_pj(jobs, architecture)
    on_chip = ~of_host(jobs)
    summary["operations"] = {
        name: int(jobs.columns[name][on_chip].sum()) for name in OPERATION_COLUMNS
    }
    summary["mapping"] = [_decision(mapping, plan) for plan in mapping.plans]
    summary["idle_cores"] = _idle_cores(mapping, jobs)
    summary["bit_serial"] = _bit_serial(mapping, jobs, energy)
    summary["host"] = _on_host(mapping, jobs)
    if steady is not None:
        summary |= _steady(_awaited(steady, progress), summary, architecture)
    summary["bounds_cycles"] = bounds_cycles(jobs, architecture)
    summary["jobs"] = len(jobs)
    path = critical_path(jobs, schedule, architecture)
    summary["critical_path_cycles"] = cycles_by_cause(path)
    slow = candidates(summary["critical_path_cycles"], summary["bounds_cycles"], wanted.what_ifs)
    found = what_if(jobs, architecture, schedule.makespan_cycles, slow)
    summary["what_if"] = [asdict(each) for each in found]
    if not wanted.timeline:
        return Result(summary, layers, energy, *_no_tables())
    times = (occupancy(jobs, schedule), timeline(jobs, schedule), path)
    counters = _counters(fill_levels(mapping, jobs, schedule), power)
    return Result(summary, layers, energy, *times, counters, joins(jobs, schedule))


def _awaited(steady: Callable[[], Interval], progress: Progress | None) -> Interval:
    """The interval, which is simulated aside and takes longer: a stream has several images."""
    if progress is not None:
        progress("stream of images", 0, 1)
    found = steady()
    if progress is not None:
        progress("stream of images", 1, 1)
    return found


def _of_messages(
    trace: Trace, architecture: Architecture, layers: pd.DataFrame, wanted: _Wanted
) -> Result:
    """The result on a chip of message-driven cores."""
    found, energy, tables = evaluate_messages(
        trace, architecture, has_timeline=wanted.timeline, what_ifs=wanted.what_ifs
    )
    summary = _summary(trace, architecture, layers, energy) | found
    layers = _with_inputs(layers, found["populations"])
    summary |= _times(found["makespan_cycles"], architecture, summary["energy_pj"])
    summary["interval_s"] = found["interval_cycles"] / _clock_hz(architecture)
    return Result(summary, layers, energy, *tables)


def _with_inputs(layers: pd.DataFrame, populations: list[dict[str, Any]]) -> pd.DataFrame:
    """The table of layers with the populations of the network's inputs, which compute nothing and
    send messages."""
    known = set(layers["layer"])
    names = [each["layer"] for each in populations if each["layer"] not in known]
    inputs = pd.DataFrame({"layer": names, "type": "input", "stream": "spike"})
    joined = pd.concat([inputs, layers], ignore_index=True)
    numbers = layers.select_dtypes("number").dtypes.to_dict()
    counted = joined.fillna(dict.fromkeys(numbers, 0)).astype(numbers)
    return counted[layers.columns.tolist()]


def _summary(
    trace: Trace, architecture: Architecture, layers: pd.DataFrame, energy: pd.DataFrame
) -> dict[str, Any]:
    parts = component_sums(energy)
    return {
        "workload": trace.workload.name,
        "architecture": architecture.name,
        "policy": architecture.policy and architecture.policy.model_dump(mode="json"),
        "timesteps": trace.workload.timesteps,
        "images": 1,
        "makespan_cycles": None,
        "latency_s": None,
        "energy_pj": math.fsum(parts.values()),
        "energy_parts_pj": parts,
        "energy_streams_pj": stream_sums(energy),
        "edp_js": None,
        "accuracy": None,
        "interval_cycles": None,
        "interval_bounds_cycles": {},
        "interval_s": None,
        "interval_energy_pj": None,
        "area_mm2": area_mm2(architecture),
        "area_parts_mm2": area_parts_mm2(architecture),
        "static_parts_pj": {},
        "spared_clock_pj": {},
        "bit_serial": {},
        "host": {},
        "mapping": [],
        "idle_cores": {},
        "operations": {},
        "messages": {},
        "populations": [],
        "widths": architecture.precision and widths(trace, architecture.precision),
        "average_power_w": None,
        "peak_power_w": None,
        "counts": totals(layers),
        "bounds_cycles": {},
        "critical_path_cycles": {},
        "what_if": [],
        "jobs": 0,
        "provenance": trace.provenance,
        "sources": sources(architecture),
        "coefficients_pj": single_coefficients_pj(architecture),
        "trace_hash": trace.hash,
        "architecture_hash": architecture_hash(architecture),
        "version": codesign.__version__,
    }


def _times(makespan: int, architecture: Architecture, energy_pj: float) -> dict[str, Any]:
    latency = makespan / _clock_hz(architecture)
    return {
        "makespan_cycles": makespan,
        "latency_s": latency,
        "edp_js": latency * energy_pj * _JOULE_PER_PJ,
        "average_power_w": energy_pj * _JOULE_PER_PJ / latency,
    }


def _counters(levels: pd.DataFrame, power: PowerProfile) -> pd.DataFrame:
    """What changes in time, each step of it a row."""
    held = pd.DataFrame(
        {
            "counter": levels["buffer"] + " (bits)",
            "cycle": levels["cycle"],
            "value": levels["bits"].astype(float),
        }
    )
    return pd.concat([power_steps(power), held], ignore_index=True)


def _steady(found: Interval, of_one: dict[str, Any], architecture: Architecture) -> dict[str, Any]:
    """What a steady stream of images takes and spends, beside the summary of one alone."""
    idle_pj = idle_pj_per_cycle(architecture)
    of_one_pj = of_one["energy_pj"] - idle_pj * of_one["makespan_cycles"]
    return {
        "interval_cycles": found.interval_cycles,
        "interval_bounds_cycles": found.interval_bounds_cycles,
        "interval_s": found.interval_cycles / _clock_hz(architecture),
        "interval_energy_pj": found.energy_pj(of_one_pj, idle_pj),
    }


def _bit_serial(mapping: Mapping, jobs: Jobs, energy: pd.DataFrame) -> dict[str, Any]:
    """What each layer costs whose values are accumulated bit by bit."""
    costs = {}
    for plan in mapping.plans:
        if plan.geometry.is_serial:
            mine = jobs.columns["layer"] == plan.fused.index
            spent = energy.loc[energy["layer"] == plan.fused.name, "energy_pj"]
            accumulates = int(jobs.columns["ac"][mine].sum())
            costs[plan.fused.name] = {"ac": accumulates, "energy_pj": math.fsum(spent)}
    return costs


def _on_host(mapping: Mapping, jobs: Jobs) -> dict[str, Any]:
    """What each layer costs that is done outside the chip."""
    host, columns, costs = mapping.architecture.host, jobs.columns, {}
    if host is None:
        return {}
    prices, cycles = host_prices(jobs, host), jobs.compute_cycles()
    for plan in mapping.plans:
        if plan.geometry.work is not Work.HOST:
            continue
        mine = columns["layer"] == plan.fused.index
        bits = {
            verb: int((columns[f"{verb}_bits"] + columns[f"{verb}_dram_bits"])[mine].sum())
            for verb in ("load", "store")
        }
        costs[plan.fused.name] = {
            "mac": int(columns["mac"][mine].sum()),
            "to_host_bits": bits["load"],
            "from_host_bits": bits["store"],
            "mac_pj": math.fsum(prices["mac"][mine]),
            "link_pj": math.fsum((prices["load"] + prices["store"])[mine]),
            "cycles": int(cycles[mine].sum()),
        }
    return costs


def _decision(mapping: Mapping, plan: Plan) -> dict[str, Any]:
    """What the mapper decided for a layer, and what it expected of the alternatives."""
    return {
        "layer": plan.fused.name,
        "cores": [
            {"kind": place.group, "first": place.first, "count": place.count}
            for place in plan.places
        ],
        "slices": len(plan.grid.slices),
        "bands": len(plan.grid.bands),
        "chunks": len(plan.grid.chunks),
        "is_spread": plan.grid.is_spread,
        "is_recomputed": plan.fused.is_recomputed(mapping.workload),
        "expected_cycles": plan.expected_cycles,
        "limit": plan.choice.loads.limit,
        "loads_cycles": plan.choice.loads._asdict(),
        "expected_energy_pj": plan.choice.energy_pj,
        "alternatives": {str(name): took for name, took in plan.choice.alternatives.items()},
        "kinds": {"+".join(kinds): took for kinds, took in plan.tried.items()},
    }


def _idle_cores(mapping: Mapping, jobs: Jobs) -> dict[str, str]:
    """Kinds of core that compute nothing, and why."""
    used = {jobs.core_groups[core] for core in set(jobs.columns["core"].tolist())}
    return idle_kinds(mapping.architecture.cores, used, [plan.tried for plan in mapping.plans])


def _clock_hz(architecture: Architecture) -> float:
    assert architecture.technology is not None, "an architecture with cores states its clock"
    return architecture.technology.clock_hz


def architecture_hash(architecture: Architecture) -> str:
    """SHA-256 of everything the architecture says, whatever file said it."""
    content = architecture.model_dump(mode="json", by_alias=True)
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def sources(architecture: Architecture) -> dict[str, str]:
    """Where each group of numbers of the architecture comes from, by its place in the file."""
    found: dict[str, str] = {}

    def visit(place: str, content: Any) -> None:
        for key, value in content.items():
            if key == "source":
                found[place] = value
            elif isinstance(value, dict):
                visit(f"{place}.{key}" if place else key, value)

    visit("", architecture.model_dump(mode="json", by_alias=True))
    return found
