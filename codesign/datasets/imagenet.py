"""ImageNet (ILSVRC 2012) in folders: pictures in a folder for each class, or all in one.

With a folder for each class, as `train` is unpacked and `val` usually sorted, a class is its
folder's name (`n01440764`) and its label the name's place in their order. Files are counted when
the set is opened, and listed a class at a time.

`val` as published is one folder of `ILSVRC2012_val_00000001.JPEG` and so on. Classes are then those
of the development kit's ground truth, `ILSVRC2012_validation_ground_truth.txt`, which is looked
for in the folder, beside it, and in the kit beside it. Its numbers are ILSVRC2012_IDs, 1 to 1000,
in an order of their own, not that of the folders' names.
"""

import hashlib
from bisect import bisect_right
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate
from pathlib import Path

from codesign.datasets.reading import names_in, read_lines, refused, require_folder
from codesign.datasets.sample import Sample
from codesign.pictures import picture_bytes, picture_levels

TITLE = "ImageNet"
ENDINGS = (".jpeg", ".jpg", ".png")
CLASS_COUNT = 1000
TRUTH = "ILSVRC2012_validation_ground_truth.txt"
SOURCE = "Get it from https://image-net.org and unpack it."
_KIT = Path("ILSVRC2012_devkit_t12", "data")


@dataclass(frozen=True)
class ImageNetFolders:
    """Pictures in a folder for each class (see `DataSet`)."""

    folder: Path
    split: str
    classes: tuple[str, ...]
    counts: tuple[int, ...]
    title: str = TITLE

    def __len__(self) -> int:
        return sum(self.counts)

    def sample(self, index: int) -> Sample:
        ends = list(accumulate(self.counts))
        label = bisect_right(ends, index)
        names = _pictures_in(self.folder / self.classes[label])
        number = index - ends[label] + self.counts[label]
        if len(names) != self.counts[label]:
            place = self.folder / self.classes[label]
            raise refused(place, "must not change while it is read.", "Run it again.")
        path = self.folder / self.classes[label] / names[number]
        return _picture(path, label, self.classes[label])


@dataclass(frozen=True)
class FlatImageNet:
    """All pictures in one folder, with their classes in a list (see `DataSet`)."""

    folder: Path
    split: str
    names: tuple[str, ...]
    numbers: tuple[int, ...]
    title: str = TITLE

    @property
    def classes(self) -> tuple[str, ...]:
        return tuple(f"ILSVRC2012_ID {number}" for number in range(1, CLASS_COUNT + 1))

    def __len__(self) -> int:
        return len(self.names)

    def sample(self, index: int) -> Sample:
        label = self.numbers[index] - 1
        return _picture(self.folder / self.names[index], label, self.classes[label])


def open_imagenet(folder: Path, split: str) -> ImageNetFolders | FlatImageNet:
    """The pictures of a folder in either layout; the folder's name is the split.

    Raises:
        InputError: it has neither, or the list of classes is missing or of another length.
    """
    require_folder(folder)
    split = folder.name or split
    names = names_in(folder)
    classes = [name for name in names if (folder / name).is_dir()]
    if not classes:
        return _flat(folder, split)
    counts = [len(_pictures_in(folder / name)) for name in classes]
    filled = [(name, count) for name, count in zip(classes, counts, strict=True) if count]
    if not filled:
        inside = ", ".join(classes[:3])
        problem = f"must hold a folder of JPEG files for each class (got {inside} without any)."
        raise refused(folder, problem, "Name the folder of one split, as 'train' or 'val'.")
    return ImageNetFolders(
        folder, split, tuple(name for name, _ in filled), tuple(count for _, count in filled)
    )


def _flat(folder: Path, split: str) -> FlatImageNet:
    names = _pictures_in(folder)
    if not names:
        problem = "must hold JPEG files, or a folder of them for each class (got neither)."
        raise refused(folder, problem, SOURCE)
    places = [folder / TRUTH, folder.parent / TRUTH, folder.parent / _KIT / TRUTH]
    truth = next((place for place in places if place.is_file()), None)
    if truth is None:
        problem = f"must hold a folder for each class, or have {TRUTH} in it or beside it."
        raise refused(folder, problem, "Copy it from the development kit of ILSVRC 2012.")
    lines = read_lines(truth)
    if len(lines) != len(names):
        problem = f"must have a line for each of {len(names)} pictures (got {len(lines)})."
        raise refused(truth, problem, "It fits the whole of the published validation set.")
    return FlatImageNet(folder, split, names, tuple(_numbers(truth, lines)))


def _numbers(truth: Path, lines: list[str]) -> list[int]:
    for line, text in enumerate(lines, 1):
        if not (text.isascii() and text.isdigit() and 1 <= int(text) <= CLASS_COUNT):
            problem = f"must be a number of 1 to {CLASS_COUNT} (got '{text}')."
            raise refused(f"{truth}:{line}", problem, SOURCE)
    return [int(text) for text in lines]


@lru_cache(maxsize=1)
def _pictures_in(folder: Path) -> tuple[str, ...]:
    return tuple(name for name in names_in(folder) if name.lower().endswith(ENDINGS))


def _picture(path: Path, label: int, class_name: str) -> Sample:
    digest = hashlib.sha256(picture_bytes(path)).hexdigest()
    return Sample(label, class_name, digest, picture_levels(path))
