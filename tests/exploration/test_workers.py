"""Workers: every task ends, whatever happens to the processes that compute."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from codesign.exploration.floor_rows import FloorTask
from codesign.exploration.results import Status
from codesign.exploration.rows import Found
from codesign.exploration.workers import DEATHS, Pool


@dataclass(frozen=True)
class Chore:
    """A task that does what its name says."""

    key: str
    place: str = ""


def chore(task: Chore) -> Found:
    """Computes a chore: `wait` sleeps for long, `die` ends its process, `once` does so once."""
    what = task.key.split()[0]
    if what == "slow":
        time.sleep(0.5)
        return Found(task.key, Status.SIMULATED, {})
    marker = Path(task.place or "/nowhere") / task.key
    if what == "wait":
        if task.place:
            marker.touch()
        time.sleep(600)
    if what == "die" or (what == "once" and not marker.exists()):
        if task.place:
            marker.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return Found(task.key, Status.SIMULATED, {"process": os.getpid()})


@contextmanager
def pool(count: int, timeout_s: float | None = None) -> Iterator[Pool]:
    made = Pool(count, timeout_s, chore)
    try:
        yield made
    finally:
        made.close()


def all_of(workers: Pool, chores: list[Chore]) -> dict[str, Found]:
    """Everything that becomes of chores."""
    found: dict[str, Found] = {}
    waiting = list(chores)
    while len(found) < len(chores):
        while waiting and workers.free() > 0:
            workers.submit(waiting.pop(0))  # type: ignore[arg-type]
        for each in workers.finished(1.0):
            assert each.key not in found
            found[each.key] = each
    return found


def test_each_task_is_computed_once_by_as_many_processes_as_there_are() -> None:
    with pool(2) as workers:
        assert workers.free() == 3  # one of them in advance
        found = all_of(workers, [Chore(f"do {number}") for number in range(20)])
    assert len({each.row["process"] for each in found.values()}) == 2


def test_a_task_whose_worker_dies_is_computed_by_another(tmp_path: Path) -> None:
    with pool(2) as workers:
        found = all_of(workers, [Chore("once", str(tmp_path)), *map(Chore, ("do 1", "do 2"))])
    assert {each.status for each in found.values()} == {Status.SIMULATED}


def test_a_task_that_ends_all_its_workers_is_given_up_and_the_others_go_on() -> None:
    with pool(2) as workers:
        found = all_of(workers, [Chore("die"), *(Chore(f"do {number}") for number in range(8))])
        assert found.pop("die").row == {
            "error": f"{DEATHS} processes that computed it were ended from outside "
            "(last by signal 9)."
        }
    assert {each.status for each in found.values()} == {Status.SIMULATED}


def test_a_task_that_takes_too_long_is_ended() -> None:
    with pool(2, timeout_s=1.0) as workers:
        found = all_of(workers, [Chore("wait"), *(Chore(f"do {number}") for number in range(8))])
    assert found.pop("wait").status is Status.TIMED_OUT
    assert {each.status for each in found.values()} == {Status.SIMULATED}


def test_floors_of_many_chips_have_no_time_limit() -> None:
    with pool(1, timeout_s=0.1) as workers:
        workers.submit(FloorTask("slow", None, (), ()))  # type: ignore[arg-type]
        found: list[Found] = []
        while not found:
            found = workers.finished(1.0)
    assert [each.status for each in found] == [Status.SIMULATED]


def test_a_worker_that_died_idle_is_no_fault_of_the_next_task() -> None:
    with pool(1) as workers:
        for number in range(DEATHS + 1):
            (found,) = all_of(workers, [Chore(f"do {number}")]).values()
            os.kill(found.row["process"], signal.SIGKILL)
            _until(lambda: not any(map(_is_there, workers.pids())))
        (found,) = all_of(workers, [Chore("do the last")]).values()
    assert found.status is Status.SIMULATED


def test_closing_ends_workers_in_the_middle_of_a_task() -> None:
    with pool(1) as workers:
        workers.submit(Chore("wait"))  # type: ignore[arg-type]
        (process,) = workers.pids()
    with pytest.raises(ProcessLookupError):
        os.kill(process, 0)


PARENT = """
import sys, time
from tests.exploration.test_workers import Chore, chore
from codesign.exploration.workers import Pool
if __name__ == "__main__":
    workers = Pool(2, None, chore)
    for number in range(2):
        workers.submit(Chore(f"wait {number}", sys.argv[1]))
    print(*workers.pids(), flush=True)
    time.sleep(600)
"""


def test_workers_end_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    script = tmp_path / "parent.py"
    script.write_text(PARENT)
    root = str(Path(__file__).parents[2])
    parent = subprocess.Popen(
        [sys.executable, str(script), str(tmp_path)],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": root},
    )
    assert parent.stdout is not None
    processes = [int(word) for word in parent.stdout.readline().split()]
    assert len(processes) == 2
    for number in range(2):
        _until((tmp_path / f"wait {number}").exists)
    parent.kill()
    parent.communicate()
    _until(lambda: not any(map(_is_there, processes)))


def test_a_script_that_starts_itself_again_is_told_how_not_to(tmp_path: Path) -> None:
    script = tmp_path / "unguarded.py"
    script.write_text(
        PARENT.replace('if __name__ == "__main__":', "if True:").replace(
            "    time.sleep(600)", "    workers.finished(600)"
        )
    )
    done = subprocess.run(
        [sys.executable, str(script), str(tmp_path)],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
        check=False,
    )
    assert done.returncode == 1
    assert "worker processes: must be able to start" in done.stderr.splitlines()[-1]


def _until(condition: Callable[[], bool]) -> None:
    """Waits for a condition, and fails if it does not come to hold in ten minutes."""
    for _ in range(12_000):
        if condition():
            return
        time.sleep(0.05)
    raise AssertionError("it does not come to hold")


def _is_there(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"  # nobody may be left to bury it


def test_ctrl_c_is_left_to_the_parent() -> None:
    with pool(1) as workers:
        (first,) = all_of(workers, [Chore("do 1")]).values()
        os.kill(first.row["process"], signal.SIGINT)
        (second,) = all_of(workers, [Chore("do 2")]).values()
    assert first.row == second.row
