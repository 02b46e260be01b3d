"""Which value of the graph each torch tensor is, while the network runs.

Torch tensors come and go; several of them (views, casts) may be one value of the graph. A
`Tracker` maps every living tensor to its value and the labels of its axes, draws a layer when a
value is made, and records bits at the moment when they are certain: spikes and integers when they
are made, the non-zero mask of a real value when a layer reads it.

A value made by a convolution may change by what is fused into the convolution afterwards (batch
norm, scaling, rounding). Whoever still reads the value of before is refused, as is whoever reads
memory that was overwritten in place; nothing is guessed.
"""

import math
from collections.abc import Iterator, MutableMapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.weak import WeakTensorKeyDictionary

from codesign.errors import CaptureError
from codesign.recording.axes import Axes, Axis, features, input_axes, is_timed
from codesign.recording.draft import INPUT, Draft, Operation, Product, Scope, integer_dtype
from codesign.recording.expressions import Expression, leaf
from codesign.workload import Kind, LayerType, Tensor


@dataclass(eq=False, slots=True)
class Value:
    """One value of the graph: a tensor of it, or an expression of spikes without a layer yet.

    Attributes:
        name: the graph's tensor; empty while it is an expression only.
        expression: its truth table, if it is a function of spikes.
        scope: where an expression was computed.
        readers: whether a layer has read it.
        gone: why it may not be read any more; empty while it may.
    """

    name: str
    expression: Expression | None = None
    scope: Scope | None = None
    readers: bool = False
    gone: str = ""


@dataclass(frozen=True, slots=True)
class Tracked:
    """A torch tensor's value and the labels of its axes."""

    value: Value
    axes: Axes


@dataclass(frozen=True, slots=True)
class Source:
    """A tensor of the graph as a layer reads it.

    Attributes:
        tensor: its description.
        axes: labels of the torch tensor's axes.
        shape: the torch tensor's shape.
        features: the same without time and batch; may differ from the description's shape by
            merged or split axes.
    """

    tensor: Tensor
    axes: Axes
    shape: tuple[int, ...]
    features: tuple[int, ...]

    @property
    def timed(self) -> bool:
        return is_timed(self.axes)


