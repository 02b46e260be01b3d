"""The graph of a network that a file lists layer by layer, or every rule that the list breaks.

Shapes follow from the inputs' shapes, kinds from the layers: a neuron makes spikes, a layer with
weights or an average makes reals, a sum of spikes and integers an integer as large as their sum.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from codesign.errors import nearest
from codesign.specs.faults import Violation
from codesign.specs.layers import ListedInput, ListedLayer
from codesign.workload import Kind, Layer, LayerType, Tensor, Window, Workload


class _RuleBrokenError(Exception):
    """A rule that the layer at hand breaks: the field to blame, what must hold, what to do."""

    def __init__(self, to_blame: str, problem: str, fix: str):
        super().__init__(problem)
        self.to_blame, self.problem, self.fix = to_blame, problem, fix


@dataclass
class LayerList:
    """The tensors and layers so far, and what was wrong.

    Attributes:
        tensors: by name; None for the result of a layer that is wrong.
        layers: those that are right.
        violations: what the list breaks.
    """

    tensors: dict[str, Tensor | None] = field(default_factory=dict)
    layers: list[Layer] = field(default_factory=list)
    violations: list[Violation] = field(default_factory=list)


def listed_workload(
    name: str,
    timesteps: int,
    inputs: Sequence[ListedInput],
    layers: Sequence[ListedLayer],
    outputs: tuple[str, ...] | None = None,
) -> tuple[Workload, list[Violation]]:
    """The graph of a listed network, and all violations; with some it is incomplete.

    Args:
        name: of the workload.
        timesteps: T.
        inputs: tensors that enter the network.
        layers: in order.
        outputs: tensors that leave it; the last layer's if None.
    """
    found = LayerList()
    for index, entry in enumerate(inputs):
        steps = 1 if entry.static else timesteps
        largest = 1 if entry.kind is Kind.SPIKE else entry.largest
        _add(found, Tensor(entry.name, entry.shape, steps, entry.kind, largest=largest), index)
    for index, listed in enumerate(layers):
        try:
            sources = _inputs(found, listed)
            if sources is None:
                found.tensors.setdefault(listed.name, None)
                continue
            made = _made(listed, sources, timesteps)
        except _RuleBrokenError as rule:
            path = ("layers", index, rule.to_blame)
            found.violations.append(Violation(path, rule.problem, rule.fix))
            found.tensors.setdefault(listed.name, None)
            continue
        if _add(found, made, index, "layers"):
            found.layers.append(_layer(listed))
    for index, output in enumerate(outputs or ()):
        if output not in found.tensors:
            problem = f"must be a tensor of the network (got '{output}')."
            fix = nearest(output, found.tensors)
            found.violations.append(Violation(("outputs", index), problem, fix))
    tensors = tuple(tensor for tensor in found.tensors.values() if tensor is not None)
    leaving = outputs or (layers[-1].name,)
    return Workload(name, timesteps, tensors, tuple(found.layers), leaving), found.violations


def _add(found: LayerList, tensor: Tensor, index: int, group: str = "inputs") -> bool:
    if tensor.name in found.tensors:
        problem = f"must be a name of its own (got '{tensor.name}' twice)."
        found.violations.append(Violation((group, index, "name"), problem, "Rename one of them."))
        return False
    found.tensors[tensor.name] = tensor
    return True


def _inputs(found: LayerList, listed: ListedLayer) -> list[Tensor] | None:
    """What a layer reads; None if that was refused itself."""
    for name in listed.inputs:
        if name not in found.tensors:
            raise _RuleBrokenError(
                "inputs",
                f"must be tensors that come before (got '{name}').",
                nearest(name, found.tensors),
            )
    tensors = [found.tensors[name] for name in listed.inputs]
    known = [tensor for tensor in tensors if tensor is not None]
    return known if len(known) == len(tensors) else None


def _layer(listed: ListedLayer) -> Layer:
    return Layer(
        name=listed.name,
        type=listed.type,
        stream=listed.stream,
        inputs=listed.inputs,
        output=listed.name,
        window=_window(listed),
        function=listed.function or "",
        bias=bool(listed.bias),
        batch_norm=bool(listed.batch_norm),
    )


def _pair(value: int | tuple[int, int] | None, default: tuple[int, int]) -> tuple[int, int]:
    if value is None:
        return default
    return (value, value) if isinstance(value, int) else value


def _window(listed: ListedLayer) -> Window | None:
    if listed.kernel is None:
        return None
    kernel = _pair(listed.kernel, (1, 1))
    pools = listed.type is not LayerType.CONVOLUTION
    return Window(
        kernel,
        _pair(listed.stride, kernel if pools else (1, 1)),
        _pair(listed.padding, (0, 0)),
        _pair(listed.dilation, (1, 1)),
        listed.groups or 1,
    )


def _made(listed: ListedLayer, inputs: list[Tensor], timesteps: int) -> Tensor:
    """The tensor that a layer makes."""
    made = _RESULTS[listed.type](listed, inputs)
    steps = max(tensor.timesteps for tensor in inputs)
    if listed.type is LayerType.NEURON:
        steps = timesteps
    if listed.type is LayerType.TIME_MEAN:
        steps = 1
    return replace(made, name=listed.name, timesteps=steps, stream=listed.stream)


def _real(tensor: Tensor, shape: tuple[int, ...]) -> Tensor:
    return replace(tensor, shape=shape, kind=Kind.REAL, largest=None)


def _mapped(listed: ListedLayer, source: Tensor, channels: int) -> tuple[int, int, int]:
    """The shape behind a window."""
    window = _window(listed)
    assert window is not None, "the spec of a layer with a window has a kernel"
    if len(source.shape) != 3:
        problem = f"must have shape (C, H, W) (got {source.shape} of '{source.name}')."
        raise _RuleBrokenError("inputs", problem, "Use a linear layer, or give the input its map.")
    sizes = []
    for axis in (0, 1):
        reach = window.dilation[axis] * (window.kernel[axis] - 1) + 1
        padded = source.shape[1 + axis] + 2 * window.padding[axis]
        if reach > padded:
            problem = f"must fit its padded input of {padded} (got a reach of {reach})."
            raise _RuleBrokenError("kernel", problem, "Shrink the kernel or add padding.")
        sizes.append((padded - reach) // window.stride[axis] + 1)
    return channels, sizes[0], sizes[1]


def _convolution(listed: ListedLayer, inputs: list[Tensor]) -> Tensor:
    (source,) = inputs
    assert listed.channels is not None
    shape, groups = _mapped(listed, source, listed.channels), listed.groups or 1
    for name, channels in (("the input", source.shape[0]), ("the output", shape[0])):
        if channels % groups:
            problem = f"must divide the {channels} channels of {name} (got {groups})."
            raise _RuleBrokenError("groups", problem, "Change the groups or the channels.")
    return _real(source, shape)


def _linear(listed: ListedLayer, inputs: list[Tensor]) -> Tensor:
    (source,) = inputs
    assert listed.features is not None
    places = source.shape[:1] if len(source.shape) == 2 else ()
    return _real(source, (*places, listed.features))


def _neuron(_: ListedLayer, inputs: list[Tensor]) -> Tensor:
    return replace(inputs[0], kind=Kind.SPIKE, largest=1)


def _max_pool(listed: ListedLayer, inputs: list[Tensor]) -> Tensor:
    return replace(inputs[0], shape=_mapped(listed, inputs[0], inputs[0].shape[0]))


def _average_pool(listed: ListedLayer, inputs: list[Tensor]) -> Tensor:
    return _real(inputs[0], _mapped(listed, inputs[0], inputs[0].shape[0]))


def _same(_: ListedLayer, inputs: list[Tensor]) -> Tensor:
    return inputs[0]


def _time_mean(_: ListedLayer, inputs: list[Tensor]) -> Tensor:
    return _real(inputs[0], inputs[0].shape)


def _of_one_shape(inputs: list[Tensor]) -> Tensor:
    if len({tensor.shape for tensor in inputs}) > 1:
        shapes = " and ".join(f"{tensor.shape} of '{tensor.name}'" for tensor in inputs)
        problem = f"must have one shape (got {shapes})."
        raise _RuleBrokenError("inputs", problem, "Check the layers before.")
    return inputs[0]


def _logic(_: ListedLayer, inputs: list[Tensor]) -> Tensor:
    for tensor in inputs:
        if tensor.kind is not Kind.SPIKE:
            problem = f"must be spikes (got '{tensor.name}', which is {tensor.kind})."
            raise _RuleBrokenError("inputs", problem, "Use type 'add', or read a neuron's spikes.")
    return _of_one_shape(inputs)


def _sum(_: ListedLayer, inputs: list[Tensor]) -> Tensor:
    first = _of_one_shape(inputs)
    if any(tensor.kind is Kind.REAL for tensor in inputs):
        return _real(first, first.shape)
    largest = sum(tensor.largest or 0 for tensor in inputs)
    return replace(first, kind=Kind.INTEGER, largest=largest)


_RESULTS: dict[LayerType, Callable[[ListedLayer, list[Tensor]], Tensor]] = {
    LayerType.CONVOLUTION: _convolution,
    LayerType.LINEAR: _linear,
    LayerType.NEURON: _neuron,
    LayerType.MAX_POOL: _max_pool,
    LayerType.AVERAGE_POOL: _average_pool,
    LayerType.TIME_MEAN: _time_mean,
    LayerType.LOGIC: _logic,
    LayerType.ADD: _sum,
    LayerType.RELU: _same,
}
