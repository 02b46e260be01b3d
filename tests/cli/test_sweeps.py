"""The command `sweep`: what it writes, and what it leaves when it is killed at any moment."""

import json
import os
import random
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

from codesign.cli.sweeps import Wanted
from codesign.specs.sweep import Simulate
from tests.cli.conftest import Run
from tests.exploration.conftest import SWEEP, Write, sweep_file

__all__ = ["sweep_file"]  # a fixture of the other room

START = "from codesign.cli import main; main()"
AXES = ("cores.spike.count", "cores.accumulation.count", "storage.dram.bandwidth")


LONG = (
    ("[1, 2, 4, 8]", str(list(range(1, 17)))),
    ("[1, 2]", str(list(range(1, 9)))),
)
"""Changes of the sweep that give it 384 points, of which no machine is done in a moment."""


def started(folder: Path, *options: str) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [sys.executable, "-c", START, "sweep", "little_sweep.yaml", *options],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )


def points(folder: Path, name: str = "reports/little_sweep") -> pd.DataFrame:
    return pd.read_parquet(folder / name / "points.parquet")


@pytest.fixture
def undisturbed(codesign: Run, folder: Path, sweep_file: Write) -> pd.DataFrame:
    """The table of the sweep, when nothing happens to it."""
    sweep_file()
    done = codesign("sweep", "little_sweep.yaml", "--out", "undisturbed")
    assert done.returncode == 0, done.stderr
    assert "24 points: 24 simulated (24 computed now)" in done.stdout
    return points(folder, "undisturbed")


def test_the_best_designs_run_to_the_numbers_of_their_rows(
    codesign: Run, folder: Path, undisturbed: pd.DataFrame
) -> None:
    best = json.loads((folder / "undisturbed/summary.json").read_text())["best"]["little"]
    assert list(best) == ["latency", "energy", "area"]
    for objective, column in (("latency", "latency_s"), ("energy", "energy_pj")):
        entry = best[objective]
        row = undisturbed.set_index("point").loc[entry["point"]]
        assert row[column] == undisturbed[column].min()
        _, *arguments = shlex.split(entry["command"])
        summary = json.loads(codesign(*arguments, "--json", "-").stdout)
        for name in ("makespan_cycles", "latency_s", "energy_pj", "area_mm2", "peak_power_w"):
            assert summary[name] == row[name]


def test_the_report_is_written_again_from_what_lies_in_the_folder(
    codesign: Run, folder: Path, undisturbed: pd.DataFrame
) -> None:
    page = folder / "undisturbed/report.html"
    first = page.read_bytes()
    assert len(undisturbed) == 24
    page.unlink()
    done = codesign("report", "undisturbed")
    assert done.returncode == 0, done.stderr
    assert done.stdout == "undisturbed/report.html\n"
    assert page.read_bytes() == first
    # Of an older version of the sweep, the best designs are removed; another's table is refused.
    (folder / "undisturbed/best/older.yaml").write_text("name: older")
    assert codesign("sweep", "little_sweep.yaml", "--out", "undisturbed").returncode == 0
    names = {path.name for path in (folder / "undisturbed/best").iterdir()}
    assert names == {
        f"little_sweep_little_{objective}.yaml" for objective in ("latency", "energy", "area")
    }
    undisturbed.to_parquet(folder / "undisturbed/points.parquet")
    assert "are not of one run" in codesign("report", "undisturbed").stderr
    (folder / "undisturbed/points.parquet").unlink()
    done = codesign("report", "undisturbed")
    assert done.returncode == 2
    assert "undisturbed: must be the folder of a finished sweep" in done.stderr


def test_a_sweep_that_is_killed_again_and_again_ends_as_if_nothing_had_happened(
    codesign: Run, folder: Path, sweep_file: Write
) -> None:
    sweep_file(*LONG)
    assert codesign("sweep", "little_sweep.yaml", "--out", "undisturbed").returncode == 0
    store, moments = folder / "reports/little_sweep/sweep.sqlite", random.Random(1)
    for kill in range(6):
        process, before = started(folder, "--workers", "2"), _rows(store)
        while _rows(store) == before and process.poll() is None:
            time.sleep(0.01)
        time.sleep(moments.uniform(0.0, 0.2))
        assert process.poll() is None  # else this test disturbs nothing
        victims = _children(process.pid)
        victim = process.pid if kill % 2 or not victims else moments.choice(victims)
        os.kill(victim, signal.SIGKILL)
        time.sleep(moments.uniform(0.0, 0.2))
        process.kill()
        process.communicate()
    assert 0 < before < 384
    done = codesign("sweep", "little_sweep.yaml")
    assert "384 points: 384 simulated" in done.stdout
    pd.testing.assert_frame_equal(points(folder, "undisturbed"), points(folder))


