"""What each place of the chip is and spends, as the summary has it."""

from codesign.pages.content import Number
from codesign.pages.power import place_words, power_section, power_table

SUMMARY = {
    "latency_s": 0.01,
    "messages": {},
    "energy_pj": 1e9,
    "average_power_w": 0.1,
    "peak_power_w": 0.25,
    "area_parts_mm2": {"spike.logic": 2.0, "weight_buffer": 3.0},
    "static_parts_pj": {"spike.logic": 1e8, "spike.idle_clock": 2e8, "dram_background": 3e8},
}


def test_every_place_has_a_row_and_nothing_is_invented() -> None:
    rows = power_table(SUMMARY).rows
    assert [[cell.text if isinstance(cell, Number) else cell for cell in row] for row in rows] == [
        ["spike cores: logic", "2", "10 mW", "100 µJ"],
        ["weight buffer", "3", "", ""],
        ["spike cores: idle clock", "", "20 mW", "200 µJ"],
        ["DRAM background", "", "30 mW", "300 µJ"],
    ]


def test_the_words_name_mean_peak_and_the_static_share() -> None:
    (section,) = power_section(SUMMARY)
    assert section.text[0].startswith("100 mW on average, DRAM included, and 250 mW in the busiest")
    assert section.text[1].startswith("60.0 % of the energy passes with time alone")


def test_without_cores_there_is_no_section() -> None:
    assert power_section(SUMMARY | {"latency_s": None}) == []


def test_places_are_words() -> None:
    assert place_words("accumulation.weight_memory") == "accumulation cores: weight memory"
    assert place_words("noc") == "NoC"
