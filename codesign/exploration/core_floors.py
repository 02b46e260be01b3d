"""Core floors: the least that cores of a kind spend on a group of layers, however these are cut.

Cycles and accesses of a job are sums of products of whole numbers, each rounded up
(`codesign.mapping.work`, `codesign.mapping.mac_arrays`, `codesign.mapping.epilogue`). Three facts
bound their sums over the jobs of any cut from below:

- rounded quotients of parts add up to no less than the rounded quotient of the whole, so that
  slices of output channels, bands of pixels and chunks of inputs can be put together again;
- a sum of maxima is no less than the maximum of the sums, so that lanes and ports can be summed
  apart;
- every tile is computed at every step by one job at least, and every weight and element of the
  input is read by one job at least.

Where several kinds of core can do a layer (`is_shared`), each may do any part of it. Then all kinds
are bounded by rates, without rounding, of the same numbers: pairs, elements, bits that are read.
The whole costs at least what it would if each number were handled by the kind that is cheapest for
it, whoever does what.

Left out, because it depends on the cut: inputs that several slices or bands read, biases that
several bands read, sums that wait for the next chunk or travel to another core, the first cycles of
all jobs but one of a step.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from codesign.exploration.groups import Group, Numbers
from codesign.mapping.datapaths import element_lanes, mac_datapath, scan_width, spike_datapath
from codesign.mapping.expected_cycles import core_fill
from codesign.mapping.geometry import Work
from codesign.specs.architecture import Core, Precision


class Among(NamedTuple):
    """What there is beside a kind of core that does a group.

    Attributes:
        is_shared: whether other kinds may do a part of a layer.
        is_masked: whether any of the kinds skips zeros, so that pairs that are not zero are all
            that is sure to be multiplied.
        is_spread: whether chunks of a layer's input may be on different cores.
    """

    is_shared: bool = False
    is_masked: bool = False
    is_spread: bool = False


Basis = tuple[str, str]
"""A component of energy, and the number that it grows with: of operations, of pairs that meet in
the main layer, of bits that it reads, or of output elements."""


@dataclass(frozen=True)
class CoreFloor:
    """What a group asks of one kind of core, if it did everything.

    Attributes:
        scan, main, epilogue, tail: cycles by layer and step: of scanning, of the main layer's
            datapath, of element-wise layers that follow it, and of neurons and the filling of the
            datapath. A core is busy for the longer of the first and the next two, and the last.
        energy_pj: of each layer, without clocks, by component and what it grows with.
    """

    scan: Numbers
    main: Numbers
    epilogue: Numbers
    tail: Numbers
    energy_pj: dict[Basis, Numbers]

    @property
    def busy(self) -> Numbers:
        cycles: Numbers = np.maximum(self.scan, self.main + self.epilogue) + self.tail
        return cycles


@dataclass(frozen=True)
class _Accesses:
    """Of a core's memories by the main layer, and its cycles; `scan_reads` of the input memory
    grow with the input's bits."""

    scan: Numbers | float
    main: Numbers | float
    mac: Numbers | float = 0.0
    weight_reads: Numbers | float = 0.0
    state_reads: Numbers | float = 0.0
    state_writes: Numbers | float = 0.0
    input_reads: Numbers | float = 0.0
    scan_reads: Numbers | float = 0.0


@dataclass(frozen=True)
class _On:
    """A group on a kind of core."""

    group: Group
    core: Core
    precision: Precision
    is_shared: bool
    is_masked: bool
    is_spread: bool

    def slices(self, channels: Numbers, unit: Numbers | float) -> Numbers:
        """Units that the output channels of all slices fill together. Slices of a convolution in
        groups have whole groups, so that there the units of a group are known."""
        parts: Numbers = channels / unit
        whole: Numbers = np.ceil(parts)
        return np.where(self.group.grouped, whole, parts) if self.is_shared else whole

    def words(self, channels: Numbers, bits: Numbers | float, width: int) -> Numbers:
        """The same of words or cycles that so many bits of each channel fill."""
        parts: Numbers = channels * bits / width
        whole: Numbers = np.ceil(parts)
        return np.where(self.group.grouped, whole, parts) if self.is_shared else whole

    def tiled(self, channels: Numbers, most: int, bits: int, width: int) -> Numbers:
        """Words that channels fill if at most so many are brought at once."""
        whole = np.ceil(channels / most) * np.ceil(np.minimum(channels, most) * bits / width)
        parts: Numbers = channels * _words_a_channel(most, bits, width)
        if not self.is_shared:
            parts = np.maximum(np.ceil(parts * (1 - 1e-12)), np.ceil(channels * bits / width))
        return np.where(self.group.grouped, whole, parts)


