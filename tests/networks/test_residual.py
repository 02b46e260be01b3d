import pytest
import torch
from torch import nn

from codesign.errors import InputError
from codesign.networks.accumulation import (
    Accumulation,
    AccumulationDownsample,
    AccumulationHead,
    SumOfHeads,
)
from codesign.networks.construction import calibrated_network
from codesign.networks.neurons import IF, Neuron
from codesign.networks.residual import residual_network

# weights, batch norms and head of the ResNets with 1000 classes, as published
# (He et al., CVPR 2016, in their usual implementations); the spiking ones have the same
PARAMETERS = {
    18: 11_689_512,
    34: 21_797_672,
    50: 25_557_032,
    101: 44_549_160,
    152: 60_192_808,
}

# depthwise 3x3 and pointwise weights at the changes of shape, by hand
PATHWAY_WEIGHTS = {
    18: 9 * (64 + 128 + 256) + 64 * 128 + 128 * 256 + 256 * 512,
    50: 9 * (256 + 512 + 1024) + 64 * 256 + 256 * 512 + 512 * 1024 + 1024 * 2048,
}


def image(side: int = 64, batch: int = 1) -> torch.Tensor:
    return torch.rand(batch, 3, side, side, generator=torch.Generator().manual_seed(3)) * 4 - 2


def on_meta(**options):
    with torch.device("meta"):
        return residual_network(**options)


