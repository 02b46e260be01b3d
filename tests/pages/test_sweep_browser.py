"""A reader of a sweep's report: points, chooses, drags, sorts and searches."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page

from codesign.pages import write_sweep_report
from codesign.pages.sweeps.study import study
from tests.pages.conftest import Opened
from tests.pages.example_sweeps import bounds_sweep, grid_sweep

Open = Callable[..., Opened]


@pytest.fixture(scope="module")
def sweep_page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sweep") / "report.html"
    write_sweep_report(grid_sweep(), path)
    return path


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_opens_without_messages_or_requests(
    sweep_page: Path, open_page: Open, scheme: str
) -> None:
    opened = open_page(sweep_page, color_scheme=scheme)
    assert opened.messages == []
    assert opened.requests == [sweep_page.as_uri()]
    page = opened.page
    assert page.evaluate("document.documentElement.scrollWidth") == page.evaluate(
        "document.documentElement.clientWidth"
    )
    assert page.evaluate("document.querySelectorAll('.plot .main-svg').length > 0")


def test_a_page_of_bounds_opens_without_messages(tmp_path: Path, open_page: Open) -> None:
    write_sweep_report(bounds_sweep(), tmp_path / "page.html")
    assert open_page(tmp_path / "page.html").messages == []


def test_pointing_at_a_design_shows_all_of_it(sweep_page: Path, open_page: Open) -> None:
    page = open_page(sweep_page).page
    plot = page.locator("#fronts")
    plot.scroll_into_view_if_needed()
    page.evaluate(
        "Plotly.Fx.hover(document.getElementById('fronts'), [{ curveNumber: 1, pointNumber: 0 }])"
    )
    place = page.evaluate("document.getElementById('fronts').data[1].customdata[0]")
    text = plot.locator(".hoverlayer .hovertext").first.text_content()
    row = study(grid_sweep()).points.iloc[place]
    assert f"point {row['point']}, {row['network']}" in text
    assert f"schedule.order: {row['schedule.order']}" in text
    assert "area: " in text


HEIGHTS = """document.getElementById('parallel').data.filter((trace) => trace.customdata)
  .reduce((sum, trace) => sum + trace.y.filter((height) => height !== null).length, 0)"""


def test_a_view_is_chosen_by_name(sweep_page: Path, open_page: Open) -> None:
    opened = open_page(sweep_page)
    page = opened.page
    select = page.get_by_label("Coloured by")
    select.select_option("network")
    until(page, "document.getElementById('parallel').data[0].name === 'fsnn50'")
    assert page.evaluate(HEIGHTS) == 173 * 7
    assert opened.messages == []


def until(page: Page, condition: str) -> None:
    """Waits for a condition; the page's policy forbids the driver's own way to do so."""
    while not page.evaluate(condition):
        page.wait_for_timeout(20)


def test_a_view_is_chosen_before_its_figure_is_drawn(sweep_page: Path, open_page: Open) -> None:
    page = open_page(sweep_page, draw_all=False).page
    page.evaluate(
        """() => {
          const select = document.querySelector('select[data-plot=main-effects]');
          select.selectedIndex = 1;
          select.dispatchEvent(new Event('change'));
        }"""
    )
    page.evaluate("drawAll().then(() => null)")
    title = page.evaluate("document.getElementById('main-effects').layout.yaxis.title.text")
    assert title.startswith("Energy")


def test_dragging_along_an_axis_keeps_the_designs_that_cross_it(
    sweep_page: Path, open_page: Open
) -> None:
    opened = open_page(sweep_page)
    page = opened.page
    plot = page.locator("#parallel")
    plot.scroll_into_view_if_needed()
    place = page.evaluate(
        """() => {
          const plot = document.getElementById('parallel');
          const { xaxis, yaxis } = plot._fullLayout;
          const { left, top } = plot.getBoundingClientRect();
          return {
            x: left + xaxis._offset + xaxis.d2p(4),
            low: top + yaxis._offset + yaxis.d2p(-0.01),
            high: top + yaxis._offset + yaxis.d2p(0.25),
          };
        }"""
    )
    page.mouse.move(place["x"] - 8, place["low"])
    page.mouse.down()
    page.mouse.move(place["x"] + 8, place["high"], steps=4)
    page.mouse.up()
    latency = study(grid_sweep()).points["latency_s"]
    height = (latency - latency.min()) / (latency.max() - latency.min())
    kept = int((height <= 0.25).sum())
    assert 0 < kept < 173
    until(page, f"{HEIGHTS} < 173 * 7")
    # a pixel of the drag is a few thousandths of the height
    assert abs(page.evaluate(HEIGHTS) / 7 - kept) <= 3
    page.mouse.dblclick(place["x"], place["high"])
    until(page, f"{HEIGHTS} === 173 * 7")
    assert opened.messages == []


def test_all_points_are_sorted_and_searched(sweep_page: Path, open_page: Open) -> None:
    page = open_page(sweep_page).page
    section = page.locator("section:has(h2:text-is('All points'))")
    section.locator("th", has_text="latency").locator("button").click()
    first = section.locator("tbody tr").first.locator("td").all_text_contents()
    points = study(grid_sweep()).points
    slowest = points.loc[points["latency_s"].idxmax()]
    assert first[:2] == [str(slowest["point"]), slowest["workload"]]
    section.locator("input").fill("sew50 pipeline 128")
    shown = section.locator("tbody tr:visible")
    expected = points[
        (points["workload"] == "sew50")
        & (points["schedule.order"] == "pipeline")
        & (points["storage.activation_buffer.size"] == 2**20)
    ]
    numbers = {int(text) for text in shown.locator("td:first-child").all_text_contents()}
    assert set(expected["point"]) <= numbers
    assert len(numbers) < len(points)
