"""`count` on the command line: the same numbers for people and as JSON, and what is refused."""

import json
from pathlib import Path

from codesign.cli.counts import all_accumulates
from tests.cli.conftest import Run


def test_layers_and_totals_are_printed(codesign: Run) -> None:
    done = codesign("count", "--workload", "fsnn18", "--set", "workload.timesteps=1")
    assert done.returncode == 0, done.stderr
    assert "layer4.1.conv2.0" in done.stdout
    assert "MACs 118,5" in done.stdout
    assert "estimated consumption (eq. 15): 545 uJ to" in done.stdout  # 118.5 M MACs at 4.6 pJ
    assert "Weights: calibrated to Table 2 of arXiv 2301.11929, not trained." in done.stdout


def test_json_holds_every_layer(codesign: Run, folder: Path) -> None:
    done = codesign(
        *("count", "--workload", "fsnn18", "--set", "workload.timesteps=1"),
        *("--arch", "split_core", "--policy", "repeat", "--json", "count.json"),
    )
    assert done.returncode == 0, done.stderr
    found = json.loads((folder / "count.json").read_text())
    assert found["integer_input"] == "repeat"
    assert found["formats"]["weight"] == "8 bit"
    stem = found["layers"][0]
    assert stem["layer"] == "conv1"
    assert stem["weight_bits"] == 3 * 49 * 64 * 8 + 64 * 16
    assert sum(row["mac"] for row in found["layers"]) == found["counts"]["mac"]


def test_the_accumulates_of_all_layers_are_those_of_the_totals(codesign: Run, folder: Path) -> None:
    for name in ("dspikformer_small", "dsnn7b_small"):
        done = codesign("count", "--workload", name, "--json", str(folder / "counts.json"))
        assert done.returncode == 0, done.stderr
        summary = json.loads((folder / "counts.json").read_text())
        assert sum(all_accumulates(row) for row in summary["layers"]) == summary["counts"]["ac_all"]
        assert ("products of spikes" in done.stdout) == ("spikformer" in name)


def test_what_count_cannot_use_is_refused(codesign: Run) -> None:
    for arguments, message in (
        (("--arch", "paper"), "--arch paper: must have number formats"),
        (("--set", "cores.spike.count=2"), "changes an architecture, and none was named"),
        (("--policy", "both"), "'both' is not one of"),
    ):
        done = codesign("count", "--workload", "fsnn18", *arguments)
        assert done.returncode == 2
        assert message in done.stderr
