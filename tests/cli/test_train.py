"""The command `train`: what it prints and leaves, and that nothing ends it for good."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from safetensors.torch import load_file
from typer.testing import CliRunner

from codesign.cli.application import application
from codesign.cli.training import command_line
from codesign.errors import CodesignError
from codesign.training import Options
from tests.cli.conftest import Run

PROGRAM = "from codesign.cli import main; main()"
SMALL = ["train", "-d", "digits", "--batch", "256", "--epochs", "2"]
WORKLOAD = """
name: small
description: for tests
structure: small_resnet
family: dsnn
depth: 3
width: 2
pictures: digits
timesteps: 2
connection: iand
readout: sum
weights: trained:small
source: assumed, because it is small
"""


@pytest.fixture
def small(folder: Path) -> list[str]:
    (folder / "small.yaml").write_text(WORKLOAD)
    return [*SMALL, "-w", "small.yaml"]


def test_a_training_says_what_it_reached_and_is_not_repeated(
    codesign: Run, folder: Path, small: list[str]
) -> None:
    done = codesign(*small, "--json", "-")
    assert done.returncode == 0, done.stderr
    card = json.loads(done.stdout)
    place = folder / "reports" / "training" / "small"
    assert card == json.loads((place / "card.json").read_text())
    names = {"card.json", "checkpoint.safetensors", "metrics.parquet", "weights.safetensors"}
    names |= {"trained.json", "trained.safetensors"}
    assert {path.name for path in place.iterdir() if path.name[0] != "."} == names
    assert card["command"] == (
        "codesign train --workload small.yaml --data digits --epochs 2 --seed 0 --batch 256"
    )
    assert "epoch 2: loss " in done.stderr
    again = codesign(*small)
    assert again.returncode == 0
    reached = card["accuracy"]["spike"]
    percent = f"{100 * reached['accuracy']:.2f} % ({reached['correct']}/359)"
    assert again.stdout.splitlines()[0].startswith(f"small on digits: spike {percent}, accum")
    assert "holds all of this training already" in again.stderr
    assert "epoch 2" not in again.stderr


def test_a_training_that_is_killed_goes_on_bit_for_bit(
    codesign: Run, folder: Path, small: list[str]
) -> None:
    small += ["--epochs", "6"]  # one epoch is too short to be killed in for sure
    assert codesign(*small, "--out", "whole").returncode == 0
    command = [sys.executable, "-c", PROGRAM, *small, "--out", "killed"]
    process = subprocess.Popen(command, cwd=folder, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while not (folder / "killed" / "checkpoint.safetensors").exists():
        assert time.monotonic() < deadline
        time.sleep(0.002)
    process.kill()
    assert process.wait() == -signal.SIGKILL
    assert not (folder / "killed" / "card.json").exists()
    done = codesign(*small, "--out", "killed")
    assert done.returncode == 0, done.stderr
    assert "killed is continued in epoch " in done.stderr
    one, other = (load_file(folder / name / "weights.safetensors") for name in ("whole", "killed"))
    assert all((one[key] == other[key]).all() for key in one)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--data", "mnist"], "must be 8 x 8 pixels, as 'digits' are (got 28 x 28)"),
        (["--data", "imagenet:nowhere"], "nowhere: must be a folder"),
        (["--data", "nothing"], "must be SET:FOLDER"),
        (["--workload", "nothing"], "must be a workload's name or a file"),
        (["--batch", "2000"], "--batch: must be at most 1438"),
        (["--epochs", "0"], "--epochs: must be from 1 to 2^63 - 1 (got 0)"),
        (["--recipe", "digit"], "Did you mean 'digits'?"),
        (["--device", "cuda"], "--device cuda: must be a device that is there"),
        (["--out", "small.yaml"], "must be a folder that can be written"),
        (["--json", "."], "--json .: must be a file"),
        (["--learning-rate", "1e38"], "the loss must be finite (got nan)"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_bad_input_is_told_and_leaves_no_weights(
    folder: Path, small: list[str], options: list[str], message: str
) -> None:
    done = CliRunner().invoke(application, [*small, *options])
    assert isinstance(done.exception, CodesignError)  # printed by `main`, with status 2
    assert message in str(done.exception)
    assert not list(folder.rglob("weights.safetensors"))


def test_the_command_of_a_card_says_the_same_again() -> None:
    asked = {"workload": "a b.yaml", "data": "digits", "epochs": None, "seed": 3}
    asked |= {"identity_start": False, "rate_penalty": 0.5, "device": "cpu"}
    assert command_line(asked, Options()) == (
        "codesign train --workload 'a b.yaml' --data digits --seed 3 --no-identity-start "
        "--rate-penalty 0.5"
    )


def test_torch_s_launcher_starts_it(folder: Path, small: list[str]) -> None:
    launcher = ["torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    command = [sys.executable, "-m", *launcher, "-m", "codesign", *small, "--epochs", "1"]
    done = subprocess.run(
        command,
        cwd=folder,
        env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("small on digits: spike") == 1
    assert done.stderr.count("epoch 1: loss") == 1


def test_a_training_of_ones_own_is_run_in_the_chips_formats_with_its_accuracy(
    codesign: Run, folder: Path, small: list[str]
) -> None:
    trained = codesign(*small, "--out", "mine")
    assert trained.returncode == 0, trained.stderr
    options = ("-w", "small.yaml", "--images", "digits#3", "--json", "-")
    done = codesign("run", "--arch", "split_core", "--checkpoint", "mine", *options)
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout)
    weights = summary["provenance"]["weights"]
    assert weights["kind"] == "trained"
    assert weights["precision"]["weight_bits"] == 8
    assert summary["accuracy"]["total"] == 359
    as_it_was = codesign("run", "--checkpoint", "mine/checkpoint.safetensors", *options)
    assert as_it_was.returncode == 0, as_it_was.stderr
    assert json.loads(as_it_was.stdout)["accuracy"] is None

    def refused(place: str) -> str:
        other = codesign("run", "--arch", "split_core", "--checkpoint", place, *options)
        assert other.returncode == 2
        return other.stderr

    assert "or the folder of a training" in refused("reports")
    (folder / "mine" / "trained.json").write_text("{}")
    assert "must be the trained weights that it left" in refused("mine")
    (folder / "mine" / "trained.safetensors").unlink()
    assert "must hold trained.safetensors (its training is not finished" in refused("mine")
