from dataclasses import fields

import pytest

from codesign.errors import InputError
from codesign.training.recipes import OPTIMISERS, RECIPES, SCHEDULES, Recipe, recipe_for


@pytest.mark.parametrize(
    ("name", "schedule", "epochs", "rate", "batch"),
    [
        ("imagenet", "cosine", 320, 0.1, 128),
        ("dvs_gesture", "step", 192, 0.005, 16),
        ("cifar10_dvs", "cosine", 64, 0.01, 16),
        ("cifar100", "cosine", 310, None, 128),
    ],
)
def test_the_papers_recipes_are_those_of_its_table(name, schedule, epochs, rate, batch):
    recipe = RECIPES[name]
    assert (recipe.schedule, recipe.epochs, recipe.batch) == (schedule, epochs, batch)
    if rate is None:
        assert recipe.sources["learning_rate"].startswith("assumed")
    else:
        assert recipe.learning_rate == rate


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=lambda recipe: recipe.name)
def test_every_recipe_says_where_it_comes_from(recipe: Recipe):
    names = {field.name for field in fields(Recipe)}
    assert "recipe" in recipe.sources
    assert set(recipe.sources) <= {"recipe", *names}
    assert all(recipe.sources.values())
    assert recipe.optimiser in OPTIMISERS
    assert recipe.schedule in SCHEDULES
    assert (recipe.step_epochs > 0) == (recipe.schedule == "step")


def test_a_data_set_has_its_recipe():
    assert recipe_for("dvsgesture") is RECIPES["dvs_gesture"]
    assert recipe_for("digits", "mnist") is RECIPES["mnist"]
    with pytest.raises(InputError, match=r"--recipe: must be the name .*\(got 'dvs_gestures'\)"):
        recipe_for("digits", "dvs_gestures")
