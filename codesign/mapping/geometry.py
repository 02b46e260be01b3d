"""Geometry: the sizes and widths of a fused layer that decide what fits where.

Everything here follows from shapes and the architecture's number formats; no spikes are looked
at. All maps are `(channels, rows, columns)`; a vector is a map of one pixel. A linear layer is a
convolution of one tap whose channels are its features and whose rows are the places that they
stand at (tokens): `(*places, features)` counts as `(features, places, 1)`. A product of recorded
values is such a layer too, with a group of channels for each head: its first operand is the input,
its second takes the place of weights. A pool of a vector takes neighbours: each output has a column
of them.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Literal

from codesign.mapping.fusion import FusedLayer
from codesign.mapping.tiling import Grid, as_map, most_input_rows
from codesign.specs.architecture import Architecture, Core, Precision
from codesign.workload import SYNAPTIC, Kind, Layer, LayerType, Window, Workload

POINT = Window((1, 1))
POOLS = (LayerType.MAX_POOL, LayerType.AVERAGE_POOL)


class Work(StrEnum):
    """Which datapath a fused layer's main layer needs."""

    ACCUMULATE = "ac"
    MULTIPLY = "mac"
    HOST = "host"
    """None of the chip: it is done outside."""
    ELEMENT_WISE = "element-wise"


