import re
from pathlib import Path

import pytest

from codesign.errors import InputError
from codesign.specs.catalogue import architecture_path, load_architecture
from tests.specs.places import position


def faults_of(tmp_path: Path, *changes: tuple[str, str], name: str = "split_core") -> list[str]:
    """First lines of the faults that a shipped file has after some of its text was replaced."""
    text = architecture_path(name).read_text()
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    path = tmp_path / f"{name}.yaml"
    path.write_text(text)
    with pytest.raises(InputError) as caught:
        load_architecture(path)
    return [
        str(fault).splitlines()[0].removeprefix(f"{tmp_path}/") for fault in caught.value.faults
    ]


@pytest.mark.parametrize(
    ("old", "new", "at", "message"),
    [
        ("lanes: 32", "lanes: 0", "32", "cores.spike.spike.lanes must be at least 1 (got 0)."),
        (
            "lanes: 32",
            "lanes: 9000000",
            "32",
            "cores.spike.spike.lanes must be at most 65536 (got 9000000).",
        ),
        (
            "lanes: 32",
            "lanes: 32.5",
            "32",
            "cores.spike.spike.lanes must be a whole number (got 32.5).",
        ),
        (
            "lanes: 32",
            "lanes: true",
            "32",
            "cores.spike.spike.lanes must be a whole number (got True).",
        ),
        (
            "lanes: 32",
            "lanez: 32",
            "lanes",
            "cores.spike.spike has no key 'lanez'. Did you mean 'lanes'?",
        ),
        (
            "clock: 500 MHz",
            "clock_hz: 500 MHz",
            "clock",
            "technology has no key 'clock_hz'. Did you mean 'clock'?",
        ),
        ("clock: 500 MHz", "clock: 500", "500", "technology.clock must be a frequency with its"),
        (
            "clock: 500 MHz",
            "clock: 0.9 pJ",
            "500",
            "technology.clock: '0.9 pJ' is an energy; a frequency is expected, e.g. '500 MHz'.",
        ),
        (
            "integer_input: mac",
            "integer_input: macc",
            "mac",
            "policy.integer_input must be 'mac', 'repeat', 'bit_serial' or 'host' (got 'macc'). "
            "Did you mean 'mac'?",
        ),
        (
            "kind: accumulation",
            "kind: acumulation",
            "accumulation",
            "cores.accumulation.kind must be 'spike', 'accumulation' or 'unified'",
        ),
        (
            "zero_skipping: false",
            "zero_skipping: no",
            "false",
            "cores.accumulation.mac.zero_skipping must be true or false (got 'no').",
        ),
        (
            "description: 16",
            "description: [16] #",
            "16",
            "description must be text (got a list).",
        ),
        (
            "  spike:\n    kind",
            "  Spike:\n    kind",
            "spike",
            "cores.Spike must be named with small",
        ),
    ],
)
def test_a_fault_is_located_to_line_and_column(
    tmp_path: Path, old: str, new: str, at: str, message: str
):
    (fault,) = faults_of(tmp_path, (old, new))
    assert fault.startswith(f"split_core.yaml:{position('split_core', old, at)}: {message}")


def test_a_missing_key_is_located_at_its_group_with_an_example(tmp_path: Path):
    (fault,) = faults_of(tmp_path, ("  clock: 500 MHz\n", ""))
    where = position("split_core", "technology:")
    expected = "technology.clock is missing. Write it like 'clock: 500 MHz'."
    assert fault == f"split_core.yaml:{where}: {expected}"


def test_a_missing_key_of_the_root_is_located_at_the_beginning(tmp_path: Path):
    (fault,) = faults_of(tmp_path, ("name: paper\n", ""), name="paper")
    assert re.match(r"paper\.yaml:6:1: name is missing\. Add a line 'name: \.\.\.'\.", fault)


def test_all_faults_of_a_file_come_at_once_in_its_order(tmp_path: Path):
    faults = faults_of(
        tmp_path,
        ("latency: 100 ns", "latency: -100 ns"),
        ("lanes: 32", "lanes: 0"),
        ("name: split_core", "name: my_chip"),
        ("node: 45 nm", "node: !!str 45 nm"),
        ("banks: 2", "banks: 2\n      banks: 2"),
        ("policy:", "polizy:"),
        ("storage:", "storage:\n  waight_buffer: 3"),
    )
    places = [tuple(map(int, fault.split(":")[1:3])) for fault in faults]
    assert places == sorted(places)
    messages = [fault.split(": ", 1)[1] for fault in faults]
    for part, message in zip(
        (
            "name must be the file's name",
            "must have no tag",
            "the file has no key 'polizy'. Did you mean 'policy'?",
            "cores.spike.spike.lanes must be at least 1",
            "must have each key once",  # once, though two cores use this memory
            "storage has no key 'waight_buffer'. Did you mean 'weight_buffer'?",
            "storage.dram.latency must not be negative",
        ),
        messages,
        strict=True,
    ):
        assert message.startswith(part)


def test_a_fault_shows_its_line_with_a_caret(tmp_path: Path):
    text = architecture_path("paper").read_text().replace("ac: 0.9 pJ", "ac: 0.9 MHz")
    path = tmp_path / "paper.yaml"
    path.write_text(text)
    with pytest.raises(InputError) as caught:
        load_architecture(path)
    line, caret = caught.value.faults[0].excerpt.splitlines()
    assert line[caret.index("^") :].startswith("0.9 MHz")
