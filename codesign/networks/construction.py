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
from codesign.networks.event_nets import event_network
from codesign.networks.network import SpikingNetwork
from codesign.networks.neurons import PLIF
from codesign.networks.provenance import weights_provenance
from codesign.networks.quantisation import quantise
from codesign.networks.residual import residual_network
from codesign.networks.shipped_form import to_shipped_form
from codesign.networks.small_residual import small_residual_network
from codesign.networks.spikformer import spikformer
from codesign.networks.targets import weights_name
from codesign.networks.trained import load_trained, trained_name
from codesign.specs.workload import CALIBRATED, WorkloadSpec


def build(spec: WorkloadSpec) -> SpikingNetwork:
    """The network of a workload with its weights, ready for inference.

    With calibrated weights `identity_start` sets every branch to zero; with a checkpoint it is
    what the training started from, and the checkpoint's values stand.

    Raises:
        InputError: the checkpoint cannot be read or does not fit (see `load_checkpoint`), there
            are no calibrated weights for a network of this size, trained weights are of another
            network, or it cannot be quantised.
    """
    options = network_options(spec)
    if spec.weights == CALIBRATED:
        return calibrated_network(identity_start=spec.identity_start, **options)
    with torch.device("meta"):  # no time for initial values that are overwritten
        network = spiking_network(**options)
    network.to_empty(device="cpu")
    if name := trained_name(spec.weights):
        load_trained(network, name)
    else:
        load_checkpoint(network, spec.weights)
        if spec.precision is None:
            fuse_batch_norm(network)
        else:
            to_shipped_form(network)
    if spec.precision is not None:
        quantise(network, spec.precision)
    network.provenance = weights_provenance(spec)
    return network


def network_options(spec: WorkloadSpec) -> dict[str, Any]:
    """What `spiking_network` takes, of a workload."""
    names = ("structure", "family", "depth", "width", "classes", "timesteps", "connection")
    more = ("readout", "accumulation_pool", "attention", "shared_head")
    values = spec.model_dump(mode="json", include={*names, *more})
    options = {name: value for name, value in values.items() if value is not None}
    if spec.pictures is not None:
        options |= {"shape": spec.pictures.shape, "classes": spec.pictures.classes}
    return options


def spiking_network(*, structure: str = "resnet", **options: Any) -> SpikingNetwork:
    """A network of any structure with freshly initialised weights.

    Args:
        structure: `resnet`, `7b`, `wide7b`, `spikformer` or `small_resnet`.
        options: see `residual_network`, `event_network`, `spikformer` and
            `small_residual_network`; `timesteps` may be given to all, and is of no concern to a
            network whose input has time.

    Raises:
        InputError: see there.
    """
    if structure == "resnet":
        return residual_network(**options)
    if structure == "spikformer":
        return spikformer(**options)
    if structure == "small_resnet":
        return small_residual_network(**options)
    options.pop("timesteps", None)
    return event_network(structure=structure, **options)


def skeleton(**options: Any) -> SpikingNetwork:
    """A calibrated network's structure without memory for its weights.

    Batch norms are fused, the accumulation stream is in fixed point, and neurons with a learnt
    decay have their initial one.

    Args:
        options: see `spiking_network`.

    Raises:
        InputError: see `spiking_network`.
    """
    with torch.device("meta"):
        network = spiking_network(**options)
    expect_fused(network)
    use_fixed_point(network)
    for module in network.modules():
        if isinstance(module, PLIF):
            module.start_decay()
    return network


def calibrated_network(*, identity_start: bool = False, **options: Any) -> SpikingNetwork:
    """A network with calibrated weights, ready for inference.

    Args:
        identity_start: sets every branch to zero afterwards (see `SpikingNetwork`).
        options: see `spiking_network`.

    Raises:
        InputError: see `spiking_network`, or there are no calibrated weights for this size.
    """
    network = skeleton(**options)
    sizes = {"structure", "family", "depth", "width"} & options.keys()
    name = weights_name(connection=network.connection, **{key: options[key] for key in sizes})
    weights = read_weights(name)
    for path, module in network.named_modules():
        if isinstance(module, nn.Conv2d):
            _assign(module, "weight", weights.weight(path, tuple(module.weight.shape)))
            _assign(module, "bias", weights.bias(path))
        elif isinstance(module, nn.Linear):
            _assign(module, "weight", weights.head(path, tuple(module.weight.shape)))
            _assign(module, "bias", np.zeros(module.out_features, np.float32))
    if identity_start:
        network.start_as_identity()
    network.provenance = calibrated_provenance(
        name, network.connection, identity_start=identity_start
    )
    return network


def _assign(module: nn.Module, name: str, values: NDArray[np.float32] | None) -> None:
    if values is not None:
        setattr(module, name, nn.Parameter(torch.from_numpy(values), requires_grad=False))
