"""Workers: processes of this machine that compute tasks, and survive each other.

Each worker is a process with a pipe, so that it is known which task a worker had that died or
takes too long, and no other task suffers. A worker that is gone is replaced, and its task given to
another; one that has ended several workers is given up. Workers end with their parent, however that
ends, and leave Ctrl-C to it.

The standard library's pool is no choice here: it cannot end a task, and when one of its processes
is killed, every task that is under way fails without a word on which of them was the cause.
"""

import multiprocessing
import os
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing import forkserver
from multiprocessing.connection import Connection, wait
from multiprocessing.context import BaseContext
from multiprocessing.process import BaseProcess
from typing import Any, Protocol

from codesign.errors import Fault, InputError
from codesign.exploration.floor_rows import FloorTask, floor_rows
from codesign.exploration.results import Status
from codesign.exploration.rows import Found, Task, simulate_row


class AnyTask(Protocol):
    """Something to compute, with a name of its own."""

    @property
    def key(self) -> str: ...


_THREADS = (
    *("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"),
    *("VECLIB_MAXIMUM_THREADS", "NUMEXPR_NUM_THREADS"),
)
"""Variables that such libraries read when they are loaded."""
_IN_ADVANCE = 1
"""Tasks beyond the number of workers: whoever is done first need not wait for the next."""
DEATHS = 3
"""Workers that a task may end before it is given up: what kills from outside rarely picks it
again."""


def compute(task: AnyTask) -> Found:
    """What becomes of a task."""
    if isinstance(task, FloorTask):
        return floor_rows(task)
    assert isinstance(task, Task), "there are no others"
    return simulate_row(task)


class Workers(Protocol):
    """Whoever computes tasks: processes of this machine, or a cluster."""

    @property
    def count(self) -> int:
        """How many tasks are computed at once."""

    def free(self) -> int:
        """How many tasks can be submitted now without waiting for a worker."""

    def submit(self, task: AnyTask) -> None:
        """Starts a task."""

    def finished(self, patience_s: float) -> list[Found]:
        """Tasks that have ended, as soon as there is one; none if that takes too long."""

    def close(self) -> None:
        """Ends all workers, whatever they do."""


@dataclass(eq=False)
class _Worker:
    """One process, the task that it has, and since when it computes."""

    process: BaseProcess
    pipe: Connection
    task: AnyTask | None = None
    since: float | None = None
    has_begun: bool = False

    def time_is_up(self, timeout_s: float) -> float | None:
        """When its task must end; None if it has not begun, or is floors, which are for many."""
        if self.since is None or isinstance(self.task, FloorTask):
            return None
        return self.since + timeout_s


