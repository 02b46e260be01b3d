"""Spiking neurons: multi-step integrate-and-fire units with a surrogate gradient.

A neuron module maps a current of shape `(T, N, ...)` to spikes of the same shape and dtype. Its
membrane starts at `v_reset` in every call, so that one call is one input and no state is kept.

    charge   IF:   h_t = v_{t-1} + x_t
             LIF:  h_t = v_{t-1} + (x_t - (v_{t-1} - v_reset)) / tau
             PLIF: as LIF with 1 / tau = sigmoid(w), w learnt
    fire     s_t = H(h_t - v_threshold), H(0) = 1
    reset    v_t = h_t (1 - s_t) + v_reset s_t

Left out: soft reset, refractory periods, and state that survives from one input to the next.
"""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from codesign.errors import Fault, InputError

SURROGATE_SLOPE = 2.0
"""a of the ATan surrogate, as in the paper's ImageNet networks."""


class _Fire(torch.autograd.Function):
    """Heaviside step or scaled arc tangent forward, derivative of the latter backward."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, slope: float, is_smooth: bool) -> Tensor:
        ctx.save_for_backward(x)
        ctx.slope = slope
        return scaled_atan(x, slope) if is_smooth else (x >= 0).to(x.dtype)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        (x,) = ctx.saved_tensors
        return gradients[0] * atan_derivative(x, ctx.slope), None, None


def scaled_atan(x: Tensor, slope: float = SURROGATE_SLOPE) -> Tensor:
    """The function that stands for H(x): `arctan(pi a x / 2) / pi + 1/2`, from 0 to 1."""
    return (math.pi / 2 * slope * x).atan() / math.pi + 0.5


def atan_derivative(x: Tensor, slope: float = SURROGATE_SLOPE) -> Tensor:
    """The surrogate of dH(x)/dx: `a / (2 (1 + (pi a x / 2)^2))` (Fang et al., ICCV 2021)."""
    return (math.pi / 2 * slope * x).square_().add_(1).reciprocal_().mul_(slope / 2)


def fire(x: Tensor, slope: float = SURROGATE_SLOPE, *, is_smooth: bool = False) -> Tensor:
    """`H(x)` with H(0) = 1, in x's dtype; its gradient is `atan_derivative(x, slope)`.

    With `is_smooth` the value is `scaled_atan(x, slope)`, whose derivative that gradient is.
    """
    spikes: Tensor = _Fire.apply(x, slope, is_smooth)  # type: ignore[no-untyped-call]
    return spikes


class _FireOverTime(torch.autograd.Function):
    """All timesteps of a neuron whose charge has constant slopes, as one operation.

    It computes what the graph of single operations does (`Neuron._graph`), whose small tensors cost
    more in being called for than in arithmetic.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, neuron: "Neuron") -> Tensor:
        membranes: list[Tensor] = []
        spikes = neuron.fire_over_time(x, membranes.append)
        ctx.save_for_backward(spikes, *membranes)
        ctx.neuron = neuron
        return spikes

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        neuron: Neuron = ctx.neuron
        assert neuron.slopes is not None
        by_membrane, by_current = neuron.slopes
        spikes, *membranes = ctx.saved_tensors
        g = torch.empty_like(spikes)  # dL/dh
        for t in reversed(range(len(g))):
            h = membranes[t]
            derivative = atan_derivative(h - neuron.v_threshold, neuron.surrogate_slope)
            torch.mul(gradients[0][t], derivative, out=g[t])
            if t + 1 == len(g):
                continue
            passed = 1 - spikes[t]  # dv/dh of the membrane that is left to the next timestep
            if not neuron.detach_reset:
                passed += (neuron.v_reset - h) * derivative
            g[t].addcmul_(g[t + 1], passed, value=by_membrane)
        return g if by_current == 1 else g * by_current, None


