"""Two processes of torch's launcher do what one does."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from codesign.errors import InputError
from codesign.training import train
from codesign.training.firing import FiringRates
from codesign.training.objective import Objective
from codesign.training.processes import processes
from tests.training.small import BATCH, small_options, small_spec
from tests.training.test_objective import LABELS, PICTURES, network

_TRAIN = """
import os
import sys
from pathlib import Path
import torch
from codesign.training import Observer, train
from codesign.training.processes import Processes
from tests.training.small import small_options, small_spec
from tests.training.test_processes import gradients

torch.set_num_threads(1)
folder, rank, after = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])

class Stop(Exception):
    pass

def stopping(summed, calls=[0]):
    def count(self, values):
        calls[0] += 1
        if calls[0] == after:
            raise Stop
        return summed(self, values)
    return count

if not after:
    torch.save(gradients(), folder / f"{rank}.grad")
    os.environ["MASTER_PORT"] = sys.argv[4]  # a group's port cannot be taken twice at once
if after:
    Processes.summed = stopping(Processes.summed)
try:
    done = train(small_spec(), "digits", small_options(), folder=folder / "out")
except Stop:
    sys.exit(3)
torch.save(done.network.state_dict(), folder / f"{rank}.pt")
"""


def gradients() -> list[torch.Tensor]:
    """Of the objective with a penalty, on this process's share of six pictures."""
    made = network()
    with processes("cpu") as here, FiringRates(made, differentiable=True) as firing:
        objective = here.parallel(Objective(made, firing, 0.5))
        mine = slice(here.rank, None, here.count)
        loss, _ = objective(PICTURES[mine], LABELS[mine])
        loss.backward()
    found = [each.grad for each in made.parameters()]
    assert all(each is not None for each in found)
    return found  # type: ignore[return-value]


def free_port() -> int:
    with socket.socket() as place:
        place.bind(("127.0.0.1", 0))
        port: int = place.getsockname()[1]
        return port


def launched(program: str, folder: Path, count: int, *arguments: str) -> list[int]:
    """What the processes that torch's launcher would start end with; it only sets variables."""
    port, second = str(free_port()), str(free_port())
    started = []
    for rank in range(count):
        variables = {"RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": str(count)}
        variables |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "OMP_NUM_THREADS": "1"}
        command = [sys.executable, "-c", program, str(folder), str(rank), *arguments, second]
        started.append(
            subprocess.Popen(command, env=os.environ | variables, stderr=subprocess.DEVNULL)
        )
    try:
        return [process.wait(timeout=120) for process in started]
    finally:
        for process in started:
            process.kill()


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pair")
    assert launched(_TRAIN, folder, 2, "0") == [0, 0]
    return folder


def state(path: Path) -> dict[str, torch.Tensor]:
    loaded: dict[str, torch.Tensor] = torch.load(path, weights_only=True)
    return loaded


def equal(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[key], other[key]) for key in one)


def test_all_processes_end_with_the_same_weights(pair: Path):
    assert equal(state(pair / "0.pt"), state(pair / "1.pt"))


def test_the_first_process_writes_for_all(pair: Path):
    card = json.loads((pair / "out" / "card.json").read_text())
    assert card["accuracy"]["spike"]["total"] == 359
    assert card["training_accuracy"]["spike"]["total"] == 1438 // BATCH * BATCH


def test_two_processes_go_on_bit_for_bit(pair: Path, tmp_path: Path):
    assert launched(_TRAIN, tmp_path, 2, "4") == [3, 3]
    assert not (tmp_path / "out" / "card.json").exists()
    assert launched(_TRAIN, tmp_path, 2, "0") == [0, 0]
    assert equal(state(pair / "0.pt"), state(tmp_path / "0.pt"))


def test_another_number_of_processes_is_another_training(pair: Path):
    with pytest.raises(InputError, match=r"options\.processes was 2, now 1"):
        train(small_spec(), "digits", small_options(), folder=pair / "out")


def test_two_processes_have_the_gradients_of_one(pair: Path):
    halves = [torch.load(pair / f"{rank}.grad") for rank in (0, 1)]
    for one, other, both in zip(*halves, gradients(), strict=True):
        assert torch.equal(one, other)
        torch.testing.assert_close(one, both, rtol=1e-4, atol=1e-6)
        assert both.abs().sum() > 0
