"""What each torch function means: the table from a function's name to its handler.

A handler reads its operands from the tracker, runs the function, and draws what it made. Kinds
follow from the operation and its operands: what has weights gives reals, a max-pool keeps the
kind, averages are real, ReLU leaves what cannot be negative as it is.

A function without an entry is refused when it touches a recorded tensor. To extend: write a
handler `(tracker, call) -> result` and give it a name in `OPERATIONS`.
"""

from collections.abc import Callable, Sequence
from typing import Any

import torch

from codesign.errors import CaptureError
from codesign.recording import axes as labels
from codesign.recording import layouts, timesteps
from codesign.recording.axes import Axis
from codesign.recording.call import Call
from codesign.recording.draft import Operation
from codesign.recording.elementwise import Handler, binary, negation, rounding
from codesign.recording.magnitudes import largest
from codesign.recording.products import product
from codesign.recording.runs import Constants
from codesign.recording.sums import time_sum
from codesign.recording.tracking import Made, Tracker
from codesign.recording.values import as_vector
from codesign.recording.windows import (
    adaptive_average_pool,
    average_pool,
    max_pool,
    pair,
    vote,
    windowed,
)
from codesign.workload import SYNAPTIC, Kind, LayerType, Window


def convolution(tracker: Tracker, call: Call) -> torch.Tensor:
    """`conv2d(input, weight, bias, stride, padding, dilation, groups)`."""
    weight = _constant(tracker, call, 1, "weight")
    dilation = pair(call.argument(5, "dilation", 1))
    kernel = (int(weight.shape[2]), int(weight.shape[3]))
    window = Window(
        kernel=kernel,
        stride=pair(call.argument(3, "stride", 1)),
        padding=_padding(call.argument(4, "padding", 0), kernel, dilation),
        dilation=dilation,
        groups=int(call.argument(6, "groups", 1)),
    )
    source = tracker.read(call.tensor(), mask=True, any_scale=True)
    fused = tracker.scope.batch_norm_fused
    operation = Operation(
        LayerType.CONVOLUTION,
        (source.tensor.name,),
        window,
        bias=fused or call.argument(2, "bias") is not None,
        batch_norm=fused,
    )
    weights = Constants("weights", (weight, call.argument(2, "bias")))
    result = windowed(tracker, call, source, Made(operation, Kind.REAL, constants=weights))
    _gauge(tracker, call, result, weight)
    return result


def linear(tracker: Tracker, call: Call) -> torch.Tensor:
    """`linear(input, weight, bias)` on the last axis."""
    weight = _constant(tracker, call, 1, "weight")
    source = tracker.read(call.tensor(), mask=True, any_scale=True)
    if source.axes[-1] is not Axis.FEATURE:
        raise CaptureError(
            f"must act on features (got shape {source.shape}, whose last axis is time or batch). "
            f"Move the features to the last axis."
        )
    bias = call.argument(2, "bias")
    operation = Operation(LayerType.LINEAR, (source.tensor.name,), bias=bias is not None)
    result = call.run()
    made = Made(operation, Kind.REAL, constants=Constants("weights", (weight, bias)))
    tracker.write(result, source.axes, "linear", made)
    _gauge(tracker, call, result, weight)
    return result


def _gauge(tracker: Tracker, call: Call, result: torch.Tensor, weight: torch.Tensor) -> None:
    """Has the largest sums and weights noted, in units of the recorded input."""
    name, unit = tracker.peek(result).value.name, tracker.peek(call.tensor()).value.scale
    tracker.gauge.weigh(name, weight, unit, tracker.step)
    tracker.gauge.add(name, largest(result), tracker.step)


def batch_norm(tracker: Tracker, call: Call) -> torch.Tensor:
    """`batch_norm(input, mean, variance, ...)`: fused into the layer with weights before it."""
    source = call.tensor()
    if call.argument(5, "training", False):
        raise CaptureError(
            "must use its running statistics (got training mode). Call `network.eval()` first."
        )
    name = tracker.peek(source).value.name
    producer = tracker.draft.layers.get(name)
    if producer is None or producer.type not in SYNAPTIC:
        raise CaptureError(
            f"must directly follow a convolution or linear layer, to be fused into it (got the "
            f"result of '{name or 'an expression of spikes'}'). Move it behind one."
        )
    result = call.run()
    words = _BATCH_NORM_OF_TORCH if call.function is torch.batch_norm else _BATCH_NORM
    constants = {word: call.argument(place, word) for place, word in enumerate(words, start=1)}
    tracker.supersede(source, result, "batch norm", *constants.values())
    tracker.draft.fuse_batch_norm(name)
    factor = torch.rsqrt(constants["running_var"] + call.argument(7, "eps", 1e-5))
    if constants["weight"] is not None:
        factor = factor * constants["weight"]
    tracker.gauge.scale(name, factor, tracker.step)
    tracker.gauge.change(name, result, tracker.step)
    return result


