"""Runs a network once and records it: the graph of its layers and the spikes that flow.

Every torch function that touches a value computed from the input is seen, whether a module or
plain code calls it. Modules give layers their names and declare two things: neurons, which are
taken as one layer each whatever they compute inside, and `stream = "accumulation"`, which puts
all that a module computes into the accumulation stream.

Assumed: one image at a time, evaluation mode, multi-step networks (every layer is called once for
all timesteps). Left out, and refused: operations without a meaning in `operations.OPERATIONS`,
control flow that depends on recorded values, compiled or scripted modules.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from codesign.errors import CaptureError
from codesign.recording.axes import Axis, is_timed
from codesign.recording.call import Call
from codesign.recording.draft import Operation, Scope
from codesign.recording.operations import OPERATIONS
from codesign.recording.tracking import Made, Tracker, arranged, require_finite
from codesign.trace import Trace, trace_from_arrays
from codesign.workload import Kind, LayerType, Stream

NEURON_CLASSES = {
    "codesign.networks.neurons.IF": "IF",
    "codesign.networks.neurons.LIF": "LIF",
    "codesign.networks.neurons.PLIF": "PLIF",
}
"""Model by the qualified name of a neuron class; subclasses of it count as well."""

_METADATA = frozenset(
    {
        *("dim", "ndimension", "size", "stride", "numel", "nelement", "len", "element_size"),
        *("is_floating_point", "is_complex", "is_contiguous", "is_inference", "storage_offset"),
        *("get_device", "hash", "repr", "format"),
    }
)
"""Functions that ask for no value."""


def capture(
    network: nn.Module,
    inputs: torch.Tensor,
    *,
    name: str = "network",
    provenance: Mapping[str, Any] | None = None,
    neurons: Mapping[type[nn.Module], str] | None = None,
) -> Trace:
    """Records one inference of one image.

    Args:
        network: a spiking network in evaluation mode. It is run once and left as it was.
        inputs: a static image `(1, C, H, W)` or vector `(1, F)` that the network holds for T
            timesteps itself, or a sequence `(T, 1, C, H, W)` or `(T, 1, F)`.
        name: what the workload is called.
        provenance: where weights and input came from; kept in the trace.
        neurons: classes of further neuron modules and the model that each stands for (`LIF`).
            Such a module maps currents `(T, 1, ...)` to spikes of the same shape.

    Returns:
        The trace, in memory, with the workload's graph.

    Raises:
        CaptureError: the network or input cannot be recorded; names the module and operation.
    """
    if network.training:
        raise CaptureError(
            f"{name}: must be in evaluation mode (got training mode). Call `network.eval()` first."
        )
    if not isinstance(inputs, torch.Tensor) or not inputs.dtype.is_floating_point:
        got = getattr(inputs, "dtype", type(inputs).__name__)
        raise CaptureError(
            f"{name}: the input must be a floating-point tensor (got {got}). Convert it."
        )
    recorder = Recorder(network, name, neurons or {})
    with torch.inference_mode():
        outputs = recorder.run(inputs)
    draft = recorder.tracker.draft
    workload = draft.workload(name, outputs)
    if not any(layer.type is LayerType.NEURON for layer in workload.layers):
        raise CaptureError(
            f"{name}: must have at least one spiking neuron (got none of the known classes). "
            f"Declare yours: `capture(..., neurons={{MyNeuron: 'LIF'}})`."
        )
    return trace_from_arrays(workload, draft.arrays, provenance or {})


class Recorder(TorchFunctionMode):
    """Sees every torch function while it is active, and every call of the network's modules.

    Args:
        network: what is recorded.
        name: what errors call it where no module has a path.
        neurons: model by class, beside `NEURON_CLASSES`.
    """

    def __init__(
        self, network: nn.Module, name: str, neurons: Mapping[type[nn.Module], str]
    ) -> None:
        super().__init__()
        self._network = network
        self._name = name
        self._neurons = dict(neurons)
        self._scopes = [Scope("", Stream.SPIKE)]
        self._firing: nn.Module | None = None  # the neuron that runs now
        self._drawing = False  # whether torch functions are the recorder's own
        self._called: set[str] = set()
        self._paths: dict[nn.Module, list[str]] = {}
        for path, module in network.named_modules(remove_duplicate=False):
            self._paths.setdefault(module, []).append(path)
        self.tracker = Tracker(self._scopes[0])

    def run(self, inputs: torch.Tensor) -> list[str]:
        """Runs the network and returns the names of its outputs in the graph."""
        with self._place("the input"):
            self.tracker.start(inputs)
        try:
            with self._hooks(), self:
                outputs = self._network(inputs)
        except RuntimeError as error:  # what torch raises when shapes or types do not fit
            raise CaptureError(
                f"{self._where}: must run on an input of shape {tuple(inputs.shape)} (got torch's "
                f"error: {str(error).splitlines()[0]}). Give an input that the network takes."
            ) from error
        with self._place("the output"):
            return [self._output(tensor) for tensor in _tensors(outputs)]

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        kwargs = kwargs or {}
        if self._drawing or self._firing is not None or not self._touches(args, kwargs):
            return func(*args, **kwargs)
        word, known = _word(func)
        if known or word in _METADATA:
            return func(*args, **kwargs)
        with self._place(word):
            handler = OPERATIONS.get(word)
            if handler is None or kwargs.get("out") is not None:
                raise CaptureError(
                    f"must be an operation whose cost is known (got torch's '{word}'"
                    f"{' with out=' if handler else ''} on a recorded value). Rewrite it with "
                    f"known operations, or declare the module as a neuron if it is one."
                )
            return handler(self.tracker, Call(word, func, args, kwargs))

    def _touches(self, *arguments: Any) -> bool:
        return any(self.tracker.find(tensor) is not None for tensor in _tensors(arguments))

    def _output(self, tensor: torch.Tensor) -> str:
        source = self.tracker.read(tensor)
        require_finite(tensor)
        return source.tensor.name

    @contextmanager
    def _hooks(self) -> Iterator[None]:
        handles = []
        for module in self._paths:
            model = self._model(module)
            enter, leave = (
                (self._enter, self._leave)
                if model is None
                else (self._enter_neuron, self._leave_neuron)
            )
            handles.append(module.register_forward_pre_hook(enter, with_kwargs=True))
            handles.append(module.register_forward_hook(leave, with_kwargs=True))
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    def _model(self, module: nn.Module) -> str | None:
        for ancestor in type(module).__mro__:
            if ancestor in self._neurons:
                return self._neurons[ancestor]
            qualified = f"{ancestor.__module__}.{ancestor.__qualname__}"
            if qualified in NEURON_CLASSES:
                return NEURON_CLASSES[qualified]
        return None

    def _enter(self, module: nn.Module, _args: Any, _kwargs: Any) -> None:
        if self._firing is not None:
            return
        outer = self._scopes[-1]
        declared = getattr(module, "stream", None) == Stream.ACCUMULATION
        scope = Scope(
            path=self._path(module, outer.path),
            stream=Stream.ACCUMULATION if declared else outer.stream,
            is_leaf=next(module.children(), None) is None or self._model(module) is not None,
            batch_norm_fused=getattr(module, "batch_norm_fused", False) is True,
        )
        self._scopes.append(scope)
        self.tracker.scope = scope

    def _leave(self, _module: nn.Module, _args: Any, _kwargs: Any, output: Any) -> None:
        if self._firing is not None:
            return
        with self._place("its result"):
            for tensor in _tensors(output):
                if self.tracker.find(tensor) is not None:
                    self.tracker.close(tensor)
        self._scopes.pop()
        self.tracker.scope = self._scopes[-1]

    def _enter_neuron(self, module: nn.Module, args: Any, kwargs: Any) -> None:
        if self._firing is not None:
            return
        self._enter(module, args, kwargs)
        with self._place("neuron"):
            source = self.tracker.read(current := self._current(args, kwargs))
            if source.axes[0] not in {Axis.TIME, Axis.HELD}:
                raise CaptureError(
                    f"must see time first, (T, 1, ...) (got shape {source.shape} without it). "
                    f"Hold the input for T timesteps, or unflatten time, before the neuron."
                )
            require_finite(arranged(current, source.axes, source.tensor))
        self._firing = module

    def _leave_neuron(self, module: nn.Module, args: Any, kwargs: Any, output: Any) -> None:
        if self._firing is not module:
            return
        self._firing = None
        with self._place("neuron"):
            self._fire(module, self._current(args, kwargs), output)
        self._scopes.pop()
        self.tracker.scope = self._scopes[-1]

    def _current(self, args: Any, kwargs: Any) -> torch.Tensor:
        """The neuron's one input."""
        tensors = [t for t in _tensors((args, kwargs)) if self.tracker.find(t) is not None]
        if len(tensors) != 1:
            raise CaptureError(
                f"must have one current as its input (got {len(tensors)}). Add the currents first."
            )
        return tensors[0]

    def _fire(self, module: nn.Module, current: torch.Tensor, output: Any) -> None:
        source = self.tracker.read(current)
        if not isinstance(output, torch.Tensor) or tuple(output.shape) != source.shape:
            got = tuple(getattr(output, "shape", ())) or type(output).__name__
            raise CaptureError(
                f"must give spikes of its input's shape {source.shape} (got {got}). Wrap it in a "
                f"module that does, and declare that one."
            )
        model = self._model(module) or ""
        operation = Operation(LayerType.NEURON, (source.tensor.name,), function=model)
        axes = source.axes if is_timed(source.axes) else (Axis.TIME, *source.axes[1:])
        self.tracker.write(output, axes, "neuron", Made(operation, Kind.SPIKE, 1))

    def _path(self, module: nn.Module, outer: str) -> str:
        """The module's path; of a module at several places, the next place inside `outer`."""
        paths = self._paths[module]
        inside = [path for path in paths if path.startswith(f"{outer}.")] or paths
        path = next((path for path in inside if path not in self._called), inside[0])
        self._called.add(path)
        return path

    @property
    def _where(self) -> str:
        return self._scopes[-1].path or self._name

    @contextmanager
    def _place(self, word: str) -> Iterator[None]:
        """Draws at a place, which errors name: the module and the operation."""
        self._drawing = True
        try:
            yield
        except CaptureError as error:
            raise CaptureError(f"{self._where} ({word}): {error}") from None
        finally:
            self._drawing = False


def _word(function: Callable[..., Any]) -> tuple[str, bool]:
    """Name of a torch function without underscores, and whether it asks for metadata only."""
    name = getattr(function, "__name__", str(function))
    if name in {"__get__", "__set__"}:
        attribute = getattr(getattr(function, "__self__", None), "__name__", name)
        is_value = attribute in {"T", "mT", "H", "mH", "data", "real", "imag", "grad"}
        return attribute, name == "__get__" and not is_value
    return name.removeprefix("__").removesuffix("__"), False


def _tensors(structure: Any) -> Iterator[torch.Tensor]:
    """All tensors in nested tuples, lists and dictionaries, in order."""
    if isinstance(structure, torch.Tensor):
        yield structure
    elif isinstance(structure, list | tuple):
        for item in structure:
            yield from _tensors(item)
    elif isinstance(structure, dict):
        yield from _tensors(list(structure.values()))
