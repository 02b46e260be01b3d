"""Demand: everything recorded that any chip has to do, as a few numbers for each layer.

A trace holds hundreds of millions of bits; floors (`codesign.floors.total`) need their sums
alone. These are taken once, and then serve thousands of chips: the demand is small, knows nothing
of any chip, and can be sent to another process.

A pair is an input unit and a valid tap of the kernel (`codesign.fanout`), summed over channels and
pixels, so that a cut of the output into bands or of the input into chunks changes nothing. What
depends on such cuts is left out.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from codesign.coincidence import coincidences, events_of
from codesign.counting import added_spikes, count_layers, entering_spikes
from codesign.fanout import tap_sums
from codesign.floors.shared_vectors import shared_vectors
from codesign.mapping.counters import as_computed, trace_as_computed
from codesign.specs.architecture import Policy
from codesign.trace import Trace
from codesign.workload import SYNAPTIC, Kind, Layer, LayerType, Workload

Integers = NDArray[np.int64]
Values = NDArray[np.uint8 | np.uint16]

COUNTED = ("layer", "type", "stream", "timestep", "ac_rate_dense", "mac", "spikes")
"""Columns of `codesign.results.Result.layers` that eq. 7 is of, and the spikes of neurons."""


@dataclass(frozen=True)
class Events:
    """What the main input of a layer asks for, by the timesteps at which it was recorded.

    Attributes:
        units: pairs of a unit and a tap; an integer k is k units. Of a product, spikes of the
            first operand.
        set_bits: pairs of a set bit and a tap; of spikes and reals those of `nonzero`.
        nonzero: pairs of an element that is not zero and a tap.
        unions: by a batch of timesteps, pairs of a spike at any of them and a tap, for each batch;
            of spikes alone.
        shared: by output pixels of a gathering core, the fewest vectors of weights that pairs of
            `nonzero` ask for.
        met: of a product, spikes that meet a value that is not zero.
    """

    units: Integers
    set_bits: Integers
    nonzero: Integers
    unions: Mapping[int, Integers]
    shared: Mapping[int, Integers]
    met: Integers | None = None


@dataclass(frozen=True, eq=False)
class Demand:
    """What a trace asks of any chip.

    Attributes:
        workload: the network's graph.
        counts: rows of `codesign.counting.count_layers`, columns `COUNTED`.
        events: of convolutions, linear layers and products, by the layer's name.
        entering: spikes that enter a pool at each timestep, by the pool's name and what it reads.
        spikes: of each recorded spike tensor, at each timestep.
    """

    workload: Workload
    counts: pd.DataFrame
    events: Mapping[str, Events]
    entering: Mapping[tuple[str, str], Integers]
    spikes: Mapping[str, Integers]


def demand(trace: Trace, pixels: Collection[int] = ()) -> Demand:
    """The demand of one recorded input.

    Args:
        trace: what was recorded.
        pixels: output pixels that share the lanes of gathering cores, of all chips that are of
            interest. Of others it is assumed that all of them have their spikes together, which is
            a floor as well, but a low one.

    Raises:
        TraceError: a tensor that is needed was not recorded or was altered.
    """
    workload, counts = trace.workload, count_layers(trace)
    rows = {str(name): rows for name, rows in counts.groupby("layer", sort=False)}
    events = {
        layer.name: _of_product(trace, layer, pixels)
        if layer.contraction
        else _of_synapses(trace, layer, rows[layer.name], pixels)
        for layer in workload.layers
        if layer.type in SYNAPTIC or layer.contraction
    }
    kept = counts[list(COUNTED)]
    return Demand(workload, kept, events, dict(_entering(trace)), dict(_spikes(trace)))


def _of_synapses(
    trace: Trace, layer: Layer, counts: pd.DataFrame, pixels: Collection[int]
) -> Events:
    """Operations are pairs times the output channels that each of them feeds."""
    workload = trace.workload
    tensor, outputs = workload.input_tensor(layer), workload.output_tensor(layer)
    fed = outputs.shape[0] // layer.window.groups if layer.window else outputs.shape[-1]

    def pairs(column: str) -> Integers:
        """At the timesteps at which the input was recorded: one, if it is held for all."""
        found: Integers = counts[column].to_numpy()[: tensor.timesteps] // fed
        return found

    mask = trace.nonzero(tensor.name)
    shared = {each: shared_vectors(workload, layer, mask, each) for each in pixels}
    if tensor.kind is Kind.INTEGER:
        bits = trace.planes(tensor.name).sum(axis=0, dtype=np.uint8)
        set_bits = _pairs(workload, layer, bits)
        return Events(pairs("ac_repeat"), set_bits, pairs("mac_nonzero"), {}, shared)
    if tensor.kind is Kind.REAL:
        nonzero = pairs("mac_nonzero")
        return Events(nonzero, nonzero, nonzero, {}, shared)
    unions = {}
    for batch in _batches(tensor.timesteps):
        together = np.maximum.reduceat(mask, np.arange(0, len(mask), batch), axis=0)
        unions[batch] = _pairs(workload, layer, together)
    spikes = pairs("ac_synaptic")
    return Events(spikes, spikes, spikes, unions, shared)


def _batches(timesteps: int) -> Iterator[int]:
    """Powers of two below the number of timesteps, and that number."""
    batch = 2
    while batch < timesteps:
        yield batch
        batch *= 2
    if timesteps > 1:
        yield timesteps


def _pairs(workload: Workload, layer: Layer, values: Values) -> Integers:
    """Pairs of a unit and a valid tap at each timestep; a linear layer has one tap."""
    if layer.window is None:
        return _sums(values)
    return _sums(tap_sums(values, workload.output_tensor(layer).shape, layer.window))


def _of_product(trace: Trace, layer: Layer, pixels: Collection[int]) -> Events:
    contraction = layer.contraction
    assert contraction is not None
    spikes, values = (trace.values(name) for name in layer.inputs)
    units = _sums(events_of(spikes, contraction))
    shared = {each: shared_vectors(trace.workload, layer, spikes, each) for each in pixels}
    return Events(units, units, units, {}, shared, coincidences(spikes, values, contraction))


def _entering(trace: Trace) -> Iterator[tuple[tuple[str, str], Integers]]:
    """Of the network's pools, and of those that counters make of its additions."""
    counting = Policy(integer_input="mac", accumulation_additions="counters")
    for workload in (trace.workload, as_computed(trace.workload, counting)):
        seen = trace_as_computed(trace, workload)
        for layer in workload.layers:
            is_pool = layer.type in (LayerType.MAX_POOL, LayerType.AVERAGE_POOL)
            if is_pool and workload.input_tensor(layer).kind is Kind.SPIKE:
                yield (layer.name, layer.inputs[0]), _sums(entering_spikes(seen, layer))


def _spikes(trace: Trace) -> Iterator[tuple[str, Integers]]:
    """Of the spikes that an addition of the accumulation stream adds."""
    for layer in trace.workload.layers:
        name = added_spikes(trace.workload, layer) if layer.type is LayerType.ADD else ""
        if name:
            yield name, _sums(trace.values(name))


def _sums(values: NDArray[np.integer]) -> Integers:
    """Sum of everything but the timesteps."""
    total: Integers = values.reshape(len(values), -1).sum(axis=1, dtype=np.int64)
    return total
