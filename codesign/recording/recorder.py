"""Runs a network once and records it: the graph of its layers and the spikes that flow.

Every torch function that touches a value computed from the input is seen, whether a module or
plain code calls it. Modules give layers their names and declare two things: neurons, which are
taken as one layer each whatever they compute inside, and `stream = "accumulation"`, which puts
all that a module computes into the accumulation stream.

A network may run each layer once for all timesteps, loop over timesteps itself, or see one
timestep in each call of the whole; the graph is the same.

Assumed: one image at a time, evaluation mode. Left out, and refused: operations without a meaning
in `operations.OPERATIONS`, control flow that depends on recorded values, feedback from one
timestep to the next outside neurons, compiled or scripted modules.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from codesign.errors import CaptureError
from codesign.networks.neurons import Neuron as WatchedNeuron
from codesign.recording.axes import input_axes, is_timed
from codesign.recording.call import Call
from codesign.recording.completion import complete
from codesign.recording.draft import INPUT, Scope
from codesign.recording.firing import Firing
from codesign.recording.neurons import Neuron, neuron_of
from codesign.recording.operations import OPERATIONS
from codesign.recording.refusals import VALUE_FREE, require_visible, unknown_operation
from codesign.recording.states import cleared_states
from codesign.recording.sums import JOINING
from codesign.recording.tracking import Tracker, require_finite
from codesign.trace import Trace, trace_from_arrays
from codesign.workload import Kind, LayerType, Stream


def capture(
    network: nn.Module,
    inputs: torch.Tensor,
    *,
    timesteps: int | None = None,
    name: str = "network",
    provenance: Mapping[str, Any] | None = None,
    neurons: Mapping[type[nn.Module], str] | None = None,
    input_kind: Kind = Kind.REAL,
) -> Trace:
    """Records one inference of one image.

    Args:
        network: a spiking network in evaluation mode. The state that its neurons keep from call
            to call is cleared first; behind the recording the network is as it was.
        inputs: a static image `(1, C, H, W)` or vector `(1, F)`, or a sequence `(T, 1, C, H, W)`
            or `(T, 1, F)`.
        timesteps: T of a network that sees one timestep in each call, as SpikingJelly's do with
            `step_mode='s'`: it is called T times, with the image or with each frame. None for a
            network that is called once, because its layers see all timesteps `(T, 1, ...)`, or
            because it loops over timesteps itself.
        name: what the workload is called.
        provenance: where weights and input came from; kept in the trace.
        neurons: classes of further neuron modules and the model that each stands for (`LIF`).
            Such a module maps currents to spikes of the same shape: `(T, 1, ...)` if a call is of
            all timesteps, `(1, ...)` if it is of one. It may take and give back its state, the
            spikes first: `spikes, membrane = neuron(current, membrane)`.
        input_kind: `spike` for an input of zeros and ones whose first layer accumulates, as frames
            of events have; `real` if it multiplies, whatever the values are.

    Returns:
        The trace, in memory, with the workload's graph. Its outputs are the tensors that the
        network returns. A membrane is one only if its layer's spikes are neither read nor
        returned; beside them it costs nothing and is left out.

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
    # NNPACK, which torch takes for 16 timesteps and more where oneDNN is not at hand, convolves by
    # transforms that round; sums of taps are exact where weights and inputs are on a grid
    with torch.inference_mode(), torch.backends.nnpack.flags(enabled=False):
        outputs = recorder.run(inputs, timesteps, is_spiking=_is_spiking(input_kind, name))
    draft = recorder.tracker.draft
    if not any(layer.type is LayerType.NEURON for layer in draft.layers.values()):
        raise CaptureError(
            f"{name}: must have at least one spiking neuron (got none of the known classes). "
            f"Declare yours: `capture(..., neurons={{MyNeuron: 'LIF'}})`, or under `neurons` in "
            f"the workload's file."
        )
    recorder.firing.require_timesteps(timesteps)
    workload, arrays = complete(draft, name, outputs)
    magnitudes = recorder.tracker.gauge.magnitudes(workload, draft.membranes)
    return trace_from_arrays(workload, arrays, provenance or {}, magnitudes)


