import hashlib
import subprocess
import sys
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from codesign.errors import CodesignError, InputError
from codesign.networks import calibrated
from codesign.networks.calibrated import (
    calibrated_provenance,
    draws,
    fraction_bits,
    read_weights,
    scaled,
    weights_path,
)
from codesign.networks.provenance import weights_provenance
from codesign.networks.targets import TARGETS, weights_name
from codesign.specs.catalogue import load_workload_spec

FAMILIES = ("fsnn", "sew", "spiking_resnet")


def test_the_integer_stream_stays_what_it_was():
    values = draws(230111929, "layer1.0.conv1.0", (4, 3))
    assert values.astype(int).tolist() == [
        [-97, 77, 217],
        [39, -159, 145],
        [191, 159, 149],
        [185, 185, -123],
    ]


def test_drawn_integers_are_odd_uniform_and_their_layers_own():
    values = draws(1, "a", (256, 256)).astype(int)
    assert set(np.unique(values)) == set(range(-255, 256, 2))
    # 256 draws of each of 256 values: five standard deviations of the mean are 2.9
    assert abs(values.mean()) < 3
    assert not np.array_equal(values, draws(1, "b", (256, 256)))
    assert not np.array_equal(values, draws(2, "a", (256, 256)))


@given(st.integers(-255, 255), st.integers(1, 65535), st.sampled_from([4, 8, 10]))
def test_scaled_weights_are_the_exact_product_rounded_to_the_grid(integer, scale, bits):
    weight = scaled(np.full((1, 1), integer, np.float32), np.array([scale], np.uint16), bits)
    exact = round(Fraction(integer * scale, 2**12))  # half to even
    assert Fraction(float(weight[0, 0])) == Fraction(exact, 2**bits)


@pytest.mark.parametrize("family", FAMILIES)
def test_weights_and_biases_lie_on_their_grids(family):
    weights = read_weights(f"{family}18")
    for name, scales in weights.scales.items():
        steps = weights.weight(name, (len(scales), 9)) * 2.0 ** fraction_bits(name)
        assert np.array_equal(steps, np.rint(steps))
        bias = weights.bias(name)
        if bias is not None:
            assert np.array_equal(bias * 1024, np.rint(bias * 1024))


@pytest.mark.parametrize("name", TARGETS)
def test_every_network_has_weights_that_say_they_are_not_trained(name):
    provenance = calibrated_provenance(name)
    table = TARGETS[name].text.partition(" of ")[0]
    assert table in {"Table 2", "Table 3", "Table 4"}
    assert provenance["kind"] == "calibrated"
    assert provenance["description"] == f"calibrated to {table}, not trained"
    assert f"{table} of arXiv 2301.11929" in provenance["target"]
    content = weights_path(name).read_bytes()
    assert provenance["sha256"] == hashlib.sha256(content).hexdigest()


def test_every_file_is_one_of_a_target():
    assert {path.stem for path in calibrated.FOLDER.iterdir()} == set(TARGETS)


@pytest.mark.parametrize(
    "sizes",
    [
        {"depth": 50},
        {"structure": "7b", "width": 32, "connection": "or"},
        {"structure": "spikformer", "depth": 4, "width": 384, "connection": "or"},
    ],
)
def test_both_streams_come_from_one_file(sizes):
    name = weights_name(family="dsnn", **sizes)
    assert name == weights_name(family="fsnn", **sizes)
    assert weights_path(name).is_file()


def test_a_size_without_calibrated_weights_is_refused_with_the_nearest():
    message = r"^weights: must be a checkpoint .* \(got 'fsnn_7b_iand_33'\)\. .*'fsnn_7b_iand_32'\?"
    with pytest.raises(InputError, match=message):
        read_weights("fsnn_7b_iand_33")


def test_shipped_weights_are_small():
    assert sum(path.stat().st_size for path in calibrated.FOLDER.iterdir()) < 3_000_000


@pytest.mark.parametrize("content", [None, b"", b"\x08\x00\x00\x00\x00\x00\x00\x00{}      "])
def test_a_damaged_installation_is_named(tmp_path, monkeypatch, content):
    monkeypatch.setattr(calibrated, "FOLDER", tmp_path)
    if content is not None:
        (tmp_path / "fsnn18.safetensors").write_bytes(content)
    with pytest.raises(CodesignError, match=r"fsnn18\.safetensors: .* Install the package again\."):
        read_weights("fsnn18")


def test_provenance_is_found_without_torch():
    code = (
        "import sys, codesign.networks.provenance, codesign.pictures\nprint('torch' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "False\n"


@pytest.mark.parametrize(
    ("name", "connection", "words"),
    [
        ("fsnn18", "iand", ""),
        ("fsnn18", "xor", " as a network with IAND"),
        ("spikformer_iand", "or", " as a network with IAND"),
        ("sew18", "add", ""),
        ("fsnn7b", "or", ""),  # which has a file of its own
    ],
)
def test_weights_say_that_they_were_fitted_with_another_connection(
    name: str, connection: str, words: str
) -> None:
    plain = weights_provenance(load_workload_spec(name))["target"]
    changed = weights_provenance(load_workload_spec(name, [f"connection={connection}"]))["target"]
    assert changed == plain + words


def test_sew_with_iand_is_the_wide_net_of_fsnn() -> None:
    sew = weights_provenance(load_workload_spec("sew_wide7b", ["connection=iand"]))
    assert sew == weights_provenance(load_workload_spec("fsnn_wide7b"))


def test_weights_say_that_their_branches_were_set_to_zero() -> None:
    spec = load_workload_spec("fsnn18", ["identity_start=true"])
    assert weights_provenance(spec)["target"].endswith(", with every branch set to zero")