_BATCH_NORM = ("running_mean", "running_var", "weight", "bias")
_BATCH_NORM_OF_TORCH = ("weight", "bias", "running_mean", "running_var")
"""Arguments behind the input, of `torch.nn.functional` and of torch itself."""


def relu(tracker: Tracker, call: Call) -> torch.Tensor:
    """A layer for reals; spikes and integers are never negative and pass unchanged."""
    tensor = call.tensor()
    source = tracker.read(tensor, mask=True)
    value = tracker.peek(tensor).value
    result = call.run()
    if source.tensor.kind is Kind.REAL:
        operation = Operation(LayerType.RELU, (source.tensor.name,))
        tracker.write(result, source.axes, "relu", Made(operation, Kind.REAL))
    else:
        tracker.alias(result, value, source.axes)
    return result


def mean(tracker: Tracker, call: Call) -> torch.Tensor:
    """`mean(input, dim, keepdim)`: over time, or over the whole map."""
    tensor = call.tensor()
    axes = tracker.peek(tensor).axes
    argument = call.argument(1, "dim")
    dims = (argument,) if isinstance(argument, int) else tuple(argument or range(tensor.dim()))
    positions = sorted(dim % tensor.dim() for dim in dims)
    over_time = [axes[position] for position in positions] == [Axis.TIME]
    is_map = positions == [tensor.dim() - 2, tensor.dim() - 1]
    source = tracker.read(tensor, mask=not over_time)
    inputs = (source.tensor.name,)
    if over_time:
        made = Made(Operation(LayerType.TIME_MEAN, inputs), Kind.REAL)
    elif is_map and len(source.features) == 3 and source.features == source.tensor.shape:
        kernel = (source.shape[-2], source.shape[-1])
        operation = Operation(LayerType.AVERAGE_POOL, inputs, Window(kernel, stride=kernel))
        made = Made(operation, Kind.REAL, shape=(source.features[0], 1, 1))
    else:
        raise CaptureError(
            f"must be over time, or over the whole map of each channel (got axes {positions} of "
            f"shape {tuple(tensor.shape)}). Take the two means one after the other."
        )
    result = call.run()
    if call.argument(2, "keepdim", False):
        kept = tuple(Axis.HELD if axis is Axis.TIME and over_time else axis for axis in axes)
    else:
        kept = tuple(axis for position, axis in enumerate(axes) if position not in positions)
    if over_time:
        shape = as_vector(labels.features(kept, result.shape))
        made = Made(made.operation, made.kind, shape=shape)
    tracker.write(result, kept, "time_mean" if over_time else "mean", made)
    return result


def reshape(tracker: Tracker, call: Call) -> torch.Tensor:
    """`reshape`, `view`, `flatten`, `unflatten`, `squeeze`."""
    source = call.tensor()
    if isinstance(call.argument(1, "dtype"), torch.dtype):
        raise CaptureError("must not reinterpret bits as another type. Use `.to(dtype)`.")
    tracked = tracker.peek(source, any_order=True)
    result = call.run()
    axes = labels.reshaped(tracked.axes, source.shape, result.shape)
    before = labels.features(tracked.axes, source.shape)
    layout = layouts.reshaped(tracked.layout, before, labels.features(axes, result.shape))
    tracker.alias(result, tracked.value, axes, layout)
    return result


def unsqueeze(tracker: Tracker, call: Call) -> torch.Tensor:
    """A new axis of length 1."""
    position = call.argument(1, "dim")
    return _renamed(
        tracker, call, lambda axes, _: labels.unsqueezed(axes, position % (len(axes) + 1))
    )


def repeat(tracker: Tracker, call: Call) -> torch.Tensor:
    """`expand`, `expand_as`, `broadcast_to`, `repeat`: holding a static value."""
    source = call.tensor()
    # within one timestep, nothing is held for others
    timesteps = tracker.draft.timesteps if tracker.step is None else 0
    return _renamed(
        tracker, call, lambda axes, shape: labels.held(axes, source.shape, shape, timesteps)
    )


def permute(tracker: Tracker, call: Call) -> torch.Tensor:
    """`permute(input, *order)`."""
    order = call.argument(1, "dims")
    return _permuted(tracker, call, call.args[1:] if isinstance(order, int) else order)


def transpose(tracker: Tracker, call: Call) -> torch.Tensor:
    """`transpose(input, one, other)`."""
    dims = call.tensor().dim()
    order = list(range(dims))
    one, other = call.argument(1, "dim0") % dims, call.argument(2, "dim1") % dims
    order[one], order[other] = other, one
    return _permuted(tracker, call, order)


def matrix_transpose(tracker: Tracker, call: Call) -> torch.Tensor:
    """`input.mT`: the last two axes."""
    *lead, one, other = range(call.tensor().dim())
    return _permuted(tracker, call, (*lead, other, one))


