"""Pareto fronts: the designs that no other design beats."""

from typing import Any

import numpy as np
from numpy.typing import NDArray


def front(costs: NDArray[np.floating[Any]]) -> NDArray[np.bool_]:
    """Which rows no other row dominates.

    A row dominates another if it is nowhere more and somewhere less. Equal rows are on the front
    together. Rows with a value that is not a number are not on it, and dominate nothing.

    Args:
        costs: shape (points, objectives); less is better.

    Returns:
        Shape (points,).
    """
    found = np.zeros(len(costs), dtype=bool)
    known = np.flatnonzero(~np.isnan(costs).any(axis=1))
    # In lexicographic order no row is dominated by a later one, so that each is compared with the
    # front so far alone.
    order = known[np.lexsort(costs[known].T[::-1])] if len(known) else known
    kept = np.empty((0, costs.shape[1]))
    for row in order.tolist():
        if not _dominated(costs[row], kept):
            found[row] = True
            kept = np.vstack([kept, costs[row]])
    return found


def _dominated(own: NDArray[np.floating[Any]], others: NDArray[np.floating[Any]]) -> bool:
    nowhere_more = (others <= own).all(axis=1)
    return bool((nowhere_more & (others < own).any(axis=1)).any())
