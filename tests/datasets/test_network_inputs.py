"""What networks see of samples."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from codesign.datasets.network_inputs import sample_frames, sample_pixels, sample_provenance
from codesign.errors import InputError
from codesign.pictures import load_picture, normalise
from tests.datasets.written import cifar_pixels, write_cifar10, write_gestures, write_imagenet


def test_a_picture_of_the_networks_size_is_seen_as_it_is(tmp_path: Path) -> None:
    name = f"cifar10:{write_cifar10(tmp_path)}#1"
    levels = np.frombuffer(cifar_pixels(4, 5)[1], np.uint8).reshape(3, 32, 32)
    np.testing.assert_array_equal(sample_pixels(name, 32), normalise(levels.transpose(1, 2, 0)))


def test_any_other_goes_the_way_of_the_same_picture_in_a_file(tmp_path: Path) -> None:
    levels = np.frombuffer(cifar_pixels(4, 5)[1], np.uint8).reshape(3, 32, 32).transpose(1, 2, 0)
    path = tmp_path / "same.png"
    Image.fromarray(np.ascontiguousarray(levels)).save(path)
    name = f"cifar10:{write_cifar10(tmp_path)}#1"
    np.testing.assert_array_equal(sample_pixels(name), load_picture(path))


def test_a_picture_of_imagenet_is_seen_as_a_photograph(tmp_path: Path) -> None:
    folder = write_imagenet(tmp_path / "val", {"n01": 2})
    seen = sample_pixels(f"imagenet:{folder}#1")
    np.testing.assert_array_equal(seen, load_picture(folder / "n01" / "n01_1.JPEG"))


def test_pictures_and_events_are_not_taken_for_each_other(tmp_path: Path) -> None:
    events, picture = write_gestures(tmp_path), write_cifar10(tmp_path)
    with pytest.raises(InputError, match=r"must be a picture.*got recorded events"):
        sample_pixels(f"dvsgesture:{events}#0")
    with pytest.raises(InputError, match=r"must be recorded events.*got a picture"):
        sample_frames(f"cifar10:{picture}#0", 4, 128)


def test_options_say_how_frames_are_made(tmp_path: Path) -> None:
    folder = write_gestures(tmp_path)
    counts = sample_frames(f"dvsgesture/train:{folder}#1", 4, 32)
    assert counts.shape == (4, 2, 32, 32)
    assert counts.sum(axis=(1, 2, 3)).tolist() == [50, 50, 50, 50]
    binary = sample_frames(f"dvsgesture/train/binary:{folder}#1", 4, 32)
    assert set(np.unique(binary)) == {0, 1}
    by_time = sample_frames(f"dvsgesture/train/time:{folder}#1", 4, 32)
    assert by_time.sum() == 200
    assert not np.array_equal(by_time, counts)


def test_provenance_tells_set_class_and_fingerprint_but_no_path(tmp_path: Path) -> None:
    told = sample_provenance(f"cifar10:{write_cifar10(tmp_path)}#1")
    sha256 = told.pop("sha256")
    assert len(sha256) == 64
    assert told == {
        "kind": "picture of a data set",
        "name": "CIFAR-10 test 1 (frog)",
        "set": "CIFAR-10",
        "split": "test",
        "index": 1,
        "label": 6,
        "class": "frog",
        "values": "real",
    }


def test_recorded_events_are_called_recorded_and_their_values_declared(tmp_path: Path) -> None:
    folder = write_gestures(tmp_path)
    told = sample_provenance(f"dvsgesture:{folder}#0")
    assert told["kind"] == "recorded events"
    assert (told["values"], told["frames"]) == ("real", "equal number, count")
    assert sample_provenance(f"dvsgesture/binary:{folder}#0")["values"] == "spike"
