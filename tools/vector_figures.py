"""Figures of pages as small SVG files of the repository, which are drawn again only if they change.

Each file carries the SHA-256 of the data that it was drawn from, with numbers of six digits: sums
of floats differ in their last digits between processors. Whether a file is current needs no
browser; to draw one needs kaleido and a Chromium. What changes in how figures are drawn, and not in
their data, is not noticed: remove the files then.
"""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from codesign.pages.content import Page, Picture, Section
from codesign.pages.figure_files import printed, write_figures
from codesign.whole_files import write_whole

_MARK = re.compile(r"<!-- drawn from data of SHA-256 ([0-9a-f]{64}) -->")
_UNSEEN = re.compile(
    r'<path d="M0,0Z"[^>]*/>'  # bars of no height
    r"|<text [^>]*scale\(0\.[0-3]\d*\)[^>]*>.*?</text>"  # letters below 5 pixels
)
_POINT = re.compile(
    r'<path class="point" transform="translate\(([^,]+),([^)]+)\)" '
    r'd="M([\d.]+),0A\3,\3 0 1,1 0,-\3A\3,\3 0 0,1 \3,0Z"'
)
_CIRCLE = r'<circle cx="\1" cy="\2" r="\3"'
_DEFAULTS = {
    *("vector-effect: none", "pointer-events: none", "white-space: pre"),
    *("opacity: 1", "fill-opacity: 1", "stroke-opacity: 1"),
}
"""Declarations that change nothing in a picture that is only looked at."""


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


def stale_drawings(folder: Path, figures: Mapping[str, Picture]) -> list[str]:
    """Names of the files that are missing or drawn from other data.

    Args:
        folder: of the files.
        figures: by the names of their files in it.
    """
    return [name for name, picture in figures.items() if not _is_current(folder / name, picture)]


def _is_current(path: Path, picture: Picture) -> bool:
    found = _MARK.search(path.read_text("utf-8")) if path.is_file() else None
    return found is not None and found[1] == digest(picture)


def write_drawings(folder: Path, figures: Mapping[str, Picture]) -> list[str]:
    """Draws what is stale; files that are current stay as they are.

    Args:
        folder: of the files, made if it does not exist.
        figures: by the names of their files in it.

    Returns:
        Names of the files that were written.

    Raises:
        InputError: kaleido or its browser is missing or fails; nothing is written then.
    """
    stale = stale_drawings(folder, figures)
    texts = _drawings([figures[name] for name in stale])
    for name, text in zip(stale, texts, strict=True):
        write_whole(folder / name, text.encode())
    return stale


def _drawings(figures: Sequence[Picture]) -> list[str]:
    """Figures as SVG, with what each was drawn from in a comment and without what is not seen."""
    # One browser draws all of them; two may have one name.
    numbered = [replace(picture, name=f"{n}") for n, picture in enumerate(figures)]
    page = Page("", [], [], [], {}, [Section("", pictures=numbered)])
    with TemporaryDirectory() as folder:
        paths = write_figures(page, Path(folder), ["svg"]) if figures else []
        texts = {path.stem: path.read_text("utf-8") for path in paths}
    return [_shorter(texts[f"{n}"], digest(picture)) for n, picture in enumerate(figures)]


def _shorter(text: str, mark: str) -> str:
    """An SVG of about a third of the size that looks the same."""
    text = re.sub(r"<[^>]*>", _rounded_tag, _UNSEEN.sub("", text))
    text = _POINT.sub(_CIRCLE, re.sub(r'style="([^"]*)"', _shorter_style, text))
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
