"""Accuracy: how many test pictures a trained network classifies as they are labelled.

It is measured with the same weights, timesteps and number formats as the recordings, on the whole
test split of the network's data set, and only of networks that were trained: calibrated weights and
checkpoints, of which nothing proves what they have seen, have none. Sums are exact
(`codesign.networks.answers`), so that the count is the same for any batch size, number of threads
and machine. What was measured is kept beside the recordings.

Left out: the training split, and data sets that no package brings (CIFAR).
"""

import hashlib
import json
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from codesign.datasets.network_inputs import small_levels
from codesign.datasets.packaged import PACKAGED, Packaged, open_packaged
from codesign.errors import InputError
from codesign.networks.trained import trained_name
from codesign.specs.catalogue import AnyWorkload
from codesign.specs.workload import Pictures, WorkloadSpec
from codesign.trace_cache import MEASURED_SUFFIX, cache_folder, key_of, network_content
from codesign.whole_files import write_whole

if TYPE_CHECKING:
    from torch import Tensor

CONFIDENCE = 0.95
_NORMAL_QUANTILE = 1.959963984540054
"""Of (1 + 0.95) / 2."""
_BATCH = 100
_PACKAGES = ("scikit-learn", "mlxtend")

Notice = Callable[[str], None]


@dataclass(frozen=True)
class Accuracy:
    """How often a network was right.

    Attributes:
        correct: answers of the workload's readout that are the label.
        total: pictures.
        data_set: title of their set.
        split: of the set.
        readout: whose logits answer.
        heads: right answers of each readout that the network has.
        precision: widths of the integers that it computed with, in bits; None as it shipped.
        timesteps: T.
    """

    correct: int
    total: int
    data_set: str
    split: str
    readout: str
    heads: Mapping[str, int]
    precision: Mapping[str, int] | None
    timesteps: int

    @property
    def share(self) -> float:
        """The share that is right, 0 to 1."""
        return self.correct / self.total

    @property
    def interval(self) -> tuple[float, float]:
        """Between what the share of all such pictures lies, with a confidence of 95 %."""
        return wilson(self.correct, self.total)

    def as_json(self) -> dict[str, Any]:
        """For the summary of a result."""
        low, high = self.interval
        return {
            "share": self.share,
            "interval": {"low": low, "high": high, "confidence": CONFIDENCE},
            **asdict(self),
            "heads": dict(self.heads),
        }


def wilson(correct: int, total: int) -> tuple[float, float]:
    """Wilson's score interval of a share, with a confidence of 95 %.

    With p = correct / total, n = total and z = 1.96, the normal distribution's quantile:

        (p + z^2 / 2n +- z sqrt(p (1 - p) / n + z^2 / 4n^2)) / (1 + z^2 / n)

    E. B. Wilson, "Probable inference, the law of succession, and statistical inference", Journal of
    the American Statistical Association 22 (1927), 209-212. Pictures are taken to be drawn
    independently; the interval says nothing of other seeds of the training.

    Args:
        correct: 0 to total.
        total: at least 1.
    """
    share, square = correct / total, _NORMAL_QUANTILE**2
    centre = share + square / (2 * total)
    reach = _NORMAL_QUANTILE * math.sqrt(share * (1 - share) / total + square / (4 * total**2))
    scale = 1 + square / total
    low, high = (centre - reach) / scale, (centre + reach) / scale
    return low if correct else 0.0, high if correct < total else 1.0  # without rounding


def accuracy(spec: AnyWorkload, *, notice: Notice, use_cache: bool = True) -> Accuracy | None:
    """What a trained network gets right, measured now or before; None of any other network.

    Args:
        spec: the workload, in the number formats that it is run in
            (`codesign.specs.precision.with_precision`); its `images` are not looked at.
        notice: called with a sentence if the data are not to be had, or nothing can be kept.
        use_cache: False neither looks nor writes.

    Raises:
        InputError: there are no weights of that name, or they are of another network.
    """
    if not isinstance(spec, WorkloadSpec) or trained_name(spec.weights) is None:
        return None
    if spec.pictures is None or spec.pictures.value not in PACKAGED:
        notice(f"The accuracy of {spec.name} is not known: no package brings its test pictures.")
        return None
    path = cache_folder() / f"{_key(spec)}{MEASURED_SUFFIX}"
    known = _read(path) if use_cache else None
    if known is not None:
        return known
    try:
        pictures = open_packaged(spec.pictures.value, "test")
    except InputError as error:
        notice(f"The accuracy of {spec.name} is not known: {error}")
        return None
    found = _measured(spec, pictures)
    if use_cache:
        try:
            write_whole(path, json.dumps(asdict(found)).encode())
        except InputError as error:
            notice(f"The accuracy is not kept: {error}")
    return found


def _measured(spec: WorkloadSpec, pictures: Packaged) -> Accuracy:
    heads = right_answers(spec, pictures)
    readout = "spike" if spec.readout is None else spec.readout.value
    return Accuracy(
        correct=heads[readout],
        total=len(pictures),
        data_set=pictures.title,
        split=pictures.split,
        readout=readout,
        heads=heads,
        precision=None if spec.precision is None else spec.precision.model_dump(),
        timesteps=spec.timesteps,
    )


def right_answers(spec: WorkloadSpec, pictures: Packaged, batch: int = _BATCH) -> dict[str, int]:
    """How many answers of each readout are right; the only place behind which torch is imported.

    Args:
        spec: a workload with trained weights.
        pictures: of its data set.
        batch: how many are classified at once, which changes nothing.

    Raises:
        InputError: see `codesign.networks.construction.build`.
    """
    from codesign.networks import answers
    from codesign.networks.construction import build
    from codesign.networks.small_residual import SmallResidualNetwork

    network = build(spec)
    assert isinstance(network, SmallResidualNetwork)
    assert spec.pictures is not None
    return answers.right_answers(network, _batches(pictures, spec.pictures, batch))


def _batches(pictures: Packaged, kind: Pictures, batch: int) -> Iterator[tuple["Tensor", "Tensor"]]:
    from torch import from_numpy

    for start in range(0, len(pictures), batch):
        chosen = slice(start, start + batch)
        colours = np.repeat(pictures.levels[chosen, ..., None], 3, axis=-1)
        yield from_numpy(small_levels(colours, kind)), from_numpy(pictures.labels[chosen])


def _key(spec: WorkloadSpec) -> str:
    """SHA-256 of everything that determines what is measured."""
    packages = {package: _version(package) for package in _PACKAGES}
    return key_of({**network_content(spec), "packages": packages, "by": _own_digest()})


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


@cache
def _own_digest() -> str:
    return hashlib.sha256(Path(__file__).read_bytes()).hexdigest()


def _read(path: Path) -> Accuracy | None:
    """What was kept; None if there is nothing, or nothing whole."""
    try:
        return Accuracy(**json.loads(path.read_text("utf-8")))
    except (OSError, ValueError, TypeError):
        return None
