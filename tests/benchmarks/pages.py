"""How large a report is, how soon it can be used, and how soon it follows a hand.

Measured in a Chromium without a window. A report can be used when its words, tables and sliders
and the figures in the window are there, counted from the start of navigation in a browser that was
just started: the least of several, since other work on the machine only adds to it. A redraw counts
from the hand's event to the frame behind it: the median of many. They are meant to take at most 3 s
and 200 ms, with at most 8 MB for the main job and 20 MB for a run of 100,000 jobs.

`python -m tests.benchmarks.pages FILE...` measures reports of runs that are there already.
"""

import shutil
import statistics
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from codesign.pages.run_report import ENERGY_FIGURES
from tests.pages.conftest import CHROMIUM_FLAGS

OPENINGS, REDRAWS = 5, 15
WINDOW = {"width": 1280, "height": 900}

_FRAME = "await new Promise((done) => requestAnimationFrame(() => setTimeout(done, 0)));"
_OPENED = "performance.getEntriesByName('ready')[0].startTime"
_ZOOM = f"""async (number) => {{
  const plot = document.getElementById("timeline");
  const whole = figures.timeline.layout.xaxis.wholeRun ??= plot.layout.xaxis.range[1];
  const first = whole * ((0.137 * number) % 0.7);
  const width = whole * [0.3, 0.1, 0.02, 0.5, 1][number % 5];
  const start = performance.now();
  await Plotly.relayout(plot, {{ "xaxis.range": [first, first + width] }});
  {_FRAME}
  return performance.now() - start;
}}"""
_SLIDE = f"""async ([name, number]) => {{
  const sliders = [...document.querySelectorAll("#sliders input")];
  const slider = sliders[number % sliders.length];
  const redrawn = new Promise((done) =>
    document.getElementById(name).once("plotly_afterplot", done));
  const start = performance.now();
  slider.value = 7 * (number + 1) % 60 - 30;
  slider.dispatchEvent(new Event("input"));
  await redrawn;
  {_FRAME}
  return performance.now() - start;
}}"""


@dataclass(frozen=True)
class PageCost:
    """What a report costs its reader.

    Attributes:
        size_bytes: of the file.
        opening_s: until it can be used.
        zoom_ms: to redraw the timeline, the median of several stretches.
        slider_ms: to redraw each figure of energies, and what is in the window with it.
    """

    size_bytes: int
    opening_s: float
    zoom_ms: float
    slider_ms: dict[str, float]


def page_cost(path: Path) -> PageCost | None:
    """Measures the report of a run; None where there is no browser."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        return None
    openings = []
    for _ in range(OPENINGS):
        with opened(path, chromium) as page:
            openings.append(page.evaluate(_OPENED) / 1_000)
    with opened(path, chromium) as page:
        show(page, "timeline")
        zooms = [page.evaluate(_ZOOM, number) for number in range(REDRAWS)]
        slides = {name: median_slide(page, name) for name in ENERGY_FIGURES}
    size = path.stat().st_size
    return PageCost(size, min(openings), statistics.median(zooms), slides)


def median_slide(page: Any, name: str) -> float:
    """Milliseconds from moving a slider to the figure that shows it."""
    show(page, name)
    taken = []
    for number in range(REDRAWS):
        taken.append(page.evaluate(_SLIDE, [name, number]))
        page.wait_for_timeout(20)
    return statistics.median(taken)


def show(page: Any, name: str) -> None:
    """Scrolls to a figure and waits until it and its neighbours are drawn and the page rests."""
    page.locator(f"#{name}").scroll_into_view_if_needed()
    page.locator(f"#{name} .main-svg").first.wait_for(state="attached")
    page.wait_for_timeout(1_500)


@contextmanager
def opened(path: Path, chromium: str) -> Iterator[Any]:
    """The page in a browser of its own, ready to be used."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=CHROMIUM_FLAGS)
        page = browser.new_page(viewport=WINDOW)
        page.goto(path.resolve().as_uri())
        page.locator("html[data-ready=true]").wait_for(state="attached", timeout=60_000)
        yield page
        browser.close()


def print_page(label: str, path: Path) -> None:
    """The figures of a report, each on a line of its own."""
    measured = page_cost(path)
    if measured is None:
        print(f"{label:30} no Chromium: {path.stat().st_size / 1e6:.2f} MB")
        return
    slowest = max(measured.slider_ms.values())
    print(
        f"{label:30} {measured.size_bytes / 1e6:5.2f} MB {measured.opening_s:6.2f} s "
        f"{measured.zoom_ms:6.0f} ms {slowest:7.0f} ms"
    )
    for name, redraw_ms in measured.slider_ms.items():
        print(f"  {name:54} {redraw_ms:7.0f} ms")


def print_head() -> None:
    """Headings of the figures of reports."""
    print(f"\n{'report':30} {'size':>8} {'opening':>8} {'zoom':>9} {'slider':>10}")


def main() -> None:
    """Measures the reports that the command line names."""
    print_head()
    for name in sys.argv[1:]:
        print_page(Path(name).parent.name, Path(name))


if __name__ == "__main__":
    main()
