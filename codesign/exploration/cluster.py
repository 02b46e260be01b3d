"""A cluster: tasks computed by the workers of a Dask scheduler, on this machine or on others.

The scheduler starts a task again whose worker died, and gives it up after a few. A task that takes
too long is given up here; Dask cannot end it, so that its worker gets no other until it is done.
Workers must have the same version of this program, since rows are kept under its name.
"""

import threading
import time
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from codesign.errors import Fault, InputError
from codesign.exploration.floor_rows import FloorTask
from codesign.exploration.results import Status
from codesign.exploration.rows import Found, program
from codesign.exploration.workers import AnyTask, compute

if TYPE_CHECKING:
    from distributed import Client, Future

LOCAL = "local"
"""In place of an address: a cluster on this machine, which ends with the program."""
_CONNECT_S = 10
_IN_ADVANCE = 1
"""Tasks for each worker beside the one that it computes, if there is no time limit."""


@dataclass(eq=False)
class _UnderWay:
    task: AnyTask
    since: float


class Cluster:
    """The workers of a Dask scheduler, see `codesign.exploration.workers.Workers`."""

    def __init__(self, address: str, *, count: int, timeout_s: float | None = None):
        """Connects to a scheduler.

        Args:
            address: of the scheduler, or `local`.
            count: processes of a local cluster.
            timeout_s: after which a task is given up.

        Raises:
            InputError: Dask is not installed, nobody answers, or a worker has another version.
        """
        self._client = _connected(address, count)
        self._timeout_s = timeout_s
        self._under_way: dict[Future[Any], _UnderWay] = {}
        self._given_up: list[Future[Any]] = []
        try:
            _require_one_version(address, self._client)
        except BaseException:
            self.close()
            raise

    def free(self) -> int:
        """See `Workers`."""
        self._given_up = [future for future in self._given_up if not future.done()]
        each = 1 if self._timeout_s is not None else 1 + _IN_ADVANCE
        return each * self.count - len(self._under_way) - len(self._given_up)

    @property
    def count(self) -> int:
        """Workers that there are now; each computes one task at a time."""
        threads: dict[str, int] = self._client.nthreads()
        return max(len(threads), 1)

    def submit(self, task: AnyTask) -> None:
        """See `Workers`."""
        name = f"codesign-{uuid.uuid4().hex}"
        future = self._client.submit(_computed, task, program(), key=name, pure=False)
        self._under_way[future] = _UnderWay(task, time.monotonic())

    def finished(self, patience_s: float) -> list[Found]:
        """See `Workers`."""
        from distributed import wait

        if not self._under_way:
            return []
        try:
            wait(list(self._under_way), timeout=patience_s, return_when="FIRST_COMPLETED")
        except TimeoutError:
            return self._timed_out()
        done = [future for future in self._under_way if future.status != "pending"]
        return [self._result(future) for future in done] + self._timed_out()

    def close(self) -> None:
        """See `Workers`."""
        self._client.cancel([*self._under_way, *self._given_up], force=True)
        self._under_way.clear()
        self._client.close()
        if self._client.cluster is not None:
            self._client.cluster.close()

    def _result(self, future: "Future[Any]") -> Found:
        task = self._under_way.pop(future).task
        if future.status == "finished":
            found: Found = future.result()
            return found
        from distributed.scheduler import KilledWorker

        error = future.exception() if future.status == "error" else None
        if isinstance(error, _OtherVersionError):
            raise InputError(Fault("--scheduler", str(error), "Install the same one everywhere."))
        if error is None or isinstance(error, KilledWorker):
            told = "The workers that computed it were ended from outside."
            return Found(task.key, Status.KILLED, {"error": told})
        told = f"{type(error).__name__}: {error}"
        return Found(task.key, Status.FAILED, {"error": told})

    def _timed_out(self) -> list[Found]:
        if self._timeout_s is None:
            return []
        now, found = time.monotonic(), []
        for future, under_way in list(self._under_way.items()):
            is_late = now - under_way.since > self._timeout_s
            if is_late and not isinstance(under_way.task, FloorTask):
                del self._under_way[future]
                self._given_up.append(future)
                told = f"It took longer than {self._timeout_s:g} s."
                found.append(Found(under_way.task.key, Status.TIMED_OUT, {"error": told}))
        return found


class _OtherVersionError(Exception):
    """A worker runs other code than the one that asks it."""


_one_at_a_time = threading.Lock()
"""A worker may have several threads, which would gain nothing from each other."""


def _computed(task: AnyTask, wanted: list[str]) -> Found:
    """What a worker does with a task."""
    if program() != wanted:
        raise _OtherVersionError("must have workers with this version of codesign (got another).")
    with _one_at_a_time:
        return compute(task)


def _connected(address: str, count: int) -> "Client":
    try:
        from distributed import Client, LocalCluster
    except ImportError:
        problem = "needs Dask, which is not installed."
        fix = "Install it with: pip install 'codesign[dask]'."
        raise InputError(Fault(f"--scheduler {address}", problem, fix)) from None
    if address == LOCAL:
        cluster: Any = LocalCluster(
            n_workers=count, threads_per_worker=1, dashboard_address=None, silence_logs=40
        )
        return Client(cluster)
    try:
        return Client(address, timeout=_CONNECT_S)
    except (OSError, ValueError, TimeoutError) as error:
        problem = f"must be the address of a Dask scheduler that answers (got: {error})."
        fix = "Start one with 'dask scheduler', and name it like tcp://host:8786."
        raise InputError(Fault(f"--scheduler {address}", problem, fix)) from error


def _require_one_version(address: str, client: "Client") -> None:
    try:
        client.wait_for_workers(1, timeout=_CONNECT_S)
    except TimeoutError:
        problem = "must be the address of a scheduler that has workers (got one without)."
        fix = f"Start some with 'dask worker {address}'."
        raise InputError(Fault(f"--scheduler {address}", problem, fix)) from None
    try:
        found = client.run(program)
    except Exception as error:  # whatever a worker without this program raises
        problem = f"must have workers that can import codesign (got: {error})."
        fix = "Install codesign in the workers' environment."
        raise InputError(Fault(f"--scheduler {address}", problem, fix)) from error
    others = [worker for worker, version in found.items() if version != program()]
    if others:
        problem = f"must have workers with this version of codesign ({others[0]} has another)."
        raise InputError(Fault(f"--scheduler {address}", problem, "Install the same one."))
