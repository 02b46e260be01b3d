"""Layer demand: what one fused layer asks for, step by step, however it is cut.

Every number is summed over all jobs that compute a part of the layer at a step, or is the least
that such a sum can be. Elements of the input that are read are those of rows that any output row
reaches, each once, though every slice and neighbouring bands read some of them again.
"""

import math

import numpy as np

from codesign.counting import added_spikes
from codesign.floors.demand import Demand, Events, Integers
from codesign.mapping.fusion import ELEMENT_WISE, FusedLayer
from codesign.mapping.geometry import POOLS, Geometry, Work
from codesign.mapping.tiling import input_band
from codesign.specs.architecture import Policy
from codesign.workload import Kind, Layer, LayerType, Stream, Workload


class LayerDemand:
    """Numbers of one fused layer; they are named as in `codesign.floors.groups.Group`."""

    def __init__(
        self,
        demand: Demand,
        workload: Workload,
        fused: FusedLayer,
        sizes: Geometry,
        policy: Policy,
    ):
        self.fused, self.sizes, self._workload, self._policy = fused, sizes, workload, policy
        channels, height, width = sizes.output_map
        of_windows = sizes.work is not Work.ELEMENT_WISE
        self.groups = sizes.window.groups if of_windows else 1
        self.channels, self.pixels, self.size = (
            channels // self.groups,
            height * width,
            math.prod(sizes.output_map),
        )
        self.terms = sizes.input_channels_per_group * sizes.window.taps if of_windows else 1
        reached = [
            input_band((row, row + 1), sizes.window, sizes.input_map[1]) for row in range(height)
        ]
        self.always_loads = (
            all(last > first for first, last in reached) and min(sizes.input_map) > 0
        )
        rows = len({row for first, last in reached for row in range(first, last)})
        inputs = sizes.input_map[0] if of_windows else channels
        self.read = inputs * rows * sizes.input_map[2] * sizes.input_timesteps
        self.value_bits = channels * sizes.input_channels_per_group * sizes.value_bits
        self.lengths = np.full(sizes.steps, sizes.batch)
        self.lengths[-1] = sizes.timesteps - sizes.batch * (sizes.steps - 1)
        self._count_work(demand)
        self._count_elements(demand)

    def _by_step(self, counts: Integers) -> Integers:
        """Sums over the timesteps of each step; those of an input that is held count at each."""
        held = np.broadcast_to(counts, (self.sizes.timesteps,)) if len(counts) == 1 else counts
        sums: Integers = np.add.reduceat(held, np.arange(self.sizes.steps) * self.sizes.batch)
        return sums

    def _count_work(self, demand: Demand) -> None:
        none = np.zeros(self.sizes.steps, dtype=np.int64)
        self.units = self.together = self.nonzero = self.ac = none
        self.scanned = self.added = none
        self.shared: dict[int, Integers] = {}
        self.shared_together: dict[int, Integers] = {}
        events = demand.events.get(self.fused.main.name)
        if events is not None and self.sizes.work is Work.ACCUMULATE:
            units = self._units(events)
            self.units = self._by_step(units)
            self.ac = self.units * self.channels
            if events.met is not None:
                self.ac, self.together = self._by_step(events.met), self.units
            else:
                self.together = self._together(events, units)
            self._share(events, units)
        elif events is not None:
            self.nonzero = self._by_step(events.nonzero)
        elif self.fused.main.type in POOLS:
            self._count_pool(demand)
        elif self.fused.main.type is LayerType.TIME_MEAN:
            self.added = none + self.size * self.sizes.input_timesteps

    def _units(self, events: Events) -> Integers:
        """Accumulations that inputs cause for each weight that they meet."""
        kind = self._workload.input_tensor(self.fused.main).kind
        if not self.sizes.is_serial:
            return events.units
        return events.nonzero * self.sizes.input_bits if kind is Kind.REAL else events.set_bits

    def _together(self, events: Events, units: Integers) -> Integers:
        """Vectors of weights that a step reads: one for all its timesteps that need it, hence at
        least as many as the timestep that needs most."""
        batch, steps = self.sizes.batch, self.sizes.steps
        is_held = len(units) == 1
        if batch == 1 or is_held:
            return self._by_step(units) if batch == 1 else np.repeat(units, steps)
        unions = {} if self.sizes.is_serial else events.unions
        if batch in unions:
            return unions[batch]
        most: Integers = np.maximum.reduceat(units, np.arange(steps) * batch)
        return most

    def _share(self, events: Events, units: Integers) -> None:
        """Vectors that pixels share: one for every tap at which any has an event, and for an
        integer one for each event of the pixel that has most, hence all of them over the pixels."""
        main = self._workload.input_tensor(self.fused.main)
        is_real = self.sizes.is_serial and main.kind is Kind.REAL
        for pixels, vectors in events.shared.items():
            counts = vectors * (self.sizes.input_bits if is_real else 1)
            counts = np.maximum(counts, -(-units // pixels))
            self.shared[pixels] = self._by_step(counts)
            if len(counts) == 1:
                most = np.repeat(counts, self.sizes.steps)
            else:
                most = np.maximum.reduceat(counts, np.arange(self.sizes.steps) * self.sizes.batch)
            is_apart = events.met is not None or self.sizes.batch == 1
            self.shared_together[pixels] = self.shared[pixels] if is_apart else most

    def _count_pool(self, demand: Demand) -> None:
        main = self.fused.main
        is_spikes = self._workload.input_tensor(main).kind is Kind.SPIKE
        if not is_spikes:
            self.added = self.read * self.lengths
            return
        entering = self._by_step(demand.entering[main.name, main.inputs[0]])
        self.scanned = self.read * self.sizes.input_bits * self.lengths
        if main.type is LayerType.AVERAGE_POOL:
            self.added = entering

    def _count_elements(self, demand: Demand) -> None:
        """Operations of the element-wise layers; a pool of reals takes every element once."""
        main, elements = self.fused.main, self.size * self.lengths
        self.leads = main.type in ELEMENT_WISE
        layers = self.fused.layers if self.leads else self.fused.epilogue
        self.has_epilogue = bool(layers)
        none = np.zeros(self.sizes.steps, dtype=np.int64)
        done = {"addition": none, "logic": none, "neuron": none}
        self.busiest = none
        for layer in layers:
            name, count = self._operations(demand, layer, elements)
            done[name] = done[name] + count
            self.busiest = np.maximum(self.busiest, count)
        if main.type is LayerType.TIME_MEAN:
            done["addition"] = done["addition"] + self.added
        if main.type in POOLS:
            is_spikes = self._workload.input_tensor(main).kind is Kind.SPIKE
            name = "logic" if is_spikes and main.type is LayerType.MAX_POOL else "addition"
            count = math.prod(self.sizes.input_map) * self.lengths
            if is_spikes:
                count = self._by_step(demand.entering[main.name, main.inputs[0]])
            done[name] = done[name] + count
        self.addition, self.logic, self.neuron = done["addition"], done["logic"], done["neuron"]

    def _operations(self, demand: Demand, layer: Layer, elements: Integers) -> tuple[str, Integers]:
        if layer.type in (LayerType.NEURON, LayerType.LOGIC):
            return str(layer.type), elements
        added = added_spikes(self._workload, layer)
        is_sparse = self._policy.accumulation_additions != "dense"
        is_pathway = layer.type is LayerType.ADD and layer.stream is Stream.ACCUMULATION
        if is_pathway and added and is_sparse:
            return "addition", self._by_step(demand.spikes[added])
        return "addition", elements
