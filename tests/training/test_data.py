import hashlib
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from codesign.datasets.references import parse_reference, read_sample
from codesign.errors import InputError
from codesign.inputs import network_input
from codesign.training.data import open_data
from codesign.training.order import augmentation
from codesign.training.recipes import RECIPES
from tests.datasets.written import write_cifar10, write_imagenet
from tests.training.small import small_spec

RESNET = small_spec(
    **{"structure": "resnet", "depth": 18, "width": None, "pictures": None},
    **{"weights": "calibrated"},
)


def write_noise(folder: Path, classes: dict[str, int]) -> None:
    generator = np.random.default_rng(0)
    for name, count in classes.items():
        (folder / name).mkdir()
        for number in range(count):
            levels = generator.integers(0, 256, (50, 70, 3), np.uint8)
            Image.fromarray(levels).save(folder / name / f"{name}_{number}.JPEG")


def test_digits_are_those_that_a_run_sees_split_as_published():
    data = open_data(small_spec(), "digits")
    assert (len(data.training), len(data.test), len(data.classes)) == (1438, 359, 10)
    for part, split in ((data.training, "train"), (data.test, "test")):
        ((inputs, labels),) = part.batches([np.array([5, 0])])
        for place, index in enumerate((5, 0)):
            name = f"digits/{split}#{index}"
            seen = network_input("small_resnet", name, 2, small_spec().pictures)
            assert torch.equal(inputs[place], torch.from_numpy(seen[0]))
            assert labels[place] == read_sample(parse_reference(name)).label


@pytest.mark.parametrize("text", ["digits/test", "mnist/train", "cifar10/train:somewhere"])
def test_a_part_of_a_set_is_not_trained_on_as_if_it_were_all(text: str):
    with pytest.raises(InputError, match=r"must be a set with all its parts \(got 't.* alone"):
        open_data(small_spec(), text)


def test_the_fingerprint_is_over_labels_and_contents():
    digest = hashlib.sha256()
    for index in range(359):
        sample = read_sample(parse_reference(f"digits#{index}"))
        digest.update(f"{sample.label} {sample.sha256}\n".encode())
    told = open_data(small_spec(), "digits").provenance()
    assert told["test"]["fingerprint"] == {"sha256": digest.hexdigest(), "of": "all 359 samples"}
    assert told["training"]["samples"] == 1438
    assert told["title"] == "digits"


def test_of_a_set_without_split_every_tenth_sample_is_held_out(tmp_path: Path):
    write_imagenet(tmp_path, {"n01": 13, "n02": 10})
    data = open_data(RESNET, f"imagenet:{tmp_path}")
    assert (len(data.training), len(data.test)) == (21, 2)
    assert list(data.test.indices) == [9, 19]
    assert data.division == "every 10th sample is held out for the test"
    ((_, labels),) = data.test.batches([np.array([0, 1])])
    assert labels.tolist() == [0, 1]


def test_another_set_may_be_tested_on(tmp_path: Path):
    write_imagenet(tmp_path / "train", {"a": 3, "b": 2})
    write_imagenet(tmp_path / "val", {"a": 1, "b": 1})
    write_imagenet(tmp_path / "other", {"a": 1, "c": 1})
    place = f"imagenet:{tmp_path}"
    data = open_data(RESNET, f"{place}/train", f"{place}/val")
    assert (len(data.training), len(data.test)) == (5, 2)
    with pytest.raises(InputError, match=r"--validation .*other: must have the classes of"):
        open_data(RESNET, f"{place}/train", f"{place}/other")


@pytest.mark.parametrize("workers", [0, 1])
def test_samples_are_read_as_a_run_sees_them_by_any_process(tmp_path: Path, workers: int):
    write_noise(tmp_path, {"n01": 6, "n02": 6})
    name = f"imagenet:{tmp_path}"
    data = open_data(RESNET, name, workers=workers)
    ((inputs, labels),) = data.test.batches([np.array([0])])
    assert torch.equal(inputs, torch.from_numpy(network_input("resnet", f"{name}#9", 4)))
    assert labels.tolist() == [1]
    changes = augmentation(RECIPES["imagenet"], len(data.training), seed=0, epoch=0)
    steps = [np.array([0, 3]), np.array([10])]
    (first, _), (second, _) = data.training.batches(steps, changes)
    assert first.shape == (2, 3, 224, 224)
    ((alone, _),) = data.training.batches([np.array([10])], changes)
    assert torch.equal(alone, second)
    ((unchanged, _),) = data.training.batches([np.array([10])])
    assert not torch.equal(alone, unchanged)


def test_pictures_of_another_shape_are_refused(tmp_path: Path):
    write_cifar10(tmp_path)
    for data, spec, got in (
        ("mnist", small_spec(), "8 x 8 pixels, as 'digits' are (got 28 x 28)"),
        ("digits", small_spec(pictures="mnist"), "28 x 28 pixels, as 'mnist' are (got 8 x 8)"),
        (f"cifar10:{tmp_path}", small_spec(), "8 x 8 pixels, as 'digits' are (got 32 x 32)"),
    ):
        with pytest.raises(InputError) as caught:
            open_data(spec, data)
        assert got in str(caught.value)
        assert "#0: " in str(caught.value)


def test_no_samples_are_refused(tmp_path: Path):
    with pytest.raises(InputError, match="must hold JPEG files, or a folder of them"):
        open_data(RESNET, f"imagenet:{tmp_path}")
    (tmp_path / "n01").mkdir()
    with pytest.raises(InputError, match=r"for each class \(got n01 without any\)"):
        open_data(RESNET, f"imagenet:{tmp_path}")
    write_imagenet(tmp_path / "few", {"n01": 5})
    with pytest.raises(InputError, match=r"at least 10 samples to hold some out \(got 5\)"):
        open_data(RESNET, f"imagenet:{tmp_path / 'few'}")


def test_a_label_that_is_no_class_is_refused(tmp_path: Path):
    place = write_cifar10(tmp_path)
    content = bytearray((place / "data_batch_3.bin").read_bytes())
    content[3073] = 200
    (place / "data_batch_3.bin").write_bytes(content)
    with pytest.raises(InputError, match="200"):
        open_data(small_spec(pictures="cifar10"), f"cifar10:{tmp_path}")


def test_one_sample_is_no_set():
    with pytest.raises(InputError, match="--data digits#3: must be a whole data set"):
        open_data(small_spec(), "digits#3")
    with pytest.raises(InputError, match="--validation digits#3: must be a whole data set"):
        open_data(small_spec(), "digits", "digits#3")
