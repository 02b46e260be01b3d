"""Integers times a constant: attention scores, which are scaled before they are used.

No layer: the constant is folded into the threshold of the neurons, or into the weights, that read
the result; a power of two is a shift. The recorded values stay the integers themselves, and the
torch tensor is known to hold multiples of the constant.
"""

import math
from dataclasses import replace
from typing import Any

import torch

from codesign.recording.call import Call
from codesign.recording.tracking import Tracker
from codesign.workload import Kind


def is_scaling(tracker: Tracker, operator: str, operands: tuple[Any, Any]) -> bool:
    """Whether an operation scales recorded integers by one positive number."""
    left, right = operands
    if tracker.find(left) is None and operator != "mul":
        return False  # a constant divided by integers
    source, factor = (left, right) if tracker.find(right) is None else (right, left)
    number = _number(factor)
    return (
        operator in {"mul", "div"}
        and tracker.kind(source) is Kind.INTEGER
        and number is not None
        and math.isfinite(number)
        and number > 0
    )


def scaled(tracker: Tracker, call: Call, operator: str, operands: tuple[Any, Any]) -> torch.Tensor:
    """Makes the result the same integers in another unit; see `is_scaling`."""
    left, right = operands
    source, factor = (left, right) if tracker.find(right) is None else (right, left)
    number = _number(factor)
    assert number is not None
    tracked = tracker.peek(source)
    result = call.run()
    scale = tracked.value.scale * (number if operator == "mul" else 1 / number)
    tracker.alias(result, replace(tracked.value, scale=scale), tracked.axes)
    return result


def _number(factor: Any) -> float | None:
    if isinstance(factor, torch.Tensor) and factor.numel() == 1:
        factor = factor.item()
    return float(factor) if isinstance(factor, int | float) else None
