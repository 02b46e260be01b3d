"""Choice: which samples of a data set are taken, the same ones on every machine.

Sets are often sorted by class, so that the first ones would say little of the rest. Without a seed
the samples lie evenly over the set: in the middle of N equal parts. With one they are random: those
whose SHA-256 with the seed is the least, which depends on no library's generator. A larger N then
has all samples of a smaller one.
"""

import hashlib
from heapq import nsmallest
from typing import Any

from codesign.datasets.reading import refused
from codesign.datasets.references import Reference, open_data_set

DEFAULT_SAMPLES = 16


def choose(
    reference: Reference, samples: int | None, seed: int | None
) -> tuple[list[Reference], dict[str, Any]]:
    """Samples of a data set, and how they were chosen.

    Args:
        reference: of the set, or of one sample, which is then the only one.
        samples: how many; `DEFAULT_SAMPLES`, or fewer of a smaller set, if None.
        seed: of a random choice; None takes them evenly.

    Returns:
        References in the set's order, and the statement for the results' provenance.

    Raises:
        InputError: the set is not what it must be, or has fewer samples.
    """
    data_set = open_data_set(reference)
    size = len(data_set)
    if reference.index is not None:
        indices, chosen = [reference.index], "by index"
    else:
        count = min(DEFAULT_SAMPLES, size) if samples is None else samples
        if not 1 <= count <= size:
            problem = f"must be 1 to {size}, the samples of {data_set.title} (got {count})."
            raise refused("--samples", problem)
        indices = even_indices(size, count) if seed is None else random_indices(size, count, seed)
        chosen = "evenly over the set" if seed is None else f"at random, seed {seed}"
    statement = {
        "set": data_set.title,
        "split": data_set.split,
        "size": size,
        "samples": len(indices),
        "chosen": chosen,
        "seed": seed if chosen != "by index" else None,
    }
    return [reference.at(index) for index in indices], statement


def even_indices(size: int, count: int) -> list[int]:
    """The middles of `count` equal parts of `size` samples."""
    return [(2 * part + 1) * size // (2 * count) for part in range(count)]


def random_indices(size: int, count: int, seed: int) -> list[int]:
    """`count` different ones of `size` samples, in order."""

    def rank(index: int) -> bytes:
        return hashlib.sha256(f"{seed}:{index}".encode()).digest()

    return sorted(nsmallest(count, range(size), key=rank))
