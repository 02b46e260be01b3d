"""Networks written with snnTorch are recorded as the same networks written without it."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from codesign.counting import count_layers
from codesign.errors import CaptureError
from codesign.recording import capture
from codesign.workload import Kind, LayerType
from tests.recording.library_networks import (
    PLAIN,
    THRESHOLD,
    TIMESTEPS,
    Looping,
    Residual,
    hash_without_membranes,
    image,
    own_network,
)

pytest.importorskip("snntorch", reason="needs snnTorch; `make test` installs it")
import snntorch
from snntorch import utils

BETA = {"IF": 1.0, "LIF, input kept": 0.5}
SEQUENCE = torch.rand((TIMESTEPS, 1, 8), generator=torch.Generator().manual_seed(0)) * 2


def leaky(model: str, **options: Any) -> Callable[[], nn.Module]:
    settings = {"threshold": THRESHOLD, "reset_mechanism": "zero", **options}
    return lambda: snntorch.Leaky(beta=BETA[model], **settings)


class Passing(Residual):
    """Takes its neurons' membranes along from timestep to timestep."""

    def forward(self, x: Tensor) -> Any:
        m1, m2, m3, m4 = (sn.reset_mem() for sn in (self.sn1, self.sn2, self.sn3, self.sn4))
        spikes, membranes = [], []
        for _ in range(TIMESTEPS):
            o, m1 = self.sn1(self.bn1(self.conv1(x)), m1)
            o = self.pool(o)
            s, m2 = self.sn2(self.bn2(self.conv2(o)), m2)
            s, m3 = self.sn3(self.conv3(s), m3)
            s, m4 = self.sn4(self.fc(self.flatten(self.average(s + o))), m4)
            spikes.append(s)
            membranes.append(m4)
        return torch.stack(spikes).mean(dim=0), torch.stack(membranes)


@pytest.mark.parametrize("model", BETA)
@pytest.mark.parametrize(
    ("network", "options"),
    [(Passing, {}), (Looping, {"init_hidden": True})],
    ids=["state", "hidden"],
)
def test_a_loop_over_timesteps(
    model: str, network: type[Residual], options: dict[str, bool]
) -> None:
    expected = capture(own_network(model), image())
    trace = capture(network(PLAIN, leaky(model, **options)), image())
    assert trace.workload == expected.workload
    assert trace.hash == hash_without_membranes(expected)
    assert count_layers(trace).equals(count_layers(expected))


def test_a_call_for_each_timestep() -> None:
    hidden = leaky("IF", init_hidden=True)
    looping = capture(Looping(PLAIN, hidden), image())
    single = capture(Residual(PLAIN, hidden), image(), timesteps=TIMESTEPS)
    assert single.workload.layers == looping.workload.layers[:-1]
    assert all(single.packed(name) == looping.packed(name) for name in single.names)


class Tutorial(nn.Module):
    """The network of snnTorch's tutorials: `(T, N, F)` in, all spikes and membranes out."""

    def __init__(self, first: nn.Module, second: nn.Module):
        super().__init__()
        torch.manual_seed(0)
        self.fc1, self.lif1 = nn.Linear(8, 16), first
        self.fc2, self.lif2 = nn.Linear(16, 4), second

    def forward(self, x: Tensor) -> Any:
        state1 = as_tuple(self.lif1.reset_mem())
        state2 = as_tuple(self.lif2.reset_mem())
        spk2_rec, mem2_rec = [], []
        for step in range(x.size(0)):
            spk1, *state1 = self.lif1(self.fc1(x[step]), *state1)
            spk2, *state2 = self.lif2(self.fc2(spk1), *state2)
            spk2_rec.append(spk2)
            mem2_rec.append(state2[-1])
        return torch.stack(spk2_rec, dim=0), torch.stack(mem2_rec, dim=0)


def as_tuple(state: Any) -> Any:
    return state if isinstance(state, tuple) else (state,)


NEURONS: list[tuple[Callable[[], nn.Module], str]] = [
    (lambda: snntorch.Leaky(beta=0.9, threshold=0.5), "LIF"),
    (lambda: snntorch.Leaky(beta=0.9, threshold=0.5, reset_delay=False), "LIF"),
    (lambda: snntorch.Leaky(beta=torch.tensor(0.8), learn_beta=True, threshold=0.3), "LIF"),
    (lambda: snntorch.Leaky(beta=1.0, threshold=0.5), "IF"),
    (lambda: snntorch.Lapicque(beta=0.9, threshold=0.05), "Lapicque"),
    (lambda: snntorch.Synaptic(alpha=0.8, beta=0.9, threshold=0.5), "Synaptic"),
    (lambda: snntorch.Alpha(alpha=0.9, beta=0.8, threshold=0.02), "Alpha"),
]


