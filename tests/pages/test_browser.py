"""What a reader sees: pages open from a file, draw, sort and search, and ask for nothing."""

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from tests.pages.conftest import Opened
from tests.pages.example_results import CORES, PORTS

PAGES = ("run_page", "compare_page", "paper_page")


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_page_opens_without_messages_or_requests(
    name: str,
    scheme: str,
    open_page: Callable[..., Opened],
    request: pytest.FixtureRequest,
) -> None:
    path = request.getfixturevalue(name)
    opened = open_page(path, color_scheme=scheme)
    assert opened.messages == []
    assert opened.requests == [path.as_uri()]


@pytest.mark.parametrize("name", PAGES)
def test_every_figure_is_drawn_and_no_page_is_wider_than_the_window(
    name: str, open_page: Callable[..., Opened], request: pytest.FixtureRequest
) -> None:
    page = open_page(request.getfixturevalue(name)).page
    assert page.locator(".plot").count() > 0
    for plot in page.locator(".plot").all():
        shapes = plot.locator(".points .point path, .points path.point, .slice path.surface")
        widths = shapes.evaluate_all("all => all.map((s) => s.getBoundingClientRect().width)")
        assert max(widths) > 3, f"{plot.get_attribute('id')} shows nothing"
    assert page.evaluate("document.documentElement.scrollWidth") == page.evaluate(
        "document.documentElement.clientWidth"
    )


@pytest.mark.parametrize("name", ["energy-layers", "firing-rates", "accumulates", "multiplies"])
def test_labels_of_layers_are_large_enough_and_apart(
    name: str, run_page: Path, open_page: Callable[..., Opened]
) -> None:
    labels = open_page(run_page).page.locator(f"#{name} :is(.xtick, .x2tick) text")
    boxes = labels.evaluate_all("all => all.map((t) => t.getBoundingClientRect().toJSON())")
    boxes.sort(key=lambda box: box["left"])
    assert len(boxes) > 5
    # a vertical label is as wide as its line is high
    assert all(box["width"] >= 12 for box in boxes)
    assert all(a["right"] <= b["left"] + 1 for a, b in pairwise(boxes))


def test_the_timeline_names_each_core_port_and_channel(
    run_page: Path, open_page: Callable[..., Opened]
) -> None:
    page = open_page(run_page).page
    ticks = page.locator("#timeline .ytick text").all_text_contents()
    cores = [f"{kind}[{n}]" for kind, number in CORES.items() for n in range(number)]
    assert sorted(ticks) == sorted([*cores, *PORTS, "dram[0]"])


def test_a_click_on_the_legend_hides_the_critical_path_and_nothing_else(
    run_page: Path, open_page: Callable[..., Opened]
) -> None:
    plot = open_page(run_page).page.locator("#timeline")
    bars = plot.locator(".points .point path")
    strips = plot.locator(".points .point path[style*='rgb(214, 0, 122)']")
    before, marked = bars.count(), strips.count()
    assert 0 < marked < before
    plot.locator(".legendtoggle").last.click()
    strips.first.wait_for(state="detached")
    assert bars.count() == before - marked


def test_no_button_of_a_figure_sends_it_away(
    run_page: Path, open_page: Callable[..., Opened]
) -> None:
    page = open_page(run_page).page
    titles = page.locator(".modebar-btn").evaluate_all("all => all.map((b) => b.dataset.title)")
    assert "Download plot as a PNG" in titles
    assert [title for title in titles if "hare" in title or "loud" in title] == []


def test_the_policy_forbids_connections_and_foreign_scripts(
    run_page: Path, open_page: Callable[..., Opened]
) -> None:
    opened = open_page(run_page)
    refused = opened.page.evaluate("fetch('https://example.org').then(() => 'sent', () => 'no')")
    opened.page.evaluate("document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=a()>')")
    assert refused == "no"
    assert any("Content Security Policy" in message for message in opened.messages)


def test_a_click_on_a_heading_sorts_and_a_second_click_reverses(
    run_page: Path, open_page: Callable[..., Opened]
) -> None:
    page = open_page(run_page).page
    table = page.locator("section:has(h2:text-is('Layers')) > .scroll table")
    heading = table.locator("th", has_text="energy").first
    number = heading.evaluate("cell => cell.cellIndex")

    def values() -> list[float]:
        cells = table.locator(f"tbody td:nth-child({number + 1})")
        return [float(text) for text in cells.evaluate_all("c => c.map((d) => d.dataset.value)")]

    unsorted = values()
    heading.locator("button").press("Enter")
    assert values() == sorted(unsorted, reverse=True) != unsorted
    assert heading.get_attribute("aria-sort") == "descending"
    heading.locator("button").click()
    assert values() == sorted(unsorted)


def test_the_search_shows_rows_that_hold_all_words(
    run_page: Path, open_page: Callable[..., Opened]
) -> None:
    page = open_page(run_page).page
    section = page.locator("section:has(h2:text-is('Layers'))")
    section.locator("input").fill("LAYER3.2 neuron")
    shown = section.locator("tbody tr:visible td:first-child").all_text_contents()
    assert shown == ["layer3.2.neuron1", "layer3.2.neuron2", "layer3.2.neuron3"]
    section.locator("input").fill("")
    assert section.locator("tbody tr:visible").count() == section.locator("tbody tr").count()


DRAWN = "[...document.querySelectorAll('.plot')].filter((p) => p.data).map((p) => p.id)"


def test_figures_are_drawn_one_window_ahead_of_the_reader(
    run_page: Path, open_page: Callable[..., Opened]
) -> None:
    page = open_page(run_page, draw_all=False).page
    assert "timeline" not in page.evaluate(DRAWN)
    page.locator("#timeline").scroll_into_view_if_needed()
    for name in ("timeline", "occupancy"):
        page.locator(f"#{name} .points path").first.wait_for(state="attached")
    assert page.evaluate("document.getElementById('multiplies').data") is None


def test_what_is_printed_has_all_figures(run_page: Path, open_page: Callable[..., Opened]) -> None:
    opened = open_page(run_page, draw_all=False)
    page = opened.page
    assert len(page.evaluate(DRAWN)) < page.locator(".plot").count()
    page.pdf()
    assert len(page.evaluate(DRAWN)) == page.locator(".plot").count()
    assert opened.messages == []
