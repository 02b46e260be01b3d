"""Recipes: how long, how fast and with which changes of the pictures a network is trained.

The paper's are in its Table 5 and Appendix B (arXiv 2301.11929). What the paper does not say, or
says of another paper, is marked so in the recipe's sources: `inferred` is read out of what it says
or cites, `assumed` is ours. `digits`, `mnist` and `cifar10` are our own.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from codesign.errors import Fault, InputError, nearest

OPTIMISERS = ("sgd", "adamw")
SCHEDULES = ("cosine", "step")
MOMENTUM = 0.9
"""Of SGD."""
STEP_FACTOR = 0.1
"""By which a step schedule multiplies the learning rate (assumed)."""
USUAL = {"sgd": (0.1, 5e-4), "adamw": (2e-3, 0.01)}
"""Learning rate and weight decay where another optimiser than the recipe's is asked for."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """One way to train.

    Attributes:
        name: of the recipe.
        epochs: passes over the training samples.
        batch: samples of one step, over all processes together.
        optimiser: of `OPTIMISERS`.
        learning_rate: at the start, or at the end of the warm-up.
        weight_decay: of what is neither a norm nor a bias.
        schedule: `cosine` to zero over all steps, or `step`.
        warm_up_epochs: over which the learning rate grows linearly.
        step_epochs: after so many epochs each a step schedule takes `STEP_FACTOR` of the rate.
        shift: pictures are shifted by up to so many pixels in each direction, zeros following.
        shift_share: of the pictures that are shifted.
        flip: whether half of the pictures are mirrored.
        crop: whether a part of a photograph is taken at random, and not its centre.
        kept_frames: of a recording so many are kept, chosen at random (random temporal delete,
            Fang et al., NeurIPS 2021); None keeps all.
        surrogate_slope: a of the ATan surrogate.
        identity_start: whether every branch starts at zero.
        sources: where a value comes from, by its name; the key `recipe` for all others.
    """

    name: str
    epochs: int
    batch: int
    optimiser: str
    learning_rate: float
    weight_decay: float
    schedule: str = "cosine"
    warm_up_epochs: float = 0.0
    step_epochs: int = 0
    shift: int = 0
    shift_share: float = 1.0
    flip: bool = False
    crop: bool = False
    kept_frames: int | None = None
    surrogate_slope: float = 2.0
    identity_start: bool = False
    sources: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


_SEW = "inferred: the paper says that its parameters are those of SEW-ResNet (Fang et al., 2021)"
_SLOPE = "arXiv 2301.11929, Appendix C.3, and the authors' code"
_OWN = "our own, tuned on seeds 0 and 100 to 102"

_ALL = (
    Recipe(
        name="digits",
        epochs=12,
        batch=16,
        optimiser="adamw",
        learning_rate=0.01,
        weight_decay=0.01,
        warm_up_epochs=1,
        shift=1,
        shift_share=0.4,
        sources={"recipe": _OWN, "surrogate_slope": _SLOPE},
    ),
    Recipe(
        name="mnist",
        epochs=14,
        batch=32,
        optimiser="adamw",
        learning_rate=0.01,
        weight_decay=0.01,
        warm_up_epochs=1,
        shift=1,
        sources={"recipe": _OWN, "surrogate_slope": _SLOPE},
    ),
    Recipe(
        name="cifar10",
        epochs=100,
        batch=128,
        optimiser="adamw",
        learning_rate=5e-3,
        weight_decay=0.01,
        warm_up_epochs=2,
        shift=4,
        flip=True,
        sources={"recipe": "assumed, and not tuned", "surrogate_slope": _SLOPE},
    ),
    Recipe(
        name="imagenet",
        epochs=320,
        batch=128,
        optimiser="sgd",
        learning_rate=0.1,
        weight_decay=0.0,
        crop=True,
        flip=True,
        sources={
            "recipe": "arXiv 2301.11929, Table 5 and Appendix B, row ImageNet",
            "optimiser": _SEW,
            "weight_decay": _SEW,
            "crop": "Appendix B: 224 x 224 at random; of 256 x 256 pixels is assumed",
            "surrogate_slope": _SLOPE,
        },
    ),
    Recipe(
        name="dvs_gesture",
        epochs=192,
        batch=16,
        optimiser="sgd",
        learning_rate=0.005,
        weight_decay=0.0,
        schedule="step",
        step_epochs=64,
        kept_frames=12,
        sources={
            "recipe": "arXiv 2301.11929, Table 5, row DVS Gesture",
            "optimiser": _SEW,
            "weight_decay": _SEW,
            "step_epochs": _SEW + "; its factor of 0.1 too",
            "kept_frames": "Appendix B, random temporal delete; 12 of 16 is inferred from SEW",
            "surrogate_slope": _SLOPE,
        },
    ),
    Recipe(
        name="cifar10_dvs",
        epochs=64,
        batch=16,
        optimiser="sgd",
        learning_rate=0.01,
        weight_decay=0.0,
        sources={
            "recipe": "arXiv 2301.11929, Table 5, row CIFAR10-DVS",
            "optimiser": _SEW,
            "weight_decay": _SEW,
            "kept_frames": "Appendix B: no random temporal delete",
            "surrogate_slope": _SLOPE,
        },
    ),
    Recipe(
        name="cifar100",
        epochs=310,
        batch=128,
        optimiser="adamw",
        learning_rate=5e-4,
        weight_decay=0.06,
        warm_up_epochs=20,
        shift=4,
        flip=True,
        sources={
            "recipe": "arXiv 2301.11929, Table 5, row CIFAR100",
            "optimiser": "inferred: Appendix B takes all from Spikformer (Zhou et al., 2023)",
            "learning_rate": "assumed: Table 5 has lost it; Spikformer's",
            "weight_decay": "assumed: Spikformer's",
            "warm_up_epochs": "assumed: Spikformer's",
            "shift": "assumed; Spikformer's mixup, cutmix and label smoothing are left out",
            "surrogate_slope": _SLOPE,
        },
    ),
)
RECIPES: Mapping[str, Recipe] = MappingProxyType({recipe.name: recipe for recipe in _ALL})
"""By name."""

_OF_SETS = {"dvsgesture": "dvs_gesture", "cifar10dvs": "cifar10_dvs"}


def recipe_for(set_name: str, name: str | None = None) -> Recipe:
    """The recipe of a name, or the one that a data set has without.

    Args:
        set_name: of the data set, as in its reference.
        name: of `RECIPES`, or None.

    Raises:
        InputError: there is none of this name.
    """
    chosen = _OF_SETS.get(set_name, set_name) if name is None else name
    if chosen not in RECIPES:
        problem = f"must be the name of a recipe (got '{chosen}')."
        raise InputError(Fault("--recipe", problem, nearest(chosen, RECIPES)))
    return RECIPES[chosen]
