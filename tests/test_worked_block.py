"""The page of the worked block is true: its arithmetic is right, and is what the program finds."""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from math import ceil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from codesign.chip import Schedule, simulate
from codesign.chip.schedule import occupancy
from codesign.energy import price
from codesign.mapping import Jobs, lower, map_workload
from codesign.mapping.jobs import COLUMNS, PLACE_COLUMNS, TRANSFERS
from codesign.specs.architecture import Architecture
from codesign.specs.catalogue import load_architecture, load_workload_spec
from codesign.specs.recorded import RecordedSpec
from codesign.spike_files import load_spikes
from tests.test_readme import FENCED, Block, pattern, sessions, trimmed

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "worked_block.md").read_text("utf-8")
DRAM_LATENCY = 5
JOBS = ("conv, t = 0", "conv, t = 1", "a, t = 0", "a, t = 1")
Row = dict[str, str]


@dataclass(frozen=True)
class Worked:
    """What the program makes of the page's files."""

    arrays: dict[str, NDArray[np.int64]]
    architecture: Architecture
    jobs: Jobs
    schedule: Schedule


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder like the top of the checkout, in which the spikes were recorded."""
    made = tmp_path_factory.mktemp("checkout")
    files = made / "docs" / "worked_block"
    ignored = shutil.ignore_patterns("*.npz")
    shutil.copytree(ROOT / "docs" / "worked_block", files, ignore=ignored)
    subprocess.run([sys.executable, files / "record_block.py"], check=True)
    return made


@pytest.fixture(scope="module")
def worked(folder: Path) -> Worked:
    files = folder / "docs" / "worked_block"
    spec = load_workload_spec(files / "block.yaml")
    assert isinstance(spec, RecordedSpec)
    workload = spec.workload()
    architecture = load_architecture(files / "tiny_chip.yaml")
    trace = load_spikes(workload, files / "block.npz", {})
    jobs = lower(map_workload(workload, architecture), trace)
    arrays = {name: trace.values(name).astype(np.int64) for name in ("o", "s", "g", "a")}
    return Worked(arrays, architecture, jobs, simulate(architecture, jobs))


@cache
def table(first: str) -> list[Row]:
    """The rows of the table whose first heading is given, by heading."""
    found = re.search(rf"^\| {first} \|.*\n\|[-|]+\|\n((?:\|.*\n)+)", PAGE, re.MULTILINE)
    assert found, f"there is no table of each {first}"
    heading, _, *lines = found[0].splitlines()
    names = [name.strip() for name in heading.strip("|").split("|")]
    return [
        dict(zip(names, (cell.strip() for cell in line.strip("|").split("|")), strict=True))
        for line in lines
    ]


def value(cell: str) -> float:
    """The right side of a cell, or all of it."""
    return float(cell.rpartition("=")[2])


def cells() -> list[str]:
    """All cells that derive a number."""
    of_tables = (table(each) for each in ("column", "resource", "job", "core", "component"))
    texts = [text for rows in of_tables for row in rows for text in list(row.values())[1:]]
    return [text for text in texts if " = " in text and not text.startswith("`")]


@pytest.mark.parametrize("cell", cells())
def test_every_derivation_gives_its_number(cell: str) -> None:
    left, _, right = cell.rpartition(" = ")
    if re.fullmatch(r"\w+ of \w+, t", left):
        return  # names a transfer
    names = {"__builtins__": {}, "ceil": ceil, "max": max}
    found = eval(left.replace(" x ", " * "), names)  # the page is ours
    # Decimal fractions of a picojoule are binary floats here.
    assert found == pytest.approx(float(right), rel=1e-12)


def grids(block: str) -> list[NDArray[np.int64]]:
    """The 4 x 4 maps of a text block, side by side under a line of names."""
    rows = [line.replace(".", "0").split() for line in block.splitlines()[1:]]
    return list(np.array(rows, dtype=np.int64).reshape(4, -1, 4).transpose(1, 0, 2))


def test_the_maps_are_those_that_were_recorded(worked: Worked) -> None:
    spikes, neurons = (grids(each[2]) for each in FENCED.finditer(PAGE) if each[1] == "text")
    o, s = worked.arrays["o"], worked.arrays["s"]
    assert np.array_equal(np.stack(spikes).reshape(2, 2, 4, 4), o)
    first, fired, left, second, charged, again = neurons
    for timestep, sums in enumerate((first, second)):
        seen = np.pad(o[timestep].sum(axis=0), 1)
        windows = np.lib.stride_tricks.sliding_window_view(seen, (3, 3))
        assert np.array_equal(windows.sum(axis=(2, 3)), sums)
    assert np.array_equal(left, first * (first < 3))
    assert np.array_equal(charged, left + second)
    for timestep, (charge, spike) in enumerate(((first, fired), (charged, again))):
        assert np.array_equal(spike, charge >= 3)
        assert np.array_equal(s[timestep], np.stack([spike, spike]))


def test_the_counts_are_those_of_the_jobs(worked: Worked) -> None:
    columns = worked.jobs.columns | {"compute_cycles": worked.jobs.compute_cycles()}
    shown = {row["column"].strip("`"): [value(row[job]) for job in JOBS] for row in table("column")}
    assert {name: columns[name].tolist() for name in shown} == shown
    others = set(COLUMNS) - set(PLACE_COLUMNS) - set(shown)
    assert {name for name in others if columns[name].any()} == set()


def test_the_transfers_are_those_of_the_schedule(worked: Worked) -> None:
    names = ("bits", "cycles", "start", "end", "arrives")
    shown = [
        (row["resource"].strip("`"), row["what"], *(value(row[name]) for name in names))
        for row in table("resource")
    ]
    expected = []
    for row in worked.schedule.transfers.sort_values("start_cycle").itertuples():
        kind, resource = TRANSFERS[row.kind], row.resource.partition("[")[0]
        layer = worked.jobs.layer_names[row.layer]
        if kind == "fetch":
            what, bits = f"fetch of {layer}", worked.jobs.blocks[row.job].bits
        else:
            what = f"{kind} of {layer}, t = {row.timestep}"
            column = "weight_bits" if kind == "weights" else f"{kind}_bits"
            bits = worked.jobs.columns[column][row.job]
        arrives = row.end_cycle + DRAM_LATENCY * (resource == "dram")
        cycles = row.end_cycle - row.start_cycle
        times = (cycles, row.start_cycle, row.end_cycle, arrives)
        expected.append((resource, what, bits, *times))
    assert shown == expected
    assert [value(row["bytes"]) * 8 for row in table("resource")] == [row[2] for row in shown]


def test_the_moments_are_those_of_the_schedule(worked: Worked) -> None:
    schedule, moments = worked.schedule, worked.schedule.moments
    times = {
        "weights there": moments.weighted,
        "may load": moments.ready,
        "loaded": moments.loaded,
        "starts": schedule.started,
        "computed": schedule.started + worked.jobs.compute_cycles(),
        "stored": schedule.stored,
    }
    rows = table("job")
    assert [row["job"].replace("`", "") for row in rows] == list(JOBS)
    for name, expected in times.items():
        assert [value(row[name]) for row in rows] == expected.tolist()
    assert f"The makespan is {schedule.makespan_cycles} cycles" in PAGE


def test_the_cycles_of_each_core_are_those_of_the_schedule(worked: Worked) -> None:
    cycles = occupancy(worked.jobs, worked.schedule)
    for row in table("core"):
        mine = cycles[cycles.core == row["core"].strip("`")]
        found = dict(zip(mine.state, mine.cycles, strict=True))
        shown = {name: value(cell) for name, cell in row.items() if name != "core"}
        assert shown.pop("sum") == worked.schedule.makespan_cycles
        assert found == {name: count for name, count in shown.items() if count}


def test_the_energies_are_those_of_the_run(worked: Worked) -> None:
    energy = price(worked.jobs, worked.schedule, worked.architecture)
    sums = energy.groupby(["component", "stream"]).energy_pj.sum()
    streams = {"spike stream": "spike", "accumulation stream": "accumulation", "chip": "chip"}
    *rows, last = table("component")
    shown = {
        (row["component"].strip("`"), streams[name]): value(row[name])
        for row in rows
        for name in streams
    }
    assert _not_zero(shown) == pytest.approx(_not_zero(dict(sums)), rel=1e-12)
    by_stream = energy.groupby("stream").energy_pj.sum()
    assert {streams[name]: value(last[name]) for name in streams} == pytest.approx(
        dict(by_stream), rel=1e-12
    )
    operations = sum(sums.loc[name].sum() for name in ("ac", "addition"))
    total = energy.energy_pj.sum()
    assert f"Together these are {total:.2f} pJ, of which the additions" in PAGE
    assert f"are {operations:.1f} pJ: {100 * operations / total:.1f} %." in PAGE


def _not_zero(energies: dict[Any, float]) -> dict[Any, float]:
    return {key: float(energy) for key, energy in energies.items() if energy}


def test_its_commands_print_what_is_shown(folder: Path) -> None:
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    cached = {"PATH": path, "COLUMNS": "100"}
    consoles = [Block(*each.groups(), 0) for each in FENCED.finditer(PAGE) if each[1] == "console"]
    assert len(consoles) == 1
    for command, shown in sessions(consoles[0]):
        done = subprocess.run(
            *(["sh", "-c", command],),
            cwd=folder,
            env=os.environ | cached,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert re.fullmatch(pattern(shown), trimmed(done.stdout)), done.stdout
