"""Work floors: cycles and accesses of main layers, the least of any cut, on one kind of core.

What a job costs is in `codesign.mapping.work` and `codesign.mapping.mac_arrays`; why sums over jobs
are bounded so, in `codesign.floors.cores`.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from codesign.floors.groups import Group, Numbers
from codesign.mapping.datapaths import element_lanes, mac_datapath, scan_width, spike_datapath
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


@dataclass(frozen=True)
class Accesses:
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
class On:
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


def main_layers(on: On) -> Accesses:
    """What the main layers of a group cost at least."""
    group, core = on.group, on.core
    if group.work is Work.ACCUMULATE:
        return _gathered(on) if spike_datapath(core).pixels else _scattered(on)
    if group.work is Work.MULTIPLY:
        is_stationary = mac_datapath(core).dataflow == "weight_stationary"
        return _weight_stationary(on) if is_stationary else _output_stationary(on)
    return _on_host(on) if group.work is Work.HOST else _element_wise(on)


def _scattered(on: On) -> Accesses:
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
    return Accesses(
        scan=(bits / scan_width(core))[:, None] * group.lengths,
        main=np.maximum(group.units * adding[:, None], together * reading[:, None]),
        weight_reads=read,
        state_reads=sums,
        state_writes=sums,
        scan_reads=bits / core.input_memory.width_bits * group.timesteps,
    )


def _together(on: On) -> Numbers:
    """Vectors that are read. A part of a layer has no fewer than its pairs over the batch."""
    if not on.is_shared:
        return on.group.together
    share: Numbers = on.group.units / on.group.lengths.max(axis=1, keepdims=True)
    return share


def _gathered(on: On) -> Accesses:
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
    return Accesses(
        scan=(examined / scan_width(core))[:, None] * group.lengths,
        main=np.maximum(added * passes[:, None], read * cycles[:, None]),
        weight_reads=read.sum(axis=1) * words,
        scan_reads=examined / core.input_memory.width_bits * group.timesteps,
    )


def _operands(on: On) -> Numbers:
    """Pairs of an operand and a tap that are multiplied, by layer and step."""
    group = on.group
    if on.is_masked if on.is_shared else mac_datapath(on.core).zero_skipping:
        return group.nonzero
    return (group.pixels * group.terms * group.groups)[:, None] * group.lengths


def _output_stationary(on: On) -> Accesses:
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
    return Accesses(
        scan=0.0,
        main=np.maximum(taken * cycles[:, None], read / memory.banks),
        mac=operands.sum(axis=1) * group.channels,
        weight_reads=read.sum(axis=1),
        input_reads=taken.sum(axis=1) * passes * np.ceil(column_bits / inputs.width_bits),
    )


def _weight_stationary(on: On) -> Accesses:
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
    return Accesses(
        scan=0.0,
        main=busy,
        mac=operands.sum(axis=1) * group.channels,
        weight_reads=(loads > 0) * steps * group.groups * group.terms * weights,
        state_reads=0.0 if on.is_spread else later.sum(axis=1) * sums,
        state_writes=streamed.sum(axis=1) * sums,
        input_reads=inputs.sum(axis=1),
    )


def _on_host(on: On) -> Accesses:
    """All MACs, on an array that is always full."""
    group, array = on.group, mac_datapath(on.core)
    macs = group.pixels * group.terms * group.groups * group.channels
    cycles = np.ceil(macs / (array.rows * array.columns))
    return Accesses(scan=0.0, main=cycles[:, None] * group.lengths, mac=macs * group.timesteps)


def _element_wise(on: On) -> Accesses:
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
    return Accesses(
        scan=group.scanned / scan_width(core),
        main=np.where(is_adding, np.maximum(adding, reading), 0.0),
        scan_reads=(bits * is_pool).sum(axis=1) / core.input_memory.width_bits,
    )
