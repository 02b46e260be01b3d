import re
from collections.abc import Callable
from typing import Any

import pytest

from codesign.errors import InputError
from codesign.specs.architecture import Architecture
from codesign.specs.catalogue import architecture_path
from codesign.specs.documents import read_document
from codesign.specs.faults import validate
from tests.specs.places import position

Change = Callable[[dict[str, Any]], object]


def faults_after(change: Change, name: str = "split_core") -> list[str]:
    """The faults of a shipped chip after its data were changed, without their places."""
    document = read_document(architecture_path(name))
    change(document.data)
    with pytest.raises(InputError) as caught:
        validate(document, Architecture, name)
    return [fault.problem for fault in caught.value.faults]


@pytest.mark.parametrize(
    ("kind", "problems"),
    [
        (
            "accumulation",
            [
                "cores.spike.spike must be absent for a core of kind 'accumulation'.",
                "cores.spike.mac is missing for a core of kind 'accumulation'.",
                "cores.spike.operations.ac must be absent for a core of kind 'accumulation'.",
                "cores.spike.operations.mac is missing for a core of kind 'accumulation'.",
            ],
        ),
        (
            "unified",
            [
                "cores.spike.mac is missing for a core of kind 'unified'.",
                "cores.spike.operations.mac is missing for a core of kind 'unified'.",
            ],
        ),
    ],
)
def test_a_core_has_the_parts_of_its_kind_and_no_others(kind: str, problems: list[str]):
    assert sorted(faults_after(lambda data: data["cores"]["spike"].update(kind=kind))) == sorted(
        problems
    )


def test_a_core_prices_every_operation_that_it_does():
    def without_prices(data: dict[str, Any]) -> None:
        source = data["cores"]["unified"]["operations"]["source"]
        data["cores"]["unified"]["operations"] = {"source": source}

    assert faults_after(without_prices, "unified_core") == [
        f"cores.unified.operations.{operation} is missing for a core of kind 'unified'."
        for operation in ("ac", "mac", "addition", "neuron", "logic")
    ]


def test_the_lanes_of_a_unified_core_are_units_of_its_array():
    assert faults_after(
        lambda data: data["cores"]["unified"]["spike"].update(lanes=33), "unified_core"
    ) == [
        "cores.unified.spike.lanes must be at most the 32 units of the array, rows x columns "
        "(got 33)."
    ]


@pytest.mark.parametrize(
    ("keys", "problem"),
    [
        ({"dataflow": "gather"}, "is missing for a dataflow of 'gather'."),
        ({"pixels": 4}, "must be absent for a dataflow of 'scatter'."),
        (
            {"dataflow": "gather", "pixels": 5},
            "must divide the 32 lanes, which the pixels share (got 5).",
        ),
    ],
)
def test_the_pixels_of_a_gathering_core_share_its_lanes(keys: dict[str, Any], problem: str):
    assert faults_after(lambda data: data["cores"]["spike"]["spike"].update(keys)) == [
        f"cores.spike.spike.pixels {problem}"
    ]


def test_a_memory_holds_whole_words():
    assert faults_after(lambda data: data["storage"]["weight_buffer"].update(size="1000 bit")) == [
        "storage.weight_buffer.size must be a multiple of banks x width = 32 B (got 125 B)."
    ]


def test_the_weight_buffer_holds_what_a_core_loads_ahead():
    assert faults_after(lambda data: data["storage"]["weight_buffer"].update(size="16 KiB")) == [
        "storage.weight_buffer.size must be at least 32 KiB, half the weight memory of a core "
        "of 'spike' (got 16 KiB)."
    ]


def test_an_accumulator_holds_a_weight():
    assert faults_after(lambda data: data["precision"].update(accumulator="4 bit")) == [
        "precision.accumulator must be at least as wide as a weight, 8 bit (got 4 bit)."
    ]


def test_an_idle_cycle_costs_no_more_than_a_busy_one():
    assert faults_after(
        lambda data: data["cores"]["spike"]["overhead"].update(idle_clock="14 pJ")
    ) == ["cores.spike.overhead.idle_clock must be at most the clock's 13.4 pJ (got 14 pJ)."]


HOST = {
    **{"mac": "5 pJ", "macs_per_cycle": 64, "bandwidth": "4 GB/s", "latency": "1 us"},
    **{"energy": "10 pJ/b", "source": "a test"},
}


@pytest.mark.parametrize("field", ["integer_input", "real_input"])
def test_a_policy_that_names_a_host_has_one(field: str):
    assert faults_after(lambda data: data["policy"].update({field: "host"})) == [
        f"host is missing where policy.{field} is 'host'."
    ]


@pytest.mark.parametrize("has_host", [True, False])
def test_no_kind_of_core_is_called_like_the_host(has_host: bool):
    def change(data: dict[str, Any]) -> None:
        data["cores"]["host"] = data["cores"]["spike"]
        if has_host:
            data["host"] = HOST

    assert faults_after(change) == [
        "cores.host must have another name: 'host' is what computes outside the chip."
    ]