@dataclass
class Pool:
    """A number of processes of this machine.

    Attributes:
        count: of processes.
        timeout_s: after which a task is ended; None for never.
        compute: what they do with a task.
    """

    count: int
    timeout_s: float | None = None
    compute: Callable[[Any], Found] = compute
    _workers: list[_Worker] = field(default_factory=list)
    _waiting: deque[AnyTask] = field(default_factory=deque)
    _deaths: dict[str, int] = field(default_factory=dict)
    _given_up: list[Found] = field(default_factory=list)
    _context: BaseContext = field(default_factory=lambda: _context())  # noqa: PLW0108, defined below

    def free(self) -> int:
        """See `Workers`."""
        busy = sum(worker.task is not None for worker in self._workers)
        return self.count + _IN_ADVANCE - busy - len(self._waiting)

    def submit(self, task: AnyTask) -> None:
        """See `Workers`."""
        self._waiting.append(task)
        self._assign()

    def finished(self, patience_s: float) -> list[Found]:
        """See `Workers`.

        Raises:
            InputError: processes cannot start at all.
        """
        until = time.monotonic() + patience_s
        while True:
            found = [*self._collect(until), *self._timed_out(), *self._given_up]
            self._given_up.clear()
            self._assign()
            is_idle = not self._waiting and all(each.task is None for each in self._workers)
            if found or is_idle or time.monotonic() >= until:
                return found

    def close(self) -> None:
        """See `Workers`."""
        for worker in self._workers:
            worker.process.kill()
        for worker in self._workers:
            worker.process.join()
            worker.pipe.close()
        self._workers.clear()
        self._waiting.clear()

    def pids(self) -> list[int]:
        """Process numbers of the workers that are there now."""
        return [pid for worker in self._workers if (pid := worker.process.pid) is not None]

    def _assign(self) -> None:
        """Gives waiting tasks to workers without one, new ones if need be."""
        while self._waiting:
            worker = next((each for each in self._workers if each.task is None), None)
            if worker is None:
                if len(self._workers) >= self.count:
                    return
                worker = self._started()
            task = self._waiting.popleft()
            try:
                worker.pipe.send(task)
            except OSError:  # it has died without a task, which is not this one's fault
                self._bury(worker)
                self._waiting.appendleft(task)
            else:
                worker.task, worker.since = task, None

    def _started(self) -> _Worker:
        here, there = self._context.Pipe()
        process = self._context.Process(  # type: ignore[attr-defined]
            target=_work, args=(there, self.compute), daemon=True
        )
        process.start()
        there.close()
        worker = _Worker(process, here)
        self._workers.append(worker)
        return worker

    def _collect(self, until: float) -> list[Found]:
        """Results that have arrived, at the latest when a task has used up its time."""
        busy = {worker.pipe: worker for worker in self._workers if worker.task is not None}
        if self.timeout_s is not None:
            ends = [worker.time_is_up(self.timeout_s) for worker in busy.values()]
            until = min([until, *(end for end in ends if end is not None)])
        if not busy or self._given_up:
            return []
        found = []
        for pipe in wait(list(busy), max(until - time.monotonic(), 0.0)):
            worker = busy[pipe]  # type: ignore[index]
            try:
                said = worker.pipe.recv()
            except (EOFError, OSError):
                self._bury(worker)
                continue
            if said is None:
                worker.since, worker.has_begun = time.monotonic(), True
            else:
                found.append(said)
                worker.task = worker.since = None
        return found

    def _bury(self, worker: _Worker) -> None:
        """Takes a dead worker away; its task goes to another, or is given up."""
        self._workers.remove(worker)
        worker.pipe.close()
        worker.process.join()
        task, code = worker.task, worker.process.exitcode
        if not worker.has_begun and code is not None and code >= 0:
            problem = f"must be able to start (got one that ended with status {code} before)."
            fix = "In a script, put what starts them under: if __name__ == '__main__':"
            raise InputError(Fault("worker processes", problem, fix))
        if task is None:
            return
        self._deaths[task.key] = self._deaths.get(task.key, 0) + 1
        if self._deaths[task.key] < DEATHS:
            self._waiting.appendleft(task)
            return
        how = f"signal {-code}" if code is not None and code < 0 else f"status {code}"
        error = f"{DEATHS} processes that computed it were ended from outside (last by {how})."
        self._given_up.append(Found(task.key, Status.KILLED, {"error": error}))

    def _timed_out(self) -> list[Found]:
        """Ends tasks that have used up their time."""
        found: list[Found] = []
        for worker in list(self._workers):
            if worker.task is None or self.timeout_s is None:
                continue
            end = worker.time_is_up(self.timeout_s)
            if end is None or time.monotonic() < end:
                continue
            task, worker.task = worker.task, None
            worker.process.kill()
            self._bury(worker)
            error = f"It took longer than {self.timeout_s:g} s."
            found.append(Found(task.key, Status.TIMED_OUT, {"error": error}, self.timeout_s))
        return found


def core_count() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _context() -> BaseContext:
    """Processes that inherit nothing from this one, but come with the modules that they need."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["codesign.exploration.workers", "codesign.evaluation"])
    with _single_threaded(), _deaf_to_ctrl_c():
        forkserver.ensure_running()
    return context


@contextmanager
def _deaf_to_ctrl_c() -> Iterator[None]:
    """Starts a process that leaves Ctrl-C to this one from its first moment, and so do those that
    it starts: what is ignored stays ignored in a new process."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def _single_threaded() -> Iterator[None]:
    """Starts processes whose libraries of linear algebra use one thread: several workers with
    several threads each are slower than with one, and a single one gains nothing."""
    before = {name: os.environ.get(name) for name in _THREADS}
    os.environ |= dict.fromkeys(_THREADS, "1")
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _work(pipe: Connection, compute: Callable[[Any], Found]) -> None:
    """What a worker does until it is ended or its parent is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    with suppress(EOFError, OSError):
        while True:
            task = pipe.recv()
            pipe.send(None)  # it has begun
            pipe.send(compute(task))


def _end_with(parent: Any) -> None:
    parent.join()
    os._exit(1)
