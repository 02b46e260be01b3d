"""Inputs: what the network of a workload sees of a photograph, or of a sample of a data set.

ImageNet's networks see it at 224 x 224 pixels, a Spikformer at CIFAR's 32 x 32, networks for small
pictures as large as those of their data set, grey where these are. Event nets see
frames of events: those of a data set, which a camera recorded, or ones that are simulated from a
photograph (`codesign.events`) and are never said to have been recorded. No torch is needed.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from codesign.datasets.network_inputs import (
    sample_frames,
    sample_pixels,
    sample_provenance,
    small_pixels,
)
from codesign.datasets.references import is_reference
from codesign.events import EVENT_SIDE, method, simulate_events
from codesign.pictures import (
    SMALL_SIDE,
    load_picture,
    load_small_picture,
    picture_digest,
    picture_path,
)
from codesign.specs.workload import EVENT_NETS, Pictures, Structure

SIMULATED = "simulated events"
"""Kind of an input that no camera saw."""


def network_input(
    structure: str, picture: str, timesteps: int, pictures: Pictures | None = None
) -> NDArray[np.float32]:
    """The input of one inference, with a batch of one.

    Args:
        structure: of the network.
        picture: name of a shipped photograph, a path, or the reference of a sample.
        timesteps: T.
        pictures: which ones a network for small pictures sees.

    Returns:
        `(1, 3, 224, 224)` for a ResNet, `(T, 1, 2, 128, 128)` for an event net, `(1, 3, 32, 32)`
        for a Spikformer, `(1, *pictures.shape)` for a network for small pictures.

    Raises:
        InputError: the picture cannot be used.
    """
    if pictures is not None:
        return small_pixels(picture, pictures)[None]
    if is_reference(picture):
        return _sample(structure, picture, timesteps)
    if Structure(structure) in EVENT_NETS:
        return simulate_events(picture, timesteps)[:, None]
    if structure == Structure.SPIKFORMER:
        return load_small_picture(picture)[None]
    return load_picture(picture)[None]


def _sample(structure: str, name: str, timesteps: int) -> NDArray[np.float32]:
    if Structure(structure) in EVENT_NETS:
        return sample_frames(name, timesteps, EVENT_SIDE)[:, None]
    if structure == Structure.SPIKFORMER:
        return sample_pixels(name, SMALL_SIDE, resized=SMALL_SIDE, cropped=SMALL_SIDE)[None]
    return sample_pixels(name)[None]


def require_network_input(
    structure: str, picture: str, timesteps: int, pictures: Pictures | None = None
) -> None:
    """Checks that a network can see an input, without simulating anything.

    Raises:
        InputError: it cannot be read, or is of another kind than the network sees.
    """
    if pictures is not None:
        small_pixels(picture, pictures)
    elif is_reference(picture):
        _sample(structure, picture, timesteps)
    else:
        load_picture(picture)


def input_provenance(structure: str, picture: str) -> dict[str, Any]:
    """What an input is and where it comes from, for results and reports: JSON values.

    Raises:
        InputError: the picture cannot be read.
    """
    if is_reference(picture):
        return sample_provenance(picture)
    origin = {"name": picture_path(picture).name, "sha256": picture_digest(picture)}
    if Structure(structure) in EVENT_NETS:
        return {"kind": SIMULATED, "method": method(), **origin}
    return {"kind": "photograph", **origin}
