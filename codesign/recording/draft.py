"""The graph while it is drawn: layers and tensors in the order in which the network runs them.

A layer is drawn at its first run; what is a further run of it is decided in `runs`. How many
timesteps there are may be known only at the end, when `completion` makes the workload.

Names are the paths of the network's modules, which are what a user knows: `layer1.0.sn1`. What a
module computes beyond its first layer, and what is computed between modules, gets the operation's
name appended: `layer1.0.iand`. A layer and the tensor that it makes share their name.

A draft holds the recorded arrays too. Nothing here knows torch.
"""

from collections.abc import Hashable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codesign.errors import CaptureError
from codesign.recording.runs import Constants, Pace, Runs
from codesign.workload import Contraction, Kind, Layer, LayerType, Stream, Tensor, Window

INPUT = "input"
LARGEST_INTEGER = 2**16 - 1
"""What a recorded integer may be: its array has 16 bits."""


@dataclass(eq=False, slots=True)
class Scope:
    """One call of a module.

    Attributes:
        path: the module's path in the network; empty for the network itself.
        module: identity of the module: the first of its paths, wherever it is called.
        stream: the stream that the module, or one around it, declares.
        class_name: the module's class; empty for the code around the network.
        is_leaf: whether it has no modules inside, so that its first layer bears its name alone.
        batch_norm_fused: whether the module says that a batch norm was fused into it.
        layer_count: layers drawn in this call so far.
    """

    path: str
    module: str
    stream: Stream
    class_name: str = ""
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
    contraction: Contraction | None = None


