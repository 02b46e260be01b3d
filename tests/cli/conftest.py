"""A folder of its own for every test of the command line."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def folder(tmp_path: Path, shared_cache: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CODESIGN_CACHE", str(shared_cache))
    return tmp_path


@pytest.fixture
def codesign(folder: Path) -> Run:
    """The command line as a process of its own."""

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        program = "from codesign.cli import main; main()"
        return subprocess.run(
            [sys.executable, "-c", program, *arguments],
            capture_output=True,
            text=True,
            check=False,
            cwd=folder,
        )

    return run
