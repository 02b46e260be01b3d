"""The values of torch tensors as numpy arrays, time first, and what must hold of them."""

import math
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from codesign.errors import CaptureError
from codesign.recording.axes import Axes, Axis, is_timed
from codesign.workload import Tensor

WHOLE_TOLERANCE = 0.25
"""How far an integer times a scale may lie from an integer, divided by its scale again.

Rounding gives the right integer below 0.5. In float32 an integer below 2^16 is off by 2^-8 for each
rounding at most; half of what is allowed is kept apart, so that what drifts further is noticed."""


def arranged(data: torch.Tensor, axes: Axes, described: Tensor) -> torch.Tensor:
    """A tensor's elements as `(timesteps, elements)`, time first; one timestep if it is static."""
    if not is_timed(axes):
        return data.reshape(1, -1)
    by_time = data.movedim(axes.index(Axis.TIME), 0)
    return by_time[: described.timesteps].reshape(described.timesteps, -1)


def spike_bits(data: torch.Tensor) -> NDArray[np.bool_]:
    """Spikes as bool.

    Raises:
        CaptureError: a value is neither 0 nor 1.
    """
    bits: NDArray[np.bool_] = data.to(torch.bool, copy=True).cpu().numpy()
    # numpy knows no bfloat16; its comparison of floats is several times as fast as torch's
    exact = data.float() if data.dtype is torch.bfloat16 else data
    if not np.array_equal(exact.cpu().numpy() == 1, bits):
        raise CaptureError(
            "must give spikes of 0 and 1 (got other values). Declare a module as a neuron only if "
            "its output is binary."
        )
    return bits


def whole_numbers(data: torch.Tensor, scale: float = 1.0) -> NDArray[Any]:
    """The integers of which a tensor holds multiples of a scale.

    Args:
        data: what torch computed.
        scale: what its elements are multiples of.

    Raises:
        CaptureError: an element is no multiple, or its type is too coarse to say of which integer.
    """
    if not data.dtype.is_floating_point:
        return data.cpu().numpy()
    exact = data.double() if scale != 1 or data.dtype is torch.bfloat16 else data
    quotient = exact / scale if scale != 1 else exact
    whole = quotient.round()
    distance, largest = float((whole - quotient).abs().max()), float(whole.max())
    # A floating type holds every integer up to 2 / eps, and times a scale it is rounded by half an
    # eps of itself. Comparisons are false for NaN.
    limit = (2 if scale == 1 else 2 * WHOLE_TOLERANCE) / torch.finfo(data.dtype).eps
    if not (distance <= WHOLE_TOLERANCE and largest < limit):
        raise CaptureError(
            f"must give integers, times its scale {scale:g}, that {data.dtype} tells apart (got "
            f"integers up to {largest:g}, off by up to {distance:.2g}). Run the network in "
            f"float32, with a scale nearer to 1."
        )
    return whole.cpu().numpy()


def require_finite(data: torch.Tensor, name: str) -> None:
    """Raises CaptureError if a value of the graph's tensor of that name is NaN or infinite."""
    # One pass in the usual case: a sum is finite unless a value is not, or it overflows.
    if math.isfinite(float(data.sum())):
        return
    bad = int((~torch.isfinite(data)).sum())
    if bad:
        raise CaptureError(
            f"must read finite values (got {bad} that are NaN or infinite in '{name}'). Check the "
            f"weights and the input."
        )
