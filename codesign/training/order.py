"""Order and chance: which samples a step sees, and how each is changed.

All of it is a pure function of the seed, the epoch and the sample's index, so that a training which
was interrupted goes on as if it had not been.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from codesign.training.recipes import Recipe

_ORDER, _CHANGE, _FRAMES = 0, 1, 2
"""Keep the streams of random numbers of one epoch apart."""


def batches(count: int, batch: int, *, seed: int, epoch: int) -> NDArray[np.int64]:
    """The samples of each step of an epoch, `(steps, batch)`; what fills no batch is left out.

    Args:
        count: number of training samples, at least `batch`.
        batch: of a step.
        seed: of the training.
        epoch: from 0.
    """
    order = np.random.default_rng((seed, epoch, _ORDER)).permutation(count)
    steps = count // batch
    return order[: steps * batch].reshape(steps, batch)


@dataclass(frozen=True, eq=False)
class Augmentation:
    """How the training samples of one epoch are changed.

    Attributes:
        recipe: says what is done.
        seed: of the training.
        epoch: from 0.
        chances: of each sample numbers from 0 to less than 1: row, column, mirror, shift at all.
    """

    recipe: Recipe
    seed: int
    epoch: int
    chances: NDArray[np.float64]

    def shifted(self, pictures: Tensor, indices: NDArray[np.int64]) -> Tensor:
        """Pictures `(N, C, H, W)` shifted and mirrored, of samples with these indices."""
        reach = self.recipe.shift
        if reach:
            is_shifted = self.chances[indices, 3] < self.recipe.shift_share
            moves = self._moves(indices, 2 * reach + 1)
            rows, columns = (np.where(is_shifted, move, reach) for move in moves)
            height, width = pictures.shape[-2:]
            padded = functional.pad(pictures, (reach,) * 4)
            channels_last = padded.movedim(1, -1)
            picture = torch.arange(len(pictures))[:, None, None]
            row = torch.from_numpy(rows)[:, None, None] + torch.arange(height)[None, :, None]
            column = torch.from_numpy(columns)[:, None, None] + torch.arange(width)[None, None, :]
            shifted = channels_last[picture, row, column].movedim(-1, 1)
            # `contiguous` would leave strides of grey pictures that also look like channels last
            pictures = shifted.clone(memory_format=torch.contiguous_format)
        if self.recipe.flip:
            mirrored = torch.from_numpy(self.chances[indices, 2] < 0.5)[:, None, None, None]
            pictures = torch.where(mirrored, pictures.flip(-1), pictures)
        return pictures

    def cropped(self, picture: Tensor, side: int, index: int) -> Tensor:
        """A part `(1, C, side, side)` of a picture `(1, C, H, H)` that is no smaller."""
        spare = picture.shape[-1] - side + 1
        (row,), (column,) = self._moves(np.array([index]), spare)
        return picture[..., row : row + side, column : column + side]

    def kept(self, frames: Tensor, index: int) -> Tensor:
        """So many of the frames `(T, ...)` as the recipe keeps, in their order."""
        kept = self.recipe.kept_frames
        if kept is None or kept >= len(frames):
            return frames
        generator = np.random.default_rng((self.seed, self.epoch, _FRAMES, index))
        return frames[np.sort(generator.permutation(len(frames))[:kept])]

    def _moves(
        self, indices: NDArray[np.int64], places: int
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        moves = (self.chances[indices, :2] * places).astype(np.int64)
        return moves[:, 0], moves[:, 1]


def augmentation(recipe: Recipe, count: int, *, seed: int, epoch: int) -> Augmentation:
    """The changes of one epoch, for so many training samples."""
    chances = np.random.default_rng((seed, epoch, _CHANGE)).random((count, 4))
    return Augmentation(recipe, seed, epoch, chances)
