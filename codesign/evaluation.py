"""Evaluation: one recorded input on one architecture, from trace to result.

This is the whole program behind capture, as one pure function: counting, mapping, lowering,
simulation, bounds and pricing. Several inputs are evaluated one by one and combined.
"""

import hashlib
import json
import math
import statistics
from collections.abc import Callable, Sequence
from typing import Any

import pandas as pd

import codesign
from codesign.bounds import bounds_cycles
from codesign.chip import simulate
from codesign.chip.schedule import occupancy, timeline
from codesign.counting import count_layers, totals
from codesign.energy import component_sums, price, price_operations, stream_sums
from codesign.errors import Fault, InputError
from codesign.mapping import lower, map_workload
from codesign.results import OCCUPANCY_COLUMNS, TIMELINE_COLUMNS, Result
from codesign.specs.architecture import Architecture
from codesign.trace import Trace

Progress = Callable[[str, int, int], None]

_JOULE_PER_PJ = 1e-12
_AVERAGED = ("makespan_cycles", "latency_s", "energy_pj", "edp_js")


def evaluate(
    trace: Trace, architecture: Architecture, *, progress: Progress | None = None
) -> Result:
    """Latency and energy of one recorded input.

    On an architecture without cores (`paper`) operations are priced alone, and everything of
    time is None.

    Args:
        trace: the recorded input.
        architecture: the chip.
        progress: called with (stage, done, total), stages "lowering" and "simulation".

    Raises:
        CapacityError: a layer does not fit the chip; with the layer, the need and the fix.
        TraceError: the trace was altered.
    """
    layers = count_layers(trace)
    if not architecture.cores:
        nothing = (pd.DataFrame(columns=OCCUPANCY_COLUMNS), pd.DataFrame(columns=TIMELINE_COLUMNS))
        energy = price_operations(layers, architecture)
        return Result(_summary(trace, architecture, layers, energy), layers, energy, *nothing)
    mapping = map_workload(trace.workload, architecture)
    jobs = lower(mapping, trace, progress)
    schedule = simulate(architecture, jobs, progress)
    energy = price(jobs, schedule, architecture)
    summary = _summary(trace, architecture, layers, energy)
    summary |= _times(schedule.makespan_cycles, architecture, summary["energy_pj"])
    summary["bounds_cycles"] = bounds_cycles(jobs, architecture)
    summary["jobs"] = len(jobs)
    return Result(summary, layers, energy, occupancy(jobs, schedule), timeline(jobs, schedule))


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
        "counts": totals(layers),
        "bounds_cycles": {},
        "jobs": 0,
        "provenance": trace.provenance,
        "sources": sources(architecture),
        "trace_hash": trace.hash,
        "architecture_hash": architecture_hash(architecture),
        "version": codesign.__version__,
    }


def _times(makespan: int, architecture: Architecture, energy_pj: float) -> dict[str, Any]:
    assert architecture.technology is not None
    latency = makespan / architecture.technology.clock_hz
    return {
        "makespan_cycles": makespan,
        "latency_s": latency,
        "edp_js": latency * energy_pj * _JOULE_PER_PJ,
    }


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


def combine(results: Sequence[Result]) -> Result:
    """One result for several images of one workload on one architecture.

    Scalars are means per image; `spread` in the summary gives least, largest and sample standard
    deviation of each. Counts and energies in the tables are means as well; occupancy and timeline
    are those of the first image, which `timeline_of` in the summary names.

    Raises:
        InputError: there is nothing to combine, or the results are of different runs.
    """
    if not results:
        raise InputError(Fault("combine", "needs at least one result (got none)."))
    first = results[0]
    for key in ("workload", "architecture_hash", "timesteps"):
        values = {result.summary[key] for result in results}
        if len(values) > 1:
            raise InputError(Fault("combine", f"needs results of one {key} (got {values})."))
    if len(results) == 1:
        return first
    summaries = [result.summary for result in results]
    summary = dict(first.summary) | _mean_scalars(summaries)
    summary["images"] = len(results)
    summary["spread"] = {
        key: _spread([each[key] for each in summaries])
        for key in _AVERAGED
        if first.summary[key] is not None
    }
    summary["provenance"] = _provenance_of_all(summaries)
    summary["trace_hash"] = hashlib.sha256(
        "".join(each["trace_hash"] for each in summaries).encode()
    ).hexdigest()
    summary["timeline_of"] = first.summary["trace_hash"]
    energy_keys = ["layer", "stream", "timestep", "component"]
    return Result(
        summary,
        _mean_rows([r.layers for r in results], ["layer", "type", "stream", "timestep"]),
        _mean_rows([r.energy for r in results], energy_keys),
        first.occupancy,
        first.timeline,
    )


def _mean_scalars(summaries: Sequence[dict[str, Any]]) -> dict[str, Any]:
    means: dict[str, Any] = {}
    for key in _AVERAGED:
        if summaries[0][key] is not None:
            means[key] = statistics.fmean(each[key] for each in summaries)
    for key in ("energy_parts_pj", "energy_streams_pj", "counts"):
        names = dict.fromkeys(name for each in summaries for name in each[key])
        means[key] = {
            name: math.fsum(each[key].get(name, 0) for each in summaries) / len(summaries)
            for name in names
        }
    means["bounds_cycles"] = {
        name: min(each["bounds_cycles"][name] for each in summaries)
        for name in summaries[0]["bounds_cycles"]
    }
    return means


def _spread(values: Sequence[float]) -> dict[str, float]:
    return {"min": min(values), "max": max(values), "std": statistics.stdev(values)}


def _provenance_of_all(summaries: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The first one's, with the inputs of all."""
    provenance = dict(summaries[0]["provenance"])
    if "input" in provenance:
        inputs = [each["provenance"]["input"] for each in summaries]
        provenance["input"] = {f"image {number}": each for number, each in enumerate(inputs, 1)}
    return provenance


def _mean_rows(frames: Sequence[pd.DataFrame], keys: list[str]) -> pd.DataFrame:
    """Mean of equal rows over frames; a row that a frame lacks counts as zero."""
    stacked = pd.concat(frames, ignore_index=True)
    sums = stacked.groupby(keys, sort=False).sum().reset_index()
    numbers = [column for column in sums.columns if column not in keys]
    sums[numbers] = sums[numbers] / len(frames)
    return sums
