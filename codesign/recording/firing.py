"""Calls of neurons: one layer each, from its current to its spikes.

A call is of all timesteps `(T, 1, ...)`, or of one. Calls at successive timesteps are one layer;
which layer a call continues is known from the current that it reads and the state that it is
given. Where the current does not change with the timestep, each call is the next timestep.

What a neuron gives or keeps beside its spikes is its state. A membrane that the network reads
becomes the layer's result if its spikes are not read (`completion`).
"""

from collections.abc import Sequence

import torch
from torch import nn

from codesign.errors import CaptureError
from codesign.recording.axes import Axes, Axis, is_timed
from codesign.recording.draft import Operation
from codesign.recording.magnitudes import largest
from codesign.recording.neurons import Neuron, require_no_weights, state_tensors
from codesign.recording.runs import Pace
from codesign.recording.tracking import Tracker, arranged, require_finite
from codesign.recording.values import Made, Source, Tracked
from codesign.workload import Kind, LayerType


class Firing:
    """The neuron that runs now.

    Args:
        tracker: knows the tensors, and draws the layers.

    Attributes:
        module: the neuron's module, None between neurons.
    """

    def __init__(self, tracker: Tracker) -> None:
        self.module: nn.Module | None = None
        self._tracker = tracker
        self._neuron = Neuron("")
        self._source: Source | None = None
        self._goes_on = False  # whether the call was given the state of the last
        self._membrane: float | None = None  # the largest that was seen in this call

    def begin(self, module: nn.Module, neuron: Neuron, arguments: Sequence[torch.Tensor]) -> None:
        """Reads the neuron's current and finds out which timestep the call is of.

        Raises:
            CaptureError: there is no single, finite current, or its timesteps do not fit.
        """
        tracker = self._tracker
        require_no_weights(module, tracker.scope.path)
        current, states = self._sorted(arguments)
        source = tracker.read(current, any_scale=True)
        step = tracker.peek(current).step
        self._require_pace(neuron, source, step)
        if not _has_time(source.axes):
            operation = self._operation(neuron, source)
            following = tracker.draft.next_step(tracker.scope.module, operation)
            expected = following if not states else (states[0].step or 0) + 1
            step = expected if step is None else step
            if step != expected and (states or neuron.keeps_state):
                raise CaptureError(
                    f"must go on from its state of timestep {step - 1} (got that of timestep "
                    f"{expected - 1}). Call it once at each timestep, and use a neuron that keeps "
                    f"its state at one place only."
                )
        if not tracker.gauge.is_finite(source.tensor.name, step):
            require_finite(arranged(current, source.axes, source.tensor), source.tensor.name)
        tracker.step = step
        self.module, self._neuron, self._source = module, neuron, source
        self._goes_on = bool(states)
        self._membrane = None

    def see(self, membrane: torch.Tensor) -> None:
        """Looks at the membranes of the neuron that runs now, before they fire."""
        self._membrane = max(largest(membrane), self._membrane or 0.0)

    def end(self, results: Sequence[torch.Tensor]) -> None:
        """Draws the neuron's layer.

        Args:
            results: what the neuron gave, the spikes first.

        Raises:
            CaptureError: there are no spikes of the current's shape.
        """
        module, source, tracker = self.module, self._source, self._tracker
        self.module = None
        assert module is not None
        assert source is not None
        if not self._neuron.spikes:
            results = _as_one(results, source)
        elif not results or tuple(results[0].shape) != source.shape:
            got = tuple(results[0].shape) if results else "nothing"
            raise CaptureError(
                f"must give spikes of its input's shape {source.shape} first (got {got}). Wrap it "
                f"in a module that does, and declare that one."
            )
        axes = source.axes
        if _has_time(axes) and not is_timed(axes):
            axes = (Axis.TIME, *axes[1:])
        is_spiking = self._neuron.spikes
        kind, highest = (Kind.SPIKE, 1) if is_spiking else (Kind.REAL, None)
        made = Made(self._operation(self._neuron, source), kind, highest)
        name = tracker.write(results[0], axes, "neuron", made).name
        if self._membrane is not None:
            tracker.gauge.add(name, self._membrane, tracker.step)
        self._require_own_state(name, module, results)
        if is_spiking:
            self._track_states(name, results[0], axes, [*results[1:], *state_tensors(module)])
        else:
            self._track_timesteps(results, axes)

    def require_timesteps(self, timesteps: int | None) -> None:
        """Refuses a network that was called for one timestep only, without being asked to.

        Args:
            timesteps: how often the user said that the network is to be called.

        Raises:
            CaptureError: each neuron was called once, with a current without time.
        """
        draft = self._tracker.draft
        neurons = [n for n, layer in draft.layers.items() if layer.type is LayerType.NEURON]
        once = [n for n in neurons if draft.runs[n].pace is Pace.EACH and draft.runs[n].count == 1]
        if timesteps is None and draft.timesteps is None and once == neurons:
            shape = (1, *draft.tensors[once[0]].shape)
            raise CaptureError(
                f"{once[0]} (neuron): must see time first, (T, 1, ...), or run at every timestep "
                f"(got one call with shape {shape}). Hold the input for T timesteps, loop over "
                f"timesteps, or have the network called for each: `timesteps=T`."
            )

    def _sorted(self, arguments: Sequence[torch.Tensor]) -> tuple[torch.Tensor, list[Tracked]]:
        """The neuron's current, and the states of its own that it gets back."""
        tracker = self._tracker
        known = [tensor for tensor in arguments if tracker.find(tensor) is not None]
        own = {runs.name for runs in tracker.draft.layers_of(tracker.scope.module)}
        states: list[torch.Tensor] = []
        currents: list[torch.Tensor] = []
        for tensor in known:
            value = tracker.peek(tensor).value
            owner = tracker.draft.membranes.get(value.name)
            given_back = owner in own or (value.name in own and len(known) > 1)
            (states if given_back else currents).append(tensor)
        if len(currents) != 1:
            raise CaptureError(
                f"must have one current as its input that was computed from the network's input "
                f"(got {len(currents)}). Add the currents first, and give it no other state than "
                f"its own."
            )
        return currents[0], [tracker.peek(tensor) for tensor in states]

    def _require_pace(self, neuron: Neuron, source: Source, step: int | None) -> None:
        timed = _has_time(source.axes)
        if neuron.pace is Pace.EACH and timed:
            raise CaptureError(
                f"must see one timestep in each call, (1, ...) (got shape {source.shape}, with "
                f"time). Loop over timesteps, use its multi-step mode "
                f"(`functional.set_step_mode(network, 'm')`), or have the network called for each "
                f"timestep: `timesteps=T`."
            )
        if (neuron.pace is Pace.ALL and not timed) or (timed and step is not None):
            raise CaptureError(
                f"must see time first, (T, 1, ...) (got shape {source.shape} without it). "
                f"Hold the input for T timesteps, or unflatten time, before the neuron."
            )
        if timed and source.axes[0] not in {Axis.TIME, Axis.HELD}:
            raise CaptureError(
                f"must see time first, (T, 1, ...) (got shape {source.shape}, with time behind). "
                f"Move time to the front."
            )

    def _operation(self, neuron: Neuron, source: Source) -> Operation:
        return Operation(LayerType.NEURON, (source.tensor.name,), function=neuron.model)

    def _require_own_state(
        self, name: str, module: nn.Module, results: Sequence[torch.Tensor]
    ) -> None:
        """Raises CaptureError if a neuron that keeps its state is at a second place."""
        tracker = self._tracker
        others = tracker.draft.layers_of(tracker.scope.module)
        # at the first timestep, a neuron that gives its state may yet get it back
        goes_on_itself = not self._goes_on and (len(results) == 1 or bool(tracker.step))
        kept = any(state.shape == results[0].shape for state in state_tensors(module))
        keeps_state = self._neuron.keeps_state or (
            tracker.step is not None and goes_on_itself and kept
        )
        if keeps_state and len(others) > 1:
            raise CaptureError(
                f"must be used at one place, because it keeps its state (got '{others[0].name}' "
                f"and '{name}'). Use a neuron of its own for each place."
            )

    def _track_states(
        self, name: str, spikes: torch.Tensor, axes: Axes, states: Sequence[torch.Tensor]
    ) -> None:
        """Makes what the neuron gives or keeps its membranes: of this, or of the last timestep."""
        tracker = self._tracker
        at_end = axes[1:] if is_timed(axes) else axes
        last = len(spikes) - 1 if is_timed(axes) else tracker.step
        seen = [spikes]
        for index, state in enumerate(states):
            if any(state is other for other in seen) or not self._is_own(state):
                continue
            seen.append(state)
            membrane = tracker.draft.add_membrane(name, index)
            if state.shape == spikes.shape:
                tracker.remember(state, membrane, axes, tracker.step)
            elif is_timed(axes) and state.shape == spikes.shape[1:]:
                tracker.remember(state, membrane, at_end, last)

    def _is_own(self, state: torch.Tensor) -> bool:
        """Whether a tensor that a neuron keeps is no value that it got from elsewhere."""
        tracked = self._tracker.find(state)
        return tracked is None or tracked.value.name in self._tracker.draft.membranes

    def _track_timesteps(self, results: Sequence[torch.Tensor], axes: Axes) -> None:
        whole = self._tracker.peek(results[0]).value
        for step, result in enumerate(results[1:]):
            self._tracker.step = step
            self._tracker.alias(result, whole.part(), axes[1:])


def _has_time(axes: Axes) -> bool:
    """Whether a current is of all timesteps; one that is held for a single one is."""
    return is_timed(axes) or axes[:1] == (Axis.HELD,)


def _as_one(membranes: Sequence[torch.Tensor], source: Source) -> Sequence[torch.Tensor]:
    """The membranes of all timesteps as one tensor, and one by one, as the network gets them."""
    expected = [source.shape[1:]] * source.shape[0]
    if [tuple(membrane.shape) for membrane in membranes] != expected:
        raise CaptureError(
            f"must give its membrane at every timestep, {len(expected)} of shape "
            f"{expected[0]} (got {len(membranes)} tensors). Use `decode=None`, and let the network "
            f"make of them what it answers."
        )
    return [torch.stack(list(membranes)), *membranes]
