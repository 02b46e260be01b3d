"""The table of a sweep, and what follows from it: fronts, best designs, counts."""

import json
import math
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd

import codesign
from codesign.combination import joint_hash
from codesign.evaluation import architecture_hash
from codesign.exploration.fronts import front
from codesign.exploration.points import screening_levels
from codesign.exploration.prospects import Prospect, error_percent
from codesign.exploration.recordings import Recordings
from codesign.exploration.results import ACCURACY, FLOORS, MEASURED, OBJECTIVES, Status, SweepResult
from codesign.exploration.space import DesignSpace
from codesign.exploration.store import Store
from codesign.results import COMPONENTS
from codesign.specs.axes import Scalar, quantity_unit
from codesign.specs.sweep import Axis, Method, Scale, Simulate, SweepSpec
from codesign.units import QUANTITIES

_ENERGIES = tuple(f"energy_{name}_pj" for name in COMPONENTS)
_WORDS = ("bound", "trace_hash", "architecture_hash")
_AREA = list(OBJECTIVES).index("area")


def sweep_result(
    space: DesignSpace,
    prospects: Sequence[Prospect],
    recordings: Recordings,
    simulate: Simulate,
    rows: Store,
) -> SweepResult:
    """The result of a sweep whose points all have a status, and of what was simulated a row."""
    table = _table(space, prospects, rows)
    summary: dict[str, Any] = {
        "name": space.spec.name,
        "description": space.spec.description,
        "version": codesign.__version__,
        "axes": _axes(space.spec, table),
        "objectives": [str(each) for each in space.spec.objectives],
        "constraints": [str(each) for each in space.spec.constraints],
        "sampling": space.spec.sampling.model_dump(mode="json"),
        "simulate": str(simulate),
        "workloads": list(dict.fromkeys(table["workload"])),
        "networks": list(dict.fromkeys(table["network"])),
        "architectures": list(dict.fromkeys(table["architecture"])),
        "levels": screening_levels(space.spec)
        if space.spec.sampling.method is Method.MORRIS
        else [],
        "counts": {str(s): int((table["status"] == s).sum()) for s in Status},
        "compared": {name: space.compared(name) for name in dict.fromkeys(table["network"])},
        "fronts": fronts(table, space.spec.objectives, space.compared),
        "best": best(table, space.spec.objectives, space.compared),
        "base": _base(table, architecture_hash(space.unchanged())),
        "provenance": recordings.provenance,
    }
    return SweepResult(json.loads(json.dumps(summary, allow_nan=False)), table)


def fronts(
    table: pd.DataFrame, objectives: Sequence[str], compared: Callable[[str], str]
) -> dict[str, list[int]]:
    """The numbers of the points that no other which they are compared with dominates.

    Args:
        table: of all points.
        objectives: of the sweep.
        compared: by network, among which designs its designs are compared.
    """
    found = {}
    columns = [OBJECTIVES[name][0] for name in objectives]
    simulated = _simulated(table, columns)
    for name, mine in simulated.groupby(simulated["network"].map(compared), sort=False):
        # a design that is met twice is one
        single = mine.drop_duplicates(["network", "architecture_hash"])
        costs = single[columns].to_numpy(float)
        found[str(name)] = single["point"][front(costs)].tolist()
    return found


def best(
    table: pd.DataFrame, objectives: Sequence[str], compared: Callable[[str], str]
) -> dict[str, dict[str, dict[str, int]]]:
    """By what is compared (see `fronts`) and by objective, the point that has least of it; of
    equal ones the first."""
    found: dict[str, dict[str, dict[str, int]]] = {}
    columns = {name: OBJECTIVES[name][0] for name in objectives}
    simulated = _simulated(table, list(columns.values()))
    for group, mine in simulated.groupby(simulated["network"].map(compared), sort=False):
        known = {name: mine[column].fillna(math.inf) for name, column in columns.items()}
        found[str(group)] = {
            name: {"point": int(mine["point"].iloc[int(values.to_numpy().argmin())])}
            for name, values in known.items()
            if np.isfinite(values).any()
        }
    return found


def _base(table: pd.DataFrame, digest: str) -> dict[str, int]:
    """By network, the point that is the first architecture as it was, if there is one."""
    mine = _simulated(table, [])
    mine = mine[mine["architecture_hash"] == digest].drop_duplicates("network")
    return {
        str(name): int(point) for name, point in zip(mine["network"], mine["point"], strict=True)
    }


