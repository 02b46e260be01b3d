"""Which axis of a torch tensor is time.

The graph of a workload knows shapes without time and batch; torch tensors carry both, side by
side `(T, N, C, H, W)` or flattened `(T * N, C, H, W)`. An `Axes` labels every axis of one tensor,
and the functions here say what becomes of the labels when torch rearranges it. A label follows
from the labels before, never from a value, nor from an axis happening to be as long as T.

Assumed: one image (N = 1), so that the batch is an axis of length 1 and a flattened `T * N` is
the time axis itself. A tensor of a single timestep has no time axis; which timestep it is of is
known elsewhere (`values`). Left out: rearranging the features of one timestep in another order,
and splitting time. Shapes and labels alone are seen here, no torch.
"""

import math
from collections.abc import Sequence
from enum import StrEnum

from codesign.errors import CaptureError


class Axis(StrEnum):
    """What one axis of a tensor is."""

    TIME = "time"
    BATCH = "batch"
    HELD = "held"
    """Length 1, put before a static value: becomes time when it is repeated for T timesteps."""
    FEATURE = "feature"


Axes = tuple[Axis, ...]
Shape = Sequence[int]


def is_timed(axes: Axes) -> bool:
    """Whether the tensor has a value for every timestep."""
    return Axis.TIME in axes


def features(axes: Axes, shape: Shape) -> tuple[int, ...]:
    """The shape without time and batch."""
    return tuple(size for axis, size in zip(axes, shape, strict=True) if axis is Axis.FEATURE)


def input_axes(shape: Shape) -> Axes:
    """Labels of a network's input: `(1, C, H, W)` or `(1, F)`, with time first if one axis more.

    Raises:
        CaptureError: another number of axes, or more than one image.
    """
    if len(shape) not in {2, 3, 4, 5}:
        raise CaptureError(
            f"must have shape (1, C, H, W), (T, 1, C, H, W), (1, F) or (T, 1, F) "
            f"(got {tuple(shape)}). Add the batch axis with `inputs.unsqueeze(0)`."
        )
    timed = len(shape) % 2 == 1
    if shape[int(timed)] != 1:
        raise CaptureError(
            f"must hold one image (got {shape[int(timed)]}, shape {tuple(shape)}). "
            f"Record the images one by one."
        )
    if 0 in shape:
        raise CaptureError(f"must not be empty (got shape {tuple(shape)}). Give an image.")
    lead = (Axis.TIME, Axis.BATCH) if timed else (Axis.BATCH,)
    return lead + (Axis.FEATURE,) * (len(shape) - len(lead))


def reshaped(axes: Axes, before: Shape, after: Shape) -> Axes:
    """Labels after `reshape`, `view`, `flatten`, `unflatten`, `squeeze`.

    Features may be merged or split; time must stay an axis of its own. A new axis of length 1
    right behind time is the batch, unless the features are those of before without it.

    Raises:
        CaptureError: time is merged with features or cut into pieces.
    """
    time = _time_after(axes, before, after)
    sizes = tuple(after) if time < 0 else (*after[:time], *after[time + 1 :])
    labels = [Axis.FEATURE] * len(sizes)
    batch = _batch_after(axes, features(axes, before), sizes, max(time, 0))
    if batch is not None:
        labels[batch] = Axis.BATCH
    if time >= 0:
        labels.insert(time, Axis.TIME)
    return tuple(labels)


def _batch_after(
    axes: Axes, kept: tuple[int, ...], sizes: tuple[int, ...], lead: int
) -> int | None:
    """Position of the batch among the new sizes without time, None if it was flattened away.

    It stands right behind time or right ahead of it; `lead` is the first of the two.
    """
    if sizes == kept:
        return None
    had_batch = Axis.BATCH in axes or Axis.HELD in axes
    for position in (lead, lead - 1):
        if not 0 <= position < len(sizes) or sizes[position] != 1:
            continue
        was_inserted = sizes == (*kept[:position], 1, *kept[position:])
        if was_inserted or had_batch or kept[position : position + 1] != (1,):
            return position
    return None


def _time_after(axes: Axes, before: Shape, after: Shape) -> int:
    """Position of time in the new shape, -1 for a static tensor."""
    if Axis.TIME not in axes:
        return -1
    old = axes.index(Axis.TIME)
    ahead = math.prod(before[:old])
    for position, size in enumerate(after):
        if size == before[old] and math.prod(after[:position]) == ahead:
            return position
    raise CaptureError(
        f"must keep time as an axis of its own (got {tuple(before)} to {tuple(after)}). "
        f"Reshape the features of each timestep only."
    )


def without(axes: Axes, axis: int) -> Axes:
    """Labels after an axis was reduced, or one place of it taken."""
    return (*axes[:axis], *axes[axis + 1 :])


def unsqueezed(axes: Axes, position: int) -> Axes:
    """Labels after a new axis of length 1 at `position` (not negative)."""
    new = Axis.FEATURE
    if Axis.BATCH in axes:
        new = Axis.HELD if position == 0 and not is_timed(axes) else Axis.FEATURE
    elif position == (axes.index(Axis.TIME) + 1 if is_timed(axes) else 0):
        new = Axis.BATCH
    return (*axes[:position], new, *axes[position:])


def held(axes: Axes, before: Shape, after: Shape, timesteps: int | None = None) -> Axes:
    """Labels after `expand`, `repeat` or `stack`: a static value is held for T timesteps.

    Args:
        axes: the labels before.
        before: the shape before.
        after: the shape behind; the same, where T is 1.
        timesteps: T, None while it is not known, 0 where the value is of one timestep alone.

    Raises:
        CaptureError: something else than the leading axes of a static value is repeated.
    """
    new = len(after) - len(before)
    if new == 0 and tuple(after) == tuple(before):
        is_held = Axis.HELD in axes and not is_timed(axes) and timesteps in {None, 1}
        return _timed(axes) if is_held else axes
    labels = [Axis.TIME] * new + list(axes)
    for position, size in enumerate(before, start=new):
        if after[position] != size:
            if size != 1 or axes[position - new] not in {Axis.BATCH, Axis.HELD}:
                raise CaptureError(
                    f"must not repeat features or timesteps (got {tuple(before)} to "
                    f"{tuple(after)}). Only a static value may be held for T timesteps."
                )
            labels[position] = Axis.TIME
    if labels.count(Axis.TIME) > 1:
        raise CaptureError(
            f"must make one time axis (got {tuple(before)} to {tuple(after)}). "
            f"Only a static value may be held for T timesteps, and once."
        )
    return tuple(labels)


def _timed(axes: Axes) -> Axes:
    """Labels of a value that was held for the only timestep."""
    place = axes.index(Axis.HELD)
    return (*axes[:place], Axis.TIME, *axes[place + 1 :])


def joined(left: Axes, right: Axes) -> Axes:
    """Labels of an element-wise result: time wins over a held or batch axis of length 1.

    Raises:
        CaptureError: the operands have time at different places.
    """
    if len(left) < len(right):
        left, right = right, left
    padded = left[: len(left) - len(right)] + right
    labels = tuple(
        Axis.TIME if Axis.TIME in pair else pair[0] for pair in zip(left, padded, strict=True)
    )
    if labels.count(Axis.TIME) > 1:
        raise CaptureError(
            "must have time at the same place in both operands. Flatten or restore one of them."
        )
    return labels
