"""What networks see of samples."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from codesign.datasets.network_inputs import (
    sample_frames,
    sample_pixels,
    sample_provenance,
    small_levels,
    small_pixels,
)
from codesign.datasets.packaged import open_packaged
from codesign.errors import InputError
from codesign.pictures import load_levels, load_picture, normalise
from codesign.specs.workload import Pictures
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


def test_digits_are_seen_in_exact_sixteenths() -> None:
    levels = open_packaged("digits", "test").levels
    seen = np.stack([small_pixels(f"digits#{index}", Pictures.DIGITS) for index in range(40)])
    assert seen.shape == (40, 1, 8, 8)
    assert seen.dtype == np.float32
    assert np.array_equal(seen[:, 0] * 16, levels[:40] // 15)
    assert set(np.unique(seen * 16)) == set(range(17))


def test_pictures_of_mnist_and_cifar_are_seen_in_parts_of_256(tmp_path: Path) -> None:
    levels = open_packaged("mnist", "train").levels[5]
    seen = small_pixels("mnist/train#5", Pictures.MNIST)
    assert np.array_equal(seen, (levels / 256).astype(np.float32)[None])
    colours = np.frombuffer(cifar_pixels(4, 5)[1], np.uint8).reshape(3, 32, 32)
    name = f"cifar10:{write_cifar10(tmp_path)}#1"
    assert np.array_equal(small_pixels(name, Pictures.CIFAR10), colours / np.float32(256))


@pytest.mark.parametrize("pictures", Pictures)
def test_a_photograph_is_seen_as_large_and_as_grey_as_the_sets_pictures(pictures: Pictures) -> None:
    seen = small_pixels("astronaut", pictures)
    assert seen.shape == pictures.shape
    assert 0 <= seen.min() < 0.2
    assert 0.5 < seen.max() <= 1
    assert np.array_equal(seen * 256, np.round(seen * 256))
    levels = load_levels("astronaut", seen.shape[1], seen.shape[1]).astype(np.float64)
    if pictures is Pictures.MNIST:
        assert np.array_equal(seen[0] * 256, np.rint(levels.mean(axis=2)))
    elif seen.shape[0] == 3:
        assert np.array_equal(seen * 256, levels.transpose(2, 0, 1))


def test_a_sample_of_another_set_is_brought_to_the_size() -> None:
    seen = small_pixels("mnist#0", Pictures.DIGITS)
    assert seen.shape == (1, 8, 8)
    assert 0.3 < seen.max() <= 1
    assert small_pixels("digits#0", Pictures.CIFAR10).shape == (3, 32, 32)


def test_levels_above_the_highest_of_digits_are_taken_for_it() -> None:
    levels = np.array([0, 120, 239, 240, 255], np.uint8).repeat(3).reshape(1, 5, 3)
    seen = small_levels(levels, Pictures.DIGITS)
    assert seen.tolist() == [[[0, 0.5, 255 / 256, 1, 1]]]


def test_leading_dimensions_of_levels_are_kept() -> None:
    levels = np.arange(2 * 5 * 4 * 4 * 3, dtype=np.uint8).reshape(2, 5, 4, 4, 3)
    seen = small_levels(levels, Pictures.CIFAR100)
    assert seen.shape == (2, 5, 3, 4, 4)
    assert np.array_equal(seen[1, 2, :, 3, 0] * 256, levels[1, 2, 3, 0])


def test_a_network_of_small_pictures_takes_no_events(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"must be a picture.*got recorded events"):
        small_pixels(f"dvsgesture:{write_gestures(tmp_path)}#0", Pictures.CIFAR10)
