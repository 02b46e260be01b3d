"""Layers whose input does not change with time: stored once, or computed at every timestep."""

import pytest

from codesign.evaluation import evaluate
from codesign.mapping import map_workload
from codesign.mapping.fusion import fuse, recomputable
from codesign.pages.headline import counts_sentences
from codesign.trace import Trace
from codesign.workload import Kind
from tests.chip.small_chips import split_chip, unified_chip
from tests.mapping.mapped_networks import lowered
from tests.small_networks import THREE, NetworkBuilder, dual_stream_network

TIMESTEPS = 3
RECOMPUTE = "policy.static_layers=recompute"


def dual() -> Trace:
    return dual_stream_network(TIMESTEPS, channels=8)


@pytest.mark.parametrize("chip", [split_chip, unified_chip])
@pytest.mark.parametrize("bits", ["mac", "bit_serial"])
def test_a_recomputed_stem_does_its_operations_at_every_timestep(chip, bits: str) -> None:
    of_stem = []
    for more in ((), (RECOMPUTE,)):
        case = lowered(dual(), chip(f"policy.real_input={bits}", *more))
        columns = case.jobs.columns
        mine = columns["layer"] == case.plan("stem").fused.index
        of_stem.append(int(columns["ac" if bits == "bit_serial" else "mac"][mine].sum()))
    assert of_stem[1] == TIMESTEPS * of_stem[0] > 0


def test_a_recomputed_stem_stores_spikes_and_no_currents() -> None:
    trace, stored = dual(), []
    for more in ((), (RECOMPUTE,)):
        mapping = map_workload(trace.workload, split_chip(*more))
        stored.append({name for plan in mapping.plans for name in plan.fused.stored})
    assert stored[0] - stored[1] == {"stem"}
    assert stored[1] <= stored[0]


def test_counts_are_those_of_the_network_and_operations_those_of_the_chip() -> None:
    once, again = (evaluate(dual(), split_chip(*more)).summary for more in ((), (RECOMPUTE,)))
    assert once["counts"] == again["counts"]
    stem = next(layer for layer in dual().workload.layers if layer.name == "stem")
    shape = dual().workload.output_tensor(stem).shape
    macs = shape[0] * shape[1] * shape[2] * 9 * dual().workload.input_tensor(stem).shape[0]
    assert again["operations"]["mac"] - once["operations"]["mac"] == (TIMESTEPS - 1) * macs
    assert again["operations"]["neuron"] == once["operations"]["neuron"]
    names = {each["layer"] for each in again["mapping"] if each["is_recomputed"]}
    assert names == {"stem"}
    assert not any(each["is_recomputed"] for each in once["mapping"])
    assert counts_sentences([once]) == []
    (said,) = counts_sentences([again])[1:]
    assert said.startswith("The chip computes stem again at every timestep of ")


def test_currents_that_others_read_are_stored_in_any_case() -> None:
    net = NetworkBuilder(timesteps=TIMESTEPS)
    net.add_tensor("image", (3, 5, 5), Kind.REAL, static=True)
    net.convolution("image", 4, THREE, name="first")
    net.convolution("first", 4, THREE, name="second")
    net.neuron("second", name="sn")
    net.convolution("first", 4, THREE, name="other")
    net.neuron("other", name="one")
    net.neuron("other", name="two")
    workload = net.workload()
    assert recomputable(workload) == {"second"}
    chains = {fused.name: fused for fused in fuse(workload, again=recomputable(workload))}
    assert [layer.name for layer in chains["second"].layers] == ["second", "sn"]
    assert chains["second"].timesteps(workload) == TIMESTEPS
    assert chains["other"].stored == ("other",)
