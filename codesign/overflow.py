"""Overflow: whether sums and membranes fit the accumulators, and in which layers they do not.

The numbers of a chip are integers. What they stand for is fixed for each layer:

- weights are quantised symmetrically: the largest has the code 2^(w - 1) - 1, w the weight's width
  (of a single bit, the code 1);
- an accumulator counts in weight codes as a spike adds them: of an integer k it adds the code k
  times, of a real the product, shifted right by all bits that the activation has behind its sign,
  so that the largest real adds a weight's own code. A product that was kept whole would be as wide
  as both factors before anything is added up, and no accumulator that spikes and multiplications
  share would hold it (int8 pairs are priced at one of 16 or 32 bits). Nor does it depend on the
  unit of the reals, which may be folded into weights. Hence the activation's width does not matter.
- neurons keep their membranes in the codes of the layer that their current comes from.

A network that was quantised (`codesign.networks.quantisation`; its provenance says so) has codes of
its own, with a scale for each channel: those are counted, in layers that feed neurons and in the
neurons themselves. Its membranes saturate, with the spikes that were recorded, and so fit; what may
not is the current of one timestep, which it took to be held whole. Its accumulation stream and its
heads count like any other layer.

Accumulators of a bits hold codes up to 2^(a - 1) - 1 of either sign. What must fit is the result of
a sum and not what it passes through: accumulators wrap around, and so come back.

Where the network ran to be recorded, largest sums and membranes of the input are known
(`codesign.trace.Magnitudes`), basis `recorded`. Where only its spikes are, basis `bound`, no sum
exceeds the most units that meet in one of its elements at one timestep, each with the largest
weight; a bias, which is not known, counts as one weight more. Products of recorded values hold what
their shapes allow, which is a bound as well.

Left out: the rounding of weights to codes, membranes that were not seen (those of other libraries'
neurons, or of spikes recorded elsewhere) or whose current is no layer's with weights alone, and
sums without weights (pools, means, the accumulation pathway, which widths of their own are given
in `codesign.mapping.widths`).
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from fractions import Fraction
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from codesign.fanout import at_taps
from codesign.specs.architecture import Precision
from codesign.trace import Trace
from codesign.workload import SYNAPTIC, Kind, Layer, LayerType, Stream, Window, Workload


@dataclass(frozen=True, slots=True)
class Need:
    """The width that a layer's sums or membranes need.

    Attributes:
        layer: its name.
        needs_bits: width of an accumulator that holds the largest, sign included.
        basis: `recorded`, what was seen; or `bound`, what is not exceeded.
    """

    layer: str
    needs_bits: int
    basis: Literal["recorded", "bound"]


def widths(trace: Trace, precision: Precision) -> dict[str, Any]:
    """Whether what was recorded fits the accumulators of a chip.

    Args:
        trace: the recorded input.
        precision: the widths of the chip.

    Returns:
        `fits`; `needs_bits`, the least width at which it does, and `has_bits`; `overflows`, for
        each layer that does not fit its `layer`, `needs_bits`, `has_bits` and `basis`.

    Raises:
        TraceError: a tensor that is needed was not recorded or was altered.
    """
    return _judged(needs(trace, precision), precision.accumulator_bits)


def widest(judged: Sequence[Mapping[str, Any] | None]) -> dict[str, Any] | None:
    """The widths of several inputs together: each layer's largest need; None on no chip."""
    known = [each for each in judged if each is not None]
    if not known:
        return None
    found: dict[str, dict[str, Any]] = {}
    for overflow in (overflow for each in known for overflow in each["overflows"]):
        before = found.get(overflow["layer"], overflow)
        found[overflow["layer"]] = max(before, overflow, key=lambda each: each["needs_bits"])
    return {
        "fits": not found,
        "needs_bits": max(each["needs_bits"] for each in known),
        "has_bits": known[0]["has_bits"],
        "overflows": list(found.values()),
    }


def needs(trace: Trace, precision: Precision) -> list[Need]:
    """What every layer with sums or membranes needs, in the order of the graph."""
    unit = max(1, 2 ** (precision.weight_bits - 1) - 1)
    return [need for layer in trace.workload.layers for need in _needs(trace, layer, unit)]


