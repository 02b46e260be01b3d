"""Groups: the fused layers of a network as arrays, by the datapath that they need.

How layers are fused, how wide their numbers are and which datapath they need follows from the
network and a few choices of a chip (`Choices`); sizes and counts of memories and cores change
nothing. So this is made once for each such choice, and floors are a few array operations on it.

Every number holds for any cut of the layer: it is summed over all jobs that compute a part of it.
Elements of the input that are read are those of rows that any output row reaches, each once,
though every slice and neighbouring bands read some of them again.
"""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from codesign.counting import added_spikes
from codesign.exploration.demand import Demand, Events, Integers
from codesign.mapping.counters import as_computed
from codesign.mapping.fusion import ELEMENT_WISE, FusedLayer, fuse, read_tensors, recomputable
from codesign.mapping.geometry import POOLS, Geometry, Work, geometry, is_on_host
from codesign.mapping.order import makers_of
from codesign.mapping.tiling import input_band
from codesign.mapping.widths import element_widths
from codesign.specs.architecture import Architecture, Policy, Precision, Schedule
from codesign.workload import Kind, Layer, LayerType, Stream, Workload

Numbers = NDArray[np.float64]
"""Whole numbers below 2^53, of each layer `(layers,)` or of each of its steps `(layers, steps)`."""

Flags = NDArray[np.bool_]


class Choices(NamedTuple):
    """What of a chip decides how layers are fused and how wide their numbers are.

    Attributes:
        policy: what the paper leaves to the hardware.
        precision: widths of numbers.
        is_in_layers: whether the order of work is `layer`.
        batch: timesteps of one job.
    """

    policy: Policy
    precision: Precision
    is_in_layers: bool
    batch: int

    def as_architecture(self) -> Architecture:
        """A chip of which nothing else is known."""
        order = "layer" if self.is_in_layers else "timestep"
        schedule = Schedule(order=order, time_batch=self.batch)
        return Architecture.model_construct(
            name="any",
            description="",
            policy=self.policy,
            precision=self.precision,
            schedule=schedule,
        )


@dataclass(frozen=True, eq=False)
class Group:
    """Layers that the same kinds of core can do.

    Attributes:
        work: the datapath of their main layers.
        stream: whose they are; of element-wise layers it decides which cores do them.
        layers: their numbers in the order of computation.
        example: one of them, with its sizes.
        grouped: whether a slice of output channels has whole groups of the convolution.
        groups: of the convolution.
        channels: output channels that share their inputs.
        terms: input channels of a group times taps.
        pixels: of an output map.
        size: elements of an output map.
        input_bits, weight_bits: widths of an element of the input and of a weight (or of a value
            of a product).
        bias_bits, sum_bits, operand_bits, stored_bits: as of `Geometry`.
        read: elements of the main input that a timestep's computation reads at least.
        value_bits: all values of a product at one timestep.
        has_neurons, reads_windows, leads, has_epilogue: whether membranes are kept; whether the
            input is held in the input memory; whether the main layer is part of the epilogue; and
            whether there are element-wise layers.
        lengths: timesteps of each step; 0 for steps that a layer does not have.
        units: pairs of an event and a tap, of an AC datapath; `together`: those of which any
            timestep of the step has the event.
        nonzero: pairs of a non-zero element and a tap, of a MAC array.
        shared, shared_together: by output pixels of a gathering core, the fewest vectors of weights
            that are added, and of those that are read for all timesteps of the step.
        ac, addition, logic, neuron: operations.
        busiest: operations of the element-wise layer that has most.
        scanned: spikes' bits that a pool scans.
        added: elements that a pool or a mean over time adds up.
    """

    work: Work
    stream: Stream
    layers: NDArray[np.int64]
    example: tuple[FusedLayer, Geometry]
    grouped: Flags
    groups: Numbers
    channels: Numbers
    terms: Numbers
    pixels: Numbers
    size: Numbers
    input_bits: Numbers
    weight_bits: Numbers
    bias_bits: Numbers
    sum_bits: Numbers
    operand_bits: Numbers
    stored_bits: Numbers
    read: Numbers
    value_bits: Numbers
    has_neurons: Flags
    reads_windows: Flags
    leads: Flags
    has_epilogue: Flags
    lengths: Numbers
    units: Numbers
    together: Numbers
    nonzero: Numbers
    ac: Numbers
    addition: Numbers
    logic: Numbers
    neuron: Numbers
    busiest: Numbers
    scanned: Numbers
    added: Numbers
    shared: Mapping[int, Numbers]
    shared_together: Mapping[int, Numbers]

    @cached_property
    def exists(self) -> Numbers:
        """1 for each step that a layer has."""
        return np.asarray(self.lengths > 0, dtype=np.float64)

    @cached_property
    def timesteps(self) -> Numbers:
        """Of each layer."""
        return np.asarray(self.lengths.sum(axis=1))

    @cached_property
    def steps(self) -> Numbers:
        """Of each layer."""
        return np.asarray(self.exists.sum(axis=1))

    @cached_property
    def operations(self) -> dict[str, Numbers]:
        """Of each layer, by kind, but for MACs, which depend on the array."""
        names = ("ac", "addition", "neuron", "logic")
        return {name: getattr(self, name).sum(axis=1) for name in names}