@lru_cache(maxsize=4096)
def _words_a_channel(most: int, bits: int, width: int) -> float:
    """The fewest words per channel of any number of channels up to the most."""
    lengths = np.arange(1, most + 1)
    return float((-(-lengths * bits // width) / lengths).min())


def core_floor(group: Group, core: Core, precision: Precision, among: Among) -> CoreFloor:
    """What a group asks of a kind of core at least.

    Args:
        group: layers that it can do.
        core: the kind.
        precision: widths of numbers.
        among: what else there is on the chip.
    """
    on = _On(group, core, precision, *among)
    if group.work is Work.ACCUMULATE:
        found = _gathered(on) if spike_datapath(core).pixels else _scattered(on)
    elif group.work is Work.MULTIPLY:
        is_stationary = mac_datapath(core).dataflow == "weight_stationary"
        found = _weight_stationary(on) if is_stationary else _output_stationary(on)
    elif group.work is Work.HOST:
        found = _on_host(on)
    else:
        found = _element_wise(on)
    return _with_epilogue(on, found)


def _scattered(on: _On) -> _Accesses:
    """A vector of weights is read for each pair, and added to sums in the state memory."""
    group, core = on.group, on.core
    together = _together(on)
    sum_bits, weight_bits = on.precision.accumulator_bits, group.weight_bits
    channels, memory, state = group.channels, core.weight_memory, core.state_memory
    adding = np.maximum(
        on.slices(channels, spike_datapath(core).lanes),
        on.words(channels, sum_bits, state.bits_per_cycle),
    )
    reading = on.words(channels, weight_bits, memory.bits_per_cycle)
    sums = group.units.sum(axis=1) * on.words(channels, sum_bits, state.width_bits)
    read = together.sum(axis=1) * on.words(channels, weight_bits, memory.width_bits)
    bits = group.read * group.input_bits
    return _Accesses(
        scan=(bits / scan_width(core))[:, None] * group.lengths,
        main=np.maximum(group.units * adding[:, None], together * reading[:, None]),
        weight_reads=read,
        state_reads=sums,
        state_writes=sums,
        scan_reads=bits / core.input_memory.width_bits * group.timesteps,
    )


def _together(on: _On) -> Numbers:
    """Vectors that are read. A part of a layer has no fewer than its pairs over the batch."""
    if not on.is_shared:
        return on.group.together
    share: Numbers = on.group.units / on.group.lengths.max(axis=1, keepdims=True)
    return share


def _gathered(on: _On) -> _Accesses:
    """A vector serves at most all pixels of a group, and scanning goes through their windows as
    often as the channels fill the lanes."""
    group, core = on.group, on.core
    datapath, memory = spike_datapath(core), core.weight_memory
    assert datapath.pixels is not None
    side_by_side = datapath.lanes // datapath.pixels
    passes = on.slices(group.channels, side_by_side)
    added, read = group.units / datapath.pixels, _together(on) / datapath.pixels
    if not on.is_shared and datapath.pixels in group.shared:
        added = group.shared[datapath.pixels]
        read = np.maximum(read, group.shared_together[datapath.pixels])
    cycles = np.maximum(passes, on.words(group.channels, group.weight_bits, memory.bits_per_cycle))
    words = np.maximum(passes, on.words(group.channels, group.weight_bits, memory.width_bits))
    if on.is_shared:
        examined = group.read * group.input_bits
    else:
        examined = group.pixels * group.terms * group.groups * group.input_bits * passes
    return _Accesses(
        scan=(examined / scan_width(core))[:, None] * group.lengths,
        main=np.maximum(added * passes[:, None], read * cycles[:, None]),
        weight_reads=read.sum(axis=1) * words,
        scan_reads=examined / core.input_memory.width_bits * group.timesteps,
    )


def _operands(on: _On) -> Numbers:
    """Pairs of an operand and a tap that are multiplied, by layer and step."""
    group = on.group
    if on.is_masked if on.is_shared else mac_datapath(on.core).zero_skipping:
        return group.nonzero
    return (group.pixels * group.terms * group.groups)[:, None] * group.lengths


def _output_stationary(on: _On) -> _Accesses:
    """Pixels fill the columns, channels the rows."""
    group, core, array = on.group, on.core, mac_datapath(on.core)
    skips, operands = array.zero_skipping, _operands(on)
    memory, inputs = core.weight_memory, core.input_memory
    weight_bits = on.precision.weight_bits
    passes = on.slices(group.channels, array.rows)
    weights = on.tiled(group.channels, array.rows, weight_bits, memory.width_bits)
    column_bits = array.columns * group.input_bits
    delivering = np.maximum(1, np.ceil(column_bits / inputs.bits_per_cycle))
    cycles = np.maximum(
        passes * delivering, on.words(group.channels, weight_bits, memory.bits_per_cycle)
    )
    taken = operands / array.columns
    if not (skips or on.is_shared):
        at_once = np.ceil(group.pixels[:, None] * group.lengths / array.columns)
        taken = at_once * (group.terms * group.groups)[:, None]
    vectors = operands if skips and not on.is_shared else taken
    read = vectors * weights[:, None]
    return _Accesses(
        scan=0.0,
        main=np.maximum(taken * cycles[:, None], read / memory.banks),
        mac=operands.sum(axis=1) * group.channels,
        weight_reads=read.sum(axis=1),
        input_reads=taken.sum(axis=1) * passes * np.ceil(column_bits / inputs.width_bits),
    )


def _weight_stationary(on: _On) -> _Accesses:
    """Pixels stream through tiles of weights; their sums pass the state memory.

    The first tile of a tile's first chunk begins the sums, and is taken by every pixel.
    """
    group, core, array = on.group, on.core, mac_datapath(on.core)
    operands, state = _operands(on), core.state_memory
    sum_bits, weight_bits = on.precision.accumulator_bits, on.precision.weight_bits
    columns = on.slices(group.channels, array.columns)
    summing = on.words(group.channels, sum_bits, state.bits_per_cycle)
    sums = on.tiled(group.channels, array.columns, sum_bits, state.width_bits)
    begun = (group.pixels * group.groups)[:, None] * group.lengths
    delivering = np.ceil(group.terms * group.input_bits / core.input_memory.bits_per_cycle)
    tiles = np.ceil(group.terms / array.rows)
    if on.is_shared:
        streamed, later = operands / array.rows, np.zeros_like(operands)
        busy = streamed * np.maximum(columns, summing)[:, None]
        inputs = streamed * columns[:, None]
        loads = np.zeros_like(columns)
    else:
        first = begun * group.terms[:, None].clip(max=array.rows)
        later = (operands - first).clip(min=0) / array.rows
        if not array.zero_skipping:
            later = begun * (tiles - 1)[:, None]
        streamed = begun + later
        busy = streamed * np.maximum(columns, summing)[:, None]
        inputs = streamed * columns[:, None]
        if not array.zero_skipping:
            busy = np.maximum(busy, begun * (np.maximum(tiles, delivering) * columns)[:, None])
            each = np.maximum(
                tiles, np.ceil(group.terms * group.input_bits / core.input_memory.width_bits)
            )
            inputs = begun * (each * columns)[:, None]
        loads = group.groups * tiles * columns
        busy = busy + (loads * array.rows)[:, None] * group.exists
    weights = on.tiled(group.channels, array.columns, weight_bits, core.weight_memory.width_bits)
    steps = group.steps
    return _Accesses(
        scan=0.0,
        main=busy,
        mac=operands.sum(axis=1) * group.channels,
        weight_reads=(loads > 0) * steps * group.groups * group.terms * weights,
        state_reads=0.0 if on.is_spread else later.sum(axis=1) * sums,
        state_writes=streamed.sum(axis=1) * sums,
        input_reads=inputs.sum(axis=1),
    )


def _on_host(on: _On) -> _Accesses:
    """All MACs, on an array that is always full."""
    group, array = on.group, mac_datapath(on.core)
    macs = group.pixels * group.terms * group.groups * group.channels
    cycles = np.ceil(macs / (array.rows * array.columns))
    return _Accesses(scan=0.0, main=cycles[:, None] * group.lengths, mac=macs * group.timesteps)


def _element_wise(on: _On) -> _Accesses:
    """Pools hold their input in the input memory, other layers beside their state."""
    group, core = on.group, on.core
    bits = (group.read * group.input_bits)[:, None] * group.lengths
    is_adding = group.added > 0
    is_pool = group.reads_windows[:, None]
    adding = group.added / element_lanes(core)
    if on.is_shared:
        adding = np.zeros_like(adding)
    widest = max(core.input_memory.bits_per_cycle, core.state_memory.bits_per_cycle)
    reading = bits / np.where(is_pool, core.input_memory.bits_per_cycle, widest)
    return _Accesses(
        scan=group.scanned / scan_width(core),
        main=np.where(is_adding, np.maximum(adding, reading), 0.0),
        scan_reads=(bits * is_pool).sum(axis=1) / core.input_memory.width_bits,
    )


def _with_epilogue(on: _On, found: _Accesses) -> CoreFloor:
    """The main layer's work, the epilogue's, and what all accesses of the core cost."""
    group, core = on.group, on.core
    weights, state, inputs = core.weight_memory, core.state_memory, core.input_memory
    timesteps, steps = group.timesteps, group.steps
    sums = group.size * group.sum_bits / state.width_bits
    membranes, apart = sums * group.has_neurons, sums * _are_apart(on)
    results = group.size * group.stored_bits / state.width_bits
    operands = group.size * group.operand_bits / state.width_bits
    entering = np.where(group.reads_windows, 0.0, group.read * group.input_bits)
    at_once = operands + np.where(group.leads, entering / state.width_bits, 0.0)
    held = entering / state.width_bits
    biases = on.words(group.channels * group.groups, group.bias_bits, weights.width_bits)
    read = (membranes + apart + at_once) / state.banks
    epilogue = np.zeros_like(group.lengths) + read[:, None] * group.lengths
    if not on.is_shared:
        of_biases = np.ceil(biases / weights.banks)[:, None] * group.exists
        epilogue = np.maximum(epilogue, of_biases)
    elements = group.size[:, None] * group.lengths
    every = np.zeros_like(group.busiest) if on.is_shared else group.busiest
    passing = np.maximum(every / element_lanes(core), elements / scan_width(core))
    passing = np.where(group.has_epilogue[:, None], passing, 0.0)
    is_neuron = group.has_neurons[:, None]
    passing = np.where(is_neuron, elements / core.neuron_lanes, passing)
    epilogue = np.maximum(epilogue, passing)
    fill = 0 if on.is_shared else core_fill(core, group.work)
    tail = np.where(is_neuron, epilogue, 0.0) + fill * group.exists
    biased = np.zeros_like(biases) if on.is_shared else biases * steps
    of_elements = (membranes + apart + operands + results) * timesteps
    both_pj = state.read_pj + state.write_pj
    input_bits = group.read * group.input_bits * timesteps
    into_memory = np.where(group.reads_windows, input_bits / inputs.width_bits, 0.0)
    energy_pj: dict[Basis, Numbers | float] = {
        ("weight_memory", "pairs"): found.weight_reads * weights.read_pj,
        ("weight_memory", "elements"): biased * weights.read_pj,
        ("weight_memory", "bits"): group.value_bits
        * (timesteps / weights.width_bits * weights.write_pj),
        ("state_memory", "pairs"): found.state_reads * state.read_pj
        + found.state_writes * state.write_pj,
        ("state_memory", "elements"): of_elements * state.read_pj
        + (of_elements - apart * timesteps) * state.write_pj,
        ("state_memory", "bits"): held * timesteps * both_pj,
        ("input_memory", "pairs"): found.input_reads * inputs.read_pj,
        ("input_memory", "bits"): found.scan_reads * inputs.read_pj + into_memory * inputs.write_pj,
    }
    none = np.zeros_like(group.size)
    return CoreFloor(
        scan=np.zeros_like(group.lengths) + found.scan,
        main=np.zeros_like(group.lengths) + found.main,
        epilogue=np.where(is_neuron, 0.0, epilogue),
        tail=tail,
        energy_pj=_operations(on, found)
        | {basis: none + spent_pj for basis, spent_pj in energy_pj.items()},
    )


def _are_apart(on: _On) -> Numbers:
    """1 where sums in the state memory are not the membranes themselves, and are read once more.

    A cut of the input into chunks keeps them apart as well, which is not known here.
    """
    group, core = on.group, on.core
    if group.work is Work.ACCUMULATE and spike_datapath(core).pixels is None:
        has_batches = group.lengths.max(axis=1) > 1
        return np.asarray(~group.has_neurons | has_batches, dtype=np.float64)
    is_stationary = group.work is Work.MULTIPLY and (
        mac_datapath(core).dataflow == "weight_stationary"
    )
    return np.full(len(group.size), float(is_stationary))


def _operations(on: _On, found: _Accesses) -> dict[Basis, Numbers]:
    """Energy of operations."""
    group, prices = on.group, on.core.operations
    counts = group.operations | {"mac": found.mac + np.zeros_like(group.size)}
    return {
        (name, "operations"): count * (getattr(prices, f"{name}_pj") or 0.0)
        for name, count in counts.items()
    }
