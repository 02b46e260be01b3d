"""Writes docs/training.md: whether dual-stream training helps, measured on scikit-learn's digits.

Run it from the root of a checkout: `.venv/bin/python tools/depth_experiment.py [FOLDER]`. Every
training is a file in the folder (`build/depth` if none is named), so that a run goes on where
another was stopped; remove the folder when the program has changed. All rows are then written to
docs/training.json, and what follows from them: docs/training.md, its figures in docs/training/, and
in the folder rows.parquet and page.html, where the figures can be pointed into.

`--written` measures nothing: it reads docs/training.json and writes again what follows from it.
`--quick` takes two minutes, trains hardly anything, and writes everything into the folder alone.
Figures that are not current need kaleido and a Chromium.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

os.environ["OMP_NUM_THREADS"] = "1"  # before numpy: processes share two cores

from depth_document import write_document
from depth_measures import START, TRAINING, Case, Size, measure
from depth_results_page import results_page
from depth_rows import BY_DEPTH, Rows, table

from codesign.errors import Fault, InputError
from codesign.pages.document import write_page
from codesign.whole_files import write_whole

PROCESSES = 2
LOGIC = ("iand", "and", "or", "xor")
TARGET = Path("docs/training.md")


@dataclass(frozen=True)
class Plan:
    """What is measured.

    Attributes:
        size: of networks and trainings.
        depths: in blocks; every g is trained at the middle one.
        seeds: of each training by depth.
        fewer_seeds: of each training by g, and of what is measured before training.
        start_depth: blocks of what is measured before training.
    """

    size: Size
    depths: tuple[int, ...]
    seeds: int
    fewer_seeds: int
    start_depth: int

    def cases(self) -> list[Case]:
        """All rows: seed by seed, so that an unfinished folder is even."""
        cases = [self._start(*pair, seed) for seed in range(self.fewer_seeds) for pair in _STARTS]
        for seed in range(self.seeds):
            for depth in self.depths:
                cases += [Case(TRAINING, way, g, depth, seed) for way, g in BY_DEPTH.items()]
            if seed < self.fewer_seeds:
                cases += [
                    Case(TRAINING, way, g, self.middle, seed, is_identity)
                    for g, is_identity in _BY_CONNECTION
                    for way in ("single", "dual")
                ]
        return cases

    @property
    def middle(self) -> int:
        """The depth at which g is varied."""
        return self.depths[len(self.depths) // 2]

    def _start(self, way: str, g: str | None, is_identity: bool, seed: int) -> Case:
        return Case(START, way, g, self.start_depth, seed, is_identity)

    def has_map(self, case: Case) -> bool:
        """Whether its features are shown on a plane."""
        is_shown = case.way in ("single", "dual") and case.connection == "iand"
        return is_shown and (case.kind, case.depth, case.seed) == (TRAINING, self.depths[-1], 0)


_BY_CONNECTION = (("and", False), ("and", True), ("or", False), ("xor", False))
_STARTS = [
    (way, g, is_identity)
    for way, g in (*(("dual", g) for g in LOGIC), ("sew", "add"), ("td_bn", None))
    for is_identity in (False, True)
]
FULL = Plan(Size(16, 4, 8, 32), (4, 10, 20), seeds=5, fewer_seeds=3, start_depth=24)
"""24 blocks of two layers, the first layer and the last are 50 layers, as the paper's."""
QUICK = Plan(Size(4, 2, 1, 64), (3, 4, 6), seeds=2, fewer_seeds=1, start_depth=6)


def rows(plan: Plan, folder: Path) -> list[dict[str, Any]]:
    """All rows of a plan; those that the folder lacks are measured."""
    folder.mkdir(parents=True, exist_ok=True)
    cases = plan.cases()
    found = {case: kept(plan, case, folder) for case in cases}
    lacking = [case for case in cases if found[case] is None]
    print(f"{folder}: {len(cases) - len(lacking)} of {len(cases)} rows are there")
    begun, spent = time.monotonic(), 0.0
    with _pool() as pool:
        waiting = {
            pool.submit(measure, case, plan.size, has_map=plan.has_map(case)): case
            for case in lacking
        }
        for number, done in enumerate(as_completed(waiting), start=1):
            case = waiting[done]
            row = found[case] = done.result()
            write_whole(folder / f"{case.name}.json", json.dumps(row).encode())
            spent += row["cpu_seconds"]
            words = f"{number} of {len(lacking)}, {time.monotonic() - begun:.0f} s"
            print(f"{words}, {spent:.0f} s of processors: {case.name}", flush=True)
    return [row for row in found.values() if row is not None]


@contextmanager
def _pool() -> Iterator[ProcessPoolExecutor]:
    """Processes that, after an error, begin nothing that nobody waits for."""
    pool = ProcessPoolExecutor(PROCESSES, mp_context=get_context("spawn"))
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


def kept(plan: Plan, case: Case, folder: Path) -> dict[str, Any] | None:
    """The row that a folder holds of a case, if it is of the same size."""
    try:
        row: dict[str, Any] = json.loads((folder / f"{case.name}.json").read_text())
    except (OSError, ValueError):  # none, or not whole: it is measured
        return None
    wanted = {"case": asdict(case), "size": asdict(plan.size), "has_map": plan.has_map(case)}
    return row if {key: row.get(key) for key in wanted} == wanted else None


def written(store: Path) -> Rows:
    """The rows that a file holds.

    Raises:
        InputError: it cannot be read as rows.
    """
    try:
        found: Rows = json.loads(store.read_text("utf-8"))
    except (OSError, ValueError) as error:
        problem = f"must be the rows of an experiment ({error})."
        fix = "Run tools/depth_experiment.py without --written."
        raise InputError(Fault(str(store), problem, fix)) from error
    return found


def write_results(measured: Rows, target: Path, folder: Path) -> None:
    """Writes what follows from rows; the document last, whose figures may need a browser.

    Raises:
        InputError: a file cannot be written, or a figure that is not current cannot be drawn.
    """
    folder.mkdir(parents=True, exist_ok=True)
    table(measured).to_parquet(folder / "rows.parquet")
    write_page(results_page(measured), folder / "page.html")
    write_document(measured, target)
    print(f"{folder / 'rows.parquet'}, {folder / 'page.html'}, {target}")


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path)
    kind = parser.add_mutually_exclusive_group()
    kind.add_argument("--quick", action="store_true", help="two minutes, and no answer")
    kind.add_argument("--written", action="store_true", help="from docs/training.json alone")
    given = parser.parse_args(arguments)
    plan, usual = (QUICK, "build/depth_quick") if given.quick else (FULL, "build/depth")
    folder = given.folder or Path(usual)
    target = folder / TARGET.name if given.quick else TARGET
    store = target.with_suffix(".json")
    try:
        if not given.written:
            measured = rows(plan, folder / "rows")
            write_whole(store, (json.dumps(measured, separators=(",", ":")) + "\n").encode())
        write_results(written(store), target, folder)
    except InputError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main(sys.argv[1:])
