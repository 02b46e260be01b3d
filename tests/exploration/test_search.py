"""Searches depend on the sweep alone, keep to its limits, and find better designs than chance."""

from pathlib import Path

import pandas as pd
import pytest

from codesign.exploration.recordings import record
from codesign.exploration.running import Run
from codesign.exploration.search import search
from codesign.exploration.space import design_space
from codesign.exploration.store import store
from codesign.exploration.table import sweep_result
from codesign.exploration.workers import Pool
from codesign.specs.sweep import Simulate
from tests.exploration.conftest import Write, silent

pytest.importorskip("optuna", reason="needs codesign[search]")

WIDE = (
    ("[1, 2, 4, 8]", "[1, 2, 3, 4, 6, 8, 12, 16]"),
    ("values: [1, 2]", "range: {from: 1, to: 6}"),
    ("points: 3, ", ""),
)


def searched(path: Path, folder: Path, workers: int) -> tuple[pd.DataFrame, int]:
    """The table of a search, and how many rows were computed for it."""
    space = design_space(path)
    recordings = record(space, progress=silent, notice=print)
    pool = Pool(workers)
    try:
        with store(folder) as kept:
            run = Run(space, pool, kept, silent, Simulate.ALL)
            found = search(space, recordings, run, silent)
            result = sweep_result(space, found, recordings, Simulate.ALL, kept)
    finally:
        pool.close()
    return result.points, len(run.seconds)


def written(sweep_file: Write, method: str, seed: int, points: int = 40) -> Path:
    sampling = f"sampling: {{method: {method}, points: {points}, seed: {seed}}}"
    limit = "constraints:\n  - {quantity: area, at_most: 45 mm2}"
    return sweep_file(*WIDE, ("objectives", f"{sampling}\n{limit}\nobjectives"))


@pytest.mark.parametrize("method", ["nsga2", "tpe"])
def test_a_search_depends_on_its_seed_and_not_on_the_workers(
    sweep_file: Write, tmp_path: Path, method: str
) -> None:
    path = written(sweep_file, method, 1)
    one, computed = searched(path, tmp_path / "one", 1)
    two, _ = searched(path, tmp_path / "two", 3)
    again, nothing = searched(path, tmp_path / "one", 2)
    pd.testing.assert_frame_equal(one, two)
    pd.testing.assert_frame_equal(one, again)
    assert (len(one), nothing) == (40, 0)
    assert computed > 0
    axes = ["cores.spike.count", "cores.accumulation.count", "storage.dram.bandwidth"]
    assert not one.duplicated(axes).any()
    assert (one["area_mm2"][one["status"] == "simulated"] <= 45).all()
    assert (one["area_mm2"][one["status"] == "excluded"] > 45).all()
    other, _ = searched(written(sweep_file, method, 2), tmp_path / "other", 2)
    assert one[axes].to_numpy().tolist() != other[axes].to_numpy().tolist()


def test_a_seed_may_be_any_number(sweep_file: Write, tmp_path: Path) -> None:
    table, _ = searched(written(sweep_file, "tpe", 20241126, 8), tmp_path / "kept", 2)
    assert len(table) == 8


def test_a_search_ends_when_the_space_is_exhausted(sweep_file: Write, tmp_path: Path) -> None:
    sampling = "sampling: {method: nsga2, points: 1000, seed: 0}\nobjectives"
    path = sweep_file(("objectives", sampling))
    table, _ = searched(path, tmp_path / "kept", 2)
    assert len(table) == 24  # all there are
