"""DVS128 Gesture: people who make eleven gestures in front of an event camera.

The set as published (Amir et al., CVPR 2017) has a recording in AEDAT 3.1 for each person and
light, `user01_fluorescent.aedat`, with a table `user01_fluorescent_labels.csv` of when which
gesture begins and ends, and the lists `trials_to_train.txt` and `trials_to_test.txt` of the
recordings of each split. A sample is one line of a table; only its part of a recording is read.
"""

from dataclasses import dataclass
from pathlib import Path

from codesign.datasets.aedat import read_aedat3
from codesign.datasets.reading import read_lines, refused, require_folder
from codesign.datasets.sample import Sample

FOLDER = "DvsGesture"
CLASSES = (
    *("hand clapping", "right hand wave", "left hand wave", "right arm clockwise"),
    *("right arm counter clockwise", "left arm clockwise", "left arm counter clockwise"),
    *("arm roll", "air drums", "air guitar", "other gestures"),
)
"""In the order of the tables' numbers, which begin with 1."""

SOURCE = (
    "Get it from https://research.ibm.com/interactive/dvsgesture/ and unpack DvsGesture.tar.gz."
)
_HEADER = "class,startTime_usec,endTime_usec"


@dataclass(frozen=True)
class _Gesture:
    """A line of a table."""

    recording: Path
    label: int
    start_us: int
    end_us: int


@dataclass(frozen=True)
class DvsGesture:
    """One split (see `DataSet`)."""

    split: str
    gestures: tuple[_Gesture, ...]
    title: str = "DVS128 Gesture"
    classes: tuple[str, ...] = CLASSES

    def __len__(self) -> int:
        return len(self.gestures)

    def sample(self, index: int) -> Sample:
        gesture = self.gestures[index]
        events = read_aedat3(gesture.recording, gesture.start_us, gesture.end_us)
        return Sample(gesture.label, CLASSES[gesture.label], events.digest(), events)


def open_dvs_gesture(folder: Path, split: str) -> DvsGesture:
    """A split of the set in the folder `DvsGesture`, or in the folder that holds it.

    Raises:
        InputError: files are missing, or a table is broken.
    """
    require_folder(folder)
    place = folder / FOLDER if (folder / FOLDER).is_dir() else folder
    trials = place / f"trials_to_{split}.txt"
    if not trials.is_file():
        raise refused(trials, "is missing: it lists the recordings of the split.", SOURCE)
    names = read_lines(trials)
    for name in names:
        if Path(name).name != name or not name.endswith(".aedat"):
            raise refused(trials, f"must list files NAME.aedat (got '{name}').", SOURCE)
    recordings = [place / name for name in names]
    tables = [path.with_name(f"{path.stem}_labels.csv") for path in recordings]
    missing = [path.name for path in (*recordings, *tables) if not path.is_file()]
    if missing:
        shown = ", ".join(missing[:3]) + (", ..." if len(missing) > 3 else "")
        raise refused(place, f"lacks {len(missing)} files of the split: {shown}.", SOURCE)
    found = [
        gesture
        for recording, table in zip(recordings, tables, strict=True)
        for gesture in _gestures(recording, table)
    ]
    if not found:
        raise refused(trials, "must list recordings with gestures (got none).", SOURCE)
    return DvsGesture(split, tuple(found))


def _gestures(recording: Path, table: Path) -> list[_Gesture]:
    header, *lines = read_lines(table) or [""]
    if header != _HEADER:
        raise refused(f"{table}:1", f"must be '{_HEADER}' (got '{header}').", SOURCE)
    return [_gesture(recording, f"{table}:{line}", text) for line, text in enumerate(lines, 2)]


def _gesture(recording: Path, place: str, text: str) -> _Gesture:
    try:
        number, start_us, end_us = (int(word) for word in text.split(","))
    except ValueError:
        problem = f"must be three whole numbers, {_HEADER} (got '{text}')."
        raise refused(place, problem, SOURCE) from None
    if not 1 <= number <= len(CLASSES):
        raise refused(place, f"must have a class of 1 to {len(CLASSES)} (got {number}).", SOURCE)
    if not 0 <= start_us < end_us:
        raise refused(place, f"must end after it starts (got {start_us} to {end_us}).", SOURCE)
    return _Gesture(recording, number - 1, start_us, end_us)
