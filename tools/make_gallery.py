"""Writes reports/gallery/: figures and summaries of a few runs, and the page that shows them.

Run it from the root of a checkout: `.venv/bin/python tools/make_gallery.py` (or `make gallery`).
It needs kaleido and a Chromium for figures that are not current; `--check` needs neither, writes
nothing, and ends with status 1 if anything of the gallery is not what the program gives now.

Each figure carries the SHA-256 of the data that it was drawn from, with numbers of six digits: sums
of floats differ in their last digits between processors.
"""

import argparse
import hashlib
import json
import math
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from ruamel.yaml import YAML

from codesign.combination import combine
from codesign.evaluation import evaluate
from codesign.pages.compare_report import compare_page
from codesign.pages.content import Page, Picture, Section
from codesign.pages.figure_files import printed, write_figures
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

_MARK = re.compile(r"<!-- drawn from data of SHA-256 ([0-9a-f]{64}) -->")
_UNSEEN = re.compile(
    r'<path d="M0,0Z"[^>]*/>'  # bars of no height
    r"|<text [^>]*scale\(0\.[0-3]\d*\)[^>]*>.*?</text>"  # letters below 5 pixels
)
_DEFAULTS = {
    *("vector-effect: none", "pointer-events: none", "white-space: pre"),
    *("opacity: 1", "fill-opacity: 1", "stroke-opacity: 1"),
}
"""Declarations that change nothing in a picture that is only looked at."""


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


def digest(picture: Picture) -> str:
    """SHA-256 of all that a figure is drawn from."""
    text = json.dumps(_rounded(printed(picture)), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, dict):
        return {key: _rounded(each) for key, each in value.items()}
    return [_rounded(each) for each in value] if isinstance(value, list | tuple) else value


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
        links = ", ".join(f"[{name}](summaries/{name})" for name in summaries)
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
            texts[f"summaries/{names[-1]}"] = json.dumps(result.summary, indent=1) + "\n"
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
    for name, picture in figures.items():
        found = _MARK.search((TARGET / name).read_text("utf-8")) if name in present else None
        if found is None or found[1] != digest(picture):
            yield name


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
    missing = [name for name in wanted if name in figures]
    drawn = dict(zip(missing, drawings([figures[name] for name in missing]), strict=True))
    for name in wanted:
        path = TARGET / name
        if text := (texts | drawn).get(name):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
        else:
            path.unlink()
        print(path.relative_to(ROOT))
    size = sum(path.stat().st_size for path in TARGET.rglob("*") if path.is_file())
    if size > LARGEST_BYTES:
        sys.exit(f"{TARGET}: must be at most {LARGEST_BYTES} bytes (got {size}). Show less.")


def drawings(figures: Sequence[Picture]) -> list[str]:
    """Figures as SVG, with what each was drawn from in a comment and without what is not seen."""
    # One browser draws all of them; two exhibits may have figures of one name.
    numbered = [replace(picture, name=f"{n}") for n, picture in enumerate(figures)]
    page = Page("", [], [], [], {}, [Section("", pictures=numbered)])
    with TemporaryDirectory() as folder:
        paths = write_figures(page, Path(folder), ["svg"]) if figures else []
        texts = {path.stem: path.read_text("utf-8") for path in paths}
    return [_shorter(texts[f"{n}"], digest(picture)) for n, picture in enumerate(figures)]


def _shorter(text: str, mark: str) -> str:
    """An SVG of about a third of the size that looks the same."""
    text = re.sub(r"<[^>]*>", _rounded_tag, _UNSEEN.sub("", text))
    text = re.sub(r'style="([^"]*)"', _shorter_style, text)
    end = text.index(">") + 1
    return f"{text[:end]}<!-- drawn from data of SHA-256 {mark} -->{text[end:]}\n"


def _rounded_tag(tag: re.Match[str]) -> str:
    """A tag with lengths of one digit behind the point."""
    return re.sub(r"(\d+\.\d)\d+", r"\1", tag[0])


def _shorter_style(style: re.Match[str]) -> str:
    said = [each.strip() for each in style[1].split(";")]
    kept = [each for each in said if each and each not in _DEFAULTS]
    if not any(each.startswith("stroke:") for each in kept):
        kept = [each for each in kept if each != "stroke-width: 0px"]
    text = ";".join(each.replace(": ", ":", 1) for each in kept)
    text = re.sub(r"rgb\((\d+), ?(\d+), ?(\d+)\)", _hexadecimal, text)
    return f'style="{text}"'


def _hexadecimal(colour: re.Match[str]) -> str:
    return "#{:02x}{:02x}{:02x}".format(*map(int, colour.groups()))


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
