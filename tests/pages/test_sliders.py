"""What a reader gets by moving sliders: the page of a chip whose file has other coefficients."""

import json
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from codesign.pages import (
    comparison,
    energy_tree,
    pareto,
    pathway_cost,
    relative,
    write_compare_report,
    write_run_report,
)
from codesign.pages.compare_report import ENERGY_FIGURES as COMPARED_FIGURES
from codesign.pages.compare_report import compare_page
from codesign.pages.content import Figure, Number, Page, Table
from codesign.pages.repricing import FACTORS, energies, factor_of, flips
from codesign.pages.run_report import ENERGY_FIGURES, run_page
from tests.pages.conftest import Opened
from tests.pages.example_results import example_result
from tests.pages.repriced_results import priced_result, repriced_result, rivals

VIEWS: list[dict[str, float]] = [
    {"ac": 2.0, "dram": 0.5},
    {"mac": 10.0, "sram": 0.1, "clock": 3.35, "leakage": 0.118},
    {"sram": 1.37},  # between two stops
]
NUMBERS = """() => [...document.querySelectorAll("table")].map((table) => [
  table.caption.textContent,
  [...table.tBodies[0].rows].map((row) => [...row.cells].map(
    (cell) => [cell.dataset.value ?? null, cell.textContent.replace(/\\u00a0/g, " ")])),
])"""
FIGURES = """(names) => names.map((name) => document.getElementById(name).data.map(
  (trace) => ({part: trace.legendgroup, axis: trace.xaxis, x: [...trace.x], y: [...trace.y]})))"""
TRACES = """(name) => JSON.parse(JSON.stringify([
  document.getElementById(name).data, document.getElementById(name).layout]))"""
DRAWN = """(name) => document.getElementById(name).calcdata.map(
  (bars) => bars.map((bar) => bar.s ?? bar.v))"""
BARS = [name for name, how in ENERGY_FIGURES.items() if how == "bars"]


@pytest.fixture(scope="module")
def run_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("run") / "report.html"
    write_run_report(priced_result(), path)
    return path


@pytest.fixture(scope="module")
def rivals_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("rivals") / "report.html"
    write_compare_report(rivals(), path)
    return path


def fragment(factors: Mapping[str, float]) -> str:
    return "&".join(f"{name}={factor:g}" for name, factor in factors.items())


def wait_for(opened: Opened, factors: Mapping[str, float]) -> None:
    """Until everything is drawn."""
    where = f'html[data-factors="{fragment(factors)}"]'
    opened.page.locator(where).wait_for(state="attached", timeout=30_000)


def view(opened: Opened, factors: Mapping[str, float]) -> None:
    opened.page.evaluate("text => { location.hash = text; }", fragment(factors))
    wait_for(opened, factors)


def state(opened: Opened, figures: Iterable[str]) -> Any:
    """All texts, numbers and figures of a page."""
    html = "document.querySelector('main').innerText"
    drawn = "document.querySelectorAll('.plot .points path').length"
    found = [opened.page.evaluate(each) for each in (NUMBERS, html, drawn)]
    return [*found, [traces(opened, name) for name in figures]]


def traces(opened: Opened, name: str) -> tuple[list[Any], Any]:
    """The traces of a figure, and the ranges of its axes."""
    data, layout = opened.page.evaluate(TRACES, name)
    return data, [layout.get(axis, {}).get("range") for axis in ("xaxis", "yaxis")]


def drawn_figures(page: Page) -> dict[str, Figure]:
    return {each.name: each.figure for part in page.sections for each in part.shown_pictures}


def known_tables(page: Page) -> dict[str, Table]:
    """In their order on the page."""
    found = []
    for section in page.sections:
        found += [picture.table for picture in section.shown_pictures]
        found += [section.table] if section.table is not None else []
    return {table.title: table for table in found}


def check_tables(opened: Opened, expected: Page, others: Iterable[Table] = ()) -> None:
    """Every cell of the open page is that of the expected one, some tables replaced."""
    tables = known_tables(expected) | {table.title: table for table in others}
    found = opened.page.evaluate(NUMBERS)
    assert [title for title, _ in found] == list(tables)
    for title, rows in found:
        for cells, expected_row in zip(rows, tables[title].rows, strict=True):
            for (value, text), cell in zip(cells, expected_row, strict=True):
                if isinstance(cell, Number):
                    assert math.isclose(float(value), cell.value, rel_tol=1e-9), (title, cells)
                    assert text == cell.text, (title, cells)
                else:
                    assert text == cell


