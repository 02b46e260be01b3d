"""DVS128 Gesture in the layout in which it is published, whole and broken."""

from pathlib import Path

import pytest

from codesign.datasets.dvs_gesture import open_dvs_gesture
from codesign.datasets.sample import Events
from codesign.errors import InputError
from tests.datasets.written import random_events, write_gestures


def test_a_line_of_a_table_is_a_sample_and_lasts_until_before_its_end(tmp_path: Path) -> None:
    data = open_dvs_gesture(write_gestures(tmp_path), "train")
    assert [data.sample(index).class_name for index in range(len(data))] == [
        "hand clapping",
        "arm roll",
        "other gestures",
    ]
    content = data.sample(1).content
    assert isinstance(content, Events)
    assert content.time_us.tolist() == [event[0] for event in random_events(600)[100:300]]


def test_the_lists_of_trials_are_the_splits(tmp_path: Path) -> None:
    write_gestures(tmp_path)
    data = open_dvs_gesture(tmp_path, "test")  # the folder around it will do
    assert (len(data), data.sample(0).label, data.split) == (1, 4, "test")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("12,0,5", r"labels\.csv:2: must have a class of 1 to 11 \(got 12\)"),
        ("1,5,5", r"labels\.csv:2: must end after it starts"),
        ("1,5", r"labels\.csv:2: must be three whole numbers"),
    ],
)
def test_a_broken_table_is_refused_with_the_line(tmp_path: Path, line: str, message: str) -> None:
    place = write_gestures(tmp_path)
    table = place / "user24_led_labels.csv"
    table.write_text(f"class,startTime_usec,endTime_usec\n{line}\n")
    with pytest.raises(InputError, match=message):
        open_dvs_gesture(place, "test")


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    place = write_gestures(tmp_path)
    (place / "user24_led_labels.csv").unlink()
    with pytest.raises(InputError, match=r"lacks 1 files of the split: user24_led_labels\.csv"):
        open_dvs_gesture(place, "test")
    (place / "trials_to_test.txt").write_text("../../etc/passwd\n")
    with pytest.raises(InputError, match=r"must list files NAME\.aedat"):
        open_dvs_gesture(place, "test")
    (place / "trials_to_test.txt").unlink()
    with pytest.raises(InputError, match=r"trials_to_test\.txt: is missing.*DvsGesture"):
        open_dvs_gesture(place, "test")
