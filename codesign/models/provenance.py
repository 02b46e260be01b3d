"""Provenance of a user's network: whose it is, and what the user says of its weights."""

from pathlib import Path
from typing import Any

from codesign.models.sources import source_digest
from codesign.networks.provenance import checkpoint_digest
from codesign.specs.model import ModelSpec

KIND = "user's model"
SEED = 0
"""torch's seed while a network without a checkpoint is made, so that it is the same again."""


def model_provenance(spec: ModelSpec) -> dict[str, Any]:
    """Kind, place and SHA-256 of a network's source and weights; JSON values.

    Nothing is said of how the weights were come by but what the user states.

    Raises:
        InputError: the module is not found, or the checkpoint cannot be read.
    """
    provenance: dict[str, Any] = {
        "kind": KIND,
        "model": spec.model,
        "source_sha256": source_digest(spec.model.partition(":")[0]),
    }
    if spec.weights is None:
        provenance["description"] = f"as the model makes them, with torch's seed {SEED}"
    else:
        provenance["description"] = f"from the checkpoint {Path(spec.weights).name}, as given"
        provenance["sha256"] = checkpoint_digest(spec.weights)
    if spec.weights_source is not None:
        provenance["stated_by_user"] = spec.weights_source
    return provenance
