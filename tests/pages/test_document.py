"""One file, nothing outside it, and no text that becomes code."""

import base64
import hashlib
import json
import re
import subprocess
import sys
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codesign.errors import InputError
from codesign.pages import write_run_report
from codesign.pages.content import Figure, Number, Page, Picture, Section, Table, Tile
from codesign.pages.document import json_block, page_html
from codesign.pages.drawing import label
from tests.pages.example_results import example_result

EVIL = "</script><script>alert(1)</script><img src=x onerror=alert(2)>\"'&"


class Reader(HTMLParser):
    """Collects the elements, attributes, scripts, blocks of JSON and texts of a document."""

    def __init__(self, text: str):
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self.blocks: list[str] = []
        self.texts: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag == "script":
            self.script = self.scripts if "type" not in dict(attrs) else self.blocks
            self.script.append("")

    def handle_data(self, data: str) -> None:
        if self.lasttag == "script" and data.strip():
            self.script[-1] += data
        else:
            self.texts.append(data)


@given(st.recursive(st.text() | st.integers(), lambda inner: st.lists(inner, max_size=3)))
def test_json_in_a_page_has_no_markup_and_reads_back(data: object) -> None:
    text = json_block([data, EVIL, "\u2028"])
    assert not set(text) & set("<>&\u2028")
    assert json.loads(text) == [data, EVIL, "\u2028"]


def test_no_text_of_a_page_becomes_code() -> None:
    picture = Picture("a", EVIL, EVIL, Figure([], {"height": 9, "title": EVIL}), TABLE)
    page = Page(
        EVIL,
        [EVIL],
        [EVIL],
        [Tile(EVIL, EVIL, EVIL)],
        {EVIL: EVIL},
        [Section(EVIL, [EVIL], [picture], TABLE)],
    )
    reader = Reader(page_html(page))
    assert (len(reader.scripts), len(reader.blocks)) == (2, 1)
    assert [tag for tag, _ in reader.tags if tag == "img"] == []
    assert all(not name.startswith("on") for _, attributes in reader.tags for name in attributes)
    assert reader.texts.count(EVIL) > 10


TABLE = Table(EVIL, [EVIL, "n"], [[EVIL, Number(1, EVIL)]])


def test_names_in_a_result_stay_names(tmp_path: Path) -> None:
    result = example_result("fsnn18")
    rename = {"stem.convolution": EVIL}
    tables = {
        name: getattr(result, name).replace({"layer": rename})
        for name in ("layers", "energy", "timeline")
    }
    summary = result.summary | {"workload": EVIL, "provenance": {EVIL: EVIL}}
    write_run_report(replace(result, summary=summary, **tables), tmp_path / "page.html")
    reader = Reader((tmp_path / "page.html").read_text("utf-8"))
    assert (len(reader.scripts), len(reader.blocks)) == (3, 2)
    assert not any("alert(" in script for script in reader.scripts[1:])
    assert EVIL in reader.texts


def test_figures_show_names_literally() -> None:
    assert label("<b>a</b> & b") == "&lt;b&gt;a&lt;/b&gt; &amp; b"
    assert len(label("x" * 500)) == 48


def test_only_the_scripts_of_the_page_may_run(run_page: Path) -> None:
    reader = Reader(run_page.read_text("utf-8"))
    policy = next(
        attributes["content"]
        for tag, attributes in reader.tags
        if tag == "meta" and attributes.get("http-equiv") == "Content-Security-Policy"
    )
    assert policy is not None
    hashes = [
        base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
        for script in reader.scripts
    ]
    assert re.findall(r"'sha256-([^']+)'", policy) == hashes
    assert "default-src 'none'" in policy
    assert "connect-src 'none'" in policy
    assert [attributes for tag, attributes in reader.tags if "src" in attributes] == []
    assert [tag for tag, _ in reader.tags if tag == "link"] == []


@pytest.mark.parametrize("name", ["run_page", "compare_page", "paper_page"])
def test_a_page_is_at_most_eight_megabytes(name: str, request: pytest.FixtureRequest) -> None:
    assert request.getfixturevalue(name).stat().st_size <= 8_000_000


def test_where_the_numbers_come_from_stands_behind_them(run_page: Path) -> None:
    text = run_page.read_text("utf-8")
    headings = re.findall(r"<h2>(.*?)</h2>", text)
    assert headings[-1] == "Where these numbers come from"
    assert text.index("not trained.") < text.index("<h2>") < text.index("9c1f" * 16)


def test_two_pages_of_one_result_are_equal(run_page: Path, tmp_path: Path) -> None:
    write_run_report(example_result("dsnn50"), tmp_path / "again.html")
    assert (tmp_path / "again.html").read_bytes() == run_page.read_bytes()


def test_a_page_without_time_has_no_figures_of_time(paper_page: Path) -> None:
    reader = Reader(paper_page.read_text("utf-8"))
    plots = [attributes["id"] for _, attributes in reader.tags if attributes.get("class") == "plot"]
    assert plots == [
        "energy-components",
        "energy-tree",
        "energy-layers",
        "energy-timesteps",
        "firing-rates",
        "accumulates",
        "multiplies",
    ]
    text = " ".join(reader.texts)
    assert "Latency is not modelled" in text
    assert "cycles" not in text


def test_every_figure_has_words_and_a_table(run_page: Path) -> None:
    reader = Reader(run_page.read_text("utf-8"))
    plots = [attributes for _, attributes in reader.tags if attributes.get("class") == "plot"]
    assert all(plot["role"] == "img" and plot["aria-label"] for plot in plots)
    captions = [tag for tag, _ in reader.tags if tag in ("figcaption", "caption")]
    assert captions.count("figcaption") == len(plots) == 12
    assert captions.count("caption") == len(plots) + 4  # power and area, layers, mapping, sources


def test_nothing_is_left_of_a_page_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "page.html").mkdir()
    with pytest.raises(InputError, match=r"page\.html: must be a place that can be written"):
        write_run_report(example_result("fsnn18"), tmp_path / "page.html")
    assert [path.name for path in tmp_path.iterdir()] == ["page.html"]


def test_pages_are_imported_without_plotly_and_torch() -> None:
    code = "import codesign.pages, sys; print([n for n in ('plotly', 'torch') if n in sys.modules])"
    command = [sys.executable, "-c", code]
    assert subprocess.run(command, capture_output=True, check=True).stdout == b"[]\n"
