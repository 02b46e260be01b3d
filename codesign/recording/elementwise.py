"""Element-wise arithmetic and logic: what `+`, `-`, `*`, `/`, `&`, `|`, `^` mean in the graph.

- Of spikes and whole numbers: an expression, whose truth table decides (`expressions`).
- Of a value at one timestep and the same value at others: a sum over time (`sums`).
- The sum of two values that are not both spikes: a layer of its own, ADD. Integers stay integers;
  with a real operand the sum is real.
- A real value times or plus constants: no layer. A scale or shift per channel is folded into the
  weights and biases of the layer that made the value, as a batch norm is; a scale alone behind
  another layer is folded into the weights that follow.
- An integer times a positive constant: no layer, where neurons, products or weights read it
  (`scaling`).
- Rounding to a grid: no layer. It is how the layer's result is stored.

Left out, and refused: products of values that are not spikes, differences and quotients of
recorded values, tables of constants per element.
"""

from collections.abc import Callable
from typing import Any

import torch

from codesign.errors import CaptureError
from codesign.recording.axes import Axis, features, joined
from codesign.recording.call import Call
from codesign.recording.draft import Operation
from codesign.recording.expressions import (
    MOST_LEAVES,
    OPERATORS,
    Expression,
    combine,
    constant,
    leaf_count,
)
from codesign.recording.scaling import is_scaling, scaled
from codesign.recording.sums import accumulate
from codesign.recording.tracking import Made, Tracker
from codesign.workload import SYNAPTIC, Kind, LayerType

Handler = Callable[[Tracker, Call], Any]


def binary(operator: str, reflected: bool = False) -> Handler:
    """Handler of an operation of two operands; `reflected` is Python's `1 - s` as `s.__rsub__`."""

    def handle(tracker: Tracker, call: Call) -> torch.Tensor:
        left, right = call.argument(0, "input"), call.argument(1, "other")
        if call.kwargs.get("alpha", 1) != 1:
            raise CaptureError(
                f"must have alpha = 1 (got {call.kwargs['alpha']}). Scale in its own operation."
            )
        if reflected:
            left, right = right, left
        _require_same_features(tracker, left, right)
        return _arithmetic(tracker, call, operator, (left, right))

    return handle


def negation(tracker: Tracker, call: Call) -> torch.Tensor:
    """NOT of spikes; `~` is that of boolean ones only."""
    operand = call.tensor()
    expression = tracker.peek(operand).value.expression
    if expression is None or (operand.dtype is not torch.bool and call.name != "logical_not"):
        raise CaptureError(
            f"must negate boolean spikes (got {operand.dtype}, "
            f"{_describe(tracker, operand)}). Write `1 - s`."
        )
    axes = tracker.peek(operand).axes
    result = call.run()
    tracker.express(result, combine("sub", constant(1), expression), axes)
    return result


def rounding(tracker: Tracker, call: Call) -> torch.Tensor:
    """Rounding of a real value to the grid on which it is stored."""
    source = call.tensor()
    if tracker.kind(source) is not Kind.REAL:
        raise CaptureError("must round real values (got spikes or integers). Remove the operation.")
    if call.name == "fake_quantize_per_tensor_affine":
        lowest, highest = call.argument(3, "quant_min"), call.argument(4, "quant_max")
        if highest - lowest < 2:
            raise CaptureError(
                f"must round to more than two values (got {lowest} to {highest}), because two are "
                f"spikes. Declare the module that does it as a neuron: `neurons={{...}}`."
            )
    result = call.run()
    constants = (*call.args[1:], *call.kwargs.values())
    tracker.supersede(source, result, "rounding", *constants)
    return result


def _arithmetic(
    tracker: Tracker, call: Call, operator: str, operands: tuple[Any, Any]
) -> torch.Tensor:
    across = accumulate(tracker, call, operator, operands)
    if across is not None:
        return across
    unchanged = _unchanged(tracker, operator, operands)
    if unchanged is not None:
        tracked = tracker.peek(unchanged)
        result = call.run()
        tracker.alias(result, tracked.value, tracked.axes)
        return result
    if operator in OPERATORS and _are_spikes(tracker, *operands):
        return _expression(tracker, call, operator, operands)
    if operator == "add" and all(_is_tracked(tracker, operand) for operand in operands):
        return _sum(tracker, call, operands)
    return _affine(tracker, call, operator, operands)


def _expression(
    tracker: Tracker, call: Call, operator: str, operands: tuple[Any, Any]
) -> torch.Tensor:
    left, right = (_as_expression(tracker, operand) for operand in operands)
    leaves = leaf_count(left, right)
    # a sum of three is two additions, and more spikes than a table takes need layers of their own
    if leaves > MOST_LEAVES or (leaves > 2 and operator == "add" and (left.is_sum or right.is_sum)):
        for operand in operands:
            tracker.close(operand)
        return _arithmetic(tracker, call, operator, operands)
    axes = _joined_axes(tracker, operands)
    result = call.run()
    expression = combine(operator, left, right)
    if result.dtype is torch.bool and not set(expression.table) <= {0, 1}:
        raise CaptureError(
            "must not add boolean spikes, because torch takes this for OR (got dtype bool). "
            "Convert them with `.float()`, or write `|`."
        )
    tracker.express(result, expression, axes)
    return result


def _sum(tracker: Tracker, call: Call, operands: tuple[Any, Any]) -> torch.Tensor:
    sources = [tracker.read(operand) for operand in operands]
    tensors = [source.tensor for source in sources]
    exact = [tensor.largest for tensor in tensors if tensor.largest is not None]
    is_integer = len(exact) == len(tensors)
    operation = Operation(LayerType.ADD, tuple(tensor.name for tensor in tensors))
    axes = joined(sources[0].axes, sources[1].axes)
    result = call.run()
    kind = Kind.INTEGER if is_integer else Kind.REAL
    tracker.write(result, axes, "add", Made(operation, kind, sum(exact) if is_integer else None))
    return result


