import json
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import nn

from codesign.errors import InputError
from codesign.training.checkpoints import (
    Progress,
    machine,
    read_checkpoint,
    write_checkpoint,
)


def made(inputs: int = 3, seed: int = 0) -> tuple[nn.Module, torch.optim.Optimizer]:
    torch.manual_seed(seed)
    network = nn.Sequential(nn.Linear(inputs, 4), nn.BatchNorm1d(4), nn.Linear(4, 2))
    steps = torch.optim.AdamW(network.parameters(), 0.1, fused=True)
    return network, steps


def step(network: nn.Module, steps: torch.optim.Optimizer) -> None:
    network(torch.eye(3)).square().sum().backward()
    steps.step()
    steps.zero_grad()


def test_what_is_read_goes_on_as_what_was_written(tmp_path: Path):
    path = tmp_path / "c.safetensors"
    network, steps = made()
    for _ in range(3):
        step(network, steps)
    progress = Progress(2, 1, [0.1, 1 / 3], 1.5, [{"epoch": 1, "x": None}], {"a.b": [1, 2]}, {})
    write_checkpoint(path, network, steps, progress, {"options": {"seed": 3}})
    other, others = made(seed=1)
    checkpoint = read_checkpoint(path)
    checkpoint.load(other, others)
    assert checkpoint.progress == progress
    assert checkpoint.command == {"options": {"seed": 3}}
    assert checkpoint.machine == machine()
    step(network, steps)
    step(other, others)
    for key, value in network.state_dict().items():
        assert torch.equal(value, other.state_dict()[key]), key


def test_a_checkpoint_of_another_network_is_refused_and_nothing_touched(tmp_path: Path):
    path = tmp_path / "c.safetensors"
    write_checkpoint(path, *made(), Progress(), {})
    network, steps = made(inputs=5)
    before = network[0].weight.detach().clone()
    with pytest.raises(InputError, match=r"'0.weight' must have the shape \(4, 5\) \(got \(4, 3\)"):
        read_checkpoint(path).load(network, steps)
    assert torch.equal(before, network[0].weight)


@pytest.mark.parametrize(
    "kind", ["cut", "empty", "text", "weights", "version", "gone", "changed", "progress", "less"]
)
def test_what_is_no_whole_checkpoint_is_refused(tmp_path: Path, kind: str):
    path = tmp_path / "c.safetensors"
    network, steps = made()
    write_checkpoint(path, network, steps, Progress(), {})
    content = path.read_bytes()
    header = {"codesign_training": json.dumps({"form": 99})}
    if kind == "weights":
        save_file(network.state_dict(), path)
    elif kind == "version":
        save_file(network.state_dict(), path, header)
    elif kind in ("progress", "less"):
        with safe_open(path, "pt") as file:
            said = json.loads(file.metadata()["codesign_training"])
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
        if kind == "less":
            del said["command"]
        else:
            said["progress"]["another"] = 1
        save_file(tensors, path, {"codesign_training": json.dumps(said)})
    elif kind == "gone":
        path.unlink()
    else:
        path.write_bytes(
            {
                **{"cut": content[:-20], "empty": b"", "text": b"hello"},
                "changed": content[:-1] + bytes([content[-1] ^ 1]),
            }[kind]
        )
    with pytest.raises(InputError, match="must be a whole checkpoint of a training"):
        read_checkpoint(path)
