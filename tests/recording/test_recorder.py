import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from codesign.errors import CaptureError
from codesign.recording import capture
from codesign.workload import Kind, LayerType, Stream
from tests.recording.example_networks import NEURONS, Batched, Chain, Integrate, convolution, hold
from tests.recording.example_networks import image as example_image


def small_network() -> nn.Sequential:
    torch.manual_seed(0)
    network = nn.Sequential(Batched(convolution(2, 4)), Integrate(), Batched(convolution(4, 3)))
    return network.eval()


SEQUENCE = example_image(4, 1, 2, 6, 6)


def test_recorded_spikes_are_those_that_a_hook_sees() -> None:
    network = small_network()
    seen = []
    handle = network[1].register_forward_hook(lambda _m, _i, output: seen.append(output.clone()))
    trace = capture(network, SEQUENCE, neurons=NEURONS)
    handle.remove()
    assert np.array_equal(trace.values("1"), seen[0].numpy().squeeze(1))
    assert 0 < trace.values("1").mean() < 1


def test_recording_leaves_the_network_as_it_was() -> None:
    network = small_network()
    expected = network(SEQUENCE)
    state = {name: value.clone() for name, value in network.state_dict().items()}
    capture(network, SEQUENCE, neurons=NEURONS)
    assert all(not m._forward_hooks and not m._forward_pre_hooks for m in network.modules())
    assert all(torch.equal(value, state[name]) for name, value in network.state_dict().items())
    assert torch.equal(network(SEQUENCE), expected)
    with pytest.raises(CaptureError):
        capture(network, torch.full_like(SEQUENCE, torch.nan), neurons=NEURONS)
    assert all(not m._forward_hooks and not m._forward_pre_hooks for m in network.modules())


def test_the_same_input_gives_the_same_trace() -> None:
    first, second = (
        capture(small_network(), SEQUENCE, name="small", neurons=NEURONS, provenance={"seed": 0})
        for _ in range(2)
    )
    assert first.hash == second.hash
    assert first.provenance == {"seed": 0}
    assert first.workload.name == "small"


def test_layers_are_named_by_their_modules() -> None:
    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.sn = Batched(convolution(4, 4)), Integrate()

        def forward(self, o: Tensor) -> Tensor:
            return o * (1 - self.sn(self.conv(o)))

    blocks = nn.Sequential(Block(), Block())
    workload = capture(Chain(blocks).eval(), example_image(), neurons=NEURONS).workload
    assert [layer.name for layer in workload.layers] == [
        "stem",
        "sn",
        "function.0.conv.0",
        "function.0.sn",
        "function.0.iand",
        "function.1.conv.0",
        "function.1.sn",
        "function.1.iand",
    ]
    assert all(layer.output == layer.name for layer in workload.layers)


def test_a_module_at_two_places_bears_the_name_of_each() -> None:
    shared = Batched(convolution(4, 4))
    workload = capture(
        Chain(nn.Sequential(shared, Integrate(), shared)).eval(), example_image(), neurons=NEURONS
    ).workload
    assert [layer.name for layer in workload.layers][2:] == [
        "function.0.0",
        "function.1",
        "function.2.0",
    ]


def test_a_module_that_is_called_again_numbers_its_layers() -> None:
    class Again(Chain):
        def forward(self, image: Tensor) -> Tensor:
            spikes = self.sn(hold(self.stem(image)))
            return self.sn(self.sn(spikes))

    workload = capture(Again(hold).eval(), example_image(), neurons=NEURONS).workload
    assert [layer.name for layer in workload.layers] == ["stem", "sn", "sn.2", "sn.3"]
    assert [layer.inputs for layer in workload.layers][2:] == [("sn",), ("sn.2",)]


def test_everything_inside_a_declared_module_is_in_the_accumulation_stream() -> None:
    class Pathway(nn.Module):
        stream = "accumulation"

        def __init__(self) -> None:
            super().__init__()
            self.inner = Batched(convolution(4, 4), nn.ReLU())

        def forward(self, a: Tensor) -> Tensor:
            return functional.conv2d(self.inner(a).flatten(0, 1), torch.ones(1, 4, 1, 1))

    workload = capture(Chain(Pathway()).eval(), example_image(), neurons=NEURONS).workload
    assert [(layer.name, layer.stream) for layer in workload.layers] == [
        ("stem", Stream.SPIKE),
        ("sn", Stream.SPIKE),
        ("function.inner.0", Stream.ACCUMULATION),
        ("function.inner.1", Stream.ACCUMULATION),
        ("function.conv2d", Stream.ACCUMULATION),
    ]


def test_a_subclass_of_a_neuron_is_a_neuron() -> None:
    class Leaky(Integrate):
        pass

    network = nn.Sequential(Batched(convolution(2, 4)), Leaky()).eval()
    [_, neuron] = capture(network, SEQUENCE, neurons={Integrate: "LIF"}).workload.layers
    assert (neuron.type, neuron.function) == (LayerType.NEURON, "LIF")


def test_masks_are_recorded_where_operations_depend_on_them() -> None:
    network = nn.Sequential(
        Batched(convolution(2, 4)),
        Integrate(),
        Batched(convolution(4, 4), nn.ReLU(), convolution(4, 2)),
    )
    trace = capture(network.eval(), SEQUENCE, neurons=NEURONS)
    real = {t.name for t in trace.workload.tensors if t.kind is Kind.REAL}
    assert real == {"input", "0.0", "2.0", "2.1", "2.2"}
    assert {name for name in trace.names if name in real} == {"input", "2.0", "2.1"}


