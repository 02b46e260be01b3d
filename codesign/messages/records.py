"""Records of a run: what every unit did in which cycles, and which of them the run waited for."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from codesign.messages.mesh import Mesh
from codesign.messages.placement import Placement
from codesign.messages.populations import Population
from codesign.messages.timesteps import UNITS, Timesteps
from codesign.results import OCCUPANCY_COLUMNS, PATH_COLUMNS, TIMELINE_COLUMNS

BUSY = {"soma": "neuron", "synapses": "accumulate"}
"""What a unit of a core is said to do."""

CAUSES = {"soma": "compute_soma", "synapses": "compute_synapses", "links": "noc"}

Owner = tuple[str, str, int]
"""Layer, stream and how many timesteps of the chip its own ones are behind."""


class Records:
    """Tables of one run.

    Its rows are told of the population whose core it is; a link carries messages of many, and its
    rows are the chip's.
    """

    def __init__(
        self,
        steps: Timesteps,
        populations: tuple[Population, ...],
        placement: Placement,
        mesh: Mesh,
        timesteps: int,
    ):
        self._steps, self._mesh, self._timesteps = steps, mesh, timesteps
        self._owners: list[Owner] = [
            (populations[owner].name, str(populations[owner].stream), populations[owner].depth)
            for owner in placement.owner
        ]

    def occupancy(self) -> pd.DataFrame:
        """Cycles of each unit of each core by state; columns `OCCUPANCY_COLUMNS`.

        A unit that is done waits for the busiest one (`dependency`) and then for the barrier.
        """
        makespan = self._steps.makespan_cycles
        starts = self._steps.start_cycles
        rows = []
        for unit, state in BUSY.items():
            cycles = getattr(self._steps, unit)
            for core in range(len(self._owners)):
                worked = np.flatnonzero(cycles[:, core])
                last = int(worked[-1]) if len(worked) else 0
                end = int(starts[last] + cycles[last, core])
                waits = self._steps.work_cycles[:last] - cycles[:last, core]
                barriers = last * self._steps.barrier_cycles
                states = {state: int(cycles[:, core].sum()), "dependency": int(waits.sum())}
                states |= {"barrier": barriers, "idle": makespan - end}
                rows += [
                    (f"{unit}[{core}]", unit, name, spent)
                    for name, spent in states.items()
                    if spent
                ]
        return pd.DataFrame(rows, columns=OCCUPANCY_COLUMNS)

    def timeline(self) -> pd.DataFrame:
        """When each unit and link was busy; columns `TIMELINE_COLUMNS`."""
        rows = [row for unit in UNITS for row in self._rows(unit)]
        table = pd.DataFrame(rows, columns=TIMELINE_COLUMNS)
        return table.sort_values(["resource", "start_cycle"], kind="stable", ignore_index=True)

    def _rows(self, unit: str) -> Iterator[tuple[str, str, str, int, int, str, int, int]]:
        cycles, starts = getattr(self._steps, unit), self._steps.start_cycles
        state = BUSY.get(unit, "transfer")
        for step, place in zip(*np.nonzero(cycles), strict=True):
            layer, stream, timestep = self._whose(unit, int(place), int(step))
            start, end = int(starts[step]), int(starts[step] + cycles[step, place])
            yield self._name(unit, int(place)), layer, stream, timestep, -1, state, start, end

    def critical_path(self) -> pd.DataFrame:
        """The busiest unit of each timestep, and its barrier; columns `PATH_COLUMNS`."""
        rows = []
        starts = self._steps.start_cycles.tolist()
        for step, work in enumerate(self._steps.work_cycles.tolist()):
            longest = {u: int(getattr(self._steps, u)[step].max(initial=0)) for u in UNITS}
            unit = max(UNITS, key=longest.__getitem__)  # the first of equals
            place = int(getattr(self._steps, unit)[step].argmax())
            layer, _, timestep = self._whose(unit, place, step)
            agreed = starts[step] + work
            whose = (layer, timestep, -1)
            rows.append((starts[step], agreed, CAUSES[unit], self._name(unit, place), *whose))
            if self._steps.barrier_cycles:
                rows.append((agreed, starts[step + 1], "barrier", "barrier", *whose))
        return pd.DataFrame(rows, columns=PATH_COLUMNS)

    def _name(self, unit: str, place: int) -> str:
        return self._mesh.names[place] if unit == "links" else f"{unit}[{place}]"

    def _whose(self, unit: str, place: int, step: int) -> tuple[str, str, int]:
        """Layer, stream and the layer's own timestep. What comes to synapses and links may be of
        several timesteps at once, and in others of the chip neurons are only accessed: -1."""
        if unit == "links":
            return "", "chip", -1
        layer, stream, depth = self._owners[place]
        timestep = step - depth
        if unit == "soma" and not 0 <= timestep < self._timesteps:
            return layer, "chip", -1
        return layer, stream, timestep if unit == "soma" else -1
