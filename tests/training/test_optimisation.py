from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from codesign.training.optimisation import learning_rate, optimiser
from codesign.training.recipes import RECIPES

COSINE = replace(RECIPES["digits"], epochs=4, warm_up_epochs=0.0, learning_rate=2.0)


def test_a_cosine_falls_from_the_rate_to_nothing():
    rates = [learning_rate(COSINE, step, 2) for step in range(9)]
    assert rates[0] == 2.0
    assert rates[4] == pytest.approx(1.0)
    assert rates[8] == pytest.approx(0.0, abs=1e-12)


@given(st.integers(1, 20), st.integers(2, 30), st.floats(0, 5))
def test_rates_rise_to_the_largest_and_then_fall(steps, epochs, warm_up):
    recipe = replace(COSINE, epochs=epochs, warm_up_epochs=warm_up)
    rates = [learning_rate(recipe, step, steps) for step in range(steps * epochs)]
    top = rates.index(max(rates))
    assert rates[:top] == sorted(rates[:top])
    assert rates[top:] == sorted(rates[top:], reverse=True)
    assert rates[top] == 2.0
    assert min(rates) > 0


def test_a_step_schedule_takes_a_tenth_every_so_many_epochs():
    recipe = RECIPES["dvs_gesture"]
    rates = [learning_rate(recipe, 10 * epoch, 10) for epoch in (0, 63, 64, 127, 128, 191)]
    assert rates == pytest.approx([5e-3, 5e-3, 5e-4, 5e-4, 5e-5, 5e-5])


@pytest.mark.parametrize("kind", ["sgd", "adamw"])
def test_norms_and_biases_do_not_decay(kind: str):
    network = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Linear(2, 2))
    before = [each.detach().clone() for each in network.parameters()]
    steps = optimiser(network, replace(COSINE, optimiser=kind, weight_decay=0.5))
    for each in network.parameters():
        each.grad = torch.zeros_like(each)
    steps.step()
    for old, new in zip(before, network.parameters(), strict=True):
        assert torch.equal(old, new) == (new.dim() == 1)


def test_sgd_has_momentum():
    weight = nn.Linear(1, 1, bias=False)
    steps = optimiser(weight, replace(COSINE, optimiser="sgd", weight_decay=0.0))
    nn.init.zeros_(weight.weight)
    for _ in range(2):
        weight.weight.grad = torch.ones_like(weight.weight)
        steps.step()
    assert weight.weight.item() == pytest.approx(-2.0 * (1 + 1.9))
