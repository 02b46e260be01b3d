"""References to data sets and samples, and which samples are chosen."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codesign.datasets.choice import choose, even_indices, random_indices
from codesign.datasets.frames import Division
from codesign.datasets.references import (
    Reference,
    is_reference,
    open_data_set,
    parse_reference,
    read_sample,
)
from codesign.errors import InputError
from tests.datasets.written import write_cifar10


def test_a_reference_says_set_split_frames_folder_and_sample() -> None:
    plain = Reference("cifar10", "test", Path("/data/cifar"))
    assert parse_reference("cifar10:/data/cifar") == plain
    assert parse_reference("cifar10:/data/cifar#7") == plain.at(7)
    events = Reference("dvsgesture", "train", Path("/d"), None, Division.TIME, is_binary=True)
    assert parse_reference("dvsgesture/binary/train/time:/d") == events
    assert parse_reference("cifar10dvs:here").folder == Path("here").absolute()


@pytest.mark.parametrize(
    "text",
    [
        *("cifar10:/data#3", "dvsgesture/train/time/binary:/data/x#0", "imagenet:/data/val"),
        *("mnist#3", "digits/train", "mnist/test"),
    ],
)
def test_a_reference_is_read_as_it_is_written(text: str) -> None:
    assert parse_reference(str(parse_reference(text))) == parse_reference(text)


def test_sets_that_packages_bring_have_no_folder() -> None:
    assert parse_reference("mnist#3") == Reference("mnist", "test", Path(), 3)
    assert parse_reference("digits/train") == Reference("digits", "train", Path())
    assert str(parse_reference("digits#7")) == "digits/test#7"
    assert is_reference("mnist")
    assert is_reference("digits/train#0")


@pytest.mark.parametrize("name", ["mnist", "digits#0"])
def test_a_file_of_the_name_of_a_set_comes_first(name: str, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert is_reference(name)
    Path(name).touch()
    assert not is_reference(name)


def test_paths_and_photographs_are_no_references(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("cifar10:odd.png").touch()
    names = ("astronaut", "photos/a.png", "C:\\photos", "cifar10:odd.png", "x" * 5000)
    for name in (*names, "mnist.png", "digits/a.png", "my_mnist", "cifar10#0"):
        assert not is_reference(name)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("cifar11:/d", r"known data set \(got 'cifar11'\)\. Did you mean 'cifar10"),
        ("cifar10/val:/d", r"an option of cifar10 \(got 'val'\)"),
        ("cifar10/binary:/d", r"an option of cifar10 \(got 'binary'\)"),
        ("cifar10/test/train:/d", "must have one of test, train"),
        ("cifar10:/d#-1", "SET:FOLDER#INDEX with an index of 0 or more"),
        ("cifar10:/d#a", "SET:FOLDER#INDEX with an index of 0 or more"),
        ("cifar10:", "must be SET:FOLDER, or"),
        ("cifar10/:/d", "must be SET:FOLDER, or"),
        ("digits:folder", r"^digits:folder: must have no folder: .*\(got 'folder'\).*'digits#0'"),
        ("mnist/train:/d#1", "must have no folder: mnist comes with a package"),
        ("mnist/val", r"must be an option of mnist \(got 'val'\)"),
        ("mnist/test/train#0", "must have one of test, train"),
        ("mnist#-1", "with an index of 0 or more.*'mnist#0'"),
        ("digits#x", "with an index of 0 or more"),
    ],
)
def test_what_is_not_known_is_refused(text: str, message: str) -> None:
    assert is_reference(text)
    with pytest.raises(InputError, match=message):
        parse_reference(text)


def test_a_sample_that_the_set_has_not_is_refused(tmp_path: Path) -> None:
    place = write_cifar10(tmp_path)
    with pytest.raises(InputError, match=r"must be below 4, the number of samples \(got 4\)"):
        read_sample(parse_reference(f"cifar10:{place}#4"))
    with pytest.raises(InputError, match=r"must be one sample of the set.*Add '#0'"):
        read_sample(parse_reference(f"cifar10:{place}"))


def test_the_place_of_a_sample_that_a_packaged_set_has_not_is_its_name() -> None:
    with pytest.raises(InputError, match=r"^digits/train#1438: must be below 1438, .*got 1438\)"):
        read_sample(parse_reference("digits/train#1438"))
    with pytest.raises(InputError, match=r"^digits/test: must be one sample of the set"):
        read_sample(parse_reference("digits"))


@given(st.data())
def test_a_choice_has_as_many_different_samples_in_order(data: st.DataObject) -> None:
    size = data.draw(st.integers(1, 300))
    count = data.draw(st.integers(1, size))
    for indices in (even_indices(size, count), random_indices(size, count, seed=3)):
        assert indices == sorted(set(indices))
        assert len(indices) == count
        assert 0 <= indices[0] <= indices[-1] < size


def test_even_samples_lie_in_the_middle_of_equal_parts() -> None:
    assert even_indices(10_000, 4) == [1250, 3750, 6250, 8750]


def test_a_seed_chooses_the_same_ones_on_every_machine() -> None:
    assert random_indices(10_000, 4, seed=0) == [4506, 5192, 9079, 9977]
    assert random_indices(10_000, 4, seed=1) != random_indices(10_000, 4, seed=0)


def test_more_random_samples_include_those_of_fewer() -> None:
    assert set(random_indices(500, 20, 7)) < set(random_indices(500, 50, 7))


def test_a_choice_is_stated(tmp_path: Path) -> None:
    reference = parse_reference(f"cifar10/train:{write_cifar10(tmp_path)}")
    assert len(open_data_set(reference)) == 20
    references, statement = choose(reference, 2, None)
    assert [each.index for each in references] == [5, 15]
    assert statement == {
        "set": "CIFAR-10",
        "split": "train",
        "size": 20,
        "samples": 2,
        "chosen": "evenly over the set",
        "seed": None,
    }
    assert choose(reference, 2, 5)[1]["chosen"] == "at random, seed 5"
    assert choose(reference.at(3), 2, 5)[0] == [reference.at(3)]
    assert len(choose(reference, None, None)[0]) == 16


@pytest.mark.parametrize("samples", [0, -1, 21])
def test_samples_that_the_set_cannot_give_are_refused(tmp_path: Path, samples: int) -> None:
    reference = parse_reference(f"cifar10/train:{write_cifar10(tmp_path)}")
    with pytest.raises(InputError, match=rf"--samples: must be 1 to 20, .*\(got {samples}\)"):
        choose(reference, samples, None)
