"""docs/training.md and the figures it shows: the claims, the tables, and how they were made.

All of it follows from the rows alone, so that a test can tell whether the files are what they say.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from depth_claims import CLAIMS, summary
from depth_figures import illustrations
from depth_rows import Rows, starts
from depth_tables import all_tables
from vector_figures import write_drawings

from codesign.pages.content import Picture
from codesign.whole_files import write_whole

FIGURES = "training"
"""The folder of the figures, beside the document."""

HEAD = """# Does dual-stream training help?

Written by `tools/depth_experiment.py`, from the rows in [training.json](training.json). The paper
(arXiv 2301.11929) answers on ImageNet and on event cameras; this asks the same of small networks on
scikit-learn's digits, 8 x 8 pixels, {training:,} pictures to learn from and {test} to test on. One
picture more or less is {picture:.2f} points of accuracy. All networks have {width} channels in the
first stage, T = {timesteps} and one recipe: that of `codesign train` for this set, but with
{epochs} epochs, batches of {batch} and a learning rate of {learning_rate:g}. It was not tuned for
any of these depths or families. The heads of a DSNN share one linear layer, as in the authors'
code, but for the rows with own heads.

Numbers are means of seeds and the 95 % interval of Student's t. Differences are taken seed by seed:
a claim counts as shown if the interval of its difference lies above 0, as contradicted if it lies
below, and else as not shown. Where many differences are judged, one of twenty is misjudged by
chance. Accuracies are those after the last epoch, not the best of any.

`.venv/bin/python tools/depth_experiment.py --written` writes this document and its figures again
from the rows, and the page `build/depth/page.html` with every view of the figures, to point into
and to zoom. It measures nothing and takes less than a minute.
"""


def write_document(rows: Rows, target: Path) -> None:
    """Writes the document, and its figures into a folder beside it; older figures are removed.

    Raises:
        InputError: a file cannot be written, or a figure that is not current cannot be drawn.
    """
    write_whole(target, document(rows).encode())
    figures, folder = drawn_figures(rows), target.parent / FIGURES
    write_drawings(folder, figures)
    for path in folder.glob("*.svg"):
        if path.name not in figures:
            path.unlink()


def drawn_figures(rows: Rows) -> dict[str, Picture]:
    """The figures of the document by the names of their files."""
    return {_file(picture): picture for shown in illustrations(rows).values() for picture in shown}


def document(rows: Rows) -> str:
    """The whole text."""
    return "\n".join(docs_lines(rows)).rstrip() + "\n"


def docs_lines(rows: Rows) -> Iterator[str]:
    """The text in pieces."""
    yield HEAD.format(**_sizes(rows))
    yield "## The paper's claims, and our questions\n"
    yield "| claim | measured here | verdict |\n|---|---|---|"
    for claim, find in CLAIMS.items():
        measured, kind = find(rows)
        yield f"| {claim} | {measured} | {kind} |"
    yield "\n" + summary(rows) + "\n"
    shown = illustrations(rows)
    for title, text, columns, cells in all_tables(rows):
        yield f"## {title}\n"
        yield f"{text}\n"
        yield from _images(shown.get(title, ()))
        yield f"| {' | '.join(columns)} |"
        yield f"|{'---|' * len(columns)}"
        yield from (f"| {' | '.join(line)} |" for line in cells)
        yield ""
    yield "## How it was made\n"
    yield from made(rows)


def _images(pictures: Sequence[Picture]) -> Iterator[str]:
    for picture in pictures:
        path = f"{FIGURES}/{_file(picture)}"
        yield f'<img src="{path}" alt="{picture.title}" width="720">\n'
        if picture.text:
            yield f"*{picture.text}*\n"


def _file(picture: Picture) -> str:
    return f"{picture.name}.svg"


def made(rows: Rows) -> Iterator[str]:
    """Sizes, time and what failed."""
    spent = sum(row["cpu_seconds"] for row in rows)
    trained = [row for row in rows if row["case"]["kind"] == "training"]
    yield (
        f"{len(trained)} trainings and {len(starts(rows))} networks before training, "
        f"{spent / 3600:.2f} hours of one processor."
    )
    made_by = {
        ", ".join(f"{name} {which}" for name, which in row["versions"].items()) for row in rows
    }
    yield f"Made with {'; '.join(sorted(made_by))}."
    lost = [row["case"] for row in trained if "diverged" in row]
    if lost:
        yield f"Left out because their loss diverged: {', '.join(map(str, lost))}."
    yield (
        "\nThe surrogate's a and the thresholds are our choice: at potentials of 0 and 1 the "
        "derivative is .092 and 1 (as trained), .288 twice, .065 and 1.5, .025 and 4. td-BN has no "
        "pathway and no g; its s is what leaves a block. SEW's o are integers. Networks with the "
        "pathway have the loss of both heads, those without it that of the spike head."
    )


def _sizes(rows: Rows) -> dict[str, Any]:
    sizes = {"training": 1438, "test": 359, "picture": 100 / 359}
    return sizes | dict(rows[0]["size"])
