"""Pipeline: which cores of a kind belong to which layers.

The layers of a kind, in order, are cut into as many runs as there are cores, or one run for each
layer if there are fewer; the cut makes the most expensive run as cheap as possible. Cores left
over go, one by one, to the run that has the most work for each of its cores.
"""

from collections.abc import Sequence


def share_cores(work: Sequence[float], core_count: int) -> tuple[tuple[int, int], ...]:
    """For each layer of a kind, the first of its cores and how many they are.

    Args:
        work: expected cycles of each layer on one core, in order.
        core_count: cores of the kind.
    """
    runs = _runs(work, min(core_count, len(work)))
    counts = _cores_of_runs([sum(work[first:last]) for first, last in runs], core_count)
    shares: list[tuple[int, int]] = []
    begin = 0
    for (first, last), count in zip(runs, counts, strict=True):
        shares += [(begin, count)] * (last - first)
        begin += count
    return tuple(shares)


def _cores_of_runs(loads: Sequence[float], core_count: int) -> list[int]:
    """Cores of each run: one, and those that are left over."""
    counts = [1] * len(loads)
    for _ in range(core_count - len(loads)):
        busiest = max(range(len(loads)), key=lambda run: loads[run] / counts[run])
        counts[busiest] += 1
    return counts


def slowest_run(work: Sequence[float], core_count: int) -> float:
    """Work of a core of the busiest run, if cores are shared as `share_cores` does."""
    if not work:
        return 0.0
    if len(work) < core_count:
        counts = _cores_of_runs(work, core_count)
        return max(each / count for each, count in zip(work, counts, strict=True))
    least, most = max(work), sum(work)
    for _ in range(_HALVINGS):
        limit = (least + most) / 2
        runs, load = 1, 0.0
        for each in work:
            load += each
            if load > limit:
                runs, load = runs + 1, each
        least, most = (least, limit) if runs <= core_count else (limit, most)
    return most


_HALVINGS = 20
"""To a millionth of the work, which no expectation can tell apart."""


def _runs(work: Sequence[float], parts: int) -> list[tuple[int, int]]:
    """Consecutive layers cut into so many runs, the dearest of which is as cheap as it can be.

    `best[layers]` is the cost of the dearest run if the first so many layers are cut into the
    runs seen so far.
    """
    up_to = [0.0]
    for each in work:
        up_to.append(up_to[-1] + each)
    count = len(work)
    best = up_to[1:]
    cuts: list[list[int]] = []
    for part in range(1, parts):
        costs, begins = [float("inf")] * count, [0] * count
        for last in range(part, count):
            for first in range(part, last + 1):
                cost = max(best[first - 1], up_to[last + 1] - up_to[first])
                if cost < costs[last]:
                    costs[last], begins[last] = cost, first
        best = costs
        cuts.append(begins)
    runs: list[tuple[int, int]] = []
    end = count
    for begins in reversed(cuts):
        begin = begins[end - 1]
        runs.append((begin, end))
        end = begin
    return [(0, end), *reversed(runs)]
