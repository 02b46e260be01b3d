"""A page as one HTML file that needs nothing else and talks to nobody.

plotly.js, the page's own script and style, and all data are inside the file. Its content security
policy allows its scripts by their hashes and no connection at all, so neither a name in the
data nor a button of the drawing library can load or send anything. Text is escaped here, once.

The figures' data stand in a JSON block; without scripts the words and tables are still there.
"""

import base64
import hashlib
import html
import json
import re
from collections.abc import Collection, Iterator, Sequence
from importlib import resources
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from codesign.pages.content import (
    Cell,
    Number,
    OnFront,
    Page,
    Picture,
    Ranking,
    Section,
    Table,
    Tile,
)
from codesign.pages.repricing import page_data, states_energy
from codesign.pages.sliders import at_file, marks, panel
from codesign.whole_files import write_whole

_LONG = 80
"""Letters of a cell that a narrow column would make many lines of."""

_MOST_TILES = 6
"""In a row, so that their notes have lines of some words."""


def write_page(page: Page, path: Path) -> None:
    """Writes a page; the file appears under its name only when it is complete.

    Raises:
        InputError: the file cannot be written.
    """
    write_whole(path, page_html(page).encode())


def page_html(page: Page) -> str:
    """The whole document."""
    pictures = [picture for section in page.sections for picture in section.shown_pictures]
    scripts = [_plotly(), _asset("page.js")]
    data: dict[str, Any] = {"figures": _figures(page)}
    if page.hovers:
        data["hovers"] = page.hovers
    if any("brush" in (picture.figure.detail or {}) for picture in pictures):
        scripts.insert(1, _asset("brush.js"))  # the page's script draws with it
    if any(picture.views for picture in pictures):
        scripts.append(_asset("views.js"))
    if page.repricing is not None:
        scripts.append(_asset("repricing.js"))
        data["repricing"] = page_data(page.repricing)
    parts = [
        "<!DOCTYPE html>",
        '<html lang="en">',
        _head(page.title, scripts),
        "<body>",
        *_opening(page),
        *(line for section in page.sections for line in _section(section, _repriced(page))),
        *_facts(page),
        "</main>",
        *(
            f'<script type="application/json" id="{name}">{json_block(block)}</script>'
            for name, block in data.items()
        ),
        *(f"<script>{script}</script>" for script in scripts),
        "</body>",
        "</html>",
    ]
    return "\n".join(parts) + "\n"


def _figures(page: Page) -> dict[str, Any]:
    return {
        picture.name: {
            "data": picture.figure.data,
            "layout": picture.figure.layout,
            "detail": picture.figure.detail,
        }
        | _views(picture)
        for section in page.sections
        for picture in section.shown_pictures
    }


def _views(picture: Picture) -> dict[str, Any]:
    """The drawings beside the first."""
    others = list(picture.views.values())[1:]
    return (
        {"views": [{"data": each.data, "layout": each.layout} for each in others]} if others else {}
    )


def _repriced(page: Page) -> Collection[str]:
    """The pictures that sliders draw again."""
    return page.repricing.figures if page.repricing is not None else ()


