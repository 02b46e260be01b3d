"""The schedule: when everything happened, as integer tables.

What each core did in each cycle from 0 to the makespan is put together from recorded intervals:
computing as started, stalls as charged, idleness only after a core's last job. That they tile
the makespan without gap or overlap is a law of the tests, not a subtraction made here.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from codesign.mapping.jobs import Jobs, Stage
from codesign.results import OCCUPANCY_COLUMNS, TIMELINE_COLUMNS


@dataclass(frozen=True)
class Moments:
    """When each job came to each point of its way, as cycles, in the order of `Jobs`.

    Attributes:
        placed: it has a place in the input memory.
        fetched: its weights are in the weight buffer.
        weighted: they are in the core.
        ready: what it reads is stored.
        passed: the barrier in front of it is open.
        alone: it may load its input beside the job before.
        loaded: its input is there.
        roomed: its result has room.
        asked: for each block of weights, when it joined the line of the DRAM.
        shared: by (job, kind of transfer) that joined another's transfer, whose it was.
    """

    placed: NDArray[np.int64]
    fetched: NDArray[np.int64]
    weighted: NDArray[np.int64]
    ready: NDArray[np.int64]
    passed: NDArray[np.int64]
    alone: NDArray[np.int64]
    loaded: NDArray[np.int64]
    roomed: NDArray[np.int64]
    asked: NDArray[np.int64]
    shared: dict[tuple[int, int], tuple[int, int]]


@dataclass(frozen=True)
class Schedule:
    """What the simulation found.

    Attributes:
        makespan_cycles: from the first to the last event.
        started: first cycle of each job's computing, in the order of `Jobs`.
        stored: cycle in which each job's result was stored, in the order of `Jobs`.
        stalls: a row for each wait of a core: `core`, `state`, `start_cycle`, `end_cycle`.
        transfers: a row for each resource of each transfer: `resource`, `layer`, `timestep`,
            `tile`, `start_cycle`, `end_cycle`, `job`, `kind` (place in
            `codesign.mapping.jobs.TRANSFERS`), `is_link`, `is_vertical`; a fetch of weights has
            timestep -1 and the block as tile and job.
        events: events that the kernel processed.
        moments: of every job.
    """

    makespan_cycles: int
    started: NDArray[np.int64]
    stored: NDArray[np.int64]
    stalls: pd.DataFrame
    transfers: pd.DataFrame
    events: int
    moments: Moments

    def completed(self, jobs: Jobs) -> NDArray[np.int64]:
        """The cycle in which the last job of each image was stored."""
        images = np.array([stage.image for stage in jobs.stages])[jobs.columns["stage"]]
        ends = np.zeros(int(images.max(initial=0)) + 1, dtype=np.int64)
        np.maximum.at(ends, images, self.stored)
        return ends

    @property
    def links(self) -> pd.DataFrame:
        """The transfers' rows of links of the NoC."""
        rows: pd.DataFrame = self.transfers[self.transfers["is_link"]]
        return rows

    def moved(self, memory: str, job_count: int) -> NDArray[np.int64]:
        """For each job how many transfers it had at a memory; one that was shared is of one job."""
        rows = self.transfers[self.transfers["resource"].str.startswith(f"{memory}[")]
        moved: NDArray[np.int64] = np.bincount(rows["job"], minlength=job_count)
        return moved


def busy_intervals(jobs: Jobs, schedule: Schedule) -> pd.DataFrame:
    """Computing of every job, cut into its states.

    A job scans alone for as long as scanning takes longer than accumulating (its scanner has
    then nothing to feed), accumulates, and updates its neurons. A job without any work holds
    its core for the one cycle that a job lasts at least.
    """
    columns = jobs.columns
    scan = np.maximum(columns["scan_cycles"] - columns["accumulate_cycles"], 0)
    neuron = columns["neuron_cycles"]
    accumulate = jobs.compute_cycles() - scan - neuron
    frames = []
    start = schedule.started
    for state, cycles in (("scan", scan), ("accumulate", accumulate), ("neuron", neuron)):
        frame = pd.DataFrame(
            {
                "core": columns["core"],
                "layer": columns["layer"],
                "timestep": columns["timestep"],
                "tile": columns["tile"],
                "state": state,
                "start_cycle": start,
                "end_cycle": start + cycles,
            }
        )
        frames.append(frame[cycles > 0])
        start = start + cycles
    return pd.concat(frames, ignore_index=True)


