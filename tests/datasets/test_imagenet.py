"""ImageNet in both layouts, whole and broken."""

import hashlib
from pathlib import Path

import numpy as np
import pytest

from codesign.datasets.imagenet import open_imagenet
from codesign.errors import InputError
from tests.datasets.written import write_flat_imagenet, write_imagenet


def test_a_folder_is_a_class_and_its_place_the_label(tmp_path: Path) -> None:
    folder = write_imagenet(tmp_path / "val", {"n02": 2, "n01": 3, "n03": 1})
    data = open_imagenet(folder, "folder")
    assert (data.classes, len(data), data.split) == (("n01", "n02", "n03"), 6, "val")
    assert [data.sample(index).label for index in range(6)] == [0, 0, 0, 1, 1, 2]
    path = folder / "n02" / "n02_1.JPEG"
    sample = data.sample(4)
    assert sample.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert isinstance(sample.content, np.ndarray)
    assert sample.content.shape == (50, 62, 3)


def test_a_flat_folder_takes_its_classes_from_the_ground_truth(tmp_path: Path) -> None:
    data = open_imagenet(write_flat_imagenet(tmp_path / "val", [490, 361, 1]), "folder")
    names = [data.sample(index).class_name for index in range(3)]
    assert names == ["ILSVRC2012_ID 490", "ILSVRC2012_ID 361", "ILSVRC2012_ID 1"]
    assert data.sample(0).label == 489


def test_a_flat_folder_without_ground_truth_is_refused(tmp_path: Path) -> None:
    folder = write_flat_imagenet(tmp_path / "val", [5])
    truth = next(tmp_path.rglob("*ground_truth.txt"))
    truth.write_text("5\n6\n")
    with pytest.raises(InputError, match=r"a line for each of 1 pictures \(got 2\)"):
        open_imagenet(folder, "folder")
    truth.write_text("1001\n")
    with pytest.raises(InputError, match=r"truth\.txt:1: must be a number of 1 to 1000"):
        open_imagenet(folder, "folder")
    truth.unlink()
    with pytest.raises(InputError, match="development kit"):
        open_imagenet(folder, "folder")


def test_folders_without_pictures_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="got neither"):
        open_imagenet(tmp_path, "folder")
    write_imagenet(tmp_path / "all" / "val", {"n01": 1})
    with pytest.raises(InputError, match="Name the folder of one split"):
        open_imagenet(tmp_path / "all", "folder")


@pytest.mark.parametrize("content", [b"", b"\xff\xd8\xff\xe0 no picture"])
def test_a_broken_picture_is_refused_by_name(tmp_path: Path, content: bytes) -> None:
    folder = write_imagenet(tmp_path / "val", {"n01": 1})
    (folder / "n01" / "n01_0.JPEG").write_bytes(content)
    with pytest.raises(InputError, match=r"n01_0\.JPEG: must be a"):
        open_imagenet(folder, "folder").sample(0)
