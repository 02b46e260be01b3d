from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from codesign.counting import count_layers
from codesign.errors import CaptureError
from codesign.recording import capture
from codesign.workload import Kind, LayerType, Window
from tests.recording.example_networks import TIMESTEPS, Integrate, convolution, hold, image
from tests.recording.stepwise_networks import (
    NEURONS,
    Network,
    Passing,
    Stateful,
    at_once,
    looping,
    one_step,
    passing,
    record,
)

SEQUENCE = image(TIMESTEPS, 1, 2, 6, 6)
INPUTS = pytest.mark.parametrize("inputs", [image(), SEQUENCE], ids=["image", "sequence"])


@INPUTS
@pytest.mark.parametrize(
    ("neuron", "run", "options"),
    [
        (Stateful, looping, {}),
        (Passing, passing, {}),
        (Stateful, one_step, {"timesteps": TIMESTEPS}),
    ],
)
def test_a_network_is_the_same_step_by_step(
    inputs: Tensor, neuron: type[nn.Module], run: Callable[..., Tensor], options: dict[str, int]
) -> None:
    expected = record(Network(Integrate, at_once), inputs)
    trace = record(Network(neuron, run), inputs, **options)
    assert trace.workload == expected.workload
    assert trace.hash == expected.hash
    assert count_layers(trace).equals(count_layers(expected))
    assert 0 < trace.values("sn3").mean() < 1


def test_recorded_spikes_are_those_that_a_hook_sees_at_each_timestep() -> None:
    network = Network(Stateful, looping).eval()
    seen: list[Tensor] = []
    handle = network.sn2.register_forward_hook(lambda _m, _i, output: seen.append(output.clone()))
    trace = record(network, SEQUENCE)
    handle.remove()
    assert np.array_equal(trace.values("sn2"), torch.cat(seen).numpy())


def test_a_stem_before_the_loop_runs_once() -> None:
    def run(self: Network, x: Tensor) -> Tensor:
        current = self.stem(x)
        return torch.stack([self.behind_stem(current) for _ in range(TIMESTEPS)])

    workload = record(Network(Stateful, run), image()).workload
    once = [tensor.name for tensor in workload.tensors if tensor.timesteps == 1]
    assert once == ["input", "stem"]
    assert {tensor.timesteps for tensor in workload.tensors} == {1, TIMESTEPS}


@pytest.mark.parametrize(
    ("reduce_spikes", "expected"),
    [
        (lambda spikes: torch.stack(spikes).mean(0), Kind.REAL),
        (lambda spikes: sum(spikes) / TIMESTEPS, Kind.REAL),
        (lambda spikes: sum(spikes, torch.zeros(1, 5)) * (1 / TIMESTEPS), Kind.REAL),
        (lambda spikes: torch.cat([s.unsqueeze(0) for s in spikes]).mean(dim=0), Kind.REAL),
        (lambda spikes: torch.stack(spikes).sum(0) / TIMESTEPS, Kind.REAL),
        (lambda spikes: torch.stack(spikes, 1).mean(1), Kind.REAL),
        (sum, Kind.INTEGER),
        (lambda spikes: torch.stack(spikes).sum(dim=0), Kind.INTEGER),
    ],
)
def test_a_sum_over_timesteps_is_one_layer(
    reduce_spikes: Callable[[list[Tensor]], Tensor], expected: Kind
) -> None:
    def run(self: Network, x: Tensor) -> Tensor:
        return reduce_spikes([self.step(x) for _ in range(TIMESTEPS)])

    trace = record(Network(Stateful, run), image())
    layer = trace.workload.layers[-1]
    tensor = trace.workload.output_tensor(layer)
    assert (layer.type, layer.inputs) == (LayerType.TIME_MEAN, ("sn3",))
    assert (tensor.shape, tensor.timesteps, tensor.kind) == ((5,), 1, expected)
    assert layer.name == ("time_mean" if expected is Kind.REAL else "time_sum")
    if expected is Kind.INTEGER:
        assert tensor.largest == TIMESTEPS
        total = trace.values("sn3").sum(axis=0, keepdims=True)
        assert np.array_equal(trace.values(layer.output), total)


