import math
from functools import partial

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from codesign.errors import InputError
from codesign.networks.neurons import IF, LIF, PLIF, Neuron, atan_derivative, fire

# multiples of 1/64 keep every recursion below exact in float32, so that results can be equal
currents = st.lists(st.integers(-160, 160).map(lambda steps: steps / 64), min_size=1, max_size=8)


def recursion(xs: list[float], tau: float | None, v_threshold: float, v_reset: float) -> list[int]:
    """The equations of one neuron, by hand; tau None is IF."""
    v, spikes = v_reset, []
    for x in xs:
        h = v + x if tau is None else v + (x - (v - v_reset)) / tau
        s = 1 if h - v_threshold >= 0 else 0
        v = h * (1 - s) + v_reset * s
        spikes.append(s)
    return spikes


def run(neuron: Neuron, xs: list[float]) -> list[int]:
    with torch.inference_mode():
        return [int(s) for s in neuron(torch.tensor(xs)[:, None])]


@given(currents, st.sampled_from([(1.0, 0.0), (0.5, 0.0), (1.0, -0.25)]))
def test_if_follows_its_recursion(xs, potentials):
    v_threshold, v_reset = potentials
    assert run(IF(v_threshold, v_reset), xs) == recursion(xs, None, v_threshold, v_reset)


@given(currents)
def test_membranes_are_shown_before_they_fire(xs):
    neuron, seen = IF(), []
    neuron.watch = lambda membrane: seen.append(float(membrane))
    spikes = run(neuron, xs)
    assert [int(h >= 1) for h in seen] == spikes
    assert seen == [x + (0 if not t or spikes[t - 1] else seen[t - 1]) for t, x in enumerate(xs)]


@given(currents, st.sampled_from([(1.0, 0.0), (0.5, 0.0), (1.0, -0.25)]))
def test_lif_follows_its_recursion(xs, potentials):
    v_threshold, v_reset = potentials
    assert run(LIF(2.0, v_threshold, v_reset), xs) == recursion(xs, 2.0, v_threshold, v_reset)


@given(currents)
def test_plif_starts_as_lif_of_its_initial_tau(xs):
    # sigmoid(0) is exactly 1/2
    assert run(PLIF(2.0), xs) == recursion(xs, 2.0, 1.0, 0.0)


def test_plif_decay_is_the_sigmoid_of_its_parameter():
    assert torch.sigmoid(PLIF(5.0).w).item() == pytest.approx(1 / 5, rel=1e-6)  # float32


