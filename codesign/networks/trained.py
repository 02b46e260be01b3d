"""Trained weights, each with a card that says how they came about.

Some ship with the program; a training of the user's own leaves the same two files in its folder,
which a workload names as it names those that ship: `trained:dsnn_mnist`, `trained:my_training`.
A file holds the weights of a network in shipped form (`codesign.networks.shipped_form`) as codes of
16 bits, and which network they are of. Its card is a JSON object beside it: the data, the command,
the seed, what was reached (`codesign.training` writes both). This module needs no torch for the
card.
"""

import hashlib
import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from codesign.errors import CodesignError, Fault, InputError, nearest
from codesign.specs.workload import TRAINED
from codesign.whole_files import write_whole

if TYPE_CHECKING:
    from codesign.networks.network import SpikingNetwork
    from codesign.networks.shipped_form import Form
    from codesign.networks.small_residual import SmallResidualNetwork

OWN = "trained"
"""Name of the files in the folder of a training."""
CHECKPOINT = "checkpoint.safetensors"
"""What a training goes on from, in its folder."""
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
        CodesignError: the card is missing or broken.
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
        if not isinstance(card["data"]["title"], str):
            raise TypeError("it names no data set")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise _damaged(path, error) from error
    return card


def save_trained(
    network: "SmallResidualNetwork", form: "Form", folder: Path, name: str, card: Mapping[str, Any]
) -> Path:
    """Writes a trained network's weights in shipped form, and their card.

    Nothing is measured: what the card says of accuracies must be of the shipped form.

    Args:
        network: in shipped form (see `to_shipped_form`).
        form: that it has.
        folder: made if it is not there.
        name: of both files, without endings.
        card: a JSON object with `data`, whose `title` is that of the data set.

    Returns:
        The file of the weights; it appears after its card, each whole or not at all.

    Raises:
        InputError: the folder cannot be written.
    """
    from codesign.networks.shipped_form import codes_of

    codes = {key: value.numpy() for key, value in codes_of(network, form).items()}
    said = {
        "network": _description(network),
        "fraction_bits": form.fraction_bits,
        "integer_bits": form.integer_bits,
    }
    path = folder / f"{name}.safetensors"
    write_whole(path.with_suffix(".json"), (json.dumps(card, indent=2) + "\n").encode())
    content = save(codes, {key: json.dumps(value) for key, value in said.items()})
    write_whole(path, _in_order(content))
    return path


def _in_order(content: bytes) -> bytes:
    """A file of safetensors whose metadata are sorted; the library has them in any order."""
    end = 8 + int.from_bytes(content[:8], "little")
    header = json.loads(content[8:end])
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)  # tensors stay aligned
    return len(text).to_bytes(8, "little") + text + content[end:]


def load_trained(network: "SpikingNetwork", name: str) -> None:
    """Loads trained weights into a network and brings it into shipped form, in place.

    An FSNN takes the weights of a DSNN, whose accumulation pathway is left out.

    Args:
        network: of the structure, family and size that was trained; its batch norms are unfused,
            and its weights need no values.
        name: of weights that ship, or the folder of a training.

    Raises:
        InputError: there are none of this name, or they are of another network.
        CodesignError: the file is broken.
    """
    import torch

    from codesign.networks.shipped_form import Form, expect_shipped_form

    path = _path(name)
    said, codes = _read(path)
    _require_same(network, name, said["network"])
    is_without_pathway = network.family == "fsnn"
    is_left_out = {
        key: is_without_pathway and (".pool." in key or key.startswith("fc_acc.")) for key in codes
    }
    codes = {key: value for key, value in codes.items() if not is_left_out[key]}
    try:
        bits = {key: said["fraction_bits"][key.rpartition(".")[0]] for key in codes}
    except KeyError as error:
        raise _damaged(path, error) from error
    ranges = {} if is_without_pathway else said["integer_bits"]
    expect_shipped_form(network, Form(bits, {key: tuple(each) for key, each in ranges.items()}))
    wanted = {key: tuple(value.shape) for key, value in network.state_dict().items()}
    if wanted != {key: value.shape for key, value in codes.items()}:
        raise _damaged(path, ValueError("it holds other layers than it says"))
    for key, value in codes.items():
        values = torch.from_numpy(value.astype(np.float32) * np.float32(2.0 ** -bits[key]))
        layer, _, kind = key.rpartition(".")
        parameter = torch.nn.Parameter(values, requires_grad=False)
        setattr(network.get_submodule(layer), kind, parameter)


def _description(network: "SmallResidualNetwork") -> dict[str, Any]:
    """What must agree between weights and a network that takes them."""
    size = network.size
    return {
        "structure": "small_resnet",
        "family": network.family,
        "connection": network.connection,
        "depth": size.depth,
        "width": size.width,
        "shape": [size.channels, size.side, size.side],
        "classes": size.classes,
        "shared_head": network.fc_acc is None,
    }


def _require_same(network: "SpikingNetwork", name: str, theirs: Mapping[str, Any]) -> None:
    """Checks that weights are of a network; T may differ, and an FSNN may be a DSNN's part.

    Raises:
        InputError: with everything that differs.
    """
    from codesign.networks.small_residual import SmallResidualNetwork

    if not isinstance(network, SmallResidualNetwork):
        problem = f"'{name}' is of a network for small pictures (got {type(network).__name__})."
        raise InputError(Fault("weights", problem, "Write 'structure: small_resnet'."))
    own = _description(network)
    theirs = dict(theirs)
    if own["family"] == "fsnn" and theirs["family"] == "dsnn":
        theirs |= {"family": "fsnn", "shared_head": own["shared_head"]}
    faults = []
    for key, value in own.items():
        if theirs[key] != value:
            problem = f"must be {_text(theirs[key])} for weights '{name}' (got {_text(value)})."
            place = "pictures" if key == "shape" else key
            faults.append(Fault(place, problem, "Take other weights, or change the network."))
    if faults:
        raise InputError(faults)


def _text(value: Any) -> str:
    return " x ".join(map(str, value)) if isinstance(value, list) else str(value)


def _read(path: Path) -> tuple[dict[str, Any], dict[str, NDArray[np.int16]]]:
    """What a file says of its network, and all codes.

    Raises:
        CodesignError: it is broken.
    """
    try:
        with safe_open(path, framework="numpy") as file:
            metadata = file.metadata()
            keys = ("network", "fraction_bits", "integer_bits")
            said = {key: json.loads(metadata[key]) for key in keys}
            codes = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError, KeyError, TypeError, ValueError) as error:
        raise _damaged(path, error) from error
    return said, codes


def _digest(name: str) -> str:
    path = _path(name)
    try:
        return _digest_of(path, path.stat().st_mtime_ns)
    except OSError as error:
        raise _damaged(path, error) from error


@cache
def _digest_of(path: Path, _written: int) -> str:
    """SHA-256 of a file, which may be written again while one trains."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _path(name: str) -> Path:
    if name in trained_names():
        return FOLDER / f"{name}.safetensors"
    own = Path(name) / f"{OWN}.safetensors"
    if name and own.is_file():
        return own
    problem = f"must be 'trained:' and a name that ships, or a training's folder (got '{name}')."
    fix = f"{nearest(name, trained_names())} Only networks for small pictures leave such weights."
    raise InputError(Fault("weights", problem, fix))


def _damaged(path: Path, error: Exception) -> CodesignError:
    ships = path.parent == FOLDER
    whose, fix = ("come with codesign", "Install the package") if ships else ("it left", "Train")
    return CodesignError(
        f"{path}: must be the trained weights that {whose} ({error}). {fix} again."
    )