def test_a_value_overwritten_in_place_is_not_read_again() -> None:
    def overwrite(s: Tensor) -> Tensor:
        flat = s.flatten(0, 1)
        pooled = functional.max_pool2d(flat, 1)
        flat.mul_(1 - pooled.view(flat.shape))  # s shares its memory
        return s

    with pytest.raises(CaptureError, match="must not read a value that was overwritten in place"):
        capture(Chain(overwrite).eval(), example_image(), neurons=NEURONS)

    def overwrite_current(image: Tensor) -> Tensor:
        view = image.flatten(0, 1)
        image.relu_()
        return view

    with pytest.raises(CaptureError, match="must not read a value that was overwritten in place"):
        capture(
            Chain(nn.Sequential(Batched(convolution(4, 4)), Call(overwrite_current))).eval(),
            example_image(),
            neurons=NEURONS,
        )


class Call(nn.Module):
    def __init__(self, function: object):
        super().__init__()
        self.function = function

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = self.function(x)  # type: ignore[operator]
        return result


def poisoned(value: float) -> nn.Sequential:
    network = small_network()
    convolution_layer = network[0][0]
    with torch.no_grad():
        convolution_layer.weight[1, 0, 0, 0] = value
    return network


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_current_that_is_not_finite_names_its_neuron(value: float) -> None:
    with pytest.raises(CaptureError, match=r"^1 \(neuron\): must read finite values \(got \d+ "):
        capture(poisoned(value), SEQUENCE, neurons=NEURONS)


def test_a_division_by_zero_names_the_neuron_that_reads_it() -> None:
    class Dividing(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x / 0

    network = Batched(convolution(2, 4), Dividing(), Integrate()).eval()
    with pytest.raises(CaptureError, match=r"must read finite values \(got \d+ "):
        capture(network, SEQUENCE, neurons=NEURONS)


def test_logits_that_are_not_finite_are_refused() -> None:
    network = small_network()
    with torch.no_grad():
        network[2][0].bias.fill_(torch.nan)
    with pytest.raises(CaptureError, match=r"the output.*must read finite values"):
        capture(network, SEQUENCE, neurons=NEURONS)


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        (SEQUENCE.expand(4, 2, 2, 6, 6), r"must hold one image \(got 2"),
        (example_image(2, 3, 8, 8), r"must hold one image \(got 2"),
        (SEQUENCE.int(), r"must be a floating-point tensor \(got torch.int32\)"),
        (SEQUENCE * torch.nan, r"must read finite values"),
        (SEQUENCE[..., :0], "must not be empty"),
        (None, r"must be a floating-point tensor \(got NoneType\)"),
    ],
)
def test_an_input_that_is_not_one_finite_image_is_refused(inputs: Tensor, message: str) -> None:
    with pytest.raises(CaptureError, match=message):
        capture(small_network(), inputs, neurons=NEURONS)


def test_an_input_that_torch_cannot_run_names_the_layer() -> None:
    with pytest.raises(CaptureError, match=r"^0\.0: must run on an input of shape \(4, 1, 3, 6, 6"):
        capture(small_network(), example_image(4, 1, 3, 6, 6), neurons=NEURONS)


def test_a_network_without_neurons_is_refused() -> None:
    with pytest.raises(CaptureError, match="must have at least one spiking neuron"):
        capture(Batched(convolution(2, 4)).eval(), SEQUENCE)


def test_an_undeclared_neuron_is_refused_where_it_is() -> None:
    with pytest.raises(CaptureError, match=r"^1 \(.*must be an operation whose cost is known"):
        capture(small_network(), SEQUENCE)


def test_a_network_in_training_mode_is_refused() -> None:
    with pytest.raises(CaptureError, match=r"Call `network.eval\(\)` first"):
        capture(small_network().train(), SEQUENCE, neurons=NEURONS)


def test_a_declared_neuron_must_fire_zeros_and_ones() -> None:
    class Graded(Integrate):
        def forward(self, currents: Tensor) -> Tensor:
            return super().forward(currents) * 0.5

    network = nn.Sequential(Batched(convolution(2, 4)), Graded()).eval()
    with pytest.raises(CaptureError, match=r"^1 \(neuron\): must give spikes of 0 and 1"):
        capture(network, SEQUENCE, neurons=NEURONS)


def test_a_neuron_must_see_time() -> None:
    class Timeless(Chain):
        def forward(self, image: Tensor) -> Tensor:
            result: Tensor = self.sn(self.stem(image))
            return result

    with pytest.raises(CaptureError, match=r"^sn \(neuron\): must see time first"):
        capture(Timeless(hold).eval(), example_image(), neurons=NEURONS)


def test_an_output_from_elsewhere_is_refused() -> None:
    with pytest.raises(CaptureError, match="computed from the network's input"):
        capture(Chain(lambda _: torch.ones(3)).eval(), example_image(), neurons=NEURONS)


def test_several_outputs_keep_their_order() -> None:
    class Both(Chain):
        def forward(self, image: Tensor) -> dict[str, object]:
            spikes = self.sn(hold(self.stem(image)))
            return {"mean": spikes.mean(0), "all": (spikes, [1 - spikes])}

    workload = capture(Both(hold).eval(), example_image(), neurons=NEURONS).workload
    assert workload.outputs == ("time_mean", "sn", "not")
