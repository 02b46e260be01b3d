"""Provenance of weights: what a result says about where its network's weights came from.

It is found without torch and without building the network, so that a cached recording can be
recognised fast.
"""

import hashlib
import os
from pathlib import Path
from typing import Any

from codesign.errors import Fault, InputError
from codesign.networks.calibrated import calibrated_provenance
from codesign.networks.targets import weights_name
from codesign.networks.trained import trained_name, trained_provenance
from codesign.specs.workload import CALIBRATED, NumberFormats, WorkloadSpec


def weights_provenance(spec: WorkloadSpec) -> dict[str, Any]:
    """Kind, description and SHA-256 of a workload's weights; JSON values.

    A checkpoint is never called trained: nothing in it proves that it is. Of a quantised network
    `precision` has the widths, in bits.

    Raises:
        InputError: the checkpoint is missing or unreadable, or there are no calibrated weights
            for a network of this size.
    """
    if spec.weights == CALIBRATED:
        connection = spec.connection and spec.connection.value
        return calibrated_provenance(
            calibrated_name(spec), connection, identity_start=spec.identity_start
        )
    if name := trained_name(spec.weights):
        return _quantised(trained_provenance(name), spec.precision)
    checkpoint = {
        "kind": "checkpoint",
        "description": f"from the checkpoint {Path(spec.weights).name}, as given",
        "sha256": checkpoint_digest(spec.weights),
    }
    return _quantised(checkpoint, spec.precision)


def _quantised(provenance: dict[str, Any], formats: NumberFormats | None) -> dict[str, Any]:
    """The provenance of weights that were quantised, if they were."""
    if formats is None:
        return provenance
    description = (
        f"{provenance['description']}, quantised to {formats.weight_bits}-bit weights, "
        f"{formats.accumulator_bits}-bit membranes and {formats.activation_bits}-bit activations"
    )
    return provenance | {"description": description, "precision": formats.model_dump()}


def calibrated_name(spec: WorkloadSpec) -> str:
    """Name of the calibrated weights that a workload would have."""
    return weights_name(
        family=spec.family.value,
        structure=spec.structure.value,
        depth=spec.depth,
        width=spec.width,
        connection=spec.connection and spec.connection.value,
    )


def checkpoint_digest(path: str | os.PathLike[str]) -> str:
    """SHA-256 of a checkpoint's bytes.

    Raises:
        InputError: the file is missing or unreadable.
    """
    try:
        with Path(path).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except (OSError, ValueError) as error:
        raise unreadable(path, error) from error


def unreadable(path: str | os.PathLike[str], error: Exception) -> InputError:
    """The error for a checkpoint that cannot be opened."""
    reason = (isinstance(error, OSError) and error.strerror) or error
    return InputError(
        Fault(
            os.fspath(path),
            f"must be a readable checkpoint ({reason}).",
            f"Give the path of a .safetensors or .pth file, or '{CALIBRATED}'.",
        )
    )
