"""Figures as files: at the width of a column, all or none."""

import re
import shutil
from importlib.util import find_spec
from pathlib import Path

import pytest
from PIL import Image
from plotly.graph_objects import Figure

from codesign.errors import InputError
from codesign.pages import figure_files
from codesign.pages.content import Page
from codesign.pages.figure_files import printed, write_figures
from codesign.pages.run_report import run_page
from tests.pages.example_results import example_result

WITHOUT_BROWSER = shutil.which("chromium") is None or find_spec("kaleido") is None


@pytest.fixture(scope="module")
def page() -> Page:
    return run_page(example_result("dsnn50"))


@pytest.mark.skipif(WITHOUT_BROWSER, reason="no chromium or no kaleido to draw figures with")
def test_every_figure_is_written_at_the_width_of_a_column(page: Page, tmp_path: Path) -> None:
    written = write_figures(page, tmp_path / "figures", ["svg", "png", "pdf"])
    pictures = [each.name for section in page.sections for each in section.shown_pictures]
    assert sorted(path.stem for path in written) == sorted(pictures * 3)
    for path in written:
        content = path.read_bytes()
        if path.suffix == ".svg":
            width = re.search(rb'width="([\d.]+)"', content)
            assert width is not None
            assert float(width[1]) == pytest.approx(3.5 * 96)  # CSS pixels
        elif path.suffix == ".png":
            with Image.open(path) as image:
                assert image.width == 3.5 * 600  # dots
        else:
            assert content.startswith(b"%PDF-")


def test_a_figure_is_drawn_on_white_and_only_its_colours_change(page: Page) -> None:
    picture = page.sections[0].pictures[0]
    figure = printed(picture)
    assert figure["data"] == picture.figure.data
    assert figure["layout"]["paper_bgcolor"] == "white"
    assert figure["layout"]["height"] == picture.figure.layout["height"]
    assert "paper_bgcolor" not in picture.figure.layout


def test_of_very_many_layers_the_blocks_are_named(page: Page) -> None:
    pictures = {each.name: each for section in page.sections for each in section.pictures}
    shown = pictures["firing-rates"].figure.layout["xaxis"]
    figure = printed(pictures["firing-rates"])
    axis = figure["layout"]["xaxis"]
    layers = axis["categoryarray"]
    assert shown["dtick"] == 1  # a page has room for each
    assert len(layers) > 30 >= len(axis["ticktext"])
    blocks = {"layer1.0", "layer3.5", "layer4.2"}
    assert blocks <= set(axis["ticktext"])
    for name in blocks:
        own = [place for place, layer in enumerate(layers) if layer.startswith(f"{name}.")]
        middle = axis["tickvals"][axis["ticktext"].index(name)]
        assert middle == (own[0] + own[-1]) / 2
    assert len(figure["layout"]["shapes"]) == len(axis["ticktext"]) // 2
    assert "shapes" not in pictures["firing-rates"].figure.layout
    Figure(figure["data"], figure["layout"])


def test_without_the_exporter_nothing_is_written_and_the_error_says_what_to_install(
    page: Page, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(figure_files, "find_spec", lambda _: None)
    with pytest.raises(InputError, match=r"pip install 'codesign\[figures\]'"):
        write_figures(page, tmp_path / "figures", ["svg"])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(find_spec("kaleido") is None, reason="no kaleido to look for a browser")
def test_without_a_browser_the_error_says_what_to_install(
    page: Page, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BROWSER_PATH", "/nowhere")
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(InputError, match="Chrome or Chromium"):
        write_figures(page, tmp_path / "figures", ["svg"])
    assert not (tmp_path / "figures").exists()
    assert list(tmp_path.iterdir()) == []


def test_a_treemap_on_paper_has_a_legend_of_its_components(page: Page) -> None:
    (picture,) = [each for each in page.sections[0].pictures if each.name == "energy-tree"]
    figure = printed(picture)
    tree, *legend = figure["data"]
    colours = dict(zip(tree["labels"], tree["marker"]["colors"], strict=True))
    assert {each["name"]: each["marker"]["color"] for each in legend}.items() <= colours.items()
    components = {row[0] for row in picture.table.rows}
    assert {each["name"] for each in legend} == components
    assert picture.figure.data[0]["pathbar"] != tree["pathbar"]
    Figure(figure["data"], figure["layout"])
