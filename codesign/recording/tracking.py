"""Which value of the graph each torch tensor is, while the network runs.

Torch tensors come and go; several of them (views, casts) may be one value of the graph. A
`Tracker` maps every living tensor to its value and the labels of its axes, draws a layer when a
value is made, and records bits at the moment when they are certain: spikes and integers when they
are made, the non-zero mask of a real value when a layer reads it.

A value made by a convolution may change by what is fused into the convolution afterwards (batch
norm, scaling, rounding). Whoever still reads the value of before is refused, as is whoever reads
memory that was overwritten in place; nothing is guessed.
"""

from collections.abc import Iterable, Iterator, MutableMapping
from typing import Any

import torch
from torch.utils.weak import WeakTensorKeyDictionary

from codesign.errors import CaptureError
from codesign.recording.arrays import arranged, require_finite, spike_bits, whole_numbers
from codesign.recording.axes import Axes, Axis, features, input_axes, is_timed
from codesign.recording.draft import INPUT, Draft, Operation, Product, Scope, integer_dtype
from codesign.recording.expressions import Expression, leaf
from codesign.recording.layouts import Layout
from codesign.recording.magnitudes import Gauge
from codesign.recording.runs import Constants
from codesign.recording.values import (
    CHANGED_BY_TIMESTEP,
    Made,
    Source,
    Total,
    Tracked,
    Value,
    as_vector,
)
from codesign.workload import Kind, LayerType, Tensor

__all__ = ["Made", "Source", "Tracked", "Tracker", "Value", "arranged", "require_finite"]