@dataclass(frozen=True)
class Geometry:
    """Sizes of a fused layer.

    Attributes:
        work: the datapath of the main layer.
        input_map: what the main layer reads at one timestep.
        output_map: what the fused layer makes at one timestep.
        window: of a convolution or pool; one tap for everything else.
        timesteps: how often it is computed.
        input_timesteps: how many timesteps of its input one computation reads: T for a mean
            over time, else 1.
        input_bits: width of an element of the main layer's input.
        weight_bits: width of a weight; 0 without weights.
        bias_bits: width of the bias of an output channel; 0 without biases.
        sum_bits: width of a partial sum or membrane; 0 where there are none.
        has_neurons: whether membranes must be kept from one timestep to the next.
        operand_bits: widths of all operands of one output element together.
        stored_bits: widths of all stored results of one output element together.
        value_bits: width of a value of a product's second operand; 0 for other layers.
        membranes: where they are from one timestep to the next: beside the tile's sums (`local`)
            if its timesteps follow each other; else in the state memory to the end (`resident`),
            or stored outside and loaded again (`spilled`).
        waiting_timesteps: timesteps whose partial sums wait for the next chunk of input channels.
        batch: timesteps of one job.
        is_serial: whether values that are no spikes are accumulated bit by bit.
        sums_in: where partial sums grow while a job is computed: on the `membranes` themselves if
            nothing is against it, in `registers` of the datapath, or in state `memory` of their
            own.
    """

    work: Work
    input_map: tuple[int, int, int]
    output_map: tuple[int, int, int]
    window: Window
    timesteps: int
    input_timesteps: int
    input_bits: int
    weight_bits: int
    bias_bits: int
    sum_bits: int
    has_neurons: bool
    operand_bits: int
    stored_bits: int
    value_bits: int = 0
    membranes: Literal["local", "resident", "spilled"] = "local"
    waiting_timesteps: int = 1
    batch: int = 1
    is_serial: bool = False
    sums_in: Literal["membranes", "registers", "memory"] = "membranes"

    @property
    def steps(self) -> int:
        """Jobs of a tile, one after the other, until all timesteps are computed."""
        return -(-self.timesteps // self.batch)

    @property
    def spilled_bits(self) -> int:
        """Width of a membrane that is stored outside and loaded again; 0 if it is not."""
        return self.sum_bits if self.membranes == "spilled" else 0

    def resident_bits(self, grid: Grid, tiles: int) -> int:
        """Membranes of so many tiles, if a core keeps them in its state memory from the first
        timestep to the last."""
        return tiles * grid.largest_tile * self.sum_bits * (self.membranes == "resident")

    @property
    def reads_windows(self) -> bool:
        """Whether an output needs inputs of other places or channels."""
        return self.work is not Work.ELEMENT_WISE or self.window != POINT

    @property
    def input_channels_per_group(self) -> int:
        return self.input_map[0] // self.window.groups

    @property
    def outputs_per_group(self) -> int:
        return self.output_map[0] // self.window.groups

    @property
    def macs(self) -> int:
        """Multiply-accumulates of a convolution at one timestep, those with padding among them."""
        return math.prod(self.output_map) * self.input_channels_per_group * self.window.taps

    def input_channels(self, channels: int, chunk: int) -> int:
        """Input channels that a slice of so many output channels reads of a chunk."""
        if self.work is Work.ELEMENT_WISE:
            return channels
        if self.window.groups == 1:
            return chunk
        return max(1, channels // self.outputs_per_group) * chunk

    def block_bits(self, channels: int, chunk: int, *, is_last: bool = True) -> int:
        """Weights of a slice of output channels by a chunk of input channels.

        The biases come with the last chunk, whose job adds them to the sums.
        """
        weights = channels * chunk * self.window.taps * self.weight_bits
        return weights + channels * self.bias_bits * is_last

    def value_block_bits(self, channels: int, chunk: int) -> int:
        """A product's values of a job, for a slice of output channels and a chunk of terms."""
        return channels * chunk * self.value_bits * self.batch

    def layer_bits(self) -> int:
        """All weights and biases of the layer."""
        return self.block_bits(self.output_map[0], self.input_channels_per_group)

    def keeps_weights(self, share: int) -> bool:
        """Whether the weight buffer holds the whole layer while it is computed.

        Then every block is fetched once; else as often as `codesign.mapping.tiling.fetch_rounds`
        says.
        """
        return self.layer_bits() <= share

    def input_tile_bits(self, grid: Grid) -> int:
        """Input of the largest job, held in the input memory (state memory if element-wise)."""
        rows = most_input_rows(grid.bands, self.window, self.input_map[1])
        channels = self.input_channels(grid.largest_slice, grid.largest_chunk)
        elements = channels * rows * self.input_map[2]
        return elements * self.input_bits * self.input_timesteps * self.batch

    def state_bits(self, grid: Grid, places: int = 2) -> int:
        """State memory that the largest tile needs: the job at work, and with double buffering
        (two places) beside it the results of the job before and the operands of the next."""
        others = self.results_bits(grid) + self.operands_bits(grid)
        return self.at_work_bits(grid) + (places - 1) * others

    def at_work_bits(self, grid: Grid) -> int:
        """State memory that the largest job needs while it is computed.

        Sums grow on the membranes themselves, unless the job has several timesteps. If input
        channels are cut into chunks, the sums of all timesteps wait for the last chunk, beside
        the membranes.
        """
        copies = 1 if self.batch == 1 else self.batch + self.has_neurons
        if grid.is_spread:  # sums of the others, of the next job as well
            copies = self.batch * (2 * len(grid.chunks) - 1) + self.has_neurons
        elif len(grid.chunks) > 1:
            copies = self.waiting_timesteps + self.has_neurons
        elif self.sums_in == "memory":
            copies = self.batch + self.has_neurons
        elif self.sums_in == "registers":
            copies = int(self.has_neurons)  # the datapath holds the sums until they are results
        copies -= self.membranes == "resident" and self.has_neurons  # counted apart
        sums = grid.largest_tile * copies * self.sum_bits
        return sums + self.results_bits(grid) + self.operands_bits(grid)

    def results_bits(self, grid: Grid) -> int:
        """Results of the largest job, held until they are stored, or partial sums until they
        are sent."""
        stored = self.batch * self.stored_bits + self.spilled_bits
        if grid.is_spread:
            stored = max(stored, self.batch * self.sum_bits)
        return grid.largest_tile * stored

    def operands_bits(self, grid: Grid) -> int:
        """Operands of the largest job, loaded ahead; with its input if that needs no windows."""
        staged = self.operand_bits * self.batch + self.spilled_bits
        if not self.reads_windows:
            staged += self.input_bits * self.input_timesteps * self.batch
        return grid.largest_tile * staged


def geometry(
    workload: Workload,
    fused: FusedLayer,
    architecture: Architecture,
    widths: Mapping[str, int],
) -> Geometry:
    """The sizes of one fused layer on this architecture; `widths` are of elements, by tensor."""
    precision = chip_precision(architecture)
    inputs = workload.input_tensor(fused.main)
    output = fused.output(workload)
    input_map, output_map = as_map(inputs.shape), as_map(output.shape)
    if fused.main.type is LayerType.LINEAR:
        places = math.prod(output.shape[:-1])
        input_map = (inputs.size // places, places, 1)
        output_map = (output.shape[-1], places, 1)
    if fused.main.type in POOLS and len(inputs.shape) == 1:
        # neighbours in a vector: a column of them for each output
        input_map = (output.size, inputs.size // output.size, 1)
    window, value_bits = fused.main.window or POINT, 0
    if fused.main.contraction is not None:
        meet = fused.main.contraction
        input_map = (meet.groups * meet.inner, meet.places, 1)
        output_map = (meet.groups * meet.outputs, meet.places, 1)
        window, value_bits = Window((1, 1), groups=meet.groups), widths[fused.main.inputs[1]]
    batch = min(architecture.schedule.time_batch, output.timesteps)
    in_layers = architecture.schedule.order == "layer"
    takes_time = fused.main.type is LayerType.TIME_MEAN
    work = work_of(workload, fused, architecture)
    synaptic = work in (Work.ACCUMULATE, Work.MULTIPLY)
    return Geometry(
        work=work,
        input_map=input_map,
        output_map=output_map,
        window=window,
        timesteps=output.timesteps,
        input_timesteps=inputs.timesteps if takes_time else 1,
        input_bits=widths[inputs.name],
        weight_bits=precision.weight_bits if synaptic and not value_bits else 0,
        bias_bits=precision.accumulator_bits if synaptic and fused.main.bias else 0,
        sum_bits=precision.accumulator_bits if synaptic or fused.has_neurons else 0,
        has_neurons=fused.has_neurons,
        operand_bits=sum(widths[name] for name in fused.operands),
        stored_bits=sum(widths[name] for name in fused.stored),
        value_bits=value_bits,
        waiting_timesteps=output.timesteps if in_layers else batch,
        batch=batch,
        is_serial=is_bit_serial(workload, fused, architecture),
        sums_in="registers" if work is Work.MULTIPLY else "membranes",
    )


def on_core(sizes: Geometry, core: Core) -> Geometry:
    """The sizes on a kind of core, whose dataflow says where partial sums grow."""
    if sizes.work is Work.ACCUMULATE and core.spike and core.spike.dataflow == "gather":
        return replace(sizes, sums_in="registers")
    if sizes.work is Work.MULTIPLY and core.mac and core.mac.dataflow == "weight_stationary":
        return replace(sizes, sums_in="memory")
    return sizes


def work_of(workload: Workload, fused: FusedLayer, architecture: Architecture) -> Work:
    """AC for spikes and their products, MAC for other values if the policy says nothing else."""
    if fused.main.type is LayerType.PRODUCT:
        return Work.ACCUMULATE
    if not fused.is_synaptic:
        return Work.ELEMENT_WISE
    if is_on_host(workload, fused.main, architecture):
        return Work.HOST
    kind = workload.input_tensor(fused.main).kind
    assert architecture.policy is not None
    repeated = kind is Kind.INTEGER and architecture.policy.integer_input == "repeat"
    accumulates = kind is Kind.SPIKE or repeated or is_bit_serial(workload, fused, architecture)
    return Work.ACCUMULATE if accumulates else Work.MULTIPLY


def is_on_host(workload: Workload, layer: Layer, architecture: Architecture) -> bool:
    """Whether a layer is done outside the chip, by the policy."""
    policy = architecture.policy
    if layer.type not in SYNAPTIC or policy is None:
        return False
    kind = workload.input_tensor(layer).kind
    choice = {Kind.INTEGER: policy.integer_input, Kind.REAL: policy.real_input}.get(kind)
    return choice == "host"


def is_bit_serial(workload: Workload, fused: FusedLayer, architecture: Architecture) -> bool:
    """Whether a layer's values are accumulated bit by bit, by the policy."""
    policy = architecture.policy
    if not fused.is_synaptic or policy is None:
        return False
    kind = workload.input_tensor(fused.main).kind
    choice = {Kind.INTEGER: policy.integer_input, Kind.REAL: policy.real_input}.get(kind)
    if choice != "bit_serial":
        return False
    return policy.bit_serial_layers == "all" or _is_at_an_end(workload, fused.main)


def _is_at_an_end(workload: Workload, layer: Layer) -> bool:
    """Whether a layer reads the network's input, or is linear with no neurons behind it."""
    if not any(name in workload.producer_by_tensor for name in layer.inputs):
        return True
    if layer.type is not LayerType.LINEAR:
        return False
    behind, seen = [layer], set()
    while behind:
        current = behind.pop()
        for follower in workload.consumers_by_tensor[current.output]:
            if follower.type is LayerType.NEURON:
                return False
            if follower.name not in seen:
                seen.add(follower.name)
                behind.append(follower)
    return True


def places_of(core: Core) -> int:
    """Places of a core's input and output: two with double buffering, else one."""
    return 2 if core.double_buffering else 1


def chip_precision(architecture: Architecture) -> Precision:
    """The number formats of an architecture that has cores."""
    assert architecture.precision is not None, "an architecture with cores states its precision"
    return architecture.precision


def needs_of(geometry: Geometry, grid: Grid, core: Core, share: int) -> list[tuple[str, int, int]]:
    """Memories that the largest job of a grid overflows: (name, bits needed, bits there are).

    Args:
        geometry: sizes of the layer.
        grid: how it is cut.
        core: the kind of core that does it.
        share: bits of the weight buffer that this kind of core has.
    """
    block = geometry.block_bits(grid.largest_slice, grid.largest_chunk)
    values = geometry.value_block_bits(grid.largest_slice, grid.largest_chunk)
    held = geometry.input_tile_bits(grid) if geometry.reads_windows else 0
    places = places_of(core)
    needs = [
        ("weight_memory", places * (block + values), core.weight_memory.size_bits),
        ("weight_buffer", block, share),
        ("input_memory", places * held, core.input_memory.size_bits),
        ("state_memory", geometry.state_bits(grid, places), core.state_memory.size_bits),
    ]
    return [(name, need, size) for name, need, size in needs if need > size]
