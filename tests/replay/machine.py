"""The machine: executes jobs at the moments of a schedule, and compares what they store."""

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from codesign.mapping.mapper import membranes_of
from codesign.workload import Kind, LayerType
from tests.oracle.parts import Part, Site, parts
from tests.replay.cores import CoreState, TileKey
from tests.replay.reference import trace_of
from tests.replay.runs import Run
from tests.replay.storage import Content, HazardError, Layout, Place, Storage, layout_of
from tests.replay.tiles import Load, Tile

Integers = NDArray[np.int64]
ACTIONS = ("weights", "computed", "stored", "begins to load", "loaded", "begins to store")
"""What happens to a job, in the order in which it does so within a cycle: what is there at the
end of a cycle can be read from then on, and is only then overwritten."""


@dataclass
class Execution:
    """A job on its way.

    Attributes:
        row: its columns.
        image: of which it is.
        tile: its part of its layer.
        read: what it loaded, by input and then operand.
        membranes: loaded with it, or to be stored with it.
        results: to be stored, by tensor.
        sums: to be sent.
    """

    row: dict[str, int]
    image: int
    tile: Tile
    read: list[Integers] = field(default_factory=list)
    membranes: Integers | None = None
    results: dict[str, Integers] = field(default_factory=dict)
    sums: Integers | None = None

    @property
    def part(self) -> Part:
        return self.tile.part

    @property
    def key(self) -> TileKey:
        return self.row["layer"], self.row["tile"]

    @cached_property
    def spills(self) -> bool:
        """Whether its membranes travel."""
        return self.tile.site.plan.geometry.membranes == "spilled" and self.part.is_last

    @property
    def begins(self) -> bool:
        """Whether membranes begin with it."""
        return self.part.timesteps[0] == 0

    def stamp(self, timesteps_back: int = 0) -> int:
        """A number for each image and timestep of the job's layer, from 1."""
        timesteps = self.tile.site.plan.geometry.timesteps
        return self.image * timesteps + self.part.timesteps[-1] + 1 - timesteps_back

    @cached_property
    def step(self) -> int:
        """Its place among all the tile's jobs."""
        sizes = self.tile.site.plan.geometry
        return self.image * sizes.steps + self.part.timesteps[0] // sizes.batch


