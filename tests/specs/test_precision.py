"""Number formats: what users may write, and what a chip gives to trained weights."""

import pytest

from codesign.errors import InputError
from codesign.specs.catalogue import load_architecture, load_workload_spec
from codesign.specs.precision import with_precision
from codesign.specs.workload import NumberFormats, WorkloadSpec

TEXT = """
name: fsnn_digits
description: of the tests
structure: small_resnet
family: {family}
depth: 3
width: 4
pictures: digits
timesteps: 4
{connection}
weights: {weights}
{precision}
source: "assumed, because a test"
"""
FORMATS = "precision:\n  weight: 6 bit\n  accumulator: 12 bit\n  activation: 8 bit"


@pytest.fixture
def load(tmp_path):
    def written(
        *options,
        family="fsnn",
        connection="connection: iand",
        weights="trained:drawn",
        precision="",
    ) -> WorkloadSpec:
        path = tmp_path / "fsnn_digits.yaml"
        values = {"family": family, "connection": connection, "weights": weights}
        path.write_text(TEXT.format(**values, precision=precision))
        return load_workload_spec(path, options)

    return written


def test_a_trained_workload_takes_the_numbers_of_the_chip(load):
    spec = load()
    taken = with_precision(spec, load_architecture("split_core"))
    assert taken.precision == NumberFormats.of(8, 16, 16)
    assert with_precision(taken, load_architecture("loihi_like")) == taken
    assert taken.model_copy(update={"precision": None}) == spec
    assert with_precision(spec, load_architecture("paper")) is spec


def test_other_weights_and_other_networks_keep_their_reals(load):
    chip = load_architecture("split_core")
    for spec in (
        load(weights="somewhere.pth"),
        load(family="spiking_resnet", connection=""),
        load_workload_spec("fsnn18"),
    ):
        assert with_precision(spec, chip) is spec


def test_a_workload_that_states_its_formats_keeps_them(load):
    spec = load(precision=FORMATS)
    assert spec.precision == NumberFormats.of(6, 12, 8)
    assert with_precision(spec, load_architecture("split_core")) is spec
    changed = load("precision.weight=4 bit", precision=FORMATS)
    assert changed.precision == NumberFormats.of(4, 12, 8)
    assert load(weights="somewhere.pth", precision=FORMATS).precision == spec.precision


@pytest.mark.parametrize(
    ("key", "bits", "problem"),
    [
        ("weight", 1, "must be 2 to 16 bit for a quantised network (got 1 bit)."),
        ("weight", 17, "must be 2 to 16 bit"),
        ("accumulator", 33, "must be 4 to 32 bit"),
        ("accumulator", 5, "must be at least as wide as a weight, 6 bit (got 5 bit)."),
        ("activation", 3, "must be 4 to 24 bit"),
    ],
)
def test_illegal_widths_are_refused(load, key, bits, problem):
    with pytest.raises(InputError) as told:
        load(f"precision.{key}={bits} bit", precision=FORMATS)
    assert problem in str(told.value)
    assert f"precision.{key}={bits} bit" in str(told.value)


def test_only_networks_for_small_pictures_that_fire_have_formats(load):
    with pytest.raises(InputError, match="must be absent for family 'spiking_resnet'"):
        load(family="spiking_resnet", connection="", precision=FORMATS)
    structure = ("structure=resnet", "depth=18")
    with pytest.raises(InputError, match=r"precision.* must be absent for structure 'resnet'"):
        load(*structure, precision=FORMATS)


def test_a_chip_of_numbers_that_no_quantised_network_has_is_refused(load):
    options = ["precision.weight=32 bit", "precision.accumulator=32 bit"]
    chip = load_architecture("split_core", options)
    with pytest.raises(InputError) as told:
        with_precision(load(), chip)
    assert "split_core: precision.weight" in str(told.value)
    assert "must be 2 to 16 bit for a quantised network (got 32 bit)" in str(told.value)
    assert "'precision' of its own" in str(told.value)
