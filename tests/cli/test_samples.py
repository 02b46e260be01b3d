"""`run` and `count` with samples of data sets."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.datasets.written import write_cifar10, write_gestures

EXAMPLE = Path(__file__).parents[2] / "examples" / "own_network"

EVENT_NETWORK = """
import torch
from torch import nn

class Fire(nn.Module):
    def forward(self, current):
        return (current >= 0.1).float()

class Network(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(2, 4, 3, stride=2)
        self.fire = Fire()
        self.linear = nn.Linear(4 * 15 * 15, 11)

    def forward(self, frames):
        return sum(self.linear(self.fire(self.conv(frame)).flatten(1)) for frame in frames)

def build():
    torch.manual_seed(0)
    return Network()
"""
EVENT_WORKLOAD = """
name: event_network
description: A small network of events
model: event_network:build
neurons: {Fire: IF}
images: [astronaut]
input: {shape: [4, 2, 32, 32]}
source: written for this test
"""


@pytest.fixture
def own(folder: Path) -> Path:
    for path in EXAMPLE.iterdir():
        if path.is_file():
            (folder / path.name).write_text(path.read_text())
    (folder / "event_network.py").write_text(EVENT_NETWORK)
    (folder / "event_network.yaml").write_text(EVENT_WORKLOAD)
    return folder


def test_samples_stream_through_and_the_result_says_which_they_were(
    codesign: Run, own: Path
) -> None:
    write_cifar10(own)
    options = ("--workload", "my_network.yaml", "--images", "cifar10/train:.", "--json", "-")
    done = codesign("run", *options, "--samples", "12", "--seed", "3")
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout)
    assert summary["images"] == 12
    assert {"min", "low", "median", "high", "max"} < set(summary["spread"]["latency_s"])
    assert summary["provenance"]["samples"] == {
        "data set 1": {
            "set": "CIFAR-10",
            "split": "train",
            "size": 20,
            "samples": 12,
            "chosen": "at random, seed 3",
            "seed": 3,
        }
    }
    inputs = list(summary["provenance"]["input"].values())
    assert len({each["sha256"] for each in inputs}) == 12
    assert all(each["label"] in range(10) and each["class"] for each in inputs)
    assert str(own) not in done.stdout
    page = next(own.rglob("report.html")).read_text()
    assert "4, in summary.json" in page
    assert "CIFAR-10 train" in page


def test_the_same_sample_is_recorded_once_wherever_it_lies(codesign: Run, own: Path) -> None:
    for place in ("here", "there"):
        write_cifar10(own / place)
        done = codesign(
            *("count", "--workload", "my_network.yaml", "--json", "-"),
            *("--images", f"cifar10:{place}#2"),
        )
        assert done.returncode == 0, done.stderr
        told = json.loads(done.stdout)["provenance"]
        assert (told["input"]["class"], told["samples"]["data set 1"]["chosen"]) == (
            "horse",
            "by index",
        )


def test_recorded_events_run_through_a_network_of_events(codesign: Run, own: Path) -> None:
    write_gestures(own)
    done = codesign(
        *("run", "--workload", "event_network.yaml", "--json", "-"),
        *("--images", "dvsgesture/train/binary:DvsGesture", "--samples", "2"),
    )
    assert done.returncode == 0, done.stderr
    inputs = json.loads(done.stdout)["provenance"]["input"]
    assert [each["kind"] for each in inputs.values()] == ["recorded events"] * 2
    assert [each["class"] for each in inputs.values()] == ["hand clapping", "other gestures"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--images", "cifar11:."), "must be a known data set (got 'cifar11')"),
        (("--images", "cifar10:nowhere"), "must be a folder (got nothing of that name)"),
        (("--images", "cifar10:."), "must be CIFAR-10's folder"),
        (("--samples", "4"), "--samples 4: chooses among the samples of a data set"),
        (("--images", "astronaut", "--seed", "4"), "--seed 4: chooses among"),
    ],
)
def test_what_cannot_be_taken_is_told_in_one_line(
    codesign: Run, own: Path, options: tuple[str, ...], message: str
) -> None:
    done = codesign("run", "--workload", "my_network.yaml", *options)
    assert done.returncode == 2
    assert message in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr


def test_events_are_refused_by_a_network_of_pictures(codesign: Run, own: Path) -> None:
    write_gestures(own)
    done = codesign("run", "--workload", "fsnn18", "--images", "dvsgesture:DvsGesture")
    assert done.returncode == 2
    assert "must be a picture for this network (got recorded events)" in " ".join(
        done.stderr.split()
    )


def test_help_says_how_samples_are_named(codesign: Run) -> None:
    text = " ".join(codesign("run", "--help").stdout.replace("│", " ").split())
    assert "SET:FOLDER" in text
    for name in ("imagenet", "cifar10", "cifar100", "dvsgesture", "cifar10dvs", "mnist", "digits"):
        assert name in text


def test_counts_of_several_samples_name_each_of_them(codesign: Run, own: Path) -> None:
    write_cifar10(own)
    done = codesign(
        *("count", "--workload", "my_network.yaml", "--json", "-"),
        *("--images", "cifar10:.", "--samples", "3"),
    )
    assert done.returncode == 0, done.stderr
    inputs = json.loads(done.stdout)["provenance"]["input"]
    assert [each["index"] for each in inputs.values()] == [0, 2, 3]
    assert list(inputs) == ["image 1", "image 2", "image 3"]


def test_a_shipped_event_net_takes_recorded_events(codesign: Run, folder: Path) -> None:
    write_gestures(folder)
    options = ("--workload", "fsnn7b_small", "--images", "dvsgesture/train:.", "--samples", "2")
    done = codesign("run", "--arch", "paper", *options, "--json", "summary.json")
    assert done.returncode == 0, done.stderr
    assert "simulated" not in done.stdout
    summary = json.loads((folder / "summary.json").read_text())
    assert summary["images"] == 2
    assert "recorded events" in str(summary["provenance"]["input"])


def test_binary_frames_of_events_are_spikes_of_the_input(codesign: Run, folder: Path) -> None:
    write_gestures(folder)
    counts = {}
    for held in ("count", "binary"):
        name = f"dvsgesture/train/{held}:.#0"
        done = codesign("count", "-w", "fsnn7b_small", "--images", name, "--json", "-")
        assert done.returncode == 0, done.stderr
        summary = json.loads(done.stdout)
        counts[held] = summary["layers"][0]
    assert counts["count"]["mac"] > 0 == counts["count"]["ac_synaptic"]
    assert counts["binary"]["ac_synaptic"] > 0 == counts["binary"]["mac"]


def test_samples_may_be_listed_with_commas_and_are_told(codesign: Run, folder: Path) -> None:
    place = write_gestures(folder).name
    pair = f"dvsgesture/train:{place}#0,dvsgesture/train:{place}#1"
    done = codesign("count", "-w", "fsnn7b_small", "--images", pair, "--json", "counts.json")
    assert done.returncode == 0, done.stderr
    assert json.loads((folder / "counts.json").read_text())["images"] == 2
    assert "samples of DVS128 Gesture train, by index." in " ".join(done.stdout.split())


@pytest.mark.parametrize("option", ["--samples", "--seed"])
def test_a_sample_that_is_named_leaves_nothing_to_choose(
    codesign: Run, folder: Path, option: str
) -> None:
    name = f"dvsgesture/train:{write_gestures(folder)}#0"
    done = codesign("count", "-w", "fsnn7b_small", "--images", name, option, "3")
    assert done.returncode == 2
    assert "no whole one was named" in done.stderr
