"""Calibrated weights: seeded random integers times shipped scales, plus shipped biases.

The networks of the paper were published without weights. What stands in for them is calibrated,
not trained: the weights of every convolution are drawn from a fixed stream of integers, and a
small file per network holds one scale and one bias per channel, chosen by
`codesign.networks.calibration` so that firing rates agree with a row of arXiv 2301.11929 (see
`codesign.networks.targets`).

Weights are whole multiples of 2^-10 (and coarser in the accumulation pathway), biases of 2^-10.
With spikes, small integers or pixels on the 2^-8 grid as inputs every sum is exact in float32,
whatever its order. Regenerating weights takes single IEEE operations on exact numbers, so that
they are the same bits everywhere. This module needs no torch.
"""

import hashlib
import json
import zlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open

from codesign.errors import CodesignError, Fault, InputError, nearest
from codesign.networks.targets import TARGETS

FOLDER = Path(__file__).parent.parent / "data" / "weights"

SCALE_FRACTION_BITS = 12
"""A scale is stored as a uint16 in units of 2^-12 grid steps per unit of the drawn integer."""

BIAS_FRACTION_BITS = 10
HEAD_STEP = 2.0**-13
"""Weight of the linear head per unit of the drawn integer: a largest weight of about 0.03."""

LARGEST_DRAW = 255


@dataclass(frozen=True)
class CalibratedWeights:
    """The contents of one file.

    Attributes:
        scales: uint16 `(output channels,)` by convolution.
        biases: int16 `(output channels,)` by convolution; a depthwise convolution has none.
        seed: of the integer stream.
        metadata: what the calibration noted: target, rates, the picture.
    """

    scales: dict[str, NDArray[np.uint16]]
    biases: dict[str, NDArray[np.int16]]
    seed: int
    metadata: dict[str, Any]

    def weight(self, name: str, shape: tuple[int, ...]) -> NDArray[np.float32]:
        """Weights of a convolution, `(outputs, inputs per group, height, width)`."""
        return scaled(draws(self.seed, name, shape), self.scales[name], fraction_bits(name))

    def bias(self, name: str) -> NDArray[np.float32] | None:
        """Biases `(outputs,)`, or None for a convolution without."""
        if name not in self.biases:
            return None
        return self.biases[name].astype(np.float32) * np.float32(2.0**-BIAS_FRACTION_BITS)

    def head(self, name: str, shape: tuple[int, ...]) -> NDArray[np.float32]:
        """Weights of a linear head `(classes, features)`; its bias is zero."""
        return draws(self.seed, name, shape) * np.float32(HEAD_STEP)


def fraction_bits(name: str) -> int:
    """The grid of a convolution's weights is 2^-bits.

    In the accumulation pathway inputs are on a grid themselves, so that weights are coarser: 2^-4
    for the depthwise convolution, 2^-8 for the pointwise one behind it.
    """
    if name.endswith(".pool.0.0"):
        return 4
    return 8 if ".pool." in name else 10


def draws(seed: int, name: str, shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Odd integers from -255 to 255, uniform, as float32.

    They come from the raw 64-bit stream of PCG64, which numpy guarantees to stay the same (it
    does not for its distributions), with a stream of its own for every layer's name.
    """
    count = int(np.prod(shape))
    stream = np.random.PCG64(np.random.SeedSequence([seed, zlib.crc32(name.encode())]))
    octets = stream.random_raw(-(-count // 8)).astype("<u8", copy=False).view(np.uint8)[:count]
    values = octets.astype(np.float32)
    values *= 2
    values -= LARGEST_DRAW
    return values.reshape(shape)


def scaled(
    integers: NDArray[np.float32], scales: NDArray[np.uint16], bits: int
) -> NDArray[np.float32]:
    """Drawn integers times their channel's scale, rounded to the grid of 2^-bits, in place.

    255 x 65535 is below 2^24: the product is exact before it is rounded, half to even.
    """
    column = scales.astype(np.float32).reshape(-1, *[1] * (integers.ndim - 1))
    integers *= column
    integers *= np.float32(2.0**-SCALE_FRACTION_BITS)
    np.rint(integers, out=integers)
    integers *= np.float32(2.0**-bits)
    return integers


def weights_path(name: str) -> Path:
    """The shipped file of a network; see `codesign.networks.targets.weights_name`."""
    return FOLDER / f"{name}.safetensors"


@cache
def calibrated_digest(name: str) -> str:
    """SHA-256 of the shipped file.

    Raises:
        CodesignError: the file is missing: the installation is damaged.
    """
    path = weights_path(name)
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise _damaged(path, error) from error


def read_weights(name: str) -> CalibratedWeights:
    """The calibrated weights of a network.

    Raises:
        InputError: there are none for this network.
        CodesignError: the file is missing or broken: the installation is damaged.
    """
    if name not in TARGETS:
        raise InputError(
            Fault(
                "weights",
                f"must be a checkpoint for a network without calibrated ones (got '{name}').",
                f"There are calibrated weights of other sizes. {nearest(name, TARGETS)}",
            )
        )
    path = weights_path(name)
    try:
        with safe_open(path, framework="numpy") as file:
            metadata = json.loads(file.metadata()["calibration"])
            arrays = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError, KeyError, TypeError, ValueError) as error:
        raise _damaged(path, error) from error
    return CalibratedWeights(
        scales={key[:-6]: array for key, array in arrays.items() if key.endswith(".scale")},
        biases={key[:-5]: array for key, array in arrays.items() if key.endswith(".bias")},
        seed=metadata["seed"],
        metadata=metadata,
    )


def calibrated_provenance(
    name: str, connection: str | None = None, *, identity_start: bool = False
) -> dict[str, Any]:
    """Where calibrated weights come from, for results and reports: JSON values.

    Args:
        name: see `codesign.networks.targets.weights_name`.
        connection: of the network that takes them; named if they were fitted with another one.
        identity_start: whether every branch was set to zero, which is said as well.

    Raises:
        InputError, CodesignError: see `read_weights`.
    """
    metadata = read_weights(name).metadata
    table, target = metadata["target"].partition(" of ")[0], metadata["target"]
    if connection not in (None, TARGETS[name].connection):
        target += f" as a network with {TARGETS[name].connection.upper()}"
    if identity_start:
        target += ", with every branch set to zero"
    return {
        "kind": "calibrated",
        "description": f"calibrated to {table}, not trained",
        "target": target,
        "seed": metadata["seed"],
        "sha256": calibrated_digest(name),
    }


def _damaged(path: Path, error: Exception) -> CodesignError:
    return CodesignError(
        f"{path}: must be the calibrated weights that come with codesign ({error}). "
        "Install the package again."
    )