class Tracker:
    """The living tensors of one capture and the graph that is drawn from them.

    Attributes:
        draft: the graph.
        gauge: the largest magnitudes of what its layers compute.
        scope: the module call that runs now.
        step: the timestep of the call that is drawn now, if its operands are of a single one.
    """

    def __init__(self, root: Scope) -> None:
        self.draft = Draft()
        self.gauge = Gauge()
        self.scope = root
        self.step: int | None = None
        # a mapping by identity that lets tensors go when the network does
        self._tracked: MutableMapping[torch.Tensor, Tracked] = WeakTensorKeyDictionary()
        # memory that recorded values were written into, kept so that it is not given to others
        self._written: dict[int, torch.UntypedStorage] = {}

    def start(self, inputs: torch.Tensor, *, is_spiking: bool) -> None:
        """Makes the network's input the first tensor of the graph.

        Raises:
            CaptureError: it holds NaN or infinity, or other values than spikes have.
        """
        axes = input_axes(inputs.shape)
        if is_timed(axes):
            self.draft.declare_timesteps(inputs.shape[axes.index(Axis.TIME)])
        require_finite(inputs, INPUT)
        if is_spiking and not bool(((inputs == 0) | (inputs == 1)).all()):
            raise CaptureError(
                "must hold zeros and ones to be spikes (got other values). Record it as real."
            )
        shape = features(axes, inputs.shape)
        described = self.draft.add_input(shape, is_timed(axes), is_spiking=is_spiking)
        self._record_exact(inputs, axes, described, None, scale=1)
        self._tracked[inputs] = Tracked(self._input(), axes)

    def start_step(self, frame: torch.Tensor, step: int) -> None:
        """Makes a tensor one timestep of the network's input, which has time."""
        self._tracked[frame] = Tracked(self._input(), input_axes(frame.shape), step)

    def _input(self) -> Value:
        is_spiking = self.draft.tensors[INPUT].kind is Kind.SPIKE
        return Value(INPUT, leaf(INPUT) if is_spiking else None)

    def remember(self, state: torch.Tensor, name: str, axes: Axes, step: int | None) -> None:
        """Makes a tensor that a neuron gives or keeps the membrane of that name."""
        self._tracked[state] = Tracked(Value(name), axes, step)

    def attend(self, operands: Iterable[torch.Tensor]) -> bool:
        """Takes the timestep of a call from its operands.

        Returns:
            Whether it has one: False if operands of different timesteps meet, or one timestep
            meets all of them.
        """
        tracked = [self._tracked[operand] for operand in operands if operand in self._tracked]
        steps = {item.step for item in tracked if item.step is not None}
        self.step = min(steps) if len(steps) == 1 else None
        return not steps or (len(steps) == 1 and not any(is_timed(item.axes) for item in tracked))

    def note_written(self, target: torch.Tensor) -> None:
        """Remembers that recorded values were written into a tensor that held none.

        Raises:
            CaptureError: they fill a part of its memory only.
        """
        storage = target.untyped_storage()
        if storage.nbytes() != target.numel() * target.element_size():
            raise CaptureError(
                f"must not write values into a part of another tensor (got a part of shape "
                f"{tuple(target.shape)}). Collect them with `torch.stack`."
            )
        self._written[storage.data_ptr()] = storage

    def require_unwritten(self, tensors: Iterable[torch.Tensor]) -> None:
        """Raises CaptureError if a constant shares memory with recorded values."""
        for tensor in tensors if self._written else ():
            if tensor.untyped_storage().data_ptr() in self._written:
                raise CaptureError(
                    f"must not read a view of memory that recorded values were written into (got "
                    f"shape {tuple(tensor.shape)}). Read the tensor that they were written into."
                )

    def find(self, tensor: object) -> Tracked | None:
        """What a torch tensor is, None if it does not depend on the network's input."""
        if not isinstance(tensor, torch.Tensor):
            return None
        return self._tracked.get(tensor)

    def alias(
        self, result: torch.Tensor, value: Value, axes: Axes, layout: Layout | None = None
    ) -> None:
        """Makes `result` another torch tensor of a value, of the present timestep."""
        if is_timed(axes) and self.step is not None:
            raise CaptureError(
                f"must not hold the value of one timestep for several (got timestep {self.step}). "
                f"Hold a value that does not change with the timestep."
            )
        if is_timed(axes):
            self.draft.declare_timesteps(result.shape[axes.index(Axis.TIME)])
        before = self.find(result)
        if before is not None and before.value is not value:
            self._overwrite(result)
        self._tracked[result] = Tracked(value, axes, self.step, layout)

    def express(self, result: torch.Tensor, expression: Expression, axes: Axes) -> None:
        """Makes `result` an expression of spikes; its layer is drawn when something reads it."""
        if not expression.leaves:
            raise CaptureError(
                f"must depend on its spikes (got {expression.table[0]} for all of them). "
                f"Remove the operation."
            )
        name = expression.leaves[0] if expression.is_leaf else ""
        self.alias(result, Value(name, expression, scope=self.scope), axes)

    def peek(self, tensor: torch.Tensor, *, whole: bool = True, any_order: bool = False) -> Tracked:
        """What a tracked tensor is, without reading it.

        Args:
            tensor: a tensor.
            whole: False if only single timesteps are taken from it, of which others may have been
                changed.
            any_order: whether its features may be in another order than they were recorded in.

        Raises:
            CaptureError: its value was changed since, or its features were permuted.
        """
        tracked = self.find(tensor)
        if tracked is None:
            raise CaptureError(
                f"must read a tensor that was computed from the network's input by recorded "
                f"operations (got one of shape {tuple(tensor.shape)} that was not). Compute it "
                f"from the input with plain torch operations, in modules that are not compiled."
            )
        gone = tracked.value.why_gone()
        if gone and (whole or gone != CHANGED_BY_TIMESTEP):
            raise CaptureError(
                f"must not read a value that {gone}. Read the changed value, or "
                f"make the change on a copy."
            )
        if tracked.layout is not None and not any_order:
            raise CaptureError(
                f"must read features in the order in which they were made (got '"
                f"{tracked.value.name}' permuted). Permute them back first; only matrix products "
                f"of recorded values may read them so."
            )
        return tracked

    def kind(self, tensor: torch.Tensor) -> Kind | None:
        """Kind of a tensor; None while it is an expression of spikes, a spike tensor included."""
        value = self.peek(tensor).value
        if value.total is not None:
            self.close(tensor)
        return None if value.expression else self.draft.tensors[value.name].kind

    def read(
        self,
        tensor: torch.Tensor,
        mask: bool = False,
        *,
        any_order: bool = False,
        any_scale: bool = False,
    ) -> Source:
        """A tensor as the input of a layer; an expression gets its own layer now.

        Args:
            tensor: what the layer reads.
            mask: whether the layer's operations depend on which elements are zero.
            any_order: whether the layer may read permuted features.
            any_scale: whether the layer may read scaled integers.

        Raises:
            CaptureError: the value cannot be read, or is not finite where its mask is needed.
        """
        self.close(tensor)
        tracked = self.peek(tensor, any_order=any_order)
        if not any_scale:
            tracked.value.require_unscaled()
        described = self._described(tracked)
        tracked.value.readers = True
        is_masked = mask and described.kind is Kind.REAL
        if is_masked and not self.draft.is_recorded(described.name, tracked.step):
            data = arranged(tensor, tracked.axes, described)
            require_finite(data, described.name)
            bits = data.to(torch.bool, copy=True).cpu().numpy()
            self.draft.record(described, bits, tracked.step)
            self.gauge.read(described.name, data)
        shape = tuple(tensor.shape)
        return Source(described, tracked.axes, shape, features(tracked.axes, shape))

    def write(self, result: torch.Tensor, axes: Axes, word: str, made: Made) -> Tensor:
        """Draws a layer that makes `result`, and records what is of spikes and integers.

        Args:
            result: what torch computed.
            axes: labels of its axes.
            word: what the layer is called within its module.
            made: the layer's operation and the kind of its result.
        """
        described = self._draw(result, axes, word, made, self.step)
        spike = described.kind is Kind.SPIKE
        expression = leaf(described.name) if spike else None
        self.alias(result, Value(described.name, expression, scale=made.scale), axes)
        return described

    def take(self, layer: str, word: str, *constants: Any) -> None:
        """Notes the constants of a layer's present run; see `codesign.recording.runs`."""
        runs = self.draft.runs_at(layer, self.step)
        if runs is not None:
            runs.take(Constants(word, constants))

    def supersede(
        self, source: torch.Tensor, result: torch.Tensor, change: str, *constants: Any
    ) -> str:
        """Makes `result` the value of `source`, changed within the layer that produced it.

        Args:
            source: the value before.
            result: the value behind.
            change: what was done.
            constants: with which numbers or tensors.

        Returns:
            The name of the graph's tensor.

        Raises:
            CaptureError: a layer has read the unchanged value already.
        """
        old = self.peek(source)
        whole = old.value.whole
        if old.value.readers or old.value.is_parted or (whole is not None and whole.readers):
            raise CaptureError(
                f"must be the only one to read '{old.value.name}', because it becomes part of "
                f"the layer that makes it. Let other layers read the value behind it."
            )
        self.take(old.value.name, change, *constants)
        self.alias(result, Value(old.value.name), old.axes)
        old.value.gone = f"a {change} has changed since"
        if whole is not None:
            whole.gone = CHANGED_BY_TIMESTEP
        return old.value.name

    def close(self, tensor: torch.Tensor) -> None:
        """Draws the layer of an expression or of a sum over time; other values stay as they are.

        Raises:
            CaptureError: an expression's table is neither a logic nor a sum.
        """
        tracked = self.peek(tensor, any_order=True)
        value = tracked.value
        if value.name:
            return
        if value.expression is not None:
            word, made = self._closed_expression(value, value.expression)
        else:
            assert value.total is not None
            shape = as_vector(features(tracked.axes, tensor.shape))
            word, made = self._closed_total(value, value.total, shape)
        described = self._draw(tensor, tracked.axes, word, made, tracked.step)
        if value.total is not None:
            self.draft.sums[described.name] = value.total.count
        value.name, value.total = described.name, None
        value.expression = leaf(described.name) if described.kind is Kind.SPIKE else None

    def _closed_expression(self, value: Value, expression: Expression) -> tuple[str, Made]:
        if expression.is_logic:
            function, inputs = expression.logic()
            operation = Operation(LayerType.LOGIC, inputs, function=function)
            return function, Made(operation, Kind.SPIKE, 1, scope=value.scope)
        if expression.is_sum:
            operation = Operation(LayerType.ADD, expression.leaves)
            leaves = len(expression.leaves)
            return "add", Made(operation, Kind.INTEGER, leaves, scope=value.scope)
        raise CaptureError(
            f"must give 0 and 1, or the plain sum of its spikes (got the values "
            f"{', '.join(map(str, expression.table))} for spikes of "
            f"{', '.join(expression.leaves)}). Use AND, IAND, OR, XOR or ADD."
        )

    def _closed_total(self, value: Value, total: Total, shape: tuple[int, ...]) -> tuple[str, Made]:
        operation = Operation(LayerType.TIME_MEAN, (total.name,))
        largest = self.draft.tensors[total.name].largest
        if total.scaled or largest is None:
            made = Made(operation, Kind.REAL, shape=shape, scope=value.scope)
        else:
            largest *= total.count
            made = Made(operation, Kind.INTEGER, largest, shape=shape, scope=value.scope)
        return "time_mean" if total.scaled else "time_sum", made

    def _described(self, tracked: Tracked) -> Tensor:
        """The graph's tensor; an image that is held before any layer reads it has time."""
        value, timed = tracked.value, is_timed(tracked.axes)
        described = self.draft.tensors[value.name]
        if value.name != INPUT or value.readers:
            if described.timesteps > 1 and not timed and tracked.step is None:
                raise CaptureError(
                    f"must not read '{value.name}' without time, because a layer before it read "
                    f"it held for T timesteps. Hold it for all layers, or behind the first one."
                )
            return described
        return self.draft.repeat_input() if timed else described

    def _draw(
        self, result: torch.Tensor, axes: Axes, word: str, made: Made, step: int | None
    ) -> Tensor:
        if is_timed(axes):
            self.draft.declare_timesteps(result.shape[axes.index(Axis.TIME)])
        shape = made.shape or features(axes, result.shape)
        product = Product(shape, is_timed(axes), made.kind, made.largest)
        scope = made.scope or self.scope
        described = self.draft.add_layer(
            scope, word, made.operation, product, step=step, constants=made.constants
        )
        if not self.draft.is_recorded(described.name, step):
            self._record_exact(result, axes, described, step, made.scale)
        return described

    def _record_exact(
        self, result: torch.Tensor, axes: Axes, described: Tensor, step: int | None, scale: float
    ) -> None:
        if described.kind is Kind.SPIKE:
            self.draft.record(described, spike_bits(arranged(result, axes, described)), step)
        elif described.kind is Kind.INTEGER:
            assert described.largest is not None
            values = whole_numbers(arranged(result, axes, described), scale)
            self.draft.record(described, values.astype(integer_dtype(described.largest)), step)

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
