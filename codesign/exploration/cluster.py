"""A cluster: tasks computed by the workers of a Dask scheduler, on this machine or on others.

The scheduler starts a task again whose worker died, and gives it up after a few. A task that takes
too long is given up here; Dask cannot end it, so that its worker is busy until it is done. Workers
must have the same version of this program, since rows are kept under its name.
"""

import threading
import time
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from codesign.errors import Fault, InputError
from codesign.exploration.results import Status
from codesign.exploration.rows import Found, program
from codesign.exploration.workers import AnyTask, compute

if TYPE_CHECKING:
    from distributed import Client, Future

LOCAL = "local"
"""In place of an address: a cluster on this machine, which ends with the program."""
_CONNECT_S = 10
_EACH = 2
"""Tasks under way for each thread: the next one is there when one is done."""


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
        try:
            _require_one_version(address, self._client)
        except BaseException:
            self.close()
            raise

    def free(self) -> int:
        """See `Workers`."""
        return _EACH * self.count - len(self._under_way)

    @property
    def count(self) -> int:
        """Threads of all workers that there are now."""
        threads: dict[str, int] = self._client.nthreads()
        return max(sum(threads.values()), 1)

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
        self._client.cancel(list(self._under_way), force=True)
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
            if now - under_way.since > self._timeout_s:
                future.cancel()
                del self._under_way[future]
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
        found = client.run(program)
    except Exception as error:  # whatever a worker without this program raises
        problem = f"must have workers that can import codesign (got: {error})."
        fix = "Install codesign in the workers' environment."
        raise InputError(Fault(f"--scheduler {address}", problem, fix)) from error
    others = [worker for worker, version in found.items() if version != program()]
    if others:
        problem = f"must have workers with this version of codesign ({others[0]} has another)."
        raise InputError(Fault(f"--scheduler {address}", problem, "Install the same one."))
