"""`run` and `compare`: what they leave behind, and what they print where."""

import json
import math
from pathlib import Path

import pytest

from codesign.result_files import read_result
from tests.cli.conftest import Run

SMALL = ("--workload", "fsnn18", "--set", "workload.timesteps=1")


def test_a_run_leaves_report_tables_and_summary(codesign: Run, folder: Path) -> None:
    done = codesign("run", *SMALL)
    assert done.returncode == 0, done.stderr
    place = folder / "reports" / "fsnn18_on_split_core"
    assert "calibrated to Table 2" in done.stdout
    assert "report: reports/fsnn18_on_split_core/report.html" in done.stdout
    assert (place / "report.html").read_text().startswith("<!")
    result = read_result(place)
    assert result.summary["timesteps"] == 1
    assert result.summary["makespan_cycles"] >= max(result.summary["bounds_cycles"].values())
    assert [path.name for path in (folder / "reports").iterdir()] == ["fsnn18_on_split_core"]


def test_json_on_stdout_is_alone(codesign: Run) -> None:
    done = codesign("run", *SMALL, "--arch", "paper", "--json", "-")
    summary = json.loads(done.stdout)
    assert summary["workload"] == "fsnn18"
    assert summary["latency_s"] is None
    assert summary["accuracy"] is None  # calibrated weights have none
    assert "energy" in done.stderr


def test_json_into_a_file_and_another_folder(codesign: Run, folder: Path) -> None:
    done = codesign("run", *SMALL, "--json", "summary.json", "--out", "here")
    assert done.returncode == 0, done.stderr
    assert json.loads((folder / "summary.json").read_text())["images"] == 1
    assert (folder / "here" / "report.html").is_file()
    assert not (folder / "reports").exists()


def test_a_second_run_does_not_import_torch(codesign: Run, folder: Path) -> None:
    codesign("run", *SMALL)
    program = (
        "import sys; from codesign.cli import main\n"
        f"sys.argv = ['codesign', 'run', *{SMALL!r}]\n"
        "try: main()\n"
        "except SystemExit as end: assert not end.code\n"
        "print([name for name in sys.modules if name.split('.')[0] == 'torch'])"
    )
    import subprocess
    import sys

    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, cwd=folder
    )
    assert done.stdout.splitlines()[-1] == "[]", done.stderr


def test_several_images_give_mean_and_spread(codesign: Run, folder: Path) -> None:
    other = Path(__file__).parents[1] / "data" / "chelsea.png"
    done = codesign("run", *SMALL, "--images", f"astronaut,{other}", "--json", "-")
    summary = json.loads(done.stdout)
    assert summary["images"] == 2
    spread = summary["spread"]["latency_s"]
    assert spread["min"] < summary["latency_s"] < spread["max"]


def test_a_change_changes_the_chip(codesign: Run) -> None:
    few, many = (
        json.loads(
            codesign("run", *SMALL, "--set", f"cores.spike.count={count}", "--json", "-").stdout
        )
        for count in (2, 16)
    )
    assert few["bounds_cycles"]["compute_spike"] > 4 * many["bounds_cycles"]["compute_spike"]
    assert few["counts"] == many["counts"]


def test_a_result_says_what_was_changed_from_the_files(codesign: Run, folder: Path) -> None:
    done = codesign("run", *SMALL, "--set", "cores.spike.count=8")
    changes = "workload.timesteps=1, cores.spike.count=8"
    assert f"Changed from the files: {changes}." in " ".join(done.stdout.split())
    place = folder / "reports" / "fsnn18_on_split_core"
    assert read_result(place).summary["changes"] == changes.split(", ")
    assert f"Changed from the files: {changes}." in (place / "report.html").read_text()


