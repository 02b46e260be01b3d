"""Prints what the command line costs, cold and warm, how long each part of a run takes, how the
simulation grows, what recording costs beside bare inference, how soon reports follow a hand, and
what training costs and reaches."""

import tempfile
from pathlib import Path

from tests.benchmarks.processes import Cost, cost
from tests.benchmarks.recording import recording_costs
from tests.benchmarks.samples import sample_costs
from tests.benchmarks.sweeps import print_sweeps

ARCHITECTURE = "split_core"
WORKLOAD = "dsnn50"
MAIN_JOB = ["run", "--arch", ARCHITECTURE, "--workload", WORKLOAD]
LARGE_JOB = ["run", "--workload", "dsnn152", "--set", "workload.timesteps=8"]
LARGE_JOB += ["--set", "schedule.order=timestep", "--out", "reports/large"]
"""A run of 125,598 jobs."""
COMMANDS = (
    ("--help", ["--help"]),
    ("list", ["list"]),
    ("the main job, cold", MAIN_JOB),
    ("the main job, warm", MAIN_JOB),
)


def print_commands(folder: Path) -> None:
    """Costs of whole commands; the main job's first run finds an empty cache."""
    print(f"main job: codesign {' '.join(MAIN_JOB)}\n")
    print(f"{'command':30} {'wall':>8} {'CPU':>8} {'peak':>9}  torch")
    for label, arguments in COMMANDS:
        print_cost(label, cost(arguments, folder))


def print_samples(folder: Path) -> None:
    """Costs of a small network on few and on many samples of a data set."""
    print(f"\n{'a small network on CIFAR-10':30} {'wall':>8} {'CPU':>8} {'peak':>9}  torch")
    for label, taken in sample_costs(folder):
        print_cost(label, taken)


def print_cost(label: str, taken: Cost) -> None:
    """One row of a table of commands."""
    print(
        f"{label:30} {taken.wall_s:6.2f} s {taken.cpu_s:6.2f} s "
        f"{taken.peak_bytes / 2**20:5.0f} MiB  {'' if taken.imported_torch else 'not '}imported"
    )


def print_parts(recording: Path) -> None:
    """Times of the parts of the main job behind its recording."""
    # Only now: a process starts with the peak memory of the one that it is started from, so that
    # this one must stay small while commands are measured.
    from tests.benchmarks.parts import part_times

    print(f"\n{'part of the main job':30} {'wall':>8}")
    for label, wall_s in part_times(recording, ARCHITECTURE):
        print(f"{label:30} {wall_s:6.2f} s")


def print_growth(recording: Path) -> None:
    """How the simulation grows with its jobs; at most linearly, with at most 12 events a job."""
    from tests.benchmarks.scaling import growths

    print(f"\n{'simulation':30} {'jobs':>8} {'wall':>8} {'per job':>9} {'events':>7} {'peak':>9}")
    for each in growths(recording, ARCHITECTURE):
        per_job_us = 1e6 * each.wall_s / each.jobs
        print(
            f"{each.label:30} {each.jobs:8,} {each.wall_s:6.2f} s {per_job_us:6.1f} us "
            f"{each.events_per_job:7.1f} {each.peak_bytes / 2**20:5.0f} MiB"
        )


def print_recording(pairs: int = 7) -> None:
    """What recording costs; it is meant to take at most 1.5 x the time and 2 x the memory."""
    print(f"\n{WORKLOAD}, {pairs} pairs     {'inference':>12} {'recording':>12} {'ratio':>8}")
    for quantity, costs in recording_costs(WORKLOAD, pairs).items():
        is_memory = quantity == "peak_bytes"
        size, unit = (2**20, "MiB") if is_memory else (1, "s")
        figures = (
            f"{figure / size:8.2f} {unit:>3}" for figure in (costs.inference, costs.recording)
        )
        print(f"{quantity:20} {' '.join(figures)} {costs.ratio:8.2f}")


def print_reports(folder: Path) -> None:
    """What the reports of the main job and of a large one cost their reader."""
    from tests.benchmarks.pages import print_head, print_page

    cost(LARGE_JOB, folder)
    print_head()
    print_page("main job", folder / "reports" / f"{WORKLOAD}_on_{ARCHITECTURE}" / "report.html")
    print_page("125,598 jobs", folder / "reports" / "large" / "report.html")


def main() -> None:
    """Measures in a temporary folder and prints the tables."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        print_samples(folder / "samples")
        print_commands(folder)
        (recording,) = (folder / "cache").glob("*.trace")
        print_parts(recording)
        print_growth(recording)
        print_reports(folder)
    print_recording()
    print_sweeps()
    from tests.benchmarks.training import print_training  # needs torch, see `print_parts`

    print_training()


if __name__ == "__main__":
    main()
