"""The event networks: structure by hand, streams by their laws, options and refusals."""

from typing import Any

import pytest
import torch
from torch import nn

from codesign.errors import InputError
from codesign.networks.accumulation import (
    Accumulation,
    AccumulationDownsample,
    AccumulationHead,
    AccumulationPool,
    SumOfHeads,
)
from codesign.networks.construction import calibrated_network
from codesign.networks.event_nets import EventNetwork, event_network
from codesign.networks.neurons import PLIF, Neuron

STRUCTURES = ("7b", "wide7b")


def frames(timesteps: int = 3, batch: int = 1) -> torch.Tensor:
    generator = torch.Generator().manual_seed(5)
    return torch.randint(0, 4, (timesteps, batch, 2, 128, 128), generator=generator).float()


def network(structure: str, family: str, width: int = 8, **options: Any) -> EventNetwork:
    built = calibrated_network(structure=structure, family=family, width=width, **options)
    assert isinstance(built, EventNetwork)
    return built


def on_meta(**options: Any) -> EventNetwork:
    with torch.device("meta"):
        return event_network(**options)


def outputs(net: nn.Module, kind: type[nn.Module], x: torch.Tensor) -> list[torch.Tensor]:
    """Results of all modules of a kind, in the order in which they are called."""
    found: list[torch.Tensor] = []
    hooks = [
        module.register_forward_hook(lambda _m, _x, y: found.append(y))
        for module in net.modules()
        if isinstance(module, kind)
    ]
    with torch.inference_mode():
        net(x)
    for hook in hooks:
        hook.remove()
    return found


@pytest.mark.parametrize(
    ("structure", "expected"),
    [
        # stem and its batch norm; blocks of two 3x3 convolutions and batch norms; decays; head
        ("7b", 2 * 32 + 64 + 7 * (2 * 9 * 32 * 32 + 4 * 32) + 15 + 32 * 11 + 11),
        (
            "wide7b",
            (2 * 64 + 128)
            + (4 * (2 * 9 * 64 * 64 + 4 * 64) + 3 * (2 * 9 * 128 * 128 + 4 * 128))
            + (64 * 128 + 256)  # the widening
            + (16 + 128 * 10 + 10),
        ),
    ],
)
def test_networks_have_the_parameters_of_their_published_structure(structure: str, expected: int):
    net = on_meta(structure=structure, family="fsnn")
    assert sum(parameter.numel() for parameter in net.parameters()) == expected
    assert sum(p.numel() for p in on_meta(structure=structure, family="sew").parameters()) == (
        expected
    )


def test_the_pathway_adds_its_widening_alone():
    for structure, added in (("7b", set()), ("wide7b", {"0.weight", "1.weight", "1.bias"})):
        fsnn = on_meta(structure=structure, family="fsnn").state_dict().keys()
        dsnn = dict(on_meta(structure=structure, family="dsnn").named_parameters()).keys()
        assert {key.removeprefix("widening.pool.") for key in dsnn - fsnn} == added


def test_neurons_are_plif_with_an_initial_tau_of_2():
    neurons = [m for m in event_network(structure="7b", family="fsnn").modules() if _fires(m)]
    assert len(neurons) == 15
    assert {type(neuron) for neuron in neurons} == {PLIF}
    decays = {float(n.w.detach().sigmoid()) for n in neurons if isinstance(n, PLIF)}
    assert decays == {0.5}


def _fires(module: nn.Module) -> bool:
    return isinstance(module, Neuron)


def test_everything_of_the_pathway_declares_the_accumulation_stream():
    net = on_meta(structure="wide7b", family="dsnn")
    kinds = (Accumulation, AccumulationDownsample, AccumulationPool, AccumulationHead, SumOfHeads)
    declared = [m for m in net.modules() if getattr(m, "stream", None) == "accumulation"]
    assert declared == [m for m in net.modules() if isinstance(m, kinds)]
    assert len(declared) == 7 + 1 + 7 + 2


@pytest.mark.parametrize("structure", STRUCTURES)
@pytest.mark.parametrize("family", ["fsnn", "dsnn", "sew"])
@pytest.mark.parametrize("timesteps", [1, 5])
def test_logits_have_a_row_per_input_at_any_number_of_timesteps(structure, family, timesteps):
    with torch.inference_mode():
        logits = network(structure, family)(frames(timesteps, batch=2))
    assert logits.shape == (2, 11 if structure == "7b" else 10)


@pytest.mark.parametrize("structure", STRUCTURES)
@pytest.mark.parametrize("connection", ["and", "iand", "or", "xor"])
def test_the_spike_stream_does_not_feel_the_pathway(structure: str, connection: str):
    fsnn = outputs(network(structure, "fsnn", connection=connection), Neuron, frames())
    dsnn = outputs(network(structure, "dsnn", connection=connection), Neuron, frames())
    assert len(fsnn) == len(dsnn)
    assert all(torch.equal(a, b) for a, b in zip(fsnn, dsnn, strict=True))


@pytest.mark.parametrize("pool", ["max", "average"])
def test_the_accumulation_is_the_pooled_sum_of_spikes(pool: str):
    net = network("7b", "dsnn", accumulation_pool=pool)
    reduce = {
        "max": lambda x: x.unfold(3, 2, 2).unfold(4, 2, 2).amax((-1, -2)),
        "average": lambda x: x.unfold(3, 2, 2).unfold(4, 2, 2).mean((-1, -2)),
    }[pool]
    neurons = outputs(net, Neuron, frames())
    pooled = outputs(net, AccumulationPool, frames())
    a = neurons[0]
    for s, expected in zip(neurons[2::2], pooled, strict=True):
        a = reduce(a + s)
        assert torch.equal(a, expected)
    assert a.max() > 1


def test_sew_with_add_holds_integers_and_with_iand_spikes():
    for connection, integers in (("add", True), ("iand", False)):
        net = network("7b", "sew", connection=connection)
        with torch.inference_mode():
            o, a = net.features(frames(), accumulate=False)
        assert a is None
        assert bool(o.max() > 1) is integers
        assert torch.equal(o, o.round())


@pytest.mark.parametrize("connection", ["iand", "or", "xor", "and", "add"])
def test_identity_start_passes_spikes_on_through_every_block(connection: str):
    family = "sew" if connection == "add" else "fsnn"
    options = {"structure": "7b", "family": family, "connection": connection, "width": 4}
    net = event_network(identity_start=True, **options).eval()
    with torch.no_grad():
        spikes = net.stem(frames())
        passed, _ = net.features(frames(), accumulate=False)
    assert torch.equal(passed.flatten(2), spikes.flatten(3).amax(-1))


def test_all_faults_are_named_at_once():
    with pytest.raises(InputError) as caught:
        event_network(
            structure="8b",
            family="sew",
            connection="or",
            width=0,
            readout="sum",
            accumulation_pool="sum",
        )
    places = [fault.place for fault in caught.value.faults]
    assert places == ["connection", "readout", "structure", "width", "accumulation_pool"]


@pytest.mark.parametrize("shape", [(1, 2, 128, 128), (3, 1, 3, 128, 128), (3, 1, 2, 64, 64)])
def test_frames_of_another_shape_are_refused(shape: tuple[int, ...]):
    with pytest.raises(InputError, match=r"frames: must have the shape \(T, N, 2, 128, 128\)"):
        network("7b", "fsnn")(torch.zeros(shape))
