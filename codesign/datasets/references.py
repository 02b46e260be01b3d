"""References: how data sets and their samples are named, and which are known.

A data set is written `SET[/OPTION...]:FOLDER`, as `cifar10:data/cifar-10-batches-bin` or
`dvsgesture/train/binary:data/DvsGesture`; a sample of it has `#INDEX` behind it, counted from 0.
Sets that packages bring have no folder: `mnist`, `digits/train#3` (`codesign.datasets.packaged`).
Options are the split, and for event recordings what frames have an equal share of (`number` or
`time`) and what they hold (`count` or `binary`); the first of each is what holds without one.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from pathlib import Path

from codesign.datasets.cifar import open_cifar10, open_cifar100
from codesign.datasets.cifar10_dvs import open_cifar10_dvs
from codesign.datasets.dvs_gesture import open_dvs_gesture
from codesign.datasets.frames import Division
from codesign.datasets.imagenet import open_imagenet
from codesign.datasets.packaged import PACKAGED, SPLITS, open_packaged
from codesign.datasets.reading import refused
from codesign.datasets.sample import DataSet, Sample
from codesign.errors import nearest

BINARY, COUNT = "binary", "count"


@dataclass(frozen=True)
class _Known:
    """A set that is known: how it is opened, and what may be said of it."""

    opened: Callable[[Path, str], DataSet]
    splits: tuple[str, ...]
    has_events: bool = False
    is_packaged: bool = False

    @property
    def options(self) -> tuple[tuple[str, ...], ...]:
        events = (tuple(Division), (COUNT, BINARY)) if self.has_events else ()
        return (self.splits, *events)


def _packaged(name: str, _folder: Path, split: str) -> DataSet:
    return open_packaged(name, split)


_KNOWN = {
    "imagenet": _Known(open_imagenet, ("folder",)),
    "cifar10": _Known(open_cifar10, ("test", "train")),
    "cifar100": _Known(open_cifar100, ("test", "train")),
    "dvsgesture": _Known(open_dvs_gesture, ("test", "train"), has_events=True),
    "cifar10dvs": _Known(open_cifar10_dvs, ("all",), has_events=True),
    **{name: _Known(partial(_packaged, name), SPLITS, is_packaged=True) for name in PACKAGED},
}
SET_NAMES = tuple(_KNOWN)

# two letters at least, so that `C:\photos` is a path
_FORM = re.compile(
    r"(?P<set>[A-Za-z][\w-]+)(?P<options>(/\w+)*):(?P<folder>[^#]+)(#(?P<index>[0-9]+))?"
)
_PACKAGED_FORM = re.compile(
    rf"(?P<set>{'|'.join(PACKAGED)})(?P<options>(/\w+)*)(?P<folder>)(#(?P<index>[0-9]+))?"
)

_MEANT = re.compile(rf"({'|'.join(_KNOWN)})(/[^:]*)?:|({'|'.join(PACKAGED)})#")
"""What begins like that is no photograph, even if its rest is malformed."""


@dataclass(frozen=True)
class Reference:
    """A data set, or one sample of it.

    Attributes:
        set_name: one of `SET_NAMES`.
        split: of the set.
        folder: where it lies, in full; of a set that a package brings, empty.
        index: of the sample; None names the set.
        division: what frames of events have an equal share of.
        is_binary: whether frames of events hold no counts.
    """

    set_name: str
    split: str
    folder: Path
    index: int | None = None
    division: Division = Division.NUMBER
    is_binary: bool = False

    def at(self, index: int) -> "Reference":
        """A sample of the same set."""
        return replace(self, index=index)

    def __str__(self) -> str:
        options = [self.split]
        if _KNOWN[self.set_name].has_events:
            options += [self.division, BINARY if self.is_binary else COUNT]
        sample = "" if self.index is None else f"#{self.index}"
        folder = "" if _KNOWN[self.set_name].is_packaged else f":{self.folder}"
        return f"{'/'.join([self.set_name, *options])}{folder}{sample}"


def is_reference(name: str) -> bool:
    """Whether a name is meant as a data set or a sample, well written or not; a file wins."""
    try:
        is_meant = _PACKAGED_FORM.fullmatch(name) or _FORM.fullmatch(name) or _MEANT.match(name)
        return bool(is_meant) and not Path(name).exists()
    except OSError:  # too long for a path
        return False


def parse_reference(name: str) -> Reference:
    """The reference that a text is.

    Raises:
        InputError: the set or an option is not known.
    """
    match = _PACKAGED_FORM.fullmatch(name) or _FORM.fullmatch(name)
    if not match:
        problem = "must be SET:FOLDER, or SET:FOLDER#INDEX with an index of 0 or more."
        fix = "Write it like 'cifar10/train:data/cifar-10-batches-bin#0' or 'mnist#0'."
        meant = nearest(re.split("[/:#]", name, maxsplit=1)[0], SET_NAMES)
        raise refused(name, problem, f"{meant} {fix}".strip())
    set_name, index = match["set"], match["index"]
    if set_name not in _KNOWN:
        problem = f"must be a known data set (got '{set_name}')."
        raise refused(name, problem, f"{nearest(set_name, SET_NAMES)}")
    known = _KNOWN[set_name]
    if known.is_packaged and match["folder"]:
        problem = f"must have no folder: {set_name} comes with a package (got '{match['folder']}')."
        raise refused(name, problem, f"Write it like '{set_name}#0'.")
    chosen = [choices[0] for choices in known.options]
    given = [word for word in match["options"].split("/") if word]
    for word in given:
        place = next((n for n, choices in enumerate(known.options) if word in choices), None)
        if place is None:
            legal = [choice for choices in known.options for choice in choices]
            raise refused(
                name, f"must be an option of {set_name} (got '{word}').", nearest(word, legal)
            )
        if len(set(given) & set(known.options[place])) > 1:
            raise refused(name, f"must have one of {', '.join(known.options[place])}.")
        chosen[place] = word
    split, *events = chosen
    frames = {"division": Division(events[0]), "is_binary": events[1] == BINARY} if events else {}
    folder = Path() if known.is_packaged else Path(match["folder"]).expanduser().absolute()
    return Reference(set_name, split, folder, None if index is None else int(index), **frames)  # type: ignore[arg-type]


def open_data_set(reference: Reference) -> DataSet:
    """The data set of a reference; those of the last few are kept open.

    Raises:
        InputError: it is not what it must be.
    """
    return _opened(reference.set_name, reference.folder, reference.split)


def read_sample(reference: Reference) -> Sample:
    """The sample that a reference names; the last one is kept.

    Raises:
        InputError: the set is not what it must be, has no such sample, or its file is broken.
    """
    if reference.index is None:
        problem = "must be one sample of the set (got all of it)."
        raise refused(str(reference), problem, "Add '#0' for the first, or name it with --images.")
    return _read(reference)


@lru_cache(maxsize=4)
def _opened(set_name: str, folder: Path, split: str) -> DataSet:
    return _KNOWN[set_name].opened(folder, split)


@lru_cache(maxsize=1)
def _read(reference: Reference) -> Sample:
    data_set, index = open_data_set(reference), reference.index
    assert index is not None
    if index >= len(data_set):
        problem = f"must be below {len(data_set)}, the number of samples (got {index})."
        raise refused(str(reference), problem, "Samples count from 0.")
    return data_set.sample(index)
