"""Surrogate gradients: against finite differences, a recursion by hand, and snnTorch."""

from collections.abc import Callable, Iterable, Sequence

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from codesign.networks.blocks import MembraneBlock, Shape, SpikeBlock
from codesign.networks.connections import CONNECTIONS
from codesign.networks.neurons import IF, LIF, PLIF, Neuron, fire, scaled_atan, smoothed
from codesign.networks.small_residual import small_residual_network

STEP = 2e-6
"""Of differences of the fourth order in float64. Batch norms whose input hardly varies bend within
some 1e-4, so that second-order ones would be 1e-4 off."""
TOLERANCE = {"rel": 1e-6, "abs": 1e-7}
"""Rounding of a loss near 10 is 1e-15, and 1e-9 of its slope."""

NEURONS: dict[str, Callable[..., Neuron]] = {
    "IF": IF,
    "IF with a reset below zero": lambda **more: IF(0.7, -0.3, **more),
    "LIF": LIF,
    "LIF, tau 1.3": lambda **more: LIF(1.3, 0.9, -0.1, **more),
    "PLIF": lambda **more: PLIF(1.7, **more),
}
SHAPES = {
    "basic": Shape(3, 3, 3, stride=1, bottleneck=False),
    "basic, halving": Shape(3, 4, 4, stride=2, bottleneck=False),
    "bottleneck": Shape(3, 2, 8, stride=1, bottleneck=True),
}


def drawn(*shape: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator, dtype=torch.float64)


def attached(network: nn.Module) -> nn.Module:
    """In float64 and with gradients through the reset, and batch norms that are not at rest."""
    for seed, module in enumerate(network.modules()):
        if isinstance(module, Neuron):
            module.detach_reset = False
        elif isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.bias, std=0.3, generator=torch.Generator().manual_seed(seed))
    return network.double()


def check_gradients(
    network: nn.Module, inputs: Sequence[Tensor], loss: Callable[[], Tensor]
) -> None:
    """Compares the slope along one random direction of every parameter and input."""
    variables = [*network.parameters(), *(x for x in inputs if x.requires_grad)]
    with smoothed(network):
        gradients = torch.autograd.grad(loss(), variables)
        for seed, (variable, gradient) in enumerate(zip(variables, gradients, strict=True)):
            direction = drawn(*variable.shape, seed=seed)
            found = float((gradient * direction).sum())
            assert found == pytest.approx(slope(variable, direction, loss), **TOLERANCE)
    assert any(gradient.abs().max() > 1e-3 for gradient in gradients)


@torch.no_grad()
def slope(variable: Tensor, direction: Tensor, loss: Callable[[], Tensor]) -> float:
    before, total = variable.detach().clone(), 0.0
    for steps, weight in ((-2, 1), (-1, -8), (1, 8), (2, -1)):
        variable.copy_(before + steps * STEP * direction)
        total += weight * float(loss())
    variable.copy_(before)
    return total / (12 * STEP)


def weighed(outputs: Iterable[Tensor | None]) -> Tensor:
    """A sum of all outputs with random weights, so that none can stand in for another."""
    given = [output for output in outputs if output is not None]
    parts = [(output * drawn(*output.shape, seed=9 + n)).sum() for n, output in enumerate(given)]
    return torch.stack(parts).sum()


@pytest.mark.parametrize("name", NEURONS)
@pytest.mark.parametrize("surrogate_slope", [0.5, 2.0, 7.0])
def test_neurons_agree_with_finite_differences(name: str, surrogate_slope: float) -> None:
    make = NEURONS[name]
    neuron = attached(make(detach_reset=False, surrogate_slope=surrogate_slope))
    x = drawn(6, 2, 3).requires_grad_()
    check_gradients(neuron, [x], lambda: weighed([neuron(x)]))


@pytest.mark.parametrize("accumulates", [False, True])
@pytest.mark.parametrize("connection", CONNECTIONS)
@pytest.mark.parametrize("shape", SHAPES)
def test_spike_blocks_agree_with_finite_differences(
    shape: str, connection: str, accumulates: bool
) -> None:
    torch.manual_seed(1)
    g = CONNECTIONS[connection]
    block = SpikeBlock(SHAPES[shape], LIF, nn.BatchNorm2d, connection=g, accumulates=accumulates)
    attached(block)
    o = drawn(3, 2, 3, 4, 4, seed=1).sigmoid().requires_grad_()
    a = drawn(3, 2, 3, 4, 4, seed=2).requires_grad_() if accumulates else None
    check_gradients(block, [o] if a is None else [o, a], lambda: weighed(block((o, a))))


