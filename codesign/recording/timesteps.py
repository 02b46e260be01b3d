"""Single timesteps: taken from a value of all timesteps, and collected again.

A network that loops over timesteps in Python takes `x[t]` from its input, and collects what it
made with `torch.stack`. A collection of all timesteps in their order is the value that a network
gets which runs each layer for all timesteps at once.

Left out, and refused: some of the timesteps, and other orders.
"""

import operator
from collections.abc import Sequence
from typing import Any

import torch

from codesign.errors import CaptureError
from codesign.recording.axes import Axis, held, without
from codesign.recording.call import Call
from codesign.recording.tracking import Tracker
from codesign.recording.values import Tracked, Value


def getitem(tracker: Tracker, call: Call) -> torch.Tensor:
    """`x[t]`, `x[:, t]`: one timestep, or the one image of a batch."""
    source, index = call.tensor(), call.argument(1, "index")
    index = index if isinstance(index, tuple) else (index,)
    chosen = [place for place, item in enumerate(index) if not _is_everything(item)]
    ahead_of_dots = not any(item is Ellipsis for item in index[: chosen[0]]) if chosen else True
    if len(chosen) > 1 or not ahead_of_dots or (chosen and _whole(index[chosen[0]]) is None):
        raise CaptureError(
            f"must take one timestep, `x[t]` (got the index {index}). Take timesteps one by one, "
            f"and let layers see all features."
        )
    if not chosen:
        return _part(tracker, call, source, None, 0)
    return _part(tracker, call, source, chosen[0], _whole(index[chosen[0]]) or 0)


def select(tracker: Tracker, call: Call) -> torch.Tensor:
    """`select(input, dim, index)`: one timestep."""
    source = call.tensor()
    axis = call.argument(1, "dim") % source.dim()
    return _part(tracker, call, source, axis, operator.index(call.argument(2, "index")))


def unbind(tracker: Tracker, call: Call) -> Sequence[torch.Tensor]:
    """`unbind(input, dim)`, and iteration: all timesteps, one by one."""
    source = call.tensor()
    axis = call.argument(1, "dim", 0) % source.dim()
    tracked = _parted(tracker, source)
    if tracked.axes[axis] is not Axis.TIME:
        raise CaptureError(_not_time(tracked.axes[axis]))
    parts: Sequence[torch.Tensor] = call.function(*call.args, **call.kwargs)
    for step, part in enumerate(parts):
        tracker.step = step
        tracker.alias(part, tracked.value.part(), without(tracked.axes, axis))
    return parts


def stack(tracker: Tracker, call: Call) -> torch.Tensor:
    """`stack(tensors, dim)`: all timesteps of a value, or a static value for all timesteps."""
    tensors = call.argument(0, "tensors")
    tracked, value = _collected(tracker, tensors)
    first, shape = tracked[0], tuple(tensors[0].shape)
    result = call.run()
    axis = call.argument(1, "dim", 0) % result.dim()
    if first.step is None and axis != 0:
        raise CaptureError(
            f"must hold a static value along the first axis (got dim {axis}). Use `dim=0`."
        )
    if first.step is None:
        axes = held(first.axes, shape, result.shape)
    else:
        axes = (*first.axes[:axis], Axis.TIME, *first.axes[axis:])
    tracker.step = None
    tracker.alias(result, value, axes)
    return result


def concatenate(tracker: Tracker, call: Call) -> torch.Tensor:
    """`cat(tensors, dim)` of timesteps that `unsqueeze(0)` gave an axis."""
    tensors = call.argument(0, "tensors")
    _require_recorded(tracker, tensors)
    axis = call.argument(1, "dim", 0) % tensors[0].dim()
    labels = [tracker.peek(tensor).axes[axis] for tensor in tensors]
    if any(label is not Axis.HELD for label in labels):
        raise CaptureError(
            f"must collect timesteps along an axis of their own (got the {labels[0]} axis). Use "
            f"`torch.stack`; joining features of several layers is not understood."
        )
    tracked, value = _collected(tracker, tensors)
    first = tracked[0]
    result = call.run()
    axes = tuple(Axis.TIME if place == axis else label for place, label in enumerate(first.axes))
    tracker.step = None
    tracker.alias(result, value, axes)
    return result


