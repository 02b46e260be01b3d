"""Trains the networks whose weights come with the program, and writes weights and cards.

Run it from the root of a checkout: `.venv/bin/python tools/train_networks.py [FOLDER] [NAME ...]`.
Trainings are kept in the folder, `build/training` if none is named, and continued there; two of
them run side by side. Weights of names that are not given stay as they are.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import torch
from safetensors.torch import load_file

from codesign.accuracy import right_answers
from codesign.datasets.packaged import open_packaged
from codesign.networks.construction import network_options, spiking_network
from codesign.networks.trained import FOLDER, save_trained, trained_name
from codesign.specs.catalogue import load_workload_spec, workload_names
from codesign.specs.workload import WorkloadSpec
from codesign.training import RECIPES

SEED = 0
AT_ONCE = 2
PENALTIES = {"dsnn_mnist_sparse": 4.0}
"""Weight of the mean firing rate in the loss, of networks that are trained to fire less."""


def trained_workloads() -> Iterator[WorkloadSpec]:
    """The shipped workloads that trained weights are named after."""
    for name in workload_names():
        spec = load_workload_spec(name)
        if isinstance(spec, WorkloadSpec) and trained_name(spec.weights) == name:
            yield spec


def train(spec: WorkloadSpec, folder: Path) -> None:
    """Trains a network by the command line that its card repeats."""
    assert spec.pictures is not None
    line = ["codesign", "train", "--workload", spec.name, "--data", spec.pictures.value]
    line += ["--seed", str(SEED), "--out", str(folder / spec.name)]
    if spec.name in PENALTIES:
        line += ["--rate-penalty", f"{PENALTIES[spec.name]:g}"]
    subprocess.run([sys.executable, "-m", *line], check=True)


def ship(spec: WorkloadSpec, folder: Path) -> str:
    """Puts a finished training's weights among those that ship; says what they reach there."""
    assert spec.pictures is not None
    network = spiking_network(**network_options(spec))
    network.load_state_dict(load_file(folder / spec.name / "weights.safetensors"))
    card = json.loads((folder / spec.name / "card.json").read_text("utf-8"))
    for key in ("seconds", "threads"):
        del card[key]
    card["recipe"]["sources"] = dict(RECIPES[spec.pictures.value].sources)
    card["accuracy_in_training"] = card.pop("accuracy")
    save_trained(network.eval(), FOLDER, spec.name, card)
    pictures = open_packaged(spec.pictures.value, "test")
    right = right_answers(spec, pictures)
    total = len(pictures)
    card["accuracy"] = {
        head: {"accuracy": count / total, "correct": count, "total": total}
        for head, count in right.items()
    }
    path = save_trained(network, FOLDER, spec.name, card)
    heads = ", ".join(f"{head} {count}" for head, count in right.items())
    return f"{spec.name}: {heads} of {total:,} right, {path.stat().st_size / 1024:.0f} KiB"


def main(arguments: list[str]) -> None:
    folder = Path(arguments[0]) if arguments else Path("build/training")
    chosen = [spec for spec in trained_workloads() if spec.name in (arguments[1:] or [spec.name])]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(lambda spec: train(spec, folder), chosen))
    torch.set_num_threads(1)
    for spec in chosen:
        print(ship(spec, folder), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
