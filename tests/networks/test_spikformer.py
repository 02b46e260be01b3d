"""Spikformer: structure by hand, streams by their laws, options and refusals."""

from typing import Any

import pytest
import torch
from torch import nn

from codesign.errors import InputError
from codesign.networks.accumulation import Accumulation, AccumulationHead, SumOfHeads
from codesign.networks.construction import calibrated_network
from codesign.networks.neurons import LIF, Neuron
from codesign.networks.spikformer import Spikformer, spikformer


def image(side: int = 32, batch: int = 1) -> torch.Tensor:
    generator = torch.Generator().manual_seed(6)
    return torch.rand(batch, 3, side, side, generator=generator) * 4 - 2


def network(family: str, **options: Any) -> Spikformer:
    sizes = {"structure": "spikformer", "depth": 1, "width": 64}
    built = calibrated_network(family=family, **{**sizes, **options})
    assert isinstance(built, Spikformer)
    return built


def on_meta(**options: Any) -> Spikformer:
    with torch.device("meta"):
        return spikformer(**options)


def fired(net: nn.Module, x: torch.Tensor) -> list[torch.Tensor]:
    """Spikes of all neuron layers, in the order in which they are called."""
    found: list[torch.Tensor] = []
    hooks = [
        module.register_forward_hook(lambda _m, _x, y: found.append(y))
        for module in net.modules()
        if isinstance(module, Neuron)
    ]
    with torch.inference_mode():
        net(x)
    for hook in hooks:
        hook.remove()
    return found


def test_the_published_size_has_the_published_parameters():
    """9.32 M of Spikformer-4-384 with 10 classes, whose linear layers have biases of their own."""
    ours = sum(p.numel() for p in on_meta(family="sew", classes=10).parameters())
    biases = 4 * (3 * 384 + 384 + 4 * 384 + 384)
    assert round((ours + biases) / 1e6, 2) == 9.32


def test_the_pathway_adds_a_head_alone():
    fsnn, dsnn = (on_meta(family=family).state_dict().keys() for family in ("fsnn", "dsnn"))
    assert dsnn - fsnn == {"fc_acc.weight", "fc_acc.bias"}
    assert fsnn < dsnn
    shared = on_meta(family="dsnn", shared_head=True).state_dict().keys()
    assert shared == fsnn


def test_neurons_are_lif_with_tau_2_and_half_the_threshold_behind_attention():
    net = on_meta(family="fsnn", depth=2, width=64)
    neurons = {name: m for name, m in net.named_modules() if isinstance(m, Neuron)}
    assert len(neurons) == 4 + 1 + 2 * (3 + 1 + 1 + 2)
    for name, neuron in neurons.items():
        assert type(neuron) is LIF
        assert neuron.tau == 2
        assert neuron.v_threshold == (0.5 if name.endswith("attention.sn") else 1.0)


def test_everything_of_the_pathway_declares_the_accumulation_stream():
    net = on_meta(family="dsnn", depth=2, width=64)
    declared = [m for m in net.modules() if getattr(m, "stream", None) == "accumulation"]
    kinds = (Accumulation, AccumulationHead, SumOfHeads)
    assert declared == [m for m in net.modules() if isinstance(m, kinds)]
    assert len(declared) == 1 + 2 * 2 + 2


@pytest.mark.parametrize("family", ["fsnn", "dsnn", "sew"])
@pytest.mark.parametrize(("side", "timesteps"), [(32, 1), (16, 5)])
def test_logits_have_a_row_per_image_of_any_size(family: str, side: int, timesteps: int):
    with torch.inference_mode():
        assert network(family, timesteps=timesteps)(image(side, batch=2)).shape == (2, 100)


@pytest.mark.parametrize("family", ["dsnn", "sew"])
def test_the_order_of_attention_does_not_change_a_spike(family: str):
    scores, context = (fired(network(family, attention=a), image()) for a in ("scores", "context"))
    assert all(torch.equal(a, b) for a, b in zip(scores, context, strict=True))
    assert sum(bool(spikes.any()) for spikes in scores) == len(scores)


