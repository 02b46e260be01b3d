"""The words say what the summary's numbers say."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codesign.pages import headline
from codesign.pages.latency import bounds_data, interval_words
from tests.pages.example_results import example_result


def summary(**changes: Any) -> dict[str, Any]:
    return {
        "workload": "dsnn50",
        "architecture": "split_core",
        "timesteps": 4,
        "images": 1,
        "makespan_cycles": 5_000_000,
        "latency_s": 0.01,
        "interval_cycles": 4_500_000,
        "interval_bounds_cycles": {"dram": 1_800_000, "compute_spike": 4_000_000},
        "interval_s": 0.009,
        "interval_energy_pj": 8e9,
        "average_power_w": 0.918,
        "peak_power_w": 2.5,
        "area_mm2": 42.0,
        "energy_pj": 9.18e9,
        "energy_parts_pj": {"ac": 1.18e9, "dram": 5.0e9, "clock": 3.0e9, "logic": 0.0},
        "energy_streams_pj": {"accumulation": 1.18e9, "spike": 5e9, "chip": 3e9},
        "edp_js": 9.18e-5,
        "bounds_cycles": {"dram": 2_000_000, "compute_spike": 4_000_000},
        "provenance": {},
        "trace_hash": "aa",
        "architecture_hash": "bb",
        "messages": {},
        "version": "1",
    } | changes


def test_the_headline_names_latency_energy_and_the_nearest_bound() -> None:
    assert headline.headline(summary()) == [
        "dsnn50 on split_core takes 10 ms and 9.18 mJ for one image.",
        "What limits it: the nearest bound is that of the busiest spike core, 4 M cycles or 80.0 % "
        "of the makespan; the other 20.0 % is not covered by it.",
        "Most energy goes to DRAM (54.5 %), clock (32.7 %), AC (12.9 %).",
    ]


def test_the_interval_is_said_with_its_nearest_bound() -> None:
    said = interval_words(summary())
    assert (
        said == "between images of a stream, 8 mJ each; nearest bound: busiest spike core, 88.9 %"
    )


def test_a_mean_over_images_is_called_one() -> None:
    assert "for one image (mean of 8)." in headline.headline(summary(images=8))[0]


def test_without_cores_no_word_of_time() -> None:
    result = example_result("fsnn18", cores=False)
    text = headline.headline(result.summary)
    assert headline.NO_LATENCY in text
    assert "cycles" not in "".join(text)
    labels = [tile.label for tile in headline.tiles(result.summary)]
    assert labels == ["Energy", "spike stream"]


def test_the_tiles_show_the_streams_in_one_order() -> None:
    assert [(tile.label, tile.value) for tile in headline.tiles(summary())] == [
        ("Latency", "10 ms"),
        ("Interval", "9 ms"),
        ("Energy", "9.18 mJ"),
        ("EDP", "91.8 µJ·s"),
        ("Mean power", "918 mW"),
        ("Area", "42 mm²"),
        ("Nearest bound", "80.0 %"),
        ("spike stream", "5 mJ"),
        ("accumulation stream", "1.18 mJ"),
        ("whole chip", "3 mJ"),
    ]


def test_a_run_without_energy_or_bounds_has_a_headline() -> None:
    text = headline.headline(summary(energy_pj=0, energy_parts_pj={}, bounds_cycles={}))
    assert text[1:] == ["No bound was computed for this run.", "No energy was spent."]


@pytest.mark.parametrize(
    ("policy", "integers", "repeated"),
    [
        ({"integer_input": "repeat"}, 7, 7),
        ({"integer_input": "repeat"}, 0, 0),
        ({"integer_input": "mac"}, 7, 0),
        (None, 7, 0),
    ],
)
def test_integers_that_the_chip_repeats_are_told(
    policy: dict[str, str] | None, integers: int, repeated: int
) -> None:
    known = summary(policy=policy, counts={"ac_repeat": integers})
    assert headline.repeated_integers(known) == repeated
    assert len(headline.counts_sentences([summary(counts={}), known])) == 2 * (repeated > 0)


def test_what_a_chip_does_that_accumulates_bit_by_bit_is_told() -> None:
    known = summary(
        counts={},
        bit_serial={"conv1": {"ac": 7, "energy_pj": 1.0}},
        operations={"ac": 27_100_000, "mac": 0},
    )
    assert headline.counts_sentences([known]) == [
        "Counts of AC and MAC are those of the network.",
        "The chip accumulates values bit by bit: it does 27.1 M ACs and 0 MACs for dsnn50.",
    ]


def test_what_a_host_does_is_told_with_what_it_costs() -> None:
    cost = {"mac": 118_013_952, "to_host_bits": 2_400_000, "from_host_bits": 12_800_000}
    cost |= {"mac_pj": 6e8, "link_pj": 1.5e8, "cycles": 1_844_000}
    known = summary(counts={}, host={"conv1": cost}, energy_pj=7.5e9)
    assert headline.host_sentences(known) == [
        "A host outside the chip does layers, for 10.0 % of the energy and 1,844,000 cycles of "
        "computing: conv1 (118 M MACs for 600 uJ, 15.2 Mbit over the link for 150 uJ)."
    ]
    assert headline.counts_sentences([known]) == [
        "Counts of AC and MAC are those of the network.",
        "The chip leaves 118 M MACs of dsnn50 to a host.",
    ]
    assert headline.host_sentences(summary(host={})) == []


def test_what_one_of_several_chips_does_is_told_with_its_name() -> None:
    done = {"counts": {}, "operations": {"ac": 27_100_000, "mac": 0}}
    serial = summary(architecture="b", bit_serial={"conv1": {"ac": 7, "energy_pj": 1.0}}, **done)
    other = summary(architecture="a", **done)
    repeating = summary(architecture="c", policy={"integer_input": "repeat"})
    repeating["counts"] = {"ac_repeat": 7}
    assert headline.counts_sentences([other, serial, repeating])[1:] == [
        "The chip c repeats integers: instead of their MACs it does what is counted as 'integers "
        "as AC'.",
        "The chip b accumulates values bit by bit: it does 27.1 M ACs and 0 MACs for dsnn50.",
    ]


@given(st.dictionaries(st.text(min_size=1), st.integers(1, 10**9), min_size=1))
def test_bounds_are_sorted_with_the_nearest_first(bounds: dict[str, int]) -> None:
    data = bounds_data(summary(bounds_cycles=bounds, makespan_cycles=10**9))
    assert [bound.cycles for bound in data] == sorted(bounds.values(), reverse=True)
    assert {bound.name: bound.cycles for bound in data} == bounds
    assert all(bound.share == bound.cycles / 10**9 for bound in data)


def test_the_bound_of_a_kind_of_core_is_named_after_its_cores() -> None:
    limited = summary(bounds_cycles={"compute_spike": 4_000_000, "dependency": 3_000_000})
    assert "the nearest bound is that of the busiest spike core" in headline.limit_sentence(limited)


def overflow(layer: str, needs_bits: int, basis: str = "recorded") -> dict[str, Any]:
    return {"layer": layer, "needs_bits": needs_bits, "has_bits": 8, "basis": basis}


def overflowing(*overflows: dict[str, Any]) -> dict[str, Any]:
    most = max((each["needs_bits"] for each in overflows), default=8)
    fits = not overflows
    return summary(
        widths={"fits": fits, "needs_bits": most, "has_bits": 8, "overflows": list(overflows)}
    )


def test_layers_whose_accumulators_overflow_are_named_with_the_fix() -> None:
    found = [overflow("stem", 9), overflow("fc", 11), overflow("a", 10), overflow("b", 12)]
    assert headline.overflow_sentences([overflowing(*found)]) == [
        "dsnn50: accumulators of 8 bit overflow: stem needs 9 bit, fc needs 11 bit, a needs 10 bit "
        "and 1 more. Widen precision.accumulator to 12 bit."
    ]


def test_a_bound_says_what_may_overflow() -> None:
    assert headline.overflow_sentences([overflowing(overflow("fc", 17, "bound"))]) == [
        "dsnn50: accumulators of 8 bit may overflow: fc needs at most 17 bit. Widen "
        "precision.accumulator to 17 bit."
    ]


@pytest.mark.parametrize("known", [overflowing(), summary(widths=None), summary()])
def test_nothing_is_said_of_what_fits_or_has_no_width(known: dict[str, Any]) -> None:
    assert headline.overflow_sentences([known]) == []


ACCURACY = {
    "share": 0.972,
    "interval": {"low": 0.95983, "high": 0.98056, "confidence": 0.95},
    "correct": 972,
    "total": 1000,
    "data_set": "MNIST-5k",
    "split": "test",
    "readout": "sum",
    "heads": {"spike": 961, "accumulation": 970, "sum": 972},
    "precision": {"weight_bits": 8, "accumulator_bits": 16, "activation_bits": 16},
    "timesteps": 4,
}
WORDS = (
    "95 % interval 96.0 to 98.1 %; 972 of 1,000 test pictures of MNIST-5k, int8 weights, "
    "16-bit membranes"
)


def test_an_accuracy_is_shown_with_its_interval_and_its_numbers() -> None:
    known = summary(accuracy=ACCURACY)
    assert headline.accuracy_share(known) == "97.2 %"
    (tile,) = (tile for tile in headline.tiles(known) if tile.label == "Accuracy")
    assert (tile.value, tile.note) == ("97.2 %", WORDS)
    assert headline.accuracy_sentences([known, known]) == [
        f"dsnn50 on split_core: accuracy 97.2 % by 'sum' ({WORDS}); 96.1 % by 'spike', "
        "97.0 % by 'accumulation'."
    ]
    alone = ACCURACY | {"heads": {"spike": 972}, "readout": "spike", "precision": None}
    (sentence,) = headline.accuracy_sentences([summary(accuracy=alone)])
    assert sentence.endswith("test pictures of MNIST-5k, weights as shipped).")


@pytest.mark.parametrize("unknown", [{}, {"accuracy": None}])
def test_an_accuracy_that_is_not_known_is_not_shown(unknown: dict[str, None]) -> None:
    assert headline.accuracy_share(summary(**unknown)) is None
    assert headline.accuracy_sentences([summary(**unknown)]) == []
    assert "Accuracy" not in [tile.label for tile in headline.tiles(summary(**unknown))]
