"""A sweep as its report reads it: which points have values, of which objectives, by which axes.

Points are those that were simulated. If none was, as in a sweep of bounds, they are those with
floors, and the floors stand in place of results; every sentence then says so.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations, product
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from codesign.exploration.effects import Factor, Shares, factors, variance_shares
from codesign.exploration.fronts import front
from codesign.exploration.results import OBJECTIVES, Status, SweepResult
from codesign.pages.drawing import label
from codesign.pages.palette import RUN_COLOURS
from codesign.pages.sweeps.quantities import Objective, axis_text, floor_of, objective

POINTS_FILE = "points.parquet"
"""Beside the page: every column of every point."""

_BESIDE = ("latency", "energy", "area")
"""What is shown beside a single objective: it takes two to see what is given up."""


@dataclass(frozen=True, eq=False)
class Study:
    """A sweep that is reported.

    Attributes:
        result: the sweep.
        points: the rows with values, numbered from 0.
        is_floors: whether the values are lower bounds, since nothing was simulated.
        objectives: those with a value anywhere; first those of the sweep.
    """

    result: SweepResult
    points: pd.DataFrame
    is_floors: bool
    objectives: tuple[Objective, ...]

    @property
    def summary(self) -> Mapping[str, Any]:
        return self.result.summary

    @cached_property
    def networks(self) -> list[str]:
        """Those that have points, in the order of the sweep."""
        present = set(self.points["network"])
        return [name for name in self.summary["networks"] if name in present]

    @cached_property
    def workloads(self) -> list[str]:
        """Those that have points, in the order of the sweep."""
        present = set(self.points["workload"])
        return [name for name in self.summary["workloads"] if name in present]

    @cached_property
    def axes(self) -> list[Mapping[str, Any]]:
        """The axes of the sweep, and the architecture if there are several."""
        axes = list(self.summary["axes"])
        names = list(self.summary["architectures"])
        if len(names) > 1 and all(axis["key"] != "architecture" for axis in axes):
            axes.insert(0, {"key": "architecture", "unit": "", "scale": "words", "values": names})
        return axes

    @cached_property
    def units(self) -> dict[str, str]:
        """Unit of each axis."""
        return {axis["key"]: axis["unit"] for axis in self.axes}

    @cached_property
    def factors(self) -> list[Factor]:
        """The axes that vary among the points."""
        return factors(self.points, self.axes) if len(self.points) else []

    @cached_property
    def shares(self) -> dict[tuple[str, str], Shares]:
        """By name of the objective and workload, how its variance is shared out to the factors.

        Axes that make networks of a workload, as the number of timesteps does, are factors too.
        """
        return {
            (each.name, workload): variance_shares(
                self.factors, self.values(each), self.of_workload(workload)
            )
            for each, workload in product(self.objectives, self.workloads)
        }

    @cached_property
    def ranked(self) -> list[Factor]:
        """The factors, those first that explain most of an objective of a workload."""
        shares = [each.single for each in self.shares.values()]

        def most(place: int) -> float:
            return max((own[place] for own in shares if np.isfinite(own[place])), default=0.0)

        order = sorted(range(len(self.factors)), key=most, reverse=True)
        return [self.factors[place] for place in order]

    @cached_property
    def constant(self) -> list[str]:
        """The axes that have one value at all points."""
        varying = {key for each in self.factors for key in each.keys}
        return [axis["key"] for axis in self.axes if axis["key"] not in varying]

    @cached_property
    def is_on_front(self) -> NDArray[np.bool_]:
        """Of each point, whether no other that it is compared with beats it in the sweep's
        objectives."""
        fronts = self.summary["fronts"]
        if any(fronts.values()):
            numbers = [number for each in fronts.values() for number in each]
            return self.points["point"].isin(numbers).to_numpy()
        found = np.zeros(len(self.points), dtype=bool)
        wanted = [each for each in self.objectives if each.name in self.summary["objectives"]]
        columns = [each.column for each in wanted or self.objectives]
        for own in self.compared.values():
            found[own] = front(self.points.loc[own, columns].to_numpy(dtype=np.float64))
        return found

    @cached_property
    def varying(self) -> list[Mapping[str, Any]]:
        """The axes that have more than one value among the points; of one point, all."""
        found = [axis for axis in self.axes if axis["key"] not in self.constant]
        return found or self.axes

    @cached_property
    def pair_fronts(self) -> dict[frozenset[str], dict[str, NDArray[np.int64]]]:
        """By two objectives' names and by what is compared, the points that no other beats in
        these two."""
        found: dict[frozenset[str], dict[str, NDArray[np.int64]]] = {}
        for pair in combinations(self.objectives, 2):
            costs = np.stack([self.values(each) for each in pair], axis=1)
            places = {name: np.flatnonzero(own) for name, own in self.compared.items()}
            found[frozenset(each.name for each in pair)] = {
                name: own[front(costs[own])] for name, own in places.items()
            }
        return found

    @cached_property
    def compared(self) -> dict[str, NDArray[np.bool_]]:
        """By name, which points are compared with each other: those of a network, or, if the error
        rate is an objective, of all networks."""
        names = self.summary.get("compared", {})
        groups = self.points["network"].map(lambda name: names.get(name, name))
        return {name: (groups == name).to_numpy() for name in dict.fromkeys(groups)}

    @property
    def compares_networks(self) -> bool:
        """Whether designs of different networks are compared."""
        return len(self.compared) < len(self.networks)

    def of(self, network: str) -> NDArray[np.bool_]:
        """Which points are of a network."""
        return (self.points["network"] == network).to_numpy()

    def values(self, wanted: Objective) -> NDArray[np.float64]:
        """An objective at each point, in the unit of its column; NaN where unknown."""
        return self.points[wanted.column].to_numpy(dtype=np.float64)

    def of_workload(self, workload: str) -> NDArray[np.bool_]:
        """Which points are of a workload, whatever an axis changed in it."""
        return (self.points["workload"] == workload).to_numpy()

    @cached_property
    def shown_as(self) -> dict[str, str]:
        """By network, what a legend calls it: its workload, where networks have no colour each."""
        if len(self.networks) <= len(RUN_COLOURS):
            return {name: name for name in self.networks}
        first = self.points.drop_duplicates("network")
        return dict(zip(first["network"], first["workload"], strict=True))

    def colour(self, name: str) -> str:
        """That of a network or a workload, the same on every figure."""
        shown = list(dict.fromkeys(self.shown_as.values()))
        if name not in shown:
            shown = shown if name in self.shown_as else list(self.summary["workloads"])
            name = self.shown_as.get(name, name)
        return RUN_COLOURS[shown.index(name) % len(RUN_COLOURS)]

    def design(self, row: Mapping[str, Any], keys: Sequence[str] | None = None) -> str:
        """The axes' values of a row, as `cores.spike.count = 16, schedule.order = layer`."""
        keys = [axis["key"] for axis in self.axes] if keys is None else keys
        return ", ".join(f"{key} = {axis_text(row[key], self.units[key])}" for key in keys)

    def row(self, point: int) -> dict[str, Any]:
        """A point with values by its number."""
        return self._by_number[point]

    @cached_property
    def _by_number(self) -> dict[int, dict[str, Any]]:
        return {row["point"]: row for row in self.rows}

    @cached_property
    def rows(self) -> list[dict[str, Any]]:
        """The points one by one."""
        return [
            {str(name): value for name, value in row.items()}
            for row in self.points.to_dict("records")
        ]

    def hover(self, place: int) -> str:
        """The whole design at a point, for who points at it."""
        row = self.rows[place]
        lines = [f"<b>point {row['point']}, {label(str(row['network']))}</b>"]
        for axis in self.axes:
            text = axis_text(row[axis["key"]], axis["unit"])
            lines.append(f"{label(axis['key'])}: {label(text)}")
        for each in self.objectives:
            lines.append(f"<b>{each.words}: {each.text(row[each.column]) or 'unknown'}</b>")
        if np.isfinite(row.get("accuracy_percent", np.nan)):
            interval = f"{row['accuracy_low_percent']:.1f} to {row['accuracy_high_percent']:.1f}"
            lines.append(f"accuracy: {row['accuracy_percent']:.4g} % (95 % interval {interval} %)")
        lines.append("on the front" if self.is_on_front[place] else "not on the front")
        return "<br>".join(lines)


def study(result: SweepResult) -> Study:
    """Chooses points and objectives: results, or floors where nothing was simulated."""
    table = result.points
    points = table[table["status"] == Status.SIMULATED].reset_index(drop=True)
    is_floors = points.empty
    if is_floors:
        floors = [each for name in OBJECTIVES if (each := floor_of(name))]
        known = table[[each.column for each in floors]].notna().any(axis=1)
        points = table[known & (table["status"] == Status.BOUNDED)].reset_index(drop=True)
        is_floors = not points.empty
    names = [*result.summary["objectives"]]
    if len(names) == 1 or is_floors:
        names += [name for name in _BESIDE if name not in names]
    found = [floor_of(name) if is_floors else objective(name) for name in names]
    shown = [each for each in found if each and points[each.column].notna().any()]
    if not is_floors and len(result.summary["objectives"]) == 1:
        shown = shown[:2]
    return Study(result, points, is_floors, tuple(shown))
