"""What a sweep costs: how well it uses the cores, what it adds to simulating, how many floors a
second there are, and whether memory grows with the number of points."""

import json
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from codesign.exploration.exploring import explore
from codesign.exploration.rows import peak_bytes
from codesign.exploration.space import design_space
from codesign.exploration.workers import Pool
from codesign.specs.sweep import Simulate

_POINTS = """
name: benchmark
description: points of one network
architectures: [split_core]
workloads: [{workload}]
axes:
  - key: cores.spike.count
    range: {{from: 4, to: 32}}
  - key: cores.accumulation.count
    range: {{from: 1, to: 8}}
  - key: storage.dram.bandwidth
    range: {{from: 6.4 GB/s, to: 51.2 GB/s, scale: log}}
  - key: storage.dram.energy
    range: {{from: 4 pJ/b, to: 12 pJ/b}}
sampling: {{method: latin_hypercube, points: {points}, seed: 1}}
"""


@dataclass(frozen=True)
class SweepCost:
    """Of one sweep.

    Attributes:
        wall_s: from its file to its table.
        simulating_s: all that workers spent on points.
        workers: how many there were.
        parent_bytes, worker_bytes: largest memory of the program and of any worker.
    """

    wall_s: float
    simulating_s: float
    workers: int
    parent_bytes: int
    worker_bytes: int

    @property
    def overhead(self) -> float:
        """The share of all workers' time in which none of them simulated."""
        return 1 - self.simulating_s / (self.wall_s * self.workers)


def measured(workload: str, points: int, workers: int, simulate: Simulate) -> SweepCost:
    """The cost of a sweep in this process, which has done nothing else."""
    with tempfile.TemporaryDirectory() as name:
        file = Path(name) / "benchmark.yaml"
        file.write_text(_POINTS.format(workload=workload, points=points))
        start = time.perf_counter()
        pool = Pool(workers)
        try:
            explored = explore(design_space(file), Path(name) / "out", pool, simulate=simulate)
        finally:
            pool.close()
        wall_s = time.perf_counter() - start
    assert len(explored.result.points) == points
    return SweepCost(
        wall_s, sum(explored.seconds), workers, peak_bytes() or 0, explored.worker_bytes
    )


def cost(workload: str, points: int, workers: int, simulate: Simulate = Simulate.ALL) -> SweepCost:
    """The cost of a sweep in a process of its own."""
    arguments = [workload, str(points), str(workers), str(simulate)]
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.sweeps", *arguments],
        stdout=subprocess.PIPE,
        check=True,
    )
    return SweepCost(**json.loads(done.stdout))


def print_sweeps() -> None:
    """The table."""
    head = ("wall", "simulating", "overhead", "program", "worker")
    widths = zip(head, (9, 11, 9, 9, 9), strict=True)
    print(f"\n{'sweep':34} " + " ".join(f"{word:>{width}}" for word, width in widths))
    one, two = (cost("dsnn18", 400, workers) for workers in (1, 2))
    _print("dsnn18, 400 points, 1 worker", one)
    _print("dsnn18, 400 points, 2 workers", two)
    print(f"speed-up {one.wall_s / two.wall_s:.2f}")
    _print("dsnn18, 10,000 points, floors", cost("dsnn18", 10_000, 2, Simulate.NONE))
    for points in (100, 1_000):
        _print(f"fsnn7b_small, {points:,} points", cost("fsnn7b_small", points, 2))


def _print(label: str, taken: SweepCost) -> None:
    overhead = f"{taken.overhead:9.1%}" if taken.simulating_s else f"{'-':>9}"
    print(
        f"{label:34} {taken.wall_s:7.1f} s {taken.simulating_s:9.1f} s {overhead} "
        f"{taken.parent_bytes / 2**20:5.0f} MiB {taken.worker_bytes / 2**20:5.0f} MiB",
        flush=True,
    )


if __name__ == "__main__":
    if len(sys.argv) == 1:
        print_sweeps()
    else:
        network, points, workers, simulate = sys.argv[1:]
        print(json.dumps(asdict(measured(network, int(points), int(workers), Simulate(simulate)))))
