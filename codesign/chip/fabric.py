"""The fabric: everything that transfers queue for, and how they share it.

Resources are the ports of the buffers, the channels of the DRAM and the links of the NoC. A
transfer holds one server of each resource on its way, all of them from its grant to its end, as a
circuit that is set up at once; what it moves arrives after the latency of the way, while the
servers serve others.

Requests are granted at the end of the cycle, after all other events, in the order of their
priorities: a transfer starts in the first cycle in which all its resources have a free server and
no earlier request takes it away. Whatever event was created first makes no difference.

Requests for the same data (a block of weights that several cores load) may share a transfer: when
the first of them is granted, each other one that waits joins if every link of its way is free or
already taken by this transfer. Their ways together are the multicast tree; each resource moves the
data once.

Left out: single flits, their buffers, and the wormholes that several packets form; a circuit has
the throughput of its narrowest part and no more.
"""

import heapq
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import simpy
from simpy.events import Event, EventPriority

_AFTER_ALL_EVENTS_OF_THE_CYCLE = EventPriority(2)  # SimPy's own are 0 (urgent) and 1 (normal)


@dataclass(slots=True, eq=False)
class Request:
    """A transfer that wants its resources.

    Attributes:
        priority: smaller ones are granted first; no two requests that wait are equal.
        cycles: how long it holds what it is granted, at least one.
        way: numbers of the resources, the port or channel first.
        latency: cycles from the end of the transfer to the arrival.
        tag: what the record of the transfer says of it: the job (or block) and the kind.
        data: equal for requests that may share a transfer; -1 for none.
        arrival: happens when the data is there.
        granted: whether it has started.
    """

    priority: int
    cycles: int
    way: tuple[int, ...]
    latency: int
    tag: tuple[int, int]
    data: int
    arrival: Event
    granted: bool = False


@dataclass(slots=True, eq=False)
class Resource:
    """Equal servers with one line of requests.

    Attributes:
        free: numbers of the free servers, a heap.
        returning: (cycle, server) of those that are free again then, a heap; others come back
            with an event.
        wakes_at: the cycle at which a line will look for a server that returned; -1 for none.
        waiting: (priority, kind, request) of those that found none free, a heap; one that was
            granted with another stays in it until its turn comes, and may meet the next request
            of its job there, which is of another kind.
    """

    free: list[int]
    waiting: list[tuple[int, int, Request]] = field(default_factory=list)
    returning: list[tuple[int, int]] = field(default_factory=list)
    wakes_at: int = -1

    def reclaim(self, now: int) -> None:
        """Takes back the servers that are free again."""
        while self.returning and self.returning[0][0] <= now:
            heapq.heappush(self.free, heapq.heappop(self.returning)[1])


Transfer = tuple[int, int, int, int, int, int]
"""Resource, server, the two parts of the tag, first cycle and the cycle after the last."""


class Arbitration(Event):
    """Happens once at the end of a cycle in which there is something to grant."""

    def __init__(self, env: simpy.Environment):
        self.env = env
        self.callbacks = []
        self._ok = True
        self._value = None
        env.schedule(self, _AFTER_ALL_EVENTS_OF_THE_CYCLE)


