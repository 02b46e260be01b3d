"""The graph while it is drawn: layers and tensors in the order in which the network runs them.

Names are the paths of the network's modules, which are what a user knows: `layer1.0.sn1`. What a
module computes beyond its first layer, and what is computed between modules, gets the operation's
name appended: `layer1.0.iand`. A layer and the tensor that it makes share their name.

A draft holds the recorded arrays too. Nothing here knows torch.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codesign.errors import CaptureError
from codesign.workload import Kind, Layer, LayerType, Stream, Tensor, Window, Workload

INPUT = "input"


@dataclass(eq=False, slots=True)
class Scope:
    """One call of a module.

    Attributes:
        path: the module's path in the network; empty for the network itself.
        stream: the stream that the module, or one around it, declares.
        is_leaf: whether it has no modules inside, so that its first layer bears its name alone.
        batch_norm_fused: whether the module says that a batch norm was fused into it.
        layer_count: layers drawn in this call so far.
    """

    path: str
    stream: Stream
    is_leaf: bool = False
    batch_norm_fused: bool = False
    layer_count: int = 0


@dataclass(frozen=True, slots=True)
class Product:
    """What a new layer makes.

    Attributes:
        shape: without time and batch.
        timed: whether it exists at every timestep, or once.
        kind: spike, integer or real.
        largest: for spikes 1, for integers their largest value, None for reals.
    """

    shape: tuple[int, ...]
    timed: bool
    kind: Kind
    largest: int | None = None


@dataclass(frozen=True, slots=True)
class Operation:
    """What a new layer does; see `codesign.workload.Layer` for the attributes."""

    type: LayerType
    inputs: tuple[str, ...]
    window: Window | None = None
    function: str = ""
    bias: bool = False
    batch_norm: bool = False


class Draft:
    """A workload in the making, and the arrays recorded for it."""

    def __init__(self) -> None:
        self.timesteps: int | None = None
        self.tensors: dict[str, Tensor] = {}
        self.layers: dict[str, Layer] = {}
        self.arrays: dict[str, NDArray[Any]] = {}

    def declare_timesteps(self, timesteps: int) -> None:
        """Fixes T at the first value that has time.

        Raises:
            CaptureError: it was another number before.
        """
        if self.timesteps is None:
            self.timesteps = timesteps
        elif self.timesteps != timesteps:
            raise CaptureError(
                f"must run for the same number of timesteps as the layers before it "
                f"({self.timesteps}, got {timesteps}). Hold the input for one T only."
            )

    def add_input(self, shape: tuple[int, ...], timed: bool) -> str:
        self._add_tensor(INPUT, Stream.SPIKE, Product(shape, timed, Kind.REAL))
        return INPUT

    def repeat_input(self) -> Tensor:
        """Gives the network's input at every timestep, because its layers see it held."""
        tensor = replace(self.tensors[INPUT], timesteps=self.timesteps or 1)
        self.tensors[INPUT] = tensor
        return tensor

    def add_layer(self, scope: Scope, word: str, operation: Operation, product: Product) -> Tensor:
        """Appends a layer and its output.

        Args:
            scope: the module call that it belongs to.
            word: what it is called within its module, where the module's path is not enough.
            operation: what it does.
            product: what it makes.
        """
        name = self._name(scope, word)
        scope.layer_count += 1
        self.layers[name] = Layer(
            name=name,
            type=operation.type,
            stream=scope.stream,
            inputs=operation.inputs,
            output=name,
            window=operation.window,
            function=operation.function,
            bias=operation.bias,
            batch_norm=operation.batch_norm,
        )
        return self._add_tensor(name, scope.stream, product)

    def fuse_batch_norm(self, tensor: str) -> None:
        """Makes a batch norm part of the synaptic layer that produced `tensor`."""
        self.layers[tensor] = replace(self.layers[tensor], bias=True, batch_norm=True)

    def workload(self, name: str, outputs: Sequence[str]) -> Workload:
        """The finished graph."""
        return Workload(
            name=name,
            timesteps=self.timesteps or 1,
            tensors=tuple(self.tensors.values()),
            layers=tuple(self.layers.values()),
            outputs=tuple(outputs),
        )

    def record(self, tensor: Tensor, array: NDArray[Any]) -> None:
        """Keeps what was recorded, as bool or uint8/uint16 `(timesteps, *shape)`."""
        self.arrays[tensor.name] = array.reshape(tensor.timesteps, *tensor.shape)

    def _add_tensor(self, name: str, stream: Stream, product: Product) -> Tensor:
        timesteps = 1
        if product.timed:
            assert self.timesteps is not None
            timesteps = self.timesteps
        tensor = Tensor(name, product.shape, timesteps, product.kind, stream, product.largest)
        self.tensors[name] = tensor
        return tensor

    def _name(self, scope: Scope, word: str) -> str:
        bare = scope.is_leaf and scope.path and scope.layer_count == 0
        wanted = scope.path if bare else ".".join(filter(None, (scope.path, word)))
        name, count = wanted, 1
        while name in self.tensors:
            count += 1
            name = f"{wanted}.{count}"
        return name


def integer_dtype(largest: int) -> type[np.unsignedinteger[Any]]:
    """The smallest array type that holds a recorded integer tensor."""
    return np.uint8 if largest < 2**8 else np.uint16
