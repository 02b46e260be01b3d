"""Datapaths: cycles and memory accesses of one job, from its exact counts.

Pure functions of integers or integer arrays. The mapper calls them with expected counts to
choose tiles, lowering with recorded ones; the simulation only adds up what they return.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from codesign.specs.architecture import Core, MacDatapath, Memory, Precision, SpikeDatapath

Integers = NDArray[np.int64]


def ceil_divide(numerator: Integers | int, denominator: int) -> Integers:
    """Quotient rounded up, of integers."""
    quotient: Integers = -(-np.asarray(numerator, dtype=np.int64) // denominator)
    return quotient


def words(bits: Integers | int, memory: Memory) -> Integers:
    """Accesses of one bank that move so many bits."""
    return ceil_divide(bits, memory.width_bits)


@dataclass(frozen=True)
class WeightVector:
    """What it costs a spike core to add one weight of each output channel to their sums.

    Attributes:
        adding_cycles: the slower of the lanes and the state memory (which reads and writes one
            word of each bank in a cycle).
        reading_cycles: those of the weight memory.
        weight_words: reads of the weight memory.
        state_words: reads, and as many writes, of the state memory.
        passes: times that the scanner goes through the input, because not all channels have
            lanes at once.
    """

    adding_cycles: int
    reading_cycles: int
    weight_words: int
    state_words: int
    passes: int = 1

    @property
    def cycles(self) -> int:
        """Of one that reads its own weights."""
        return max(self.adding_cycles, self.reading_cycles)


def weight_vector(
    core: Core, precision: Precision, channels: int, value_bits: int = 0
) -> WeightVector:
    """The cost of adding the weights of so many output channels to their partial sums.

    A core that scatters does so for each (spike, tap) pair, and its sums pass the state memory. One
    that gathers does it for each (group of pixels, tap) that has a spike, and its sums are in
    registers: as many channels as have lanes beside each other are finished before the next.

    Args:
        core: with an AC side.
        precision: widths of weights and sums.
        channels: output channels.
        value_bits: width of what is added in the place of weights, if it is something else.
    """
    datapath, memory = spike_datapath(core), core.weight_memory
    each_bits = value_bits or precision.weight_bits
    if datapath.pixels is not None:
        side_by_side = min(channels, datapath.lanes // datapath.pixels)
        full, rest = divmod(channels, side_by_side)
        parts = [side_by_side * each_bits] * full + [rest * each_bits] * (rest > 0)
        reading = sum(-(-bits // memory.bits_per_cycle) for bits in parts)
        read = sum(-(-bits // memory.width_bits) for bits in parts)
        return WeightVector(len(parts), reading, read, 0, len(parts))
    weight_bits, sum_bits = channels * each_bits, channels * precision.accumulator_bits
    return WeightVector(
        max(-(-channels // datapath.lanes), -(-sum_bits // core.state_memory.bits_per_cycle)),
        -(-weight_bits // memory.bits_per_cycle),
        -(-weight_bits // memory.width_bits),
        -(-sum_bits // core.state_memory.width_bits),
    )


@dataclass(frozen=True)
class ArrayPass:
    """How a MAC array does one tap of one input channel for its output pixels.

    Attributes:
        passes: times that the output channels of a group fill the array, one after the other.
        cycles: cycles of one (channel, tap) for one group of pixels, at least 1; more if a
            memory cannot deliver a row of weights or a column of inputs in time.
        weight_words: reads of the weight memory in that time.
        input_words: reads of the input memory in that time.
    """

    passes: int
    cycles: int
    weight_words: int
    input_words: int


def array_pass(
    core: Core, precision: Precision, channels_per_group: int, input_bits: int
) -> ArrayPass:
    """Output channels on the rows, output pixels on the columns.

    Args:
        core: with a MAC array.
        precision: widths of weights.
        channels_per_group: output channels of the tile that share their inputs; groups of a
            convolution are on the array one after the other.
        input_bits: width of an input element.
    """
    array = mac_datapath(core)
    rows = min(channels_per_group, array.rows)
    row_bits = rows * precision.weight_bits
    column_bits = array.columns * input_bits
    return ArrayPass(
        -(-channels_per_group // array.rows),
        max(
            1,
            -(-row_bits // core.weight_memory.bits_per_cycle),
            -(-column_bits // core.input_memory.bits_per_cycle),
        ),
        -(-row_bits // core.weight_memory.width_bits),
        -(-column_bits // core.input_memory.width_bits),
    )


@dataclass(frozen=True)
class WeightTiles:
    """How a MAC array that holds weights does one group of a convolution, tile after tile.

    Every tile is taken to be as full as the fullest.

    Attributes:
        row_tiles: times that the input channels and taps fill the rows.
        column_tiles: times that the output channels fill the columns.
        loading_cycles: of one tile; more than there are rows if the weight memory is slower.
        cycles: of one pixel with one tile, at least 1; more if a memory cannot deliver its inputs,
            or read and write its partial sums, in time.
        weight_words: reads of the weight memory for one tile.
        input_words: reads of the input memory for one pixel and tile.
        sum_words: words of one pixel's partial sums with one tile.
    """

    row_tiles: int
    column_tiles: int
    loading_cycles: int
    cycles: int
    weight_words: int
    input_words: int
    sum_words: int


PairsAndChannels = tuple[int, int]
"""Pairs of an input channel and a tap, and output channels that share them."""


def weight_tiles(
    core: Core, precision: Precision, sizes: PairsAndChannels, input_bits: int
) -> WeightTiles:
    """Input channels and taps on the rows, output channels on the columns.

    Args:
        core: with a weight-stationary MAC array.
        precision: widths of weights and sums.
        sizes: pairs of an input channel and a tap, and output channels that share them.
        input_bits: width of an input element.
    """
    array, (pairs, channels) = mac_datapath(core), sizes
    rows, columns = min(pairs, array.rows), min(channels, array.columns)
    row_bits, sum_bits = columns * precision.weight_bits, columns * precision.accumulator_bits
    reading = rows * -(-row_bits // core.weight_memory.bits_per_cycle)
    delivering = -(-rows * input_bits // core.input_memory.bits_per_cycle)
    summing = -(-sum_bits // core.state_memory.bits_per_cycle)
    return WeightTiles(
        row_tiles=-(-pairs // array.rows),
        column_tiles=-(-channels // array.columns),
        loading_cycles=max(array.rows, reading),
        cycles=max(1, delivering, summing),
        weight_words=rows * -(-row_bits // core.weight_memory.width_bits),
        input_words=-(-rows * input_bits // core.input_memory.width_bits),
        sum_words=-(-sum_bits // core.state_memory.width_bits),
    )


def spike_datapath(core: Core) -> SpikeDatapath:
    """The AC side of a core that has one."""
    assert core.spike is not None, "the mapper sends AC work to cores that accumulate"
    return core.spike


def mac_datapath(core: Core) -> MacDatapath:
    """The MAC side of a core that has one."""
    assert core.mac is not None, "the mapper sends MAC work to cores that multiply"
    return core.mac


def element_lanes(core: Core) -> int:
    """Elements of additions, comparisons or bits that a core handles in a cycle."""
    return max(core.neuron_lanes, core.mac.adders if core.mac else 0)


def scan_width(core: Core) -> int:
    """Bits of a spike map that a core examines in a cycle: as many as its input memory reads."""
    most = core.input_memory.bits_per_cycle
    return min(core.spike.scan_bits, most) if core.spike else most