def _permuted(tracker: Tracker, call: Call, order: Sequence[int]) -> torch.Tensor:
    source = call.tensor()
    tracked = tracker.peek(source, any_order=True)
    result = call.run()
    positions = tuple(position % source.dim() for position in order)
    axes, layout = layouts.permuted(tracked.layout, tracked.axes, source.shape, positions)
    tracker.alias(result, tracked.value, axes, layout)
    return result


def same(tracker: Tracker, call: Call) -> torch.Tensor:
    """The same values in another place or type; dropout, which does nothing when it is off."""
    if call.argument(2, "training", False) is True and "dropout" in call.name:
        raise CaptureError("must be off (got training mode). Call `network.eval()` first.")
    source = call.tensor()
    tracked = tracker.peek(source, any_order=True)
    result = call.run()
    exact = result.dtype.is_floating_point or tracked.value.expression is not None
    if result.dtype != source.dtype and not exact:
        raise CaptureError(
            f"must keep the values (got {source.dtype} to {result.dtype}). Keep a floating type."
        )
    tracker.alias(result, tracked.value, tracked.axes, tracked.layout)
    return result


def _renamed(
    tracker: Tracker,
    call: Call,
    rename: Callable[[labels.Axes, torch.Size], labels.Axes],
) -> torch.Tensor:
    tracked = tracker.peek(call.tensor())
    result = call.run()
    tracker.alias(result, tracked.value, rename(tracked.axes, result.shape))
    return result


def _constant(tracker: Tracker, call: Call, position: int, name: str) -> torch.Tensor:
    tensor = call.tensor(position, name)
    if tracker.find(tensor) is not None:
        raise CaptureError(
            f"must have constant weights (got a '{name}' that depends on the input). "
            f"Products of recorded values are not understood."
        )
    return tensor


def _padding(value: Any, kernel: tuple[int, int], dilation: tuple[int, int]) -> tuple[int, int]:
    if value == "valid":
        return 0, 0
    if value != "same":
        return pair(value)
    total = [d * (k - 1) for d, k in zip(dilation, kernel, strict=True)]
    if any(size % 2 for size in total):
        raise CaptureError("must pad both sides equally (got 'same' for an even kernel). Pad odd.")
    return total[0] // 2, total[1] // 2


OPERATIONS: dict[str, Handler] = {
    "conv2d": convolution,
    "linear": linear,
    "batch_norm": batch_norm,
    "relu": relu,
    "relu_": relu,
    "max_pool2d": max_pool,
    "avg_pool2d": average_pool,
    "avg_pool1d": vote,
    "adaptive_avg_pool2d": adaptive_average_pool,
    "mean": mean,
    "unsqueeze": unsqueeze,
    "sum": time_sum,
    "stack": timesteps.stack,
    "getitem": timesteps.getitem,
    "select": timesteps.select,
    "unbind": timesteps.unbind,
    **dict.fromkeys(("cat", "concat", "concatenate"), timesteps.concatenate),
    **dict.fromkeys(("matmul", "bmm"), product),
    "permute": permute,
    "mT": matrix_transpose,
    "invert": negation,
    "bitwise_not": negation,
    "logical_not": negation,
    "fake_quantize_per_tensor_affine": rounding,
    **dict.fromkeys(("round", "round_"), rounding),
    **dict.fromkeys(("reshape", "view", "flatten", "unflatten", "squeeze", "view_as"), reshape),
    **dict.fromkeys(("expand", "expand_as", "broadcast_to", "repeat"), repeat),
    **dict.fromkeys(("transpose", "swapaxes"), transpose),
    **dict.fromkeys(("contiguous", "clone", "detach", "data", "cpu", "dropout", "dropout2d"), same),
    **dict.fromkeys(("to", "type", "type_as", "float", "double", "half", "bfloat16"), same),
    **dict.fromkeys(("bool", "int", "long"), same),
}
"""Handler by the name of the torch function or tensor method."""

_BINARY = {
    "add": "add",
    "sub": "sub",
    "subtract": "sub",
    "mul": "mul",
    "multiply": "mul",
    "div": "div",
    "true_divide": "div",
    "truediv": "div",
    "and": "and",
    "or": "or",
    "xor": "xor",
    "logical_and": "and",
    "logical_or": "or",
    "logical_xor": "xor",
    "bitwise_and": "and",
    "bitwise_or": "or",
    "bitwise_xor": "xor",
    "maximum": "maximum",
    "minimum": "minimum",
}
for _word, _operator in _BINARY.items():
    OPERATIONS[_word] = OPERATIONS[f"{_word}_"] = OPERATIONS[f"i{_word}"] = binary(_operator)
    OPERATIONS[f"r{_word}"] = binary(_operator, reflected=True)
OPERATIONS["rdiv"] = binary("div", reflected=True)
