"""What training costs and reaches: digits and MNIST by the command line, and where a step goes.

Bars: the spike head of `dsnn_digits` at 97 % within 60 seconds of processor time, that of
`dsnn_mnist` at 96 % within 240, both as medians over seeds; the import of torch is included.
"""

import json
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import torch

from tests.benchmarks.processes import cost

T = TypeVar("T")

SEEDS = 5
JOBS = (("dsnn_digits", "digits", 0.97, 60), ("dsnn_mnist", "mnist", 0.96, 240))
"""Workload, data set, accuracy of the spike head, and CPU seconds."""


@dataclass(frozen=True)
class Trained:
    """One training.

    Attributes:
        wall_s: from the start of the process to its end.
        cpu_s: on all cores, user and system.
        accuracy: of each head on the test samples.
        firing_rate: of all neurons on them.
    """

    wall_s: float
    cpu_s: float
    accuracy: dict[str, float]
    firing_rate: float


def trained(workload: str, data: str, seed: int, folder: Path) -> Trained:
    """Trains by the command line, in a process of its own."""
    card = folder / f"{workload}_{seed}.json"
    arguments = ["train", "--workload", workload, "--data", data, "--seed", str(seed)]
    place = str(folder / f"{workload}_{seed}")
    taken = cost([*arguments, "--out", place, "--json", str(card)], folder)
    content = json.loads(card.read_text())
    accuracy = {head: reached["accuracy"] for head, reached in content["accuracy"].items()}
    return Trained(taken.wall_s, taken.cpu_s, accuracy, content["firing_rate"])


def step_parts(workload: str, data: str, steps: int = 20) -> list[tuple[str, float]]:
    """Milliseconds of each part of a step, on one thread."""
    from codesign.specs.catalogue import load_workload_spec
    from codesign.specs.workload import WorkloadSpec
    from codesign.training.data import open_data
    from codesign.training.firing import FiringRates
    from codesign.training.objective import Objective
    from codesign.training.optimisation import optimiser
    from codesign.training.options import Options, settings
    from codesign.training.order import augmentation, batches
    from codesign.training.training import initial_network

    torch.set_num_threads(1)
    spec = load_workload_spec(workload)
    assert isinstance(spec, WorkloadSpec)
    opened, how = open_data(spec, data), settings(Options(), data)
    network = initial_network(spec, opened, how).train()
    walk = optimiser(network, how.recipe)
    times: dict[str, list[float]] = {}

    def timed(label: str, part: Callable[[], T]) -> T:
        start = time.perf_counter()
        result = part()
        times.setdefault(label, []).append(1e3 * (time.perf_counter() - start))
        return result

    chosen = batches(len(opened.training), how.recipe.batch, seed=0, epoch=0)[:steps]
    changes = augmentation(how.recipe, len(opened.training), seed=0, epoch=0)
    feed = opened.training.batches(list(chosen), changes)
    with FiringRates(network) as firing:
        objective = Objective(network, firing)
        for _ in chosen:
            inputs, labels = timed("samples", lambda: next(feed))
            loss, _ = timed("forward", lambda i=inputs, y=labels: objective(i, y))
            timed("backward", lambda total=loss: total.backward())
            timed("optimiser", walk.step)
            walk.zero_grad()
    return [(label, statistics.median(values)) for label, values in times.items()]


def print_training(seeds: int = SEEDS) -> None:
    """Costs and accuracies of each job, their medians beside the bars, and the parts of a step."""
    print(f"\n{'training':16} {'seed':>6} {'wall':>8} {'CPU':>8} {'spike':>8} {'accum.':>8}  rate")
    with tempfile.TemporaryDirectory() as name:
        for workload, data, bar, cpu_bar_s in JOBS:
            runs = [trained(workload, data, seed, Path(name)) for seed in range(seeds)]
            for seed, run in enumerate(runs):
                _print_row(workload, str(seed), run)
            middle = Trained(
                statistics.median(run.wall_s for run in runs),
                statistics.median(run.cpu_s for run in runs),
                {
                    head: statistics.median(run.accuracy[head] for run in runs)
                    for head in runs[0].accuracy
                },
                statistics.median(run.firing_rate for run in runs),
            )
            _print_row(workload, "median", middle)
            print(f"{'':16} {'bar':>6} {'':>8} {cpu_bar_s:6.0f} s {100 * bar:6.2f} %")
    for workload, data, *_ in JOBS:
        parts = ", ".join(f"{label} {ms:.1f} ms" for label, ms in step_parts(workload, data))
        print(f"a step of {workload}: {parts}")


def _print_row(workload: str, seed: str, run: Trained) -> None:
    print(
        f"{workload:16} {seed:>6} {run.wall_s:6.1f} s {run.cpu_s:6.1f} s "
        f"{100 * run.accuracy['spike']:6.2f} % {100 * run.accuracy['accumulation']:6.2f} % "
        f"{run.firing_rate:5.3f}",
        flush=True,
    )


if __name__ == "__main__":
    print_training()