@pytest.mark.parametrize("shape", SHAPES)
def test_membrane_blocks_agree_with_finite_differences(shape: str) -> None:
    torch.manual_seed(2)
    block = attached(MembraneBlock(SHAPES[shape], IF, nn.BatchNorm2d))
    o = drawn(3, 2, 3, 4, 4, seed=1).sigmoid().requires_grad_()
    check_gradients(block, [o], lambda: weighed(block((o, None))))


@pytest.mark.parametrize(
    ("family", "connection", "shared_head"),
    [
        *(("fsnn", g, True) for g in ("and", "iand", "or", "xor")),
        *(("dsnn", g, True) for g in ("and", "iand", "or", "xor")),
        ("dsnn", "iand", False),
        ("sew", "add", True),
        ("spiking_resnet", None, True),
    ],
)
def test_whole_networks_agree_with_finite_differences(
    family: str, connection: str | None, shared_head: bool
) -> None:
    torch.manual_seed(3)
    options = {"depth": 4, "width": 2, "shape": (1, 8, 8), "classes": 3, "timesteps": 3}
    network = small_residual_network(
        family=family, connection=connection, shared_head=shared_head, **options
    )
    attached(network)
    x = drawn(3, 1, 8, 8).requires_grad_()
    check_gradients(network, [x], lambda: weighed(network.logits(x)))


def test_only_the_reset_that_is_attached_agrees() -> None:
    """The check above sees a gradient that leaves a path out."""
    neuron = IF().double()
    x = drawn(6, 2, 3).requires_grad_()
    with pytest.raises(AssertionError):
        check_gradients(neuron, [x], lambda: weighed([neuron(x)]))


def test_smoothed_neurons_spike_again_afterwards_even_after_an_error() -> None:
    network = nn.Sequential(LIF(), IF())
    x = 3 * drawn(4, 2, 5)
    with torch.no_grad():
        spikes = network(x)
        with smoothed(network):
            values = network(x)
        with pytest.raises(RuntimeError), smoothed(network):
            raise RuntimeError
        assert torch.equal(network(x), spikes)
    assert set(spikes.unique().tolist()) == {0.0, 1.0}
    assert ((values > 0) & (values < 1)).all()


@given(st.floats(-4, 4), st.floats(0.1, 8))
def test_the_smooth_step_is_the_step_where_its_slope_is_steep(value: float, steep: float) -> None:
    x = torch.tensor(value, dtype=torch.float64)
    assert torch.equal(fire(x, steep, is_smooth=True), scaled_atan(x, steep))
    # arctan(y) / pi is 1/2 less 1 / (pi y) at most
    near = abs(float(scaled_atan(x, 1e6)) - float(fire(x)))
    assert near <= 1 / (1e6 * abs(value)) + 1e-12 if value else near == 0.5


def backward_by_hand(
    neuron: Neuron, x: np.ndarray, upstream: np.ndarray
) -> tuple[np.ndarray, float]:
    """Gradients of `sum(upstream * spikes)` for the currents of one neuron, and for PLIF's w.

    Forward as in `codesign.networks.neurons` with k = 1 / tau; backward, from the last timestep,

        dL/dh_t = dL/ds_t sigma'(h_t - v_th) + dL/dv_t dv_t/dh_t
        dv_t/dh_t = 1 - s_t, and + (v_reset - h_t) sigma'(h_t - v_th) where the reset is attached
        dL/dv_{t-1} = dL/dh_t (1 - k), dL/dx_t = dL/dh_t k; both times 1 for IF
        dL/dk = sum of dL/dh_t (x_t - (v_{t-1} - v_reset)), dk/dw = k (1 - k)
    """
    leak = {"LIF": lambda n: 1 / n.tau, "PLIF": lambda n: 1 / n.initial_tau}
    k = leak[type(neuron).__name__](neuron) if not isinstance(neuron, IF) else None
    keep, gain = (1.0, 1.0) if k is None else (1 - k, k)
    v, befores, potentials, spikes = neuron.v_reset, [], [], []
    for current in x:
        befores.append(v)
        h = keep * v + gain * current + (1 - keep) * neuron.v_reset
        s = float(h >= neuron.v_threshold)
        potentials.append(h)
        spikes.append(s)
        v = h * (1 - s) + neuron.v_reset * s
    to_x, to_k, to_v, a = np.zeros_like(x), 0.0, 0.0, neuron.surrogate_slope
    for t in reversed(range(len(x))):
        h = potentials[t]
        derivative = a / (2 * (1 + (np.pi / 2 * a * (h - neuron.v_threshold)) ** 2))
        through = 1 - spikes[t]
        if not neuron.detach_reset:
            through += (neuron.v_reset - h) * derivative
        to_h = upstream[t] * derivative + to_v * through
        to_x[t] = to_h * gain
        to_k += to_h * (x[t] - (befores[t] - neuron.v_reset))
        to_v = to_h * keep
    return to_x, to_k * gain * (1 - gain)


