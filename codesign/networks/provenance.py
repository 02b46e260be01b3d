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
from codesign.specs.workload import WorkloadSpec

CALIBRATED = "calibrated"
"""What a workload writes for the weights that ship with the program."""


def weights_provenance(spec: WorkloadSpec) -> dict[str, Any]:
    """Kind, description and SHA-256 of a workload's weights; JSON values.

    A checkpoint is never called trained: nothing in it proves that it is.

    Raises:
        InputError: the checkpoint is missing or unreadable.
    """
    if spec.weights == CALIBRATED:
        return calibrated_provenance(spec.family.value, spec.depth)
    return {
        "kind": "checkpoint",
        "description": f"from the checkpoint {Path(spec.weights).name}, as given",
        "sha256": checkpoint_digest(spec.weights),
    }


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
