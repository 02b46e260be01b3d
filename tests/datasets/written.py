"""Writers of small data sets in the formats in which they are published.

They are written from the formats' descriptions, byte by byte, and share nothing with the readers.
"""

import pickle
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

Pixels = Sequence[bytes]
Event = tuple[int, int, int, int]
"""Time in microseconds, column, row, and 1 if it became brighter."""

TEN = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")


def cifar_pixels(count: int, seed: int = 0) -> list[bytes]:
    generator = np.random.default_rng(seed)
    return [generator.integers(0, 256, 3072, np.uint8).tobytes() for _ in range(count)]


def write_cifar10(folder: Path, per_batch: int = 4) -> Path:
    """The binary version; sample i of a batch has the label (i + batch) % 10."""
    place = folder / "cifar-10-batches-bin"
    place.mkdir(parents=True)
    (place / "batches.meta.txt").write_text("\n".join(TEN) + "\n\n")
    names = [f"data_batch_{number}.bin" for number in range(1, 6)] + ["test_batch.bin"]
    for batch, name in enumerate(names):
        with (place / name).open("wb") as file:
            for number, pixels in enumerate(cifar_pixels(per_batch, batch)):
                file.write(bytes([(number + batch) % 10]) + pixels)
    return place


def write_cifar100(folder: Path, count: int = 5) -> Path:
    place = folder / "cifar-100-binary"
    place.mkdir(parents=True)
    (place / "fine_label_names.txt").write_text("\n".join(f"fine{n}" for n in range(100)) + "\n")
    (place / "coarse_label_names.txt").write_text("\n".join(f"coarse{n}" for n in range(20)) + "\n")
    for name in ("train.bin", "test.bin"):
        with (place / name).open("wb") as file:
            for number, pixels in enumerate(cifar_pixels(count)):
                file.write(bytes([number % 20, 90 + number]) + pixels)
    return place


def write_cifar10_pickles(folder: Path, per_batch: int = 4) -> Path:
    """The version for Python, of the same pictures."""
    place = folder / "cifar-10-batches-py"
    place.mkdir(parents=True)
    meta = {b"label_names": [name.encode() for name in TEN], b"num_vis": 3072}
    (place / "batches.meta").write_bytes(pickle.dumps(meta, 2))
    names = [f"data_batch_{number}" for number in range(1, 6)] + ["test_batch"]
    for batch, name in enumerate(names):
        pixels = np.frombuffer(b"".join(cifar_pixels(per_batch, batch)), np.uint8)
        content = {
            b"batch_label": b"a batch",
            b"labels": [(number + batch) % 10 for number in range(per_batch)],
            b"data": pixels.reshape(-1, 3072),
            b"filenames": [b"picture.png"] * per_batch,
        }
        (place / name).write_bytes(pickle.dumps(content, 2))
    return place


def write_imagenet(folder: Path, classes: dict[str, int]) -> Path:
    """A folder for each class with so many JPEG files, of different colours."""
    shade = 0
    for name, count in classes.items():
        (folder / name).mkdir(parents=True)
        for number in range(count):
            shade += 1
            picture = Image.new("RGB", (60 + shade, 50), (10 * shade, 100, 50))
            picture.save(folder / name / f"{name}_{number}.JPEG")
    return folder


def write_flat_imagenet(folder: Path, numbers: Sequence[int]) -> Path:
    folder.mkdir(parents=True)
    for place in range(1, len(numbers) + 1):
        name = f"ILSVRC2012_val_{place:08}.JPEG"
        Image.new("RGB", (50, 50), (20 * place, 0, 0)).save(folder / name)
    kit = folder.parent / "ILSVRC2012_devkit_t12" / "data"
    kit.mkdir(parents=True)
    truth = "".join(f"{number}\n" for number in numbers)
    (kit / "ILSVRC2012_validation_ground_truth.txt").write_text(truth)
    return folder


