"""Pipeline floors: bounds of the makespan where each layer has cores of its own.

In `pipeline` order the layers of a kind of core, in order, are cut into runs, and each run has
cores that do nothing else: a run of one layer has one core or more, and only where there are more
layers than cores do several share one (`codesign.mapping.pipeline`). Two things follow, whatever is
expected of the layers and whoever else is on these cores:

- The busiest run lasts at least as long as that of the best such division.
- With n cores for at most n layers, a layer with work w on o of them lasts w / o. Along a chain of
  stages these add up to no less than the square of the sum of roots of w, over n: that is the least
  of all divisions of n cores, by the inequality of Cauchy and Schwarz. In such a chain one layer
  may be taken with all its steps, since its cores do them all.

Left out: layers that several kinds can do.
"""

import math
from collections.abc import Sequence

import numpy as np

from codesign.floors.asked import Asked
from codesign.floors.chains import paths
from codesign.floors.groups import Numbers
from codesign.mapping.pipeline import slowest_run

_ROUNDING = 2.0**-18
"""Of all work, by which the busiest run may be overestimated: it is found by 20 halvings."""


def most_cores(layers: int, count: int) -> int:
    """Cores that a layer has at most, if so many layers at least share those of a kind."""
    return max(1, count - layers + 1)


def busiest_run(work: Sequence[float], count: int) -> float:
    """The least time in which the busiest cores can do their layers.

    Args:
        work: cycles of each layer on one core, in order.
        count: cores of the kind.
    """
    return slowest_run(work, count) - sum(work) * _ROUNDING * (len(work) >= count)


def longest_chain(wanted: Asked, work: Numbers, layers: int, count: int) -> float:
    """The longest chain of stages of one kind of core.

    Args:
        wanted: what needs what.
        work: cycles of each stage on one core, `(layers, steps)`; 0 for those of other kinds.
        layers: how many are of this kind.
        count: cores of the kind.
    """
    if layers > count:
        return 0.0  # each has one core: a chain like any other
    roots = np.sqrt(work)
    ready, after = (np.array(each) for each in paths(wanted, roots.tolist()))
    exists = np.arange(work.shape[1]) < np.array(wanted.steps)[:, None]
    before, behind = (np.where(exists, each, np.inf).min(axis=1) for each in (ready, after))
    around = before + np.sqrt(work.sum(axis=1)) + behind
    return math.pow(float(around.max()), 2) / count
