"""A sample of a data set: its content, its label, and its fingerprint."""

import hashlib
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Events:
    """A recording of an event camera of 128 x 128 pixels, ordered by time.

    Attributes:
        time_us: microseconds, `(N,)`.
        column: from the left, `(N,)`, below 128.
        row: from the top, `(N,)`, below 128.
        is_rising: whether it became brighter, `(N,)` bool.
    """

    time_us: NDArray[np.int64]
    column: NDArray[np.uint8]
    row: NDArray[np.uint8]
    is_rising: NDArray[np.bool_]

    def digest(self) -> str:
        """SHA-256 of the events, whatever file they came from."""
        digest = hashlib.sha256(self.time_us.astype("<i8").tobytes())
        for values in (self.column, self.row, self.is_rising):
            digest.update(values.astype(np.uint8).tobytes())
        return digest.hexdigest()


@dataclass(frozen=True, eq=False)
class Sample:
    """One sample.

    Attributes:
        label: number of its class, an index of the set's `classes`.
        class_name: the same as a word.
        sha256: of its content alone, so that the same content has it wherever it lies.
        content: RGB levels `(H, W, 3)` uint8, or events.
    """

    label: int
    class_name: str
    sha256: str
    content: NDArray[np.uint8] | Events


class DataSet(Protocol):
    """One split of a data set.

    Attributes:
        title: as it is known.
        split: which part of the set it is.
        classes: names of the classes, in the order of the labels.
    """

    @property
    def title(self) -> str: ...

    @property
    def split(self) -> str: ...

    @property
    def classes(self) -> tuple[str, ...]: ...

    def __len__(self) -> int: ...

    def sample(self, index: int) -> Sample:
        """Reads one sample.

        Raises:
            InputError: its file is missing or broken.
        """
        ...
