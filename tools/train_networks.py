"""Trains the networks whose weights come with the program, and writes weights and cards.

Run it from the root of a checkout: `.venv/bin/python tools/train_networks.py [FOLDER] [NAME ...]`.
Trainings are kept in the folder, `build/training` if none is named, and continued there; two of
them run side by side. Weights of names that are not given stay as they are.
"""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from codesign.networks.trained import FOLDER, OWN, trained_name
from codesign.specs.catalogue import load_workload_spec, workload_names
from codesign.specs.workload import WorkloadSpec

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
    weights, card = (folder / spec.name / f"{OWN}.{ending}" for ending in ("safetensors", "json"))
    said = json.loads(card.read_text("utf-8"))
    for key in ("seconds", "threads"):  # of one machine
        del said[key]
    (FOLDER / f"{spec.name}.json").write_text(json.dumps(said, indent=2) + "\n", "utf-8")
    shutil.copyfile(weights, FOLDER / f"{spec.name}.safetensors")
    heads = ", ".join(
        f"{head} {reached['correct']} of {reached['total']:,}"
        for head, reached in said["accuracy"].items()
    )
    return f"{spec.name}: {heads} right, {weights.stat().st_size / 1024:.0f} KiB"


def main(arguments: list[str]) -> None:
    folder = Path(arguments[0]) if arguments else Path("build/training")
    chosen = [spec for spec in trained_workloads() if spec.name in (arguments[1:] or [spec.name])]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(lambda spec: train(spec, folder), chosen))
    for spec in chosen:
        print(ship(spec, folder), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