def check_tiles(opened: Opened, expected: Page) -> None:
    tiles = opened.page.locator(".tile")
    assert tiles.locator(".label").all_text_contents() == [tile.label for tile in expected.tiles]
    assert tiles.locator(".value").all_text_contents() == [tile.value for tile in expected.tiles]
    for place, tile in enumerate(expected.tiles):
        if tile.priced_note is not None:
            assert tiles.nth(place).locator(".note").text_content() == tile.note
        if tile.priced is not None and tile.priced.parts is not None:
            value = tiles.nth(place).locator(".value").get_attribute("data-value")
            assert math.isclose(float(value), sum(tile.priced.parts.values()), rel_tol=1e-9)


def same(found: list[float], expected: list[float]) -> bool:
    pairs = zip(found, expected, strict=True)
    return all(math.isclose(one, other, rel_tol=1e-9) for one, other in pairs)


@pytest.mark.parametrize("factors", VIEWS, ids=fragment)
def test_a_run_is_shown_as_with_other_coefficients(
    factors: dict[str, float], run_path: Path, open_page: Callable[..., Opened]
) -> None:
    opened = open_page(run_path)
    view(opened, factors)
    expected = run_page(repriced_result(priced_result(), factors))
    leaves = repriced_leaves(factors)
    check_tables(opened, expected, [energy_tree.tree_table(leaves)])
    check_tiles(opened, expected)
    drawn = drawn_figures(run_page(priced_result()))
    for name, found in zip(BARS, opened.page.evaluate(FIGURES, BARS), strict=True):
        axis = "x" if name == "energy-components" else "y"
        for trace, file in zip(found, drawn[name].data, strict=True):
            factor = factor_of(file["legendgroup"], factors)
            assert same(trace[axis], [factor * value for value in file[axis]])
    check_tree(opened, energy_tree.tree_figure(leaves))
    assert opened.messages == []


def repriced_leaves(factors: Mapping[str, float]) -> list[energy_tree.Leaf]:
    """Rectangles under factors; which small layers are one is as at the file's coefficients."""
    return [
        replace(leaf, energy_pj=factor_of(leaf.component, factors) * leaf.energy_pj)
        for leaf in energy_tree.tree_data(priced_result())
    ]


def check_tree(opened: Opened, expected: Figure) -> None:
    (found,), _ = traces(opened, "energy-tree")
    (trace,) = expected.data
    said = {
        id_: (value, text, words)
        for id_, value, text, words in zip(
            *(trace[key] for key in ("ids", "values", "text", "hovertext")), strict=True
        )
    }
    for place, id_ in enumerate(found["ids"]):
        value, text, words = said.pop(id_)
        assert math.isclose(found["values"][place], value, rel_tol=1e-9)
        assert (found["text"][place], found["hovertext"][place]) == (text, words)
    assert not said


@pytest.mark.parametrize("factors", VIEWS, ids=fragment)
def test_views_of_a_comparison_are_drawn_as_with_other_coefficients(
    factors: dict[str, float], rivals_path: Path, open_page: Callable[..., Opened]
) -> None:
    opened = open_page(rivals_path)
    view(opened, factors)
    results = [repriced_result(result, factors) for result in rivals()]
    found, _ = traces(opened, "relative")
    for trace, other in zip(
        found, relative.relative_figure(*relative.relative_data(results)).data, strict=True
    ):
        assert trace["name"] == other["name"]
        assert same(trace["x"], other["x"])
    file = drawn_figures(compare_page(rivals()))
    for name, axis in (("pathway-components", "x"), ("pathway-layers-1", "y")):
        sums = [0.0] * len(file[name].data[0][axis])
        for trace, other in zip(traces(opened, name)[0], file[name].data, strict=True):
            factor = factor_of(other["legendgroup"], factors)
            values = [factor * value for value in other[axis]]
            if name == "pathway-components" and other["type"] == "bar":
                sums = [one + more for one, more in zip(sums, values, strict=True)]
            assert same(trace[axis], values if other["type"] == "bar" else sums)
    check_pareto(opened, pareto.pareto_figure(pareto.pareto_data(results)))
    assert opened.messages == []


