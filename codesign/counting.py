"""Counting: how many operations the recorded input caused, exactly, layer by layer.

Whether a synaptic layer accumulates (AC) or multiplies (MAC) follows from the declared kind of
its input tensor, never from its values: an integer tensor that happens to hold only zeros and
ones is still multiplied. The parts, per layer and timestep:

- `ac_synaptic`: one per spike and weight that it meets (`codesign.fanout`; padding excluded);
- `ac_neuron`: one per neuron update; `neuron_updates` counts the same updates;
- `ac_pool`: one per spike that enters a max or average pool;
- `ac_product`: one per pair of operands that meet in a product of recorded values
  (`codesign.coincidence`): coincident spikes of q and k, and spikes of v that meet a score which
  is not zero. Adding up a score is one AC, whatever its value: it is an integer of a few bits that
  a spike lets through. Counted in the order in which the network multiplies;
- `ac_residual`: one per element of a residual logic or addition in the spike stream;
- `ac_accumulation`: one per element added in the accumulation stream, of which
  `ac_accumulation_nonzero` where the added spike is there;
- `ac_readout`: additions of the mean over timesteps and of the sum of two heads;
- `mac`: dense, padding included, for inputs that are not spikes; one per element of a ReLU or a
  pool on such inputs (the rule that reproduces Table 2 of arXiv 2301.11929);
- `mac_nonzero`: the same with zero operands and padding left out;
- `ac_repeat`: what a layer's integer inputs cost if each k is processed as k spikes;
- `mac_batch_norm`: two per element of a batch norm if it were not fused into its convolution.

`ac` is the first four, which is what Table 2's column holds, and `ac_rate_dense` the paper's
estimate of it: firing rate times the dense count, with padding. Of a product the rate is that of
the spikes that are its events, and the dense count that of the matrix product.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from codesign.coincidence import coincidences
from codesign.fanout import reached, tap_sums
from codesign.results import COUNTS
from codesign.trace import Trace
from codesign.workload import SYNAPTIC, Kind, Layer, LayerType, Stream, Tensor, Workload

PerTimestep = NDArray[Any]
"""One number for each timestep of a layer, int64 (or float64 for an estimate)."""


def dense_operations(workload: Workload, layer: Layer) -> int:
    """Weights times output positions of a synaptic layer at one timestep, padding included; all
    terms of a product."""
    if layer.contraction is not None:
        return layer.contraction.size
    outputs = workload.output_tensor(layer)
    positions = (
        outputs.size // outputs.shape[0] if layer.window else outputs.size // outputs.shape[-1]
    )
    return workload.weight_count(layer) * positions


def count_layers(trace: Trace) -> pd.DataFrame:
    """Counts of every layer at every timestep; columns as in `codesign.results.Result.layers`.

    A layer that is computed once has one row, with timestep 0.

    Raises:
        TraceError: a tensor that is needed was not recorded or was altered.
    """
    layers = trace.workload.layers
    counts = [_layer_counts(trace, layer) for layer in layers]
    rows = [max((len(column) for column in of.values()), default=1) for of in counts]
    table: dict[str, Any] = {
        "layer": np.repeat([layer.name for layer in layers], rows),
        "type": np.repeat([str(layer.type) for layer in layers], rows),
        "stream": np.repeat([str(layer.stream) for layer in layers], rows),
        "timestep": np.concatenate([np.arange(length) for length in rows]),
    }
    for name in (*COUNTS, "neurons", "spikes", "ac_rate_dense"):
        nothing = 0.0 if name == "ac_rate_dense" else 0
        parts = [
            of.get(name, np.full(length, nothing)) for of, length in zip(counts, rows, strict=True)
        ]
        table[name] = np.concatenate(parts)
    return pd.DataFrame(table)


def totals(layers: pd.DataFrame) -> dict[str, int | float]:
    """Sums over layers and timesteps, and the three sums that have names of their own."""
    sums: dict[str, int | float] = {name: layers[name].to_numpy().sum().item() for name in COUNTS}
    ac = sum(sums[name] for name in ("ac_synaptic", "ac_neuron", "ac_pool", "ac_product"))
    rest = ("ac_residual", "ac_accumulation", "ac_readout")
    return {
        "ac": ac,
        "ac_all": ac + sum(sums[name] for name in rest),
        "ac_rate_dense": float(layers["ac_rate_dense"].sum()),
        "mac_with_bn": sums["mac"] + sums["mac_batch_norm"],
        **sums,
    }


def _layer_counts(trace: Trace, layer: Layer) -> dict[str, PerTimestep]:
    if layer.type in SYNAPTIC:
        return _synaptic(trace, layer)
    return _OTHERS[layer.type](trace, layer)


def _synaptic(trace: Trace, layer: Layer) -> dict[str, PerTimestep]:
    workload = trace.workload
    inputs, outputs = workload.input_tensor(layer), workload.output_tensor(layer)
    dense = dense_operations(workload, layer)
    counts: dict[str, PerTimestep] = {}
    if layer.batch_norm:
        counts["mac_batch_norm"] = np.full(outputs.timesteps, 2 * outputs.size)
    if inputs.kind is Kind.SPIKE:
        spikes = trace.values(inputs.name)
        counts["ac_synaptic"] = held(fan_out(workload, layer, spikes), outputs)
        counts["ac_rate_dense"] = held(_sums(spikes), outputs) * (dense / inputs.size)
        return counts
    counts["mac"] = np.full(outputs.timesteps, dense)
    counts["mac_nonzero"] = held(fan_out(workload, layer, trace.nonzero(inputs.name)), outputs)
    if inputs.kind is Kind.INTEGER:
        counts["ac_repeat"] = held(fan_out(workload, layer, trace.values(inputs.name)), outputs)
    return counts


def held(column: NDArray[np.int64], outputs: Tensor) -> NDArray[np.int64]:
    """Counts per timestep of the output, where an input that is computed once is held for all."""
    return np.broadcast_to(column, (outputs.timesteps,)) if len(column) == 1 else column


def fan_out(
    workload: Workload, layer: Layer, values: NDArray[np.uint8 | np.uint16]
) -> NDArray[np.int64]:
    """Weights that the input's units meet in a synaptic layer, shape `(timesteps,)`."""
    outputs = workload.output_tensor(layer)
    if layer.window is None:
        return _sums(values) * outputs.shape[-1]
    pairs = tap_sums(values, outputs.shape, layer.window)
    return _sums(pairs) * (outputs.shape[0] // layer.window.groups)


def _neuron(trace: Trace, layer: Layer) -> dict[str, PerTimestep]:
    outputs = trace.workload.output_tensor(layer)
    updates = np.full(outputs.timesteps, outputs.size)
    counts = {
        "ac_neuron": updates,
        "neuron_updates": updates,
        "ac_rate_dense": updates.astype(float),
    }
    if outputs.kind is not Kind.SPIKE:  # its membrane is read, so that it has no firing rate
        return counts
    return {**counts, "neurons": updates, "spikes": _sums(trace.values(outputs.name))}


def _pool(trace: Trace, layer: Layer) -> dict[str, PerTimestep]:
    inputs = trace.workload.input_tensor(layer)
    if inputs.kind is Kind.SPIKE:
        spikes = _sums(entering_spikes(trace, layer))
        return {"ac_pool": spikes, "ac_rate_dense": spikes.astype(float)}
    return _one_mac_per_element(trace, layer)


def entering_spikes(trace: Trace, layer: Layer) -> NDArray[np.uint8 | np.uint16]:
    """Spikes that enter at least one window of a pool, shape `(timesteps, *shape)`."""
    inputs, outputs = trace.workload.input_tensor(layer), trace.workload.output_tensor(layer)
    spikes = trace.values(inputs.name)
    if layer.window is None or len(inputs.shape) < 3:
        return spikes
    positions = (*outputs.shape, 1, 1)[:3]
    return spikes * reached(inputs.shape, positions, layer.window)


def _one_mac_per_element(trace: Trace, layer: Layer) -> dict[str, PerTimestep]:
    inputs = trace.workload.input_tensor(layer)
    dense = np.full(inputs.timesteps, inputs.size)
    nonzero = _sums(trace.nonzero(inputs.name)) if inputs.name in trace else dense
    return {"mac": dense, "mac_nonzero": nonzero}


def _logic(trace: Trace, layer: Layer) -> dict[str, PerTimestep]:
    outputs = trace.workload.output_tensor(layer)
    return {"ac_residual": np.full(outputs.timesteps, outputs.size)}


def _add(trace: Trace, layer: Layer) -> dict[str, PerTimestep]:
    outputs = trace.workload.output_tensor(layer)
    elements = np.full(outputs.timesteps, outputs.size)
    if layer.name in trace.workload.readout_layers:
        return {"ac_readout": elements}
    if layer.stream is Stream.SPIKE:
        return {"ac_residual": elements}
    added = added_spikes(trace.workload, layer)
    nonzero = held(_sums(trace.values(added)), outputs) if added else elements
    return {"ac_accumulation": elements, "ac_accumulation_nonzero": nonzero}


def added_spikes(workload: Workload, layer: Layer) -> str:
    """The spike tensor that an addition adds to its other input; empty if there is none.

    Of two spike tensors it is the second, as in `a + s`.
    """
    spikes = [name for name in layer.inputs if workload.tensor_by_name[name].kind is Kind.SPIKE]
    return spikes[-1] if spikes else ""


def _product(trace: Trace, layer: Layer) -> dict[str, PerTimestep]:
    contraction = layer.contraction
    assert contraction is not None
    spikes, values = (trace.values(name) for name in layer.inputs)
    events = trace.workload.input_tensor(layer)
    outputs = trace.workload.output_tensor(layer)
    met = held(coincidences(spikes, values, contraction), outputs)
    estimate = held(_sums(spikes), outputs) * (contraction.size / events.size)
    return {"ac_product": met, "ac_rate_dense": estimate}


def _time_mean(trace: Trace, layer: Layer) -> dict[str, PerTimestep]:
    inputs = trace.workload.input_tensor(layer)
    return {"ac_readout": np.array([inputs.timesteps * inputs.size])}


def _sums(values: NDArray[Any]) -> NDArray[np.int64]:
    """Sum of everything but the timesteps."""
    total: NDArray[np.int64] = values.reshape(len(values), -1).sum(axis=1, dtype=np.int64)
    return total


_OTHERS: dict[LayerType, Callable[[Trace, Layer], dict[str, PerTimestep]]] = {
    LayerType.NEURON: _neuron,
    LayerType.MAX_POOL: _pool,
    LayerType.AVERAGE_POOL: _pool,
    LayerType.RELU: _one_mac_per_element,
    LayerType.LOGIC: _logic,
    LayerType.ADD: _add,
    LayerType.TIME_MEAN: _time_mean,
    LayerType.PRODUCT: _product,
}