class Neuron(nn.Module):
    """What all neurons share: threshold, hard reset, and the loop over time.

    Args:
        v_threshold: membrane potential at which a neuron fires.
        v_reset: potential after a spike, and at the start.
        detach_reset: whether the gradient ignores the path through the reset.
        surrogate_slope: a of the ATan surrogate.

    Raises:
        InputError: the threshold is not above the reset potential, or the slope is not positive.
    """

    watch: Callable[[Tensor], None] | None = None
    """Called in inference with each timestep's membranes before they fire, to be looked at only."""

    limit: float | None = None
    """Charged membranes saturate at plus and minus this; None if they have no end."""

    is_smooth = False
    """Whether `scaled_atan` takes the place of the step (see `smoothed`): no spikes then."""

    def __init__(
        self,
        v_threshold: float = 1.0,
        v_reset: float = 0.0,
        *,
        detach_reset: bool = True,
        surrogate_slope: float = SURROGATE_SLOPE,
    ):
        super().__init__()
        name = type(self).__name__
        if not v_threshold > v_reset:
            raise InputError(
                Fault(
                    f"{name}.v_threshold",
                    f"must be above v_reset = {v_reset} (got {v_threshold}).",
                    "A neuron at rest would fire without input.",
                )
            )
        if not surrogate_slope > 0:
            raise InputError(
                Fault(f"{name}.surrogate_slope", f"must be above 0 (got {surrogate_slope}).")
            )
        # a quantised network has one for each channel, `(C, 1, 1)`
        self.v_threshold: float | Tensor = float(v_threshold)
        self.v_reset = float(v_reset)
        self.detach_reset = detach_reset
        self.surrogate_slope = float(surrogate_slope)

    def __init_subclass__(cls) -> None:
        """A charge of its own has slopes of its own, or none that are known."""
        super().__init_subclass__()
        if "charge" in vars(cls) and "slopes" not in vars(cls):
            cls.slopes = Neuron.slopes  # type: ignore[method-assign]

    def charge(self, v: Tensor, x: Tensor) -> Tensor:
        """The membrane potential before firing, from the last one and the current."""
        raise NotImplementedError

    @property
    def slopes(self) -> tuple[float, float] | None:
        """dh/dv and dh/dx of `charge` where they are constants; None if they are learnt."""
        return None

    def _saturated(self, h: Tensor) -> Tensor:
        return h if self.limit is None else h.clamp(-self.limit, self.limit)

    def forward(self, x: Tensor) -> Tensor:
        """Spikes (0 or 1) of shape `(T, N, ...)` from a current of that shape."""
        if not (torch.is_grad_enabled() or self.is_smooth):
            return self.fire_over_time(x, self.watch)
        if self.is_smooth or self.slopes is None or self.limit is not None:
            return self._graph(x)
        spikes: Tensor = _FireOverTime.apply(x, self)  # type: ignore[no-untyped-call]
        return spikes

    def _graph(self, x: Tensor) -> Tensor:
        v = torch.full_like(x[0], self.v_reset)
        spikes = []
        for current in x:
            h = self._saturated(self.charge(v, current))
            s = fire(h - self.v_threshold, self.surrogate_slope, is_smooth=self.is_smooth)
            reset = s.detach() if self.detach_reset else s
            v = h * (1 - reset) + self.v_reset * reset
            spikes.append(s)
        return torch.stack(spikes)

    def fire_over_time(self, x: Tensor, watch: Callable[[Tensor], None] | None) -> Tensor:
        """Spikes without a graph, the same as with one bit for bit.

        Args:
            x: currents `(T, N, ...)`, finite: an infinite membrane would be reset to NaN, as the
                equation has it, and never fire again.
            watch: is given each timestep's membranes before they fire, to look at or to keep.
        """
        v = torch.full_like(x[0], self.v_reset)
        spikes = torch.empty_like(x)
        for current, s in zip(x, spikes, strict=True):
            h = self._saturated(self.charge(v, current))
            if watch is not None:
                watch(h)
            torch.ge(h, self.v_threshold, out=s)
            v = torch.addcmul(h, h, s, value=-1)  # h (1 - s), exactly: it is h or 0
            if self.v_reset:
                v += self.v_reset * s
        return spikes

    def extra_repr(self) -> str:
        threshold = self.v_threshold if isinstance(self.v_threshold, float) else "of each channel"
        return f"v_threshold={threshold}, v_reset={self.v_reset}"


class IF(Neuron):
    """Integrate-and-fire: keeps all of its charge until it fires."""

    def charge(self, v: Tensor, x: Tensor) -> Tensor:
        return v + x

    @property
    def slopes(self) -> tuple[float, float]:
        return 1.0, 1.0


class _Leaky(Neuron):
    """What leaky neurons share: a time constant at the start, which each kind keeps in its way.

    Args:
        tau: membrane time constant in timesteps.
        v_threshold: see `Neuron`, as are the others.
        v_reset: potential after a spike and at the start.
        detach_reset: whether the gradient ignores the reset.
        surrogate_slope: a of the ATan surrogate.

    Raises:
        InputError: tau is out of the range of its kind, or see `Neuron`.
    """

    def __init__(
        self,
        tau: float = 2.0,
        v_threshold: float = 1.0,
        v_reset: float = 0.0,
        *,
        detach_reset: bool = True,
        surrogate_slope: float = SURROGATE_SLOPE,
    ):
        super().__init__(
            v_threshold, v_reset, detach_reset=detach_reset, surrogate_slope=surrogate_slope
        )
        self._set_time_constant(float(tau))

    def _set_time_constant(self, tau: float) -> None:
        raise NotImplementedError


class LIF(_Leaky):
    """Leaky integrate-and-fire: `tau` is at least 1 and stays as it is."""

    def _set_time_constant(self, tau: float) -> None:
        if not (math.isfinite(tau) and tau >= 1):
            raise InputError(Fault("LIF.tau", f"must be finite and at least 1 (got {tau})."))
        self.tau = tau

    def charge(self, v: Tensor, x: Tensor) -> Tensor:
        return v + (x - (v - self.v_reset)) / self.tau

    @property
    def slopes(self) -> tuple[float, float]:
        return 1 - 1 / self.tau, 1 / self.tau

    def extra_repr(self) -> str:
        return f"tau={self.tau}, {super().extra_repr()}"


class PLIF(_Leaky):
    """Leaky integrate-and-fire with a learnt decay `1 / tau = sigmoid(w)`, one per layer.

    `tau` is the time constant before training, above 1.
    """

    def _set_time_constant(self, tau: float) -> None:
        if not (math.isfinite(tau) and tau > 1):
            raise InputError(Fault("PLIF.tau", f"must be finite and above 1 (got {tau})."))
        self.initial_tau = tau
        self.start_decay()

    def start_decay(self) -> None:
        """Gives the decay its value before training: sigmoid(w) = 1 / tau."""
        self.w = nn.Parameter(torch.tensor(-math.log(self.initial_tau - 1)))

    def charge(self, v: Tensor, x: Tensor) -> Tensor:
        return v + (x - (v - self.v_reset)) * self.w.sigmoid()


@contextmanager
def smoothed(network: nn.Module) -> Iterator[None]:
    """Within it the neurons of a network give the surrogate in place of spikes.

    Backward nothing changes. With the reset not detached, gradients are then those of the function
    that is computed, and finite differences must agree with them.
    """
    neurons = [module for module in network.modules() if isinstance(module, Neuron)]
    for neuron in neurons:
        neuron.is_smooth = True
    try:
        yield
    finally:
        for neuron in neurons:
            neuron.is_smooth = False
