"""`run` and `compare` of trained weights: accuracies beside energies, in the chip's numbers."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.networks.trained_networks import drawn_network, save_drawn

Run = Callable[..., "subprocess.CompletedProcess[str]"]

WORKLOAD = """
name: {family}_digits
description: of the tests
structure: small_resnet
family: {family}
depth: 3
width: 4
pictures: digits
timesteps: 4
connection: {connection}
{readout}
weights: trained:{weights}
images: ["digits#3", "digits#4"]
source: "assumed, because a test"
"""


@pytest.fixture
def trained(folder: Path) -> Run:
    """The command line with weights of the tests in place of those that ship."""
    shelf = folder / "trained"
    for family in ("dsnn", "sew"):
        save_drawn(drawn_network(family), shelf, family)
    for family, weights in (("fsnn", "dsnn"), ("dsnn", "dsnn"), ("sew", "sew")):
        text = WORKLOAD.format(
            family=family,
            weights=weights,
            connection="add" if family == "sew" else "iand",
            readout="readout: sum" if family == "dsnn" else "",
        )
        (folder / f"{family}_digits.yaml").write_text(text)
    program = (
        "from pathlib import Path; from codesign.networks import trained; "
        f"trained.FOLDER = Path({str(shelf)!r}); from codesign.cli import main; main()"
    )

    def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-c", program, *arguments],
            capture_output=True,
            text=True,
            check=False,
            cwd=folder,
        )

    return run


def test_a_run_says_how_often_the_network_is_right(trained: Run, folder: Path) -> None:
    done = trained("run", "--workload", "fsnn_digits.yaml", "--json", "8.json")
    assert done.returncode == 0, done.stderr
    summary = json.loads((folder / "8.json").read_text())
    known = summary["accuracy"]
    assert known["total"] == 359
    assert known["heads"] == {"spike": known["correct"]}
    assert known["precision"] == {
        "weight_bits": 8,
        "accumulator_bits": 16,
        "activation_bits": 16,
    }
    assert summary["provenance"]["weights"]["precision"] == known["precision"]
    line = next(line for line in done.stdout.splitlines() if line.startswith("accuracy"))
    assert f"{100 * known['share']:.1f} %  (95 % interval" in line
    assert f"{known['correct']} of 359 test pictures of digits, int8 weights, 16-bit" in line
    page = (folder / "reports" / "fsnn_digits_on_split_core" / "report.html").read_text()
    assert "test pictures of digits, int8 weights" in page


def test_timesteps_and_widths_are_axes_after_training(trained: Run, folder: Path) -> None:
    counts = {}
    for options in (
        ("workload.timesteps=1",),
        ("workload.timesteps=4",),
        ("precision.weight=2 bit", "precision.accumulator=6 bit"),
    ):
        changes = [word for option in options for word in ("--set", option)]
        done = trained("run", "-w", "fsnn_digits.yaml", *changes, "--json", "-")
        assert done.returncode == 0, done.stderr
        summary = json.loads(done.stdout)
        counts[options] = (summary["accuracy"]["correct"], summary["energy_pj"])
    assert len(set(counts.values())) == 3
    assert len({correct for correct, _ in counts.values()}) > 1


def test_a_comparison_sets_accuracies_side_by_side(trained: Run, folder: Path) -> None:
    names = [f"{family}_digits.yaml" for family in ("fsnn", "dsnn", "sew")]
    done = trained(
        *("compare", "--arch", "split_core,paper", "--workloads", ",".join(names)),
        *("--json", "all.json"),
    )
    assert done.returncode == 0, done.stderr
    runs = json.loads((folder / "all.json").read_text())["runs"]
    known = {(run["workload"], run["architecture"]): run["accuracy"] for run in runs}
    assert len(known) == 6
    for arch in ("split_core", "paper"):
        single, dual = (known[f"{family}_digits", arch] for family in ("fsnn", "dsnn"))
        assert single["correct"] == dual["heads"]["spike"]
        assert (single["precision"] is None) is (arch == "paper")
    assert "accuracy" in done.stdout.splitlines()[0]
    assert "by 'accumulation'" in done.stdout
    assert "weights as shipped" in done.stdout


def test_a_chip_of_other_numbers_is_refused_before_anything_is_run(
    trained: Run, folder: Path
) -> None:
    wide = ("--set", "precision.weight=32 bit", "--set", "precision.accumulator=32 bit")
    done = trained("run", "-w", "fsnn_digits.yaml", *wide)
    assert done.returncode != 0
    assert "split_core: precision.weight" in done.stderr
    assert not (folder / "reports").exists()
