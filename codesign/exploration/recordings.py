"""Recordings: the networks of a sweep run once, before any point is looked at.

A network is one workload with what axes change in it; with trained weights it is another one for
every number format of a chip, since spikes and accuracy are those of the quantised network. Several
are recorded side by side.
"""

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass

from codesign.accuracy import Accuracy, accuracy
from codesign.errors import CodesignError, InputError
from codesign.exploration.results import Status
from codesign.exploration.rows import Found, recorded, told
from codesign.exploration.space import DesignSpace
from codesign.exploration.workers import Pool
from codesign.specs.catalogue import AnyWorkload

Progress = Callable[[str, int, int], None]
"""Called with a stage, how much of it is done, and of how much."""

_WORTH_PROCESSES = 4
"""Networks; of fewer, starting processes takes longer than they save."""
_PATIENCE_S = 1.0


@dataclass(frozen=True)
class Recordings:
    """What the networks of a sweep were recorded as.

    Attributes:
        hashes: of the recordings of each workload, by its `content`.
        accuracies: of the same, where they are known.
        failures: of workloads that could not be recorded how that ended, and why.
        provenance: of each network by its name, for reports.
    """

    hashes: dict[str, tuple[str, ...]]
    accuracies: dict[str, Accuracy]
    failures: dict[str, tuple[Status, str]]
    provenance: dict[str, dict[str, object]]


@dataclass(frozen=True)
class RecordTask:
    """A workload to be recorded.

    Attributes:
        key: its `content`.
        workload: with its images.
    """

    key: str
    workload: AnyWorkload


def record(
    space: DesignSpace, *, progress: Progress, notice: Callable[[str], None], processes: int = 1
) -> Recordings:
    """Records the networks of all points, those in the cache excepted.

    Args:
        space: the sweep.
        progress: called with ("recordings", done, total).
        notice: called with a sentence, as when a recording is made again.
        processes: how many record at once.
    """
    workloads = _workloads(space)
    found = Recordings({}, {}, {}, {})
    progress("recordings", 0, len(workloads))
    tasks = [RecordTask(key, workload) for key, (_, workload) in workloads.items()]
    ended: dict[str, Found] = {}
    for each in _recorded(tasks, processes):
        ended[each.key] = each
        progress("recordings", len(ended), len(tasks))
    for each in (ended[task.key] for task in tasks):  # not as they ended: what is found is the same
        for sentence in each.row.get("notices", []):
            notice(sentence)
        if each.status is Status.SIMULATED:
            found.hashes[each.key] = each.row["hashes"]
            found.provenance.setdefault(workloads[each.key][0], each.row["provenance"])
            if each.row["accuracy"] is not None:
                found.accuracies[each.key] = each.row["accuracy"]
        else:
            found.failures[each.key] = each.status, str(each.row["error"])
    return found


def content(workload: AnyWorkload) -> str:
    """What tells workloads apart."""
    return workload.model_dump_json()


def _workloads(space: DesignSpace) -> dict[str, tuple[str, AnyWorkload]]:
    """The different workloads of a sweep by content, each with the name of its network."""
    workloads: dict[str, tuple[str, AnyWorkload]] = {}
    for point in space.points:
        try:
            workload = space.recorded(point)
            workloads.setdefault(content(workload), (space.network(point), workload))
        except InputError:
            continue
    return workloads


def _recorded(tasks: list[RecordTask], processes: int) -> Iterator[Found]:
    """What becomes of tasks, in the order in which they end."""
    if processes < 2 or len(tasks) < _WORTH_PROCESSES:
        yield from map(record_task, tasks)
        return
    waiting = iter(tasks)
    with closing(Pool(processes, compute=record_task)) as pool:
        left = len(tasks)
        while left:
            while pool.free() > 0 and (task := next(waiting, None)) is not None:
                pool.submit(task)
            for found in pool.finished(_PATIENCE_S):
                left -= 1
                yield found


def record_task(task: RecordTask) -> Found:
    """The `hashes`, `provenance` and `accuracy` of a workload, and `notices` on the way."""
    notices: list[str] = []
    try:
        traces = [(each.hash, each.provenance) for each in recorded(task.workload, notices.append)]
        right = accuracy(task.workload, notice=notices.append)
    except CodesignError as error:
        return Found(task.key, Status.REFUSED, {"error": str(error), "notices": notices})
    except Exception as error:  # the other networks go on
        return Found(task.key, Status.FAILED, {"error": told(error), "notices": notices})
    row = {
        "hashes": tuple(digest for digest, _ in traces),
        "provenance": dict(traces[0][1]),
        "accuracy": right,
        "notices": notices,
    }
    return Found(task.key, Status.SIMULATED, row)
