"""CIFAR-10 and CIFAR-100, in the binary version and in the version for Python.

The binary version has records of a fixed length: one byte of label (CIFAR-100: the coarse one,
then the fine one), then 32 x 32 bytes of red, of green and of blue, row by row. Single records are
read from it. The version for Python holds pickles (`pickled_batches`), of which a batch of 10,000
pictures is read at a time. Both give the same pictures in the same order.

Source of the formats: https://www.cs.toronto.edu/~kriz/cifar.html. CIFAR-100's labels are the fine
ones. Pictures are known by the SHA-256 of their 3,072 bytes.
"""

import hashlib
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

import numpy as np

from codesign.datasets.pickled_batches import read_batch, read_names
from codesign.datasets.reading import (
    file_bytes,
    read_lines,
    read_part,
    refused,
    require_folder,
    truncated,
)
from codesign.datasets.sample import Sample

SIDE = 32
PIXEL_BYTES = 3 * SIDE * SIDE
SOURCE = "Get it from https://www.cs.toronto.edu/~kriz/cifar.html and unpack it."


@dataclass(frozen=True)
class _Batch:
    """One file: how many pictures it holds, and how label and pixels of one are read from it."""

    count: int
    read: Callable[[int], tuple[int, bytes]]


@dataclass(frozen=True)
class Cifar:
    """The train or the test split of one of the two sets (see `DataSet`)."""

    title: str
    split: str
    classes: tuple[str, ...]
    batches: tuple[_Batch, ...]

    def __len__(self) -> int:
        return sum(batch.count for batch in self.batches)

    def sample(self, index: int) -> Sample:
        ends = list(accumulate(batch.count for batch in self.batches))
        number = bisect_right(ends, index)
        batch = self.batches[number]
        label, pixels = batch.read(index - ends[number] + batch.count)
        levels = np.frombuffer(pixels, np.uint8).reshape(3, SIDE, SIDE).transpose(1, 2, 0)
        digest = hashlib.sha256(pixels).hexdigest()
        return Sample(label, self.classes[label], digest, np.ascontiguousarray(levels))


@dataclass(frozen=True)
class _Layout:
    """How one version of one set is laid out: its folder's name, and files and class names."""

    folder: str
    files: dict[str, tuple[str, ...]]
    names: str
    label_bytes: int = 0

    @property
    def is_binary(self) -> bool:
        return self.label_bytes > 0


_TEN = (
    _Layout(
        "cifar-10-batches-bin",
        {
            "train": tuple(f"data_batch_{number}.bin" for number in range(1, 6)),
            "test": ("test_batch.bin",),
        },
        "batches.meta.txt",
        label_bytes=1,
    ),
    _Layout(
        "cifar-10-batches-py",
        {
            "train": tuple(f"data_batch_{number}" for number in range(1, 6)),
            "test": ("test_batch",),
        },
        "batches.meta",
    ),
)
_HUNDRED = (
    _Layout(
        "cifar-100-binary",
        {"train": ("train.bin",), "test": ("test.bin",)},
        "fine_label_names.txt",
        label_bytes=2,
    ),
    _Layout("cifar-100-python", {"train": ("train",), "test": ("test",)}, "meta"),
)


def open_cifar10(folder: Path, split: str) -> Cifar:
    """CIFAR-10 in the folder of either version, or in the folder that holds that one.

    Raises:
        InputError: it is neither, or files are missing or cut short.
    """
    return _open("CIFAR-10", _TEN, 10, folder, split)


def open_cifar100(folder: Path, split: str) -> Cifar:
    """CIFAR-100, likewise; labels are the fine ones.

    Raises:
        InputError: see `open_cifar10`.
    """
    return _open("CIFAR-100", _HUNDRED, 100, folder, split)


def _open(
    title: str, layouts: tuple[_Layout, ...], class_count: int, folder: Path, split: str
) -> Cifar:
    place, layout = _found(title, layouts, folder)
    names = place / layout.names
    classes = tuple(read_lines(names) if layout.is_binary else read_names(names))
    if len(classes) != class_count:
        raise refused(names, f"must name {class_count} classes (got {len(classes)}).", SOURCE)
    batches = []
    for name in layout.files[split]:
        if not (place / name).is_file():
            needed = ", ".join([*layout.files[split], layout.names])
            raise refused(place / name, f"is missing: {title} ({split}) has {needed}.", SOURCE)
        opener = _binary if layout.is_binary else _pickled
        batches.append(opener(place / name, layout.label_bytes, class_count))
    return Cifar(title, split, classes, tuple(batches))


def _found(title: str, layouts: tuple[_Layout, ...], folder: Path) -> tuple[Path, _Layout]:
    """Where the set lies, and which version it is; it is told by the file of its class names."""
    require_folder(folder)
    for place in (folder, *(folder / layout.folder for layout in layouts)):
        for layout in layouts:
            if (place / layout.names).is_file():
                return place, layout
    folders = " or ".join(layout.folder for layout in layouts)
    files = " or ".join(layout.names for layout in layouts)
    problem = f"must be {title}'s folder {folders} (got one without {files})."
    raise refused(folder, problem, SOURCE)


def _binary(path: Path, label_bytes: int, class_count: int) -> _Batch:
    record = label_bytes + PIXEL_BYTES
    count, rest = divmod(file_bytes(path), record)
    if rest:
        raise truncated(path, count * record, record, rest)

    def read(index: int) -> tuple[int, bytes]:
        content = read_part(path, index * record, record)
        label = content[label_bytes - 1]
        if label >= class_count:
            place = f"{path} at offset {index * record + label_bytes - 1}"
            raise refused(place, f"must be a label below {class_count} (got {label}).", SOURCE)
        return label, content[label_bytes:]

    return _Batch(count, read)


def _pickled(path: Path, _: int, class_count: int) -> _Batch:
    key = "labels" if class_count == 10 else "fine_labels"

    def read(index: int) -> tuple[int, bytes]:
        labels, pixels = read_batch(path, key, class_count)
        return labels[index], pixels[index].tobytes()

    return _Batch(len(read_batch(path, key, class_count)[0]), read)
