"""What a sweep found: one table with a row for each point, and a summary.

A report and an export read nothing else. A row is the same whoever computed it and when: nothing
in it depends on time, machine or the order of work.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import pandas as pd

from codesign.units import si


class Status(StrEnum):
    """How far a point came."""

    SIMULATED = "simulated"
    BOUNDED = "bounded"
    """Only its floors were asked for."""
    PRUNED = "pruned"
    """Its floors alone show that another point is better in every objective."""
    EXCLUDED = "excluded"
    """A constraint does not hold; `error` names it."""
    REFUSED = "refused"
    """It is no chip, or the workload does not fit it; `error` says why."""
    FAILED = "failed"
    """The program went wrong; `error` says how."""
    KILLED = "killed"
    """The process that computed it was ended from outside, repeatedly."""
    TIMED_OUT = "timed out"


OBJECTIVES = {
    "latency": ("latency_s", "s"),
    "energy": ("energy_pj", "pJ"),
    "edp": ("edp_js", "J s"),
    "area": ("area_mm2", "mm2"),
    "interval": ("interval_s", "s"),
    "interval_energy": ("interval_energy_pj", "pJ"),
    "power": ("average_power_w", "W"),
    "peak_power": ("peak_power_w", "W"),
    "error_rate": ("error_percent", "%"),
}
"""Column and unit of each quantity that can be an objective (less is better) or be limited."""


def quantity_text(name: str, value: float) -> str:
    """A value of a quantity's column for people."""
    unit = OBJECTIVES[name][1]
    if unit in ("mm2", "%"):
        return f"{value:.4g} {unit}"
    return si(value * 1e-12, "J", 4) if unit == "pJ" else si(value, unit, 4)


MEASURED = (
    *("makespan_cycles", "latency_s", "energy_pj", "edp_js", "interval_s", "interval_energy_pj"),
    *("area_mm2", "average_power_w", "peak_power_w", "bound_cycles", "bound", "ac", "mac"),
)
"""Columns that a simulation fills, beside `energy_COMPONENT_pj`: without value elsewhere."""

ACCURACY = ("error_percent", "accuracy_percent", "accuracy_low_percent", "accuracy_high_percent")
"""Columns of networks with trained weights: the share of test pictures that the network, in the
chip's number formats, gets wrong, and what it gets right, with its 95 % interval."""

FLOORS = ("floor_latency_s", "floor_energy_pj", "floor_edp_js")
"""Columns of closed-form lower bounds, which need no mapping; also of points that were pruned."""


@dataclass(frozen=True)
class SweepResult:
    """A finished sweep.

    Attributes:
        summary: one JSON object:
            `name`, `description`, `version`;
            `axes`: a list of `{key, unit, scale, values}`, where `key` is the axis's column,
            `unit` that of its numbers (empty for counts and words), `scale` "linear", "log" or
            "words", and `values` what the points have of it, in the order of the sweep;
            `objectives`: names, keys of `OBJECTIVES`;
            `constraints`: sentences;
            `sampling`: `{method, points, trajectories, seed}`;
            `levels`: of Morris's method, the number of each design's level on each axis, design
            by design; else empty;
            `workloads`, `architectures`: names; `networks`: workloads with what an axis changed in
            them, as "dsnn18 timesteps=2": designs are compared for one network;
            `counts`: number of points by `Status`;
            `compared`: by network, among which designs its own are compared: those of the network
            alone, or, if the error rate is an objective, those of all networks of its data set;
            `fronts`: by what is compared, the numbers of points on the front of the objectives;
            `best`: by what is compared and by objective, `{point, design, file, command}`, where
            `design` is the value of every axis as it was written;
            `base`: by network, the point that is the first architecture as its file has it, if
            there is one;
            `simulate`: which points were to be simulated;
            `provenance`: by network, where weights and input come from.
        points: a row for each point: `point` (its number, from 0), `workload`, `network`,
            `architecture`, a column for each axis, `status` (of `Status`), `error` (text or None),
            `FLOORS`, `MEASURED`, `ACCURACY`, `energy_COMPONENT_pj` for the components of
            `codesign.results`, `trace_hash`, `architecture_hash`.
    """

    summary: Mapping[str, Any]
    points: pd.DataFrame
