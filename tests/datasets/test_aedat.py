"""Event recordings from files in their true formats, whole and broken."""

import itertools
import struct
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codesign.datasets.aedat import read_aedat2, read_aedat3
from codesign.datasets.sample import Events
from codesign.errors import InputError
from tests.datasets.written import (
    AEDAT3_HEADER,
    Event,
    aedat2_bytes,
    aedat3_packet,
    random_events,
)

CORNERS: list[Event] = [(5, 0, 0, 1), (6, 127, 0, 0), (7, 0, 127, 0), (9, 127, 127, 1)]


def listed(events: Events) -> list[Event]:
    columns = (events.time_us, events.column, events.row, events.is_rising)
    return [(int(t), int(x), int(y), int(p)) for t, x, y, p in zip(*columns, strict=True)]


def written(tmp_path: Path, content: bytes) -> Path:
    path = tmp_path / "recording.aedat"
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("events", [CORNERS, random_events(300)])
def test_version_2_gives_the_events_that_were_written(tmp_path: Path, events: list[Event]) -> None:
    assert listed(read_aedat2(written(tmp_path, aedat2_bytes(events)))) == events


def test_events_out_of_order_are_put_in_order(tmp_path: Path) -> None:
    path = written(tmp_path, aedat2_bytes(CORNERS[::-1]))
    assert listed(read_aedat2(path)) == CORNERS


def test_what_is_no_event_is_passed_over_in_version_2(tmp_path: Path) -> None:
    trigger = struct.pack(">II", 0x8000, 8)
    path = written(tmp_path, aedat2_bytes(CORNERS) + trigger)
    assert listed(read_aedat2(path)) == CORNERS


def test_version_2_of_another_camera_is_refused_with_the_offset(tmp_path: Path) -> None:
    content = aedat2_bytes(CORNERS)
    path = written(tmp_path, content + struct.pack(">II", 0x00400000, 8))
    with pytest.raises(InputError, match=rf"offset {len(content)}: must be an address of a DVS128"):
        read_aedat2(path)


def test_version_2_that_is_cut_short_is_refused_with_the_offset(tmp_path: Path) -> None:
    content = aedat2_bytes(CORNERS)
    path = written(tmp_path, content[:-3])
    with pytest.raises(InputError, match=rf"8 bytes at offset {len(content) - 8} \(got 5\)"):
        read_aedat2(path)


@pytest.mark.parametrize("content", [aedat2_bytes([]), b"#!AER-DAT2.0"])
def test_version_2_without_events_is_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(InputError, match=r"must hold events|must be a whole line"):
        read_aedat2(written(tmp_path, content))


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, b"")
    for read in (lambda: read_aedat2(path), lambda: read_aedat3(path, 0, 10)):
        with pytest.raises(InputError, match="must not be empty"):
            read()


def test_the_versions_are_not_taken_for_each_other(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"AEDAT 2\.0 file.*got '#!AER-DAT3\.1'"):
        read_aedat2(written(tmp_path, AEDAT3_HEADER + aedat3_packet(CORNERS)))
    with pytest.raises(InputError, match=r"AEDAT 3\.1 file.*got '#!AER-DAT2\.0'"):
        read_aedat3(written(tmp_path, aedat2_bytes(CORNERS)), 0, 10)


def test_version_3_gives_the_events_of_a_span_of_time(tmp_path: Path) -> None:
    events = random_events(900)
    packets = b"".join(aedat3_packet(events[n : n + 100]) for n in range(0, 900, 100))
    path = written(tmp_path, AEDAT3_HEADER + packets)
    start, end = events[150][0], events[720][0]
    assert listed(read_aedat3(path, start, end)) == events[150:720]
    assert listed(read_aedat3(path, 0, 10**9)) == events


@given(
    times=st.lists(st.lists(st.integers(0, 40), min_size=1, max_size=4), min_size=1, max_size=4),
    start=st.integers(0, 40),
    length=st.integers(1, 20),
)
def test_version_3_finds_every_event_of_a_span_in_whatever_order_they_lie(
    times: list[list[int]], start: int, length: int
) -> None:
    packets = [
        [(time_us, column, row, 1) for column, time_us in enumerate(packet)]
        for row, packet in enumerate(times)
    ]
    content = AEDAT3_HEADER + b"".join(map(aedat3_packet, packets))
    events = sorted(itertools.chain(*packets), key=lambda event: event[0])
    expected = [event for event in events if start <= event[0] < start + length]
    with tempfile.TemporaryDirectory() as folder:
        path = written(Path(folder), content)
        if expected:
            assert listed(read_aedat3(path, start, start + length)) == expected
        else:
            with pytest.raises(InputError, match="must hold events"):
                read_aedat3(path, start, start + length)


def test_version_3_does_not_pass_over_a_packet_that_begins_and_ends_outside_a_span(
    tmp_path: Path,
) -> None:
    events: list[Event] = [(20, 1, 1, 1), (10, 2, 2, 1), (30, 3, 3, 0)]
    path = written(tmp_path, AEDAT3_HEADER + aedat3_packet(events))
    assert listed(read_aedat3(path, 9, 12)) == [events[1]]


def test_packets_of_other_things_and_invalid_events_are_passed_over(tmp_path: Path) -> None:
    packet = bytearray(aedat3_packet(CORNERS))
    packet[28] &= 0xFE  # the first event is no longer valid
    other = aedat3_packet(CORNERS, kind=0)
    path = written(tmp_path, AEDAT3_HEADER + other + packet + aedat3_packet([]))
    assert listed(read_aedat3(path, 0, 100)) == CORNERS[1:]


def test_the_overflow_of_a_packet_continues_its_time(tmp_path: Path) -> None:
    packets = aedat3_packet(CORNERS) + aedat3_packet(CORNERS, overflow=2)
    path = written(tmp_path, AEDAT3_HEADER + packets)
    late = listed(read_aedat3(path, 2**31, 2**40))
    assert late == [(time_us + 2**32, *rest) for time_us, *rest in CORNERS]


@pytest.mark.parametrize(("kept", "wanted"), [(10, 28), (40, 32)])
def test_version_3_that_is_cut_short_is_refused_with_the_offset(
    tmp_path: Path, kept: int, wanted: int
) -> None:
    whole = AEDAT3_HEADER + aedat3_packet(CORNERS)
    path = written(tmp_path, whole + aedat3_packet(CORNERS)[:kept])
    offset = len(whole) + (28 if wanted == 32 else 0)
    with pytest.raises(InputError, match=rf"{wanted} bytes at offset {offset} \(got "):
        read_aedat3(path, 0, 1)


def test_a_span_without_events_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, AEDAT3_HEADER + aedat3_packet(CORNERS))
    with pytest.raises(InputError, match="must hold events"):
        read_aedat3(path, 100, 200)


def test_an_event_beyond_the_sensor_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, AEDAT3_HEADER + aedat3_packet([(5, 128, 3, 1)]))
    with pytest.raises(InputError, match=r"at 5 us: .*column 128, row 3"):
        read_aedat3(path, 0, 10)


def test_packets_of_strange_sizes_are_refused(tmp_path: Path) -> None:
    wide = struct.pack("<hhiiiiii", 1, 1, 16, 4, 0, 1, 1, 1) + bytes(16)
    full = struct.pack("<hhiiiiii", 1, 1, 8, 4, 0, 1, 2, 2) + bytes(8)
    for packet, message in ((wide, "8 bytes.*got 16"), (full, "at most 1 events")):
        with pytest.raises(InputError, match=message):
            read_aedat3(written(tmp_path, AEDAT3_HEADER + packet), 0, 10)
