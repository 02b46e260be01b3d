from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from codesign.counting import count_layers
from codesign.errors import CaptureError
from codesign.networks.neurons import IF
from codesign.recording import capture
from codesign.workload import Kind, LayerType
from tests.recording.example_networks import TIMESTEPS, Integrate, convolution, image
from tests.recording.stepwise_networks import NEURONS, Network, Passing, Stateful, record

SEQUENCE = image(TIMESTEPS, 1, 2, 6, 6)


def with_membranes(
    readout: Callable[[list[Tensor], list[Tensor]], Any],
) -> Callable[[Network, Tensor], Any]:
    """A loop over timesteps whose result is made of the last neuron's spikes and membranes."""

    def run(self: Network, x: Tensor) -> Any:
        m1 = m2 = None
        spikes, membranes = [], []
        for frame in x:
            o, m1 = self.sn1(self.stem(frame), m1)
            s, m2 = self.sn2(functional.linear(o.flatten(1), torch.ones(5, 144) / 50), m2)
            spikes.append(s)
            membranes.append(m2)
        return readout(spikes, membranes)

    return run


@pytest.mark.parametrize(
    ("readout", "types", "outputs"),
    [
        (lambda _, m: torch.stack(m), ["linear", "neuron"], ("sn2",)),
        (lambda _, m: m[-1], ["linear", "neuron"], ("sn2",)),
        (lambda _, m: torch.stack(m).mean(0), ["linear", "neuron", "time_mean"], ("time_mean",)),
        (lambda _, m: sum(m) / TIMESTEPS, ["linear", "neuron", "time_mean"], ("time_mean",)),
        (
            lambda _, m: functional.linear(torch.stack(m), torch.ones(2, 5)),
            ["linear", "neuron", "linear"],
            ("linear.2",),
        ),
        (lambda _, m: [m, [torch.relu(x) for x in m]], ["linear", "neuron", "relu"], None),
    ],
)
def test_a_membrane_that_is_read_is_the_real_result_of_its_neurons(
    readout: Callable[..., Any], types: list[str], outputs: tuple[str, ...] | None
) -> None:
    trace = record(Network(Passing, with_membranes(readout)), SEQUENCE)
    workload = trace.workload
    assert [str(layer.type) for layer in workload.layers[2:]] == types
    assert workload.outputs == (outputs or ("sn2", "relu"))
    tensor = workload.tensor_by_name["sn2"]
    assert (tensor.kind, tensor.largest, tensor.timesteps) == (Kind.REAL, None, TIMESTEPS)
    assert [t.name for t in workload.tensors] == ["input", *(x.output for x in workload.layers)]
    counts = count_layers(trace)
    row = counts[counts["layer"] == "sn2"]
    assert row["ac_neuron"].tolist() == [5] * TIMESTEPS
    assert row["neurons"].tolist() == [0] * TIMESTEPS


def test_the_mask_of_a_membrane_is_recorded_where_it_is_needed() -> None:
    seen: list[Tensor] = []

    def readout(_: list[Tensor], membranes: list[Tensor]) -> list[Tensor]:
        seen.extend(membranes)
        return [functional.linear(membrane, torch.ones(2, 5)) for membrane in membranes]

    trace = record(Network(Passing, with_membranes(readout)), SEQUENCE)
    assert np.array_equal(trace.nonzero("sn2"), torch.cat(seen).ne(0).numpy())
    reader = trace.workload.layers[-1]
    assert reader.inputs == ("sn2",)
    counts = count_layers(trace)
    assert counts[counts["layer"] == reader.name]["mac"].tolist() == [10] * TIMESTEPS


def test_a_membrane_that_is_returned_beside_its_spikes_costs_nothing() -> None:
    alone = record(Network(Passing, with_membranes(lambda s, _: torch.stack(s))), SEQUENCE)
    both = record(
        Network(Passing, with_membranes(lambda s, m: (torch.stack(s), torch.stack(m)))), SEQUENCE
    )
    assert both.workload == alone.workload
    assert both.hash == alone.hash


def test_spikes_and_membrane_of_a_neuron_are_not_both_read() -> None:
    def readout(spikes: list[Tensor], membranes: list[Tensor]) -> list[Tensor]:
        return [s.relu() + functional.relu(m) for s, m in zip(spikes, membranes, strict=True)]

    with pytest.raises(CaptureError, match=r"^sn2: must give its spikes or its membrane"):
        record(Network(Passing, with_membranes(readout)), SEQUENCE)


