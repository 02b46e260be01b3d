"""The values of torch tensors as numpy arrays, time first, and what must hold of them."""

import math

import numpy as np
import torch
from numpy.typing import NDArray

from codesign.errors import CaptureError
from codesign.recording.axes import Axes, Axis, is_timed
from codesign.workload import Tensor


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
