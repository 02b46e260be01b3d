"""Combination: one result for several inputs of one workload on one architecture.

Results are taken one at a time and added up, so that memory does not grow with their number but
for a few scalars of each, from which the distribution follows.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from codesign.errors import Fault, InputError
from codesign.overflow import widest
from codesign.results import Result, provenance_of_all

SCALARS = (
    *("makespan_cycles", "latency_s", "interval_cycles", "interval_s"),
    "interval_energy_pj",
    *("energy_pj", "edp_js", "average_power_w", "peak_power_w"),
)
"""Numbers of a summary whose distribution is given."""

_SUMS = (
    *(
        "operations",
        "messages",
        "static_parts_pj",
        "spared_clock_pj",
        "energy_parts_pj",
        "energy_streams_pj",
        "counts",
    ),
    *("interval_bounds_cycles", "bounds_cycles"),
)
_ALIKE = ("workload", "architecture_hash", "timesteps")
_LAYER_KEYS = ["layer", "type", "stream", "timestep"]
_ENERGY_KEYS = ["layer", "stream", "timestep", "component"]


@dataclass
class _Sum:
    """What was added up so far.

    Attributes:
        first: the first result; occupancy, timeline and critical path are its own.
        scalars: of each result, by name.
        totals: sums of the summaries' groups of numbers.
        layers: sums of the rows of all results.
        energy: the same.
        widths: of each summary.
        hashes: of each trace.
        inputs: provenance of each input.
    """

    first: Result
    scalars: dict[str, list[float]] = field(default_factory=dict)
    totals: dict[str, dict[str, float]] = field(default_factory=dict)
    layers: pd.DataFrame = field(default_factory=pd.DataFrame)
    energy: pd.DataFrame = field(default_factory=pd.DataFrame)
    widths: list[Any] = field(default_factory=list)
    hashes: list[str] = field(default_factory=list)
    inputs: list[Any] = field(default_factory=list)

    def add(self, result: Result) -> None:
        summary = result.summary
        for key in _ALIKE:
            values = {summary[key], self.first.summary[key]}
            if len(values) > 1:
                raise InputError(Fault("combine", f"needs results of one {key} (got {values})."))
        for key in SCALARS:
            if summary[key] is not None:
                self.scalars.setdefault(key, []).append(summary[key])
        for key in _SUMS:
            totals = self.totals.setdefault(key, {})
            for name, value in summary[key].items():
                totals[name] = totals.get(name, 0) + value
        self.layers = _added(self.layers, result.layers, _LAYER_KEYS)
        self.energy = _added(self.energy, result.energy, _ENERGY_KEYS)
        self.widths.append(summary["widths"])
        self.hashes.append(summary["trace_hash"])
        self.inputs.append(summary["provenance"].get("input"))


def combine(results: Iterable[Result]) -> Result:
    """One result for several inputs.

    Scalars are means per input, but for the peak power, which is the highest; `spread` in the
    summary gives the distribution of each. Counts and energies in the tables are means as well;
    occupancy and timeline are those of the first input, which `timeline_of` in the summary names.

    Raises:
        InputError: there is nothing to combine, or the results are of different runs.
    """
    total: _Sum | None = None
    for result in results:
        total = total or _Sum(result)
        total.add(result)
    if total is None:
        raise InputError(Fault("combine", "needs at least one result (got none)."))
    if len(total.hashes) == 1:
        return total.first
    count = len(total.hashes)
    return Result(
        _summary(total),
        _divided(total.layers, _LAYER_KEYS, count),
        _divided(total.energy, _ENERGY_KEYS, count),
        total.first.occupancy,
        total.first.timeline,
        total.first.critical_path,
        total.first.counters,
        total.first.flows,
    )


def joint_hash(hashes: Sequence[str]) -> str:
    """Names the recordings of a result: the hash of a single one, or the SHA-256 of all hashes."""
    return hashes[0] if len(hashes) == 1 else hashlib.sha256("".join(hashes).encode()).hexdigest()


def spread(values: list[float]) -> dict[str, float]:
    """The distribution of a number over inputs.

    Returns:
        `min`, `max` (the worst, for latency and energy), `median`, sample standard deviation
        `std`, and `low` and `high`, between which the central 95 % of the inputs lie (quantiles
        .025 and .975, linearly interpolated).
    """
    low, median, high = np.quantile(values, [0.025, 0.5, 0.975]).tolist()
    return {
        "min": min(values),
        "low": low,
        "median": median,
        "high": high,
        "max": max(values),
        "std": float(np.std(values, ddof=1)),
    }


def _summary(total: _Sum) -> dict[str, Any]:
    count = len(total.hashes)
    summary = dict(total.first.summary)
    summary |= {key: float(np.mean(values)) for key, values in total.scalars.items()}
    summary |= {
        key: {name: value / count for name, value in values.items()}
        for key, values in total.totals.items()
    }
    if "peak_power_w" in total.scalars:  # which the supply must bear
        summary["peak_power_w"] = max(total.scalars["peak_power_w"])
    summary["widths"] = widest(total.widths)
    summary["images"] = count
    summary["spread"] = {key: spread(values) for key, values in total.scalars.items()}
    summary["provenance"] = provenance_of_all(summary["provenance"], total.inputs)
    summary["trace_hash"] = joint_hash(total.hashes)
    summary["timeline_of"] = total.hashes[0]
    return summary


def _added(sums: pd.DataFrame, rows: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """Sums by key; a row that one of the two lacks counts as zero there."""
    stacked = pd.concat([sums, rows], ignore_index=True) if len(sums) else rows
    added: pd.DataFrame = stacked.groupby(keys, sort=False).sum().reset_index()
    return added


def _divided(sums: pd.DataFrame, keys: list[str], count: int) -> pd.DataFrame:
    numbers = [column for column in sums.columns if column not in keys]
    return sums.assign(**{name: sums[name] / count for name in numbers})
