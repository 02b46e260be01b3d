"""Chains: how much time must pass before a stage can begin, and behind it, whatever is mapped how.

A stage is a fused layer at one step. None of its jobs loads its input before all jobs of the stages
that it needs are stored (`codesign.mapping.stages`, `codesign.chip.gates`). So it takes at least a
transfer of its input, the work of its jobs over all cores that can do it, and a transfer of its
result, one after the other: the core that computes last stores last, and the job that it stores
belongs to the last chunk of a tile or sends its sums.

Left out: barriers, the time that transfers take beyond a cycle and the DRAM's latency, and that
steps of a tile follow each other on one core.
"""

from dataclasses import dataclass

import numpy as np

from codesign.chip.transfers import chip_parts, latency_cycles
from codesign.floors.asked import Asked
from codesign.floors.groups import Numbers
from codesign.specs.architecture import Architecture


@dataclass(frozen=True)
class Chains:
    """Cycles around the computing of each stage, `(layers, steps)`.

    Attributes:
        before: from the start to the first moment at which a job can be computed.
        behind: from the end of its last job's computing to the end.
        longest: the longest chain.
    """

    before: Numbers
    behind: Numbers
    longest: float


def chains_of(wanted: Asked, architecture: Architecture, work: Numbers) -> Chains:
    """The chains through all stages.

    Args:
        wanted: what needs what.
        architecture: the chip.
        work: cycles of each stage on all cores that can do it, `(layers, steps)`.
    """
    loading, storing = _transfers(wanted, architecture)
    durations = (loading + work + np.array(storing)[:, None]).tolist()
    ready, behind = paths(wanted, durations)
    before, after = np.array(ready) + loading, np.array(behind) + np.array(storing)[:, None]
    exists = np.arange(work.shape[1]) < np.array(wanted.steps)[:, None]
    longest = float(np.where(exists, before + work + after, 0.0).max())
    return Chains(before, after, longest)


def _transfers(wanted: Asked, architecture: Architecture) -> tuple[Numbers, list[int]]:
    """The least cycles of loading, by layer and step, and of storing, by layer."""
    technology, storage = chip_parts(architecture)
    latency = latency_cycles(storage.dram.latency_ns, technology)
    loads = np.array(wanted.always_loads, dtype=np.float64)[:, None]
    loading = loads * (1 + latency * (wanted.outside_bits > 0))
    return loading, list(map(int, wanted.stores))


Times = list[list[float]]


def paths(wanted: Asked, durations: Times) -> tuple[Times, Times]:
    """The longest way to each stage, and behind it, without itself."""
    return _ready(wanted, durations), _after(wanted, durations)


def _ready(wanted: Asked, durations: Times) -> Times:
    """When all that a stage needs can be stored at the earliest."""
    ends: Times = []
    ready: Times = []
    for needs, lasts, steps in zip(wanted.needs, durations, wanted.steps, strict=True):
        begin = [0.0] * len(lasts)
        for maker, is_all in needs:
            made = wanted.steps[maker]
            if is_all or made == 1:
                latest = max(ends[maker][:made]) if is_all else ends[maker][0]
                begin = [max(each, latest) for each in begin]
            else:
                begin = list(map(max, begin, ends[maker]))
        ready.append(begin)
        ends.append([sum(pair) for pair in zip(begin[:steps], lasts[:steps], strict=True)])
        ends[-1] += [0.0] * (len(lasts) - steps)
    return ready


def _after(wanted: Asked, durations: Times) -> Times:
    """How long what needs a stage takes behind it at least."""
    count = len(durations[0])
    after = [[0.0] * count for _ in durations]
    for layer in reversed(range(len(durations))):
        whole = list(map(sum, zip(durations[layer], after[layer], strict=True)))
        steps = wanted.steps[layer]
        for maker, is_all in wanted.needs[layer]:
            made = wanted.steps[maker]
            behind = after[maker]
            if is_all:
                behind[:made] = [max(each, whole[0]) for each in behind[:made]]
            elif made == 1:
                behind[0] = max(behind[0], *whole[:steps])
            else:
                behind[:steps] = list(map(max, behind[:steps], whole[:steps]))
    return after
