"""Construction: from what a workload says to a network with its weights."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from codesign.networks.accumulation import use_fixed_point
from codesign.networks.batch_norm import expect_fused
from codesign.networks.calibrated import read_weights, weights_provenance
from codesign.networks.residual import ResidualNetwork, residual_network, start_as_identity


def skeleton(**options: Any) -> ResidualNetwork:
    """A calibrated network's structure without memory for its weights.

    Batch norms are fused and the accumulation stream is in fixed point.

    Args:
        options: see `residual_network`.

    Raises:
        InputError: see `residual_network`.
    """
    with torch.device("meta"):
        network = residual_network(**options)
    expect_fused(network)
    use_fixed_point(network)
    return network


def calibrated_network(*, identity_start: bool = False, **options: Any) -> ResidualNetwork:
    """A network with the calibrated weights of its family and depth, ready for inference.

    Args:
        identity_start: sets every branch to zero afterwards (see `start_as_identity`).
        options: see `residual_network`.

    Raises:
        InputError: see `residual_network`.
    """
    network = skeleton(**options)
    weights = read_weights(network.family, network.depth)
    for name, module in network.named_modules():
        if isinstance(module, nn.Conv2d):
            _assign(module, "weight", weights.weight(name, tuple(module.weight.shape)))
            _assign(module, "bias", weights.bias(name))
        elif isinstance(module, nn.Linear):
            _assign(module, "weight", weights.head(name, tuple(module.weight.shape)))
            _assign(module, "bias", np.zeros(module.out_features, np.float32))
    if identity_start:
        start_as_identity(network)
    network.provenance = weights_provenance(network.family, network.depth)
    return network


def _assign(module: nn.Module, name: str, values: NDArray[np.float32] | None) -> None:
    if values is not None:
        setattr(module, name, nn.Parameter(torch.from_numpy(values), requires_grad=False))
