"""Writes docs/comparison.md: three networks on the shipped chips, and what choices change.

Run it from the root of a checkout: `.venv/bin/python tools/compare_chips.py`. Recordings come from
the cache or are made.
"""

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from itertools import product
from pathlib import Path

from codesign.errors import CapacityError
from codesign.evaluation import evaluate
from codesign.pages.latency import bounds_data
from codesign.specs.catalogue import load_architecture, load_workload_spec
from codesign.trace_cache import recording
from codesign.units import si

WORKLOADS = ("fsnn50", "dsnn50", "sew50")
CHIPS = ("split_core", "unified_core", "spike_only")
CHOICES: dict[str, tuple[str, ...]] = {
    "as shipped": (),
    "order: timestep": ("schedule.order=timestep",),
    "order: pipeline": ("schedule.order=pipeline",),
    "4 timesteps a job": ("schedule.time_batch=4",),
    "by output channels": ("schedule.partition=output_channels",),
    "by rows": ("schedule.partition=rows",),
    "tiles by recorded work": ("schedule.assignment=balanced",),
    "zero-skipping": ("zero-skipping",),
    "integers repeated": ("policy.integer_input=repeat",),
    "integers bit by bit": ("policy.integer_input=bit_serial",),
    "all bit by bit": ("policy.bit_serial_layers=all",),
}
MAC_CORES = {"split_core": "accumulation", "unified_core": "unified"}
TARGET = Path("docs/comparison.md")

HEAD = """# The networks on the chips

Written by `tools/compare_chips.py`. One photograph, T = 4, weights calibrated to the paper's Table
2 and not trained: what depends on which integers and zeros occur (zero-skipping, repeated integers
of SEW) is an illustration. Latency, energy and EDP (energy x latency) are of one image alone; the
interval is that between images of a stream, with the energy of an image in it. The limit is the
nearest lower bound, and its share of the makespan.

Take differences of a few percent for none: see the known limits in the README.
"""

Row = tuple[str, str, str, list[str]]


def options(choice: str, chip: str) -> tuple[str, ...] | None:
    """What a choice sets on a chip; None if it means nothing there."""
    if choice == "zero-skipping":
        kind = MAC_CORES.get(chip)
        return None if kind is None else (f"cores.{kind}.mac.zero_skipping=true",)
    if chip == "spike_only":
        everything = () if choice == "as shipped" else CHOICES["all bit by bit"]
        return None if choice.startswith("integers") else (*CHOICES[choice], *everything)
    return None if choice == "all bit by bit" else CHOICES[choice]


def measured(case: tuple[str, str, str]) -> Row:
    """One network on one chip with one choice."""
    workload, chip, choice = case
    wanted = options(choice, chip)
    assert wanted is not None
    spec = load_workload_spec(workload)
    trace = recording(spec, spec.images[0], notice=print).trace
    try:
        summary = evaluate(trace, load_architecture(chip, wanted), has_timeline=False).summary
    except CapacityError:
        return workload, chip, choice, ["-", "-", "-", "-", "-", "refused: not spikes"]
    near = bounds_data(summary)[0]
    cells = [
        si(summary["latency_s"], "s"),
        si(summary["energy_pj"] * 1e-12, "J"),
        si(summary["edp_js"], "J s"),
        si(summary["interval_s"], "s"),
        si(summary["interval_energy_pj"] * 1e-12, "J"),
        f"{near.words}, {near.share:.0%}",
    ]
    return workload, chip, choice, cells


def lines(rows: Sequence[Row]) -> Iterator[str]:
    """The page."""
    yield HEAD
    for chip in CHIPS:
        yield f"## {chip}\n"
        yield "| network | choice | latency | energy | EDP | interval | its energy | limit |"
        yield "|---|---|---|---|---|---|---|---|"
        for workload, where, choice, cells in rows:
            if where == chip:
                yield f"| {workload} | {choice} | {' | '.join(cells)} |"
        yield ""
    yield (
        "As shipped, spike_only refuses layers that are no spikes, save the stem and the head;\n"
        "`codesign run` names them. The other rows let it compute all of them bit by bit."
    )


def main() -> None:
    cases = [
        case for case in product(WORKLOADS, CHIPS, CHOICES) if options(case[2], case[1]) is not None
    ]
    for workload in WORKLOADS:
        spec = load_workload_spec(workload)
        recording(spec, spec.images[0], notice=print)
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        rows = list(pool.map(measured, cases))
    TARGET.parent.mkdir(exist_ok=True)
    TARGET.write_text("\n".join(lines(rows)).rstrip() + "\n")
    print(f"{TARGET}: {len(rows)} rows")


if __name__ == "__main__":
    main()
