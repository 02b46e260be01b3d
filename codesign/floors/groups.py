"""Groups: the fused layers of a network as arrays, by the datapath that they need.

Layers of a group can be done by the same kinds of core, so that floors are a few array operations
on all of them at once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codesign.floors.demand import Integers
from codesign.floors.layer_demand import LayerDemand
from codesign.mapping.fusion import FusedLayer
from codesign.mapping.geometry import Geometry, Work
from codesign.workload import Stream

Numbers = NDArray[np.float64]
"""Whole numbers below 2^53, of each layer `(layers,)` or of each of its steps `(layers, steps)`."""

Flags = NDArray[np.bool_]


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


_OF_SIZES = ("input_bits", "bias_bits", "sum_bits", "operand_bits", "stored_bits")
_OF_ROWS = ("groups", "channels", "terms", "pixels", "size", "read", "value_bits")
_FLAGS_OF_SIZES, _FLAGS_OF_ROWS = ("has_neurons", "reads_windows"), ("leads", "has_epilogue")
_BY_STEP = (
    *("lengths", "units", "together", "nonzero", "ac", "addition", "logic", "neuron"),
    *("busiest", "scanned", "added"),
)


def group_of(key: tuple[Work, Stream], rows: Sequence[LayerDemand], steps: int) -> Group:
    """Layers as arrays.

    Args:
        key: what they have in common.
        rows: what each asks for.
        steps: of the layer that has most.
    """
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
