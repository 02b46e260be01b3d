"""In which order a torch tensor holds the features of the value that it is.

Attention reads its operands by heads and transposed. Such views hold the same recorded values in
another order; a `Layout` says which: for each feature axis of the torch tensor the stride, in
elements of the recorded array. The layout of a tensor in the recorded order itself is None.

Only products and further views may read values in another order; nothing is copied.
"""

from codesign.errors import CaptureError
from codesign.recording.axes import Axes, Axis, Shape, features

Layout = tuple[int, ...]


def in_order(shape: tuple[int, ...]) -> Layout:
    """Strides of an array of this shape, last axis fastest."""
    strides, step = [], 1
    for size in reversed(shape):
        strides.append(step)
        step *= size
    return tuple(reversed(strides))


def strides_of(layout: Layout | None, axes: Axes, shape: Shape) -> Layout:
    """Strides of the feature axes of a torch tensor."""
    return in_order(features(axes, shape)) if layout is None else layout


def permuted(
    layout: Layout | None, axes: Axes, shape: Shape, order: tuple[int, ...]
) -> tuple[Axes, Layout | None]:
    """Labels and layout after `permute`: axis i of the result is axis `order[i]`."""
    strides = dict(zip(_positions(axes), strides_of(layout, axes, shape), strict=True))
    moved = tuple(axes[position] for position in order)
    result = tuple(strides[position] for position in order if position in strides)
    sizes = features(moved, [shape[position] for position in order])
    return moved, _simplified(result, sizes)


def reshaped(
    layout: Layout | None, before: tuple[int, ...], after: tuple[int, ...]
) -> Layout | None:
    """Layout after the features were reshaped from one shape to another.

    Raises:
        CaptureError: the features would have to be copied into another order.
    """
    if layout is None:
        return None
    runs = _runs(before, layout)
    result: list[int] = []
    for size in reversed(after):
        if size == 1:
            result.append(1)
            continue
        length, stride = runs.pop()
        if length % size:
            raise CaptureError(
                f"must not merge features that were permuted before (got {before} to {after}). "
                f"Permute them back first."
            )
        if length > size:
            runs.append((length // size, stride * size))
        result.append(stride)
    return _simplified(tuple(reversed(result)), after)


def _runs(shape: tuple[int, ...], layout: Layout) -> list[tuple[int, int]]:
    """Neighbouring axes that are one in memory, as lengths and strides."""
    runs: list[tuple[int, int]] = []
    for size, stride in zip(shape, layout, strict=True):
        if runs and runs[-1][1] == size * stride:
            runs[-1] = (runs[-1][0] * size, stride)
        elif size > 1:
            runs.append((size, stride))
    return runs


def _positions(axes: Axes) -> list[int]:
    return [position for position, axis in enumerate(axes) if axis is Axis.FEATURE]


def _simplified(layout: Layout, shape: tuple[int, ...]) -> Layout | None:
    """None for the recorded order; strides of axes of length 1 do not matter."""
    plain = in_order(shape)
    same = all(a == b for a, b, size in zip(layout, plain, shape, strict=True) if size > 1)
    return None if same else layout
