"""The trace: what was recorded while one input ran through the network.

A trace holds the workload's graph, for every spike tensor its bits, for every integer tensor its
values as bit planes, for every real tensor that feeds multiplications the mask of its non-zero
elements, and where all of it came from. Everything is bit-packed until it is asked for. Beside
these stand the largest magnitudes of layers' numbers, from which widths follow
(`codesign.overflow`), where the network itself ran to be recorded.

How a trace is written to a file and read back is in `codesign.trace_files`.
"""

import hashlib
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codesign.errors import TraceError
from codesign.workload import Kind, Tensor, Workload


def plane_count(tensor: Tensor) -> int:
    """Bit planes that a recorded tensor needs: by its kind and `largest`, not by its values."""
    if tensor.kind is Kind.INTEGER:
        assert tensor.largest is not None
        return max(1, tensor.largest.bit_length())
    return 1


def packed_bytes(tensor: Tensor) -> int:
    """Bytes of a recorded tensor: each plane is padded to whole bytes."""
    return plane_count(tensor) * math.ceil(tensor.timesteps * tensor.size / 8)


@dataclass(frozen=True, slots=True)
class Magnitudes:
    """The largest magnitudes that a layer's numbers had, over timesteps and elements.

    Attributes:
        sum: of the sums of a layer with weights, biases and what is fused into it included; of
            neurons their membranes before they fire.
        weight: of the weights, with what is fused into them; 0 for neurons.
        input: of the real values that the layer multiplies; None where it reads spikes or integers.
    """

    sum: float
    weight: float = 0.0
    input: float | None = None


class Trace:
    """The spikes of one input, read tensor by tensor.

    Attributes:
        workload: the graph.
        provenance: where weights, input and recording came from; JSON values.
        hash: SHA-256 of the graph, the recorded values, the magnitudes and the provenance.
        magnitudes: by layer, for layers with weights and for neurons whose membranes were seen;
            empty where spikes alone were recorded.
    """

    def __init__(
        self,
        workload: Workload,
        provenance: Mapping[str, Any],
        digest: str,
        packed: Mapping[str, Callable[[], bytes]],
        magnitudes: Mapping[str, Magnitudes] | None = None,
    ):
        self.workload = workload
        self.provenance = dict(provenance)
        self.hash = digest
        self.magnitudes = dict(magnitudes or {})
        self._packed = packed

    def __contains__(self, name: str) -> bool:
        return name in self._packed

    @property
    def names(self) -> tuple[str, ...]:
        """The recorded tensors."""
        return tuple(self._packed)

    def packed(self, name: str) -> bytes:
        """The bit-packed planes of a tensor, one after the other.

        Raises:
            TraceError: the tensor was not recorded, or its bytes were altered.
        """
        if name not in self._packed:
            raise TraceError(f"trace of {self.workload.name}: tensor '{name}' was not recorded.")
        return self._packed[name]()

    def planes(self, name: str) -> NDArray[np.uint8]:
        """Bit planes of a tensor: uint8 0/1, shape `(planes, timesteps, *shape)`.

        Raises:
            TraceError: the tensor was not recorded, or its bytes were altered.
        """
        packed: NDArray[np.uint8] = np.frombuffer(self.packed(name), dtype=np.uint8)
        tensor = self.workload.tensor_by_name[name]
        rows = packed.reshape(plane_count(tensor), -1)
        bits = np.unpackbits(rows, axis=1, count=tensor.timesteps * tensor.size)
        return bits.reshape(len(rows), tensor.timesteps, *tensor.shape)

    def values(self, name: str) -> NDArray[np.uint8 | np.uint16]:
        """Values of a spike or integer tensor, shape `(timesteps, *shape)`.

        For a real tensor these are 1 where it is not zero.
        """
        planes = self.planes(name)
        total: NDArray[np.uint8 | np.uint16] = planes[0]
        if len(planes) == 1:  # most of a network, which is not copied
            return total
        total = np.zeros(planes.shape[1:], dtype=np.uint8 if len(planes) <= 8 else np.uint16)
        for weight, plane in enumerate(planes):
            total |= plane.astype(total.dtype) << weight
        return total

    def nonzero(self, name: str) -> NDArray[np.uint8]:
        """1 where a tensor is not zero, uint8, shape `(timesteps, *shape)`."""
        planes = self.planes(name)
        mask: NDArray[np.uint8] = np.bitwise_or.reduce(planes, axis=0)
        return mask

    def verify(self) -> None:
        """Reads every tensor once.

        Raises:
            TraceError: at the first one that was altered.
        """
        for read in self._packed.values():
            read()


def pack(workload: Workload, arrays: Mapping[str, NDArray[Any]]) -> dict[str, bytes]:
    """Recorded arrays as packed bit planes, checked against the graph.

    Args:
        workload: the graph that names the tensors.
        arrays: by tensor name, shape `(timesteps, *shape)`: 0/1 for spikes, small integers for
            integers, a mask for reals.

    Raises:
        TraceError: a name, shape or value does not fit the graph.
    """
    packed = {}
    for name, array in arrays.items():
        tensor = workload.tensor_by_name.get(name)
        if tensor is None:
            raise TraceError(f"trace of {workload.name}: the graph has no tensor '{name}'.")
        if array.shape != (tensor.timesteps, *tensor.shape):
            raise TraceError(
                f"trace of {workload.name}: tensor '{name}' must have shape "
                f"{(tensor.timesteps, *tensor.shape)} (got {array.shape})."
            )
        planes = plane_count(tensor)
        if array.size and (array.min() < 0 or array.max() >= 2**planes):
            raise TraceError(
                f"trace of {workload.name}: {tensor.kind} tensor '{name}' must hold values from "
                f"0 to {2**planes - 1} (got {array.min()} to {array.max()})."
            )
        packed[name] = b"".join(
            np.packbits((array >> plane) & 1 if planes > 1 else array.astype(bool)).tobytes()
            for plane in range(planes)
        )
    return packed


def manifest(
    workload: Workload,
    packed: Mapping[str, bytes],
    provenance: Mapping[str, Any],
    magnitudes: Mapping[str, Magnitudes],
) -> bytes:
    """What a trace contains, as JSON; its SHA-256 is the trace's hash."""
    members = {
        name: {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        for name, data in packed.items()
    }
    content = {"workload": workload.to_json(), "provenance": dict(provenance), "members": members}
    if magnitudes:
        content["magnitudes"] = {name: asdict(largest) for name, largest in magnitudes.items()}
    return json.dumps(content, separators=(",", ":")).encode()


def trace_from_arrays(
    workload: Workload,
    arrays: Mapping[str, NDArray[Any]],
    provenance: Mapping[str, Any],
    magnitudes: Mapping[str, Magnitudes] | None = None,
) -> Trace:
    """A trace in memory; see `pack` for the arrays and what is raised."""
    return trace_from_packed(workload, pack(workload, arrays), provenance, magnitudes)


def trace_from_packed(
    workload: Workload,
    packed: Mapping[str, bytes],
    provenance: Mapping[str, Any],
    magnitudes: Mapping[str, Magnitudes] | None = None,
) -> Trace:
    """A trace in memory from the bytes that `pack` makes."""
    content = manifest(workload, packed, provenance, magnitudes or {})
    digest = hashlib.sha256(content).hexdigest()
    readers = {name: partial(bytes, data) for name, data in packed.items()}
    return Trace(workload, provenance, digest, readers, magnitudes)