def numeric(value: Scalar) -> tuple[float | str | bool, str]:
    """A value as a column holds it, and its unit: quantities as numbers of one unit."""
    unit = quantity_unit(value)
    for quantity in QUANTITIES:
        if unit in quantity.units:
            return quantity.parse(value), quantity.unit
    return value, ""


def _simulated(table: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    """Whose rows they are, with some columns."""
    of = ["point", "network", "architecture_hash", *columns]
    return table.loc[table["status"] == Status.SIMULATED, of]


def _table(space: DesignSpace, prospects: Sequence[Prospect], rows: Store) -> pd.DataFrame:
    points = [each.point for each in prospects]
    chips = {name: str(text.data["name"]) for name, text in space.chips.items()}
    columns: dict[str, Any] = {
        "point": np.array([point.number for point in points]),
        "workload": [_workload_name(each) for each in prospects],
        "network": [each.network for each in prospects],
        "architecture": [chips[point.architecture] for point in points],
    }
    for place, key in enumerate(space.spec.keys):
        columns[key] = _axis_column([numeric(point.values[place])[0] for point in points])
    columns["status"] = [str(each.status) for each in prospects]
    columns["error"] = [each.error for each in prospects]
    for place, (column, _) in enumerate(OBJECTIVES.values()):
        if f"floor_{column}" in FLOORS:
            columns[f"floor_{column}"] = np.array([_number(e.floors[place]) for e in prospects])
    columns |= _measured(prospects, rows)
    accuracies = np.array([_accuracy(each) for each in prospects])
    columns |= dict(zip(ACCURACY, accuracies.T, strict=True))
    traces = {each.traces: joint_hash(each.traces) for each in prospects if each.traces}
    columns["trace_hash"] = [traces.get(each.traces) for each in prospects]
    columns["architecture_hash"] = [each.architecture_hash for each in prospects]
    for name in ("error", *_WORDS):  # as they are, without copies
        columns[name] = pd.Series(columns[name], dtype=object)
    return pd.DataFrame(columns, copy=False)


def _accuracy(prospect: Prospect) -> tuple[float, ...]:
    """The columns of what its network gets wrong and right, in per cent."""
    if prospect.accuracy is None:
        return (math.nan,) * len(ACCURACY)
    known = prospect.accuracy
    low, high = known.interval
    return error_percent(known), 100 * known.share, 100 * low, 100 * high


def _measured(prospects: Sequence[Prospect], rows: Store) -> dict[str, Any]:
    """The columns that a simulation fills; the area is known of every chip."""
    places: dict[str, list[int]] = defaultdict(list)
    for place, each in enumerate(prospects):
        if each.was_simulated:
            places[str(each.key)].append(place)
    columns: dict[str, Any] = {
        name: np.full(len(prospects), None if name in _WORDS else math.nan)
        for name in (*MEASURED, *_ENERGIES)
    }
    columns["area_mm2"] = np.array([_number(each.costs[_AREA]) for each in prospects])
    for found in rows.found("simulated", list(places)):
        for name, column in columns.items():
            column[places[found.key]] = found.row.get(name)
    return columns


def _workload_name(prospect: Prospect) -> str:
    return prospect.network.partition(" ")[0]


def _axis_column(values: list[float | str | bool]) -> list[Any] | np.ndarray[Any, Any]:
    """Numbers where all are numbers; else words as they were written."""
    if all(isinstance(value, int) and not isinstance(value, bool) for value in values):
        return np.array(values)
    if all(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
        return np.array(values, dtype=float)
    return [str(value).lower() if isinstance(value, bool) else str(value) for value in values]


def _number(value: Any) -> float:
    return math.nan if value is None else float(value)


def _axes(spec: SweepSpec, table: pd.DataFrame) -> list[dict[str, Any]]:
    found = []
    for number, axis in enumerate(spec.axes):
        for place, key in enumerate(axis.columns):
            column = table[key]
            is_number = pd.api.types.is_numeric_dtype(column)
            found.append(
                {
                    "axis": number,
                    "key": key,
                    "unit": numeric(_sample(axis, place))[1] if is_number else "",
                    "scale": _scale(axis) if is_number else "words",
                    "values": column.drop_duplicates().tolist(),
                }
            )
    return found


def _sample(axis: Axis, place: int) -> Scalar:
    """Some value of a key of an axis."""
    levels = axis.levels
    if levels is not None:
        return levels[0][place]
    assert axis.range is not None
    first: Scalar = axis.range.first
    return first


def _scale(axis: Axis) -> str:
    return "log" if axis.range and axis.range.scale is Scale.LOG else "linear"