@pytest.mark.parametrize(("neuron", "model"), NEURONS)
def test_every_neuron_is_one_layer(neuron: Callable[[], nn.Module], model: str) -> None:
    trace = capture(Tutorial(neuron(), neuron()).eval(), SEQUENCE)
    assert [(layer.name, layer.function) for layer in trace.workload.layers] == [
        ("fc1", ""),
        ("lif1", model),
        ("fc2", ""),
        ("lif2", model),
    ]
    assert trace.workload.outputs == ("lif2",)
    assert 0 < trace.values("lif1").mean() < 1


def test_recorded_spikes_are_those_that_the_network_returns() -> None:
    network = Tutorial(NEURONS[0][0](), NEURONS[0][0]()).eval()
    trace = capture(network, SEQUENCE)
    with torch.no_grad():
        spikes, _ = network(SEQUENCE)
    assert trace.values("lif2").tolist() == spikes[:, 0].int().tolist()


def test_a_one_to_one_recurrent_neuron_is_one_layer() -> None:
    neurons = (snntorch.RLeaky(beta=0.9, V=0.5, all_to_all=False, threshold=0.5) for _ in range(2))

    class Recurrent(Tutorial):
        def forward(self, x: Tensor) -> Tensor:
            spk1, mem1 = self.lif1.reset_mem()
            spk2, mem2 = self.lif2.reset_mem()
            collected = []
            for frame in x:
                spk1, mem1 = self.lif1(self.fc1(frame), spk1, mem1)
                spk2, mem2 = self.lif2(self.fc2(spk1), spk2, mem2)
                collected.append(spk2)
            return torch.stack(collected)

    workload = capture(Recurrent(*neurons).eval(), SEQUENCE).workload
    assert [layer.name for layer in workload.layers] == ["fc1", "lif1", "fc2", "lif2"]
    assert workload.layers[1].function == "RLeaky"


@pytest.mark.parametrize(
    ("neuron", "message"),
    [
        (
            lambda: snntorch.RLeaky(beta=0.9, linear_features=16),
            r"^lif1 \(neuron\): must not feed its spikes back .*got 'lif1.recurrent",
        ),
        (
            lambda: snntorch.RSynaptic(alpha=0.9, beta=0.9, linear_features=16),
            r"^lif1 \(neuron\): must not feed its spikes back .*got 'lif1.recurrent",
        ),
        (
            lambda: snntorch.Leaky(beta=0.9, threshold=0.3, graded_spikes_factor=0.5),
            r"^lif1 \(neuron\): must give spikes of 0 and 1",
        ),
    ],
)
def test_what_is_not_understood_is_named(neuron: Callable[[], nn.Module], message: str) -> None:
    with pytest.raises(CaptureError, match=message):
        capture(Tutorial(neuron(), NEURONS[0][0]()).eval(), SEQUENCE)


def test_all_timesteps_at_once_are_refused() -> None:
    network = nn.Sequential(nn.Linear(8, 4), snntorch.Leaky(beta=0.9, init_hidden=True)).eval()
    with pytest.raises(CaptureError, match=r"^1 \(neuron\): must see one timestep in each call"):
        capture(network, SEQUENCE)
    assert capture(network, SEQUENCE, timesteps=TIMESTEPS).workload.outputs == ("1",)


def test_a_membrane_is_the_result_where_the_last_layer_does_not_spike() -> None:
    class Integrating(Tutorial):
        def forward(self, x: Tensor) -> Tensor:
            _, membranes = super().forward(x)
            return membranes.mean(0)

    neurons = NEURONS[0][0](), snntorch.Leaky(beta=0.9, reset_mechanism="none")
    workload = capture(Integrating(*neurons).eval(), SEQUENCE).workload
    assert [layer.type for layer in workload.layers][-2:] == [
        LayerType.NEURON,
        LayerType.TIME_MEAN,
    ]
    assert workload.tensor_by_name["lif2"].kind is Kind.REAL


def test_hidden_state_is_cleared_before_and_put_back_behind() -> None:
    network = Residual(PLAIN, leaky("IF", init_hidden=True))
    utils.reset(network)
    with torch.no_grad():
        network(image())
    before = network.sn2.mem
    traces = [capture(network, image(), timesteps=TIMESTEPS) for _ in range(2)]
    assert traces[0].hash == traces[1].hash
    assert network.sn2.mem is before


def test_a_neuron_of_all_timesteps() -> None:
    neuron = snntorch.StateLeaky(beta=0.9, channels=4, output=True, threshold=0.3)
    network = nn.Sequential(nn.Linear(8, 4), neuron).eval()
    trace = capture(network, SEQUENCE)
    assert trace.workload.layers[-1].function == "StateLeaky"
    assert trace.workload.outputs == ("1",)
