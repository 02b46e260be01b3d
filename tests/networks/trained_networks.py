"""Small networks with the statistics of a training, which nobody calls trained but the tests."""

import copy
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from codesign.networks import trained
from codesign.networks.shipped_form import to_shipped_form
from codesign.networks.small_residual import SmallResidualNetwork, small_residual_network
from codesign.networks.trained import save_trained

CARD = {"data": {"title": "MNIST-5k"}, "test": "drawn at random, of no use"}


def drawn_network(
    family: str = "dsnn",
    *,
    seed: int = 0,
    shape: tuple[int, int, int] = (1, 8, 8),
    depth: int = 3,
    width: int = 4,
    classes: int = 10,
    gain: float = 1.0,
    **options: Any,
) -> SmallResidualNetwork:
    """A network with random weights and batch norms, in which spikes reach the last layer.

    A `gain` multiplies currents, so that membranes leap over their threshold and saturate.
    """
    network = small_residual_network(
        family=family, depth=depth, width=width, shape=shape, classes=classes, **options
    )
    generator = torch.Generator().manual_seed(seed)

    def uniform(values: Tensor, low: float, high: float) -> None:
        values.copy_(torch.rand(values.shape, generator=generator) * (high - low) + low)

    with torch.no_grad():
        for module in network.modules():
            if isinstance(module, nn.BatchNorm2d):
                uniform(module.weight, 0.3 * gain, 1.5 * gain)
                uniform(module.bias, -0.7, 0.7)
                uniform(module.running_mean, -0.3, 0.3)
                uniform(module.running_var, 0.1, 1.0)
            elif isinstance(module, nn.Conv2d | nn.Linear):
                size = module.weight[0].numel() ** -0.5
                uniform(module.weight, -3 * size, 3 * size)
                if module.bias is not None:
                    uniform(module.bias, -0.5, 0.5)
    return network.eval()


def drawn_pictures(count: int, shape: tuple[int, int, int] = (1, 8, 8), seed: int = 0) -> Tensor:
    """Levels on the grid of 2^-8, a third of them 0: `(count, *shape)`."""
    generator = torch.Generator().manual_seed(seed)
    levels = torch.randint(-128, 257, (count, *shape), generator=generator)
    return levels.clamp(min=0) / 256


def save_drawn(network: SmallResidualNetwork, folder: Path, name: str) -> Path:
    """Writes a network in shipped form; it stays as it is."""
    shipped = copy.deepcopy(network)
    return save_trained(shipped, to_shipped_form(shipped), folder, name, CARD)


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder in place of the weights that ship."""
    folder = tmp_path / "trained"
    monkeypatch.setattr(trained, "FOLDER", folder)
    return folder
