"""Energies under factors are those of a chip whose file has other coefficients."""

import math
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from codesign.chip import simulate
from codesign.energy import component_sums, price
from codesign.evaluation import evaluate
from codesign.mapping import lower, map_workload
from codesign.pages.compare_report import compare_page
from codesign.pages.content import Number, Page, Table
from codesign.pages.document import page_html
from codesign.pages.repricing import (
    FACTORS,
    SLIDERS,
    energies,
    factor_of,
    flips,
    product_of,
    repricing,
    states_energy,
)
from codesign.pages.run_report import run_page
from codesign.results import COMPONENTS, Result
from codesign.sensitivity import energies_pj, energy_parts_pj
from codesign.specs.architecture import Noc
from tests.chip.small_chips import split_chip
from tests.pages.example_results import example_result
from tests.pages.repriced_results import priced_result, repriced_result, rivals
from tests.small_networks import dual_stream_network

COEFFICIENTS = {
    "ac": {"ac_pj"},
    "mac": {"mac_pj"},
    "sram": {"read_pj", "write_pj"},
    "dram": {"energy_pj_per_bit"},
    "noc": {"hop_pj_per_bit", "event_pj"},
    "clock": {"clock_pj", "idle_clock_pj"},
    "leakage": {"leakage_mw", "background_mw"},
}
BUS = Noc.model_validate(
    {
        **{"topology": "bus", "link": "16 bit", "hop_latency": 1, "hop": "0.1 pJ/b"},
        **{"multicast": True, "spikes": "events", "event": "1 pJ", "leakage": "1 mW"},
        **{"area": "0.1 mm2", "source": "assumed, because a test"},
    }
)
CHIP = split_chip().model_copy(update={"noc": BUS})


def tripled(spec: Any, names: set[str]) -> Any:
    """A part of an architecture with three times the coefficients of these names."""
    if isinstance(spec, dict):
        return {key: tripled(value, names) for key, value in spec.items()}
    if not isinstance(spec, BaseModel):
        return spec
    update = {
        name: 3 * value if name in names and value is not None else tripled(value, names)
        for name, value in spec
    }
    return spec.model_copy(update=update)


@pytest.mark.parametrize("slider", COEFFICIENTS)
def test_a_factor_is_the_same_factor_on_the_files_coefficients(slider: str) -> None:
    """The same jobs are priced again: with other coefficients they might be cut otherwise."""
    trace = dual_stream_network()
    jobs = lower(map_workload(trace.workload, CHIP), trace)
    schedule = simulate(CHIP, jobs)
    dearer = tripled(CHIP, COEFFICIENTS[slider])
    parts, others = (component_sums(price(jobs, schedule, chip)) for chip in (CHIP, dearer))
    other = math.fsum(others.values())
    found = energies({"run": parts}, {slider: 3.0})["run"]
    # the same products are added in another order
    assert math.isclose(found, other, rel_tol=1e-12)
    assert other > sum(parts.values())


def test_every_slider_moves_components_of_its_own() -> None:
    moved = [name for slider in SLIDERS for name in slider.components]
    assert set(COEFFICIENTS) == {slider.name for slider in SLIDERS}
    assert len(moved) == len(set(moved))
    assert set(COMPONENTS) - set(moved) == {"addition", "neuron", "logic", "host"}
    assert factor_of("neuron", dict.fromkeys(COEFFICIENTS, 2.0)) == 1.0


def test_stops_are_as_far_above_one_as_below_and_even() -> None:
    middle = len(FACTORS) // 2
    assert (FACTORS[0], FACTORS[middle], FACTORS[-1]) == (0.1, 1.0, 10.0)
    assert {0.25, 0.5, 2.0, 5.0} <= set(FACTORS)
    for place, factor in enumerate(FACTORS):
        # preferred numbers are rounded by up to 1.3 %
        assert math.isclose(factor, 10 ** ((place - middle) / middle), rel_tol=0.013)


PARTS = st.fixed_dictionaries(
    {name: st.floats(0, 1e12) for name in ("ac", "mac", "dram", "neuron", "leakage")}
)
SOME_FACTORS = st.dictionaries(st.sampled_from(sorted(COEFFICIENTS)), st.sampled_from(FACTORS))


@given(st.lists(PARTS, max_size=4), SOME_FACTORS)
def test_a_pair_flips_if_and_only_if_both_orders_are_strict_and_opposite(
    runs: list[dict[str, float]], factors: dict[str, float]
) -> None:
    named = {f"run {number}": parts for number, parts in enumerate(runs)}
    before, after = energies(named, {}), energies(named, factors)
    expected = {
        (less, more)
        for less in named
        for more in named
        if before[less] < before[more] and after[less] > after[more]
    }
    assert set(flips(named, factors)) == expected
    assert flips(named, {}) == []


def test_a_flip_by_hand() -> None:
    runs = {"s": {"ac": 5.0, "dram": 95.0}, "m": {"mac": 12.0, "dram": 80.0}}
    assert flips(runs, {"mac": 2.0}) == [("m", "s")]
    assert flips(runs, {"mac": 1.5}) == []


