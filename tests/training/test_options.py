import math
from typing import Any

import pytest

from codesign.errors import InputError
from codesign.training.options import Options, settings
from codesign.training.recipes import RECIPES, USUAL


def test_what_is_left_out_is_the_recipes():
    chosen = settings(Options(seed=3), "mnist")
    assert chosen.recipe == RECIPES["mnist"]
    assert (chosen.changed, chosen.seed, chosen.has_amp) == ((), 3, False)


def test_what_is_given_is_taken_and_named():
    chosen = settings(Options(epochs=7, surrogate_slope=4.0, identity_start=False), "digits")
    recipe = chosen.recipe
    assert (recipe.epochs, recipe.surrogate_slope, recipe.identity_start) == (7, 4.0, False)
    assert chosen.changed == ("epochs", "surrogate_slope", "identity_start")
    assert recipe.batch == RECIPES["digits"].batch


def test_another_optimiser_comes_with_its_usual_rate():
    recipe = settings(Options(optimiser="sgd"), "digits").recipe
    assert (recipe.learning_rate, recipe.weight_decay) == USUAL["sgd"]
    recipe = settings(Options(optimiser="sgd", learning_rate=0.3), "digits").recipe
    assert recipe.learning_rate == 0.3


def test_the_workload_may_want_an_identity_start_and_the_option_decides():
    assert settings(Options(), "mnist", identity_start=True).recipe.identity_start
    off = settings(Options(identity_start=False), "mnist", identity_start=True)
    assert not off.recipe.identity_start


@pytest.mark.parametrize(
    ("amp", "device", "has"),
    [("auto", "cpu", False), ("auto", "cuda", True), ("on", "cpu", True), ("off", "cuda", False)],
)
def test_mixed_precision_is_for_cuda_unless_said(amp: str, device: str, has: bool):
    assert settings(Options(amp=amp, device=device), "mnist").has_amp is has


def test_all_faults_are_told_at_once():
    wrong = Options(
        **{"epochs": 0, "batch": -1, "seed": -1, "workers": -1, "learning_rate": 0.0},
        **{"surrogate_slope": math.inf, "rate_penalty": -1.0, "weight_decay": math.nan},
        **{"amp": "yes", "device": "tpu"},
    )
    with pytest.raises(InputError) as caught:
        settings(wrong, "digits")
    places = {fault.place for fault in caught.value.faults}
    words = ("epochs", "batch", "seed", "workers", "learning-rate", "surrogate-slope")
    words += ("rate-penalty", "weight-decay", "amp", "device")
    assert places == {f"--{word}" for word in words}
    with pytest.raises(InputError, match=r"--optimiser: must be one of sgd, adamw \(got 'adam'\)"):
        settings(Options(optimiser="adam"), "digits")


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"epochs": "2"}, r"--epochs: must be a whole number \(got '2'\)"),
        ({"epochs": 1.5}, r"--epochs: must be a whole number \(got 1.5\)"),
        ({"seed": 2**63}, r"--seed: must be from 0 to 2\^63 - 1"),
        ({"learning_rate": "fast"}, r"--learning-rate: must be above 0 and finite \(got fast\)"),
    ],
)
def test_values_of_other_types_are_refused(wrong: dict[str, Any], message: str):
    with pytest.raises(InputError, match=message):
        settings(Options(**wrong), "digits")


def test_where_samples_are_read_does_not_decide_on_the_result():
    one, other = (settings(Options(workers=n, checkpoint_seconds=n), "digits") for n in (0, 1))
    assert one.decisive() == other.decisive()
    assert one.decisive() != settings(Options(seed=1), "digits").decisive()