def parameters(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


@pytest.mark.parametrize("family", ["fsnn", "sew", "spiking_resnet"])
@pytest.mark.parametrize("depth", PARAMETERS)
def test_networks_have_as_many_parameters_as_the_resnet_of_their_depth(family, depth):
    assert parameters(on_meta(family=family, depth=depth)) == PARAMETERS[depth]


@pytest.mark.parametrize(
    ("depth", "weights", "channels"),
    [(18, 176_064, 128 + 256 + 512), (50, 2_785_024, 256 + 512 + 1024 + 2048)],
)
def test_pathway_adds_its_convolutions_and_batch_norms_alone(depth, weights, channels):
    assert PATHWAY_WEIGHTS[depth] == weights
    added = parameters(on_meta(family="dsnn", depth=depth)) - PARAMETERS[depth]
    assert added == weights + 2 * channels


def test_a_separate_head_adds_one_linear_layer():
    shared = on_meta(family="dsnn", depth=18)
    separate = on_meta(family="dsnn", depth=18, shared_head=False)
    assert parameters(separate) - parameters(shared) == 512 * 1000 + 1000


@pytest.mark.parametrize("depth", PARAMETERS)
def test_dual_stream_network_is_the_full_spike_network_and_the_pathway(depth):
    fsnn = on_meta(family="fsnn", depth=depth).state_dict().keys()
    dsnn = on_meta(family="dsnn", depth=depth).state_dict().keys()
    assert fsnn < dsnn
    assert all(".pool." in key for key in dsnn - fsnn)


def test_names_are_the_published_ones_without_the_wrapper():
    keys = on_meta(family="dsnn", depth=50).state_dict().keys()
    assert {
        "conv1.weight",
        "bn1.running_mean",
        "layer1.0.conv3.1.weight",
        "layer1.0.pool.0.weight",
        "layer2.0.downsample.0.0.weight",
        "layer2.0.pool.0.0.weight",
        "layer2.0.pool.0.1.weight",
        "layer2.0.pool.1.bias",
        "fc.weight",
    } < keys
    assert "layer2.0.downsample.0.weight" in on_meta(family="spiking_resnet", depth=50).state_dict()


def test_everything_of_the_pathway_declares_the_accumulation_stream():
    network = on_meta(family="dsnn", depth=50)
    kinds = (Accumulation, AccumulationDownsample, AccumulationHead, SumOfHeads)
    declared = [m for m in network.modules() if getattr(m, "stream", None) == "accumulation"]
    assert declared == [m for m in network.modules() if isinstance(m, kinds)]
    assert len(declared) == 16 + 4 + 2


@pytest.mark.parametrize("family", ["fsnn", "dsnn", "sew", "spiking_resnet"])
@pytest.mark.parametrize("depth", [18, 50])
def test_logits_have_a_row_per_image(family, depth):
    network = calibrated_network(family=family, depth=depth, timesteps=2)
    with torch.inference_mode():
        assert network(image(batch=2)).shape == (2, 1000)


def test_images_of_a_batch_do_not_mix():
    network = calibrated_network(family="dsnn", depth=18)
    images = image(batch=2)
    with torch.inference_mode():
        both, _ = network.features(images, accumulate=False)
        second, _ = network.features(images[1:], accumulate=False)
    assert torch.equal(both[:, 1:], second)


def test_the_stem_runs_once_whatever_the_timesteps():
    network = calibrated_network(family="fsnn", depth=18, timesteps=5)
    shapes = []
    network.conv1.register_forward_hook(lambda _m, _x, y: shapes.append(tuple(y.shape)))
    network.sn1.register_forward_hook(lambda _m, _x, y: shapes.append(tuple(y.shape)))
    with torch.inference_mode():
        network(image())
    assert shapes == [(1, 64, 32, 32), (5, 1, 64, 32, 32)]


def spikes(network: nn.Module, x: torch.Tensor) -> list[torch.Tensor]:
    """Spikes of every neuron layer, by plain forward hooks."""
    found: list[torch.Tensor] = []
    hooks = [
        module.register_forward_hook(lambda _m, _x, y: found.append(y))
        for module in network.modules()
        if isinstance(module, Neuron)
    ]
    with torch.inference_mode():
        network(x)
    for hook in hooks:
        hook.remove()
    return found


@pytest.mark.parametrize("connection", ["and", "iand", "or", "xor"])
@pytest.mark.parametrize("depth", [18, 50])
def test_the_spike_stream_does_not_feel_the_pathway(connection, depth):
    options = {"depth": depth, "connection": connection}
    fsnn = spikes(calibrated_network(family="fsnn", **options), image())
    dsnn = spikes(calibrated_network(family="dsnn", **options), image())
    assert len(fsnn) == len(dsnn)
    assert all(torch.equal(a, b) for a, b in zip(fsnn, dsnn, strict=True))


def test_accumulation_stream_holds_the_sum_of_the_branches_spikes():
    network = calibrated_network(family="dsnn", depth=18)
    branches = []
    for block in network.get_submodule("layer1").children():
        block.get_submodule("sn2").register_forward_hook(lambda _m, _x, y: branches.append(y))
    sums = []
    network.get_submodule("layer1").register_forward_hook(lambda _m, x, y: sums.append((x, y)))
    with torch.inference_mode():
        network(image())
    ((((_, entered),), (_, left)),) = sums
    assert torch.equal(left, entered + branches[0] + branches[1])
    assert left.max() > 1


def test_sum_reads_out_both_heads():
    logits = {}
    for readout in ("spike", "accumulation", "sum"):
        network = calibrated_network(family="dsnn", depth=18, readout=readout)
        with torch.inference_mode():
            logits[readout] = network(image())
    assert torch.equal(logits["sum"], logits["spike"] + logits["accumulation"])
    assert not torch.equal(logits["spike"], logits["accumulation"])


def test_training_sees_the_logits_of_both_heads():
    network = residual_network(family="dsnn", depth=18, timesteps=2, classes=10)
    spike, accumulation = network.logits(image(32, batch=2))
    assert accumulation is not None
    (spike.sum() + accumulation.sum()).backward()
    assert all(parameter.grad is not None for parameter in network.parameters())


@pytest.mark.parametrize(
    ("family", "connection"),
    [
        ("fsnn", "iand"),
        ("fsnn", "or"),
        ("fsnn", "xor"),
        ("fsnn", "and"),
        ("sew", "add"),
        ("spiking_resnet", None),
    ],
)
@pytest.mark.parametrize("depth", [18, 50])
def test_identity_start_passes_spikes_on_unchanged(family, connection, depth):
    network = residual_network(
        family=family, depth=depth, connection=connection, identity_start=True
    ).eval()
    channels = 64 if depth == 18 else 256
    generator = torch.Generator().manual_seed(4)
    o = (torch.rand(4, 1, channels, 8, 8, generator=generator) < 0.3).float()
    block = network.get_submodule("layer1.1")
    with torch.no_grad():
        passed, _ = block((o, None))
    assert torch.equal(passed, o)


def test_without_identity_start_blocks_change_their_spikes():
    network = residual_network(family="fsnn", depth=18, connection="xor").eval()
    o = torch.ones(4, 1, 64, 8, 8)
    with torch.no_grad():
        passed, _ = network.get_submodule("layer1.1")((o, None))
    assert not torch.equal(passed, o)


def test_neurons_are_those_of_the_published_imagenet_networks():
    neurons = [m for m in on_meta(family="fsnn", depth=18).modules() if isinstance(m, Neuron)]
    assert {type(neuron) for neuron in neurons} == {IF}
    settings = {(n.v_threshold, n.v_reset, n.detach_reset, n.surrogate_slope) for n in neurons}
    assert settings == {(1.0, 0.0, True, 2.0)}
    assert len(neurons) == 1 + 16 + 3


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"family": "fsn", "depth": 18}, r"family: .*'fsn'.*Did you mean 'fsnn'\?"),
        ({"family": "fsnn", "depth": 20}, r"depth: must be one of 18, 34, .*\(got 20\)"),
        ({"family": "fsnn", "depth": 18, "connection": "add"}, r"connection: .*\(got 'add'\)"),
        ({"family": "sew", "depth": 18, "connection": "iand"}, r"connection: .*sew"),
        ({"family": "spiking_resnet", "depth": 18, "connection": "or"}, r"connection: "),
        ({"family": "fsnn", "depth": 18, "timesteps": 0}, r"timesteps: .*\(got 0\)"),
        ({"family": "fsnn", "depth": 18, "readout": "sum"}, r"readout: .*\(got 'sum'\)"),
    ],
)
def test_impossible_networks_are_refused(options, message):
    with pytest.raises(InputError, match=message):
        residual_network(**options)


def test_all_faults_are_named_at_once():
    with pytest.raises(InputError) as caught:
        residual_network(family="sew", depth=19, timesteps=-1, connection="or", readout="sum")
    places = [fault.place for fault in caught.value.faults]
    assert places == ["connection", "readout", "depth", "timesteps"]


@pytest.mark.parametrize("shape", [(3, 64, 64), (4, 1, 3, 64, 64), (1, 1, 64, 64)])
def test_images_of_another_shape_are_refused(shape):
    network = calibrated_network(family="fsnn", depth=18)
    with pytest.raises(InputError, match=r"image: must have the shape \(N, 3, H, W\)"):
        network(torch.zeros(shape))
