"""Options: what a user says of a training, and what it then is with its recipe."""

import math
from dataclasses import asdict, dataclass, replace
from typing import Any

from codesign.errors import Fault, InputError
from codesign.training.recipes import OPTIMISERS, USUAL, Recipe, recipe_for

AMP = ("auto", "on", "off")
DEVICES = ("cpu", "cuda")


@dataclass(frozen=True, kw_only=True)
class Options:
    """What a user says of a training; None leaves it to the recipe.

    Attributes:
        recipe: of `codesign.training.RECIPES`; None takes the one of the data set.
        epochs: passes over the training samples.
        seed: of initial values, order and augmentation.
        batch: samples of one step.
        learning_rate: the largest one.
        optimiser: `sgd` (momentum 0.9) or `adamw`.
        weight_decay: of what is neither a norm nor a bias.
        rate_penalty: weight of the mean firing rate in the loss.
        surrogate_slope: a of the ATan surrogate.
        identity_start: whether every branch starts at zero; else also if the workload says so.
        validation: reference of the data set to test on.
        device: `cpu` or `cuda`.
        amp: mixed precision: `on`, `off`, or `auto`, which is on for CUDA alone.
        workers: processes that read samples of sets which are not held in memory.
        checkpoint_seconds: within an epoch a checkpoint is written whenever so many have passed.
    """

    recipe: str | None = None
    epochs: int | None = None
    seed: int = 0
    batch: int | None = None
    learning_rate: float | None = None
    optimiser: str | None = None
    weight_decay: float | None = None
    rate_penalty: float = 0.0
    surrogate_slope: float | None = None
    identity_start: bool | None = None
    validation: str | None = None
    device: str = "cpu"
    amp: str = "auto"
    workers: int = 0
    checkpoint_seconds: float = 30.0


@dataclass(frozen=True)
class Settings:
    """A training with nothing left open.

    Attributes:
        recipe: with what the options changed of it.
        changed: names of the values that they changed.
        seed: see `Options`, as are the others.
        rate_penalty: weight of the mean firing rate in the loss.
        device: where tensors are.
        has_amp: whether it is of mixed precision.
        workers: processes that read samples.
        checkpoint_seconds: between checkpoints within an epoch.
    """

    recipe: Recipe
    changed: tuple[str, ...]
    seed: int
    rate_penalty: float
    device: str
    has_amp: bool
    workers: int
    checkpoint_seconds: float

    def decisive(self) -> dict[str, Any]:
        """What decides on the result; JSON values."""
        recipe = recipe_values(self.recipe)
        rest = {"seed": self.seed, "rate_penalty": self.rate_penalty}
        return recipe | rest | {"device": self.device, "amp": self.has_amp}


def recipe_values(recipe: Recipe) -> dict[str, Any]:
    """A recipe's values without its sources."""
    values = asdict(replace(recipe, sources={}))
    del values["sources"]
    values["recipe"] = values.pop("name")
    return values


def settings(options: Options, set_name: str, *, identity_start: bool = False) -> Settings:
    """The settings that options are with their recipe.

    Args:
        options: of the user.
        set_name: of the data set, whose recipe is taken if the options name none.
        identity_start: whether the workload wants it.

    Raises:
        InputError: values are out of range; all of them at once.
    """
    recipe = recipe_for(set_name, options.recipe)
    if identity_start:
        recipe = replace(recipe, identity_start=True)
    if options.optimiser not in (None, recipe.optimiser):
        rate, decay = USUAL.get(str(options.optimiser), (recipe.learning_rate, 0.0))
        recipe = replace(recipe, learning_rate=rate, weight_decay=decay)
    names = ("epochs", "batch", "learning_rate", "optimiser", "weight_decay")
    asked = {name: getattr(options, name) for name in (*names, *_SHAPING)}
    changes = {name: value for name, value in asked.items() if value is not None}
    recipe = replace(recipe, **changes)
    faults = _faults(options, recipe)
    if faults:
        raise InputError(faults)
    has_amp = options.amp == "on" or (options.amp == "auto" and options.device == "cuda")
    return Settings(
        recipe=recipe,
        changed=tuple(changes),
        seed=options.seed,
        rate_penalty=float(options.rate_penalty),
        device=options.device,
        has_amp=has_amp,
        workers=options.workers,
        checkpoint_seconds=options.checkpoint_seconds,
    )


_LARGEST = 2**63 - 1
"""Of a seed that torch and numpy take."""
_SHAPING = ("surrogate_slope", "identity_start")


def _faults(options: Options, recipe: Recipe) -> list[Fault]:
    found = []
    words = {"optimiser": (recipe.optimiser, OPTIMISERS), "amp": (options.amp, AMP)}
    for name, (word, legal) in (words | {"device": (options.device, DEVICES)}).items():
        if word not in legal:
            problem = f"must be one of {', '.join(legal)} (got '{word}')."
            found.append(Fault(f"--{name}", problem))
    least = {"epochs": (recipe.epochs, 1), "batch": (recipe.batch, 1), "seed": (options.seed, 0)}
    for name, (number, lowest) in (least | {"workers": (options.workers, 0)}).items():
        if not isinstance(number, int) or isinstance(number, bool):
            found.append(Fault(f"--{name}", f"must be a whole number (got {number!r})."))
        elif not lowest <= number <= _LARGEST:
            limits = f"must be from {lowest} to 2^63 - 1 (got {number})."
            found.append(Fault(f"--{name}", limits))
    positive = {"learning-rate": recipe.learning_rate, "surrogate-slope": recipe.surrogate_slope}
    for name, value in positive.items():
        if not (_is_finite(value) and value > 0):
            found.append(Fault(f"--{name}", f"must be above 0 and finite (got {value})."))
    others = {"weight-decay": recipe.weight_decay, "rate-penalty": options.rate_penalty}
    for name, value in others.items():
        if not (_is_finite(value) and value >= 0):
            found.append(Fault(f"--{name}", f"must be 0 or more and finite (got {value})."))
    return found


def _is_finite(value: Any) -> bool:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and math.isfinite(value)
