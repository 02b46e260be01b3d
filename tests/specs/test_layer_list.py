"""Shapes and kinds follow from a list of layers, and every broken rule is named with its place."""

from typing import Any

import pytest

from codesign.specs.layer_list import listed_workload
from codesign.specs.layers import ListedInput, ListedLayer
from codesign.specs.recorded import RecordedSpec
from codesign.workload import Kind, Window, Workload

BASE: dict[str, Any] = {
    "name": "mine",
    "description": "a test",
    "timesteps": 3,
    "inputs": [{"name": "x", "shape": [2, 6, 6], "kind": "spike"}],
    "recordings": ["x.npz"],
    "weights": "unknown",
    "source": "assumed, because a test",
}


def workload(*layers: dict[str, Any], **changes: Any) -> Workload:
    return RecordedSpec.model_validate({**BASE, "layers": list(layers), **changes}).workload()


def problems(*layers: dict[str, Any], **changes: Any) -> list[tuple[Any, str, str]]:
    data = {**BASE, **changes}
    _, violations = listed_workload(
        "mine",
        3,
        [ListedInput.model_validate(entry) for entry in data["inputs"]],
        [ListedLayer.model_validate(layer) for layer in layers],
        changes.get("outputs"),
    )
    return [(each.path, each.problem, each.fix) for each in violations]


CONV = {"name": "conv", "type": "convolution", "inputs": ["x"], "channels": 4, "kernel": 3}
NEURON = {"name": "sn", "type": "neuron", "inputs": ["conv"], "function": "LIF"}


def test_a_network_by_hand() -> None:
    made = workload(
        {**CONV, "stride": 2, "padding": [1, 0], "groups": 2, "bias": True},
        NEURON,
        {"name": "pool", "type": "max_pool", "inputs": ["sn"], "kernel": 2},
        {"name": "sum", "type": "add", "inputs": ["pool", "pool"], "stream": "accumulation"},
        {"name": "fc", "type": "linear", "inputs": ["sum"], "features": 10},
        {"name": "mean", "type": "time_mean", "inputs": ["fc"]},
    )
    seen = {
        each.name: (each.shape, each.timesteps, each.kind, each.largest) for each in made.tensors
    }
    assert seen == {
        "x": ((2, 6, 6), 3, Kind.SPIKE, 1),
        "conv": ((4, 3, 2), 3, Kind.REAL, None),
        "sn": ((4, 3, 2), 3, Kind.SPIKE, 1),
        "pool": ((4, 1, 1), 3, Kind.SPIKE, 1),
        "sum": ((4, 1, 1), 3, Kind.INTEGER, 2),
        "fc": ((10,), 3, Kind.REAL, None),
        "mean": ((10,), 1, Kind.REAL, None),
    }
    assert made.layers[0].window == Window((3, 3), (2, 2), (1, 0), (1, 1), 2)
    assert made.layers[0].bias
    assert made.layers[2].window == Window((2, 2), (2, 2))
    assert made.outputs == ("mean",)


def test_what_does_not_change_with_time_is_computed_once_up_to_its_neurons() -> None:
    image = {"name": "x", "shape": [2, 6, 6], "kind": "real", "static": True}
    made = workload(CONV, NEURON, inputs=[image])
    assert [tensor.timesteps for tensor in made.tensors] == [1, 1, 3]


def test_a_linear_layer_on_places_keeps_them() -> None:
    tokens = {"name": "x", "shape": [5, 8], "kind": "spike"}
    fc = {"name": "fc", "type": "linear", "inputs": ["x"], "features": 3}
    assert workload(fc, inputs=[tokens]).tensors[-1].shape == (5, 3)


def test_every_broken_rule_is_found_at_once() -> None:
    found = problems(
        {**CONV, "inputs": ["y"]},
        {**CONV, "name": "wide", "kernel": 9},
        {**CONV, "name": "grouped", "groups": 3},
        {**CONV, "name": "x"},
        {"name": "fc", "type": "linear", "inputs": ["x"], "features": 3},
        {**CONV, "name": "map", "inputs": ["fc"]},
        {"name": "g", "type": "logic", "inputs": ["x", "fc"], "function": "iand"},
        {"name": "sum", "type": "add", "inputs": ["x", "fc"]},
        outputs=["sun"],
    )
    assert [(path, problem) for path, problem, _ in found] == [
        (("layers", 0, "inputs"), "must be tensors that come before (got 'y')."),
        (("layers", 1, "kernel"), "must fit its padded input of 6 (got a reach of 9)."),
        (("layers", 2, "groups"), "must divide the 2 channels of the input (got 3)."),
        (("layers", 3, "name"), "must be a name of its own (got 'x' twice)."),
        (("layers", 5, "inputs"), "must have shape (C, H, W) (got (3,) of 'fc')."),
        (("layers", 6, "inputs"), "must be spikes (got 'fc', which is real)."),
        (("layers", 7, "inputs"), "must have one shape (got (2, 6, 6) of 'x' and (3,) of 'fc')."),
        (("outputs", 0), "must be a tensor of the network (got 'sun')."),
    ]
    assert found[-1][2] == "Did you mean 'sum'?"


def test_a_layer_that_reads_a_refused_one_is_not_blamed_for_it() -> None:
    assert len(problems({**CONV, "kernel": 9}, NEURON)) == 1


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        ({**NEURON, "kernel": 3}, "kernel must be absent for a layer of type 'neuron'"),
        ({**CONV, "kernel": None}, "kernel is missing for a layer of type 'convolution'"),
        ({**CONV, "inputs": ["x", "x"]}, "inputs must be 1 for a layer of type 'convolution'"),
        (
            {"name": "g", "type": "logic", "inputs": ["x", "x"], "function": "iant"},
            "function must be one of 'and', 'iand', 'or', 'xor' .got 'iant'.. Did you mean 'iand'",
        ),
        (
            {"name": "p", "type": "product", "inputs": ["x", "x"]},
            "type must not be 'product': .* Record the torch network itself",
        ),
    ],
)
def test_a_layer_has_the_fields_of_its_type(layer: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        RecordedSpec.model_validate({**BASE, "layers": [layer]})


@pytest.mark.parametrize(("kind", "largest"), [("integer", None), ("spike", 3)])
def test_integers_alone_state_their_largest_value(kind: str, largest: int | None) -> None:
    entry = {"name": "x", "shape": [2], "kind": kind, "largest": largest}
    with pytest.raises(ValueError, match=r"largest (is missing|must be absent) for an input of"):
        RecordedSpec.model_validate({**BASE, "inputs": [entry], "layers": [CONV]})