class Fabric:
    """All resources of the chip.

    Attributes:
        transfers: what each server did, in the order of grants.
        shared: by the tag of a request that joined a transfer, the tag of the one it joined.
    """

    def __init__(self, env: simpy.Environment, servers: Sequence[int]):
        """Makes the resources, each with so many servers."""
        self.transfers: list[Transfer] = []
        self.shared: dict[tuple[int, int], tuple[int, int]] = {}
        self._env = env
        self._resources = [Resource(list(range(count))) for count in servers]
        self._candidates: list[tuple[int, int, Request]] = []
        self._sharing: dict[int, list[Request]] = {}
        self._arbitrating = False

    def transfer(self, request: Request) -> Event:
        """The event that what was requested has arrived.

        What happens to a transfer, in order: it joins the line; at the end of a cycle in which
        all its resources have a free server and no smaller priority takes it, it takes the free
        server with the lowest number of each; it holds them for its cycles; it gives them back;
        after its latency the event happens.
        """
        if request.data >= 0:
            self._sharing.setdefault(request.data, []).append(request)
        heapq.heappush(self._candidates, (request.priority, request.tag[1], request))
        self._arbitrate_at_the_end_of_this_cycle()
        return request.arrival

    def _arbitrate_at_the_end_of_this_cycle(self) -> None:
        if not self._arbitrating:
            self._arbitrating = True
            callbacks = cast(list[Any], Arbitration(self._env).callbacks)
            callbacks.append(self._grant)

    def _grant(self, _: Event) -> None:
        """Tries the candidates in the order of their priorities.

        A request that finds a resource busy waits in the line of that one alone. A resource with
        a free server has the first of its line among the candidates, and the next as soon as that
        one was tried.
        """
        self._arbitrating = False
        candidates = self._candidates
        while candidates:
            request = heapq.heappop(candidates)[2]
            if not request.granted:
                busy = self._busy(request)
                if busy is None:
                    self._start(request)
                else:
                    heapq.heappush(busy.waiting, (request.priority, request.tag[1], request))
            for each in request.way:
                self._advance(self._resources[each])

    def _busy(self, request: Request) -> Resource | None:
        """The first resource on the way that has no free server."""
        for number in request.way:
            resource = self._resources[number]
            resource.reclaim(int(self._env.now))
            if not resource.free:
                return resource
        return None

    def _wake(self, resource: Resource) -> None:
        """Lets a line look again when its next server returns without an event of its own."""
        if resource.returning and not 0 <= resource.wakes_at <= resource.returning[0][0]:
            resource.wakes_at = resource.returning[0][0]
            woken = self._env.timeout(resource.wakes_at - int(self._env.now))
            cast(list[Any], woken.callbacks).append(lambda _: self._look(resource))

    def _look(self, resource: Resource) -> None:
        now = int(self._env.now)
        if resource.wakes_at == now:
            resource.wakes_at = -1
        resource.reclaim(now)
        self._serve(resource)

    def _advance(self, resource: Resource) -> None:
        """Makes the first of a line a candidate if there is a server for it; else the line looks
        again when the next one returns."""
        while resource.free and resource.waiting:
            first = heapq.heappop(resource.waiting)
            if not first[2].granted:
                heapq.heappush(self._candidates, first)
                return
        if resource.waiting:
            self._wake(resource)

    def _start(self, request: Request) -> None:
        members = [request]
        way = dict.fromkeys(request.way)
        if request.data >= 0:
            for other in sorted(self._sharing.pop(request.data), key=lambda each: each.priority):
                if other is request or self._joins(other, way):
                    way |= dict.fromkeys(other.way)
                    members += [other] if other is not request else []
                else:
                    self._sharing.setdefault(request.data, []).append(other)
        now, cycles = int(self._env.now), request.cycles
        taken = []
        for number in way:
            server = heapq.heappop(self._resources[number].free)
            taken.append((number, server))
            self.transfers.append((number, server, *request.tag, now, now + cycles))
        for member in members:
            member.granted = True
            if member is not request:
                self.shared[member.tag] = request.tag
            if member.latency or member is not request:
                self._happen(member.arrival, cycles + member.latency)
        if request.latency == 0:
            arrived = cast(list[Any], request.arrival.callbacks)
            arrived.insert(0, lambda _: self._release(taken))
            self._happen(request.arrival, cycles)
            return
        for number, server in taken:
            resource = self._resources[number]
            heapq.heappush(resource.returning, (now + cycles, server))

    def _joins(self, request: Request, way: dict[int, None]) -> bool:
        for number in request.way:
            resource = self._resources[number]
            resource.reclaim(int(self._env.now))
            if number not in way and not resource.free:
                return False
        return True

    def _happen(self, event: Event, cycles: int) -> None:
        event._ok = True
        event._value = None
        self._env.schedule(event, delay=cycles)

    def _release(self, taken: list[tuple[int, int]]) -> None:
        for number, server in taken:
            resource = self._resources[number]
            heapq.heappush(resource.free, server)
            self._serve(resource)

    def _serve(self, resource: Resource) -> None:
        self._advance(resource)
        if self._candidates:
            self._arbitrate_at_the_end_of_this_cycle()
