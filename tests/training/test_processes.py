"""Two processes of torch's launcher do what one does."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.training.small import BATCH

_TRAIN = """
import sys
from pathlib import Path
import torch
from codesign.training import Observer, train
from codesign.training import training
from codesign.training.processes import Processes
from tests.training.small import small_options, small_spec

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

if after:
    Processes.summed = stopping(Processes.summed)
try:
    done = train(small_spec(), "digits", small_options(), folder=folder / "out")
except Stop:
    sys.exit(3)
torch.save(done.network.state_dict(), folder / f"{rank}.pt")
"""

_GRADIENTS = """
import sys
import torch
from codesign.training.firing import FiringRates
from codesign.training.objective import Objective
from codesign.training.processes import processes
from tests.training.test_objective import LABELS, PICTURES, network

torch.set_num_threads(1)
made = network()
with processes("cpu") as here, FiringRates(made, differentiable=True) as firing:
    objective = here.parallel(Objective(made, firing, 0.5))
    mine = slice(here.rank, None, here.count)
    loss, _ = objective(PICTURES[mine], LABELS[mine])
    loss.backward()
torch.save([each.grad for each in made.parameters()], f"{sys.argv[1]}/{sys.argv[2]}.grad")
"""


def free_port() -> int:
    with socket.socket() as place:
        place.bind(("127.0.0.1", 0))
        port: int = place.getsockname()[1]
        return port


def launched(program: str, folder: Path, count: int, *arguments: str) -> list[int]:
    """What the processes that torch's launcher would start end with; it only sets variables."""
    port = str(free_port())
    started = []
    for rank in range(count):
        variables = {"RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": str(count)}
        variables |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "OMP_NUM_THREADS": "1"}
        command = [sys.executable, "-c", program, str(folder), str(rank), *arguments]
        started.append(
            subprocess.Popen(command, env=os.environ | variables, stderr=subprocess.DEVNULL)
        )
    return [process.wait(timeout=120) for process in started]


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pair")
    assert launched(_TRAIN, folder, 2, "0") == [0, 0]
    return folder


def state(path: Path) -> dict[str, "object"]:
    import torch

    loaded: dict[str, object] = torch.load(path, weights_only=True)
    return loaded


def equal(one: dict[str, object], other: dict[str, object]) -> bool:
    import torch

    return one.keys() == other.keys() and all(torch.equal(one[key], other[key]) for key in one)  # type: ignore[arg-type]


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


def test_two_processes_have_the_gradients_of_one(tmp_path: Path):
    import torch

    assert launched(_GRADIENTS, tmp_path, 2) == [0, 0]
    halves = [torch.load(tmp_path / f"{rank}.grad") for rank in (0, 1)]
    assert launched(_GRADIENTS, tmp_path, 1) == [0]
    whole = torch.load(tmp_path / "0.grad")
    for one, other, both in zip(*halves, whole, strict=True):
        assert torch.equal(one, other)
        torch.testing.assert_close(one, both, rtol=1e-4, atol=1e-6)
        assert both.abs().sum() > 0