def test_a_comparison_says_what_the_pathway_costs(codesign: Run, folder: Path) -> None:
    done = codesign(
        "compare", "--workloads", "fsnn18,dsnn18", "--set", "workload.timesteps=1", "--json", "-"
    )
    assert done.returncode == 0, done.stderr
    comparison = json.loads(done.stdout)
    assert [each["workload"] for each in comparison["runs"]] == ["fsnn18", "dsnn18"]
    assert "the accumulation pathway costs" in comparison["accumulation_cost"]
    assert "the accumulation pathway costs" in " ".join(done.stderr.split())
    assert (folder / "reports" / "fsnn18_dsnn18_on_split_core" / "report.html").is_file()


def test_where_both_streams_have_room_the_spike_stream_spends_the_same_to_the_picojoule(
    codesign: Run,
) -> None:
    once = ("--set", "workload.timesteps=1")
    done = codesign("compare", "--workloads", "fsnn18,dsnn18", *once, "--json", "-")
    (split,) = json.loads(done.stdout)["pathway_energy"]
    assert split["residency_pj"] == {}
    assert split["own_pj"]["mac"] > 0


def test_the_pathways_energy_is_told_in_parts_that_sum_to_the_difference(
    codesign: Run, folder: Path
) -> None:
    small = ("--set", "workload.timesteps=1", "storage.activation_buffer.size=64 KiB")
    done = codesign("compare", "--workloads", "fsnn18,dsnn18", *small, "--json", "-")
    assert done.returncode == 0, done.stderr
    comparison = json.loads(done.stdout)
    without, with_it = comparison["runs"]
    (split,) = comparison["pathway_energy"]
    parts = [split[f"{name}_pj"] for name in ("own", "residency", "static")]
    difference = with_it["energy_pj"] - without["energy_pj"]
    assert split["difference_pj"] == pytest.approx(difference, abs=1e-3)  # pJ
    assert math.fsum(v for part in parts for v in part.values()) == pytest.approx(
        difference, abs=1e-3
    )
    own, residency, _ = parts
    stream = with_it["energy_streams_pj"]["accumulation"]
    idle = with_it["spared_clock_pj"]["accumulation"]
    assert math.fsum(own.values()) == pytest.approx(stream - idle, abs=1e-3)
    assert residency["dram"] > 0  # the pathway takes room in a buffer that is too small for both
    operations = {"ac", "mac", "addition", "logic", "neuron", "repeat"}
    assert not operations.intersection(residency)
    assert "are the pathway's own" in " ".join(done.stderr.split())


def test_an_older_result_is_replaced_and_anything_else_is_left_alone(
    codesign: Run, folder: Path
) -> None:
    (folder / "mine").mkdir()
    (folder / "mine" / "thesis.txt").write_text("years of work")
    done = codesign("run", *SMALL, "--out", "mine")
    assert done.returncode == 2
    assert "mine: must be new" in done.stderr
    assert (folder / "mine" / "thesis.txt").read_text() == "years of work"
    assert codesign("run", *SMALL, "--out", "new").returncode == 0
    (folder / "new" / "report.html").write_text("old")
    assert codesign("run", *SMALL, "--out", "new").returncode == 0
    assert (folder / "new" / "report.html").read_text() != "old"


def test_accumulators_that_overflow_are_told_on_the_terminal_and_the_page(
    codesign: Run, folder: Path
) -> None:
    narrow = ("--set", "precision.accumulator=8 bit", "--out", "narrow", "--json", "summary.json")
    done = codesign("run", "--workload", "dsnn18", "--set", "workload.timesteps=1", *narrow)
    assert done.returncode == 0, done.stderr
    told = "dsnn18: accumulators of 8 bit overflow: conv1 needs "
    assert told in done.stdout
    assert told in (folder / "narrow" / "report.html").read_text()
    widths = json.loads((folder / "summary.json").read_text())["widths"]
    assert not widths["fits"]
    assert widths["overflows"][0].keys() == {"layer", "needs_bits", "has_bits", "basis"}
    assert {each["basis"] for each in widths["overflows"]} == {"recorded"}
    wide = ("--set", f"precision.accumulator={widths['needs_bits']} bit", "--out", "wide")
    done = codesign("run", "--workload", "dsnn18", "--set", "workload.timesteps=1", *wide)
    assert "overflow" not in done.stdout
