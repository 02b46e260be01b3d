"""What each structure sees of a photograph, and how that is called."""

import numpy as np

from codesign.inputs import input_provenance, network_input
from codesign.pictures import load_picture, load_small_picture, picture_digest


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


def test_an_event_net_sees_simulated_events_that_are_never_called_recorded():
    for structure in ("7b", "wide7b"):
        assert network_input(structure, "astronaut", 5).shape == (5, 1, 2, 128, 128)
        provenance = input_provenance(structure, "astronaut")
        assert provenance["kind"] == "simulated events"
        assert provenance["sha256"] == picture_digest("astronaut")
        assert "recorded" not in str(provenance)
