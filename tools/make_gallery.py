"""Writes reports/gallery/: figures and summaries of a few runs, and the page that shows them.

Run it from the root of a checkout: `.venv/bin/python tools/make_gallery.py` (or `make gallery`).
It needs kaleido and a Chromium for figures that are not current; `--check` needs neither, writes
nothing, and ends with status 1 if anything of the gallery is not what the program gives now.
"""

import argparse
import json
import math
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from vector_figures import stale_drawings, write_drawings

from codesign.combination import combine
from codesign.evaluation import evaluate
from codesign.pages.compare_report import compare_page
from codesign.pages.content import Page, Picture
from codesign.pages.run_report import run_page
from codesign.results import Result
from codesign.specs.architecture import Architecture, Noc
from codesign.specs.catalogue import load_architecture, load_workload_spec
from codesign.trace_cache import recording

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "reports" / "gallery"
LARGEST_BYTES = 1_000_000

HEAD = """# Gallery

Figures of reports, written by `make gallery`. Every report has these figures and more, to point
into and to zoom; `codesign report FOLDER --figures svg` writes those of a run.

The weights are calibrated to the operation counts and energies that arXiv 2301.11929 prints, and
not trained; the input is one photograph, or events that are simulated from it.
"""


@dataclass(frozen=True)
class Exhibit:
    """Some figures of one page.

    Attributes:
        name: of its folder.
        command: what makes the page.
        text: what it shows.
        runs: workload, chip and what is set in its file.
        figures: names of the figures, in order.
    """

    name: str
    command: str
    text: str
    runs: tuple[tuple[str, str, tuple[str, ...]], ...]
    figures: tuple[str, ...]


EXHIBITS = (
    Exhibit(
        "dsnn50_on_split_core",
        "codesign run --arch split_core --workload dsnn50",
        "A dual-stream ResNet-50 on 16 spike cores and 4 accumulation cores.",
        (("dsnn50", "split_core", ()),),
        ("energy-tree", "energy-layers", "timeline", "firing-rates"),
    ),
    Exhibit(
        "accumulation_pathway",
        "codesign compare --arch split_core,unified_core --workloads fsnn50,dsnn50",
        "What the accumulation pathway costs, on a chip with both kinds of cores and on one whose "
        "cores do both.",
        tuple(
            (workload, name, ())
            for name in ("split_core", "unified_core")
            for workload in ("fsnn50", "dsnn50")
        ),
        ("relative", "pareto", "pathway-components", "pathway-layers-1"),
    ),
    Exhibit(
        "fsnn18_on_mesh",
        "codesign run --arch my_chip.yaml --workload fsnn18",
        "The chip `split_core` with the NoC of `examples/own_chip/noc.yaml` and a fifth row: the "
        "links beside the memories are the busiest ones.",
        (("fsnn18", "mesh", ()),),
        ("noc",),
    ),
    Exhibit(
        "fsnn7b_small_on_loihi_like",
        "codesign run --arch loihi_like --workload fsnn7b_small "
        "--set messages.columns=14 messages.rows=10",
        "Message-driven cores: each link carries the spikes of the populations behind it.",
        (("fsnn7b_small", "loihi_like", ("messages.columns=14", "messages.rows=10")),),
        ("noc",),
    ),
)


def chip(name: str, changes: Sequence[str]) -> Architecture:
    """A shipped chip, or `mesh`."""
    if name != "mesh":
        return load_architecture(name, list(changes))
    example = YAML(typ="safe").load(ROOT / "examples" / "own_chip" / "noc.yaml")["noc"]
    noc = Noc.model_validate(example | {"rows": 5})
    return load_architecture("split_core").model_copy(
        update={"name": "split_core_mesh", "noc": noc}
    )


def ran(workload: str, name: str, changes: Sequence[str]) -> Result:
    """The result that `codesign run` gives."""
    spec = load_workload_spec(workload)
    trace = recording(spec, spec.images[0], notice=print).trace
    result = combine([evaluate(trace, chip(name, changes))])
    return replace(result, summary=result.summary | {"changes": list(changes)})


