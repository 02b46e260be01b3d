"""Sums over timesteps: of a value of all timesteps, or adding up one timestep after the other.

Both are the same layer, and so is a mean. A sum that grows in a loop has no layer until something
reads it; whether it then sums all timesteps is checked at the end (`completion`).

Left out, and refused: values of different timesteps that meet in any other way, as they do where
something is fed back, or leaks; sums over some of the timesteps.
"""

from dataclasses import replace
from typing import Any

import torch

from codesign.errors import CaptureError
from codesign.recording.axes import Axis, joined, without
from codesign.recording.call import Call
from codesign.recording.tracking import Tracker
from codesign.recording.values import Total, Tracked, Value

JOINING = frozenset({"add", "add_", "iadd", "radd", "stack", "cat", "concat", "concatenate"})
"""Functions that may see values of several timesteps."""


def time_sum(tracker: Tracker, call: Call) -> torch.Tensor:
    """`sum(input, dim, keepdim)` over time."""
    source = call.tensor()
    dims = call.argument(1, "dim")
    axes = (dims,) if isinstance(dims, int) else tuple(dims or range(source.dim()))
    tracker.close(source)
    tracked = tracker.peek(source)
    if [tracked.axes[axis] for axis in axes] != [Axis.TIME]:
        raise CaptureError(
            f"must sum over time alone (got axes {axes} of shape {tuple(source.shape)}). Other "
            f"sums are not understood: use a pool or a linear layer."
        )
    tracked.value.require_unscaled()
    tracked.value.readers = True
    result = call.run()
    axis = axes[0] % source.dim()
    kept = without(tracked.axes, axis)
    if call.argument(2, "keepdim", False):
        kept = (*kept[:axis], Axis.HELD, *kept[axis:])
    made = Total(tracked.value.name, source.shape[axis])
    tracker.alias(result, Value("", total=made, scope=tracker.scope), kept)
    return result


def accumulate(
    tracker: Tracker, call: Call, word: str, operands: tuple[Any, Any]
) -> torch.Tensor | None:
    """A sum over timesteps that grows by one, or is scaled; None if it is something else.

    Raises:
        CaptureError: values of different timesteps meet in another way.
    """
    tracked = [tracker.find(operand) for operand in operands]
    known = [item for item in tracked if item is not None]
    grows = len({item.step for item in known if item.step is not None}) > 1
    if word == "add" and len(known) == 2 and (grows or _grows(known)):
        return _grown(tracker, call, operands)
    [summed, *more] = known
    if more or summed.value.total is None or word not in {"mul", "div"}:
        return None
    other = operands[0] if tracked[1] is summed else operands[1]
    is_reciprocal = word == "div" and tracked[1] is summed
    if is_reciprocal or (isinstance(other, torch.Tensor) and other.numel() != 1):
        return None
    result = call.run()
    scaled = replace(summed.value.total, scaled=True)
    tracker.alias(result, Value("", total=scaled, scope=tracker.scope), summed.axes)
    return result


def _grows(known: list[Tracked]) -> bool:
    """Whether a sum of timesteps meets the next one."""
    sums = [item for item in known if item.value.total is not None]
    return len(sums) == 1 and any(item.step is not None for item in known)


def _grown(tracker: Tracker, call: Call, operands: tuple[Any, Any]) -> torch.Tensor:
    parts = []
    for operand in operands:
        tracked = tracker.peek(operand)
        if tracked.value.total is None:
            tracker.close(operand)
            tracked.value.require_unscaled()
            tracked.value.readers = True
            step = tracked.step or 0
            parts.append((step, Total(tracked.value.name, step + 1)))
        else:
            parts.append((0, tracked.value.total))
    (start, before), (step, after) = sorted(parts, key=lambda part: part[1].count)
    if before.name != after.name or start != 0 or before.scaled or before.count != step:
        raise CaptureError(
            f"must not mix timesteps (got '{before.name}' of timestep {before.count - 1} and "
            f"'{after.name}' of timestep {after.count - 1}). Only a sum over all timesteps in "
            f"their order is understood; feedback from the last timestep is not. If this is a "
            f"membrane, put it into a module and declare it: `neurons={{MyNeuron: 'LIF'}}`."
        )
    axes = joined(tracker.peek(operands[0]).axes, tracker.peek(operands[1]).axes)
    result = call.run()
    tracker.step = None
    grown = Total(before.name, after.count)
    tracker.alias(result, Value("", total=grown, scope=tracker.scope), axes)
    return result