def check_pareto(opened: Opened, expected: Figure) -> None:
    found, ranges = traces(opened, "pareto")
    title = expected.layout["yaxis"]["title"]["text"]
    size = {"Energy (mJ)": 1.0, "Energy (µJ)": 1e-3}[title]  # the page keeps its unit, mJ
    for trace, other in zip(found, expected.data, strict=True):
        assert same(trace["x"], other["x"])
        assert same(trace["y"], [size * value for value in other["y"]])
        for key in ("hovertext", "textposition"):
            assert trace.get(key) == other.get(key)
        assert trace.get("marker", {}).get("symbol") == other.get("marker", {}).get("symbol")
    x_range, y_range = (expected.layout[axis]["range"] for axis in ("xaxis", "yaxis"))
    assert same(ranges[0], x_range)
    assert same(ranges[1], [size * value for value in y_range])


@pytest.mark.parametrize("factors", VIEWS, ids=fragment)
def test_a_comparison_is_shown_as_with_other_coefficients(
    factors: dict[str, float], rivals_path: Path, open_page: Callable[..., Opened]
) -> None:
    opened = open_page(rivals_path)
    view(opened, factors)
    results = [repriced_result(result, factors) for result in rivals()]
    expected = compare_page(results)
    check_tiles(opened, expected)
    check_tables(opened, expected)
    stacked = comparison.energy_data(results)
    (found,) = opened.page.evaluate(FIGURES, ["energy"])
    for views, axis, size in ((stacked, "x", 1e-9), (comparison.normalised(stacked), "x2", 1.0)):
        bars = {each["part"]: each["x"] for each in found if each["axis"] == axis}
        for part, values in views.parts.items():
            assert same(bars[part], [size * value for value in values])
    diamonds = [pathway_cost.equation_7_pj(result) * 1e-9 for result in rivals()]
    assert same(found[-1]["x"], diamonds)
    assert opened.messages == []


def test_a_figure_that_comes_into_view_later_is_drawn_with_other_coefficients(
    run_path: Path, open_page: Callable[..., Opened]
) -> None:
    factors = VIEWS[0]
    opened = open_page(run_path, draw_all=False)
    view(opened, factors)
    file = drawn_figures(run_page(priced_result()))["energy-timesteps"]
    plot = opened.page.locator("#energy-timesteps")
    assert opened.page.evaluate("document.getElementById('energy-timesteps').data") is None
    plot.scroll_into_view_if_needed()
    plot.locator(".points path").first.wait_for(state="attached")
    for trace, other in zip(traces(opened, "energy-timesteps")[0], file.data, strict=True):
        factor = factor_of(other["legendgroup"], factors)
        assert same(trace["y"], [factor * value for value in other["y"]])


def wait_until_drawn(opened: Opened, name: str) -> None:
    """Until what is drawn of a figure of bars is what its data are now."""
    opened.page.wait_for_function(
        """(name) => {
          const { calcdata, data } = document.getElementById(name);
          return calcdata.every((bars, place) => {
            const { orientation, x, y } = data[place];
            return bars.every((bar, i) => bar.s === (orientation === "h" ? x : y)[i]);
          });
        }""",
        arg=name,
        timeout=30_000,
    )


def test_a_figure_that_was_drawn_and_is_far_away_follows_when_it_comes_near(
    run_path: Path, open_page: Callable[..., Opened]
) -> None:
    opened = open_page(run_path)
    before = opened.page.evaluate(DRAWN, "energy-timesteps")
    view(opened, VIEWS[0])
    assert opened.page.evaluate(DRAWN, "energy-timesteps") == before
    opened.page.locator("#energy-timesteps").scroll_into_view_if_needed()
    wait_until_drawn(opened, "energy-timesteps")
    assert opened.page.evaluate(DRAWN, "energy-timesteps") != before
    assert opened.messages == []


@pytest.mark.parametrize("name", ENERGY_FIGURES)
def test_what_is_in_the_window_is_drawn_again_before_the_hand_rests(
    name: str, run_path: Path, open_page: Callable[..., Opened]
) -> None:
    opened = open_page(run_path)
    opened.page.locator(f"#{name}").scroll_into_view_if_needed()
    wait_for(opened, {})
    before = opened.page.evaluate(DRAWN, name)
    after = opened.page.evaluate(
        f"""async (name) => {{
          const slider = document.getElementById("factor-sram");
          let moves = 0;
          const hand = setInterval(() => {{ // never rests
            slider.value = 1 + (moves++ % 30);
            slider.dispatchEvent(new Event("input"));
          }}, 20);
          await new Promise((done, never) => {{
            document.getElementById(name).once("plotly_afterplot", done);
            setTimeout(never, 20_000, "the figure waits for the hand to rest");
          }});
          clearInterval(hand);
          return ({DRAWN})(name);
        }}""",
        name,
    )
    assert after != before