def _affine(tracker: Tracker, call: Call, operator: str, operands: tuple[Any, Any]) -> torch.Tensor:
    tracked = [operand for operand in operands if _is_tracked(tracker, operand)]
    if len(tracked) == 1 and is_scaling(tracker, operator, operands):
        return scaled(tracker, call, operator, operands)
    reciprocal = operator == "div" and tracked[0] is operands[1]
    known = operator in {"add", "sub", "mul", "div"} and not reciprocal
    if len(tracked) != 1 or tracker.kind(tracked[0]) is not Kind.REAL or not known:
        kinds = ", ".join(_describe(tracker, operand) for operand in operands)
        raise CaptureError(
            f"must be arithmetic that the chip can do (got '{operator}' of {kinds}): logic of "
            f"spikes, sums, or a real value scaled and shifted by constants. Rewrite it so, or "
            f"declare the module that does it as a neuron."
        )
    source = tracked[0]
    other = operands[0] if operands[1] is source else operands[1]
    _require_foldable(tracker, source, other, operator)
    result = call.run()
    side = "left" if source is operands[0] else "right"
    name = tracker.supersede(source, result, "scaling", operator, side, other)
    if operator in {"mul", "div"}:
        factor = other if operator == "mul" else 1 / torch.as_tensor(other)
        tracker.gauge.scale(name, factor, tracker.step)
    tracker.gauge.change(name, result, tracker.step)
    return result


def _require_foldable(tracker: Tracker, source: torch.Tensor, other: Any, operator: str) -> None:
    """Raises CaptureError unless constants can be folded into weights and biases."""
    value, axes = tracker.peek(source).value, tracker.peek(source).axes
    channel = axes.index(Axis.FEATURE) - len(axes)
    shape = tuple(other.shape) if isinstance(other, torch.Tensor) else ()
    # aligned from the right, as torch broadcasts: only the channel axis may vary
    varying = [position - len(shape) for position, size in enumerate(shape) if size != 1]
    if set(varying) - {channel} or len(shape) > len(axes):
        raise CaptureError(
            f"must scale and shift by one number, or by one per channel (got constants of shape "
            f"{shape} for a tensor of shape {tuple(source.shape)}). Put them into a batch norm; a "
            f"value that is fed back from the last timestep is not understood."
        )
    producer = tracker.draft.layers.get(value.name)
    folds_back = producer is None or producer.type in SYNAPTIC
    if not folds_back and (varying or operator in {"add", "sub"}):
        raise CaptureError(
            f"must shift, or scale per channel, the result of a convolution or linear layer only "
            f"(got that of '{value.name}'). Move it behind the layer that has weights."
        )


def _unchanged(tracker: Tracker, operator: str, operands: tuple[Any, Any]) -> torch.Tensor | None:
    """The operand that plus or minus zero, times or by one leaves as it is, None if there is none.

    A sum over timesteps starts so: `total = torch.zeros(1, 10)`.
    """
    source, other = operands
    if not _is_tracked(tracker, source) and operator in {"add", "mul"}:
        source, other = other, source
    neutral = {"add": 0, "sub": 0, "mul": 1, "div": 1}.get(operator)
    if neutral is None or not _is_tracked(tracker, source) or _is_tracked(tracker, other):
        return None
    if not isinstance(other, torch.Tensor):
        return source if isinstance(other, int | float) and other == neutral else None
    aligned = zip(reversed(other.shape), reversed(source.shape), strict=False)
    keeps_shape = other.dim() <= source.dim() and all(own in {1, size} for own, size in aligned)
    return source if keeps_shape and bool((other == neutral).all()) else None


def _is_tracked(tracker: Tracker, operand: Any) -> bool:
    return tracker.find(operand) is not None


def _are_spikes(tracker: Tracker, *operands: Any) -> bool:
    return all(
        tracker.peek(operand).value.expression is not None
        if _is_tracked(tracker, operand)
        else _whole_number(operand) is not None
        for operand in operands
    )


def _as_expression(tracker: Tracker, operand: Any) -> Expression:
    number = None if _is_tracked(tracker, operand) else _whole_number(operand)
    if number is not None:
        return constant(number)
    expression = tracker.peek(operand).value.expression
    assert expression is not None
    return expression


def _whole_number(operand: Any) -> int | None:
    """A constant that is a whole number, None if it is not one."""
    if isinstance(operand, torch.Tensor) and operand.numel() == 1:
        operand = operand.item()
    if isinstance(operand, int | float) and operand == operand // 1:
        return int(operand)
    return None


def _joined_axes(tracker: Tracker, operands: tuple[Any, Any]) -> tuple[Axis, ...]:
    tracked = [tracker.peek(o).axes for o in operands if _is_tracked(tracker, o)]
    return joined(tracked[0], tracked[-1])


def _require_same_features(tracker: Tracker, left: Any, right: Any) -> None:
    if not (_is_tracked(tracker, left) and _is_tracked(tracker, right)):
        return
    shapes = [features(tracker.peek(o).axes, o.shape) for o in (left, right)]
    if shapes[0] != shapes[1]:
        raise CaptureError(
            f"must have operands of one shape without time and batch (got {shapes[0]} and "
            f"{shapes[1]}). Broadcasting over features is not understood."
        )


def _describe(tracker: Tracker, operand: Any) -> str:
    if not _is_tracked(tracker, operand):
        return "a constant"
    kind = tracker.kind(operand)
    return "spikes" if kind is None else f"{kind} values"
