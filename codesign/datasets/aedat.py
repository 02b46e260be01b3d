"""AEDAT: files of an event camera of 128 x 128 pixels, in the versions 2.0 and 3.1.

Both begin with lines of text that start with `#`. Then 2.0 has pairs of an address and a time in
microseconds, 32 bits each, the high byte first. A DVS128's address has the polarity in bit 0 (0 is
rising), one coordinate in bits 1 to 7, the other in bits 8 to 14; in bit 15 it marks what is no
event. Both coordinates count from the far end, so that turning and mirroring make the picture
upright. 3.1 has packets: a header of 28 bytes, then as many entries as it says, the low byte first.
Entries of type 1 are events of 8 bytes: validity in bit 0, polarity in bit 1 (1 is rising), row in
bits 2 to 16, column in bits 17 to 31; then 31 bits of time, which the header's overflow continues.

Source: the format descriptions at https://docs.inivation.com/software/software-advanced-usage/
file-formats/, and for a DVS128's addresses jAER's. Of 3.1, only the events of a span of time are
kept. Events out of order are put in order, within a packet and from one to the next.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from codesign.datasets.reading import file_bytes, read_file, refused, truncated
from codesign.datasets.sample import Events

SENSOR_SIDE = 128
LARGEST_HEADER_BYTES = 1_000_000

_VERSION_2 = b"#!AER-DAT2.0"
_VERSION_3 = b"#!AER-DAT3.1"
_END = b"#!END-HEADER"
_PACKET = struct.Struct("<HHIIIIII")
_POLARITY_EVENT = 1
_EVENT_BYTES = 8


def read_aedat2(path: Path) -> Events:
    """All events of a DVS128's file in AEDAT 2.0.

    Raises:
        InputError: it is no such file, holds no events, or is cut short; with the offset.
    """
    content = read_file(path)
    start = _header_end(path, content, _VERSION_2, "2.0")
    count, rest = divmod(len(content) - start, _EVENT_BYTES)
    if rest:
        raise truncated(path, start + count * _EVENT_BYTES, _EVENT_BYTES, rest)
    pairs = np.frombuffer(content, ">u4", offset=start).reshape(-1, 2)
    address = pairs[:, 0].astype(np.uint32)
    strange = np.flatnonzero(address >> 16)
    if strange.size:
        place = f"{path} at offset {start + int(strange[0]) * _EVENT_BYTES}"
        problem = f"must be an address of a DVS128 (got {int(address[strange[0]]):#x})."
        raise refused(place, problem, "Take a recording of that camera.")
    is_event = address >> 15 == 0
    address = address[is_event]
    return _ordered(
        path,
        pairs[is_event, 1].astype(np.int64),
        SENSOR_SIDE - 1 - (address >> 8 & 0x7F),
        SENSOR_SIDE - 1 - (address >> 1 & 0x7F),
        address & 1 == 0,
    )


def read_aedat3(path: Path, start_us: int, end_us: int) -> Events:
    """The valid events of a file in AEDAT 3.1 from one time up to but without another.

    Raises:
        InputError: it is no such file, holds no events of that time, or is cut short.
    """
    size = file_bytes(path)
    parts = []
    try:
        with path.open("rb") as file:
            offset = _header_end(path, file.read(LARGEST_HEADER_BYTES), _VERSION_3, "3.1")
            for packet in _packets(path, file, offset, size):
                entries = packet.entries(file)
                time_us = entries[:, 1]
                parts.append(entries[(time_us >= start_us) & (time_us < end_us)])
    except OSError as error:
        raise refused(path, f"must be a readable file ({error.strerror}).") from error
    found = np.concatenate(parts) if parts else np.zeros((0, 2), np.int64)
    data, time_us = found[found[:, 0] & 1 == 1].T
    column, row = data >> 17, data >> 2 & 0x7FFF
    outside = np.flatnonzero((column >= SENSOR_SIDE) | (row >= SENSOR_SIDE))
    if outside.size:
        got = f"column {int(column[outside[0]])}, row {int(row[outside[0]])}"
        place = f"{path} at {int(time_us[outside[0]])} us"
        raise refused(place, f"must be an event of {SENSOR_SIDE} x {SENSOR_SIDE} pixels ({got}).")
    return _ordered(path, time_us, column, row, data >> 1 & 1 == 1)


@dataclass(frozen=True)
class _Packet:
    """Events of one packet: where they begin, how many, and how often the time overflowed."""

    offset: int
    count: int
    overflow: int

    def entries(self, file: IO[bytes]) -> NDArray[np.int64]:
        """Pairs of data and time."""
        file.seek(self.offset)
        raw = np.frombuffer(file.read(self.count * _EVENT_BYTES), "<u4")
        entries = raw.reshape(-1, 2).astype(np.int64)
        entries[:, 1] |= self.overflow << 31
        return entries


def _packets(path: Path, file: IO[bytes], offset: int, size: int) -> Iterator[_Packet]:
    """The packets of events; others are passed over."""
    while offset < size:
        file.seek(offset)
        header = file.read(_PACKET.size)
        if len(header) < _PACKET.size:
            raise truncated(path, offset, _PACKET.size, len(header))
        kind, _, event_bytes, _, overflow, capacity, count, _ = _PACKET.unpack(header)
        place = f"{path} at offset {offset}"
        if kind == _POLARITY_EVENT and event_bytes != _EVENT_BYTES:
            raise refused(place, f"must have events of 8 bytes (got {event_bytes}).")
        if count > capacity:
            raise refused(place, f"must hold at most {capacity} events (got {count}).")
        offset += _PACKET.size
        if offset + capacity * event_bytes > size:
            raise truncated(path, offset, capacity * event_bytes, size - offset)
        if kind == _POLARITY_EVENT and count:
            yield _Packet(offset, count, overflow)
        offset += capacity * event_bytes


def _header_end(path: Path, content: bytes, version: bytes, number: str) -> int:
    """Offset behind the lines of text."""
    if not content.startswith(version):
        got = content[:12].decode("ascii", "replace")
        problem = f"must be an AEDAT {number} file, which begins with '{version.decode()}'"
        raise refused(path, f"{problem} (got '{got}').", "Take the files as they are published.")
    offset = 0
    while content[offset : offset + 1] == b"#":
        end = content.find(b"\n", offset)
        if end < 0:
            raise refused(f"{path} at offset {offset}", "must be a whole line (got none).")
        line = content[offset:end].rstrip()
        offset = end + 1
        if line == _END:
            break
    return offset


def _ordered(
    path: Path,
    time_us: NDArray[np.int64],
    column: NDArray[np.integer],
    row: NDArray[np.integer],
    is_rising: NDArray[np.bool_],
) -> Events:
    if not time_us.size:
        raise refused(path, "must hold events (got none).", "The file may be cut short.")
    order = np.argsort(time_us, kind="stable")
    return Events(
        time_us[order],
        column[order].astype(np.uint8),
        row[order].astype(np.uint8),
        is_rising[order],
    )