class Tracker:
    """The living tensors of one capture and the graph that is drawn from them.

    Attributes:
        draft: the graph.
        scope: the module call that runs now.
    """

    def __init__(self, root: Scope) -> None:
        self.draft = Draft()
        self.scope = root
        # a mapping by identity that lets tensors go when the network does
        self._tracked: MutableMapping[torch.Tensor, Tracked] = WeakTensorKeyDictionary()

    def start(self, inputs: torch.Tensor) -> None:
        """Makes the network's input the first tensor of the graph."""
        axes = input_axes(inputs.shape)
        if is_timed(axes):
            self.draft.declare_timesteps(inputs.shape[axes.index(Axis.TIME)])
        require_finite(inputs)
        name = self.draft.add_input(features(axes, inputs.shape), is_timed(axes))
        self._tracked[inputs] = Tracked(Value(name), axes)

    def find(self, tensor: object) -> Tracked | None:
        """What a torch tensor is, None if it does not depend on the network's input."""
        if not isinstance(tensor, torch.Tensor):
            return None
        return self._tracked.get(tensor)

    def alias(self, result: torch.Tensor, value: Value, axes: Axes) -> None:
        """Makes `result` another torch tensor of a value."""
        if is_timed(axes):
            self.draft.declare_timesteps(result.shape[axes.index(Axis.TIME)])
        before = self.find(result)
        if before is not None and before.value is not value:
            self._overwrite(result)
        self._tracked[result] = Tracked(value, axes)

    def express(self, result: torch.Tensor, expression: Expression, axes: Axes) -> None:
        """Makes `result` an expression of spikes; its layer is drawn when something reads it."""
        if not expression.leaves:
            raise CaptureError(
                f"must depend on its spikes (got {expression.table[0]} for all of them). "
                f"Remove the operation."
            )
        name = expression.leaves[0] if expression.is_leaf else ""
        self.alias(result, Value(name, expression, self.scope), axes)

    def peek(self, tensor: torch.Tensor) -> Tracked:
        """What a tracked tensor is, without reading it.

        Raises:
            CaptureError: its value was changed since.
        """
        tracked = self.find(tensor)
        if tracked is None:
            raise CaptureError(
                f"must read a tensor that was computed from the network's input by recorded "
                f"operations (got one of shape {tuple(tensor.shape)} that was not). Compute it "
                f"from the input with plain torch operations, in modules that are not compiled."
            )
        if tracked.value.gone:
            raise CaptureError(
                f"must not read a value that {tracked.value.gone}. Read the changed value, or "
                f"make the change on a copy."
            )
        return tracked

    def kind(self, tensor: torch.Tensor) -> Kind | None:
        """Kind of a tensor; None while it is an expression of spikes, a spike tensor included."""
        value = self.peek(tensor).value
        return None if value.expression else self.draft.tensors[value.name].kind

    def read(self, tensor: torch.Tensor, mask: bool = False) -> Source:
        """A tensor as the input of a layer; an expression gets its own layer now.

        Args:
            tensor: what the layer reads.
            mask: whether the layer's operations depend on which elements are zero.

        Raises:
            CaptureError: the value cannot be read, or is not finite where its mask is needed.
        """
        self.close(tensor)
        tracked = self.peek(tensor)
        described = self._described(tracked)
        tracked.value.readers = True
        if mask and described.kind is Kind.REAL and described.name not in self.draft.arrays:
            data = arranged(tensor, tracked.axes, described)
            require_finite(data)
            self.draft.record(described, data.to(torch.bool, copy=True).cpu().numpy())
        shape = tuple(tensor.shape)
        return Source(described, tracked.axes, shape, features(tracked.axes, shape))

    def write(self, result: torch.Tensor, axes: Axes, word: str, made: "Made") -> Tensor:
        """Draws a layer that makes `result`, and records what is of spikes and integers.

        Args:
            result: what torch computed.
            axes: labels of its axes.
            word: what the layer is called within its module.
            made: the layer's operation and the kind of its result.
        """
        described = self._draw(result, axes, word, made)
        spike = described.kind is Kind.SPIKE
        self.alias(result, Value(described.name, leaf(described.name) if spike else None), axes)
        return described

    def supersede(self, source: torch.Tensor, result: torch.Tensor, change: str) -> str:
        """Makes `result` the value of `source`, changed within the layer that produced it.

        Returns:
            The name of the graph's tensor.

        Raises:
            CaptureError: a layer has read the unchanged value already.
        """
        old = self.peek(source)
        if old.value.readers:
            raise CaptureError(
                f"must be the only one to read '{old.value.name}', because it becomes part of "
                f"the layer that makes it. Let other layers read the value behind it."
            )
        self.alias(result, Value(old.value.name), old.axes)
        old.value.gone = f"a {change} has changed since"
        return old.value.name

    def close(self, tensor: torch.Tensor) -> None:
        """Draws the layer of an expression; other values are left as they are.

        Raises:
            CaptureError: its table is neither a logic nor a sum.
        """
        tracked = self.peek(tensor)
        value, expression = tracked.value, tracked.value.expression
        if value.name or expression is None:
            return
        if expression.is_logic:
            function, inputs = expression.logic()
            operation = Operation(LayerType.LOGIC, inputs, function=function)
            made = Made(operation, Kind.SPIKE, 1, scope=value.scope)
        elif expression.is_sum:
            function = "add"
            operation = Operation(LayerType.ADD, expression.leaves)
            made = Made(operation, Kind.INTEGER, len(expression.leaves), scope=value.scope)
        else:
            raise CaptureError(
                f"must give 0 and 1, or the plain sum of its spikes (got the values "
                f"{', '.join(map(str, expression.table))} for spikes of "
                f"{', '.join(expression.leaves)}). Use AND, IAND, OR, XOR or ADD."
            )
        described = self._draw(tensor, tracked.axes, function, made)
        value.name = described.name
        value.expression = leaf(described.name) if described.kind is Kind.SPIKE else None

    def _described(self, tracked: Tracked) -> Tensor:
        """The graph's tensor; an image that is held before any layer reads it has time."""
        value, timed = tracked.value, is_timed(tracked.axes)
        described = self.draft.tensors[value.name]
        if value.name != INPUT or value.readers:
            if described.timesteps > 1 and not timed:
                raise CaptureError(
                    f"must not read '{value.name}' without time, because a layer before it read "
                    f"it held for T timesteps. Hold it for all layers, or behind the first one."
                )
            return described
        return self.draft.repeat_input() if timed else described

    def _draw(self, result: torch.Tensor, axes: Axes, word: str, made: "Made") -> Tensor:
        if is_timed(axes):
            self.draft.declare_timesteps(result.shape[axes.index(Axis.TIME)])
        shape = made.shape or features(axes, result.shape)
        product = Product(shape, is_timed(axes), made.kind, made.largest)
        described = self.draft.add_layer(made.scope or self.scope, word, made.operation, product)
        self._record_exact(result, axes, described)
        return described

    def _record_exact(self, result: torch.Tensor, axes: Axes, described: Tensor) -> None:
        if described.kind is Kind.SPIKE:
            self.draft.record(described, _bits(arranged(result, axes, described)))
        elif described.kind is Kind.INTEGER:
            assert described.largest is not None
            values = arranged(result, axes, described).cpu().numpy()
            self.draft.record(described, values.astype(integer_dtype(described.largest)))

    def _overwrite(self, result: torch.Tensor) -> None:
        for other, tracked in self._sharing(result):
            if other is not result:
                gone = Value("", gone="was overwritten in place")
                self._tracked[other] = Tracked(gone, tracked.axes)

    def _sharing(self, result: torch.Tensor) -> Iterator[tuple[torch.Tensor, Tracked]]:
        memory = result.untyped_storage().data_ptr()
        for other, tracked in list(self._tracked.items()):
            if other.untyped_storage().data_ptr() == memory:
                yield other, tracked


@dataclass(frozen=True, slots=True)
class Made:
    """What a new layer is and makes.

    Attributes:
        operation: what it does.
        kind: kind of its result.
        largest: largest value of spikes and integers, None for reals.
        shape: shape of the result if it is to be described otherwise than torch has it.
        scope: the module call that it belongs to, if not the one that runs now.
    """

    operation: Operation
    kind: Kind
    largest: int | None = None
    shape: tuple[int, ...] | None = None
    scope: Scope | None = None


def arranged(data: torch.Tensor, axes: Axes, described: Tensor) -> torch.Tensor:
    """A tensor's elements as `(timesteps, elements)`, time first; one timestep if it is static."""
    if not is_timed(axes):
        return data.reshape(1, -1)
    by_time = data.movedim(axes.index(Axis.TIME), 0)
    return by_time[: described.timesteps].reshape(described.timesteps, -1)


def _bits(data: torch.Tensor) -> NDArray[np.bool_]:
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


def require_finite(data: torch.Tensor) -> None:
    """Raises CaptureError if a value is NaN or infinite."""
    # One pass in the usual case: a sum is finite unless a value is not, or it overflows.
    if math.isfinite(float(data.sum())):
        return
    bad = int((~torch.isfinite(data)).sum())
    if bad:
        raise CaptureError(
            f"must read finite values (got {bad} that are NaN or infinite). Check the weights "
            f"and the input."
        )
