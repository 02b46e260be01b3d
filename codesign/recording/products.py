"""Matrix products of two recorded values, `left @ right`: the attention of spiking transformers.

One operand must be spikes, the other spikes or integers (those of another product, which may have
been scaled). The result is an integer: at most as many units as there are terms in a sum. Of two
spike operands the left one counts as the events.

Left out, and refused: products of reals or of two integers, which attention on spikes does not
need, and products with constants, which are linear layers.
"""

import math

import torch

from codesign.errors import CaptureError
from codesign.recording.axes import Axis
from codesign.recording.call import Call
from codesign.recording.draft import Operation
from codesign.recording.layouts import Layout, strides_of
from codesign.recording.tracking import Made, Source, Tracker
from codesign.workload import Contraction, Kind, LayerType


def product(tracker: Tracker, call: Call) -> torch.Tensor:
    """`matmul(input, other)` on the last two axes, which must be features."""
    operands = call.tensor(), call.tensor(1, "other")
    for operand in operands:
        if tracker.find(operand) is None:
            raise CaptureError(
                f"must multiply two recorded values (got a constant of shape "
                f"{tuple(operand.shape)}). Use a linear layer for weights."
            )
    left, right = (tracker.read(each, any_order=True, any_scale=True) for each in operands)
    scales = [tracker.peek(each, any_order=True).value.scale for each in operands]
    strides = [
        strides_of(tracker.peek(each, any_order=True).layout, source.axes, source.shape)
        for each, source in zip(operands, (left, right), strict=True)
    ]
    _require_matrices(left, right)
    operation, largest = _operation((left, right), strides)
    result = call.run()
    made = Made(operation, Kind.INTEGER, largest, scale=math.prod(scales))
    tracker.write(result, left.axes, "product", made)
    return result


def _operation(sources: tuple[Source, Source], strides: list[Layout]) -> tuple[Operation, int]:
    """The layer, and its largest result."""
    (left, right), (left_strides, right_strides) = sources, strides
    kinds = [source.tensor.kind for source in sources]
    if Kind.SPIKE not in kinds or Kind.REAL in kinds:
        raise CaptureError(
            f"must multiply spikes with spikes or integers (got {kinds[0]} and {kinds[1]} "
            f"values). Fire before the product."
        )
    groups = _groups(left, left_strides), _groups(right, right_strides)
    (*_, rows, inner), columns = left.features, right.features[-1]
    row, left_inner = left_strides[-2:]
    right_inner, column = right_strides[-2:]
    events_first = kinds[0] is Kind.SPIKE
    # the right operand's events are those of the transposed product
    contraction = Contraction(
        groups=groups[0][0],
        places=rows if events_first else columns,
        inner=inner,
        outputs=columns if events_first else rows,
        event_strides=(groups[0][1], row, left_inner)
        if events_first
        else (groups[1][1], column, right_inner),
        value_strides=(groups[1][1], right_inner, column)
        if events_first
        else (groups[0][1], left_inner, row),
    )
    order = (left, right) if events_first else (right, left)
    inputs = tuple(source.tensor.name for source in order)
    largest = inner * (left.tensor.largest or 1) * (right.tensor.largest or 1)
    return Operation(LayerType.PRODUCT, inputs, contraction=contraction), largest


def _groups(source: Source, strides: Layout) -> tuple[int, int]:
    """Number of matrices in an operand, and the stride from one to the next."""
    sizes, steps = source.features[:-2], strides[:-2]
    axes = [axis for axis in zip(sizes, steps, strict=True) if axis[0] > 1]
    if len(axes) > 1:
        raise CaptureError(
            f"must have at most one axis of matrices beside time and batch (got features "
            f"{source.features}). Merge the axes first."
        )
    return axes[0] if axes else (1, 1)


def _require_matrices(left: Source, right: Source) -> None:
    """Raises CaptureError unless both are stacks of matrices with time at the same place."""
    matrices = all(source.axes[-2:] == (Axis.FEATURE, Axis.FEATURE) for source in (left, right))
    if not matrices or left.axes != right.axes or left.features[:-2] != right.features[:-2]:
        raise CaptureError(
            f"must multiply matrices of features, of as many heads, with time and batch at the "
            f"same place (got shapes {left.shape} and {right.shape}). Permute them first."
        )
