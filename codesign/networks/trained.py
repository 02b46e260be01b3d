"""Trained weights that ship with the program, each with a card that says how they came about.

A file holds the weights of a network whose batch norms are fused, on the grid of 2^-10, so that
spikes are the same on every machine. Its card is a JSON object beside it: the data, the command,
the seed, what was reached (`codesign.training` writes both). This module needs no torch for the
card.
"""

import hashlib
import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from codesign.errors import CodesignError, Fault, InputError, nearest
from codesign.specs.workload import TRAINED

if TYPE_CHECKING:
    from codesign.networks.network import SpikingNetwork

FOLDER = Path(__file__).parents[1] / "data" / "trained"


def trained_names() -> tuple[str, ...]:
    """Names of the weights that ship."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.safetensors")))


def trained_name(weights: str) -> str | None:
    """The name in what a workload says of its weights; None if they are others."""
    return weights.removeprefix(TRAINED) if weights.startswith(TRAINED) else None


def trained_provenance(name: str) -> dict[str, Any]:
    """Where trained weights come from, for results and reports: JSON values.

    Raises:
        InputError: there are none of this name.
        CodesignError: the card is missing or broken: the installation is damaged.
    """
    card = read_card(name)
    return {
        "kind": "trained",
        "description": f"trained on {card['data']['title']} by codesign, see its card",
        "card": card,
        "sha256": _digest(name),
    }


def read_card(name: str) -> dict[str, Any]:
    """The card of trained weights.

    Raises:
        InputError, CodesignError: see `trained_provenance`.
    """
    path = _path(name).with_suffix(".json")
    try:
        card: dict[str, Any] = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise _damaged(path, error) from error
    return card


def load_trained(network: "SpikingNetwork", name: str) -> None:
    """Loads trained weights into a network, and fuses its batch norms.

    An FSNN takes the weights of a DSNN, whose accumulation pathway is left out.

    Raises:
        InputError: there are none of this name, or they are of another network.
        CodesignError: the file is broken: the installation is damaged.
    """
    raise NotImplementedError(f"{network.family}: {_path(name)}")


@cache
def _digest(name: str) -> str:
    path = _path(name)
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise _damaged(path, error) from error


def _path(name: str) -> Path:
    if name not in trained_names():
        problem = f"must be 'trained:' and a name that ships (got '{name}')."
        raise InputError(Fault("weights", problem, nearest(name, trained_names())))
    return FOLDER / f"{name}.safetensors"


def _damaged(path: Path, error: Exception) -> CodesignError:
    return CodesignError(
        f"{path}: must be the trained weights that come with codesign ({error}). "
        "Install the package again."
    )