def aedat2_bytes(events: Sequence[Event]) -> bytes:
    """AEDAT 2.0 of a DVS128: coordinates count from the far end, and bit 0 is 0 for rising."""
    header = b"#!AER-DAT2.0\r\n# This is a raw AE data file - do not edit\r\n"
    body = b""
    for time_us, column, row, rising in events:
        address = ((127 - column) << 8) | ((127 - row) << 1) | (1 - rising)
        body += struct.pack(">II", address, time_us)
    return header + body


AEDAT3_HEADER = (
    b"#!AER-DAT3.1\r\n#Format: RAW\r\n#Source 1: DVS128\r\n"
    b"#Start-Time: 2016-10-01 12:00:00 (TZ+0000)\r\n#!END-HEADER\r\n"
)


def aedat3_packet(events: Sequence[Event], *, overflow: int = 0, kind: int = 1) -> bytes:
    count = len(events)
    packet = struct.pack("<hhiiiiii", kind, 1, 8, 4, overflow, count, count, count)
    for time_us, column, row, rising in events:
        packet += struct.pack("<II", column << 17 | row << 2 | rising << 1 | 1, time_us)
    return packet


def random_events(count: int, seed: int = 0, start_us: int = 0) -> list[Event]:
    generator = np.random.default_rng(seed)
    times = start_us + np.cumsum(generator.integers(1, 50, count))
    places = generator.integers(0, 128, (count, 2))
    signs = generator.integers(0, 2, count)
    rows: list[Any] = [times, places[:, 0], places[:, 1], signs]
    return [
        (int(time_us), int(column), int(row), int(sign))
        for time_us, column, row, sign in zip(*rows, strict=True)
    ]


def write_gestures(folder: Path) -> Path:
    """Two recordings, one for each split; three gestures in the first, one in the second."""
    place = folder / "DvsGesture"
    place.mkdir(parents=True)
    first, second = "user01_fluorescent", "user24_led"
    events = random_events(600)
    packets = aedat3_packet(events[:250]) + aedat3_packet([], kind=0) + aedat3_packet(events[250:])
    (place / f"{first}.aedat").write_bytes(AEDAT3_HEADER + packets)
    (place / f"{second}.aedat").write_bytes(AEDAT3_HEADER + aedat3_packet(random_events(90, 1)))
    header = "class,startTime_usec,endTime_usec\n"
    times = [events[number][0] for number in (0, 100, 300, 599)]
    lines = [
        f"{number},{times[part]},{times[part + 1]}\n" for part, number in enumerate((1, 8, 11))
    ]
    (place / f"{first}_labels.csv").write_text(header + "".join(lines))
    (place / f"{second}_labels.csv").write_text(header + "5,0,10000\n")
    (place / "trials_to_train.txt").write_text(f"{first}.aedat\n")
    (place / "trials_to_test.txt").write_text(f"{second}.aedat\n")
    return place


def write_cifar10_dvs(folder: Path, per_class: int = 1) -> Path:
    for label, name in enumerate(TEN):
        (folder / name).mkdir(parents=True)
        for number in range(per_class):
            events = random_events(200, 100 * label + number)
            path = folder / name / f"cifar10_{name}_{number}.aedat"
            path.write_bytes(aedat2_bytes(events))
    return folder


def python2_batch(labels: Sequence[int], pixels: Pixels) -> bytes:
    """A batch as Python 2 wrote the published ones, operation by operation."""

    def text(word: bytes) -> bytes:
        return b"U" + bytes([len(word)]) + word

    raw = b"".join(pixels)
    shape = b"K" + bytes([len(labels)]) + b"M" + struct.pack("<H", 3072) + b"\x86"
    kind = b"cnumpy\ndtype\n" + text(b"u1") + b"K\x00K\x01\x87R"
    kind += b"(K\x03" + text(b"|") + b"NNN" + 2 * b"J\xff\xff\xff\xff" + b"K\x00tb"
    array = b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85" + text(b"b")
    array += b"\x87R(K\x01" + shape + kind + b"\x89T" + struct.pack("<I", len(raw)) + raw + b"tb"
    numbers = b"](" + b"".join(b"K" + bytes([label]) for label in labels) + b"e"
    content = text(b"data") + array + text(b"labels") + numbers
    return b"\x80\x02}(" + content + text(b"batch_label") + text(b"testing batch") + b"u."
