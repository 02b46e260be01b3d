"""A small sweep: spikes of three layers that were recorded elsewhere, on a chip of few cores."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from codesign.exploration.prospects import prospects
from codesign.exploration.recordings import record
from codesign.exploration.results import SweepResult
from codesign.exploration.running import Run
from codesign.exploration.space import DesignSpace
from codesign.exploration.store import store
from codesign.exploration.table import sweep_result
from codesign.exploration.workers import Workers
from codesign.specs.sweep import Simulate

WORKLOAD = """
name: little
description: three layers
timesteps: 2
inputs:
  - {name: events, shape: [2, 12, 12], kind: spike}
layers:
  - {name: conv, type: convolution, inputs: [events], channels: 16, kernel: 3, padding: 1}
  - {name: neurons, type: neuron, inputs: [conv], function: LIF}
  - {name: pool, type: average_pool, inputs: [neurons], kernel: 2}
  - {name: head, type: linear, inputs: [pool], features: 10}
  - {name: logits, type: time_mean, inputs: [head]}
recordings: [little.npz]
weights: random
source: "written for tests"
"""

SWEEP = """
name: little_sweep
description: cores and bandwidth
architectures: [split_core]
workloads: [little.yaml]
axes:
  - key: cores.spike.count
    values: [1, 2, 4, 8]
  - key: cores.accumulation.count
    values: [1, 2]
  - key: storage.dram.bandwidth
    range: {from: 6.4 GB/s, to: 25.6 GB/s, points: 3, scale: log}
objectives: [latency, energy, area]
"""

RANGE = "storage.dram.bandwidth\n    range: {from: 6.4 GB/s, to: 25.6 GB/s, points: 3, scale: log}"
"""The text of the last axis."""

Write = Callable[..., Path]


def silent(_stage: str, _done: int, _total: int) -> None:
    """Nobody looks."""


def swept(
    space: DesignSpace, workers: Workers, folder: Path, simulate: Simulate
) -> tuple[SweepResult, int]:
    """What a sweep finds with a store in a folder, and how many rows were computed for it."""
    recordings = record(space, progress=silent, notice=print)
    found = list(prospects(space, recordings))
    with store(folder) as kept:
        run = Run(space, workers, kept, silent, simulate)
        run.floors(found)
        run.simulations(found)
        return sweep_result(space, found, recordings, simulate, kept), len(run.seconds)


@pytest.fixture
def sweep_file(tmp_path: Path) -> Write:
    """A function that writes the sweep, with text replaced, beside its workload."""
    random = np.random.default_rng(0)
    np.savez(
        tmp_path / "little.npz",
        events=random.random((2, 2, 12, 12)) < 0.2,
        neurons=random.random((2, 16, 12, 12)) < 0.2,
        pool=random.random((2, 16, 6, 6)) < 0.5,
    )
    (tmp_path / "little.yaml").write_text(WORKLOAD)

    def write(*changes: tuple[str, str]) -> Path:
        text = SWEEP
        for old, new in changes:
            assert old in text, f"nothing to replace: {old}"
            text = text.replace(old, new)
        path = tmp_path / "little_sweep.yaml"
        path.write_text(text)
        return path

    return write
