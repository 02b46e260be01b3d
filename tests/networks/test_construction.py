import hashlib

import pytest
import torch
from safetensors.torch import save_file

from codesign.errors import InputError
from codesign.networks.batch_norm import fuse_batch_norm
from codesign.networks.construction import build, calibrated_network
from codesign.networks.provenance import weights_provenance
from codesign.networks.residual import residual_network
from codesign.networks.small_residual import SmallResidualNetwork, small_residual_network
from codesign.specs.workload import WorkloadSpec


def workload(**fields) -> WorkloadSpec:
    given = {
        "name": "net",
        "description": "a network",
        "family": "fsnn",
        "depth": 18,
        "timesteps": 2,
        "connection": "iand",
        "source": "assumed, because it is a test",
    }
    return WorkloadSpec.model_validate(given | fields)


def image() -> torch.Tensor:
    return torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0)) * 4 - 2


def test_a_workload_decides_the_network():
    spec = workload(family="dsnn", connection="xor", readout="accumulation", timesteps=3)
    network = build(spec)
    assert (network.family, network.depth, network.timesteps) == ("dsnn", 18, 3)
    assert (network.connection, network.readout) == ("xor", "accumulation")
    assert network.provenance == weights_provenance(spec)
    assert network.provenance["kind"] == "calibrated"


def test_weights_are_the_same_in_every_construction():
    first, second = (build(workload()).state_dict() for _ in range(2))
    assert all(torch.equal(first[key], second[key]) for key in first)


@pytest.mark.parametrize("depth", [18, 50])
def test_nothing_of_a_calibrated_network_is_left_without_values(depth):
    network = build(workload(family="dsnn", depth=depth, readout="sum"))
    assert all(torch.isfinite(tensor).all() for tensor in network.state_dict().values())
    assert not [name for name, tensor in network.state_dict().items() if tensor.is_meta]


def test_a_checkpoint_gives_the_network_that_was_saved(tmp_path):
    torch.manual_seed(0)
    saved = residual_network(family="fsnn", depth=18, timesteps=2)
    path = tmp_path / "weights.safetensors"
    save_file(saved.state_dict(), path)
    network = build(workload(weights=str(path), identity_start=True))
    fuse_batch_norm(saved)
    with torch.inference_mode():
        assert torch.equal(network(image()), saved(image()))
    assert network.provenance == {
        "kind": "checkpoint",
        "description": "from the checkpoint weights.safetensors, as given",
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
    }


def test_a_network_for_small_pictures_is_as_large_as_its_pictures_say(tmp_path):
    torch.manual_seed(1)
    options = {"family": "dsnn", "depth": 4, "width": 3, "timesteps": 2, "classes": 100}
    saved = small_residual_network(shape=(3, 32, 32), **options)
    path = tmp_path / "weights.safetensors"
    save_file(saved.state_dict(), path)
    small = {"structure": "small_resnet", "pictures": "cifar100", "depth": 4, "width": 3}
    spec = workload(**small, family="dsnn", readout="sum", weights=str(path))
    network = build(spec)
    assert isinstance(network, SmallResidualNetwork)
    assert network.size == saved.size
    fuse_batch_norm(saved)
    x = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        assert torch.equal(network(x), saved(x))


def test_a_workload_says_whether_the_streams_share_their_head(tmp_path):
    torch.manual_seed(2)
    options = {"depth": 3, "width": 2, "timesteps": 2, "shape": (1, 8, 8), "classes": 10}
    saved = small_residual_network(family="dsnn", shared_head=False, **options).eval()
    path = tmp_path / "weights.safetensors"
    save_file(saved.state_dict(), path)
    small = {"structure": "small_resnet", "pictures": "digits", "depth": 3, "width": 2}
    given = small | {"weights": str(path)}
    network = build(workload(**given, family="dsnn", readout="accumulation", shared_head=False))
    x = 4 * torch.rand(2, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    fuse_batch_norm(saved)
    with torch.inference_mode():
        spike, accumulation = saved.logits(x)
        assert torch.equal(network(x), accumulation)
        assert torch.equal(build(workload(**given))(x), spike)


def test_a_missing_checkpoint_is_refused_with_and_without_torch(tmp_path):
    spec = workload(weights=str(tmp_path / "absent.pth"))
    for find in (build, weights_provenance):
        with pytest.raises(InputError, match=r"absent\.pth: must be a readable checkpoint"):
            find(spec)


def test_identity_start_silences_the_branches_of_calibrated_weights():
    network = calibrated_network(family="fsnn", depth=18, identity_start=True)
    fired = []
    for block in network.blocks():
        block.get_submodule("sn2").register_forward_hook(lambda _m, _x, y: fired.append(y.sum()))
    with torch.inference_mode():
        network(image())
    assert [int(count) for count in fired] == [0] * 8
