"""Spikes that were recorded elsewhere, from the file to the counts, and what is refused."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.cli.conftest import Run

TWO_LAYERS = """\
name: mine
description: two layers
timesteps: 2
inputs:
  - {name: x, shape: [1, 3, 3], kind: spike}
layers:
  - {name: conv, type: convolution, inputs: [x], channels: 5, kernel: 3, padding: 1}
  - {name: sn, type: neuron, inputs: [conv], function: IF}
  - {name: fc, type: linear, inputs: [sn], features: 7}
recordings: [mine.npz]
weights: trained
source: "a test"
"""


@pytest.fixture
def workload(folder: Path) -> Path:
    x = np.zeros((2, 1, 3, 3), dtype=bool)
    x[0, 0, 0, 0] = x[0, 0, 1, 1] = x[1, 0, 2, 1] = True
    sn = np.zeros((2, 5, 3, 3), dtype=bool)
    sn[0, 2, 1, 1] = sn[1, 4] = True
    np.savez(folder / "mine.npz", x=x, sn=sn)
    path = folder / "mine.yaml"
    path.write_text(TWO_LAYERS)
    return path


def summary(codesign: Run, *arguments: str) -> dict[str, Any]:
    done = codesign("run", "--json", "-", *arguments)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_counts_of_two_layers_by_hand(codesign: Run, workload: Path) -> None:
    found = summary(codesign, "--workload", workload.name, "--arch", "split_core")
    counts = found["counts"]
    # A corner meets 4 taps, the centre 9, an edge 6, each for 5 channels; 1 + 9 spikes meet 7 rows.
    assert counts["ac_synaptic"] == (4 + 9 + 6) * 5 + (1 + 9) * 7
    assert counts["ac_neuron"] == counts["neuron_updates"] == 2 * 45
    assert counts["mac"] == counts["ac_pool"] == counts["ac_residual"] == 0
    assert counts["ac"] == counts["ac_all"] == 19 * 5 + 70 + 90
    assert found["latency_s"] > 0
    weights = found["provenance"]["weights"]
    assert weights["kind"] == "user's recording"
    assert weights["stated_by_user"] == "trained; a test"


def test_several_recordings_are_several_inputs(codesign: Run, workload: Path) -> None:
    workload.write_text(TWO_LAYERS.replace("[mine.npz]", "[mine.npz, mine.npz]"))
    assert summary(codesign, "--workload", workload.name, "--arch", "paper")["images"] == 2


def test_a_broken_list_is_refused_with_its_places(codesign: Run, workload: Path) -> None:
    text = TWO_LAYERS.replace("inputs: [sn]", "inputs: [sm]").replace("kernel: 3", "kernel: 6")
    workload.write_text(text)
    for command in (("validate",), ("run", "--workload")):
        done = codesign(*command, workload.name)
        assert done.returncode == 2
        assert "mine.yaml:7:71: layers[0].kernel must fit its padded input of 5" in done.stderr
        assert "mine.yaml:9:38: layers[2].inputs must be tensors that come before" in done.stderr
        assert "Choose one of: conv, sn, x." in done.stderr


def test_a_missing_recording_is_told_before_anything_runs(codesign: Run, workload: Path) -> None:
    Path("mine.npz").unlink()
    done = codesign("run", "--workload", workload.name)
    assert done.returncode == 2
    assert done.stderr == "error: mine.npz: must be there (got no such file). Check the path.\n"
    assert not Path("reports").exists()


def test_a_checkpoint_is_refused(codesign: Run, workload: Path) -> None:
    done = codesign("run", "--workload", workload.name, "--checkpoint", "mine.npz")
    assert done.returncode == 2
    assert "--checkpoint: must be left out for 'mine'" in done.stderr
