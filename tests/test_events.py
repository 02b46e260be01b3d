"""Simulated events follow the photograph, and are the same on every machine."""

import hashlib
import math
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from codesign.errors import InputError
from codesign.events import (
    DARK_LEVEL,
    LARGEST_COUNT,
    LOG_STEPS,
    log_brightness,
    method,
    simulate_events,
)

CHELSEA = Path(__file__).parent / "data" / "chelsea.png"


def picture(tmp_path: Path, levels: np.ndarray) -> Path:
    path = tmp_path / "picture.png"
    Image.fromarray(levels.astype(np.uint8)).save(path)
    return path


@pytest.mark.parametrize("timesteps", [1, 4, 16, 60])
def test_frames_hold_whole_numbers_of_events_of_both_polarities(timesteps: int):
    frames = simulate_events("astronaut", timesteps)
    assert (frames.shape, frames.dtype) == ((timesteps, 2, 128, 128), np.float32)
    assert np.array_equal(frames, np.rint(frames))
    assert frames.min() == 0
    assert 0 < frames.max() <= LARGEST_COUNT


def test_a_closed_path_gives_as_many_events_up_as_down_at_every_pixel():
    down, up = simulate_events("astronaut", 16).sum(axis=0)
    assert np.array_equal(down, up)
    assert up.sum() > 100_000


def test_events_do_not_depend_on_how_they_are_put_into_frames():
    totals = [simulate_events("astronaut", timesteps).sum(axis=0) for timesteps in (1, 7, 48)]
    assert np.array_equal(totals[0], totals[1])
    assert np.array_equal(totals[0], totals[2])


def test_more_frames_than_moves_repeat_the_legs():
    once, thrice = (simulate_events("astronaut", timesteps) for timesteps in (48, 64))
    assert thrice.sum() == 2 * once.sum()


def test_a_photograph_without_structure_causes_no_events(tmp_path: Path):
    flat = picture(tmp_path, np.full((300, 300, 3), 120))
    assert simulate_events(flat, 4).sum() == 0


def test_an_edge_that_moves_left_darkens_the_pixels_of_the_bright_side(tmp_path: Path):
    levels = np.zeros((288, 288, 3))
    levels[:, :144] = 255  # bright on the left; the sensor's first legs move to the right
    frames = simulate_events(picture(tmp_path, levels), 3)
    first, _, back = frames
    assert first[0].sum() > 0
    assert first[1].sum() == 0
    assert back[0].sum() == 0
    assert np.array_equal(back[1], frames[:2, 0].sum(axis=0))
    contrast = math.log((1020 + DARK_LEVEL) / DARK_LEVEL)
    assert set(np.unique(back[1])) == {0, math.floor(contrast / 0.2)}


def test_no_logarithm_is_so_near_a_tie_that_machines_could_round_it_otherwise():
    exact = LOG_STEPS * np.log(np.arange(1021) + float(DARK_LEVEL))
    distance = np.abs(np.abs(exact - np.floor(exact)) - 0.5)
    assert distance.min() > 1e-6  # logarithms are good to 1e-12
    assert log_brightness().tolist() == np.rint(exact).tolist()


def test_events_of_the_photographs_stay_what_they_were():
    digests = [
        hashlib.sha256(simulate_events(x, 16).tobytes()).hexdigest()[:16]
        for x in ("astronaut", CHELSEA)
    ]
    assert digests == ["0a9f767443b6cfa9", "44a31d70f2da32e1"]


def test_the_method_says_what_was_simulated():
    assert method() == "saccade of 48 moves, contrast threshold 0.2, no noise"


def test_a_missing_photograph_is_refused():
    with pytest.raises(InputError, match="absent: must be an existing picture file"):
        simulate_events("absent", 4)
