"""Weights that ship: their form, their file, and whom they fit."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.numpy import load_file, save_file
from torch import nn

from codesign.errors import CodesignError, InputError
from codesign.networks import trained
from codesign.networks.accumulation import AccumulationDownsample, FixedPoint
from codesign.networks.answers import logit_numerators
from codesign.networks.exactness import LARGEST_EXACT_SUM, input_ranges, largest_sum
from codesign.networks.residual import residual_network
from codesign.networks.shipped_form import to_shipped_form
from codesign.networks.small_residual import SmallResidualNetwork, small_residual_network
from codesign.networks.trained import load_trained, trained_names, trained_provenance
from tests.networks.trained_networks import CARD, drawn_network, drawn_pictures, save_drawn, shelf

__all__ = ["shelf"]

FAMILIES = ("fsnn", "dsnn", "sew", "spiking_resnet")


def loaded(name: str, family: str, **options: object) -> SmallResidualNetwork:
    sizes = {"depth": 3, "width": 4, "shape": (1, 8, 8), "classes": 10} | options
    network = small_residual_network(family=family, **sizes)
    load_trained(network, name)
    return network


@pytest.mark.parametrize("family", FAMILIES)
def test_what_is_loaded_is_the_shipped_form_of_what_was_saved(family: str, shelf: Path) -> None:
    network = drawn_network(family)
    before = {key: value.clone() for key, value in network.state_dict().items()}
    path = save_drawn(network, shelf, "drawn")
    for key, value in network.state_dict().items():
        assert torch.equal(value, before[key])  # it can be trained on
    to_shipped_form(network)
    other = loaded("drawn", family, timesteps=4)
    state = other.state_dict()
    assert state.keys() == network.state_dict().keys()
    for key, value in network.state_dict().items():
        assert torch.equal(state[key], value)
    pictures = drawn_pictures(3)
    with torch.inference_mode():
        for one, two in zip(
            logit_numerators(network, pictures), logit_numerators(other, pictures), strict=True
        ):
            assert (one is None and two is None) or torch.equal(one, two)
    assert sorted(each.name for each in shelf.iterdir()) == ["drawn.json", "drawn.safetensors"]
    assert json.loads((shelf / "drawn.json").read_text()) == CARD
    parameters = sum(each.numel() for each in network.parameters())
    assert path.stat().st_size < 2 * parameters + 8_000


@pytest.mark.parametrize("gain", [1, 30])
@pytest.mark.parametrize("family", FAMILIES)
def test_every_number_of_the_shipped_form_is_on_a_grid_that_keeps_sums_exact(
    family: str, gain: int
) -> None:
    network = drawn_network(family, width=16, gain=gain)
    form = to_shipped_form(network)
    assert not [each for each in network.modules() if isinstance(each, nn.BatchNorm2d)]
    names = {module: name for name, module in network.named_modules()}
    convolutions = [each for each in network.modules() if isinstance(each, nn.Conv2d)]
    ranges = {
        each: values for each, values in input_ranges(network).items() if each in convolutions
    }
    assert set(ranges) == set(convolutions)
    for layer in (*convolutions, network.fc):
        bits = form.fraction_bits[names[layer]]
        assert bits == 10 or gain > 1 or ".pool." in names[layer]
        for parameter in layer.parameters():
            codes = parameter * 2**bits
            assert torch.equal(codes, codes.round())
            assert codes.abs().max() < 2**15
        if layer in ranges:
            assert largest_sum(layer, bits, ranges[layer]) <= LARGEST_EXACT_SUM
    coarsest = min(form.fraction_bits.values())
    assert coarsest >= 8 if gain == 1 else coarsest < 10 or family != "dsnn"


def test_rounding_is_to_the_nearest_of_the_fused_weights() -> None:
    network, fused = drawn_network("fsnn"), drawn_network("fsnn")
    to_shipped_form(network)
    norm = fused.bn1
    assert isinstance(norm, nn.BatchNorm2d)
    scale = norm.weight / torch.sqrt(norm.running_var + norm.eps)
    expected = fused.conv1.weight * scale[:, None, None, None]
    assert (network.conv1.weight - expected).abs().max() <= 2.0**-11
    assert (network.conv1.bias - (norm.bias - norm.running_mean * scale)).abs().max() <= 2.0**-11


def test_the_range_of_the_accumulation_holds_six_deviations_of_its_batch_norm() -> None:
    network = drawn_network("dsnn")
    pools = [each for each in network.modules() if isinstance(each, AccumulationDownsample)]
    for pool, (mean, deviation) in zip(pools, [(0.5, -2.0), (-3.0, 0.1)], strict=True):
        norm = pool[1]
        assert isinstance(norm, nn.BatchNorm2d)
        with torch.no_grad():
            norm.bias.fill_(mean)
            norm.weight.fill_(deviation)
    to_shipped_form(network)
    assert [pool[1].integer_bits for pool in pools] == [4, 1]  # 12.5; -2.4, of which 2 is the least
    assert [pool[1].fraction_bits for pool in pools] == [5, 5]


def test_values_between_the_convolutions_of_the_accumulation_never_saturate() -> None:
    network = drawn_network("dsnn", width=8)
    to_shipped_form(network)
    for pool in (each for each in network.modules() if isinstance(each, AccumulationDownsample)):
        depthwise, between = pool[0][0], pool[0][1]
        assert isinstance(between, FixedPoint)
        largest, _ = input_ranges(network)[depthwise]
        for sign in (1, -1):
            reached = (sign * depthwise.weight).clamp(min=0).sum(dim=(1, 2, 3)) * largest
            assert reached.max() <= 2**between.integer_bits


def test_a_full_spike_network_takes_the_weights_of_a_dual_stream_one(shelf: Path) -> None:
    save_drawn(drawn_network("dsnn"), shelf, "dual")
    save_drawn(drawn_network("dsnn", shared_head=False), shelf, "two_heads")
    pictures = drawn_pictures(4)
    for name, shared in (("dual", True), ("two_heads", False)):
        single, dual = loaded(name, "fsnn"), loaded(name, "dsnn", shared_head=shared)
        with torch.inference_mode():
            (one, nothing), (two, pathway) = (
                logit_numerators(network, pictures) for network in (single, dual)
            )
        assert torch.equal(one, two)
        assert nothing is None
        assert pathway is not None
        assert not torch.equal(pathway, two)


def test_everything_that_differs_is_named(shelf: Path) -> None:
    save_drawn(drawn_network("dsnn"), shelf, "dual")
    with pytest.raises(InputError) as told:
        loaded("dual", "sew", depth=4, width=8, shape=(1, 28, 28), classes=7)
    assert {fault.place for fault in told.value.faults} == {
        *("family", "connection", "depth", "width", "pictures", "classes")
    }
    assert "must be 1 x 8 x 8 for weights 'dual' (got 1 x 28 x 28)." in str(told.value)
    with pytest.raises(InputError, match=r"connection: must be iand .* \(got or\)"):
        loaded("dual", "fsnn", connection="or")
    with pytest.raises(InputError, match=r"shared_head: must be True"):
        loaded("dual", "dsnn", shared_head=False)
    save_drawn(drawn_network("fsnn"), shelf, "single")
    with pytest.raises(InputError, match=r"family: must be fsnn for weights 'single' \(got dsnn\)"):
        loaded("single", "dsnn")
    with pytest.raises(InputError, match="is of a network for small pictures"):
        load_trained(residual_network(family="fsnn", depth=18), "single")
    with pytest.raises(InputError, match="weights: must be 'trained:' and a name that ships"):
        loaded("double", "fsnn")


def test_other_numbers_of_timesteps_take_the_same_weights(shelf: Path) -> None:
    save_drawn(drawn_network("fsnn", timesteps=4), shelf, "drawn")
    for timesteps in (1, 3, 8):
        assert loaded("drawn", "fsnn", timesteps=timesteps).timesteps == timesteps


@pytest.mark.parametrize(
    "damage", ["truncated", "other layers", "no description", "no grid", "no card"]
)
def test_a_damaged_file_is_told(damage: str, shelf: Path) -> None:
    path = save_drawn(drawn_network("fsnn"), shelf, "drawn")
    if damage == "truncated":
        path.write_bytes(path.read_bytes()[:-100])
    elif damage == "no card":
        path.with_suffix(".json").unlink()
        with pytest.raises(CodesignError, match="Install the package again"):
            trained_provenance("drawn")
        return
    else:
        codes = load_file(path)
        metadata = {key: json.dumps(value) for key, value in trained._read(path)[0].items()}
        if damage == "no grid":
            metadata["fraction_bits"] = "{}"
        else:
            del codes["layer1.0.conv1.0.bias"]
        save_file(codes, path, None if damage == "no description" else metadata)
    with pytest.raises(CodesignError, match="Install the package again"):
        loaded("drawn", "fsnn")


def test_weights_that_were_written_again_have_another_digest(shelf: Path) -> None:
    save_drawn(drawn_network("fsnn"), shelf, "drawn")
    first = trained_provenance("drawn")
    save_drawn(drawn_network("fsnn", seed=1), shelf, "drawn")
    assert trained_provenance("drawn")["sha256"] != first["sha256"]
    assert first["kind"] == "trained"
    assert first["card"] == CARD


def test_a_network_that_diverged_leaves_nothing_behind(shelf: Path) -> None:
    network = drawn_network("fsnn")
    for value in (float("nan"), 1e6):
        with torch.no_grad():
            network.layer1[0].conv1[0].weight[0, 0, 0, 0] = value
        with pytest.raises(InputError, match=r"layer1\.0\.conv1\.0: must have weights whose sums"):
            save_drawn(network, shelf, "drawn")
    with pytest.raises(InputError, match="must be one for small pictures"):
        save_drawn(residual_network(family="fsnn", depth=18), shelf, "drawn")
    assert trained_names() == ()
    assert not shelf.exists()


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(InputError, match="must be a place that can be written"):
        save_drawn(drawn_network("fsnn"), tmp_path / "file", "drawn")


@pytest.mark.filterwarnings("ignore:TF32 acceleration")  # on leaving the block
@pytest.mark.parametrize("family", FAMILIES)
def test_the_shipped_form_computes_the_same_on_every_backend(family: str) -> None:
    network = drawn_network(family, shape=(1, 28, 28), width=8, timesteps=3)
    to_shipped_form(network)
    pictures = drawn_pictures(20, (1, 28, 28))
    with torch.inference_mode(), torch.backends.nnpack.flags(enabled=False):
        expected = logit_numerators(network, pictures)
        with torch.backends.mkldnn.flags(enabled=False):
            others = [logit_numerators(network, pictures)]
        others.append(logit_numerators(network.double(), pictures.double()))
    for found in others:
        for one, two in zip(expected, found, strict=True):
            assert (one is None and two is None) or torch.equal(one, two)
