"""The reference: a network with integer weights, computed layer by layer over whole tensors.

Averages are kept as sums, because their divisors are constants of a layer. Where a network runs
on a dyadic grid, its numbers are counted in units of the grid.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from codesign.trace import Trace, trace_from_arrays
from codesign.workload import SYNAPTIC, Contraction, Kind, Layer, LayerType, Window, Workload

Integers = NDArray[np.int64]
Values = dict[str, Integers]
"""By tensor, shape `(timesteps, *shape)`."""


@dataclass(frozen=True)
class Rounding:
    """How the finished sums of a layer with weights are stored, in a quantised network.

    Attributes:
        shifts: of each output channel: sums are divided by 2^shift, and rounded half to even.
        bits: width of what is stored, sign included; it saturates.
    """

    shifts: Integers
    bits: int

    def stored(self, sums: Integers, shifts: Integers) -> Integers:
        """Sums as they are stored; `shifts` are those of each, broadcast."""
        down, up = np.maximum(shifts, 0), np.maximum(-shifts, 0)
        whole, rest = np.divmod(sums << up, np.int64(1) << down)
        half = 2 * rest - (np.int64(1) << down)
        rounded = whole + ((half > 0) | ((half == 0) & (whole % 2 == 1)))
        limit = 1 << (self.bits - 1)
        return np.clip(rounded, -limit, limit - 1)


@dataclass(frozen=True)
class Network:
    """A workload with numbers.

    Attributes:
        workload: the graph.
        weights: of each layer with weights; of a convolution `(outputs, inputs of a group, kernel
            rows, kernel columns)`, of a linear layer `(outputs, inputs, 1, 1)`.
        biases: of each of these layers that has them, one for each output channel.
        thresholds: at which the neurons of a layer fire, or those of each of its channels.
        limits: largest magnitude of a layer's membranes, where they saturate.
        roundings: of layers with weights whose sums are stored on a coarser grid.
    """

    workload: Workload
    weights: dict[str, Integers]
    biases: dict[str, Integers]
    thresholds: dict[str, int | Integers]
    limits: dict[str, int] = field(default_factory=dict)
    roundings: dict[str, Rounding] = field(default_factory=dict)


def computed(network: Network, inputs: Values) -> Values:
    """All tensors of one input."""
    values = dict(inputs)
    for layer in network.workload.layers:
        operands = [values[name] for name in layer.inputs]
        tensor = network.workload.output_tensor(layer)
        made = _layer(network, layer, operands, tensor.timesteps)
        values[layer.output] = made.reshape(tensor.timesteps, *tensor.shape)
    return values


def _layer(network: Network, layer: Layer, operands: list[Integers], timesteps: int) -> Integers:
    first = operands[0]
    match layer.type:
        case LayerType.CONVOLUTION:
            assert layer.window
            sums = convolved(first, network.weights[layer.name], layer.window)
            biases = network.biases.get(layer.name)
            made = sums if biases is None else sums + biases[:, None, None]
            if rounding := network.roundings.get(layer.name):
                made = rounding.stored(made, rounding.shifts[:, None, None])
        case LayerType.LINEAR:
            made = first @ network.weights[layer.name][:, :, 0, 0].T
            made = made + network.biases.get(layer.name, 0)
        case LayerType.NEURON:
            return _fired(network, layer, np.broadcast_to(first, (timesteps, *first.shape[1:])))
        case LayerType.MAX_POOL | LayerType.AVERAGE_POOL:
            assert layer.window
            made = _pooled(first, layer.window, is_max=layer.type is LayerType.MAX_POOL)
        case LayerType.TIME_MEAN:
            made = first.sum(axis=0, keepdims=True)
        case LayerType.PRODUCT:
            assert layer.contraction
            made = _product(*operands, layer.contraction)
        case _:
            made = element_wise(layer, operands)
    return np.broadcast_to(made, (timesteps, *made.shape[1:]))


def element_wise(layer: Layer, operands: list[Integers]) -> Integers:
    """An addition, a logic function of spikes, or the positive part.

    A logic function takes a block's spikes first, and then its identity.
    """
    first, *others = operands
    match layer.type, layer.function:
        case LayerType.ADD, _:
            return sum(others, first)
        case LayerType.RELU, _:
            return np.maximum(first, 0)
        case LayerType.LOGIC, "iand":
            return others[0] * (1 - first)
    raise NotImplementedError(f"{layer.type} {layer.function}")


def fired(
    membranes: Integers, currents: Integers, threshold: int | Integers, limit: int | None
) -> tuple[Integers, Integers]:
    """Spikes of one timestep, and the membranes after them: integrate, fire, reset to zero."""
    charged = membranes + currents
    if limit is not None:
        charged = np.clip(charged, -limit, limit)
    spikes = (charged >= threshold).astype(np.int64)
    return spikes, charged * (1 - spikes)


def _fired(network: Network, layer: Layer, currents: Integers) -> Integers:
    membranes = np.zeros_like(currents[0])
    spikes = np.zeros_like(currents)
    threshold, limit = network.thresholds[layer.name], network.limits.get(layer.name)
    if not isinstance(threshold, int):
        threshold = threshold[:, None, None]
    for timestep, current in enumerate(currents):
        spikes[timestep], membranes = fired(membranes, current, threshold, limit)
    return spikes


def _taps(x: Integers, window: Window) -> dict[tuple[int, int], Integers]:
    """For each tap of the kernel what all output pixels see there; zeros beside the map."""
    (rows, columns), (down, right) = window.padding, window.stride
    padded = np.pad(x, ((0, 0), (0, 0), (rows, rows), (columns, columns)))
    reach = [
        size - dilation * (kernel - 1)
        for size, dilation, kernel in zip(
            padded.shape[2:], window.dilation, window.kernel, strict=True
        )
    ]
    seen = {}
    for i in range(window.kernel[0]):
        for j in range(window.kernel[1]):
            y, z = i * window.dilation[0], j * window.dilation[1]
            seen[i, j] = padded[:, :, y : y + reach[0] : down, z : z + reach[1] : right]
    return seen


def convolved(x: Integers, weights: Integers, window: Window) -> Integers:
    """A convolution of `(timesteps, channels, rows, columns)`, without its bias."""
    outputs, inputs = weights.shape[0] // window.groups, weights.shape[1]
    parts = []
    for group in range(window.groups):
        mine = weights[group * outputs : (group + 1) * outputs]
        taps = _taps(x[:, group * inputs : (group + 1) * inputs], window)
        parts.append(sum(_mixed(seen, mine[:, :, i, j]) for (i, j), seen in taps.items()))
    return np.concatenate(parts, axis=1)


def _mixed(x: Integers, weights: Integers) -> Integers:
    return np.einsum("tkyx,ok->toyx", x, weights)


def _pooled(x: Integers, window: Window, *, is_max: bool) -> Integers:
    taps = np.stack(list(_taps(x, window).values()))
    return taps.max(axis=0) if is_max else taps.sum(axis=0)


def _product(events: Integers, values: Integers, meet: Contraction) -> Integers:
    left = events.reshape(len(events), -1)[:, indices(meet, meet.event_strides, "gpk")]
    right = values.reshape(len(values), -1)[:, indices(meet, meet.value_strides, "gkj")]
    return np.einsum("tgpk,tgkj->tgpj", left, right)


def indices(meet: Contraction, strides: tuple[int, int, int], axes: str) -> Integers:
    """Elements of a product's operand by its three indices."""
    lengths = {"g": meet.groups, "p": meet.places, "k": meet.inner, "j": meet.outputs}
    first, second, third = (
        np.arange(lengths[axis], dtype=np.int64) * stride
        for axis, stride in zip(axes, strides, strict=True)
    )
    return first[:, None, None] + second[:, None] + third


