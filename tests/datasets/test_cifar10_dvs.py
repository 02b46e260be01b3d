"""CIFAR10-DVS in the layout in which it is published, whole and broken."""

from pathlib import Path

import pytest

from codesign.datasets.cifar10_dvs import open_cifar10_dvs
from codesign.errors import InputError
from tests.datasets.written import TEN, write_cifar10_dvs


def test_samples_come_by_class_and_then_by_number(tmp_path: Path) -> None:
    data = open_cifar10_dvs(write_cifar10_dvs(tmp_path / "set", 11), "all")
    assert len(data) == 110
    assert data.recordings[10][1].name == "cifar10_airplane_10.aedat"
    assert data.recordings[2][1].name == "cifar10_airplane_2.aedat"
    assert data.sample(25).class_name == "bird"
    digests = {data.sample(index).sha256 for index in range(len(data))}
    assert len(digests) == 110


def test_missing_and_empty_classes_are_named(tmp_path: Path) -> None:
    folder = write_cifar10_dvs(tmp_path / "set")
    (folder / "cat" / "cifar10_cat_0.aedat").unlink()
    with pytest.raises(InputError, match=r"cat: must hold \.aedat files"):
        open_cifar10_dvs(folder, "all")
    (folder / "cat").rmdir()
    with pytest.raises(InputError, match=r"for each class \(got none for cat\).*figshare"):
        open_cifar10_dvs(folder, "all")


def test_the_classes_are_those_of_cifar(tmp_path: Path) -> None:
    assert open_cifar10_dvs(write_cifar10_dvs(tmp_path / "set"), "all").classes == TEN