def _judged(found: Iterable[Need], has_bits: int) -> dict[str, Any]:
    found = list(found)
    overflows = [
        {**asdict(need), "has_bits": has_bits} for need in found if need.needs_bits > has_bits
    ]
    return {
        "fits": not overflows,
        "needs_bits": max((need.needs_bits for need in found), default=0),
        "has_bits": has_bits,
        "overflows": overflows,
    }


def _needs(trace: Trace, layer: Layer, unit: int) -> Iterator[Need]:
    """The need of one layer; nothing where it is not known.

    Args:
        trace: the recorded input.
        layer: any layer.
        unit: the code of the largest weight.
    """
    if layer.type is LayerType.PRODUCT:
        largest = trace.workload.output_tensor(layer).largest
        assert largest is not None
        yield Need(layer.name, _signed_bits(largest), "bound")
    elif layer.type in SYNAPTIC or layer.name in trace.magnitudes:
        codes = _recorded_codes(trace, layer, unit)
        if codes is not None:
            yield Need(layer.name, _signed_bits(codes), "recorded")
        elif layer.type in SYNAPTIC:
            units = most_units(trace, layer) + layer.bias
            yield Need(layer.name, _signed_bits(units * unit), "bound")


def _signed_bits(largest: int) -> int:
    """Width of a number of both signs: ceil(log2(largest + 1)) and the sign."""
    return largest.bit_length() + 1


def _recorded_codes(trace: Trace, layer: Layer, unit: int) -> int | None:
    """The largest recorded sum or membrane in codes, None if it or its code is not known."""
    if (
        (bits := _own_bits(trace))
        and layer.stream is Stream.SPIKE
        and layer.name in trace.magnitudes
    ):
        largest = math.ceil(trace.magnitudes[layer.name].sum)
        if layer.type is LayerType.NEURON:  # what was seen is noted with few digits, rounded up
            return min(largest, (1 << (bits - 1)) - 1)
        if layer.type is LayerType.CONVOLUTION:
            return largest
    weighted = layer
    if layer.type not in SYNAPTIC:
        producer = trace.workload.producer_by_tensor.get(layer.inputs[0])
        if producer is None or producer.type not in SYNAPTIC:
            return None
        weighted = producer
    mine, scale = trace.magnitudes.get(layer.name), trace.magnitudes.get(weighted.name)
    if mine is None or scale is None:
        return None
    code = Fraction(scale.weight) * (1 if scale.input is None else Fraction(scale.input))
    return math.ceil(Fraction(mine.sum) * unit / code) if code else None


def _own_bits(trace: Trace) -> int | None:
    """Width of the membranes of a quantised network; None of any other."""
    weights = trace.provenance.get("weights")
    if not isinstance(weights, Mapping) or "precision" not in weights:
        return None
    return int(weights["precision"]["accumulator_bits"])


def most_units(trace: Trace, layer: Layer) -> int:
    """The most units that meet in one element of a layer with weights at one timestep.

    A spike and a real that is not zero are one unit, an integer k is k of them.

    Raises:
        TraceError: the layer's input was not recorded or was altered.
    """
    workload = trace.workload
    units = _units(trace, workload, layer)
    if layer.window is None:
        positions = math.prod(workload.output_tensor(layer).shape[:-1])
        sums = units.reshape(len(units), positions, -1).sum(axis=2, dtype=np.int64)
    else:
        outputs = workload.output_tensor(layer).shape
        sums = _window_sums(units, layer.window, (outputs[1], outputs[2]))
    return int(sums.max(initial=0))


def _units(trace: Trace, workload: Workload, layer: Layer) -> NDArray[Any]:
    tensor = workload.input_tensor(layer)
    return (trace.nonzero if tensor.kind is Kind.REAL else trace.values)(tensor.name)


def _window_sums(
    units: NDArray[Any], window: Window, outputs: tuple[int, int]
) -> NDArray[np.int64]:
    """Units under each place of a window, shape `(timesteps, groups, *outputs)`."""
    timesteps, _, height, width = units.shape
    grouped = units.reshape(timesteps, window.groups, -1, height, width)
    maps = grouped.sum(axis=2, dtype=np.int64)
    sums = np.zeros((*maps.shape[:2], *outputs), dtype=np.int64)
    for reached in at_taps(maps, window, outputs):
        sums += reached
    return sums