def idle_intervals(jobs: Jobs, schedule: Schedule) -> pd.DataFrame:
    """From the end of a core's last job to the makespan; all of it for a core without jobs."""
    ends = np.zeros(len(jobs.core_names), dtype=np.int64)
    np.maximum.at(ends, jobs.columns["core"], schedule.started + jobs.compute_cycles())
    frame = pd.DataFrame(
        {
            "core": np.arange(len(ends)),
            "state": "idle",
            "start_cycle": ends,
            "end_cycle": schedule.makespan_cycles,
        }
    )
    unfinished: pd.DataFrame = frame[ends < schedule.makespan_cycles]
    return unfinished


def occupancy(jobs: Jobs, schedule: Schedule) -> pd.DataFrame:
    """Cycles of every core by state; columns as in `codesign.results.Result.occupancy`."""
    parts = [busy_intervals(jobs, schedule), schedule.stalls, idle_intervals(jobs, schedule)]
    rows = pd.concat(
        [part[["core", "state", "start_cycle", "end_cycle"]] for part in parts], ignore_index=True
    )
    rows["cycles"] = rows.end_cycle - rows.start_cycle
    sums: pd.DataFrame = rows.groupby(["core", "state"])[["cycles"]].sum().reset_index()
    names, kinds = np.array(jobs.core_names), np.array(jobs.core_groups)
    sums["kind"] = kinds[sums["core"]]
    sums["core"] = names[sums["core"]]
    return sums.loc[:, OCCUPANCY_COLUMNS]


def joins(jobs: Jobs, schedule: Schedule) -> pd.DataFrame:
    """What meets where streams or branches do; columns as in `codesign.results.Result.flows`.

    A join is a stage that needs those of two or more other layers. Of each of these the job that
    was stored last meets the first that was computed of its own.
    """
    stage = jobs.columns["stage"]
    by_storing = np.argsort(schedule.stored, kind="stable")
    by_starting = np.argsort(-schedule.started, kind="stable")
    last, first = (np.full(len(jobs.stages), -1, dtype=np.int64) for _ in range(2))
    last[stage[by_storing]] = by_storing  # the last one that is written stays
    first[stage[by_starting]] = by_starting
    pairs = [
        (number, need)
        for number, each in enumerate(jobs.stages)
        if first[number] >= 0
        for need in _meeting(each, jobs.stages)
        if last[need] >= 0
    ]
    ends = np.array(pairs, dtype=np.int64).reshape(-1, 2)
    makers, readers = last[ends[:, 1]], first[ends[:, 0]]
    cores = np.array(jobs.core_names)
    return pd.DataFrame(
        {
            "layer": np.array(jobs.layer_names)[jobs.columns["layer"][readers]],
            "timestep": jobs.columns["timestep"][readers],
            "from_core": cores[jobs.columns["core"][makers]],
            "from_cycle": schedule.started[makers],
            "to_core": cores[jobs.columns["core"][readers]],
            "to_cycle": schedule.started[readers],
        }
    )


def _meeting(stage: Stage, stages: Sequence[Stage]) -> list[int]:
    """Stages of other layers that a stage needs, if there is more than one such layer."""
    others = [need for need in stage.needs if stages[need].layer != stage.layer]
    return others if len({stages[need].layer for need in others}) > 1 else []


def timeline(jobs: Jobs, schedule: Schedule) -> pd.DataFrame:
    """All that happened; columns as in `codesign.results.Result.timeline`."""
    busy = busy_intervals(jobs, schedule)
    busy["resource"] = np.array(jobs.core_names)[busy["core"]]
    rows = pd.concat([busy.drop(columns="core"), schedule.transfers.assign(state="transfer")])
    rows["stream"] = np.array(jobs.layer_streams)[rows["layer"]]
    rows["layer"] = np.array(jobs.layer_names)[rows["layer"]]
    return rows[TIMELINE_COLUMNS].sort_values(
        ["resource", "start_cycle"], kind="stable", ignore_index=True
    )