def _is_spiking(input_kind: Kind, name: str) -> bool:
    if input_kind not in (Kind.REAL, Kind.SPIKE):
        raise CaptureError(
            f"{name}: input_kind must be 'real' or 'spike' (got '{input_kind}'). Integers are "
            "multiplied: record them as real values."
        )
    return input_kind == Kind.SPIKE


class Recorder(TorchFunctionMode):
    """Sees every torch function while it is active, and every call of the network's modules.

    Args:
        network: what is recorded.
        name: what errors call it where no module has a path.
        neurons: the user's neuron classes and their models.
    """

    def __init__(
        self, network: nn.Module, name: str, neurons: Mapping[type[nn.Module], str]
    ) -> None:
        super().__init__()
        self._network = network
        self._name = name
        self._scopes = [Scope("", "", Stream.SPIKE)]
        self._drawing = False  # whether torch functions are the recorder's own
        self._called: set[str] = set()
        self._paths: dict[nn.Module, list[str]] = {}
        for path, module in network.named_modules(remove_duplicate=False):
            self._paths.setdefault(module, []).append(path)
        require_visible(self._paths, name)
        known = ((module, neuron_of(module, neurons)) for module in self._paths)
        self._neurons: dict[nn.Module, Neuron] = {m: neuron for m, neuron in known if neuron}
        self.tracker = Tracker(self._scopes[0])
        self.firing = Firing(self.tracker)

    def run(
        self, inputs: torch.Tensor, timesteps: int | None = None, *, is_spiking: bool = False
    ) -> list[str]:
        """Runs the network and returns the names of its outputs in the graph.

        Args:
            inputs: see `capture`.
            timesteps: how often to call it, None for once with all of the input.
            is_spiking: whether the input is spikes.
        """
        with self._place("the input"):
            frames = [inputs] if timesteps is None else _frames(inputs, timesteps)
            whole = inputs if timesteps is None else torch.stack(frames)
            self.tracker.start(whole, is_spiking=is_spiking)
        outputs: list[str] = []
        with cleared_states(self._network, self._neurons):
            for step, frame in enumerate(frames):
                if timesteps is not None:
                    self.tracker.start_step(frame, step)
                made = self._call(frame)
                outputs = outputs or made
                if made != outputs:
                    raise CaptureError(
                        f"{self._name} (the output): must be the same at every timestep (got "
                        f"{', '.join(made)} at timestep {step}, {', '.join(outputs)} before)."
                    )
        return outputs

    def _call(self, inputs: torch.Tensor) -> list[str]:
        try:
            with self._hooks(), self:
                outputs = self._network(inputs)
        except (RuntimeError, ValueError) as error:  # raised where shapes or types do not fit
            raise CaptureError(
                f"{self._where}: must run on an input of shape {tuple(inputs.shape)} (got the "
                f"error: {(str(error).splitlines() or [''])[0]}). Give an input that the network "
                f"takes; one that sees one timestep in each call needs `timesteps=T`."
            ) from error
        with self._place("the output"):
            names = [self._output(tensor) for tensor in _tensors(outputs)]
            if set(names) <= {INPUT}:
                got = "its input" if names else type(outputs).__name__
                raise CaptureError(
                    f"must be a tensor that the network computed (got {got}). Return its result."
                )
        return list(dict.fromkeys(names))

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        kwargs = kwargs or {}
        if self._drawing or self.firing.module is not None:
            return func(*args, **kwargs)
        operands: list[torch.Tensor] = []
        constants: list[torch.Tensor] = []
        for tensor in _tensors((args, kwargs)):
            (constants if self.tracker.find(tensor) is None else operands).append(tensor)
        word, is_metadata = _word(func)
        if is_metadata or word in VALUE_FREE:
            return func(*args, **kwargs)
        with self._place(word):
            self.tracker.require_unwritten(constants)
            if not operands:
                return func(*args, **kwargs)
            handler = OPERATIONS.get(word)
            if handler is None or kwargs.get("out") is not None:
                raise unknown_operation(word, handler is not None, self._scopes[-1].class_name)
            has_one_timestep = self.tracker.attend(operands)
            if not has_one_timestep and word not in JOINING:
                raise CaptureError(
                    "must see operands of one timestep (got several timesteps). Feed nothing back "
                    "from the last timestep outside a neuron."
                )
            result = handler(self.tracker, Call(word, func, args, kwargs))
            if any(result is constant for constant in constants):
                self.tracker.note_written(result)
            return result

    def _output(self, tensor: torch.Tensor) -> str:
        name = self.tracker.read(tensor, any_scale=True).tensor.name
        require_finite(tensor, name)
        return name

    @contextmanager
    def _hooks(self) -> Iterator[None]:
        handles = []
        for module in self._paths:
            is_neuron = module in self._neurons
            enter = self._enter_neuron if is_neuron else self._enter
            leave = self._leave_neuron if is_neuron else self._leave
            handles.append(module.register_forward_pre_hook(enter, with_kwargs=True))
            handles.append(module.register_forward_hook(leave, with_kwargs=True))
        watched = [module for module in self._neurons if isinstance(module, WatchedNeuron)]
        for neuron in watched:
            neuron.watch = self.firing.see
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()
            for neuron in watched:
                del neuron.watch

    def _enter(self, module: nn.Module, _args: Any, _kwargs: Any) -> None:
        if self.firing.module is not None:
            return
        outer = self._scopes[-1]
        declared = getattr(module, "stream", None) == Stream.ACCUMULATION
        scope = Scope(
            path=self._path(module, outer.path),
            module=self._paths[module][0],
            stream=Stream.ACCUMULATION if declared else outer.stream,
            class_name=type(module).__name__,
            is_leaf=next(module.children(), None) is None or module in self._neurons,
            batch_norm_fused=getattr(module, "batch_norm_fused", False) is True,
        )
        self._scopes.append(scope)
        self.tracker.scope = scope

    def _leave(self, _module: nn.Module, _args: Any, _kwargs: Any, output: Any) -> None:
        if self.firing.module is not None:
            return
        with self._place("its result"):
            for tensor in _tensors(output):
                if self.tracker.find(tensor) is not None:
                    self.tracker.close(tensor)
        self._leave_scope()

    def _leave_scope(self) -> None:
        self._scopes.pop()
        self.tracker.scope = self._scopes[-1]

    def _enter_neuron(self, module: nn.Module, args: Any, kwargs: Any) -> None:
        if self.firing.module is not None:
            return
        self._enter(module, args, kwargs)
        with self._place("neuron"):
            self.firing.begin(module, self._neurons[module], list(_tensors((args, kwargs))))

    def _leave_neuron(self, module: nn.Module, _args: Any, _kwargs: Any, output: Any) -> None:
        if self.firing.module is not module:
            return
        with self._place("neuron"):
            self.firing.end(list(_tensors(output)))
        self._leave_scope()

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


