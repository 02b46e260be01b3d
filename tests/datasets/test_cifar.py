"""CIFAR-10 and -100 from files in their true formats, whole and broken."""

import hashlib
import os
import pickle
from pathlib import Path

import numpy as np
import pytest

from codesign.datasets.cifar import open_cifar10, open_cifar100
from codesign.errors import InputError
from tests.datasets.written import (
    TEN,
    cifar_pixels,
    python2_batch,
    write_cifar10,
    write_cifar10_pickles,
    write_cifar100,
)


def test_a_sample_has_the_label_and_the_pixels_of_its_record(tmp_path: Path) -> None:
    data = open_cifar10(write_cifar10(tmp_path), "train")
    assert (data.title, data.split, data.classes, len(data)) == ("CIFAR-10", "train", TEN, 20)
    sample = data.sample(4 * 2 + 3)  # the last one of the third batch
    pixels = cifar_pixels(4, 2)[3]
    assert (sample.label, sample.class_name) == (5, "dog")
    assert sample.sha256 == hashlib.sha256(pixels).hexdigest()
    assert isinstance(sample.content, np.ndarray)
    assert sample.content.shape == (32, 32, 3)
    for channel in range(3):
        assert sample.content[2, 5, channel] == pixels[1024 * channel + 32 * 2 + 5]


def test_the_test_split_is_another_file(tmp_path: Path) -> None:
    data = open_cifar10(write_cifar10(tmp_path), "test")
    assert [data.sample(index).label for index in range(len(data))] == [5, 6, 7, 8]


def test_the_fine_label_is_taken_of_the_two(tmp_path: Path) -> None:
    data = open_cifar100(write_cifar100(tmp_path), "test")
    assert [data.sample(index).class_name for index in range(2)] == ["fine90", "fine91"]


def test_the_folder_may_be_the_one_around_the_set(tmp_path: Path) -> None:
    write_cifar10(tmp_path)
    assert len(open_cifar10(tmp_path, "test")) == 4


@pytest.mark.parametrize("split", ["train", "test"])
def test_both_versions_give_the_same_samples(tmp_path: Path, split: str) -> None:
    binary = open_cifar10(write_cifar10(tmp_path), split)
    pickled = open_cifar10(write_cifar10_pickles(tmp_path), split)
    assert binary.classes == pickled.classes
    assert len(binary) == len(pickled)
    for index in range(len(binary)):
        one, other = binary.sample(index), pickled.sample(index)
        assert (one.label, one.sha256) == (other.label, other.sha256)
        np.testing.assert_array_equal(one.content, other.content)


def test_a_missing_batch_is_named(tmp_path: Path) -> None:
    place = write_cifar10(tmp_path)
    (place / "data_batch_3.bin").unlink()
    with pytest.raises(InputError, match=r"data_batch_3\.bin: is missing.*kriz/cifar"):
        open_cifar10(place, "train")


def test_another_folder_is_refused_with_where_to_get_the_set(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"cifar-10-batches-bin.*kriz/cifar"):
        open_cifar10(tmp_path, "test")
    with pytest.raises(InputError, match="got nothing of that name"):
        open_cifar10(tmp_path / "nowhere", "test")


def test_a_file_that_is_cut_short_is_refused_with_the_offset(tmp_path: Path) -> None:
    path = write_cifar10(tmp_path) / "test_batch.bin"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(InputError, match=r"3073 bytes at offset 9219 \(got 3072\)"):
        open_cifar10(tmp_path, "test")


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    (write_cifar10(tmp_path) / "test_batch.bin").write_bytes(b"")
    with pytest.raises(InputError, match="must not be empty"):
        open_cifar10(tmp_path, "test")


def test_a_label_that_no_class_has_is_refused_with_the_offset(tmp_path: Path) -> None:
    path = write_cifar10(tmp_path) / "test_batch.bin"
    content = bytearray(path.read_bytes())
    content[3073] = 10
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"offset 3073: must be a label below 10 \(got 10\)"):
        open_cifar10(tmp_path, "test").sample(1)


class _Attack:
    """Runs a command when it is unpickled."""

    def __init__(self, trace: Path):
        self.trace = trace

    def __reduce__(self) -> tuple[object, ...]:
        return os.system, (f"touch {self.trace}",)


@pytest.mark.parametrize("protocol", [0, 2, 4, 5])
def test_a_pickle_that_names_a_function_runs_nothing(tmp_path: Path, protocol: int) -> None:
    place, trace = write_cifar10_pickles(tmp_path), tmp_path / "was_run"
    content = {b"labels": [1], b"data": _Attack(trace)}
    (place / "test_batch").write_bytes(pickle.dumps(content, protocol))
    with pytest.raises(InputError, match=r"asks for \w+\.system, which no batch needs"):
        open_cifar10(place, "test")
    assert not trace.exists()


def test_what_stands_for_arrays_cannot_be_changed(tmp_path: Path) -> None:
    place = write_cifar10_pickles(tmp_path)
    # a pickle that gives a function a state: other defaults
    code = b"\x80\x02cnumpy.core.multiarray\n_reconstruct\nN}X\x0c\x00\x00\x00__defaults__)s\x86b."
    (place / "test_batch").write_bytes(code)
    with pytest.raises(InputError, match="changes something that is no array"):
        open_cifar10(place, "test")


@pytest.mark.parametrize("code", [b"\x80\x02Nr\xff\xff\xff\x7f.", b"Np99999999999\n."])
def test_a_few_bytes_cannot_take_gigabytes(tmp_path: Path, code: bytes) -> None:
    place = write_cifar10_pickles(tmp_path)
    (place / "test_batch").write_bytes(code)
    with pytest.raises(InputError, match=r"remembers something at place \d+"):
        open_cifar10(place, "test")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({b"labels": [1]}, r"must hold 'data' and 'labels' \(got \['labels'\]\)"),
        ({b"labels": [1, 2], b"data": np.zeros((1, 3072), np.uint8)}, "for each of 2 labels"),
        ({b"labels": [10], b"data": np.zeros((1, 3072), np.uint8)}, r"below 10 \(got 10\)"),
        ({b"labels": [1], b"data": np.zeros((1, 3072))}, "not of bytes"),
        ([1, 2], r"must hold a dictionary \(got list\)"),
    ],
)
def test_a_pickle_of_something_else_is_refused(
    tmp_path: Path, content: object, message: str
) -> None:
    place = write_cifar10_pickles(tmp_path)
    (place / "test_batch").write_bytes(pickle.dumps(content, 2))
    with pytest.raises(InputError, match=message):
        open_cifar10(place, "test")


@pytest.mark.parametrize("kept", [1, 50, 5000])
def test_a_pickle_that_is_cut_short_is_refused(tmp_path: Path, kept: int) -> None:
    path = write_cifar10_pickles(tmp_path) / "test_batch"
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(InputError, match="must be a whole batch"):
        open_cifar10(tmp_path, "test")


def test_batches_that_python_2_wrote_are_read(tmp_path: Path) -> None:
    place = write_cifar10_pickles(tmp_path)
    pixels = cifar_pixels(3, 9)
    (place / "test_batch").write_bytes(python2_batch([4, 0, 9], pixels))
    data = open_cifar10(place, "test")
    samples = [data.sample(index) for index in range(3)]
    assert [sample.label for sample in samples] == [4, 0, 9]
    assert [sample.sha256 for sample in samples] == [
        hashlib.sha256(each).hexdigest() for each in pixels
    ]