def pictures(page: Page, names: Sequence[str]) -> list[Picture]:
    known = {each.name: each for section in page.sections for each in section.shown_pictures}
    return [known[name] for name in names]


def page_text(exhibits: Sequence[tuple[Exhibit, Page, list[str]]]) -> str:
    """The page that shows all exhibits."""
    parts = [HEAD]
    for exhibit, page, summaries in exhibits:
        parts.append(f"## {page.title}\n\n{exhibit.text}\n\n```sh\n{exhibit.command}\n```\n")
        parts.append("\n\n".join([*page.statements, *page.lead]) + "\n")
        for picture in pictures(page, exhibit.figures):
            path = f"{exhibit.name}/{picture.name}.svg"
            image = f'<img src="{path}" alt="{picture.title}" width="720">'
            parts.append(f"### {picture.title}\n\n{image}\n\n{picture.text}\n")
        links = ", ".join(f"[{name}]({exhibit.name}/{name})" for name in summaries)
        parts.append(f"Summaries: {links}\n")
    return "\n".join(parts)


def contents() -> tuple[dict[str, str], dict[str, Picture]]:
    """Texts and figures of the gallery, by their places in it."""
    texts: dict[str, str] = {}
    figures: dict[str, Picture] = {}
    shown = []
    known: dict[tuple[str, str, tuple[str, ...]], Result] = {}
    for exhibit in EXHIBITS:
        for run in exhibit.runs:
            if run not in known:
                known[run] = ran(*run)
        results = [known[run] for run in exhibit.runs]
        page = run_page(results[0]) if len(results) == 1 else compare_page(results)
        names = []
        for result in results:
            names.append(f"{result.summary['workload']}_on_{result.summary['architecture']}.json")
            texts[f"{exhibit.name}/{names[-1]}"] = json.dumps(result.summary, indent=1) + "\n"
        figures |= {f"{exhibit.name}/{p.name}.svg": p for p in pictures(page, exhibit.figures)}
        shown.append((exhibit, page, names))
    texts["README.md"] = page_text(shown)
    return texts, figures


def stale(texts: dict[str, str], figures: dict[str, Picture]) -> Iterator[str]:
    """Places whose files are missing, surplus, or not what the program gives now."""
    present = {str(path.relative_to(TARGET)) for path in TARGET.rglob("*") if path.is_file()}
    yield from sorted(present - set(texts) - set(figures))
    for name, text in texts.items():
        if name not in present or not _alike((TARGET / name).read_text("utf-8"), text):
            yield name
    yield from stale_drawings(TARGET, figures)


def _alike(old: str, new: str) -> bool:
    """Whether two texts are equal; JSON but for the last digits of floats and torch's build."""
    if not new.startswith("{"):
        return old == new
    return _equal(_without_build(json.loads(old)), _without_build(json.loads(new)))


def _without_build(summary: dict[str, Any]) -> dict[str, Any]:
    provenance = {k: v for k, v in summary["provenance"].items() if k != "recorded_with"}
    return summary | {"provenance": provenance}


def _equal(one: Any, other: Any) -> bool:
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_equal(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_equal, one, other))
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=1e-9)
    return bool(one == other)


def write(texts: dict[str, str], figures: dict[str, Picture]) -> None:
    """Brings the gallery up to date; figures that are current stay as they are."""
    wanted = list(stale(texts, figures))
    write_drawings(TARGET, figures)
    for name in wanted:
        path = TARGET / name
        if name in texts:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(texts[name], "utf-8")
        elif name not in figures:
            path.unlink()
        print(path.relative_to(ROOT))
    size = sum(path.stat().st_size for path in TARGET.rglob("*") if path.is_file())
    if size > LARGEST_BYTES:
        sys.exit(f"{TARGET}: must be at most {LARGEST_BYTES} bytes (got {size}). Show less.")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    options.add_argument("--check", action="store_true", help="write nothing; 1 if not current")
    check = options.parse_args().check
    texts, figures = contents()
    if not check:
        write(texts, figures)
        return
    found = list(stale(texts, figures))
    if found:
        sys.exit(f"not current: {', '.join(found)}. Run: make gallery")


if __name__ == "__main__":
    main()