@pytest.mark.parametrize("detach_reset", [True, False])
@pytest.mark.parametrize("name", NEURONS)
@given(seed=st.integers(0, 10**6))
def test_gradients_of_spikes_follow_the_recursion_by_hand(
    name: str, detach_reset: bool, seed: int
) -> None:
    neuron = NEURONS[name](detach_reset=detach_reset, surrogate_slope=1.5).double()
    if isinstance(neuron, PLIF):  # its w was rounded to float32
        neuron.w.data.copy_(-torch.tensor(neuron.initial_tau - 1, dtype=torch.float64).log())
    x = (1.5 * drawn(8, 1, seed=seed) + 0.3).requires_grad_()
    upstream = drawn(8, 1, seed=seed + 1)
    (upstream * neuron(x)).sum().backward()
    to_x, to_w = backward_by_hand(neuron, x.detach().numpy()[:, 0], upstream.numpy()[:, 0])
    assert x.grad is not None
    # float64 rounding in a recursion of eight steps
    np.testing.assert_allclose(x.grad[:, 0], to_x, rtol=1e-10, atol=1e-13)
    if isinstance(neuron, PLIF):
        assert float(neuron.w.grad) == pytest.approx(to_w, rel=1e-10, abs=1e-13)


@pytest.mark.parametrize("slope", [0.5, 2.0, 5.0])
@pytest.mark.parametrize("tau", [None, 2.0, 1.5])
def test_snntorch_has_the_same_spikes_and_gradients(tau: float | None, slope: float) -> None:
    """Its `Leaky`: `U_t = beta (1 - reset) U_{t-1} + x_t`, reset a timestep later, detached.

    So `beta = 1 - 1 / tau` on a current of `x / tau`; 1 and `x` for IF. Its arc tangent has the
    alpha that is our a. The decay of a PLIF sits in both places there.
    """
    snntorch = pytest.importorskip("snntorch", reason="snnTorch is not installed")
    k = torch.tensor(1.0 if tau is None else 1 / tau, dtype=torch.float64, requires_grad=True)
    beta = torch.tensor(1.0 if tau is None else 1 - 1 / tau, dtype=torch.float64)
    surrogate = snntorch.surrogate.atan(alpha=slope)
    theirs = snntorch.Leaky(
        beta, spike_grad=surrogate, reset_mechanism="zero", learn_beta=True
    ).double()
    ours: Neuron = IF(surrogate_slope=slope)
    if tau is not None:
        ours = PLIF(tau, surrogate_slope=slope).double()
    if isinstance(ours, PLIF):
        ours.w.data.copy_(-torch.tensor(ours.initial_tau - 1, dtype=torch.float64).log())
    # snnTorch's spikes are float32: weights of sixteenths pass through them unrounded
    upstream = (drawn(10, 40, seed=5) * 16).round() / 16
    x = (1.5 * drawn(10, 40, seed=4) + 0.3).requires_grad_()
    y = x.detach().clone().requires_grad_()
    spikes, membrane = [], torch.zeros(40, dtype=torch.float64)
    for current in y * k:
        spike, membrane = theirs(current, membrane)
        spikes.append(spike)
    expected, found = torch.stack(spikes), ours(x)
    assert torch.equal(expected.double(), found)
    assert 0.1 < float(found.detach().mean()) < 0.9
    (expected * upstream).sum().backward()
    (found * upstream).sum().backward()
    assert x.grad is not None
    np.testing.assert_allclose(x.grad, y.grad, rtol=1e-10, atol=1e-13)  # float64 rounding
    if tau is not None:
        decay = (1 / tau) * (1 - 1 / tau)
        to_w = (float(k.grad) - float(theirs.beta.grad)) * decay
        assert float(ours.w.grad) == pytest.approx(to_w, rel=1e-10)
