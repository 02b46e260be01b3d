"""The gallery shows what the program gives now; it is looked at without a browser."""

import json
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from codesign.pages.run_report import run_page
from tests.pages.example_results import example_result

ROOT = Path(__file__).parent.parent
GALLERY = ROOT / "reports" / "gallery"
TOOL = ROOT / "tools" / "make_gallery.py"
sys.path.insert(0, str(TOOL.parent))  # scripts find each other by their folder

import make_gallery as tool  # noqa: E402
from vector_figures import digest  # noqa: E402


def test_the_gallery_is_current() -> None:
    command = [sys.executable, str(TOOL), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr


def test_the_gallery_is_small_and_holds_drawings_and_numbers_alone() -> None:
    files = [path for path in GALLERY.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) <= 1_000_000
    assert {path.suffix for path in files} == {".svg", ".json", ".md"}
    for path in files:
        if path.suffix == ".svg":
            assert ElementTree.parse(path).getroot().tag.endswith("svg")


def test_the_page_shows_every_file_of_the_gallery() -> None:
    text = (GALLERY / "README.md").read_text("utf-8")
    shown = set(re.findall(r'src="([^"]+)"', text)) | set(re.findall(r"\]\(([^)]+)\)", text))
    files = {str(path.relative_to(GALLERY)) for path in GALLERY.rglob("*.*") if path.is_file()}
    assert shown == files - {"README.md"}


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A gallery of one drawing and one summary."""
    monkeypatch.setattr(tool, "TARGET", tmp_path)
    return tmp_path


SUMMARY = {"energy_pj": 0.1 + 0.2, "jobs": 3, "provenance": {"recorded_with": {"torch": "2.6"}}}


def test_what_differs_or_is_missing_or_surplus_is_told(shelf: Path) -> None:
    picture = run_page(example_result("fsnn18")).sections[0].pictures[0]
    texts, figures = {"run.json": json.dumps(SUMMARY)}, {"energy.svg": picture}
    assert list(tool.stale(texts, figures)) == ["run.json", "energy.svg"]
    (shelf / "run.json").write_text(texts["run.json"])
    mark = f"<svg><!-- drawn from data of SHA-256 {digest(picture)} --></svg>"
    (shelf / "energy.svg").write_text(mark)
    assert list(tool.stale(texts, figures)) == []
    (shelf / "older.svg").write_text(mark)
    assert list(tool.stale(texts, figures)) == ["older.svg"]
    other = run_page(example_result("fsnn18", seed=2)).sections[0].pictures[0]
    assert list(tool.stale(texts, {"energy.svg": other})) == ["older.svg", "energy.svg"]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"energy_pj": 0.3}, []),  # the last digit of a sum in another order
        ({"provenance": {"recorded_with": {"torch": "2.7"}}}, []),
        ({"energy_pj": 0.301}, ["run.json"]),
        ({"jobs": 4}, ["run.json"]),
        ({"provenance": {"input": "coffee"}}, ["run.json"]),
    ],
)
def test_numbers_are_current_but_for_the_last_digits_of_sums(
    shelf: Path, change: dict[str, object], expected: list[str]
) -> None:
    (shelf / "run.json").write_text(json.dumps(SUMMARY | change))
    assert list(tool.stale({"run.json": json.dumps(SUMMARY)}, {})) == expected
