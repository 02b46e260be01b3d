"""Users' files for the tests: a network's source and what a workload says of it."""

from pathlib import Path
from textwrap import dedent
from typing import Any

from codesign.specs.model import ModelSpec

SOURCE = """
    import torch
    from torch import nn
    from parts import Spiking, GAIN

    SIZE = 3

    class Network(nn.Sequential):
        pass

    def build(width=4, gain=GAIN):
        network = Network(nn.Linear(6, width), Spiking(), nn.Linear(width, SIZE))
        network[0].weight.data.mul_(gain)
        return network
"""
PARTS = """
    from torch import nn

    GAIN = 8.0

    class Spiking(nn.Module):
        membrane = 0.0

        def reset(self):
            self.membrane = 0.0

        def forward(self, current):
            self.membrane = self.membrane + current
            spikes = (self.membrane >= 1).float()
            self.membrane = self.membrane * (1 - spikes)
            return spikes
"""


def write(folder: Path, **files: str) -> None:
    """Writes modules; `package__module` stands for `package/module.py`."""
    for name, text in files.items():
        path = folder / f"{name.replace('__', '/')}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text))


def write_network(folder: Path, name: str = "mine") -> None:
    write(folder, **{name: SOURCE, "parts": PARTS})


def spec(**fields: Any) -> ModelSpec:
    given: dict[str, Any] = {
        "name": "own",
        "description": "a network of one's own",
        "model": "mine:build",
        "neurons": {"parts:Spiking": "IF"},
        "timesteps": 3,
        "input": {"shape": [6], "seed": 0},
        "source": "a test",
    }
    return ModelSpec.model_validate({**given, **fields})