def test_attention_is_the_product_of_its_spikes():
    net = network("fsnn")
    seen: dict[str, torch.Tensor] = {}
    attention = net.get_submodule("block1.attention")
    for name in "qkv":
        attention.get_submodule(name).register_forward_hook(
            lambda _m, _x, y, name=name: seen.update({name: y})
        )
    attention.get_submodule("sn").register_forward_pre_hook(lambda _m, x: seen.update(current=x[0]))
    with torch.inference_mode():
        net(image())
    q, k, v = (seen[name].reshape(4, 2, 32, 64) for name in "qkv")
    expected = torch.einsum("thcn,thcm,thdm->thdn", q, k, v) * 0.125
    assert torch.equal(seen["current"].reshape(expected.shape), expected)
    assert expected.max() > 0.5


@pytest.mark.parametrize("connection", ["and", "iand", "or", "xor"])
def test_the_spike_stream_does_not_feel_the_pathway(connection: str):
    fsnn = fired(network("fsnn", connection=connection), image())
    dsnn = fired(network("dsnn", connection=connection), image())
    assert all(torch.equal(a, b) for a, b in zip(fsnn, dsnn, strict=True))


def test_the_accumulation_is_the_sum_of_all_branches_from_the_patches_on():
    net = network("dsnn")
    ends: list[torch.Tensor] = []
    parts = ("patches", "position.encode", "block1.attention.proj", "block1.mlp.fc2")
    for name in parts:
        net.get_submodule(name).register_forward_hook(lambda _m, _x, y: ends.append(y))
    with torch.inference_mode():
        _, a = net.features(image(), accumulate=True)
    assert len(ends) == 4
    assert a is not None
    assert torch.equal(a, torch.stack(ends).sum(0))
    assert a.max() > 1


def test_images_of_a_batch_do_not_mix():
    net = network("sew")
    images = image(batch=2)
    with torch.inference_mode():
        both, _ = net.features(images, accumulate=False)
        second, _ = net.features(images[1:], accumulate=False)
    assert torch.equal(both[:, 1:], second)


@pytest.mark.parametrize("connection", ["add", "iand", "or", "xor", "and"])
def test_identity_start_passes_spikes_on_through_every_branch(connection: str):
    family = "sew" if connection == "add" else "fsnn"
    options = {"depth": 1, "width": 32, "connection": connection}
    net = spikformer(family=family, identity_start=True, **options).eval()
    with torch.no_grad():
        spikes = net.patches(net.hold(image()))
        passed, _ = net.features(image(), accumulate=False)
    assert torch.equal(passed, spikes)


def test_training_reaches_every_parameter():
    torch.manual_seed(0)
    net = spikformer(family="dsnn", depth=1, width=32, timesteps=2, classes=10)
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.constant_(module.bias, 0.5)
    spike, accumulation = net.logits(image(batch=2))
    assert accumulation is not None
    (spike.sum() + accumulation.sum()).backward()
    assert all(parameter.grad is not None for parameter in net.parameters())


def test_all_faults_are_named_at_once():
    with pytest.raises(InputError) as caught:
        spikformer(family="fsnn", connection="add", readout="sum", depth=0, width=40, timesteps=0)
    places = [fault.place for fault in caught.value.faults]
    assert places == ["connection", "readout", "depth", "timesteps", "width"]
    with pytest.raises(InputError, match="attention: must be one of scores, context"):
        spikformer(family="sew", attention="softmax")


@pytest.mark.parametrize("shape", [(3, 32, 32), (1, 1, 32, 32), (1, 3, 30, 32), (4, 1, 3, 32, 32)])
def test_images_of_another_shape_are_refused(shape: tuple[int, ...]):
    with pytest.raises(InputError, match=r"image: must have the shape \(N, 3, H, W\)"):
        network("fsnn")(torch.zeros(shape))