@dataclass(frozen=True)
class Tensors:
    """Tensors that fused layers store or read, `(tensors,)`.

    Attributes:
        stored_bits: by the layer that makes it, all timesteps together.
        loaded_bits: by all that read it, at least.
        held_bits: that it takes in the activation buffer while it is there, at least.
        host_stored_bits, host_loaded_bits: of those stored and loaded, those by a host.
        is_outside: whether no layer makes it, so that it lives in the DRAM.
        is_spikes: whether it may travel as address events.
    """

    stored_bits: Numbers
    loaded_bits: Numbers
    held_bits: Numbers
    host_stored_bits: Numbers
    host_loaded_bits: Numbers
    is_outside: Flags
    is_spikes: Flags


@dataclass(frozen=True, eq=False)
class Asked:
    """What a network asks of a chip that has made its choices.

    Attributes:
        groups: of fused layers.
        tensors: that move.
        needs: of each fused layer those that make what it reads, and whether it needs all their
            timesteps.
        steps: of each fused layer, how often each of its tiles is computed.
        weight_bits: of each fused layer, all its weights and biases.
        membrane_bits: of each fused layer, its membranes if it has several timesteps.
        meetings: 1 where a layer reads or stores a tensor, `(layers, tensors)`.
        host_macs: of layers that a host does.
        outside_bits: of main inputs that no layer makes, by layer and step.
        always_loads: whether every job of a layer loads a part of its input.
        stores: whether a layer stores anything.
    """

    groups: tuple[Group, ...]
    tensors: Tensors
    needs: tuple[tuple[tuple[int, bool], ...], ...]
    steps: tuple[int, ...]
    weight_bits: tuple[int, ...]
    membrane_bits: Numbers
    meetings: Numbers
    host_macs: int
    outside_bits: Numbers
    always_loads: tuple[bool, ...]
    stores: tuple[bool, ...]


@lru_cache(maxsize=64)
def asked(demand: Demand, choices: Choices) -> Asked:
    """What the demand asks for under such choices."""
    architecture, policy = choices.as_architecture(), choices.policy
    workload = as_computed(demand.workload, policy)
    on_host = {each.name for each in workload.layers if is_on_host(workload, each, architecture)}
    repeats = policy.static_layers == "recompute"
    repeated = recomputable(workload) - on_host if repeats else frozenset()
    fused_layers = fuse(workload, on_host, repeated)
    widths = element_widths(workload, choices.precision)
    sizes = [geometry(workload, each, architecture, widths) for each in fused_layers]
    rows = [
        _Row(demand, workload, fused, each, policy)
        for fused, each in zip(fused_layers, sizes, strict=True)
    ]
    parts: dict[tuple[Work, Stream], list[_Row]] = defaultdict(list)
    for row in rows:
        is_any = row.sizes.work is not Work.ELEMENT_WISE
        parts[row.sizes.work, Stream.SPIKE if is_any else row.fused.stream].append(row)
    steps = tuple(each.steps for each in sizes)
    membranes = [
        math.prod(each.output_map) * each.sum_bits * (each.has_neurons and each.timesteps > 1)
        for each in sizes
    ]
    touched = [dict.fromkeys((*read_tensors(fused), *fused.stored)) for fused in fused_layers]
    names = tuple(dict.fromkeys(name for each in touched for name in each))
    made = {name for fused in fused_layers for name in fused.stored}
    return Asked(
        tuple(_group(key, mine, max(steps)) for key, mine in parts.items()),
        _tensors(workload, names, rows, widths, choices),
        _needs(fused_layers, makers_of(fused_layers)),
        steps,
        tuple(each.layer_bits() for each in sizes),
        np.array(membranes, dtype=np.float64),
        np.array([[name in each for name in names] for each in touched], dtype=np.float64),
        sum(each.macs * each.timesteps for each in sizes if each.work is Work.HOST),
        _from_outside(rows, made, max(steps)),
        tuple(row.always_loads for row in rows),
        tuple(each.stored_bits > 0 for each in sizes),
    )


class _Row:
    """Numbers of one fused layer; they are named as in `Group`."""

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


