"""Optimisers and learning rates."""

import math

import torch
from torch import nn

from codesign.training.recipes import MOMENTUM, STEP_FACTOR, Recipe


def optimiser(network: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    """The recipe's optimiser; what has one dimension (norms, biases, decays) is not decayed."""
    parameters = [parameter for parameter in network.parameters() if parameter.requires_grad]
    groups = [
        {"params": [each for each in parameters if each.dim() > 1]},
        {"params": [each for each in parameters if each.dim() <= 1], "weight_decay": 0.0},
    ]
    # one call for all tensors: networks here are of many small ones
    common = {"lr": recipe.learning_rate, "weight_decay": recipe.weight_decay, "fused": True}
    if recipe.optimiser == "sgd":
        return torch.optim.SGD(groups, momentum=MOMENTUM, **common)  # type: ignore[arg-type]
    return torch.optim.AdamW(groups, **common)  # type: ignore[arg-type]


def learning_rate(recipe: Recipe, step: int, steps_per_epoch: int) -> float:
    """The learning rate of a step.

    Cosine: `lr (1 + cos(pi t)) / 2`, t the share of the steps behind the warm-up that are done
    (Loshchilov and Hutter, ICLR 2017, without restarts).

    Args:
        recipe: says how it runs.
        step: from 0, over all epochs.
        steps_per_epoch: at least 1.
    """
    warm_up = round(recipe.warm_up_epochs * steps_per_epoch)
    total = recipe.epochs * steps_per_epoch
    warm_up = min(warm_up, total - 1)
    if step < warm_up:
        return recipe.learning_rate * (step + 1) / (warm_up + 1)
    if recipe.schedule == "step":
        return recipe.learning_rate * STEP_FACTOR ** (step // steps_per_epoch // recipe.step_epochs)
    share = (step - warm_up) / (total - warm_up)
    return recipe.learning_rate * (1 + math.cos(math.pi * share)) / 2
