"""Networks for small pictures."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from codesign.errors import InputError
from codesign.networks.blocks import MembraneBlock, SpikeBlock
from codesign.networks.neurons import IF, Neuron
from codesign.networks.small_residual import Size, SmallResidualNetwork, small_residual_network

FAMILIES = ("fsnn", "dsnn", "sew", "spiking_resnet")
LOGIC = ("and", "iand", "or", "xor")


def network(**changes: object) -> SmallResidualNetwork:
    options = {"family": "fsnn", "depth": 5, "width": 4, "shape": (1, 8, 8), "classes": 10}
    return small_residual_network(**(options | changes))  # type: ignore[arg-type]


def pictures(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(shape or (3, 1, 8, 8), generator=torch.Generator().manual_seed(seed))


def settled(**changes: object) -> SmallResidualNetwork:
    """A fresh network in evaluation, with statistics of a few batches in its batch norms."""
    torch.manual_seed(5)
    made = network(**changes)
    with torch.no_grad():
        for seed in range(3):
            made(4 * pictures(8, 1, 8, 8, seed=seed) - 1)
    return made.eval()


def blocks_seen(made: SmallResidualNetwork, x: Tensor) -> list[tuple[Tensor, Tensor]]:
    """Spike stream before and after each block."""
    seen: list[tuple[Tensor, Tensor]] = []
    hooks = [
        block.register_forward_hook(lambda _m, x, y: seen.append((x[0][0], y[0])))
        for block in made.blocks()
    ]
    with torch.no_grad():
        made(x)
    for hook in hooks:
        hook.remove()
    return seen


@given(st.integers(3, 200))
def test_blocks_are_shared_out_among_the_stages_the_first_ones_getting_more(depth: int) -> None:
    blocks = Size(depth, 16, 1, 8, 10).blocks()
    assert sum(blocks) == depth
    assert len(blocks) == 3
    assert sorted(blocks, reverse=True) == list(blocks)
    assert blocks[0] - blocks[2] <= 1


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("depth", [3, 4, 8])
def test_a_network_has_the_blocks_of_its_depth(family: str, depth: int) -> None:
    made = network(family=family, depth=depth)
    assert len(made.blocks()) == depth
    kind = MembraneBlock if family == "spiking_resnet" else SpikeBlock
    assert {type(block) for block in made.blocks()} == {kind}
    assert {block.depth for block in made.blocks()} == {2}


@pytest.mark.parametrize(
    ("side", "sides"),
    [(8, (8, 4, 2)), (16, (16, 8, 4)), (17, (9, 5, 3)), (28, (14, 7, 4)), (32, (16, 8, 4))],
)
def test_maps_halve_as_channels_double_and_large_pictures_halve_first(
    side: int, sides: tuple[int, ...]
) -> None:
    made = network(shape=(3, side, side), depth=3, timesteps=2)
    seen = blocks_seen(made, pictures(2, 3, side, side))
    shapes = [tuple(after.shape) for _, after in seen]
    assert shapes == [(2, 2, 4 * 2**n, each, each) for n, each in enumerate(sides)]


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("shape", [(1, 8, 8), (1, 28, 28), (3, 32, 32)])
def test_logits_have_a_row_per_picture(family: str, shape: tuple[int, int, int]) -> None:
    made = network(family=family, shape=shape, classes=7)
    assert made(pictures(2, *shape)).shape == (2, 7)


def test_the_convolution_that_sees_the_picture_runs_once_whatever_the_timesteps() -> None:
    made = network(timesteps=5)
    shapes: list[tuple[int, ...]] = []
    made.conv1.register_forward_hook(lambda _m, _x, y: shapes.append(tuple(y.shape)))
    made.sn1.register_forward_hook(lambda _m, _x, y: shapes.append(tuple(y.shape)))
    made(pictures())
    assert shapes == [(3, 4, 8, 8), (5, 3, 4, 8, 8)]


def parameters(made: nn.Module) -> int:
    return sum(parameter.numel() for parameter in made.parameters())


def test_parameters_are_those_counted_by_hand() -> None:
    # depth 4, width 4: stem, two blocks of 4, one of 8, one of 16 channels, the head
    convolutions = 9 * 4 + 4 * 9 * 4 * 4 + 9 * (4 * 8 + 8 * 8) + 9 * (8 * 16 + 16 * 16)
    shortcuts = 4 * 8 + 8 * 16
    norms = 2 * (4 + 4 * 4 + 3 * 8 + 3 * 16)
    head = 16 * 10 + 10
    expected = convolutions + shortcuts + norms + head
    assert {
        parameters(network(family=family, depth=4)) for family in FAMILIES if family != "dsnn"
    } == {expected}
    pathway = 9 * (4 + 8) + 4 * 8 + 8 * 16 + 2 * (8 + 16)
    assert parameters(network(family="dsnn", depth=4)) == expected + pathway
    separate = network(family="dsnn", depth=4, shared_head=False)
    assert parameters(separate) == expected + pathway + head


@pytest.mark.parametrize("connection", LOGIC)
def test_what_flows_between_blocks_of_a_full_spike_network_is_spikes(connection: str) -> None:
    seen = blocks_seen(settled(connection=connection, depth=6), pictures(8, 1, 8, 8))
    values = {float(value) for _, after in seen for value in after.unique()}
    assert values <= {0.0, 1.0}
    assert seen[0][0].unique().tolist() == [0.0, 1.0]


def test_integers_of_sew_grow_by_one_a_block_and_start_again_at_each_stage() -> None:
    made = settled(family="sew", depth=9)
    seen = blocks_seen(made, 4 * pictures(8, 1, 8, 8))
    largest = [int(after.max()) for _, after in seen]
    limits = [2, 3, 4] + [2, 3, 4] * 2  # blocks of the stage so far, and the spikes before them
    assert all(value <= limit for value, limit in zip(largest, limits, strict=True))
    assert max(largest) > 1
    assert all(torch.equal(after, after.round()) and after.min() >= 0 for _, after in seen)


@pytest.mark.parametrize("timesteps", [1, 2, 7])
def test_a_picture_is_held_for_the_timesteps(timesteps: int) -> None:
    made = network(timesteps=timesteps)
    o, a = made.features(pictures(), accumulate=False)
    assert a is None
    assert o.shape == (timesteps, 3, 16, 2, 2)


def test_neurons_are_integrate_and_fire_as_published_for_imagenet() -> None:
    neurons = [module for module in network().modules() if isinstance(module, Neuron)]
    assert {type(neuron) for neuron in neurons} == {IF}
    settings = {(n.v_threshold, n.v_reset, n.detach_reset, n.surrogate_slope) for n in neurons}
    assert settings == {(1.0, 0.0, True, 2.0)}
    assert len(neurons) == 1 + 2 * 5 + 2


@pytest.mark.parametrize("is_training", [True, False])
@pytest.mark.parametrize(
    ("family", "connection"),
    [
        *(("fsnn", g) for g in LOGIC),
        *(("dsnn", g) for g in LOGIC),
        ("sew", "add"),
        ("spiking_resnet", None),
    ],
)
def test_identity_start_passes_the_spikes_of_every_block_on_unchanged(
    family: str, connection: str | None, is_training: bool
) -> None:
    made = network(family=family, connection=connection, depth=9, identity_start=True)
    made.train(is_training)
    seen = blocks_seen(made, 6 * pictures(4, 1, 8, 8) - 1)
    changed = [block.downsample is not None for block in made.blocks()]
    assert changed == [False] * 3 + [True, False, False] * 2
    for (before, after), is_changed in zip(seen, changed, strict=True):
        assert is_changed or torch.equal(before, after)
    assert 0.05 < seen[0][0].mean() < 0.95


@pytest.mark.parametrize("connection", LOGIC)
def test_without_identity_start_blocks_change_their_spikes(connection: str) -> None:
    seen = blocks_seen(settled(connection=connection, depth=4), 4 * pictures(8, 1, 8, 8))
    assert not torch.equal(*seen[0])


@pytest.mark.parametrize("shared_head", [True, False])
@pytest.mark.parametrize("connection", LOGIC)
def test_removing_the_pathway_leaves_the_spike_logits_as_they_are(
    connection: str, shared_head: bool
) -> None:
    # branches of AND that do not always fire would silence it
    options = {"connection": connection, "depth": 5, "identity_start": connection == "and"}
    dual = settled(family="dsnn", shared_head=shared_head, **options)
    x = 4 * pictures(8, 1, 8, 8, seed=9)
    with torch.no_grad():
        spike, accumulation = dual.logits(x)
        assert accumulation is not None
        assert not torch.equal(spike, accumulation)
        dual.readout = "spike"
        assert torch.equal(dual(x), spike)
        single = network(**options)
        missing, unexpected = single.load_state_dict(dual.state_dict(), strict=False)
        assert torch.equal(single.eval()(x), spike)
    assert not missing
    assert all(".pool." in key or key.startswith("fc_acc.") for key in unexpected)
    assert spike.std(dim=0).max() > 0


def test_a_resting_pathway_is_not_computed() -> None:
    made = network(family="dsnn", readout="spike")
    for block in made.blocks():
        assert block.accumulation is not None
        block.accumulation.register_forward_hook(lambda *_: pytest.fail("it was"))
    made(pictures())


def test_training_reaches_every_parameter_through_both_heads() -> None:
    made = network(family="dsnn", connection="or")
    spike, accumulation = made.logits(4 * pictures(8, 1, 8, 8))
    assert accumulation is not None
    (spike.square().sum() + accumulation.square().sum()).backward()
    assert all(parameter.grad is not None for parameter in made.parameters())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"depth": 2}, r"^depth: must be at least 3 \(got 2\)"),
        ({"width": 0}, r"^width: must be at least 1 \(got 0\)"),
        ({"timesteps": 0}, r"^timesteps: must be at least 1 \(got 0\)"),
        ({"classes": 1}, r"^classes: must be at least 2 \(got 1\)"),
        ({"shape": (1, 8, 9)}, r"^shape: must be \(C, H, H\) \(got \(1, 8, 9\)\)"),
        ({"shape": (0, 8, 8)}, r"^shape: must be \(C, H, H\)"),
        ({"family": "fsn"}, r"^family: .*'fsn'.*Did you mean 'fsnn'\?"),
        ({"connection": "add"}, r"^connection: must fit the family fsnn \(got 'add'\)"),
        ({"family": "spiking_resnet", "connection": "or"}, r"^connection: "),
        ({"readout": "sum"}, r"^readout: must be one of spike for fsnn \(got 'sum'\)"),
    ],
)
def test_impossible_networks_are_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        network(**options)


def test_all_faults_are_named_at_once() -> None:
    with pytest.raises(InputError) as caught:
        network(
            family="sew",
            connection="or",
            readout="sum",
            depth=1,
            width=-1,
            timesteps=0,
            classes=0,
            shape=(1, 2, 3),
        )
    places = [fault.place for fault in caught.value.faults]
    assert places == ["connection", "readout", "depth", "width", "timesteps", "classes", "shape"]


@pytest.mark.parametrize("shape", [(1, 8, 8), (4, 1, 1, 8, 8), (1, 3, 8, 8), (1, 1, 8, 9)])
def test_pictures_of_another_shape_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match=r"^pictures: must have the shape \(N, 1, 8, 8\) \(got"):
        network()(torch.zeros(shape))


def test_td_bn_is_the_batch_norm_of_the_spiking_resnet_alone() -> None:
    kinds = {
        family: {
            type(module).__name__
            for module in network(family=family).modules()
            if isinstance(module, nn.BatchNorm2d)
        }
        for family in FAMILIES
    }
    assert kinds.pop("spiking_resnet") == {"ThresholdBatchNorm2d"}
    assert set.union(*kinds.values()) == {"BatchNorm2d"}


def test_names_are_those_of_the_networks_for_imagenet() -> None:
    keys = network(family="dsnn").state_dict().keys()
    assert {
        "conv1.weight",
        "bn1.weight",
        "layer1.1.conv2.1.bias",
        "layer2.0.pool.0.0.weight",
    } < keys
