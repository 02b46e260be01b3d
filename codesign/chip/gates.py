"""Gates: what must be stored before a job may load its input.

A gate stands for one fused layer at one timestep and opens when all its jobs are stored.
"""

from collections import Counter

import simpy
from simpy.events import Event

from codesign.mapping.jobs import Place


class Gates:
    """The gates of all fused layers and timesteps."""

    def __init__(self, env: simpy.Environment, jobs: Counter[Place]):
        self._remaining = dict(jobs)
        self._open = {place: Event(env) for place in jobs}

    def opening(self, place: Place) -> Event:
        """The event that all jobs of a place are stored."""
        return self._open[place]

    def closed(self, places: tuple[Place, ...]) -> list[Place]:
        """Those that are not open yet."""
        return [place for place in places if self._remaining[place]]

    def stored(self, place: Place) -> None:
        """One job of the place is stored."""
        self._remaining[place] -= 1
        if self._remaining[place] == 0:
            self._open[place].succeed()
