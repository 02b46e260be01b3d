"""Networks written with SpikingJelly are recorded as the same networks written without it."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from codesign.counting import count_layers, totals
from codesign.errors import CaptureError
from codesign.networks.neurons import PLIF
from codesign.recording import capture
from codesign.trace import Trace
from codesign.workload import Kind, LayerType
from tests.recording.library_networks import (
    THRESHOLD,
    TIMED,
    TIMESTEPS,
    AtOnce,
    Looping,
    Residual,
    hash_without_membranes,
    image,
    own_network,
)

pytest.importorskip("spikingjelly", reason="needs SpikingJelly; `make test` installs it")
from spikingjelly.activation_based import functional, layer, neuron

LAYERS = (
    *(layer.Conv2d, layer.BatchNorm2d, layer.MaxPool2d),
    *(layer.AdaptiveAvgPool2d, layer.Flatten, layer.Linear),
)
NODES: dict[str, Callable[[], nn.Module]] = {
    "IF": lambda: neuron.IFNode(v_threshold=THRESHOLD),
    "LIF": lambda: neuron.LIFNode(v_threshold=THRESHOLD),
    "LIF, input kept": lambda: neuron.LIFNode(v_threshold=THRESHOLD, decay_input=False),
}
SEQUENCE = torch.rand((TIMESTEPS, 1, 2, 8, 8), generator=torch.Generator().manual_seed(0))


def assert_same(trace: Trace, expected: Trace) -> None:
    assert trace.workload == expected.workload
    assert trace.hash == hash_without_membranes(expected)
    assert count_layers(trace).equals(count_layers(expected))
    assert totals(count_layers(trace)) == totals(count_layers(expected))


def test_the_reference_network_has_work_of_every_kind() -> None:
    trace = capture(own_network("IF"), image())
    for name in ("sn1", "sn2", "sn3", "sn4"):
        assert 0.05 < trace.values(name).mean() < 0.95
    assert trace.values("add").max() == 2


@pytest.mark.parametrize("model", NODES)
def test_all_timesteps_at_once(model: str) -> None:
    network = AtOnce(LAYERS, NODES[model])
    functional.set_step_mode(network, "m")
    assert_same(capture(network, image()), capture(own_network(model), image()))


@pytest.mark.parametrize("model", NODES)
def test_a_loop_over_timesteps(model: str) -> None:
    network = Looping(LAYERS, NODES[model])
    assert_same(capture(network, image()), capture(own_network(model), image()))


@pytest.mark.parametrize("model", NODES)
def test_a_call_for_each_timestep(model: str) -> None:
    network = Residual(LAYERS, NODES[model])
    single = capture(network, SEQUENCE, timesteps=TIMESTEPS)
    functional.set_step_mode(network, "m")
    assert_same(single, capture(network, SEQUENCE))
    assert single.workload.outputs == ("sn4",)
    assert single.workload.timesteps == TIMESTEPS


def test_a_parametric_lif() -> None:
    expected = capture(AtOnce(TIMED, lambda: PLIF(v_threshold=THRESHOLD)), image())
    network = AtOnce(LAYERS, lambda: neuron.ParametricLIFNode(v_threshold=THRESHOLD))
    functional.set_step_mode(network, "m")
    trace = capture(network, image())
    assert trace.workload == expected.workload
    assert {layer.function for layer in trace.workload.layers} == {"PLIF", ""}
    for name in trace.names:
        assert np.array_equal(trace.values(name), expected.values(name))


def test_containers() -> None:
    def chain(*modules: nn.Module) -> nn.Module:
        return layer.SeqToANNContainer(*modules)

    torch.manual_seed(0)
    network = nn.Sequential(
        chain(nn.Conv2d(2, 4, 3, padding=1), nn.BatchNorm2d(4)),
        neuron.IFNode(step_mode="m"),
        chain(nn.AvgPool2d(2), nn.Dropout(), nn.Flatten()),
        layer.MultiStepContainer(nn.Linear(64, 8), neuron.LIFNode(), nn.Linear(8, 3)),
    ).eval()
    trace = capture(network, SEQUENCE)
    assert [(x.name, str(x.type), x.function) for x in trace.workload.layers] == [
        ("0.0", "convolution", ""),
        ("1", "neuron", "IF"),
        ("2.0", "average_pool", ""),
        ("3.0", "linear", ""),
        ("3.1", "neuron", "LIF"),
        ("3.2", "linear", ""),
    ]
    assert trace.workload.layers[0].batch_norm
    assert {tensor.timesteps for tensor in trace.workload.tensors} == {TIMESTEPS}


@pytest.mark.parametrize("mode", ["s", "m"])
def test_neurons_vote_for_a_class(mode: str) -> None:
    torch.manual_seed(0)
    network = nn.Sequential(layer.Linear(8, 12), neuron.IFNode(), layer.VotingLayer(4)).eval()
    functional.set_step_mode(network, mode)
    sequence = 3 * torch.rand((TIMESTEPS, 1, 8), generator=torch.Generator().manual_seed(0))
    trace = capture(network, sequence, timesteps=TIMESTEPS if mode == "s" else None)
    vote = trace.workload.layers[-1]
    assert (str(vote.type), trace.workload.output_tensor(vote).shape) == ("average_pool", (3,))
    counts = count_layers(trace)
    votes = counts[counts["layer"] == vote.name]["ac_pool"].tolist()
    assert votes == trace.values("1").sum(axis=1).tolist()
    assert sum(votes) > 0


def test_votes_of_groups_that_are_not_whole_are_refused() -> None:
    network = nn.Sequential(layer.Linear(8, 12), neuron.IFNode(), layer.VotingLayer(5)).eval()
    functional.set_step_mode(network, "m")
    with pytest.raises(CaptureError, match=r"every 5 neighbours .* \(got 12 features, stride 5\)"):
        capture(network, torch.ones((TIMESTEPS, 1, 8)))


@pytest.mark.parametrize("mode", ["s", "m"])
def test_layers_see_one_or_all_timesteps(mode: str) -> None:
    torch.manual_seed(0)
    network = nn.Sequential(
        *(layer.AvgPool2d(2), layer.Conv2d(2, 4, 3, bias=False), layer.BatchNorm2d(4)),
        *(
            neuron.IFNode(),
            layer.Dropout(),
            layer.MaxPool2d(2),
            layer.Flatten(),
            layer.Linear(4, 3),
        ),
    ).eval()
    functional.set_step_mode(network, mode)
    trace = capture(network, SEQUENCE, timesteps=TIMESTEPS if mode == "s" else None)
    types = [str(made.type) for made in trace.workload.layers]
    assert types == ["average_pool", "convolution", "neuron", "max_pool", "linear"]
    shapes = [trace.workload.output_tensor(made).shape for made in trace.workload.layers]
    assert shapes == [(2, 4, 4), (4, 2, 2), (4, 2, 2), (4, 1, 1), (3,)]
    assert {tensor.timesteps for tensor in trace.workload.tensors} == {TIMESTEPS}


@pytest.mark.parametrize(("connect", "largest"), [("ADD", 2), ("AND", 1), ("IAND", 1)])
@pytest.mark.parametrize("mode", ["s", "m"])
def test_the_connections_of_sew(connect: str, largest: int, mode: str) -> None:
    functions = {
        "ADD": lambda x, y: x + y,
        "AND": lambda x, y: x * y,
        "IAND": lambda x, y: x * (1.0 - y),
    }

    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            torch.manual_seed(0)
            self.sn1, self.conv, self.sn2 = neuron.IFNode(), layer.Conv2d(2, 2, 1), neuron.IFNode()

        def forward(self, x: Tensor) -> Tensor:
            x = self.sn1(x)
            return functions[connect](self.sn2(self.conv(x)), x)

    network = Block().eval()
    functional.set_step_mode(network, mode)
    timesteps = TIMESTEPS if mode == "s" else None
    trace = capture(network, SEQUENCE, timesteps=timesteps)
    joined = trace.workload.layers[-1]
    assert joined.name == connect.lower()
    assert trace.workload.output_tensor(joined).largest == largest


@pytest.mark.parametrize(
    ("node", "model"),
    [
        (neuron.EIFNode, "EIFNode"),
        (neuron.QIFNode, "QIFNode"),
        (neuron.IzhikevichNode, "IzhikevichNode"),
        (neuron.KLIFNode, "KLIFNode"),
        (neuron.SimpleIFNode, "IF"),
        (neuron.SimpleLIFNode, "LIF"),
        (type("MyNode", (neuron.LIFNode,), {}), "LIF"),
        (type("MyNode", (neuron.SimpleIFNode,), {}), "IF"),
    ],
)
@pytest.mark.parametrize("mode", ["s", "m"])
def test_every_node_is_one_layer(node: Any, model: str, mode: str) -> None:
    options = {"tau": 2.0, "decay_input": True} if node is neuron.SimpleLIFNode else {}
    network = nn.Sequential(node(step_mode=mode, **options)).eval()
    timesteps = TIMESTEPS if mode == "s" else None
    [made] = capture(network, SEQUENCE, timesteps=timesteps).workload.layers
    assert (made.type, made.function) == (LayerType.NEURON, model)


def test_a_parallel_spiking_neuron_is_one_layer() -> None:
    [made] = capture(nn.Sequential(neuron.PSN(T=TIMESTEPS)).eval(), SEQUENCE).workload.layers
    assert made.function == "PSN"


def test_a_membrane_is_the_result_of_a_node_that_does_not_spike() -> None:
    class Readout(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.sn1, self.fc = neuron.IFNode(step_mode="m"), layer.Linear(128, 3, step_mode="m")
            self.readout = neuron.NonSpikingLIFNode()

        def forward(self, x: Tensor) -> Tensor:
            return torch.stack(self.readout(self.fc(self.sn1(x).flatten(2)))).mean(0)

    workload = capture(Readout().eval(), SEQUENCE).workload
    assert [x.name for x in workload.layers] == ["sn1", "fc", "readout", "time_mean"]
    assert workload.tensor_by_name["readout"].kind is Kind.REAL


def test_the_last_membrane_may_be_the_result() -> None:
    class Readout(nn.Sequential):
        def forward(self, x: Tensor) -> Tensor:
            super().forward(x)
            return self[-1].v

    node = neuron.IFNode(v_threshold=1e9, step_mode="m")
    workload = capture(Readout(node).eval(), SEQUENCE).workload
    assert workload.outputs == ("0",)
    assert workload.tensor_by_name["0"].kind is Kind.REAL


def test_what_neurons_remember_is_cleared_before_and_put_back_behind() -> None:
    network = Residual(LAYERS, NODES["LIF"])
    with torch.no_grad():
        for frame in SEQUENCE:
            network(frame)
    before = network.sn2.v
    first, second = (capture(network, SEQUENCE, timesteps=TIMESTEPS) for _ in range(2))
    assert first.hash == second.hash
    assert network.sn2.v is before
    functional.reset_net(network)
    assert capture(network, SEQUENCE, timesteps=TIMESTEPS).hash == first.hash


def test_a_network_in_the_other_step_mode_is_refused() -> None:
    network = nn.Sequential(layer.Linear(3, 3), neuron.IFNode()).eval()
    sequence = torch.rand(TIMESTEPS, 1, 3)
    with pytest.raises(CaptureError, match=r"^1 \(neuron\): must see one timestep in each call"):
        capture(network, sequence)
    functional.set_step_mode(network, "m")
    with pytest.raises(CaptureError, match=r"^1 \(neuron\): must see time first"):
        capture(network, sequence, timesteps=TIMESTEPS)


@pytest.mark.parametrize(
    ("module", "message"),
    [
        (
            lambda: layer.LinearRecurrentContainer(neuron.IFNode(), 8, 8, step_mode="m"),
            "fed back outside a neuron is not understood",
        ),
        (
            lambda: layer.ElementWiseRecurrentContainer(
                neuron.IFNode(), lambda y, x: y + x, step_mode="m"
            ),
            "feedback from the last timestep is not",
        ),
        (lambda: neuron.TernaryIFNode(step_mode="m"), "must give spikes of 0 and 1"),
        (
            lambda: neuron.NonSpikingLIFNode(decode="max-mem"),
            "must give its membrane at every timestep",
        ),
    ],
)
def test_what_is_not_understood_is_named(module: Callable[[], nn.Module], message: str) -> None:
    sequence = 3 * torch.randn((TIMESTEPS, 1, 8), generator=torch.Generator().manual_seed(0))
    with pytest.raises(CaptureError, match=message) as refused:
        capture(nn.Sequential(module()).eval(), sequence)
    assert str(refused.value).startswith("0")
