"""Watching: what a training tells while it runs, to whom it may concern."""

from typing import Any


class Observer:
    """Hears of a training, and does nothing with it; derive from it what shows something."""

    def note(self, sentence: str) -> None:
        """Something that should be known."""

    def started(self, epochs: int, steps: int, *, epoch: int, step: int) -> None:
        """A training of so many epochs and steps each begins, or goes on at an epoch and step."""

    def stepped(self, epoch: int, step: int, loss: float) -> None:
        """So many steps of an epoch are done."""

    def epoch_done(self, row: dict[str, Any]) -> None:
        """An epoch is done, with its row of the history."""