class Machine:
    """All memories, and the jobs that are executed.

    Args:
        run: what is executed.
        layout: places of tensors, if others than the mapping counts on.
        without: jobs that are left out.
    """

    def __init__(self, run: Run, layout: Layout | None = None, without: tuple[int, ...] = ()):
        self.run = run
        self.layout = layout or layout_of(run.mapping)
        self.storage = Storage(self.layout)
        architecture = run.mapping.architecture
        self.cores = [CoreState(architecture.kinds[kind]) for kind in run.jobs.core_groups]
        self.jobs = {
            job: execution for job, execution in enumerate(self._executions()) if job not in without
        }
        self.written: dict[tuple[str, int], Integers] = {}
        self.stored: dict[tuple[str, int], Integers] = {}
        for image, values in enumerate(run.images):
            for name in self.layout.makers:
                self.written[name, image] = np.zeros(values[name].shape, dtype=np.int64)
                self.stored[name, image] = np.zeros(values[name].shape, dtype=np.int64)
        for execution in self.jobs.values():
            self.storage.reads_left.update(self._contents_read(execution))
            self.storage.writes_left.update(self._contents_made(execution))

    def _executions(self) -> list[Execution]:
        run = self.run
        trace = trace_of(run.network.workload, run.images[0])
        tiles = {
            (plan.fused.index, place.group, *key): Tile(run.network, site, part)
            for plan in run.mapping.plans
            for place in plan.places
            for site in [Site(run.mapping, plan.at(place), trace, place.group)]
            for key, part in parts(plan).items()
        }
        names = list(run.jobs.columns)
        rows = zip(*(run.jobs.columns[name].tolist() for name in names), strict=True)
        executions = []
        for values in rows:
            row = dict(zip(names, values, strict=True))
            kind = run.jobs.core_groups[row["core"]]
            tile = tiles[row["layer"], kind, row["timestep"], row["tile"], row["chunk"]]
            executions.append(Execution(row, run.jobs.stages[row["stage"]].image, tile))
        return executions

    def execute(self) -> None:
        """Everything that the schedule says, in its order.

        Raises:
            HazardError: a job reads what is not there, or its bits are not those that it moves.
        """
        schedule = self.run.schedule
        moments = {
            "weights": schedule.moments.weighted,
            "computed": schedule.started + self.run.jobs.compute_cycles(),
            "stored": schedule.stored,
            "begins to load": schedule.moments.alone,
            "loaded": schedule.moments.loaded,
            "begins to store": schedule.moments.roomed,
        }
        events = sorted(
            (int(moments[action][job]), order, job)
            for order, action in enumerate(ACTIONS)
            for job in self.jobs
            if action != "begins to store" or moments[action][job] < schedule.stored[job]
        )
        actions = (
            *(self._weights, self._compute, self._store),
            *(self._read, self._reread, self._begin_to_store),
        )
        for cycle, order, job in events:
            try:
                actions[order](self.jobs[job])
            except HazardError as hazard:
                layer, timestep = (self.jobs[job].row[name] for name in ("layer", "timestep"))
                where = f"job {job} (layer {layer}, timestep {timestep}) of cycle {cycle}"
                raise HazardError(f"{where} {ACTIONS[order]}: {hazard}") from None

    def compare(self) -> None:
        """What was stored against the reference.

        Raises:
            HazardError: an element was not stored once, or is another.
        """
        for (name, image), written in self.written.items():
            if (written != 1).any():
                raise HazardError(
                    f"every element of {name} must be stored once (got {set(written.flat)})"
                )
            expected = self.run.images[image][name]
            if not np.array_equal(self.stored[name, image], expected):
                raise HazardError(f"{name} of image {image} is not the reference")

    def _place(self, execution: Execution, name: str, timestep: int) -> Place:
        if name in self.layout.makers:
            return self.layout.place(name, execution.image, timestep)
        return f"{name} in DRAM", execution.image, timestep

    def _stamp(self, execution: Execution, name: str, timestep: int) -> int:
        timesteps = self.run.network.workload.tensor_by_name[name].timesteps
        return execution.image * timesteps + timestep + 1

    def _loads(self, execution: Execution) -> list[Load]:
        return [*execution.tile.inputs, *execution.tile.operands]

    def _contents_read(self, execution: Execution) -> set[Content]:
        return {
            (each.name, execution.image, self.layout.passed(each.name, execution.image, timestep))
            for each in self._loads(execution)
            if each.name in self.layout.makers
            for timestep in each.timesteps
        }

    def _contents_made(self, execution: Execution) -> set[Content]:
        image = execution.image
        return {
            (name, image, self.layout.passed(name, image, timestep))
            for name in execution.tile.stored
            for timestep in execution.part.timesteps
        }

    def _block(self, execution: Execution) -> tuple[int, int, int]:
        bands = len(execution.tile.site.plan.grid.bands)
        row = execution.row
        return row["layer"], row["tile"] // bands, row["chunk"]

    def _weights(self, execution: Execution) -> None:
        if execution.row["weight_bits"]:
            core = self.cores[execution.row["core"]]
            core.load_weights(self._block(execution), execution.row["weight_bits"])

    def _read(self, execution: Execution) -> None:
        """What it reads is there when the first bit is moved."""
        execution.read = self._found(execution)
        row, widths, moved = execution.row, self.run.mapping.widths, 0
        for load in self._loads(execution):
            moved += len(load.elements) * len(load.timesteps) * widths[load.name]
        if execution.spills and not execution.begins:
            moved += len(execution.tile.elements) * execution.tile.site.plan.geometry.sum_bits
        if moved != row["load_bits"] + row["load_dram_bits"]:
            raise HazardError(f"it reads {moved} bits, but loads others")

    def _reread(self, execution: Execution) -> None:
        """And still when the last bit was moved."""
        again = self._found(execution)
        if any(not np.array_equal(a, b) for a, b in zip(again, execution.read, strict=True)):
            raise HazardError("what it reads was overwritten meanwhile")
        if execution.spills and not execution.begins:
            execution.membranes = self.storage.read(
                self._membranes(execution),
                execution.stamp(len(execution.part.timesteps)),
                execution.tile.elements,
            )
        for content in self._contents_read(execution):
            self.storage.leave(content, reading=True)

    def _found(self, execution: Execution) -> list[Integers]:
        found = []
        for load in self._loads(execution):
            parts_of_it = []
            for timestep in load.timesteps:
                if load.name in self.layout.makers:
                    place = self._place(execution, load.name, timestep)
                    stamp = self._stamp(execution, load.name, timestep)
                    parts_of_it.append(self.storage.read(place, stamp, load.elements))
                else:  # the network's input, which lies in DRAM from the beginning
                    values = self.run.images[execution.image][load.name]
                    parts_of_it.append(values[timestep].ravel()[load.elements])
            found.append(np.stack(parts_of_it))
        return found

    def _compute(self, execution: Execution) -> None:
        tile, core, row = execution.tile, self.cores[execution.row["core"]], execution.row
        if row["block"] >= 0:
            core.use_weights(self._block(execution))
        core.turn_to(execution.image, execution.key)
        sums = tile.sums(execution.read)
        grid, timestep = tile.site.plan.grid, row["timestep"]
        if grid.is_spread and not execution.part.is_last:
            execution.sums = sums
            return
        if grid.is_spread:
            for chunk in range(len(grid.chunks) - 1):
                sums = sums + core.take(execution.key, chunk, execution.step)
        elif len(grid.chunks) > 1:
            sums = core.add_waiting(timestep, row["chunk"], sums)
        if not execution.part.is_last:
            return
        names = [load.name for load in tile.operands]
        operands = dict(zip(names, execution.read[len(tile.inputs) :], strict=True))
        values, membranes = tile.finished(sums, operands, self._membranes_of(execution, core))
        execution.results = {name: values[name] for name in tile.stored}
        execution.membranes = membranes
        if tile.site.plan.fused.has_neurons and not execution.spills:
            is_resident = tile.site.plan.geometry.membranes == "resident"
            core.keep(execution.key, execution.stamp(), membranes, is_resident=is_resident)

    def _membranes_of(self, execution: Execution, core: CoreState) -> Integers:
        if execution.begins or not execution.tile.site.plan.fused.has_neurons:
            return np.zeros(len(execution.tile.elements), dtype=np.int64)
        if execution.membranes is not None:
            return execution.membranes
        before = execution.stamp(len(execution.part.timesteps))
        is_resident = execution.tile.site.plan.geometry.membranes == "resident"
        return core.membranes(execution.key, before, is_resident=is_resident)

    def _membranes(self, execution: Execution) -> Place:
        return membranes_of(execution.tile.site.plan.fused), 0, 0

    def _begin_to_store(self, execution: Execution) -> None:
        if execution.sums is not None:
            owner = self.cores[execution.row["owner"]]
            owner.receive(execution.key, execution.row["chunk"], execution.step, None)
        for name in execution.tile.stored:
            if name not in self.run.mapping.in_dram:
                for content in self._contents_made(execution):
                    if content[0] == name:
                        self.storage.begin(content)
            for timestep in execution.part.timesteps:
                place = self._place(execution, name, timestep)
                self.storage.spoil(place, execution.tile.elements)
        if execution.spills and not execution.part.is_final:
            self.storage.spoil(self._membranes(execution), execution.tile.elements)

    def _store(self, execution: Execution) -> None:
        tile, row, moved = execution.tile, execution.row, 0
        if execution.sums is not None:
            owner = self.cores[row["owner"]]
            owner.receive(execution.key, row["chunk"], execution.step, execution.sums)
        for name, values in execution.results.items():
            for timestep, made in zip(execution.part.timesteps, values, strict=True):
                place = self._place(execution, name, timestep)
                stamp = self._stamp(execution, name, timestep)
                self.storage.write(place, stamp, tile.elements, made)
                self.written[name, execution.image][timestep].flat[tile.elements] += 1
                self.stored[name, execution.image][timestep].flat[tile.elements] = made
            moved += values.size * self.run.mapping.widths[name]
        if execution.spills and not execution.part.is_final:
            assert execution.membranes is not None
            place = self._membranes(execution)
            self.storage.write(place, execution.stamp(), tile.elements, execution.membranes)
            moved += len(tile.elements) * tile.site.plan.geometry.sum_bits
        for content in self._contents_made(execution):
            self.storage.leave(content, reading=False)
        if moved != row["store_bits"] + row["store_dram_bits"]:
            raise HazardError(f"it makes {moved} bits, but stores others")
        self._count_events(execution)

    def _count_events(self, execution: Execution) -> None:
        """Spikes that travel as addresses are those of the first image, which was recorded."""
        noc, tile = self.run.mapping.architecture.noc, execution.tile
        if noc is None or noc.spikes != "events" or execution.image:
            return
        kinds = {tensor.name: tensor.kind for tensor in self.run.network.workload.tensors}
        loads = zip(self._loads(execution), execution.read, strict=True)
        moved = [(load.name, values) for load, values in loads]
        if tile.main.type in (LayerType.PRODUCT, LayerType.TIME_MEAN):
            moved = moved[len(tile.inputs) :]  # inputs of these are bitmaps
        moved += execution.results.items()
        spikes = sum(int(values.sum()) for name, values in moved if kinds[name] is Kind.SPIKE)
        if spikes != execution.row["events"]:
            raise HazardError(f"it moves {spikes} spikes, but other address events")


def replay(run: Run, layout: Layout | None = None, without: tuple[int, ...] = ()) -> Machine:
    """Executes a run and compares all that it stores with the reference.

    Raises:
        HazardError: a job reads what is not there, or something stored is not the reference.
    """
    machine = Machine(run, layout, without)
    machine.execute()
    machine.compare()
    return machine