def test_a_membrane_that_is_kept_inside_may_be_read_behind_the_last_timestep() -> None:
    def run(self: Network, x: Tensor) -> Any:
        for frame in x:
            self.sn1(self.stem(frame))
        return self.sn1.membrane

    trace = record(Network(Stateful, run), SEQUENCE)
    assert trace.workload.outputs == ("sn1",)
    assert trace.workload.tensor_by_name["sn1"].kind is Kind.REAL


def test_a_layer_does_not_read_the_membrane_of_the_last_timestep_alone() -> None:
    run = with_membranes(lambda _, m: functional.linear(m[-1], torch.ones(2, 5)))
    with pytest.raises(CaptureError, match="must do at every timestep what it did at the first"):
        record(Network(Passing, run), SEQUENCE)


def test_a_neuron_goes_on_from_its_own_last_state() -> None:
    def twice(self: Network, x: Tensor) -> Tensor:
        membrane, collected = None, []
        for frame in x:
            current = self.stem(frame)
            if membrane is not None:
                _, membrane = self.sn1(current, membrane)
            spikes, membrane = self.sn1(current, membrane)
            collected.append(spikes)
        return torch.stack(collected)

    with pytest.raises(CaptureError, match=r"^sn1 \(neuron\): must go on from its state"):
        record(Network(Passing, twice), SEQUENCE)

    def strange(self: Network, x: Tensor) -> Tensor:
        first = second = None
        for frame in x:
            spikes, first = self.sn1(self.stem(frame), second)
            _, second = self.sn2(self.conv(spikes), first)
        return spikes

    with pytest.raises(CaptureError, match=r"must have one current .*no other state than its own"):
        record(Network(Passing, strange), SEQUENCE)


class Hiding(Integrate):
    """A neuron with a layer inside."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = convolution(4, 4)


class Recurrent(Stateful):
    """A neuron that feeds its spikes back through weights."""

    def __init__(self) -> None:
        super().__init__()
        self.recurrent = nn.Linear(5, 5)


class SingleStep(Integrate):
    step_mode = "s"


class MultiStep(Stateful):
    step_mode = "m"


class Silent(Integrate):
    def forward(self, currents: Tensor) -> Any:
        super().forward(currents)


@pytest.mark.parametrize(
    ("network", "message"),
    [
        (nn.Sequential(Hiding()), r"^0 \(neuron\): must hold no layers with weights.*'0.inner'"),
        (nn.Sequential(Recurrent()), r"^0 \(neuron\): must not feed its spikes back.*'0.recurrent"),
        (nn.Sequential(SingleStep()), r"^0 \(neuron\): must see one timestep in each call"),
        (nn.Sequential(Silent()), r"must give spikes of its input's shape .* first \(got nothing"),
    ],
)
def test_a_neuron_that_is_not_understood_is_named(network: nn.Module, message: str) -> None:
    with pytest.raises(CaptureError, match=message):
        capture(network.eval(), SEQUENCE, neurons=NEURONS)


@pytest.mark.parametrize("neuron", [IF(), MultiStep()])
def test_a_neuron_of_all_timesteps_does_not_see_one(neuron: nn.Module) -> None:
    with pytest.raises(CaptureError, match=r"^0 \(neuron\): must see time first"):
        capture(nn.Sequential(neuron).eval(), image(), timesteps=2, neurons=NEURONS)


def test_time_must_be_in_front_of_a_neuron() -> None:
    class Behind(nn.Sequential):
        def forward(self, x: Tensor) -> Tensor:
            result: Tensor = super().forward(x.transpose(0, 1))
            return result

    with pytest.raises(CaptureError, match=r"must see time first.* with time behind"):
        capture(Behind(Integrate()).eval(), SEQUENCE, neurons=NEURONS)


def test_a_current_that_is_not_finite_names_its_neuron_at_a_single_timestep() -> None:
    network = nn.Sequential(convolution(2, 3), Stateful())
    with torch.no_grad():
        network[0].bias.fill_(torch.nan)
    with pytest.raises(CaptureError, match=r"^1 \(neuron\): must read finite values"):
        capture(network.eval(), image(), timesteps=2, neurons=NEURONS)


def test_a_declared_neuron_may_contain_modules_without_weights() -> None:
    class Wrapped(Integrate):
        def __init__(self) -> None:
            super().__init__()
            self.surrogate = nn.Sigmoid()
            self.norm = nn.BatchNorm2d(2)

    [layer] = capture(Wrapped().eval(), SEQUENCE, neurons=NEURONS).workload.layers
    assert layer.type is LayerType.NEURON
