"""The forecast of a sweep: how many points, how long, how much memory, from one point of each
network that is really computed.

The point in the middle of the sweep stands for all. Left out: how far others differ, as larger
chips and slower buses do; and points that are pruned, which take no time.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from codesign.exploration.prospects import Prospect, task
from codesign.exploration.results import Status
from codesign.exploration.rows import Found, peak_bytes
from codesign.exploration.space import DesignSpace
from codesign.exploration.store import Store
from codesign.exploration.workers import Workers
from codesign.specs.sweep import Simulate


@dataclass(frozen=True)
class Forecast:
    """What a sweep would take.

    Attributes:
        points: of the sweep.
        refused: points that are no legal designs.
        excluded: points whose area breaks a limit.
        kept: points whose rows are there already.
        seconds: to simulate the others on all workers, if none is pruned.
        worker_bytes: memory of each worker; None where it is not known.
        parent_bytes: of this process.
        workers: how many share the work.
        failures: why points that were tried have no time.
    """

    points: int
    refused: int
    excluded: int
    kept: int
    seconds: float
    worker_bytes: int | None
    parent_bytes: int | None
    workers: int
    failures: tuple[str, ...]


def forecast(
    space: DesignSpace,
    prospects: Sequence[Prospect],
    *,
    simulate: Simulate,
    store: Store | None,
    workers: Workers,
) -> Forecast:
    """What the points of a sweep would take."""
    open_ = [each for each in prospects if each.status is None and each.key is not None]
    keys = list(dict.fromkeys(str(each.key) for each in open_))
    rows = store.found("simulated", keys) if store is not None else iter(())
    kept = {each.key for each in rows}
    left: dict[str, dict[str, Prospect]] = {}
    for each in open_:
        if str(each.key) not in kept and simulate is not Simulate.NONE:
            left.setdefault(each.network, {})[str(each.key)] = each
    seconds, peaks, failures = 0.0, [], []
    for mine in left.values():
        sample = list(mine.values())[len(mine) // 2]
        found = _measured(workers, space, sample)
        if found.status is Status.SIMULATED:
            seconds += found.seconds * len(mine)
            peaks.append(found.peak_bytes or 0)
        else:
            failures.append(f"{sample.network}: {found.row.get('error')}")
    statuses = Counter(each.status for each in prospects)
    return Forecast(
        len(prospects),
        statuses[Status.REFUSED],
        statuses[Status.EXCLUDED],
        sum(str(each.key) in kept for each in open_),
        seconds / workers.count,
        max(peaks, default=None),
        peak_bytes(),
        workers.count,
        tuple(failures),
    )


def _measured(workers: Workers, space: DesignSpace, sample: Prospect) -> Found:
    workers.submit(task(space, sample))
    while True:
        for found in workers.finished(1.0):
            return found
