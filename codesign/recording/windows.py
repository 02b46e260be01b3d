"""Windows that slide: what pools make, and the geometry that convolutions share with them."""

from typing import Any

import torch

from codesign.errors import CaptureError
from codesign.recording.axes import Axis
from codesign.recording.call import Call
from codesign.recording.draft import Operation
from codesign.recording.tracking import Made, Source, Tracker
from codesign.workload import Kind, LayerType, Window


def max_pool(tracker: Tracker, call: Call) -> torch.Tensor:
    """`max_pool2d(input, kernel, stride, padding, dilation, ceil_mode, return_indices)`."""
    if call.argument(6, "return_indices", False):
        raise CaptureError("must not return indices. Use `return_indices=False`.")
    kernel = pair(call.argument(1, "kernel_size"))
    window = Window(
        kernel=kernel,
        stride=pair(call.argument(2, "stride") or kernel),
        padding=pair(call.argument(3, "padding", 0)),
        dilation=pair(call.argument(4, "dilation", 1)),
    )
    source = tracker.read(call.tensor(), mask=True)
    operation = Operation(LayerType.MAX_POOL, (source.tensor.name,), window)
    made = Made(operation, source.tensor.kind, source.tensor.largest)
    return windowed(tracker, call, source, made)


def average_pool(tracker: Tracker, call: Call) -> torch.Tensor:
    """`avg_pool2d(input, kernel, stride, padding, ...)`."""
    kernel = pair(call.argument(1, "kernel_size"))
    window = Window(
        kernel=kernel,
        stride=pair(call.argument(2, "stride") or kernel),
        padding=pair(call.argument(3, "padding", 0)),
    )
    source = tracker.read(call.tensor(), mask=True)
    operation = Operation(LayerType.AVERAGE_POOL, (source.tensor.name,), window)
    return windowed(tracker, call, source, Made(operation, Kind.REAL))


def adaptive_average_pool(tracker: Tracker, call: Call) -> torch.Tensor:
    """`adaptive_avg_pool2d(input, size)` where the size divides the map."""
    source = tracker.read(call.tensor(), mask=True)
    size = pair(call.argument(1, "output_size"))
    height, width = source.features[-2:]
    if height % size[0] or width % size[1]:
        raise CaptureError(
            f"must have an output size that divides the map (got {size} for {height} x {width}). "
            f"Use a fixed window."
        )
    kernel = (height // size[0], width // size[1])
    operation = Operation(
        LayerType.AVERAGE_POOL, (source.tensor.name,), Window(kernel, stride=kernel)
    )
    return windowed(tracker, call, source, Made(operation, Kind.REAL))


def vote(tracker: Tracker, call: Call) -> torch.Tensor:
    """`avg_pool1d(input, kernel, ...)` of a vector: means of neighbours that do not overlap, as
    SpikingJelly's `VotingLayer` takes them of the neurons that vote for a class."""
    size = _single(call.argument(1, "kernel_size"))
    stride = _single(call.argument(2, "stride") or size)
    source = tracker.read(call.tensor(), mask=True)
    shape = source.tensor.shape
    if len(shape) != 1 or source.axes[-1] is not Axis.FEATURE or source.shape[-1] != shape[0]:
        raise CaptureError(
            f"must read a vector, (T, 1, F) (got '{source.tensor.name}' of shape {shape}). Maps "
            f"are pooled by `avg_pool2d`."
        )
    if stride != size or shape[0] % size or _single(call.argument(3, "padding", 0)):
        raise CaptureError(
            f"must take the mean of every {size} neighbours of a whole number of groups (got "
            f"{shape[0]} features, stride {stride}). Pad nothing, and let the size divide them."
        )
    window = Window((size, 1), stride=(size, 1))
    operation = Operation(LayerType.AVERAGE_POOL, (source.tensor.name,), window)
    result = call.run()
    made = Made(operation, Kind.REAL, shape=(shape[0] // size,))
    tracker.write(result, source.axes, call.name, made)
    return result


def windowed(tracker: Tracker, call: Call, source: Source, made: Made) -> torch.Tensor:
    """Runs a convolution or pool on `(C, H, W)` maps and checks its geometry."""
    window = made.operation.window
    assert window is not None
    if len(source.features) != 3 or source.features != source.tensor.shape:
        raise CaptureError(
            f"must read maps (C, H, W) as '{source.tensor.name}' made them, {source.tensor.shape} "
            f"(got {source.features}). Do not reshape features before it."
        )
    result = call.run()
    expected = tuple(
        (size + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1
        for size, kernel, stride, padding, dilation in zip(
            source.features[1:],
            window.kernel,
            window.stride,
            window.padding,
            window.dilation,
            strict=True,
        )
    )
    if tuple(result.shape[-2:]) != expected:
        raise CaptureError(
            f"must give a map of {expected[0]} x {expected[1]}, rounded down (got "
            f"{tuple(result.shape[-2:])}). Use `ceil_mode=False`."
        )
    tracker.write(result, source.axes, call.name, made)
    return result


def pair(value: Any) -> tuple[int, int]:
    if isinstance(value, int):
        return value, value
    values = tuple(int(item) for item in value)
    return values[0], values[-1]


def _single(value: Any) -> int:
    return int(value if isinstance(value, int) else value[0])
