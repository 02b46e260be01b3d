"""Gates: what must be stored before a job may load its input, or store its result.

A gate stands for one stage and opens when all its jobs are stored. Barriers are gates of epochs:
the barrier behind an epoch opens when all jobs of this and of all earlier epochs are stored and
the chip has taken its cycles to agree on that.
"""

from collections.abc import Sequence

import simpy
from simpy.events import Event

from codesign.mapping.jobs import Stage


class Gates:
    """The gates of all stages and epochs.

    Attributes:
        ready: stages whose needs were found stored; they stay so.
        roomy: stages that were found to have room.
    """

    def __init__(
        self,
        env: simpy.Environment,
        stages: Sequence[Stage],
        jobs: Sequence[int],
        barrier_cycles: int = 0,
    ):
        """Makes the gates.

        Args:
            env: the environment.
            stages: all of them.
            jobs: how many jobs each stage has.
            barrier_cycles: what a barrier takes.
        """
        self.ready: set[int] = set()
        self.roomy: set[int] = set()
        self._env = env
        self._epochs = [stage.epoch for stage in stages]
        self._remaining = list(jobs)
        self._events: dict[int, Event] = {}
        self._in_epoch = [0] * (max(self._epochs, default=0) + 1)
        for epoch, count in zip(self._epochs, jobs, strict=True):
            self._in_epoch[epoch] += count
        self._barrier_cycles = barrier_cycles
        self._barriers: dict[int, Event] = {}
        self._passed = -1
        self._pass_empty_epochs()

    def opening(self, stage: int) -> Event | None:
        """The event that all jobs of a stage are stored; None if they are."""
        if not self._remaining[stage]:
            return None
        return self._events.setdefault(stage, Event(self._env))

    def barrier(self, epoch: int) -> Event | None:
        """The event that the barrier before an epoch opens; None if it is open."""
        if epoch - 1 <= self._passed:
            return None
        return self._barriers.setdefault(epoch - 1, Event(self._env))

    def stored(self, stage: int) -> None:
        """One job of the stage is stored."""
        self._remaining[stage] -= 1
        if self._remaining[stage] == 0 and stage in self._events:
            self._events.pop(stage).succeed()
        epoch = self._epochs[stage]
        self._in_epoch[epoch] -= 1
        if self._in_epoch[epoch] == 0:
            self._agree(epoch)

    def _agree(self, epoch: int) -> None:
        """The barrier behind an epoch opens after its cycles; epochs end in order, because no
        job of one is loaded before the barrier in front of it is open."""
        if self._barrier_cycles == 0 or epoch == len(self._in_epoch) - 1:
            self._open(epoch)
            return
        agreed = self._env.timeout(self._barrier_cycles)
        agreed.callbacks.append(lambda _: self._open(epoch))

    def _open(self, epoch: int) -> None:
        self._passed = max(self._passed, epoch)
        self._pass_empty_epochs()
        for passed in [each for each in self._barriers if each <= self._passed]:
            self._barriers.pop(passed).succeed()

    def _pass_empty_epochs(self) -> None:
        while self._passed + 1 < len(self._in_epoch) and not self._in_epoch[self._passed + 1]:
            self._passed += 1
