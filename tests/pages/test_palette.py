"""Every component, state and stream has a colour of its own, also for colour-blind readers."""

import itertools

import numpy as np
import pytest
from numpy.typing import NDArray

from codesign.pages.palette import COMPONENT_COLOURS, STATE_COLOURS, STREAM_COLOURS, in_order
from codesign.results import COMPONENTS, STATES
from codesign.workload import Stream

# Machado, Oliveira, Fernandes: A physiologically-based model for simulation of color vision
# deficiency, IEEE TVCG 2009, severity 1.0.
SIGHTS = {
    "normal": np.eye(3),
    "deuteranopia": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
    ),
    "protanopia": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
}
XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
WHITE = np.array([0.95047, 1.0, 1.08883])


def seen(colour: str, sight: str) -> NDArray[np.float64]:
    """CIELAB coordinates of `#RRGGBB` as someone sees it."""
    channels = np.array([int(colour[place : place + 2], 16) for place in (1, 3, 5)]) / 255
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    ratio = XYZ @ np.clip(SIGHTS[sight] @ linear, 0, 1) / WHITE
    x, y, z = np.where(ratio > 0.008856, np.cbrt(ratio), 7.787 * ratio + 16 / 116)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.mark.parametrize("sight", SIGHTS)
@pytest.mark.parametrize(
    ("colours", "distance"),
    [(COMPONENT_COLOURS, 24), (STREAM_COLOURS, 24), (STATE_COLOURS, 12)],
    ids=["components", "streams", "states"],
)
def test_colours_are_told_apart(colours: dict[str, str], distance: float, sight: str) -> None:
    for first, second in itertools.combinations(colours, 2):
        apart = np.linalg.norm(seen(colours[first], sight) - seen(colours[second], sight))
        assert apart >= distance, (first, second, sight)


def test_everything_has_a_colour() -> None:
    assert tuple(COMPONENT_COLOURS) == COMPONENTS
    assert tuple(STATE_COLOURS) == STATES
    assert set(STREAM_COLOURS) == {*Stream, "chip"}


def test_unknown_components_come_last() -> None:
    assert in_order({"new", "leakage", "ac"}) == ["ac", "leakage", "new"]