_OF_SIZES = ("input_bits", "bias_bits", "sum_bits", "operand_bits", "stored_bits")
_OF_ROWS = ("groups", "channels", "terms", "pixels", "size", "read", "value_bits")
_FLAGS_OF_SIZES, _FLAGS_OF_ROWS = ("has_neurons", "reads_windows"), ("leads", "has_epilogue")
_BY_STEP = (
    *("lengths", "units", "together", "nonzero", "ac", "addition", "logic", "neuron"),
    *("busiest", "scanned", "added"),
)


def _group(key: tuple[Work, Stream], rows: list[_Row], steps: int) -> Group:
    """Rows as arrays."""
    numbers: dict[str, Any] = {}
    for name in (*_OF_SIZES, *_FLAGS_OF_SIZES):
        numbers[name] = np.array([getattr(row.sizes, name) for row in rows])
    for name in (*_OF_ROWS, *_FLAGS_OF_ROWS):
        numbers[name] = np.array([getattr(row, name) for row in rows])
    for name in (*_OF_SIZES, *_OF_ROWS):
        numbers[name] = numbers[name].astype(np.float64)
    for name in _BY_STEP:
        numbers[name] = _padded([getattr(row, name) for row in rows], steps)
    for name in ("shared", "shared_together"):
        tables = [getattr(row, name) for row in rows]
        numbers[name] = {
            pixels: _padded([table[pixels] for table in tables], steps) for pixels in tables[0]
        }
    numbers["grouped"] = numbers["groups"] > 1
    widths = [row.sizes.weight_bits + row.sizes.value_bits for row in rows]
    numbers["weight_bits"] = np.array(widths, dtype=np.float64)
    layers = np.array([row.fused.index for row in rows])
    return Group(*key, layers, (rows[0].fused, rows[0].sizes), **numbers)


def _padded(rows: Sequence[Integers], steps: int) -> Numbers:
    """Numbers of each layer's steps, with 0 for those that it does not have."""
    table = np.zeros((len(rows), steps))
    for number, values in enumerate(rows):
        table[number, : len(values)] = values
    return table


def _needs(
    fused_layers: tuple[FusedLayer, ...], makers: tuple[tuple[int, ...], ...]
) -> tuple[tuple[tuple[int, bool], ...], ...]:
    return tuple(
        tuple((maker, fused.main.type is LayerType.TIME_MEAN) for maker in made)
        for fused, made in zip(fused_layers, makers, strict=True)
    )


def _from_outside(rows: list[_Row], made: set[str], steps: int) -> Numbers:
    """Bits of main inputs that no layer makes, which come from the DRAM, by layer and step."""
    table = np.zeros((len(rows), steps))
    for number, row in enumerate(rows):
        if row.fused.sources[0] not in made:
            bits = row.read * row.sizes.input_bits * row.lengths
            table[number, : len(bits)] = bits
    return table


def _tensors(
    workload: Workload,
    names: Sequence[str],
    rows: list[_Row],
    widths: dict[str, int],
    choices: Choices,
) -> Tensors:
    """What moves. In `layer` order the buffer holds all timesteps of a tensor; else those of a job
    at least, but all of those that a mean over time reads, that are made less often than others, or
    that leave the network."""
    stored, loaded, host_stored, host_loaded = (defaultdict[str, int](int) for _ in range(4))
    averaged: set[str] = set()
    for row in rows:
        is_host, timesteps = row.sizes.work is Work.HOST, row.sizes.timesteps
        read = (row.read * row.sizes.input_bits, row.value_bits)
        moves = [(name, bits, loaded) for name, bits in zip(row.fused.sources, read, strict=False)]
        moves += [(name, row.size * widths[name], loaded) for name in row.fused.operands]
        moves += [(name, row.size * widths[name], stored) for name in row.fused.stored]
        for name, bits, table in moves:
            table[name] += bits * timesteps
            (host_loaded if table is loaded else host_stored)[name] += bits * timesteps * is_host
        if row.fused.main.type is LayerType.TIME_MEAN:
            averaged.update((*row.fused.sources, *row.fused.operands))
    passes, held = max(row.sizes.steps for row in rows), dict[str, int]()
    for name in names:
        tensor = workload.tensor_by_name[name]
        is_whole = choices.is_in_layers or name in averaged or name in workload.outputs
        is_whole = is_whole or -(-tensor.timesteps // choices.batch) < passes
        at_once = tensor.timesteps if is_whole else min(choices.batch, tensor.timesteps)
        held[name] = at_once * tensor.size * widths[name]

    def of(table: Mapping[str, int]) -> Numbers:
        return np.array([table.get(name, 0) for name in names], dtype=np.float64)

    return Tensors(
        of(stored),
        of(loaded),
        of(held),
        of(host_stored),
        of(host_loaded),
        np.array([name not in stored for name in names]),
        np.array([workload.tensor_by_name[name].kind is Kind.SPIKE for name in names]),
    )
