"""How the simulation grows: with the number of jobs, and on a mesh of 1,024 cores."""

import time
import tracemalloc
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from codesign.chip import simulate
from codesign.mapping import Jobs, arrange, map_workload, measure
from codesign.specs.architecture import Architecture, Noc
from codesign.specs.catalogue import load_architecture
from codesign.trace_files import load_trace

IMAGES = (1, 2, 4, 8)


@dataclass(frozen=True)
class Growth:
    """One simulation: what it was, its jobs, seconds, kernel events a job, and peak memory."""

    label: str
    jobs: int
    wall_s: float
    events_per_job: float
    peak_bytes: int


def growths(recording: Path, architecture_name: str) -> Iterator[Growth]:
    """Streams of more and more images, then one image on a mesh of 1,024 cores."""
    trace = load_trace(recording)
    architecture = load_architecture(architecture_name)
    mapping = map_workload(trace.workload, architecture)
    measured = measure(mapping, trace)
    for images in IMAGES:
        yield _simulated(f"{images} images", architecture, arrange(mapping, measured, images))
    mesh = mesh_of_1024(architecture_name)
    mapping = map_workload(trace.workload, mesh)
    yield _simulated("1,024 cores on a mesh", mesh, arrange(mapping, measure(mapping, trace)))


def mesh_of_1024(architecture_name: str) -> Architecture:
    """The chip with 960 spike and 64 accumulation cores on 32 x 32 nodes."""
    noc = {
        **{"topology": "mesh", "columns": 32, "rows": 32, "storage": "edge", "link": "128 bit"},
        **{"hop_latency": 1, "hop": "0.05 pJ/b", "multicast": True, "spikes": "bitmap"},
        **{"leakage": "1 mW", "area": "1 mm2", "source": "assumed, because a benchmark"},
    }
    counts = ("cores.spike.count=960", "cores.accumulation.count=64")
    chip = load_architecture(architecture_name, counts)
    return chip.model_copy(update={"noc": Noc.model_validate(noc)})


def _simulated(label: str, architecture: Architecture, jobs: Jobs) -> Growth:
    start = time.perf_counter()
    schedule = simulate(architecture, jobs)
    wall_s = time.perf_counter() - start
    tracemalloc.start()  # a second run, because tracing memory takes time
    simulate(architecture, jobs)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return Growth(label, len(jobs), wall_s, schedule.events / len(jobs), peak)
