"""Ctrl-C and the signal that ends: a status of their own, and nothing half-written."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

HEEDED = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
START = "from codesign.cli import main; main()"
RUN = ("run", "--arch", "split_core", "--workload", "fsnn18", "--set", "workload.timesteps=2")
AT_AN_IMPORT = """
import os, sys
class Interrupting:
    @staticmethod
    def find_spec(name, path=None, target=None):
        if name == {name!r}:
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Interrupting)
"""


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_run_leaves_no_report(tmp_path: Path, number: int, status: int) -> None:
    cache = tmp_path / "cache"
    process = subprocess.Popen(
        [sys.executable, "-c", f"{HEEDED}{START}", *RUN],
        cwd=tmp_path,
        env=os.environ | {"CODESIGN_CACHE": str(cache)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    # the recording is kept just before the simulation starts
    while process.poll() is None and not list(cache.rglob("*.trace")):
        time.sleep(0.02)
    process.send_signal(number)
    output, complaints = process.communicate()
    assert (process.returncode, output) == (status, b"")
    assert b"Traceback" not in complaints
    assert complaints.endswith(b"interrupted: nothing was left half-written.\n")
    assert [path.name for path in tmp_path.iterdir()] == ["cache"]
    assert all(path.suffix == ".trace" for path in cache.rglob("*"))


@pytest.mark.parametrize(
    "name", ["codesign.cli.application", "typer.main", "rich.progress", "pydantic", "pandas"]
)
def test_an_interruption_while_libraries_are_imported_shows_no_traceback(
    tmp_path: Path, name: str
) -> None:
    program = f"{HEEDED}{AT_AN_IMPORT.format(name=name)}{START}"
    done = subprocess.run(
        [sys.executable, "-c", program, *RUN],
        cwd=tmp_path,
        env=os.environ | {"CODESIGN_CACHE": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (130, "")
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_nothing_that_takes_long_is_imported_before_an_interruption_is_heeded() -> None:
    program = (
        "import sys; before = set(sys.modules); import codesign.cli\n"
        "new = {name for name in set(sys.modules) - before}\n"
        "print(sorted(n for n in new if n.split('.')[0] not in sys.stdlib_module_names))\n"
        "print(sorted(new & {'importlib.metadata', 'dataclasses', 'inspect', 'pathlib'}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    ours = ["codesign", "codesign.cli", "codesign.cli.process", "codesign.cli.streams"]
    assert done.stdout.splitlines() == [str(ours), "[]"]


def test_a_signal_that_was_switched_off_stays_so(tmp_path: Path) -> None:
    program = f"{AT_AN_IMPORT.format(name='typer')}{START}"
    ignored = "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)"
    done = subprocess.run(
        [sys.executable, "-c", f"{ignored}{program}", "--version"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
