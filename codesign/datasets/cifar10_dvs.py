"""CIFAR10-DVS: pictures of CIFAR-10 that move on a screen in front of an event camera.

The set as published (Li et al., Frontiers in Neuroscience 2017) has a folder for each class with
recordings in AEDAT 2.0, `airplane/cifar10_airplane_0.aedat`. It has no split; its parts are taken
in the order of the classes, each by number.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from codesign.datasets.aedat import read_aedat2
from codesign.datasets.reading import names_in, refused, require_folder
from codesign.datasets.sample import Sample

CLASSES = (
    *("airplane", "automobile", "bird", "cat", "deer"),
    *("dog", "frog", "horse", "ship", "truck"),
)
SOURCE = "Get it from https://figshare.com/articles/dataset/CIFAR10-DVS_New/4724671 and unpack it."


@dataclass(frozen=True)
class Cifar10Dvs:
    """The whole set (see `DataSet`)."""

    recordings: tuple[tuple[int, Path], ...]
    split: str
    title: str = "CIFAR10-DVS"
    classes: tuple[str, ...] = CLASSES

    def __len__(self) -> int:
        return len(self.recordings)

    def sample(self, index: int) -> Sample:
        label, path = self.recordings[index]
        events = read_aedat2(path)
        return Sample(label, CLASSES[label], events.digest(), events)


def open_cifar10_dvs(folder: Path, split: str) -> Cifar10Dvs:
    """The set in the folder that holds a folder for each class.

    Raises:
        InputError: a class is missing, or has no recordings.
    """
    require_folder(folder)
    missing = [name for name in CLASSES if not (folder / name).is_dir()]
    if missing:
        problem = f"must hold a folder for each class (got none for {', '.join(missing)})."
        raise refused(folder, problem, SOURCE)
    found = []
    for label, name in enumerate(CLASSES):
        paths = [folder / name / file for file in names_in(folder / name)]
        recordings = sorted((p for p in paths if p.suffix == ".aedat"), key=_by_number)
        if not recordings:
            raise refused(folder / name, "must hold .aedat files (got none).", SOURCE)
        found += [(label, path) for path in recordings]
    return Cifar10Dvs(tuple(found), split)


def _by_number(path: Path) -> tuple[int, str]:
    """Recording 10 comes after recording 9."""
    number = re.search(r"\d+$", path.stem)
    return (int(number.group()) if number else -1, path.name)
