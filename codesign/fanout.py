"""Fan-out: how many weights an input element meets.

A spike at row y of a convolution's input meets the kernel taps k whose output row
`(y + padding - k dilation) / stride` is a whole number inside the output; likewise its column.
Rows and columns are independent, so the taps of a spike are a product of two small vectors, and
the taps of all spikes of a tile are two matrix products. Padding, stride, dilation and a cut of
the output into bands are exact; nothing is a rate times a dense count.

Counting and lowering both use these functions, so that a chip does exactly the work that was
counted. All results are integers. The products run in floating point because it is fast: rows in
float32 where their sums stay below 2^24, everything else in float64, exact below 2^53.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from codesign.workload import Window

Band = tuple[int, int]
"""Output rows from the first up to but without the second."""


_EXACT_IN_FLOAT32 = 2**24


def valid_taps(
    input_size: int, output_size: int, axis: int, window: Window, band: Band | None = None
) -> NDArray[np.float64]:
    """Kernel taps along one axis by which each input position reaches the output.

    Args:
        input_size: positions of the input along the axis.
        output_size: positions of the output along the axis.
        axis: 0 vertical, 1 horizontal.
        window: kernel, stride, padding and dilation.
        band: only these output positions count; all of them if None.

    Returns:
        Whole numbers, shape `(input_size,)`.
    """
    first, last = band or (0, output_size)
    outputs = np.arange(first, last)[:, None]
    taps = np.arange(window.kernel[axis])[None, :]
    positions = (
        outputs * window.stride[axis] - window.padding[axis] + taps * window.dilation[axis]
    ).ravel()
    inside = positions[(positions >= 0) & (positions < input_size)]
    return np.bincount(inside, minlength=input_size).astype(np.float64)


def band_taps(
    shape: tuple[int, ...], output_shape: tuple[int, ...], window: Window, bands: list[Band]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The two vectors of taps: `(H, bands)` for rows and `(W,)` for columns."""
    rows = [valid_taps(shape[1], output_shape[1], 0, window, band) for band in bands]
    return np.stack(rows, axis=1), valid_taps(shape[2], output_shape[2], 1, window)


def reached(
    shape: tuple[int, ...], output_shape: tuple[int, ...], window: Window
) -> NDArray[np.uint8]:
    """1 where an input position enters at least one window, shape `(H, W)`."""
    rows = valid_taps(shape[1], output_shape[1], 0, window) > 0
    columns = valid_taps(shape[2], output_shape[2], 1, window) > 0
    inside: NDArray[np.uint8] = np.outer(rows, columns).astype(np.uint8)
    return inside


def tap_sums(
    values: NDArray[np.uint8 | np.uint16],
    output_shape: tuple[int, ...],
    window: Window,
    bands: list[Band] | None = None,
) -> NDArray[np.int64]:
    """Pairs of (input unit, valid tap) for each timestep, channel and band of output rows.

    Args:
        values: how many units each input element holds, shape `(timesteps, C, H, W)`: 1 for a
            spike, k for an integer that is processed as k spikes.
        output_shape: `(C', H', W')` of the convolution.
        window: its geometry.
        bands: bands of output rows; one band with all rows if None.

    Returns:
        Shape `(timesteps, C, bands)`. Times the output channels that a channel feeds, this is
        the number of synaptic operations.
    """
    timesteps, channels, height, width = values.shape
    rows, columns = band_taps(
        values.shape[1:], output_shape, window, bands or [(0, output_shape[1])]
    )
    largest_row = int(values.max(initial=0)) * int(columns.sum())
    exact = np.float32 if largest_row < _EXACT_IN_FLOAT32 else np.float64
    # Some kernels for small matrices compute with memory beside them and drop what comes of it, but
    # for the processor's note of an invalid number; there is none among these.
    with np.errstate(invalid="ignore"):
        by_row = values.reshape(-1, width).astype(exact) @ columns.astype(exact)
        by_band = by_row.reshape(-1, height).astype(np.float64) @ rows
    sums: NDArray[np.int64] = np.rint(by_band).astype(np.int64)
    return sums.reshape(timesteps, channels, -1)


def at_taps(
    maps: NDArray[np.integer], window: Window, shape: tuple[int, int]
) -> Iterator[NDArray[np.integer]]:
    """For each tap of the kernel what `(..., H, W)` maps hold there for each output pixel."""
    (pad_y, pad_x), (height, width) = window.padding, shape
    edges = [(0, 0)] * (maps.ndim - 2) + [(pad_y, pad_y), (pad_x, pad_x)]
    padded = np.pad(maps, edges)
    for i in range(window.kernel[0]):
        for j in range(window.kernel[1]):
            y, x = i * window.dilation[0], j * window.dilation[1]
            yield padded[
                ...,
                y : y + (height - 1) * window.stride[0] + 1 : window.stride[0],
                x : x + (width - 1) * window.stride[1] + 1 : window.stride[1],
            ]