def json_block(data: Any) -> str:
    """JSON that cannot end the script element that it stands in, whatever its texts hold.

    Raises:
        ValueError: a number is not finite.
    """
    text = json.dumps(data, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _plotly() -> str:
    """plotly.js as plotly's package ships it, without importing the package."""
    package = find_spec("plotly")
    assert package is not None  # a dependency of this package
    assert package.origin is not None
    return (Path(package.origin).parent / "package_data" / "plotly.min.js").read_text("utf-8")


def _asset(name: str) -> str:
    return (resources.files("codesign.pages") / "assets" / name).read_text("utf-8")


def _text(value: str) -> str:
    return html.escape(value, quote=True)


def _prose(text: str) -> str:
    """Text in which a number and its unit stay on one line."""
    return re.sub(r"(?<!\w)(\d[\d.]*) (?=%|\w{1,3}\b)", r"\1&nbsp;", _text(text))


def _head(title: str, scripts: Sequence[str]) -> str:
    hashes = " ".join(
        f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"
        for script in scripts
    )
    policy = (
        f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; "
        "img-src data: blob:; connect-src 'none'; base-uri 'none'; form-action 'none'"
    )
    style = _asset("page.css") + _asset("repricing.css")
    return (
        '<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f"<title>{_text(title)}</title>\n<style>{style}</style>\n</head>"
    )


def _opening(page: Page) -> Iterator[str]:
    """Everything above the sections."""
    yield "<main>"
    yield f"<h1>{_text(page.title)}</h1>"
    yield from (f'<p class="statement">{_text(text)}</p>' for text in page.statements)
    yield from (
        f'<p{at_file(states_energy(text))} class="lead">{_prose(text)}</p>' for text in page.lead
    )
    if page.repricing is not None:
        yield from panel(page.repricing)
    columns = _columns(len(page.tiles))
    tiles = "".join(map(_tile, page.tiles))
    yield f'<div class="tiles" style="--columns: {columns}">{tiles}</div>'


def _facts(page: Page) -> Iterator[str]:
    """Where the numbers come from, behind everything that they say."""
    if page.facts:
        yield '<section><h2>Where these numbers come from</h2><dl class="facts">'
        for name, value in page.facts.items():
            yield f"<div><dt>{_text(name)}</dt><dd>{_text(value)}</dd></div>"
        yield "</dl></section>"


def _columns(count: int) -> int:
    """Of tiles in rows that are as long as each other, as far as that goes."""
    rows = max(-(-count // _MOST_TILES), 1)
    return max(-(-count // rows), 1)


def _tile(tile: Tile) -> str:
    return (
        f'<div class="tile"><span class="label">{_text(tile.label)}</span>'
        f'<span class="value"{marks(tile.priced, tile.value)}>{_text(tile.value)}</span>'
        f'<span class="note"{marks(tile.priced_note, tile.note)}>{_prose(tile.note)}</span></div>'
    )


def _section(section: Section, repriced: Collection[str]) -> Iterator[str]:
    yield f"<section><h2>{_text(section.title)}</h2>"
    for text in section.text:
        yield f"<p{at_file(section.at_file or states_energy(text))}>{_prose(text)}</p>"
    for picture in section.shown_pictures:
        yield from _picture(picture, is_repriced=picture.name in repriced)
    if section.table is not None:
        yield (
            '<label class="search">Search <input type="search" '
            f'placeholder="part of any cell" aria-label="Search {_text(section.table.title)}">'
            "</label>"
        )
        yield from _table(section.table, "sortable")
    yield "</section>"


def _picture(picture: Picture, *, is_repriced: bool) -> Iterator[str]:
    title, text = _text(picture.title), _text(picture.text)
    mark = at_file(not is_repriced and states_energy(picture.text))
    height = int(picture.figure.layout["height"])
    yield f"<figure><h3>{title}</h3><figcaption{mark}>{text}</figcaption>"
    if picture.views:
        options = "".join(f"<option>{_text(name)}</option>" for name in picture.views)
        yield (
            f'<label class="choice">{_text(picture.choice)} <select autocomplete="off" '
            f'data-plot="{_text(picture.name)}">{options}</select></label>'
        )
    yield (
        f'<div class="plot" id="{_text(picture.name)}" style="height:{height}px" role="img" '
        f'aria-label="{title}. {text}"></div>'
    )
    yield f"<details><summary>{title} as a table</summary>"
    yield from _table(picture.table, "sortable")
    yield "</details></figure>"


def _table(table: Table, kind: str) -> Iterator[str]:
    yield '<div class="scroll" tabindex="0">'
    yield f'<table class="{kind}"><caption>{_text(table.title)}</caption><thead><tr>'
    numeric = [any(isinstance(row[i], Number) for row in table.rows) for i in range(_width(table))]
    for column, right in zip(table.columns, numeric, strict=True):
        style = ' class="number"' if right else ""
        yield f'<th scope="col"{style}><button type="button">{_text(column)}</button></th>'
    yield "</tr></thead><tbody>"
    for row in table.rows:
        yield f"<tr>{''.join(map(_cell, row))}</tr>"
    yield "</tbody></table></div>"


def _width(table: Table) -> int:
    return len(table.columns)


def _cell(cell: Cell) -> str:
    if isinstance(cell, Number):
        value = f'data-value="{float(cell.value)!r}"{marks(cell.priced, "")}'
        return f'<td class="number" {value}>{_text(cell.text)}</td>'
    kind = " data-ranking" if isinstance(cell, Ranking) else ""
    kind += " data-front" if isinstance(cell, OnFront) else ""
    long = ' class="long"' if len(cell) > _LONG else ""
    return f"<td{long}{kind}>{_prose(cell)}</td>"