def test_a_running_sum_in_place_is_a_sum_over_timesteps() -> None:
    def run(self: Network, x: Tensor) -> Tensor:
        total = torch.zeros(1, 5)
        for _ in range(TIMESTEPS):
            total += self.step(x)
        return total / TIMESTEPS

    assert record(Network(Stateful, run), image()).workload.outputs == ("time_mean",)


def test_logits_of_each_timestep_may_be_summed() -> None:
    class Readout(Network):
        def step(self, x: Tensor) -> Tensor:
            spikes = self.sn1(self.stem(x))
            logits: Tensor = functional.linear(spikes.flatten(1), torch.ones(3, 144))
            return logits

    def run(self: Network, x: Tensor) -> Tensor:
        return sum(self.step(x) for _ in range(TIMESTEPS)) / TIMESTEPS  # type: ignore[return-value]

    workload = record(Readout(Stateful, run), image()).workload
    assert [layer.name for layer in workload.layers] == ["stem", "sn1", "linear", "time_mean"]
    assert workload.tensors[-1].kind is Kind.REAL


def test_a_list_of_timesteps_is_one_output() -> None:
    def run(self: Network, x: Tensor) -> list[Tensor]:
        return [self.step(x) for _ in range(TIMESTEPS)]

    assert record(Network(Stateful, run), image()).workload.outputs == ("sn3",)


@pytest.mark.parametrize(
    "frames",
    [
        lambda x: [x[t] for t in range(TIMESTEPS)],
        lambda x: [x[t - TIMESTEPS] for t in range(TIMESTEPS)],
        lambda x: [x[t, :, ...] for t in range(TIMESTEPS)],
        lambda x: [x[torch.tensor(t)] for t in range(TIMESTEPS)],
        list,
        lambda x: x.unbind(),
        lambda x: [x.select(0, t) for t in range(TIMESTEPS)],
        lambda x: [x.transpose(0, 1)[:, t] for t in range(TIMESTEPS)],
        lambda x: [x.flatten(0, 1)[t].unsqueeze(0) for t in range(TIMESTEPS)],
        lambda x: [x[t] * 1.0 + 0 for t in range(TIMESTEPS)],
    ],
)
def test_all_ways_to_take_a_timestep_are_the_same(frames: Callable[[Tensor], Any]) -> None:
    def run(self: Network, x: Tensor) -> Tensor:
        return torch.stack([self.step(frame) for frame in frames(x)])

    expected = record(Network(Stateful, looping), SEQUENCE)
    trace = record(Network(Stateful, run), SEQUENCE)
    assert trace.workload == expected.workload
    assert trace.hash == expected.hash


def test_timesteps_of_a_value_of_all_timesteps_may_be_taken_one_by_one() -> None:
    def run(self: Network, x: Tensor) -> Tensor:
        currents = self.stem(x.flatten(0, 1)).unsqueeze(1)
        return torch.stack([self.behind_stem(current) for current in currents])

    expected = record(Network(Stateful, looping), SEQUENCE)
    trace = record(Network(Stateful, run), SEQUENCE)
    assert trace.workload == expected.workload
    assert trace.hash == expected.hash


def test_a_module_used_at_two_places_of_each_timestep_is_two_layers() -> None:
    def run(self: Network, x: Tensor) -> Tensor:
        collected = []
        for frame in x:
            o = self.sn1(self.stem(frame))
            s = self.sn2(self.conv(o))
            collected.append(self.conv(s))
        return torch.stack(collected)

    workload = record(Network(Stateful, run), SEQUENCE).workload
    assert [(layer.name, layer.inputs) for layer in workload.layers] == [
        ("stem", ("input",)),
        ("sn1", ("stem",)),
        ("conv", ("sn1",)),
        ("sn2", ("conv",)),
        ("conv.2", ("sn2",)),
    ]
    assert {tensor.timesteps for tensor in workload.tensors} == {TIMESTEPS}


def test_two_layers_may_share_a_neuron_that_is_given_its_state() -> None:
    def run(self: Network, x: Tensor) -> Tensor:
        first = second = None
        collected = []
        for _ in range(TIMESTEPS):
            o, first = self.sn1(self.stem(x), first)
            s, second = self.sn1(self.conv(o), second)
            collected.append(s)
        return torch.stack(collected)

    workload = record(Network(Passing, run), image()).workload
    assert [layer.name for layer in workload.layers] == ["stem", "sn1", "conv", "sn1.2"]