@pytest.mark.parametrize("neuron", [IF(), LIF(3.0), PLIF(1.7), IF(0.7, -0.3), LIF(1.3, 0.9, -0.1)])
def test_inference_equals_the_differentiable_path_bit_for_bit(neuron):
    x = torch.randn(7, 2, 3, 5, 5, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        inference = neuron(x)
    assert torch.equal(inference, neuron(x))
    assert 0 < inference.mean() < 1


def test_a_membrane_at_the_threshold_fires():
    assert run(IF(), [1.0]) == [1]
    assert run(IF(), [math.nextafter(1.0, 0.0) - 2**-24]) == [0]


def test_no_charge_survives_a_call():
    neuron = IF()
    assert run(neuron, [0.9]) == run(neuron, [0.9]) == [0]


def test_spikes_have_the_type_of_the_current():
    with torch.inference_mode():
        assert IF()(torch.ones(2, 1, dtype=torch.float64)).dtype is torch.float64


def test_a_held_current_is_not_written_to():
    x = torch.full((1, 3), 0.6)
    with torch.inference_mode():
        assert IF()(x.expand(4, 3))[:, 0].tolist() == [0, 1, 0, 1]
    assert torch.equal(x, torch.full((1, 3), 0.6))


@given(st.floats(-4, 4), st.floats(0.1, 8))
def test_surrogate_gradient_is_the_derivative_of_the_scaled_arc_tangent(value, slope):
    x = torch.tensor(value, dtype=torch.float64, requires_grad=True)
    fire(x, slope).backward()
    expected = slope / (2 * (1 + (math.pi * slope * value / 2) ** 2))
    assert x.grad is not None
    assert x.grad.item() == pytest.approx(expected, rel=1e-12)  # float64 rounding


class Decaying(IF):
    """A neuron of a user's own."""

    def charge(self, v: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        return 0.5 * v + x


@pytest.mark.parametrize("detach_reset", [True, False])
@pytest.mark.parametrize("make", [IF, Decaying, partial(LIF, 3.0), partial(PLIF, 3.0)])
@pytest.mark.parametrize("v_reset", [0.0, -0.25])
def test_gradients_over_time_are_those_of_the_graph_of_the_recursion(make, v_reset, detach_reset):
    neuron = make(0.7, v_reset, detach_reset=detach_reset, surrogate_slope=3.0)
    drawn = torch.Generator().manual_seed(0)
    x = torch.randn(6, 2, 3, 5, 5, generator=drawn, dtype=torch.float64, requires_grad=True)
    weights = torch.randn(x.shape, generator=drawn, dtype=torch.float64)
    neuron.double()
    spikes = neuron(x)
    v, expected = torch.full_like(x[0], v_reset), []
    for current in x:
        h = neuron.charge(v, current)
        s = fire(h - 0.7, 3.0)
        reset = s.detach() if detach_reset else s
        v = h * (1 - reset) + v_reset * reset
        expected.append(s)
    assert torch.equal(spikes, torch.stack(expected))
    wanted = [x, *neuron.parameters()]
    found = torch.autograd.grad((spikes * weights).sum(), wanted)
    graph = torch.autograd.grad((torch.stack(expected) * weights).sum(), wanted)
    for one, other in zip(found, graph, strict=True):
        assert torch.allclose(one, other, rtol=1e-12, atol=1e-12)  # float64 rounding
        assert one.abs().max() > 0.1


@pytest.mark.parametrize("detach_reset", [True, False])
def test_gradient_through_two_timesteps_follows_the_chain_rule(detach_reset):
    x = torch.tensor([0.75, 0.5], dtype=torch.float64, requires_grad=True)
    IF(detach_reset=detach_reset)(x[:, None])[1].sum().backward()
    h1, h2 = 0.75, 1.25
    d1, d2 = (float(atan_derivative(torch.tensor(h - 1, dtype=torch.float64))) for h in (h1, h2))
    # v1 = h1 (1 - s1), s1 = 0: dv1/dh1 = 1, and - h1 s'(h1) if the reset is not detached
    through_v1 = 1.0 if detach_reset else 1.0 - h1 * d1
    assert x.grad is not None
    # float64 rounding
    assert x.grad.tolist() == pytest.approx([d2 * through_v1, d2], rel=1e-12)


@pytest.mark.parametrize("layout", ["channels last", "expanded", "bfloat16"])
def test_gradients_over_time_are_the_same_in_every_layout(layout):
    neuron, drawn = IF(0.7), torch.Generator().manual_seed(0)
    x = torch.randint(-8, 17, (4, 2, 8, 5, 5), generator=drawn) / 16  # exact in bfloat16 as well
    if layout == "expanded":
        x = x[:1].expand(x.shape)
    other = x.movedim(2, -1).contiguous().movedim(-1, 2) if layout == "channels last" else x
    other = other.bfloat16() if layout == "bfloat16" else other
    x, other = (each.detach().requires_grad_() for each in (x.clone(), other))
    weights = torch.randint(-8, 9, x.shape, generator=drawn) / 8
    for each in (x, other):
        (neuron(each) * weights.to(each.dtype)).sum().backward()
    assert other.grad.dtype == other.dtype
    tolerance = 0.03 if layout == "bfloat16" else 0  # of 8 bits of mantissa, over four timesteps
    torch.testing.assert_close(other.grad.to(x.dtype), x.grad, rtol=tolerance, atol=tolerance)
    assert x.grad.abs().sum() > 0


def test_second_derivatives_are_refused():
    x = torch.tensor([[0.3], [0.9]], requires_grad=True)
    out = torch.ones((), requires_grad=True)
    (first,) = torch.autograd.grad((out * IF()(x)).sum(), x, create_graph=True)
    with pytest.raises(RuntimeError, match="once_differentiable"):
        first.sum().backward()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: IF(0.0, 0.0), r"IF\.v_threshold: must be above v_reset = 0\.0 \(got 0\.0\)"),
        (lambda: IF(math.nan), r"IF\.v_threshold: must be above"),
        (lambda: LIF(0.5), r"LIF\.tau: must be finite and at least 1 \(got 0\.5\)"),
        (lambda: PLIF(1.0), r"PLIF\.tau: must be finite and above 1 \(got 1\.0\)"),
        (lambda: IF(surrogate_slope=0), r"IF\.surrogate_slope: must be above 0 \(got 0\)"),
    ],
)
def test_impossible_parameters_are_refused(make, message):
    with pytest.raises(InputError, match=message):
        make()