def _collected(tracker: Tracker, tensors: Sequence[torch.Tensor]) -> tuple[list[Tracked], Value]:
    """What is collected: one value at all its timesteps in their order, or a static one."""
    _require_recorded(tracker, tensors)
    tracked = [_closed(tracker, tensor) for tensor in tensors]
    names = list(dict.fromkeys(item.value.name for item in tracked))
    steps = [item.step for item in tracked]
    is_static = set(steps) == {None} and Axis.TIME not in tracked[0].axes
    if len(names) > 1 or not (is_static or steps == list(range(len(steps)))):
        raise CaptureError(
            f"must collect one value at all timesteps in their order (got {', '.join(names)} at "
            f"the timesteps {', '.join(map(str, steps))}). Collect each layer's result once at "
            f"every timestep, or let every layer process all timesteps, `(T, N, ...)`, in one call."
        )
    scales = [item.value.scale for item in tracked]
    if len(set(scales)) > 1:
        raise CaptureError(
            f"must collect integers of one scale at all timesteps (got "
            f"{', '.join(map(str, scales))}). Scale the collection."
        )
    first = tracked[0].value
    if is_static:
        return tracked, first
    # a change of the collection would change what others have read, and the other way round
    readers = any(item.value.readers for item in tracked)
    whole = Value(first.name, first.expression, readers=readers, scale=first.scale)
    for item in tracked:
        item.value.readers = True
    return tracked, whole


def _require_recorded(tracker: Tracker, tensors: Sequence[torch.Tensor]) -> None:
    """Raises CaptureError if something is collected that does not depend on the input."""
    strange = [tuple(tensor.shape) for tensor in tensors if tracker.find(tensor) is None]
    if strange:
        raise CaptureError(
            f"must collect recorded values alone (got a tensor of shape {strange[0]} that does not "
            f"depend on the input). Collect what layers made, without what they start from; state "
            f"that is fed back outside a neuron is not understood."
        )


def _part(
    tracker: Tracker, call: Call, source: torch.Tensor, axis: int | None, index: int
) -> torch.Tensor:
    tracked = _parted(tracker, source)
    if axis is not None and tracked.axes[axis] not in {Axis.TIME, Axis.BATCH, Axis.HELD}:
        raise CaptureError(_not_time(tracked.axes[axis]))
    result = call.run()
    if axis is None:
        tracker.alias(result, tracked.value, tracked.axes)
        return result
    value = tracked.value
    if tracked.axes[axis] is Axis.TIME:
        tracker.step, value = index % source.shape[axis], value.part()
    tracker.alias(result, value, without(tracked.axes, axis))
    return result


def _closed(tracker: Tracker, tensor: torch.Tensor) -> Tracked:
    """What a tensor is, with its layer drawn."""
    tracker.close(tensor)
    return tracker.peek(tensor)


def _parted(tracker: Tracker, tensor: torch.Tensor) -> Tracked:
    """The same for a tensor that timesteps are taken from."""
    tracked = tracker.peek(tensor, whole=False)
    return tracked if tracked.value.name else _closed(tracker, tensor)


def _is_everything(item: Any) -> bool:
    return item is Ellipsis or (isinstance(item, slice) and item == slice(None))


def _whole(item: Any) -> int | None:
    """An index as a number, None if it is something else."""
    if isinstance(item, bool) or not hasattr(item, "__index__"):
        return None
    try:
        return operator.index(item)
    except TypeError:  # a tensor of several numbers
        return None


def _not_time(axis: Axis) -> str:
    return (
        f"must take timesteps (got a part of the {axis} axis). Let layers see all features of the "
        f"one image, time first."
    )