def with_numbers(workload: Workload, inputs: Values, seed: int) -> Network:
    """A workload with random weights, and with thresholds that let its neurons fire now and then
    for some inputs."""
    random = np.random.default_rng([seed, 1])
    weights, biases, thresholds = {}, {}, {}
    for layer in workload.layers:
        if layer.type not in SYNAPTIC:
            continue
        outputs = workload.output_tensor(layer).shape[0 if layer.window else -1]
        kernel = layer.window.kernel if layer.window else (1, 1)
        inner = workload.weight_count(layer) // (outputs * kernel[0] * kernel[1])
        weights[layer.name] = random.integers(-3, 6, (outputs, inner, *kernel))
        if layer.bias:
            biases[layer.name] = random.integers(-2, 3, outputs)
    network = Network(workload, weights, biases, thresholds)
    values = dict(inputs)
    for layer in workload.layers:
        if layer.type is LayerType.NEURON:
            # Between what most see at one timestep and what they gather in two of them.
            highest = float(np.quantile(values[layer.inputs[0]], 0.75))
            thresholds[layer.name] = max(1, int(highest) + 1)
        tensor = workload.output_tensor(layer)
        operands = [values[name] for name in layer.inputs]
        made = _layer(network, layer, operands, tensor.timesteps)
        values[layer.output] = made.reshape(tensor.timesteps, *tensor.shape)
    return network


def drawn_inputs(workload: Workload, like: Trace, seed: int) -> Values:
    """Random values of the tensors that no layer makes, as dense as those of a trace."""
    values = {}
    for tensor in workload.tensors:
        if tensor.name in workload.producer_by_tensor:
            continue
        random = np.random.default_rng([seed, 2, *tensor.name.encode()])
        shape = (tensor.timesteps, *tensor.shape)
        chosen = random.random(shape) < like.nonzero(tensor.name).mean()
        lowest, highest = (-9, 9) if tensor.kind is Kind.REAL else (1, tensor.largest or 1)
        values[tensor.name] = np.where(chosen, random.integers(lowest, highest + 1, shape), 0)
    return values


def trace_of(workload: Workload, values: Values) -> Trace:
    """The record of computed values."""
    kinds = {tensor.name: tensor.kind for tensor in workload.tensors}
    arrays = {
        name: (array != 0 if kinds[name] is Kind.REAL else array).astype(np.uint16)
        for name, array in values.items()
    }
    return trace_from_arrays(workload, arrays, {"weights": "random integers"})
