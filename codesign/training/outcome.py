"""The outcome: what a training leaves in its folder beside the checkpoint.

`metrics.parquet` has a row for each epoch, `weights.safetensors` the network's parameters and
statistics, which a workload may name as its weights, `card.json` where they come from and what they
reach. Networks for small pictures leave `trained.safetensors` as well: the weights in the form that
is run in a chip's number formats (`codesign.networks.trained`). `trained.json` is the card of that
form, whose rounding can change an answer.
"""

import copy
import io
import json
import platform
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from filelock import FileLock, Timeout
from safetensors.torch import save

import codesign
from codesign.errors import Fault, InputError
from codesign.networks.answers import right_answers
from codesign.networks.network import SpikingNetwork
from codesign.networks.shipped_form import to_shipped_form
from codesign.networks.small_residual import SmallResidualNetwork
from codesign.networks.trained import CHECKPOINT, OWN, save_trained
from codesign.training.checkpoints import Progress
from codesign.training.data import Batch, Part
from codesign.training.options import Settings, recipe_values
from codesign.whole_files import not_writable, temporary_prefix, write_whole

METRICS = "metrics.parquet"
WEIGHTS = "weights.safetensors"
CARD = "card.json"
TRAINED = (f"{OWN}.safetensors", f"{OWN}.json")
FILES = frozenset({CHECKPOINT, METRICS, WEIGHTS, CARD, *TRAINED})

_LOCK = ".lock"
_BATCH = 100
"""Samples that are classified at once, which changes nothing."""


def card(
    network: SpikingNetwork,
    command: Mapping[str, Any],
    settings: Settings,
    progress: Progress,
    line: str | None,
) -> dict[str, Any]:
    """Where the weights of a finished training come from, and what they reach; JSON values.

    Args:
        network: that was trained.
        command: what decides on the training.
        settings: how it was trained.
        progress: all of it.
        line: the command line; None from Python.
    """
    last = progress.history[-1]
    heads = ("spike", "accumulation", "sum") if network.family == "dsnn" else ("spike",)
    tested = {head: _reached(last, "test", head) for head in heads}
    fired, chances = (sum(counts) for counts in zip(*progress.firing.values(), strict=True))
    return {
        "kind": "trained",
        "data": command["data"],
        "network": command["network"],
        "loss": command["loss"],
        "seed": settings.seed,
        "epochs": settings.recipe.epochs,
        "command": line or "train() from Python",
        "recipe": recipe_values(settings.recipe)
        | {"changed": list(settings.changed), "sources": dict(settings.recipe.sources)},
        "rate_penalty": settings.rate_penalty,
        "amp": settings.has_amp,
        "device": settings.device,
        "threads": torch.get_num_threads(),
        "accuracy": tested,
        "training_accuracy": {head: _reached(last, "train", head) for head in heads},
        "firing_rate": fired / chances,
        "firing_rates": {name: spikes / limit for name, (spikes, limit) in progress.firing.items()},
        "parameters": sum(parameter.numel() for parameter in network.parameters()),
        "seconds": sum(row["seconds"] for row in progress.history),
        "versions": versions(),
    }


def _reached(row: Mapping[str, Any], part: str, head: str) -> dict[str, Any]:
    correct, total = row[f"{part}_correct_{head}"], row[f"{part}_samples"]
    return {"accuracy": correct / total, "correct": correct, "total": total}


def versions() -> dict[str, str]:
    """Of what computes the result."""
    return {
        "codesign": codesign.__version__,
        "torch": str(torch.__version__),
        "numpy": np.__version__,
        "python": platform.python_version(),
    }


def write_metrics(folder: Path, history: Sequence[Mapping[str, Any]]) -> None:
    """Writes the history as a table; see `codesign.training.loop` for its columns."""
    import pyarrow
    from pyarrow import parquet

    buffer = io.BytesIO()
    # a column of a head that is not there has a type nevertheless
    fields = [(name, _type_of(name, pyarrow)) for name in history[0]]
    table = pyarrow.Table.from_pylist(list(history), schema=pyarrow.schema(fields))
    parquet.write_table(table, buffer, compression="zstd")
    write_whole(folder / METRICS, buffer.getvalue())


def _type_of(name: str, pyarrow: Any) -> Any:
    is_count = name == "epoch" or name.endswith("_samples") or "_correct_" in name
    return pyarrow.int64() if is_count else pyarrow.float64()


