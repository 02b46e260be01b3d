"""Figures of a page as files for papers: SVG, PDF and PNG at the width of a column.

Drawn by plotly's own exporter, kaleido, which drives a Chromium. Both may be missing: that is an
error that says what to install, and touches nothing else.
"""

from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from codesign.errors import Fault, InputError
from codesign.pages.content import Page, Picture
from codesign.pages.drawing import block_ticks
from codesign.whole_files import write_whole

FORMATS = ("svg", "pdf", "png")
COLUMN_INCHES = 3.5
"""Width of a column of the two-column formats of IEEE and ACM."""

_PIXELS = 560
"""Width for which a figure is laid out; its 13-pixel text is then 5.9 points high in print."""

_CSS_PIXELS_PER_INCH, _PNG_PIXELS_PER_INCH = 96, 600
_MOST_NAMES = 30
"""Of layers side by side, at that width; of more their blocks are named."""

_LEGEND_ALONE = {"showlegend": True, "xaxis": {"visible": False}, "yaxis": {"visible": False}}
"""Of a figure whose legend stands for no trace with axes."""

_INK, _GRID = "#000000", "#E3E7EC"


def write_figures(page: Page, folder: Path, formats: Sequence[str]) -> list[Path]:
    """Writes every figure of a page in every format, without the page around it.

    Args:
        page: whose figures.
        folder: made if it does not exist; files of the same names are replaced.
        formats: of `FORMATS`.

    Returns:
        The files.

    Raises:
        InputError: kaleido or its browser is missing or fails; nothing is written then.
    """
    if find_spec("kaleido") is None:
        problem = "need the package kaleido, which is not installed."
        raise InputError(Fault("--figures", problem, "Run: pip install 'codesign[figures]'"))
    pictures = [each for section in page.sections for each in section.shown_pictures]
    with TemporaryDirectory() as place:
        drafts = [
            (picture, form, Path(place) / f"{picture.name}.{form}")
            for picture in pictures
            for form in formats
        ]
        _draw([_order(*draft) for draft in drafts])
        missing = [path.name for _, _, path in drafts if not path.is_file()]
        if missing:
            problem = f"could not be drawn: {', '.join(missing)}."
            raise InputError(Fault("--figures", problem))
        return list(_moved([path for _, _, path in drafts], folder))


def _draw(orders: list[dict[str, Any]]) -> None:
    """Lets one browser draw all of them."""
    import kaleido
    from choreographer.errors import BrowserFailedError, ChromeNotFoundError

    try:
        kaleido.write_fig_from_object_sync(orders)
    except ChromeNotFoundError as error:
        problem = "need a Chrome or Chromium, which was not found."
        fix = "Install one, or set BROWSER_PATH to its program."
        raise InputError(Fault("--figures", problem, fix)) from error
    except BrowserFailedError as error:
        problem = "need a Chrome or Chromium that starts, but it ended at once."
        fix = "Set BROWSER_PATH to another one's program."
        raise InputError(Fault("--figures", problem, fix)) from error


def _moved(drafts: Sequence[Path], folder: Path) -> Iterator[Path]:
    for draft in drafts:
        target = folder / draft.name
        write_whole(target, draft.read_bytes())
        yield target


def _order(picture: Picture, form: str, path: Path) -> dict[str, Any]:
    """What kaleido is asked for: lengths are in its own pixels of each format."""
    per_inch = _PNG_PIXELS_PER_INCH if form == "png" else _CSS_PIXELS_PER_INCH
    height = int(picture.figure.layout["height"])
    scale = COLUMN_INCHES * per_inch / _PIXELS
    sizes = {"width": _PIXELS, "height": height, "scale": scale}
    return {"fig": printed(picture), "path": str(path), "opts": {"format": form, **sizes}}


def printed(picture: Picture) -> dict[str, Any]:
    """The figure in the colours of paper."""
    layout = dict(picture.figure.layout)
    font = {**layout.get("font", {}), "color": _INK, "family": "Arial, DejaVu Sans, sans-serif"}
    layout |= {"paper_bgcolor": "white", "plot_bgcolor": "white", "font": font, "width": _PIXELS}
    for name in [key for key in layout if key.startswith(("xaxis", "yaxis"))]:
        layout[name] = {**layout[name], "gridcolor": _GRID, "linecolor": _INK}
        names = layout[name].get("categoryarray", ())
        if name.startswith("xaxis") and len(names) > _MOST_NAMES:
            ticks, layout["shapes"] = block_ticks(names, _MOST_NAMES)
            layout[name] |= ticks
    data = picture.figure.data
    if data and data[0]["type"] == "treemap":
        return {"data": _told_apart(data[0]), "layout": layout | _LEGEND_ALONE}
    return {"data": data, "layout": layout}


def _told_apart(tree: dict[str, Any]) -> list[dict[str, Any]]:
    """A treemap with a legend of the parts of its whole: many are too small for their names, and
    paper has nothing to point at. The bar that leads back to the whole is left out."""
    parts = zip(tree["ids"], tree["parents"], tree["labels"], tree["marker"]["colors"], strict=True)
    whole = tree["ids"][tree["parents"].index("")]
    nowhere = {"type": "scatter", "mode": "markers", "x": [None], "y": [None]}
    return [
        {**tree, "pathbar": {"visible": False}},
        *(
            {**nowhere, "name": name, "marker": {"symbol": "square", "size": 12, "color": colour}}
            for _, parent, name, colour in parts
            if parent == whole
        ),
    ]