@pytest.mark.parametrize("group", ["technology", "precision", "policy", "cores", "storage"])
def test_a_chip_has_all_of_its_groups(group: str):
    assert faults_after(lambda data: data.pop(group)) == [f"{group} is missing."]


def test_prices_of_operations_stand_alone():
    operations = {"ac": "0.9 pJ", "mac": "4.6 pJ", "source": "the paper"}
    assert faults_after(lambda data: data.update(operations=operations)) == [
        f"{group} must be absent beside 'operations', which prices operations without a chip."
        for group in ("technology", "precision", "policy", "cores", "storage")
    ]


def test_faults_of_rules_are_located_at_the_value_to_blame():
    document = read_document(architecture_path("unified_core"))
    document.data["cores"]["unified"]["spike"]["lanes"] = 33
    with pytest.raises(InputError) as caught:
        validate(document, Architecture, "unified_core")
    (fault,) = caught.value.faults
    where = position("unified_core", "lanes: 32", "32")
    assert fault.place == f"{document.file}:{where}"
    assert re.search(r"lanes: 32\n +\^$", fault.excerpt)


def test_a_missing_part_is_located_at_its_group():
    document = read_document(architecture_path("unified_core"))
    del document.data["cores"]["unified"]["mac"]
    with pytest.raises(InputError) as caught:
        validate(document, Architecture, "unified_core")
    (fault,) = caught.value.faults
    where = position("unified_core", "  unified:\n", "unified")
    assert fault.place == f"{document.file}:{where}"


@pytest.mark.parametrize("ports", [3, 1024])
def test_the_ports_of_a_buffer_share_its_banks_without_a_rest(ports: int):
    def change(data: dict[str, Any]) -> None:
        data["storage"]["weight_buffer"]["ports"] = ports

    assert faults_after(change) == [
        "storage.weight_buffer.ports must divide banks x width = 256 bit, which they share "
        f"(got {ports})."
    ]


@pytest.mark.parametrize("group", ["technology", "precision", "policy"])
def test_a_chip_of_messages_has_all_of_its_groups(group: str):
    faults = faults_after(lambda data: data.pop(group), "loihi_like")
    assert faults == [f"{group} is missing."]


@pytest.mark.parametrize("group", ["cores", "storage", "host", "noc", "schedule"])
def test_a_chip_of_messages_has_nothing_of_other_chips(group: str):
    other = read_document(architecture_path("split_core")).data
    noc = {
        **{"topology": "bus", "link": "1 bit", "hop_latency": 0, "hop": "1 pJ/b"},
        **{"multicast": False, "spikes": "bitmap", "leakage": "0 mW", "area": "0 mm2"},
        "source": "a test",
    }
    added = {**other, "host": HOST, "noc": noc, "schedule": {"order": "timestep"}}[group]
    assert faults_after(lambda data: data.update({group: added}), "loihi_like") == [
        f"{group} must be absent beside 'messages', whose cores are driven by messages."
    ]


@pytest.mark.parametrize(
    ("place", "value", "problem"),
    [
        (
            ("policy", "integer_input"),
            "mac",
            "policy.integer_input must be 'repeat' or 'bit_serial' on a chip of messages, which "
            "carry spikes (got 'mac').",
        ),
        (
            ("policy", "real_input"),
            "host",
            "policy.real_input must be 'bit_serial' on a chip of messages, which carry spikes "
            "(got 'host').",
        ),
        (
            ("policy", "static_layers"),
            "recompute",
            "policy.static_layers must be 'stored' on a chip of messages, which carry spikes "
            "(got 'recompute').",
        ),
        (
            ("policy", "accumulation_additions"),
            "dense",
            "policy.accumulation_additions must be 'spikes' on a chip of messages, which carry "
            "spikes (got 'dense').",
        ),
        (
            ("policy", "accumulation_additions"),
            "counters",
            "policy.accumulation_additions must be 'spikes' on a chip of messages, which carry "
            "spikes (got 'counters').",
        ),
        (
            ("messages", "message_out", "latency"),
            "5.15 ns",
            "messages.message_out.latency must be whole cycles of the clock (got 51.5 of them).",
        ),
        (
            ("messages", "soma", "access", "latency"),
            "1 ps",
            "messages.soma.access.latency must be whole cycles of the clock (got 0.01 of them).",
        ),
        (
            ("messages", "barrier"),
            [{"tiles": 2, "latency": "1 us"}, {"tiles": 2, "latency": "2 us"}],
            None,
        ),
    ],
)
def test_events_of_a_chip_of_messages_fit_its_clock_and_its_policy(
    place: tuple[str, ...], value: Any, problem: str | None
):
    def change(data: dict[str, Any]) -> None:
        *groups, last = place
        for group in groups:
            data = data[group]
        data[last] = value

    expected = [problem]
    if problem is None:
        expected = [
            "messages.barrier[0].tiles must be 1, in rising order from 1 (got 2).",
            "messages.barrier[1].tiles must be at least 3, in rising order from 1 (got 2).",
        ]
    assert faults_after(change, "loihi_like") == expected
