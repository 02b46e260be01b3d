from pathlib import Path

import pytest
from pydantic import ValidationError

from codesign.errors import InputError
from codesign.specs.catalogue import load_workload_spec
from codesign.specs.model import ModelSpec

FILE = """\
name: mine
description: my network
model: package.nets:build
arguments:
  depth: 3
  widths: [8, 16]
checkpoint: weights.pt
weights_source: trained by me on digits
neurons:
  MyNeuron: LIF
  package.neurons:Other: IF
timesteps: 4
input:
  shape: [2, 8, 8]
  seed: 1
source: a test
"""


def load(folder: Path, text: str, *options: str) -> ModelSpec:
    path = folder / "mine.yaml"
    path.write_text(text)
    loaded = load_workload_spec(path, options)
    assert isinstance(loaded, ModelSpec)
    return loaded


def test_a_file_with_a_model_is_a_network_of_ones_own(tmp_path: Path) -> None:
    loaded = load(tmp_path, FILE, "timesteps=8", "arguments.depth=5")
    assert loaded.model == "package.nets:build"
    assert loaded.arguments == {"depth": 5, "widths": [8, 16]}
    assert (loaded.weights, loaded.timesteps) == ("weights.pt", 8)
    assert loaded.neurons == {"MyNeuron": "LIF", "package.neurons:Other": "IF"}
    assert loaded.images == ("random values of seed 1",)
    assert ModelSpec.model_validate_json(loaded.model_dump_json(by_alias=True)) == loaded


@pytest.mark.parametrize(
    ("given", "images"),
    [
        ("images: [astronaut, other.png]", ("astronaut", "other.png")),
        ("input: {file: frames.npy}", ("frames.npy",)),
        ("input: {seed: 7, shape: [3]}", ("random values of seed 7",)),
        ("images: [astronaut]\ninput: {shape: [3, 32, 32]}", ("astronaut",)),
    ],
)
def test_every_input_has_a_name(tmp_path: Path, given: str, images: tuple[str, ...]) -> None:
    short = "name: mine\ndescription: d\nmodel: nets:build\nsource: a test\n"
    loaded = load(tmp_path, f"{short}{given}\n")
    assert loaded.images == images
    assert (loaded.timesteps, loaded.weights, loaded.arguments) == (None, None, {})


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("package.nets:build", "package.nets", r"3:8: model must be a module and a name in it"),
        ("package.nets:build", "nets:build()", r"3:8: model must be a module and a name"),
        ("package.nets:build", "my-nets:build", r"3:8: model must be a module and a name"),
        ("  MyNeuron: LIF", "  my neuron: LIF", r"neurons\.my neuron must be a class"),
        ("  depth: 3", "  a-b: 3", r"arguments\.a-b must be the name of an argument"),
        ("timesteps: 4", "timesteps: 0", r"timesteps must be at least 1 \(got 0\)"),
        ("timesteps: 4", "family: fsnn", r"the file has no key 'family'"),
        ("checkpoint:", "chekpoint:", r"no key 'chekpoint'\. Did you mean 'checkpoint'\?"),
        ("  shape: [2, 8, 8]\n", "", r"input\.shape is missing: random values have no shape"),
        ("[2, 8, 8]", "[2, 2, 2, 2, 2]", r"input\.shape must be \[C, H, W\] or \[F\]"),
        ("[2, 8, 8]", "[2, 0]", r"input\.shape\[1\] must be at least 1 \(got 0\)"),
        (
            "  seed: 1\n",
            "  seed: 1\n  file: a.npy\n",
            r"input\.seed must be the only one of images",
        ),
        ("  seed: 1\n", "", r"images is missing"),
        ("timesteps: 4", "images: [astronaut]", r"must be the only one of images, seed and file"),
        ("source: a test", "", r"source is missing"),
    ],
)
def test_a_fault_is_named_with_its_place(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in FILE
    with pytest.raises(InputError, match=message):
        load(tmp_path, FILE.replace(old, new))


def test_values_are_not_converted_in_silence() -> None:
    with pytest.raises(ValidationError):
        ModelSpec.model_validate(
            {
                "name": "a",
                "description": "d",
                "model": "a:b",
                "images": "astronaut",
                "source": "test",
            }
        )
