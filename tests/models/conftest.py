"""A folder of its own for every test, which holds the user's files and is the current one."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.models.own_networks import write_network


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CODESIGN_CACHE", str(tmp_path / ".cache"))
    write_network(tmp_path)
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        if tmp_path in Path(getattr(sys.modules[name], "__file__", None) or "/").parents:
            del sys.modules[name]
