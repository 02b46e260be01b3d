"""What recording costs beside bare inference: time and memory of one network.

Each is measured in a process of its own, in turn, so that both of a pair see the same machine; the
ratio is taken within each pair. torch runs on one thread, whose time other work on the machine
disturbs least. Time is that of the one inference or recording, behind a first inference that warms
torch up. Memory is the peak from then on, weights and libraries included, as the kernel counts it
(the peak of the whole process where it cannot forget the peak before).
"""

import json
import os
import statistics
import subprocess
import sys
from dataclasses import dataclass

_PROGRAM = """
import json, resource, sys, time
import torch
from codesign.networks.construction import build
from codesign.pictures import load_picture
from codesign.recording import capture
from codesign.specs.catalogue import load_workload_spec
workload, mode = sys.argv[1:]
network = build(load_workload_spec(workload))
inputs = torch.from_numpy(load_picture("astronaut"))[None]
def inference():
    with torch.inference_mode():
        return network(inputs)
inference()
try:
    open("/proc/self/clear_refs", "w").write("5")
except OSError:
    pass
run = inference if mode == "inference" else lambda: capture(network, inputs)
wall, cpu = time.perf_counter(), time.process_time()
kept = run()
wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
try:
    (line,) = (line for line in open("/proc/self/status") if line.startswith("VmHWM"))
    peak = int(line.split()[1]) * 1024
except OSError:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps({"wall_s": wall, "cpu_s": cpu, "peak_bytes": peak}))
"""


@dataclass(frozen=True)
class Comparison:
    """Medians over pairs of processes.

    Attributes:
        inference: of the inferences.
        recording: of the recordings.
        ratio: of the ratios within each pair.
    """

    inference: float
    recording: float
    ratio: float


def recording_costs(workload: str, pairs: int) -> dict[str, Comparison]:
    """Compares `wall_s`, `cpu_s` and `peak_bytes` of an inference and of its recording."""
    measured = [
        (_measured(workload, "inference"), _measured(workload, "recording")) for _ in range(pairs)
    ]
    return {
        quantity: Comparison(
            statistics.median(bare[quantity] for bare, _ in measured),
            statistics.median(recorded[quantity] for _, recorded in measured),
            statistics.median(recorded[quantity] / bare[quantity] for bare, recorded in measured),
        )
        for quantity in ("wall_s", "cpu_s", "peak_bytes")
    }


def _measured(workload: str, mode: str) -> dict[str, float]:
    command = [sys.executable, "-c", _PROGRAM, workload, mode]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if done.returncode:
        sys.exit(f"{mode} of {workload} failed:\n{done.stderr}")
    measured: dict[str, float] = json.loads(done.stdout)
    return measured
