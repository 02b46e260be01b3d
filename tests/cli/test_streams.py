"""Streams and disks that take nothing: a reader that has gone, a full disk, a closed stream."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from codesign.cli.streams import READER_GONE

PROGRAM = "from codesign.cli import main; main()"
SMALL = ("run", "--arch", "paper", "--workload", "fsnn18", "--set", "workload.timesteps=1")
COMMANDS = [
    ("--help",),
    ("--version",),
    ("list",),
    ("schema", "architecture"),
    ("validate", "paper"),
    (*SMALL, "--out", "out"),
    (*SMALL, "--json", "-"),
]


def run(
    *arguments: str, redirected: str = "", limit: str = "unlimited", **streams: int
) -> subprocess.CompletedProcess[str]:
    """The command line; `redirected` is what a shell is to do with its streams, `limit` the
    largest file that may be written, in blocks of 512 bytes."""
    shell = f'ulimit -f {limit} && exec "$@" {redirected}'
    command = ["sh", "-c", shell, "sh", sys.executable, "-c", PROGRAM, *arguments]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | streams
    return subprocess.run(command, text=True, check=False, **pipes)


def run_into_closed_pipe(
    *arguments: str, stream: str = "stdout"
) -> subprocess.CompletedProcess[str]:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as closed:
        return run(*arguments, **{stream: closed.fileno()})


def name_of(command: tuple[str, ...]) -> str:
    return f"{command[0]} {command[-1]}"


@pytest.mark.parametrize("command", COMMANDS, ids=name_of)
def test_a_reader_that_leaves_early_ends_the_program_as_sigpipe_does(
    folder: Path, command: tuple[str, ...]
) -> None:
    done = run_into_closed_pipe(*command)
    assert done.returncode == READER_GONE
    assert "rror" not in done.stderr


@pytest.mark.parametrize("command", COMMANDS, ids=name_of)
def test_a_full_disk_is_one_line_of_error(folder: Path, command: tuple[str, ...]) -> None:
    done = run(*command, redirected="> /dev/full")
    assert done.returncode == 2
    *_, last = done.stderr.splitlines()
    assert last.startswith("error: stdout: must be a place that can be written (No space left")
    assert done.stderr.count("rror") == 1


def test_a_closed_stdout_is_one_line_of_error_and_no_file_takes_its_place(folder: Path) -> None:
    done = run(*SMALL, "--json", "-", redirected=">&-")
    assert (done.returncode, done.stdout) == (2, "")
    assert "error: stdout: must be a place that can be written" in done.stderr
    assert (folder / "reports" / "fsnn18_on_paper" / "report.html").is_file()


@pytest.mark.parametrize("redirected", ["2> /dev/full", "2>&-"])
def test_without_a_place_for_progress_a_run_goes_on(folder: Path, redirected: str) -> None:
    done = run(*SMALL, redirected=redirected)
    assert done.returncode == 0
    assert "report: reports/fsnn18_on_paper/report.html\n" in done.stdout


def test_without_a_reader_of_progress_a_run_goes_on(folder: Path) -> None:
    done = run_into_closed_pipe(*SMALL, stream="stderr")
    assert done.returncode == 0
    assert (folder / "reports" / "fsnn18_on_paper" / "report.html").is_file()


def test_an_error_that_nobody_hears_keeps_its_status(folder: Path) -> None:
    assert run("validate", "none", redirected="2>&-").returncode == 2


def test_names_that_a_terminal_cannot_show_are_escaped(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    done = run(*SMALL, "--out", "Zürich")
    assert done.returncode == 0, done.stderr
    assert "report: Z\\xfcrich/report.html\n" in done.stdout
    assert (folder / "Zürich" / "report.html").is_file()


def test_a_result_that_cannot_be_written_is_shown_all_the_same(folder: Path) -> None:
    done = run(*SMALL, "--out", "out", limit="100")
    assert done.returncode == 2
    assert "fsnn18 on paper\n" in done.stdout
    assert "report: " not in done.stdout
    *_, last = done.stderr.splitlines()
    place = folder.resolve() / "out" / "report.html"
    assert last.startswith(f"error: {place}: must be a place that can be written (File too large)")
    assert list(folder.iterdir()) == []


def test_a_recording_that_cannot_be_kept_does_not_cost_the_run(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CODESIGN_CACHE", "/dev/full/cache")
    done = run(*SMALL, "--json", "-")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["workload"] == "fsnn18"
    (note,) = [line for line in done.stderr.splitlines() if line.startswith("note: ")]
    assert note.startswith("note: The recording is not cached: /dev/full/cache/")
