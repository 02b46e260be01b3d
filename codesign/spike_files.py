"""Spike files: tensors that were recorded elsewhere, read into a trace.

A file is `.npz` (numpy, never pickled) or `.safetensors`; its tensors bear the names of the
network's and have shape `(T, *shape)`, or `(1, *shape)` for what is the same at every timestep.
Needed are the inputs, the spikes of every neuron, and whatever else a layer with weights, a pool
or a sum reads; max-pools, logic, sums and ReLUs of those are worked out where the file leaves
them out. Reals may be given as values or as masks of what is not zero. Nothing is rounded or
clipped: a spike that is neither 0 nor 1 is an error.
"""

import hashlib
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from codesign.errors import Fault, InputError, nearest
from codesign.trace import Trace, trace_from_arrays
from codesign.workload import SYNAPTIC, Kind, Layer, LayerType, Tensor, Workload

Array = NDArray[Any]

_HOW_TO_FIX = "Write it again with numpy.savez or safetensors.numpy.save_file."
_LOGIC: dict[str, Callable[[Array, Array], Array]] = {
    "and": lambda s, o: s & o,
    "iand": lambda s, o: (1 - s) & o,
    "or": lambda s, o: s | o,
    "xor": lambda s, o: s ^ o,
}


@dataclass(frozen=True)
class SpikeFile:
    """An open file of tensors.

    Attributes:
        shapes: of every tensor, as its header declares it.
        read: a tensor by its name.
    """

    shapes: Mapping[str, tuple[int, ...]]
    read: Callable[[str], Array]


def load_spikes(workload: Workload, path: Path, provenance: Mapping[str, Any]) -> Trace:
    """One recorded input.

    Args:
        workload: the graph that names the tensors.
        path: of the file.
        provenance: where weights and recording came from; the file's SHA-256 is added.

    Raises:
        InputError: the file cannot be read, or its tensors do not fit the graph; with all faults
            of names and shapes at once.
    """
    with _open(path) as file:
        faults = [*_strangers(workload, path, file), *_misfits(workload, path, file)]
        if faults:
            raise InputError(faults)
        arrays: dict[str, Array] = {}
        for tensor in workload.tensors:
            array = _array(workload, tensor, file, arrays, path)
            if array is not None:
                arrays[tensor.name] = array
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    origin = {
        **provenance,
        "input": {"kind": "recording", "name": path.name, "sha256": digest},
    }
    return trace_from_arrays(workload, arrays, origin)


def require_spike_file(path: Path) -> None:
    """Checks that a file is there and of a kind that is understood.

    Raises:
        InputError: it is not.
    """
    with _open(path):
        pass


@contextmanager
def _open(path: Path) -> Iterator[SpikeFile]:
    opener = _OPENERS.get(path.suffix)
    if opener is None:
        kinds = " or ".join(_OPENERS)
        raise _refused(path, f"must be a {kinds} file (got '{path.suffix}').", _HOW_TO_FIX)
    try:
        with opener(path) as file:
            yield file
    except FileNotFoundError:
        raise _refused(path, "must be there (got no such file).", "Check the path.") from None
    except InputError:
        raise
    except Exception as error:  # whatever a broken file makes of its reader
        problem = f"must be a whole file of tensors (got {type(error).__name__}: {error})."
        raise _refused(path, problem, _HOW_TO_FIX) from None


@contextmanager
def _open_npz(path: Path) -> Iterator[SpikeFile]:
    with zipfile.ZipFile(path) as archive:
        members = {name.removesuffix(".npy"): name for name in archive.namelist()}

        def shape(member: str) -> tuple[int, ...]:
            with archive.open(member) as stream:
                version = npy.read_magic(stream)
                header = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
                declared: tuple[int, ...] = header[version](stream)[0]
                return declared

        def read(name: str) -> Array:
            with archive.open(members[name]) as stream:
                return npy.read_array(stream, allow_pickle=False)

        yield SpikeFile({name: shape(member) for name, member in members.items()}, read)