def test_components_that_no_run_has_get_no_slider() -> None:
    found = repricing(["a"], [example_result("dsnn50")], {})
    assert found is not None
    names = [slider.name for slider in found.sliders]
    assert names == ["ac", "mac", "sram", "dram", "clock", "leakage"]
    assert [slider.components for slider in found.sliders][-1] == ("leakage",)
    alone = repricing(["a"], [example_result("dsnn18", cores=False)], {})
    assert alone is not None
    assert [slider.name for slider in alone.sliders] == ["ac", "mac"]


def test_a_coefficient_is_said_if_all_runs_have_it() -> None:
    one = priced_result()
    other = replace(one, summary=one.summary | {"coefficients_pj": {"ac": 0.07, "mac": 0.25}})
    found = repricing(["a", "b"], [one, other], {})
    assert found is not None
    said = {slider.name: slider.coefficient_pj for slider in found.sliders}
    assert said == {**dict.fromkeys(said), "mac": 0.25}


def test_means_over_images_of_products_are_not_priced_again() -> None:
    summary = priced_result().summary | {"images": 2}
    assert product_of(summary, "edp_js").parts is None
    page = page_html(run_page(replace(priced_result(), summary=summary)))
    assert page.count('class="value" data-at-file') == 2  # EDP and mean power


def priced_numbers(page: Page) -> Iterator[tuple[str, Number]]:
    for table in tables(page):
        for row in table.rows:
            for heading, cell in zip(table.columns, row, strict=True):
                if isinstance(cell, Number):
                    yield heading, cell


def tables(page: Page) -> Iterator[Table]:
    for section in page.sections:
        yield from (picture.table for picture in section.shown_pictures)
        if section.table is not None:
            yield section.table


@pytest.fixture(scope="module", params=["run", "compare", "paper"])
def page(request: pytest.FixtureRequest) -> Page:
    if request.param == "compare":
        return compare_page(rivals())
    return run_page(
        priced_result() if request.param == "run" else example_result("dsnn18", cores=False)
    )


def test_every_energy_in_a_table_is_made_of_components_or_says_eq_7(page: Page) -> None:
    known = 0
    for heading, number in priced_numbers(page):
        is_energy = re.search(r"\d [fpnµm]?[JW]\b", number.text) and number.value
        if is_energy and "eq. 7" not in heading:
            assert number.priced is not None, (heading, number)
            assert number.priced.parts is not None
            whole = sum(number.priced.parts.values())
            # what was added by layer is added by component
            assert math.isclose(whole, number.value, rel_tol=1e-12), (heading, number)
            known += 1
    assert known > 3


def test_every_sentence_that_states_an_energy_is_marked(page: Page) -> None:
    text = page_html(page).partition("<h2>Where these numbers")[0]
    paragraphs = re.findall(r"<(?:p|span)([^>]*)>([^<]*\d(?:&nbsp;| )[µmn]?[JW]\b[^<]*)<", text)
    stated = [attributes for attributes, _ in paragraphs]
    assert stated
    for attributes, words in paragraphs:
        assert "data-at-file" in attributes or "data-parts" in attributes, words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("dsnn50 on split_core takes 17.6 ms and 23.2 mJ for one image.", True),
        ("Most energy goes to DRAM (34.0 %), state memory (27.2 %).", True),
        ("1.32 W on average", True),
        ("What limits it: the nearest bound, 6.54 M cycles or 74.3 % of the makespan.", False),
        ("Layers without AC and MAC have no energy.", False),
        ("6 JPEGs", False),
    ],
)
def test_texts_that_state_energies_are_known(text: str, expected: bool) -> None:
    assert states_energy(text) is expected


def test_what_a_table_of_other_prices_adds_up_to_is_its_energy() -> None:
    summary = evaluate(dual_stream_network(), CHIP).summary
    parts = energy_parts_pj(summary)
    for table, energy_pj in energies_pj(summary).items():
        # added in another order
        assert math.isclose(sum(parts[table].values()), energy_pj, rel_tol=1e-12), table


def test_the_ranking_of_rivals_flips() -> None:
    """What the tests in a browser stand on."""
    results = rivals()
    runs = {str(each.summary["workload"]): each.summary["energy_parts_pj"] for each in results}
    before = energies(runs, {})
    assert sorted(before, key=lambda name: before[name])[0] == "fsnn50"
    found = {(name, factor) for name in COEFFICIENTS for factor in FACTORS
             if flips(runs, {name: factor})}  # fmt: skip
    assert len({name for name, _ in found}) >= 2


def test_repriced_results_are_consistent() -> None:
    result = repriced_result(example_result(), {"ac": 2.0, "clock": 0.5})
    assert isinstance(result, Result)
    assert math.isclose(result.energy["energy_pj"].sum(), result.summary["energy_pj"])