def test_a_neuron_that_keeps_its_state_has_one_place() -> None:
    def run(self: Network, x: Tensor) -> Tensor:
        collected = [self.sn1(self.conv(self.sn1(self.stem(x)))) for _ in range(TIMESTEPS)]
        return torch.stack(collected)

    with pytest.raises(CaptureError, match=r"^sn1 \(neuron\): must be used at one place"):
        record(Network(Stateful, run), image())


def test_a_neuron_without_state_may_be_used_at_several_places() -> None:
    class Binary(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return (x > 0).to(x.dtype)

    def run(self: Network, x: Tensor) -> Tensor:
        collected = [self.sn1(self.conv(self.sn1(self.stem(frame)))) for frame in x]
        return torch.stack(collected)

    trace = capture(Network(Binary, run).eval(), SEQUENCE, neurons={Binary: "sign"})
    assert [layer.name for layer in trace.workload.layers] == ["stem", "sn1", "conv", "sn1.2"]


def test_what_others_have_read_is_not_changed_behind_a_collection() -> None:
    def collected_first(self: Network, x: Tensor) -> Tensor:
        currents = [self.stem(frame) for frame in x]
        whole = torch.stack(currents)
        halves = [current * 0.5 for current in currents]
        return torch.stack([self.sn1(half) for half in halves]) + whole

    def read_first(self: Network, x: Tensor) -> Tensor:
        currents = [self.stem(frame) for frame in x]
        spikes = [self.sn1(current) for current in currents]
        return torch.stack(currents) * 0.5 + torch.stack(spikes)

    for run in (collected_first, read_first):
        with pytest.raises(CaptureError, match="must be the only one to read 'stem'"):
            record(Network(Stateful, run), SEQUENCE)


def test_a_loop_inside_a_call_for_each_timestep_is_refused() -> None:
    def run(self: Network, x: Tensor) -> Tensor:
        return sum(self.sn1(self.stem(x)) for _ in range(2))  # type: ignore[return-value]

    with pytest.raises(CaptureError, match=r"^sn1 .*must be used at one place"):
        record(Network(Stateful, run), image(), timesteps=1)


def test_a_batch_norm_and_a_grid_become_part_of_the_layer_at_each_timestep() -> None:
    def run(self: Network, x: Tensor) -> Tensor:
        collected = []
        for frame in x:
            current = torch.round(self.norm(self.stem(frame)) * 16) / 16
            collected.append(self.sn1(current * 0.5 + 0.25))
        return torch.stack(collected)

    stem, neuron = record(Network(Stateful, run), SEQUENCE).workload.layers
    assert (stem.batch_norm, stem.bias) == (True, True)
    assert neuron.type is LayerType.NEURON


def test_frames_may_be_scaled_alike() -> None:
    def run(self: Network, x: Tensor) -> Tensor:
        return torch.stack([self.step((frame - 0.5) / 0.25) for frame in x])

    trace = record(Network(Stateful, run), SEQUENCE)
    whole = record(Network(Integrate, lambda net, x: at_once(net, (x - 0.5) / 0.25)), SEQUENCE)
    assert trace.hash == whole.hash


def test_weights_may_be_computed_anew_if_they_are_the_same() -> None:
    def run(self: Network, x: Tensor) -> Tensor:
        collected = []
        for frame in x:
            current = functional.conv2d(frame, self.stem.weight * 2, self.stem.bias)
            collected.append(self.sn1(current))
        return torch.stack(collected)

    assert len(record(Network(Stateful, run), SEQUENCE).workload.layers) == 2


def test_layers_with_other_weights_on_the_same_image_stay_two() -> None:
    def run(self: Network, x: Tensor) -> Tensor:
        weights = torch.ones(3, 2, 1, 1), torch.full((3, 2, 1, 1), 2.0)
        first, second = (self.sn1(hold(functional.conv2d(x, weight))) for weight in weights)
        return first + second

    workload = record(Network(Integrate, run), image()).workload
    names = [layer.name for layer in workload.layers]
    assert names == ["conv2d", "sn1", "conv2d.2", "sn1.2", "add"]


def in_loop(body: Callable[[Network, Tensor, int], Tensor]) -> Callable[[Network, Tensor], Tensor]:
    def run(self: Network, x: Tensor) -> Tensor:
        return torch.stack([body(self, x, t) for t in range(TIMESTEPS)])

    return run


def partial_sums(self: Network, x: Tensor) -> Tensor:
    total, collected = torch.zeros(1, 5), []
    for _ in range(TIMESTEPS):
        total = total + self.step(x)
        collected.append(functional.linear(total, torch.ones(2, 5)))
    return collected[-1]


def fed_back(self: Network, x: Tensor) -> Tensor:
    spikes = torch.zeros(1, 4, 6, 6)
    for frame in x:
        spikes = self.sn1(self.stem(frame) + self.conv(spikes))
    return spikes


def fed_back_vector(self: Network, x: Tensor) -> Tensor:
    spikes, weights = torch.zeros(1, 5), torch.ones(5, 5)
    for frame in x:
        current = functional.linear(frame.flatten(1), torch.ones(5, 72))
        spikes = self.sn1(current + functional.linear(spikes, weights))
    return spikes


def delayed(self: Network, x: Tensor) -> Tensor:
    before, collected = None, []
    for frame in x:
        if before is not None:
            collected.append(self.sn2(self.conv(before)))
        before = self.sn1(self.stem(frame))
    return torch.stack(collected)


def leaky_readout(self: Network, x: Tensor) -> Tensor:
    membrane = torch.zeros(1, 5)
    for frame in x:
        membrane = 0.5 * membrane + functional.linear(self.step(frame), torch.ones(5, 5))
    return membrane


@pytest.mark.parametrize(
    ("run", "message"),
    [
        (partial_sums, r"must (sum|run|do at every|run at every)"),
        (fed_back, "fed back from the last timestep is not understood"),
        (fed_back_vector, "must not mix timesteps .*feedback from the last timestep is not"),
        (delayed, "must run for the same number of timesteps"),
        (leaky_readout, "state that is carried from one to the next belongs into a neuron"),
        (in_loop(lambda net, x, t: net.step(x[TIMESTEPS - 1 - t])), "at timestep 2"),
        (in_loop(lambda net, x, t: net.sn1(net.stem(x[t]) * (t + 1))), "got another scaling"),
        (
            in_loop(lambda net, x, t: net.sn1(functional.conv2d(x[t], net.stem.weight * (t + 1)))),
            "got another weights",
        ),
        (
            in_loop(lambda net, x, t: net.sn1(net.norm(net.stem(x[t])) if t else net.stem(x[t]))),
            "got another batch norm",
        ),
        (
            in_loop(lambda net, x, t: net.sn1(net.stem(x[t]) if t else net.norm(net.stem(x[t])))),
            "got no batch norm",
        ),
        (in_loop(lambda net, x, t: net.step(x[t] * (t + 2))), "got another scaling for 'input'"),
        (in_loop(lambda net, x, t: net.sn1(net.stem(x[t] if t else x[t] * 2))), "timestep|scaling"),
        (
            in_loop(lambda net, x, t: net.sn1(net.stem(x[t])) + hold(net.stem(x[t]))[0]),
            "must not hold the value of one timestep",
        ),
        (lambda net, x: net.step(x[0]), r"must run at every timestep|must see time first"),
        (lambda net, x: torch.stack([net.step(f) for f in x][::-1]), "in their order"),
        (lambda net, x: sum([net.step(f) for f in x][1:]), "must not mix timesteps"),
        (lambda net, x: net.stem(x[:2].flatten(0, 1)), r"must take one timestep, `x\[t\]`"),
        (lambda net, x: net.stem(x[:, :, 0].unsqueeze(2)), "must take timesteps"),
        (lambda _, x: sum(x.unbind(2)), "must take timesteps"),
        (in_loop(lambda net, x, t: torch.cat([net.stem(x[t])] * 2, 1)), "joining features of"),
    ],
)
def test_what_is_not_the_same_at_every_timestep_is_refused(
    run: Callable[[Any, Tensor], Any], message: str
) -> None:
    with pytest.raises(CaptureError, match=message):
        record(Network(Stateful, run), SEQUENCE)


def test_a_layer_that_runs_at_some_timesteps_only_is_named() -> None:
    def run(self: Network, x: Tensor) -> Tensor:
        spikes = [self.sn1(self.stem(frame)) for frame in x]
        self.conv(spikes[0])
        return torch.stack(spikes)

    with pytest.raises(CaptureError, match=r"^conv: must run at every timestep \(got 1 of 3\)"):
        record(Network(Stateful, run), SEQUENCE)


def test_a_value_that_does_not_change_is_computed_once_or_at_every_timestep() -> None:
    def run(self: Network, x: Tensor) -> Tensor:
        for _ in range(2):
            self.stem(x)
        return torch.stack([self.behind_stem(self.stem(x) * 1) for _ in range(TIMESTEPS)])

    with pytest.raises(CaptureError, match=r"^stem: must run once, or at each of the 3 timesteps"):
        record(Network(Stateful, run), image())


def test_a_sum_over_time_is_not_computed_at_each_timestep() -> None:
    def run(self: Network, x: Tensor) -> Tensor:
        return torch.stack([self.step(sum(x)) for _ in range(TIMESTEPS)])

    with pytest.raises(CaptureError, match=r"^time_sum: must be computed once"):
        record(Network(Stateful, run), SEQUENCE)


@pytest.mark.parametrize(
    ("inputs", "timesteps", "message"),
    [
        (SEQUENCE, 4, r"must have as many frames as there are timesteps \(4, got 3"),
        (image(), 0, r"timesteps must be a whole number, at least 1 \(got 0\)"),
        (image(), 2.0, "timesteps must be a whole number"),
    ],
)
def test_a_wrong_number_of_timesteps_is_refused(
    inputs: Tensor, timesteps: Any, message: str
) -> None:
    with pytest.raises(CaptureError, match=message):
        record(Network(Stateful, one_step), inputs, timesteps=timesteps)


def test_a_network_that_sees_one_timestep_must_be_called_for_each() -> None:
    with pytest.raises(CaptureError, match=r"^sn1 \(neuron\): .*`timesteps=T`"):
        record(Network(Stateful, one_step), image())
    with pytest.raises(CaptureError, match=r"stem: .*needs `timesteps=T`"):
        record(Network(Stateful, one_step), SEQUENCE)
    assert record(Network(Stateful, one_step), image(), timesteps=1).workload.timesteps == 1


def test_outputs_must_be_the_same_at_every_call() -> None:
    class Alternating(Network):
        calls = 0

        def forward(self, x: Tensor) -> Tensor:
            spikes = self.step(x)
            self.calls += 1
            result: Tensor = spikes if self.calls < 3 else self.fc.bias * 0 + spikes
            return self.sn1.membrane if self.calls == 3 else result

    with pytest.raises(CaptureError, match=r"\(the output\): must be the same at every timestep"):
        record(Alternating(Stateful, one_step), image(), timesteps=TIMESTEPS)


def test_state_is_cleared_before_and_put_back_behind_a_recording() -> None:
    network = Network(Stateful, one_step).eval()
    with torch.no_grad():
        for _ in range(3):
            network(image())
    before = {name: network.get_submodule(name).membrane for name in ("sn1", "sn2", "sn3")}
    trace = record(network, image(), timesteps=TIMESTEPS)
    assert trace.hash == record(Network(Stateful, one_step), image(), timesteps=TIMESTEPS).hash
    for name, membrane in before.items():
        assert network.get_submodule(name).membrane is membrane
        assert not membrane.is_inference()


def test_a_loop_may_stand_inside_a_module() -> None:
    """As SpikingJelly's MultiStepContainer does it: time in, time out."""

    class Stepwise(nn.Sequential):
        def forward(self, x: Tensor) -> Tensor:
            return torch.stack([super(Stepwise, self).forward(frame) for frame in x])

    body = nn.Sequential(convolution(2, 4), Stateful(), nn.MaxPool2d(2), convolution(4, 3))
    trace = capture(Stepwise(*body).eval(), SEQUENCE, neurons=NEURONS)
    assert [layer.name for layer in trace.workload.layers] == ["0", "1", "2", "3"]
    assert trace.workload.layers[2].window == Window((2, 2), (2, 2))
    assert trace.workload.outputs == ("3",)
    assert trace.workload.tensor_by_name["3"].timesteps == TIMESTEPS
