"""Recorded networks for small pictures: quantised and as they ship, with and without the AAP."""

from pathlib import Path

import numpy as np
import pytest
import torch

from codesign import evaluate, load_architecture
from codesign.inputs import network_input
from codesign.networks.construction import build
from codesign.networks.neurons import Neuron
from codesign.recording import capture
from codesign.specs.precision import with_precision
from codesign.specs.workload import Family, WorkloadSpec
from codesign.trace import Trace
from codesign.trace_cache import entry_key, recording
from codesign.workload import Kind, LayerType, Stream
from tests.networks.trained_networks import CARD, drawn_network, save_drawn, shelf

__all__ = ["shelf"]

FAMILIES = ("fsnn", "dsnn", "sew", "spiking_resnet")


def workload(family: str, **changes: object) -> WorkloadSpec:
    content: dict[str, object] = {
        "name": f"{family}_mnist",
        "description": "of the tests",
        "structure": "small_resnet",
        "family": family,
        "depth": 4,
        "width": 6,
        "pictures": "mnist",
        "timesteps": 3,
        "weights": "trained:drawn",
        "images": ["mnist#7"],
        "source": "assumed, because a test",
    }
    if family != Family.SPIKING_RESNET:
        content["connection"] = "add" if family == Family.SEW else "iand"
    if family == Family.DSNN:
        content["readout"] = "sum"
    return WorkloadSpec.model_validate(content | changes)


def on_the_shelf(family: str, folder: Path) -> None:
    save_drawn(drawn_network(family, shape=(1, 28, 28), depth=4, width=6), folder, "drawn")


def recorded(spec: WorkloadSpec) -> Trace:
    return recording(spec, "mnist#7", notice=print, use_cache=False).trace


NARROW = ["precision.weight=6 bit", "precision.accumulator=12 bit", "precision.activation=8 bit"]


@pytest.mark.parametrize(
    ("arch", "options"), [("split_core", []), ("unified_core", NARROW), ("paper", [])]
)
@pytest.mark.parametrize("family", FAMILIES)
def test_recorded_spikes_are_those_of_plain_hooks_and_run_on_a_chip(
    family: str, arch: str, options: list[str], shelf: Path
) -> None:
    on_the_shelf(family, shelf)
    chip = load_architecture(arch, options)
    spec = with_precision(workload(family), chip)
    assert isinstance(spec, WorkloadSpec)
    trace = recorded(spec)
    seen: dict[str, torch.Tensor] = {}
    network = build(spec)
    for name, module in network.named_modules():
        if isinstance(module, Neuron):
            module.register_forward_hook(lambda _m, _x, y, name=name: seen.update({name: y[:, 0]}))
    with torch.inference_mode():
        network(torch.from_numpy(network_input("small_resnet", "mnist#7", 3, spec.pictures)))
    neurons = [each for each in trace.workload.layers if each.type is LayerType.NEURON]
    assert {layer.name for layer in neurons} == set(seen)
    for layer in neurons:
        assert np.array_equal(trace.values(layer.output), seen[layer.name].numpy()), layer.name
    assert sum(int(each.sum()) for each in seen.values()) > 300
    result = evaluate(trace, chip)
    assert result.summary["energy_pj"] > 0
    weights = result.summary["provenance"]["weights"]
    assert weights["kind"] == "trained"
    assert weights["card"] == CARD
    is_quantised = arch != "paper" and family != Family.SPIKING_RESNET
    assert ("precision" in weights) is is_quantised
    stated = f"quantised to {6 if options else 8}-bit weights"
    assert (stated in weights["description"]) is is_quantised


@pytest.mark.parametrize("arch", ["split_core", "paper"])
def test_without_the_pathway_the_spikes_are_the_same(arch: str, shelf: Path) -> None:
    on_the_shelf("dsnn", shelf)
    dual, single = (
        recorded(with_precision(workload(family), load_architecture(arch)))
        for family in ("dsnn", "fsnn")
    )
    spikes = [each for each in dual.workload.layers if each.stream is Stream.SPIKE]
    assert [layer.name for layer in spikes] == [layer.name for layer in single.workload.layers]
    for layer in single.workload.layers:
        if single.workload.output_tensor(layer).kind is Kind.SPIKE:
            assert single.packed(layer.output) == dual.packed(layer.output)
    assert len(dual.workload.layers) > len(spikes)


@pytest.mark.filterwarnings("ignore:TF32 acceleration")  # on leaving the block
@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("arch", ["split_core", "paper"])
def test_recordings_are_the_same_without_onednn(family: str, arch: str, shelf: Path) -> None:
    on_the_shelf(family, shelf)
    spec = with_precision(workload(family, timesteps=16), load_architecture(arch))
    assert isinstance(spec, WorkloadSpec)
    pixels = torch.from_numpy(network_input("small_resnet", "mnist#7", 16, spec.pictures))
    expected = capture(build(spec), pixels)
    with torch.backends.mkldnn.flags(enabled=False):
        trace = capture(build(spec), pixels)
    assert all(trace.packed(name) == expected.packed(name) for name in expected.names)
    assert trace.hash == expected.hash


def test_the_number_formats_are_in_the_key_of_a_recording(shelf: Path) -> None:
    on_the_shelf("fsnn", shelf)
    chips = [
        load_architecture(name, changes)
        for name, changes in [
            ("paper", []),
            ("split_core", []),
            ("unified_core", []),
            ("split_core", ["precision.weight=4 bit"]),
            ("split_core", ["precision.accumulator=12 bit"]),
            ("split_core", ["precision.activation=8 bit"]),
        ]
    ]
    keys = [entry_key(with_precision(workload("fsnn"), chip), "mnist#7") for chip in chips]
    assert keys[1] == keys[2]  # of the same numbers
    assert len(set(keys)) == 5


def test_saturating_membranes_fit_whatever_their_width(shelf: Path) -> None:
    on_the_shelf("dsnn", shelf)
    for bits in (8, 10, 16):
        chip = load_architecture("split_core", [f"precision.accumulator={bits} bit"])
        trace = recorded(with_precision(workload("dsnn", timesteps=8), chip))
        widths = evaluate(trace, chip).summary["widths"]
        neurons = {each.name for each in trace.workload.layers if each.type is LayerType.NEURON}
        assert not neurons & {each["layer"] for each in widths["overflows"]}
        assert widths["has_bits"] == bits


def test_currents_that_membranes_cannot_hold_are_told(shelf: Path) -> None:
    """Counted in codes: the widest sum of the widest layer, by plain hooks."""
    on_the_shelf("fsnn", shelf)
    chip = load_architecture("split_core", ["precision.accumulator=8 bit"])
    spec = with_precision(workload("fsnn"), chip)
    assert isinstance(spec, WorkloadSpec)
    network, needed = build(spec), {}
    for name, module in network.named_modules():
        if isinstance(module, torch.nn.Conv2d):
            module.register_forward_hook(
                lambda _m, _x, y, name=name: needed.update(
                    {name: int(y.abs().max().ceil()).bit_length() + 1}
                )
            )
    with torch.inference_mode():
        network(torch.from_numpy(network_input("small_resnet", "mnist#7", 3, spec.pictures)))
    overflows = evaluate(recorded(spec), chip).summary["widths"]["overflows"]
    found = {each["layer"]: each["needs_bits"] for each in overflows if each["layer"] != "fc"}
    assert found == {name: bits for name, bits in needed.items() if bits > 8}