@contextmanager
def _open_safetensors(path: Path) -> Iterator[SpikeFile]:
    from safetensors import safe_open

    with path.open("rb"):  # so that a missing file is told as one
        pass
    with safe_open(path, framework="np") as file:
        shapes = {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118, no mapping
        yield SpikeFile(shapes, file.get_tensor)


_OPENERS = {".npz": _open_npz, ".safetensors": _open_safetensors}


def _refused(path: Path, problem: str, fix: str) -> InputError:
    return InputError(Fault(str(path), problem, fix))


def _strangers(workload: Workload, path: Path, file: SpikeFile) -> Iterator[Fault]:
    for name in file.shapes:
        if name not in workload.tensor_by_name:
            problem = f"must hold tensors of the network (got '{name}')."
            yield Fault(str(path), problem, nearest(name, workload.tensor_by_name))


def _misfits(workload: Workload, path: Path, file: SpikeFile) -> Iterator[Fault]:
    """Tensors that are missing, or of another shape than the graph's."""
    for tensor in workload.tensors:
        expected = (tensor.timesteps, *tensor.shape)
        shape = file.shapes.get(tensor.name)
        if shape is not None and shape != expected:
            problem = f"tensor '{tensor.name}' must have shape {expected} (got {shape})."
            yield Fault(str(path), problem, "Time comes first; check shapes, stride and padding.")
        if shape is None and _is_needed(workload, tensor) and not _follows(workload, tensor):
            problem = f"must hold tensor '{tensor.name}' of shape {expected} (got none)."
            yield Fault(str(path), problem, "Record it.")


def _follows(workload: Workload, tensor: Tensor) -> bool:
    """Whether a tensor can be worked out from others."""
    layer = workload.producer_by_tensor.get(tensor.name)
    return layer is not None and tensor.kind is not Kind.REAL and layer.type in _DERIVED


def _is_needed(workload: Workload, tensor: Tensor) -> bool:
    """Whether counting looks at the values: all spikes and integers, and reals that are
    multiplied."""
    if tensor.kind is not Kind.REAL:
        return True
    return any(layer.type in SYNAPTIC for layer in workload.consumers_by_tensor[tensor.name])


def _array(
    workload: Workload, tensor: Tensor, file: SpikeFile, arrays: Mapping[str, Array], path: Path
) -> Array | None:
    """The values of a tensor as `codesign.trace.pack` takes them; None if nobody needs them."""
    given = None
    if tensor.name in file.shapes:
        given = _checked(tensor, file.read(tensor.name), path)
        if not _follows(workload, tensor) or not _has_inputs(workload, tensor, arrays):
            return given
    elif not _is_needed(workload, tensor):
        return None
    layer = workload.producer_by_tensor[tensor.name]
    derived = _DERIVED[layer.type](layer, [arrays[name] for name in layer.inputs], tensor)
    if given is not None and not np.array_equal(given, derived):
        where = tuple(int(index) for index in np.argwhere(given != derived)[0])
        problem = (
            f"must be what its layer makes of its inputs in this file (got {given[where]} at "
            f"{where}, where {layer.type} gives {derived[where]})."
        )
        place = f"{path}: tensor '{tensor.name}'"
        raise InputError(Fault(place, problem, "Leave it out, or record all of them together."))
    return derived


def _has_inputs(workload: Workload, tensor: Tensor, arrays: Mapping[str, Array]) -> bool:
    return all(name in arrays for name in workload.producer_by_tensor[tensor.name].inputs)


def _checked(tensor: Tensor, array: Array, path: Path) -> Array:
    place = f"{path}: tensor '{tensor.name}'"
    if array.dtype.kind not in "buif":
        problem = f"must hold numbers (got dtype {array.dtype})."
        raise InputError(Fault(place, problem, "Convert it."))
    if not np.isfinite(array).all():
        problem = "must hold finite values (got NaN or infinity)."
        raise InputError(Fault(place, problem, "Check the recording."))
    if tensor.kind is Kind.REAL:
        mask: Array = (array != 0).astype(np.uint8)
        return mask
    largest = tensor.largest or 1
    outside = (array < 0) | (array > largest) | (array != np.floor(array))
    if outside.any():
        where = tuple(int(index) for index in np.argwhere(outside)[0])
        problem = (
            f"must hold whole numbers from 0 to {largest}, because it is {tensor.kind} "
            f"(got {array[where]} at {where})."
        )
        raise InputError(Fault(place, problem, "Record spikes, not currents."))
    return array.astype(np.uint16)


def _max_pooled(layer: Layer, inputs: list[Array], tensor: Tensor) -> Array:
    window = layer.window
    assert window is not None
    (values,) = inputs
    pad_y, pad_x = window.padding
    padded = np.pad(values, ((0, 0), (0, 0), (pad_y, pad_y), (pad_x, pad_x)))
    views = np.lib.stride_tricks.sliding_window_view(padded, window.kernel, axis=(2, 3))
    pooled: Array = views[:, :, :: window.stride[0], :: window.stride[1]].max(axis=(4, 5))
    return pooled[:, :, : tensor.shape[1], : tensor.shape[2]]


def _logical(layer: Layer, inputs: list[Array], _: Tensor) -> Array:
    first, second = np.broadcast_arrays(*inputs)
    return _LOGIC[layer.function](first, second)


def _summed(_: Layer, inputs: list[Array], __: Tensor) -> Array:
    total: Array = inputs[0] + inputs[1]
    return total


def _unchanged(_: Layer, inputs: list[Array], __: Tensor) -> Array:
    return inputs[0]


_DERIVED: dict[LayerType, Callable[[Layer, list[Array], Tensor], Array]] = {
    LayerType.MAX_POOL: _max_pooled,
    LayerType.LOGIC: _logical,
    LayerType.ADD: _summed,
    LayerType.RELU: _unchanged,
}
