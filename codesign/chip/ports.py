"""Ports: servers that cores queue for, the ports of a buffer or the channels of the DRAM.

A transfer holds one server from its grant to its end. Requests that are made in one cycle are
granted after all other events of that cycle, in the order of their keys (layer, timestep, tile,
chunk), so that the outcome does not depend on which event happened to be created first.
"""

import heapq
from typing import Any, NewType, cast

import simpy
from simpy.events import Event, EventPriority

Key = tuple[int, ...]
"""Place in the order of grants; no two requests that wait for one port are equal."""

_AFTER_ALL_EVENTS_OF_THE_CYCLE = EventPriority(2)  # SimPy's own are 0 (urgent) and 1 (normal)

Transfer = NewType("Transfer", tuple[int, Key, int, int])
"""Server, key, first cycle and the cycle after the last."""


class Arbitration(Event):
    """Happens once at the end of a cycle in which a port has something to grant."""

    def __init__(self, env: simpy.Environment):
        self.env = env
        self.callbacks = []
        self._ok = True
        self._value = None
        env.schedule(self, _AFTER_ALL_EVENTS_OF_THE_CYCLE)


class Port:
    """Equal servers with one line of waiting transfers.

    What is moved arrives `latency` cycles after its server is free again: meanwhile the server
    may serve another, as the banks and queues of a DRAM do.

    Attributes:
        name: what the report calls it.
        transfers: what each server did, in the order of grants.
    """

    def __init__(self, env: simpy.Environment, name: str, servers: int, latency: int = 0):
        self.name = name
        self._latency = latency
        self.transfers: list[Transfer] = []
        self._env = env
        self._free = list(range(servers))
        self._waiting: list[tuple[Key, int, Event]] = []
        self._arbitrating = False

    def transfer(self, key: Key, cycles: int) -> Event:
        """An event that happens when a transfer of so many cycles (at least one) has ended.

        What happens to a transfer, in order: it joins the line; at the end of a cycle in which a
        server is free and no smaller key waits, it takes the free server with the lowest number;
        it holds it for its cycles; it gives it back; after the port's latency the event happens.
        """
        done = Event(self._env)
        heapq.heappush(self._waiting, (key, max(1, cycles), done))
        self._arbitrate_at_the_end_of_this_cycle()
        return done

    def _arbitrate_at_the_end_of_this_cycle(self) -> None:
        if self._free and self._waiting and not self._arbitrating:
            self._arbitrating = True
            callbacks = cast(list[Any], Arbitration(self._env).callbacks)
            callbacks.append(self._grant)

    def _grant(self, _: Event) -> None:
        self._arbitrating = False
        now = int(self._env.now)
        while self._free and self._waiting:
            key, cycles, done = heapq.heappop(self._waiting)
            server = heapq.heappop(self._free)
            self.transfers.append(Transfer((server, key, now, now + cycles)))
            freed = Event(self._env) if self._latency else done
            cast(list[Any], freed.callbacks).insert(
                0, lambda _, server=server: self._release(server)
            )
            self._happen(freed, cycles)
            if self._latency:
                self._happen(done, cycles + self._latency)

    def _happen(self, event: Event, cycles: int) -> None:
        event._ok = True
        event._value = None
        self._env.schedule(event, delay=cycles)

    def _release(self, server: int) -> None:
        heapq.heappush(self._free, server)
        self._arbitrate_at_the_end_of_this_cycle()