def _frames(inputs: torch.Tensor, timesteps: int) -> list[torch.Tensor]:
    """The input of each call: an image is held, a sequence gives one frame to each.

    Raises:
        CaptureError: the sequence is of another length.
    """
    if isinstance(timesteps, bool) or not isinstance(timesteps, int) or timesteps < 1:
        raise CaptureError(f"timesteps must be a whole number, at least 1 (got {timesteps!r}).")
    if not is_timed(input_axes(inputs.shape)):
        return [inputs.clone() for _ in range(timesteps)]
    if len(inputs) != timesteps:
        raise CaptureError(
            f"must have as many frames as there are timesteps ({timesteps}, got {len(inputs)} of "
            f"shape {tuple(inputs.shape)}). Change one of the two."
        )
    return [frame.clone() for frame in inputs]


def _word(function: Callable[..., Any]) -> tuple[str, bool]:
    """Name of a torch function without underscores, and whether it asks for metadata only."""
    name = getattr(function, "__name__", str(function))
    if name in {"__get__", "__set__"}:
        attribute = getattr(getattr(function, "__self__", None), "__name__", name)
        is_value = attribute in {"T", "mT", "H", "mH", "data", "real", "imag", "grad"}
        if name == "__set__":
            return f"setting {attribute}", False
        return attribute, not is_value
    if name in {"__bool__", "__int__", "__float__", "__index__", "__complex__"}:
        return f"{name.strip('_')} of", False
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
