"""Inputs of a user's network: photographs, samples of data sets, random values, or a NumPy file.

A photograph is what ImageNet's networks see of it (`codesign.pictures`), averaged over blocks to a
smaller square, and over its channels to grey. Random values are uniform in [0, 1). Both lie on the
grid of 2^-8, so that a recording is the same on every machine if the weights are on a grid as well.
"""

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codesign.datasets.network_inputs import sample_frames, sample_pixels, sample_provenance
from codesign.datasets.references import is_reference
from codesign.errors import Fault, InputError
from codesign.pictures import (
    LARGEST_FILE_BYTES,
    PIXEL_FRACTION_BITS,
    SIDE,
    load_picture,
    picture_digest,
    picture_path,
)
from codesign.specs.model import ModelSpec, seed_name

SHAPES = "[C, H, W] or [F], with T first for a sequence"


def model_input(spec: ModelSpec, name: str) -> NDArray[np.float32]:
    """The input of one inference, with a batch of one.

    Args:
        spec: the workload.
        name: one of its `images`, another photograph, or the reference of a sample. Recorded
            events are for a shape of `[T, 2, S, S]`.

    Returns:
        `(1, C, H, W)`, `(T, 1, C, H, W)`, `(1, F)` or `(T, 1, F)`.

    Raises:
        InputError: the file is missing, unreadable, or of another shape than it must have.
    """
    shape = spec.input.shape
    if _is_random(spec, name):
        assert shape is not None
        values = _random(shape, spec.input.seed)
    elif name == spec.input.file:
        values = _from_file(name, shape)
    elif is_reference(name) and shape is not None and len(shape) == 4:
        values = _frames(name, shape)
    else:
        values = _picture(name, shape)
    return np.expand_dims(values, 0 if values.ndim % 2 else 1)


def model_input_provenance(spec: ModelSpec, name: str) -> dict[str, Any]:
    """Kind, name, shape and SHA-256 of an input; JSON values.

    Raises:
        InputError: the file is missing or unreadable.
    """
    values = {} if spec.input.values is None else {"values": spec.input.values}
    return _origin(spec, name) | values


def _origin(spec: ModelSpec, name: str) -> dict[str, Any]:
    shape = spec.input.shape and list(spec.input.shape)
    if _is_random(spec, name):
        return {"kind": "random", "name": name, "shape": shape}
    if name == spec.input.file:
        return {"kind": "file", "name": Path(name).name, "sha256": _digest(name)}
    if is_reference(name):
        return {**sample_provenance(name), "shape": shape}
    path = picture_path(name)
    return {"kind": "photograph", "name": path.name, "shape": shape, "sha256": picture_digest(name)}


def _is_random(spec: ModelSpec, name: str) -> bool:
    return spec.input.seed is not None and name == seed_name(spec.input.seed)


def _random(shape: tuple[int, ...], seed: int | None) -> NDArray[np.float32]:
    grid = 2**PIXEL_FRACTION_BITS
    levels = np.random.default_rng(seed).integers(0, grid, shape)
    return np.asarray(levels / grid, dtype=np.float32)


def _frames(name: str, shape: tuple[int, ...]) -> NDArray[np.float32]:
    timesteps, polarities, height, width = shape
    if polarities != 2 or height != width:
        problem = f"must be [T, 2, S, S] for recorded events (got {list(shape)})."
        raise InputError(Fault("input.shape", problem, "Give another shape."))
    return sample_frames(name, timesteps, height)


def _picture(name: str, shape: tuple[int, ...] | None) -> NDArray[np.float32]:
    channels, height, width = _picture_shape(shape)
    pixels = sample_pixels(name, height) if is_reference(name) else load_picture(name)
    block = pixels.shape[1] // height
    blocks = pixels.reshape(3, height, block, width, block).mean(axis=(2, 4), dtype=np.float64)
    if channels == 1:
        blocks = blocks.mean(axis=0, keepdims=True)
    grid = 2.0**PIXEL_FRACTION_BITS
    return np.asarray(np.rint(blocks * grid) / grid, dtype=np.float32)


def _picture_shape(shape: tuple[int, ...] | None) -> tuple[int, int, int]:
    shape = shape or (3, SIDE, SIDE)
    sides = [side for side in range(1, SIDE + 1) if SIDE % side == 0]
    fits = len(shape) == 3 and shape[0] in {1, 3} and shape[1] == shape[2] and shape[1] in sides
    if not fits:
        words = ", ".join(str(side) for side in sides if side >= 7)
        raise InputError(
            Fault(
                "input.shape",
                f"must be [3, S, S] or [1, S, S] for a photograph, S one of {words} (got "
                f"{list(shape)}).",
                "Give another shape, or the input as a file.",
            )
        )
    return shape[0], shape[1], shape[2]


def _from_file(name: str, shape: tuple[int, ...] | None) -> NDArray[np.float32]:
    """The array in a NumPy file, as float32."""
    _digest(name)  # reports a missing, unreadable or oversized file in our words
    try:
        # pickled objects are code: they are refused
        loaded = np.load(name, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        problem = f"must be a NumPy file of numbers ({error})."
        raise InputError(Fault(name, problem, "Save it with `numpy.save`.")) from error
    if not isinstance(loaded, np.ndarray) or loaded.dtype.kind not in "biuf":
        got = getattr(loaded, "dtype", "several arrays")
        raise InputError(Fault(name, f"must hold one array of numbers (got {got})."))
    if not 1 <= loaded.ndim <= 4 or 0 in loaded.shape:
        problem = f"must have a shape {SHAPES} (got {list(loaded.shape)})."
        raise InputError(Fault(name, problem, "Leave out the batch."))
    if shape is not None and loaded.shape != shape:
        problem = f"must have the shape {list(shape)} of the workload (got {list(loaded.shape)})."
        raise InputError(Fault(name, problem, "Change one of the two."))
    values: NDArray[np.float32] = loaded.astype(np.float32)
    if not np.isfinite(values).all():
        raise InputError(Fault(name, "must hold finite values (got NaN or infinity)."))
    return values


def _digest(name: str) -> str:
    path = Path(name)
    try:
        if path.stat().st_size > LARGEST_FILE_BYTES:
            raise InputError(Fault(name, f"must have at most {LARGEST_FILE_BYTES} bytes."))
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except (OSError, ValueError) as error:
        reason = (isinstance(error, OSError) and error.strerror) or error
        raise InputError(Fault(name, f"must be a readable NumPy file ({reason}).")) from error
