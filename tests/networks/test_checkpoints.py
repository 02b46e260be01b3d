import argparse
import pickle
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from codesign.errors import InputError
from codesign.networks.checkpoints import load_checkpoint
from codesign.networks.residual import ResidualNetwork, residual_network


def small(**options) -> ResidualNetwork:
    return residual_network(**({"family": "fsnn", "depth": 18, "classes": 10} | options))


@pytest.fixture(scope="module")
def source() -> dict[str, torch.Tensor]:
    """State dict of a dual-stream network with two heads."""
    return small(family="dsnn", shared_head=False).state_dict()


def published(key: str) -> str:
    """The key as the published code's wrapper spells it."""
    parts = key.split(".")
    if parts[0].startswith("layer"):
        where = 4 if parts[2] == "downsample" else 3
        parts.insert(where, "module")
    return ".".join(parts)


def assert_loaded(network: ResidualNetwork, source: dict[str, torch.Tensor]) -> None:
    state = network.state_dict()
    assert state.keys() <= source.keys()
    assert all(torch.equal(value, source[key]) for key, value in state.items())


@pytest.mark.parametrize("wrap", [None, "model", "state_dict"])
def test_torch_files_load_bare_or_wrapped(tmp_path, source, wrap):
    path = tmp_path / "weights.pth"
    content = source if wrap is None else {wrap: source, "epoch": 3, "optimizer": {"state": {}}}
    torch.save(content, path)
    network = small(family="dsnn", shared_head=False)
    load_checkpoint(network, path)
    assert_loaded(network, source)


def test_safetensors_files_load_whatever_their_name(tmp_path, source):
    path = tmp_path / "weights"
    save_file(source, path)
    network = small(family="dsnn", shared_head=False)
    load_checkpoint(network, str(path))
    assert_loaded(network, source)


def test_published_names_load(tmp_path, source):
    path = tmp_path / "weights.pth"
    renamed = {f"module.{published(key)}": value for key, value in source.items()}
    assert "module.layer2.0.pool.module.0.0.weight" in renamed
    assert "module.layer2.0.downsample.0.module.0.weight" in renamed
    torch.save({"model": renamed, "args": argparse.Namespace(lr=0.1)}, path)
    network = small(family="dsnn", shared_head=False)
    load_checkpoint(network, path)
    assert_loaded(network, source)


@pytest.mark.parametrize("family", ["fsnn", "dsnn"])
def test_both_networks_of_dual_stream_training_take_its_checkpoint(tmp_path, source, family):
    path = tmp_path / "weights.safetensors"
    save_file(source, path)
    network = small(family=family)  # one head: the second, unused one of the file is left out
    load_checkpoint(network, path)
    assert_loaded(network, source)


def test_counters_of_batch_norms_may_be_absent(tmp_path, source):
    path = tmp_path / "weights.safetensors"
    save_file({k: v for k, v in source.items() if not k.endswith("num_batches_tracked")}, path)
    network = small(family="dsnn", shared_head=False)
    load_checkpoint(network, path)
    assert_loaded(network, source)


def test_all_that_does_not_fit_is_named_at_once_and_nothing_is_loaded(tmp_path, source):
    broken = dict(source)
    del broken["conv1.weight"], broken["layer4.1.conv2.1.bias"]
    broken["fc.weight"] = torch.zeros(10, 511)
    broken["fc.bias"] = torch.full((10,), torch.nan)
    broken["layer1.2.conv1.0.weight"] = torch.zeros(1)
    path = tmp_path / "weights.pth"
    torch.save({**broken, "bn1.bias": [0.0] * 64}, path)
    network = small()
    before = {key: value.clone() for key, value in network.state_dict().items()}
    with pytest.raises(InputError) as caught:
        load_checkpoint(network, path)
    assert {fault.problem for fault in caught.value.faults} == {
        "must have an entry 'conv1.weight' (it is missing).",
        "must have an entry 'layer4.1.conv2.1.bias' (it is missing).",
        "'fc.weight' must have the shape (10, 512) (got (10, 511)).",
        "'fc.bias' must be finite (got NaN or infinity).",
        "'bn1.bias' must be a tensor (got list).",
        "must have only entries of this network (got 'layer1.2.conv1.0.weight' too).",
    }
    assert {fault.place for fault in caught.value.faults} == {str(path)}
    assert all(torch.equal(value, before[key]) for key, value in network.state_dict().items())


class Trap:
    """Runs code when it is unpickled by a reader that lets it."""

    def __init__(self, path: Path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


@pytest.mark.parametrize("save", [torch.save, lambda x, path: path.write_bytes(pickle.dumps(x))])
def test_a_file_that_carries_code_is_refused_and_the_code_not_run(tmp_path, save):
    path, sprung = tmp_path / "weights.pth", tmp_path / "sprung"
    save({"model": Trap(sprung)}, path)
    with pytest.raises(InputError, match=r"weights\.pth: must hold tensors .* never run\)\. Save"):
        load_checkpoint(small(), path)
    assert not sprung.exists()
    pickle.loads(pickle.dumps(Trap(sprung)))
    assert sprung.exists()  # the trap is one


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "must be a whole checkpoint|must hold tensors"),
        (b"a", "must be a whole checkpoint|must hold tensors"),
        (b"root:x:0:0:root:/root:/bin/bash\n", "must be a whole checkpoint|must hold tensors"),
        (b"no checkpoint at all", "must hold tensors"),
        (b"\x80\x00\x00\x00\x00\x00\x00\x00{broken", "must be a whole checkpoint"),
    ],
)
def test_what_is_no_checkpoint_is_refused(tmp_path, content, message):
    path = tmp_path / "weights"
    path.write_bytes(content)
    with pytest.raises(InputError, match=message):
        load_checkpoint(small(), path)


@pytest.mark.parametrize("writer", [torch.save, save_file])
def test_a_truncated_checkpoint_is_refused(tmp_path, source, writer):
    path = tmp_path / "weights"
    writer(source, path)
    path.write_bytes(path.read_bytes()[:-1000])
    with pytest.raises(InputError, match="must be a whole checkpoint"):
        load_checkpoint(small(), path)


def test_a_missing_file_or_a_folder_is_refused(tmp_path):
    for path in (tmp_path / "absent.pth", tmp_path):
        with pytest.raises(InputError, match="must be a readable checkpoint"):
            load_checkpoint(small(), path)


@pytest.mark.parametrize("content", [[torch.zeros(1)], torch.zeros(1), {1: torch.zeros(1)}])
def test_what_is_no_mapping_of_names_is_refused(tmp_path, content):
    path = tmp_path / "weights.pth"
    torch.save(content, path)
    with pytest.raises(InputError, match="must hold a mapping of names to tensors"):
        load_checkpoint(small(), path)


def test_weights_that_were_quantised_are_refused(tmp_path, source):
    quantised = source["conv1.weight"].to(torch.int32)  # nearly all of it zero
    torch.save(source | {"conv1.weight": quantised}, tmp_path / "quantised.pth")
    with pytest.raises(InputError, match=r"'conv1.weight' must hold floating-point values \(got"):
        load_checkpoint(small(family="dsnn", shared_head=False), tmp_path / "quantised.pth")
