"""Construction: from what a workload says to a network with its weights."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from codesign.networks.accumulation import use_fixed_point
from codesign.networks.batch_norm import expect_fused, fuse_batch_norm
from codesign.networks.calibrated import calibrated_provenance, read_weights
from codesign.networks.checkpoints import load_checkpoint
from codesign.networks.provenance import CALIBRATED, weights_provenance
from codesign.networks.residual import ResidualNetwork, residual_network
from codesign.specs.workload import WorkloadSpec


def build(spec: WorkloadSpec) -> ResidualNetwork:
    """The network of a workload with its weights, ready for inference.

    With calibrated weights `identity_start` sets every branch to zero; with a checkpoint it is
    what the training started from, and the checkpoint's values stand.

    Raises:
        InputError: the checkpoint cannot be read or does not fit (see `load_checkpoint`).
    """
    options: dict[str, Any] = {
        "family": spec.family.value,
        "depth": spec.depth,
        "timesteps": spec.timesteps,
        "connection": spec.connection and spec.connection.value,
        "readout": spec.readout and spec.readout.value,
    }
    if spec.weights == CALIBRATED:
        return calibrated_network(identity_start=spec.identity_start, **options)
    with torch.device("meta"):  # no time for initial values that are overwritten
        network = residual_network(**options)
    network.to_empty(device="cpu")
    load_checkpoint(network, spec.weights)
    fuse_batch_norm(network)
    network.provenance = weights_provenance(spec)
    return network


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
        identity_start: sets every branch to zero afterwards (see `SpikingNetwork`).
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
        network.start_as_identity()
    network.provenance = calibrated_provenance(network.family, network.depth)
    return network


def _assign(module: nn.Module, name: str, values: NDArray[np.float32] | None) -> None:
    if values is not None:
        setattr(module, name, nn.Parameter(torch.from_numpy(values), requires_grad=False))
