"""A comparison of several chips runs every workload on each, and says what it could not run."""

import json
from pathlib import Path

from codesign.cli.orders import folder_name
from codesign.result_files import read_result
from tests.cli.conftest import Run

SHORT = ("--workloads", "fsnn18,dsnn18", "--set", "workload.timesteps=1", "--json", "-")


def test_every_workload_runs_on_every_chip_that_it_fits(codesign: Run, folder: Path) -> None:
    done = codesign("compare", "--arch", "split_core,spike_only", *SHORT)
    assert done.returncode == 0, done.stderr
    comparison = json.loads(done.stdout)
    assert comparison["architectures"] == ["split_core", "spike_only"]
    ran = [(each["workload"], each["architecture"]) for each in comparison["runs"]]
    assert ran == [
        *(("fsnn18", "split_core"), ("dsnn18", "split_core")),
        ("fsnn18", "spike_only"),
    ]
    (refused,) = comparison["not_run"]
    assert (refused["workload"], refused["architecture"]) == ("dsnn18", "spike_only")
    assert "layers must have a core" in refused["reason"]
    assert "dsnn18 does not run on spike_only: layers must have a core" in " ".join(
        done.stderr.split()
    )
    place = folder / "reports" / "fsnn18_dsnn18_on_split_core_spike_only"
    for workload, chip in ran:
        summary = read_result(place / f"{workload}_on_{chip}").summary
        assert (summary["workload"], summary["architecture"]) == (workload, chip)
    assert "What does not run" in (place / "report.html").read_text()


def test_an_older_comparison_of_several_chips_is_replaced(codesign: Run, folder: Path) -> None:
    for chips in ("paper,split_core", "paper,unified_core"):
        done = codesign(
            *("compare", "--arch", chips, "--workloads", "fsnn18", "--out", "out"),
            *("--set", "workload.timesteps=1"),
        )
        assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in (folder / "out").iterdir() if path.is_dir()) == [
        "fsnn18_on_paper",
        "fsnn18_on_unified_core",
    ]


def test_with_fewer_than_two_runs_the_reasons_are_an_error(codesign: Run, folder: Path) -> None:
    done = codesign("compare", "--arch", "spike_only", *SHORT)
    assert done.returncode == 2
    assert "compare: at least two runs must be possible (got 1)" in done.stderr
    assert "dsnn18 does not run on spike_only" in done.stderr
    assert not (folder / "reports").exists()


def test_one_workload_on_one_chip_is_no_comparison(codesign: Run) -> None:
    done = codesign("compare", "--workloads", "fsnn18")
    assert done.returncode == 2
    assert "--workloads: must name at least two workloads (got fsnn18)" in done.stderr


def test_chips_of_one_name_are_not_compared(codesign: Run) -> None:
    done = codesign("compare", "--arch", "paper,paper", "--workloads", "fsnn18")
    assert done.returncode == 2
    assert "--arch: must be architectures of different names (got 'paper' twice)" in done.stderr


def test_a_folder_bears_the_names_of_what_is_in_it_as_long_as_they_can_be_read() -> None:
    assert folder_name(["a", "b"], ["chip"]) == "a_b_on_chip"
    assert folder_name(["a"], ["x", "y"]) == "a_on_x_y"
    many = [f"workload{n}" for n in range(20)]
    names = {folder_name(many, ["chip"]), folder_name([*many[1:], "other"], ["chip"])}
    assert len(names) == 2
    assert all(name.startswith("20_workloads_on_chip_") for name in names)
    assert folder_name(many, ["x", "y"]).startswith("20_workloads_on_2_chips_")
    assert folder_name(["x" * 130], ["chip"]) == f"{'x' * 130}_on_chip"