def test_what_is_printed_has_all_numbers_and_figures_as_they_are_now(
    run_path: Path, open_page: Callable[..., Opened]
) -> None:
    opened = open_page(run_path)
    opened.page.evaluate(
        """() => new Promise((done) => {
          const slider = document.getElementById("factor-dram");
          slider.value = 12;
          slider.dispatchEvent(new Event("input"));
          requestAnimationFrame(done);
        })"""
    )
    opened.page.evaluate("dispatchEvent(new Event('beforeprint'))")
    result = repriced_result(priced_result(), {"dram": 2.0})
    leaves = repriced_leaves({"dram": 2.0})
    check_tables(opened, run_page(result), [energy_tree.tree_table(leaves)])
    for name in BARS:
        wait_until_drawn(opened, name)


def test_keys_move_a_slider_by_preferred_numbers_and_the_address_follows(
    run_path: Path, open_page: Callable[..., Opened]
) -> None:
    opened = open_page(run_path)
    page = opened.page
    page.locator("#sliders summary").press("Enter")
    slider = page.get_by_label("DRAM energy")
    for key in ("ArrowLeft", "ArrowLeft", "ArrowRight", "ArrowLeft"):
        slider.press(key)
    factor = FACTORS[len(FACTORS) // 2 - 2]
    wait_for(opened, {"dram": factor})
    assert page.evaluate("location.hash") == f"#dram={factor}"
    assert slider.get_attribute("aria-valuetext") == f"\u00d7 {factor}, 7.2 pJ/b"
    page.get_by_label("AC energy", exact=True).fill("12")
    wait_for(opened, {"ac": FACTORS[len(FACTORS) // 2 + 12], "dram": factor})
    slider.press("End")
    wait_for(opened, {"ac": 2.0, "dram": 10.0})
    assert opened.messages == []


def test_an_address_restores_a_view(run_path: Path, open_page: Callable[..., Opened]) -> None:
    opened = open_page(run_path, fragment="ac=2&mac=0.5")
    wait_for(opened, {"ac": 2.0, "mac": 0.5})
    check_tiles(opened, run_page(repriced_result(priced_result(), {"ac": 2.0, "mac": 0.5})))
    assert opened.page.locator("#factor-ac").input_value() == "12"
    assert opened.page.locator("#factor-mac").input_value() == "-12"
    assert opened.page.locator("#sliders output").first.is_visible()
    assert opened.messages == []


def test_values_that_are_none_are_ignored(run_path: Path, open_page: Callable[..., Opened]) -> None:
    opened = open_page(run_path, fragment="ac=11&dram=0.5")
    wait_for(opened, {"dram": 0.5})
    for text in ("ac=0", "ac=-2", "ac=1e1", "ac=", "ac", "noc=2", "b=2", "ac=NaN", "=&&==", "%"):
        for factor in (2.0, 0.5):
            hash_text = f"{text}&dram={factor:g}"
            opened.page.evaluate("text => { location.hash = text; }", hash_text)
        wait_for(opened, {"dram": 0.5})
    assert opened.messages == []


@pytest.mark.parametrize("which", ["run", "compare"])
def test_reset_restores_everything(
    which: str, run_path: Path, rivals_path: Path, open_page: Callable[..., Opened]
) -> None:
    opened = open_page(run_path if which == "run" else rivals_path)
    known = {**ENERGY_FIGURES, **COMPARED_FIGURES}
    page = run_page(priced_result()) if which == "run" else compare_page(rivals())
    figures = [name for name in drawn_figures(page) if name in known]
    assert len(figures) > 3
    opened.page.locator("#sliders summary").click()
    wait_for(opened, {})
    before = state(opened, figures)
    view(opened, VIEWS[1])
    assert state(opened, figures) != before
    opened.page.get_by_role("button", name="Reset to the file").click()
    wait_for(opened, {})
    assert state(opened, figures) == before
    assert opened.page.evaluate("location.hash") == ""
    assert opened.messages == []


def test_the_page_says_a_flip_exactly_when_there_is_one(
    rivals_path: Path, open_page: Callable[..., Opened]
) -> None:
    opened = open_page(rivals_path)
    runs = {str(each.summary["workload"]): each.summary["energy_parts_pj"] for each in rivals()}
    said = opened.page.locator("#sliders .flips")
    assert said.get_attribute("aria-live") == "polite"
    flipped = 0
    for name in ("ac", "mac", "sram", "dram"):
        for factor in (0.1, 0.5, 2.0, 10.0):
            view(opened, {name: factor})
            pairs = flips(runs, {name: factor})
            clauses = [f"{more} now spends less than {less}" for less, more in pairs]
            message = f"The ranking by energy flips: {'; '.join(clauses)}." if pairs else ""
            assert said.text_content() == message
            flipped += bool(pairs)
    assert 0 < flipped < 16
    assert opened.messages == []


def test_a_sorted_table_stays_sorted(run_path: Path, open_page: Callable[..., Opened]) -> None:
    opened = open_page(run_path)
    table = opened.page.locator("section:has(h2:text-is('Layers')) > .scroll table")
    heading = table.locator("th", has_text="energy").first
    heading.locator("button").click()
    view(opened, {"mac": 10.0, "sram": 0.1})
    column = heading.evaluate("cell => cell.cellIndex") + 1
    cells = table.locator(f"tbody td:nth-child({column})")
    values = [float(each) for each in cells.evaluate_all("c => c.map((d) => d.dataset.value)")]
    assert values == sorted(values, reverse=True)


def test_what_is_not_priced_again_says_so_while_a_factor_is_off_one(
    run_path: Path, open_page: Callable[..., Opened]
) -> None:
    opened = open_page(run_path)
    wait_for(opened, {})
    shown = """() => [...document.querySelectorAll("[data-at-file]")].map((each) => {
      const mark = getComputedStyle(each, "::after");
      return mark.content !== "none" && mark.visibility === "visible"; })"""
    assert not any(opened.page.evaluate(shown))
    view(opened, {"ac": 2.0})
    marks = opened.page.evaluate(shown)
    assert len(marks) > 3
    assert all(marks)


def test_the_panel_stays_in_its_place_when_the_first_slider_moves(
    run_path: Path, open_page: Callable[..., Opened]
) -> None:
    opened = open_page(run_path)
    opened.page.locator("#sliders summary").click()
    wait_for(opened, {})
    place = opened.page.locator("#factor-ac").bounding_box()
    opened.page.locator("#factor-ac").press("ArrowRight")
    wait_for(opened, {"ac": FACTORS[len(FACTORS) // 2 + 1]})
    assert opened.page.locator("#factor-ac").bounding_box() == place
    opened.page.locator("#factor-dram").fill("-39")  # the longest numbers
    wait_for(opened, {"ac": FACTORS[len(FACTORS) // 2 + 1], "dram": FACTORS[1]})
    assert opened.page.locator("#factor-ac").bounding_box() == place
    first_row = opened.page.locator(".factor input").all()[:4]
    tops = [box["y"] for box in (each.bounding_box() for each in first_row) if box]
    assert len(set(tops)) == 1


def test_without_scripts_the_page_has_no_sliders(run_path: Path, browser: Any) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{run_path.as_uri()}#ac=2")
    assert page.locator("input[type=range]").count() == 6
    assert not page.locator("#sliders").is_visible()
    tiles = run_page(priced_result()).tiles
    assert page.locator(".tile .value").all_text_contents() == [tile.value for tile in tiles]
    context.close()


def test_operations_alone_have_two_sliders(
    paper_page: Path, open_page: Callable[..., Opened]
) -> None:
    opened = open_page(paper_page, fragment="mac=0.5&clock=2")
    wait_for(opened, {"mac": 0.5})
    assert opened.page.locator("#sliders label").all_text_contents() == [
        "AC energy",
        "MAC energy",
    ]
    parts = {"run": example_result("dsnn18", cores=False).summary["energy_parts_pj"]}
    value = opened.page.locator(".tile .value").first.get_attribute("data-value")
    assert math.isclose(float(value), energies(parts, {"mac": 0.5})["run"], rel_tol=1e-9)


def test_the_block_holds_energies_by_component(run_path: Path) -> None:
    block = run_path.read_text("utf-8").partition('id="repricing">')[2].partition("</script>")[0]
    (run,) = json.loads(block)["runs"]
    assert run["parts_pj"] == priced_result().summary["energy_parts_pj"]