def _children(process: int) -> list[int]:
    """All processes below one, as far as the system tells."""
    found = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(process)], capture_output=True, text=True, check=False
    )
    direct = [int(word) for word in found.stdout.split()]
    return direct + [below for child in direct for below in _children(child)]


def test_two_processes_in_one_folder_share_the_work(
    folder: Path, undisturbed: pd.DataFrame
) -> None:
    both = [started(folder, "--workers", "1") for _ in range(2)]
    outputs = [process.communicate()[0].decode() for process in both]
    assert [process.returncode for process in both] == [0, 0]
    computed = [int(text.partition("simulated (")[2].split()[0]) for text in outputs]
    assert sum(computed) == 24
    pd.testing.assert_frame_equal(undisturbed, points(folder))


def test_ctrl_c_leaves_what_was_computed(folder: Path, codesign: Run, sweep_file: Write) -> None:
    sweep_file(*LONG)
    process = started(folder, "--workers", "1")
    store = folder / "reports/little_sweep/sweep.sqlite"
    while process.poll() is None and not _rows(store):
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: all processes get it
    _, complaints = process.communicate()
    assert process.returncode == 130
    assert b"Traceback" not in complaints
    assert complaints.endswith(b"interrupted: nothing was left half-written.\n")
    kept = _rows(store)
    done = codesign("sweep", "little_sweep.yaml")
    assert f"384 simulated ({384 - kept} computed now)" in done.stdout


def _rows(store: Path) -> int:
    """About how many rows there are.

    No lock is waited for: where a disk is slow, whoever writes has it nearly all the time.
    """
    import sqlite3

    if not store.is_file():
        return 0
    connection = sqlite3.connect(f"file:{store}?immutable=1", uri=True)
    try:
        (number,) = connection.execute(
            "select count(*) from rows where kind = 'simulated'"
        ).fetchone()
    except sqlite3.DatabaseError:  # it is being written
        return 0
    finally:
        connection.close()
    return int(number)


def test_a_dry_run_says_how_much_and_leaves_nothing(
    codesign: Run, folder: Path, sweep_file: Write
) -> None:
    sweep_file()
    done = codesign("sweep", "little_sweep.yaml", "--dry-run", "--workers", "2")
    first, second, third = done.stdout.splitlines()
    assert first == "24 points: 0 refused, 0 excluded, 0 kept"
    assert second.startswith("about ")
    assert second.endswith(" s of simulation on 2 workers")
    assert "MiB for each worker" in third
    assert not (folder / "reports").exists()


def test_a_folder_with_something_else_is_left_alone(
    codesign: Run, folder: Path, sweep_file: Write
) -> None:
    sweep_file()
    (folder / "mine").mkdir()
    (folder / "mine/thesis.txt").write_text("years of work")
    done = codesign("sweep", "little_sweep.yaml", "--out", "mine")
    assert done.returncode == 2
    assert "must be new, empty, or hold a report only (got 'thesis.txt')" in done.stderr
    assert [path.name for path in (folder / "mine").iterdir()] == ["thesis.txt"]


def test_a_point_that_takes_too_long_is_a_row_with_its_error(
    codesign: Run, folder: Path, sweep_file: Write
) -> None:
    sweep_file(
        ("[1, 2, 4, 8]", "[1]"), ("values: [1, 2]", "values: [1]"), ("points: 3", "points: 2")
    )
    done = codesign("sweep", "little_sweep.yaml", "--timeout", "0.001", "--workers", "1")
    assert done.returncode == 2
    assert "must have at least one point with results (got none of 2)" in done.stderr
    table = points(folder)
    assert set(table["status"]) == {"timed out"}
    assert table["error"].tolist() == ["It took longer than 0.001 s."] * 2
    assert "2 points timed out: It took longer than 0.001 s." in done.stdout
    done = codesign("sweep", "little_sweep.yaml")
    assert "2 simulated (2 computed now)" in done.stdout  # tried again


def test_the_option_knows_what_a_sweep_may_say() -> None:
    assert [*Wanted] == [*Simulate]


def test_bad_sweeps_are_told_with_their_places(codesign: Run, folder: Path) -> None:
    (folder / "little_sweep.yaml").write_text(SWEEP.replace("axes:", "axis:"))
    done = codesign("sweep", "little_sweep.yaml")
    assert done.returncode == 2
    assert "little_sweep.yaml:6:1: the file has no key 'axis'. Did you mean 'axes'?" in done.stderr
    assert not (folder / "reports").exists()
