"""What each structure sees of a photograph, and how that is called."""

from pathlib import Path

import numpy as np
import pytest

from codesign.errors import InputError
from codesign.inputs import input_provenance, network_input, require_network_input
from codesign.pictures import load_picture, load_small_picture, picture_digest
from codesign.specs.workload import Pictures
from tests.datasets.written import write_cifar10, write_gestures, write_imagenet


def test_a_resnet_sees_the_photograph():
    seen = network_input("resnet", "astronaut", 4)
    assert np.array_equal(seen, load_picture("astronaut")[None])
    assert input_provenance("resnet", "astronaut") == {
        "kind": "photograph",
        "name": "astronaut.png",
        "sha256": picture_digest("astronaut"),
    }


def test_a_spikformer_sees_it_small():
    seen = network_input("spikformer", "astronaut", 4)
    assert np.array_equal(seen, load_small_picture("astronaut")[None])
    assert seen.shape == (1, 3, 32, 32)
    assert input_provenance("spikformer", "astronaut") == input_provenance("resnet", "astronaut")


@pytest.mark.parametrize("pictures", Pictures)
def test_a_network_for_small_pictures_sees_them_as_large_as_its_set(pictures: Pictures) -> None:
    for name in ("astronaut", "mnist#3", "digits/train#0"):
        require_network_input("small_resnet", name, 4, pictures)
        seen = network_input("small_resnet", name, 4, pictures)
        assert seen.shape == (1, *pictures.shape)
        assert 0 <= seen.min() < seen.max() <= 1
    told = input_provenance("small_resnet", "mnist#3")
    assert (told["name"], told["label"]) == ("MNIST-5k test 3 (0)", 0)


def test_events_are_no_small_pictures(tmp_path: Path) -> None:
    name = f"dvsgesture/train:{write_gestures(tmp_path)}#0"
    for see in (network_input, require_network_input):
        with pytest.raises(InputError, match=r"must be a picture.*got recorded events"):
            see("small_resnet", name, 4, Pictures.CIFAR10)


def test_an_event_net_sees_simulated_events_that_are_never_called_recorded():
    for structure in ("7b", "wide7b"):
        assert network_input(structure, "astronaut", 5).shape == (5, 1, 2, 128, 128)
        provenance = input_provenance(structure, "astronaut")
        assert provenance["kind"] == "simulated events"
        assert provenance["sha256"] == picture_digest("astronaut")
        assert "recorded" not in str(provenance)


def test_a_spikformer_sees_cifars_pictures_as_they_are_and_others_small(tmp_path: Path) -> None:
    write_cifar10(tmp_path)
    write_imagenet(tmp_path / "val", {"n01440764": 1})
    assert network_input("spikformer", f"cifar10:{tmp_path}#1", 4).shape == (1, 3, 32, 32)
    assert network_input("resnet", f"cifar10:{tmp_path}#1", 4).shape == (1, 3, 224, 224)
    picture = next((tmp_path / "val").rglob("*.JPEG"))
    assert np.array_equal(
        network_input("spikformer", f"imagenet:{tmp_path / 'val'}#0", 4),
        load_small_picture(picture)[None],
    )


def test_an_event_net_sees_recorded_events_that_are_never_called_simulated(tmp_path: Path) -> None:
    name = f"dvsgesture/train:{write_gestures(tmp_path)}#0"
    frames = network_input("7b", name, 5)
    assert frames.shape == (5, 1, 2, 128, 128)
    assert frames.sum() > 0
    provenance = input_provenance("7b", name)
    assert provenance["kind"] == "recorded events"
    assert "simulated" not in str(provenance)


@pytest.mark.parametrize("structure", ["resnet", "spikformer"])
def test_networks_of_pictures_do_not_take_recorded_events(structure: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="must be a picture for this network"):
        require_network_input(structure, f"dvsgesture/train:{write_gestures(tmp_path)}#0", 4)


def test_event_nets_do_not_take_the_pictures_of_a_data_set(tmp_path: Path) -> None:
    write_cifar10(tmp_path)
    with pytest.raises(InputError, match="must be recorded events for this network"):
        require_network_input("wide7b", f"cifar10:{tmp_path}#0", 4)
