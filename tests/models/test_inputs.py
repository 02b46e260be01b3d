from pathlib import Path

import numpy as np
import pytest

from codesign.datasets.network_inputs import sample_frames, sample_pixels
from codesign.errors import InputError
from codesign.models.inputs import model_input, model_input_provenance
from codesign.pictures import load_picture
from tests.datasets.written import write_cifar10, write_gestures
from tests.models.own_networks import spec


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ([6], (1, 6)),
        ([5, 6], (5, 1, 6)),
        ([2, 4, 4], (1, 2, 4, 4)),
        ([5, 2, 4, 4], (5, 1, 2, 4, 4)),
    ],
)
def test_random_values_have_the_shape_and_are_the_same_again(
    shape: list[int], expected: tuple[int, ...]
) -> None:
    given = spec(input={"shape": shape, "seed": 3})
    values = model_input(given, *given.images)
    assert (values.shape, values.dtype) == (expected, np.float32)
    assert np.array_equal(values, model_input(given, *given.images))
    assert (values >= 0).all()
    assert (values < 1).all()
    assert (values * 256 == np.rint(values * 256)).all()
    other = spec(input={"shape": shape, "seed": 4})
    assert not np.array_equal(values, model_input(other, *other.images))
    assert model_input_provenance(given, *given.images) == {
        "kind": "random",
        "name": "random values of seed 3",
        "shape": shape,
    }


def test_a_photograph_is_what_the_shipped_networks_see() -> None:
    given = spec(images=["astronaut"], input={})
    assert np.array_equal(model_input(given, "astronaut")[0], load_picture("astronaut"))


@pytest.mark.parametrize(("shape", "side"), [([3, 32, 32], 32), ([1, 28, 28], 28)])
def test_a_small_photograph_is_the_average_over_blocks(shape: list[int], side: int) -> None:
    given = spec(images=["astronaut"], input={"shape": shape})
    seen = model_input(given, "astronaut")
    block = 224 // side
    corner = load_picture("astronaut")[:, :block, :block].astype(float).mean(axis=(1, 2))
    expected = corner if shape[0] == 3 else corner.mean(keepdims=True)
    assert seen.shape == (1, *shape)
    assert np.array_equal(seen[0, :, 0, 0], np.rint(expected * 256) / 256)
    assert model_input_provenance(given, "astronaut")["name"] == "astronaut.png"


@pytest.mark.parametrize("shape", [[2, 32, 32], [3, 32, 28], [3, 33, 33], [3, 448, 448], [6]])
def test_a_photograph_of_another_shape_is_refused(shape: list[int]) -> None:
    given = spec(images=["astronaut"], input={"shape": shape})
    with pytest.raises(InputError, match=r"^input\.shape: must be \[3, S, S\] or \[1, S, S\]"):
        model_input(given, "astronaut")


def test_a_file_is_taken_as_it_is(folder: Path) -> None:
    frames = np.arange(4 * 2 * 3 * 3).reshape(4, 2, 3, 3)
    np.save("frames.npy", frames)
    given = spec(input={"file": "frames.npy"})
    assert np.array_equal(model_input(given, *given.images)[:, 0], frames.astype(np.float32))
    before = model_input_provenance(given, *given.images)
    assert before["name"] == "frames.npy"
    np.save("frames.npy", frames + 1)
    assert model_input_provenance(given, *given.images) != before


@pytest.mark.parametrize(
    ("array", "shape", "message"),
    [
        (np.zeros((2, 2, 2, 2, 2)), None, r"must have a shape \[C, H, W\] or \[F\]"),
        (np.zeros((3, 0)), None, r"must have a shape"),
        (np.zeros(4), [5], r"must have the shape \[5\] of the workload \(got \[4\]\)"),
        (np.array([np.nan]), None, "must hold finite values"),
        (np.array(["text"]), None, r"must hold one array of numbers \(got <U4\)"),
        (np.array([object()]), None, "must be a NumPy file of numbers"),
    ],
)
def test_a_file_that_does_not_fit_is_refused(
    folder: Path, array: np.ndarray, shape: list[int] | None, message: str
) -> None:
    np.save("input.npy", array, allow_pickle=True)
    given = spec(input={"file": "input.npy", "shape": shape})
    with pytest.raises(InputError, match=rf"^input\.npy: {message}"):
        model_input(given, "input.npy")


def test_a_file_that_is_no_array_is_refused(folder: Path) -> None:
    (folder / "input.npy").write_text("text")
    given = spec(input={"file": "input.npy"})
    with pytest.raises(InputError, match=r"^input\.npy: must be a NumPy file of numbers"):
        model_input(given, "input.npy")
    np.savez("two.npz", np.zeros(1))
    with pytest.raises(InputError, match="must hold one array of numbers"):
        model_input(spec(input={"file": "two.npz"}), "two.npz")
    with pytest.raises(InputError, match=r"^none\.npy: must be a readable NumPy file \(No such"):
        model_input_provenance(spec(input={"file": "none.npy"}), "none.npy")


def test_a_sample_is_brought_to_the_networks_shape(tmp_path: Path) -> None:
    name = f"cifar10:{write_cifar10(tmp_path)}#0"
    whole = model_input(spec(images=["astronaut"], input={"shape": [3, 32, 32]}), name)
    assert np.array_equal(whole[0], sample_pixels(name, 32))
    grey = model_input(spec(images=["astronaut"], input={"shape": [1, 32, 32]}), name)
    assert grey.shape == (1, 1, 32, 32)
    large = model_input(spec(images=["astronaut"], input={"shape": [3, 224, 224]}), name)
    assert np.array_equal(large[0], sample_pixels(name))
    told = model_input_provenance(spec(images=["astronaut"], input={"shape": [3, 32, 32]}), name)
    assert (told["class"], told["shape"]) == ("dog", [3, 32, 32])


def test_recorded_events_are_a_sequence_of_frames(tmp_path: Path) -> None:
    name = f"dvsgesture:{write_gestures(tmp_path)}#0"
    given = spec(images=["astronaut"], input={"shape": [5, 2, 64, 64]})
    values = model_input(given, name)
    assert values.shape == (5, 1, 2, 64, 64)
    assert np.array_equal(values[:, 0], sample_frames(name, 5, 64))
    for shape in ([5, 3, 64, 64], [5, 2, 64, 32]):
        given = spec(images=["astronaut"], input={"shape": shape})
        with pytest.raises(InputError, match=r"input\.shape: must be \[T, 2, S, S\]"):
            model_input(given, name)
