"""Training: from a workload and a data set to weights, with the paper's dual-stream loss.

`train` is all of it: the network of a workload starts from initial values, sees the data set in an
order that depends on the seed and the epoch alone, and is tested after every epoch. What is left
behind in a folder can be continued bit for bit after any interruption, and its weights are what a
workload names as its checkpoint.

Left out: learning rules other than gradients through a surrogate, knowledge distillation, and
mixed pictures (mixup, cutmix). Nothing here knows chips.
"""

from codesign.training.options import Options
from codesign.training.recipes import RECIPES, Recipe
from codesign.training.training import Training, train, trainable
from codesign.training.watching import Observer

__all__ = ["RECIPES", "Observer", "Options", "Recipe", "Training", "train", "trainable"]
