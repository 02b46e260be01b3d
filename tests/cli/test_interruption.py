"""Ctrl-C: a status of its own, and nothing half-written."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

PROGRAM = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
RUN = ("run", "--arch", "split_core", "--workload", "fsnn18", "--set", "workload.timesteps=2")


def test_an_interrupted_run_leaves_no_report(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    process = subprocess.Popen(
        [sys.executable, "-c", f"{PROGRAM}from codesign.cli import main; main()", *RUN],
        cwd=tmp_path,
        env=os.environ | {"CODESIGN_CACHE": str(cache)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    # the recording is kept just before the simulation starts
    while process.poll() is None and not list(cache.rglob("*.trace")):
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    output, complaints = process.communicate()
    assert (process.returncode, output) == (130, b"")
    assert b"Traceback" not in complaints
    assert [path.name for path in tmp_path.iterdir()] == ["cache"]
    assert all(path.suffix == ".trace" for path in cache.rglob("*"))
