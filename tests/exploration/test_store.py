"""Rows are kept whole, once, whoever dies; claims end with those who made them."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path

import pytest

from codesign.errors import InputError
from codesign.exploration import store as module
from codesign.exploration.results import Status
from codesign.exploration.rows import Found
from codesign.exploration.store import FILE, Store


def found(key: str, value: float = 1.0, status: Status = Status.SIMULATED) -> Found:
    return Found(key, status, {"energy_pj": value}, 0.5)


def by_key(rows: Iterable[Found]) -> dict[str, Found]:
    return {each.key: each for each in rows}


def test_a_row_comes_back_as_it_was_to_the_last_bit(tmp_path: Path) -> None:
    kept, row = Store(tmp_path), found("a", 0.1 + 0.2)
    kept.keep("simulated", [row])
    assert by_key(Store(tmp_path).found("simulated", ["a", "b"])) == {"a": row}


def test_of_two_rows_with_one_key_the_first_stays(tmp_path: Path) -> None:
    kept = Store(tmp_path)
    kept.keep("simulated", [found("a", 1.0)])
    kept.keep("simulated", [found("a", 2.0), found("b", 3.0)])
    rows = by_key(kept.found("simulated", ["a", "b"]))
    assert [rows[key].row["energy_pj"] for key in ("a", "b")] == [1.0, 3.0]


def test_floors_and_simulations_of_one_key_are_different_rows(tmp_path: Path) -> None:
    kept = Store(tmp_path)
    kept.keep("floors", [found("a", 1.0, Status.BOUNDED)])
    assert by_key(kept.found("simulated", ["a"])) == {}
    assert kept.claim("a")


def test_what_another_run_may_do_better_is_not_kept(tmp_path: Path) -> None:
    kept = Store(tmp_path)
    kept.keep("simulated", [found("a", status=Status.KILLED), found("b", status=Status.TIMED_OUT)])
    assert by_key(kept.found("simulated", ["a", "b"])) == {}


def test_thousands_of_keys_are_asked_for_at_once(tmp_path: Path) -> None:
    kept = Store(tmp_path)
    keys = [f"{number:05}" for number in range(3_000)]
    kept.keep("simulated", [found(key) for key in keys])
    assert list(by_key(kept.found("simulated", keys))) == keys


def test_a_claim_keeps_others_off_until_it_is_given_back(tmp_path: Path) -> None:
    one, other = Store(tmp_path), Store(tmp_path)
    assert one.claim("a")
    assert one.claim("a")
    assert not other.claim("a")
    one.close()
    assert other.claim("a")


def test_a_row_that_is_there_is_not_claimed(tmp_path: Path) -> None:
    one, other = Store(tmp_path), Store(tmp_path)
    assert one.claim("a")
    one.keep("simulated", [found("a")])
    assert not other.claim("a")


def test_a_claim_of_a_process_that_ended_does_not_count(tmp_path: Path) -> None:
    program = (
        "import os, sys, pathlib; from codesign.exploration.store import Store; "
        "assert Store(pathlib.Path(sys.argv[1])).claim('a'); os._exit(0)"
    )
    subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=True)
    assert Store(tmp_path).claim("a")


def test_a_claim_of_another_machine_ends_when_it_is_not_renewed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = Store(tmp_path), Store(tmp_path)
    monkeypatch.setattr(module.socket, "gethostname", lambda: "elsewhere")
    assert one.claim("a")
    monkeypatch.undo()
    assert not other.claim("a")
    now = time.time()
    monkeypatch.setattr(module.time, "time", lambda: now + 2 * module.LEASE_S)
    one.renew()
    assert not other.claim("a")
    monkeypatch.setattr(module.time, "time", lambda: now + 4 * module.LEASE_S)
    assert other.claim("a")


WRITER = """
import itertools, pathlib, sys
from codesign.exploration.results import Status
from codesign.exploration.rows import Found
from codesign.exploration.store import Store
kept = Store(pathlib.Path(sys.argv[1]))
print("ready", flush=True)
for number in itertools.count():
    key = str(number)
    if kept.claim(key):
        kept.keep("simulated", [Found(key, Status.SIMULATED, {"number": number}, 0.0)])
"""


def test_writers_that_are_killed_at_any_moment_leave_whole_rows(tmp_path: Path) -> None:
    moments = random.Random(0)
    for _ in range(4):
        writers = [
            subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE)
            for _ in range(2)
        ]
        for writer in writers:
            assert writer.stdout is not None
            writer.stdout.readline()
        time.sleep(moments.uniform(0.0, 0.2))
        for writer in writers:
            os.kill(writer.pid, signal.SIGKILL)
            writer.communicate()
    kept = Store(tmp_path)
    rows = by_key(kept.found("simulated", [str(number) for number in range(100_000)]))
    assert len(rows) > 10
    assert {key: int(key) for key in rows} == {k: each.row["number"] for k, each in rows.items()}
    # Each of the last two may have died with a row that it had claimed: nobody else had it.
    missing = set(range(max(map(int, rows)))) - set(map(int, rows))
    assert len(missing) <= 2
    assert all(kept.claim(str(number)) for number in missing)


def test_a_file_that_is_no_store_is_told(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text("this is no database" * 100)
    with pytest.raises(InputError, match=r"sweep\.sqlite: must be a store of rows"):
        Store(tmp_path)
