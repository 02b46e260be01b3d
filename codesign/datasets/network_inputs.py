"""What a network sees of a sample: pixels of a picture, or frames of recorded events.

Pixels are normalised as a photograph's are (`codesign.pictures`). A picture that has the network's
height and width is taken as it is; any other goes the way of a photograph, so that one of CIFAR's
is brought from 32 to 224 pixels for a network of ImageNet's, as in a file it would be. Events
were recorded by a camera and are said to be so; a network of pictures does not take them.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from codesign.datasets.frames import event_frames
from codesign.datasets.reading import refused
from codesign.datasets.references import (
    BINARY,
    COUNT,
    is_reference,
    open_data_set,
    parse_reference,
    read_sample,
)
from codesign.datasets.sample import Events
from codesign.pictures import (
    PIXEL_FRACTION_BITS,
    RESIZED_SIDE,
    SIDE,
    crop_levels,
    load_levels,
    normalise,
    picture_pixels,
)
from codesign.specs.workload import Pictures

_RANGE = 256
_DIGITS_RANGE = 240
"""16 steps of 15 levels (`codesign.datasets.packaged`): a step is a sixteenth."""

RECORDED = "recorded events"
"""Kind of an input that an event camera saw."""

PICTURE = "picture of a data set"


def sample_pixels(
    name: str, side: int = SIDE, *, resized: int = RESIZED_SIDE, cropped: int = SIDE
) -> NDArray[np.float32]:
    """A picture of a data set, as a network of a height and width sees it.

    Args:
        name: reference of a sample.
        side: height and width of the network's input.
        resized: to which the shorter side of a picture of another size is brought.
        cropped: so many pixels are then taken from its centre.

    Returns:
        `(3, side, side)` if the picture has that size, else `(3, cropped, cropped)`; normalised.

    Raises:
        InputError: there is no such sample, or it is of events.
    """
    content = read_sample(parse_reference(name)).content
    if isinstance(content, Events):
        problem = "must be a picture for this network (got recorded events)."
        raise refused(name, problem, "Take a network of events, whose input is [T, 2, H, W].")
    if content.shape[:2] == (side, side):
        return normalise(content)
    return picture_pixels(content, resized, cropped)


def small_pixels(name: str, pictures: Pictures) -> NDArray[np.float32]:
    """A picture as a network for small ones sees it: levels as fractions of their range.

    Args:
        name: reference of a sample, or a photograph, whose centre is taken.
        pictures: which ones the network sees.

    Returns:
        `pictures.shape`, from 0 to less than 1 (for digits to 1), on the grid of 2^-8.

    Raises:
        InputError: there is no such sample or photograph, or it is of events.
    """
    side = pictures.shape[1]
    if not is_reference(name):
        return small_levels(load_levels(name, side, side), pictures)
    content = read_sample(parse_reference(name)).content
    if isinstance(content, Events):
        problem = "must be a picture for this network (got recorded events)."
        raise refused(name, problem, "Take a network of events, whose input is [T, 2, H, W].")
    if content.shape[:2] != (side, side):
        content = crop_levels(content, side, side)
    return small_levels(content, pictures)


def small_levels(levels: NDArray[np.uint8], pictures: Pictures) -> NDArray[np.float32]:
    """The same from RGB levels `(..., H, W, 3)`: `(..., *pictures.shape)`.

    What other pictures have above the digits' highest level is taken for it.
    """
    values = levels.astype(np.float32)
    if pictures.shape[0] == 1:
        values = np.rint(values.mean(axis=-1, keepdims=True))
    scaled = np.minimum(values / (_DIGITS_RANGE if pictures is Pictures.DIGITS else _RANGE), 1)
    grid = 2.0**PIXEL_FRACTION_BITS
    return np.ascontiguousarray(np.moveaxis(np.rint(scaled * grid) / grid, -1, -3), np.float32)


def sample_frames(name: str, timesteps: int, side: int) -> NDArray[np.float32]:
    """Recorded events of a data set, as a network of events sees them.

    Args:
        name: reference of a sample; its options say how frames are made.
        timesteps: T.
        side: height and width of the network's input.

    Returns:
        `(T, 2, side, side)`; see `event_frames`.

    Raises:
        InputError: there is no such sample, or it is a picture.
    """
    reference = parse_reference(name)
    content = read_sample(reference).content
    if not isinstance(content, Events):
        problem = "must be recorded events for this network (got a picture)."
        raise refused(name, problem, "Take dvsgesture or cifar10dvs, or a network of pictures.")
    return event_frames(
        content,
        timesteps,
        division=reference.division,
        is_binary=reference.is_binary,
        side=side,
        place=name,
    )


def sample_provenance(name: str) -> dict[str, Any]:
    """What a sample is, for results and reports; JSON values, without where it lies.

    Raises:
        InputError: there is no such sample, or it cannot be read.
    """
    reference = parse_reference(name)
    data_set, sample = open_data_set(reference), read_sample(reference)
    title = f"{data_set.title} {data_set.split} {reference.index}"
    provenance = {
        "kind": PICTURE,
        "name": f"{title} ({sample.class_name})",
        "set": data_set.title,
        "split": data_set.split,
        "index": reference.index,
        "label": sample.label,
        "class": sample.class_name,
        "values": "real",
        "sha256": sample.sha256,
    }
    if isinstance(sample.content, Events):
        provenance["kind"] = RECORDED
        provenance["values"] = "spike" if reference.is_binary else "real"
        held = BINARY if reference.is_binary else COUNT
        provenance["frames"] = f"equal {reference.division}, {held}"
    return provenance