class Draft:
    """A workload in the making, and the arrays recorded for it.

    Attributes:
        timesteps: T, once a value of all timesteps is known.
        tensors: by name; of a layer that runs at each timestep, with the timesteps so far.
        layers: by name, in the order of their first runs.
        runs: by the name of a layer.
        arrays: what was recorded for all timesteps of a tensor.
        slices: what was recorded for single timesteps, by tensor and timestep.
        sums: by layer that sums over time, how many timesteps it sums.
        membranes: by the name of a membrane, the neuron layer that it belongs to.
        changes: runs of changes to single timesteps of a tensor that was made for all of them.
    """

    def __init__(self) -> None:
        self.timesteps: int | None = None
        self.tensors: dict[str, Tensor] = {}
        self.layers: dict[str, Layer] = {}
        self.runs: dict[str, Runs] = {}
        self.arrays: dict[str, NDArray[Any]] = {}
        self.slices: dict[str, dict[int, NDArray[Any]]] = {}
        self.sums: dict[str, int] = {}
        self.membranes: dict[str, str] = {}
        self.changes: dict[str, Runs] = {}
        self._alike: dict[Hashable, list[Runs]] = {}

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

    def add_input(self, shape: tuple[int, ...], timed: bool, *, is_spiking: bool) -> Tensor:
        """Makes the network's input the first tensor: spikes, or real values."""
        timesteps = (self.timesteps if timed else 1) or 1
        kind, largest = (Kind.SPIKE, 1) if is_spiking else (Kind.REAL, None)
        tensor = Tensor(INPUT, shape, timesteps, kind, Stream.SPIKE, largest)
        self.tensors[INPUT] = tensor
        return tensor

    def repeat_input(self) -> Tensor:
        """Gives the network's input at every timestep, because its layers see it held."""
        tensor = replace(self.tensors[INPUT], timesteps=self.timesteps or 1)
        self.tensors[INPUT] = tensor
        return tensor

    def add_layer(
        self,
        scope: Scope,
        word: str,
        operation: Operation,
        product: Product,
        *,
        step: int | None = None,
        constants: Constants | None = None,
    ) -> Tensor:
        """Appends a layer and its output, or finds the layer that this is a further run of.

        Args:
            scope: the module call that it belongs to.
            word: what it is called within its module, where the module's path is not enough.
            operation: what it does.
            product: what it makes.
            step: the timestep of the product, None if it is of all timesteps or of none.
            constants: its weights.

        Raises:
            CaptureError: it runs for the first time at a timestep behind the first, or with other
                weights than before, or its integers may become too large.
        """
        if product.largest is not None and product.largest > LARGEST_INTEGER:
            raise CaptureError(
                f"must hold integers up to {LARGEST_INTEGER} (got up to {product.largest}). Sum "
                f"over fewer timesteps, or scale the sum to a mean."
            )
        pace = Pace.ALL if product.timed else Pace.ONCE if step is None else Pace.EACH
        key = (scope.module, word, operation, product, pace)
        runs = self._earlier(key, pace, step, constants)
        if runs is None:
            if step:
                raise CaptureError(
                    f"must do at every timestep what it did at the first (got a new layer that "
                    f"reads {', '.join(operation.inputs)} at timestep {step}). Run the same layers "
                    f"on the same values at each timestep, and feed nothing back from the last."
                )
            runs = self._new_layer(scope, word, operation, pace)
            self._alike.setdefault(key, []).append(runs)
        runs.begin()
        if constants is not None:
            runs.take(constants)
        return self._made(runs, scope.stream, product)

    def runs_at(self, tensor: str, step: int | None) -> Runs | None:
        """The present run of what makes or changes a tensor; None for the input as it came.

        Raises:
            CaptureError: timesteps of the tensor are changed in another order than theirs.
        """
        runs = self.runs.get(tensor)
        if step is None or (runs is not None and runs.pace is Pace.EACH):
            return runs
        changes = self.changes.setdefault(tensor, Runs(tensor, "", Pace.EACH))
        if changes.count == step:
            changes.begin()
        if changes.count != step + 1:
            raise CaptureError(
                f"must be changed at every timestep in their order (got a change of '{tensor}' at "
                f"timestep {step} behind {changes.count} others). Do the same at each timestep."
            )
        return changes

    def layers_of(self, module: str) -> list[Runs]:
        """The layers that a module has drawn itself."""
        return [runs for runs in self.runs.values() if runs.module == module]

    def next_step(self, module: str, operation: Operation) -> int:
        """The timestep of a neuron's next update, where its current does not say it."""
        for name, layer in self.layers.items():
            runs = self.runs[name]
            if runs.module == module and layer.inputs == operation.inputs:
                return runs.count
        return 0

    def add_membrane(self, layer: str, index: int) -> str:
        """Names a state of a neuron layer as a tensor that may be read; see `completion`."""
        name = f"{layer} (membrane {index})"
        self.membranes[name] = layer
        self.tensors[name] = replace(self.tensors[layer], name=name, kind=Kind.REAL, largest=None)
        return name

    def fuse_batch_norm(self, tensor: str) -> None:
        """Makes a batch norm part of the synaptic layer that produced `tensor`."""
        self.layers[tensor] = replace(self.layers[tensor], bias=True, batch_norm=True)

    def record(self, tensor: Tensor, array: NDArray[Any], step: int | None) -> None:
        """Keeps what was recorded, as bool or uint8/uint16 `(timesteps, *shape)`.

        Args:
            tensor: its tensor.
            array: its values or mask.
            step: the one timestep that it holds, None if it holds all.
        """
        if step is None:
            self.arrays[tensor.name] = array.reshape(tensor.timesteps, *tensor.shape)
        else:
            self.slices.setdefault(tensor.name, {})[step] = array.reshape(tensor.shape)

    def is_recorded(self, name: str, step: int | None) -> bool:
        return name in self.arrays or (step is not None and step in self.slices.get(name, ()))

    def _earlier(
        self, key: Hashable, pace: Pace, step: int | None, constants: Constants | None
    ) -> Runs | None:
        alike = self._alike.get(key, ())
        if pace is Pace.EACH:
            return next((runs for runs in alike if runs.count == step), None)
        if pace is Pace.ONCE:
            return next((runs for runs in alike if runs.began_with(constants)), None)
        return None

    def _new_layer(self, scope: Scope, word: str, operation: Operation, pace: Pace) -> Runs:
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
            contraction=operation.contraction,
        )
        self.runs[name] = runs = Runs(name, scope.module, pace)
        return runs

    def _made(self, runs: Runs, stream: Stream, product: Product) -> Tensor:
        timesteps = 1
        if runs.pace is Pace.ALL:
            assert self.timesteps is not None
            timesteps = self.timesteps
        elif runs.pace is Pace.EACH:
            timesteps = runs.count
        tensor = Tensor(runs.name, product.shape, timesteps, product.kind, stream, product.largest)
        self.tensors[runs.name] = tensor
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