def write_weights(folder: Path, network: SpikingNetwork) -> None:
    """Writes parameters and statistics; batch norms are not fused."""
    state = {name: each.detach().cpu().contiguous() for name, each in network.state_dict().items()}
    write_whole(folder / WEIGHTS, save(state))


def write_trained(
    folder: Path, network: SpikingNetwork, content: Mapping[str, Any], test: Part
) -> str | None:
    """Writes the weights of a network for small pictures in the form of those that ship.

    Args:
        folder: of the training.
        network: that was trained; it stays as it is.
        content: its card; that of the form has what the form reaches, and what was reached in
            training beside it.
        test: samples that the accuracy is measured on.

    Returns:
        Why there is no such form; None if there is, or if the network is for other inputs.

    Raises:
        InputError: the folder cannot be written.
    """
    if not isinstance(network, SmallResidualNetwork):
        return None
    shipped = copy.deepcopy(network).cpu().eval()
    try:
        form = to_shipped_form(shipped)
    except InputError as error:
        return f"there are no weights for a chip's number formats: {error}"
    reached = {
        head: {"accuracy": right / len(test), "correct": right, "total": len(test)}
        for head, right in right_answers(shipped, _in_batches(test)).items()
    }
    of_form = {"accuracy_in_training": content["accuracy"], "accuracy": reached}
    save_trained(shipped, form, folder, OWN, {**content, **of_form})
    return None


def _in_batches(part: Part) -> Iterator[Batch]:
    starts = range(0, len(part), _BATCH)
    return part.batches([np.arange(start, min(start + _BATCH, len(part))) for start in starts])


def write_card(folder: Path, content: Mapping[str, Any]) -> None:
    """Writes a card; it comes last, so that where one is all else is."""
    text = json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    write_whole(folder / CARD, text.encode())


def read_card(folder: Path) -> dict[str, Any] | None:
    """The card of a finished training; None if it is not finished.

    Raises:
        InputError: it is broken.
    """
    try:
        found: dict[str, Any] = json.loads((folder / CARD).read_text("utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        problem = f"must be the card of a training ({error})."
        raise InputError(
            Fault(str(folder / CARD), problem, "Remove it: it is made again.")
        ) from error
    return found


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Makes a folder for a training, or checks that it is one, and holds it.

    Raises:
        InputError: it cannot be made or written, holds anything else, or another training has it.
    """
    _require_folder(folder)
    lock = FileLock(folder / _LOCK)
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        problem = "must be free (another training is writing into it)."
        fix = "Wait for it, or choose another with --out."
        raise InputError(Fault(f"--out {folder}", problem, fix)) from error
    except OSError as error:
        raise not_writable(folder, error) from error
    try:
        for left in folder.glob(f"{temporary_prefix(folder / CHECKPOINT)}*"):  # by a killed writer
            left.unlink(missing_ok=True)
        yield
    finally:
        lock.release()


def _require_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
        names = {entry.name for entry in folder.iterdir() if entry.name[0] != "."}
    except OSError as error:
        problem = f"must be a folder that can be written ({error.strerror or error})."
        raise InputError(Fault(f"--out {folder}", problem, "Choose another with --out.")) from error
    foreign = sorted(names - FILES) or sorted(names if CHECKPOINT not in names else ())
    if foreign:
        problem = f"must be new, empty, or that of a training (got '{foreign[0]}')."
        raise InputError(Fault(f"--out {folder}", problem, "Choose another with --out."))


def require_same(folder: Path, before: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    """Checks that a folder is of the same command.

    Raises:
        InputError: it is of another; everything that differs is named.
    """
    old, new = _flat(before), _flat(now)
    faults = []
    for key in sorted(old.keys() | new.keys()):
        if old.get(key) != new.get(key):
            problem = (
                f"must be of the same training ({key} was {old.get(key)}, now {new.get(key)})."
            )
            faults.append(Fault(f"--out {folder}", problem, "Choose another folder with --out."))
    if faults:
        raise InputError(faults)


def _flat(values: Mapping[str, Any], above: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in values.items():
        name = f"{above}{key}"
        flat |= _flat(value, f"{name}.") if isinstance(value, Mapping) else {name: value}
    return flat
