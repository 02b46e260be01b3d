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
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

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
        returning: (cycle, server) of those that are free again then, a heap.
        looks_at: the cycle at which the line will look for a server that returned; -1 for none.
        waiting: (priority, kind, request) of those that found none free, a heap; one that was
            granted with another stays in it until its turn comes, and may meet the next request
            of its job there, which is of another kind.
    """

    free: list[int]
    waiting: list[tuple[int, int, Request]] = field(default_factory=list)
    returning: list[tuple[int, int]] = field(default_factory=list)
    looks_at: int = -1

    def has_free_server(self, now: int) -> bool:
        """Whether there is one, once those that are free again were taken back."""
        while self.returning and self.returning[0][0] <= now:
            heapq.heappush(self.free, heapq.heappop(self.returning)[1])
        return bool(self.free)

    def wait(self, request: Request) -> None:
        """Puts a request into the line."""
        heapq.heappush(self.waiting, (request.priority, request.tag[1], request))


Transfer = tuple[int, int, int, int, int, int]
"""Resource, server, the two parts of the tag, first cycle and the cycle after the last."""


class Arbitration(Event):
    """Happens once at the end of a cycle in which there is something to grant."""

    def __init__(self, env: simpy.Environment, delay: int, grant: Callable[[Event], None]):
        self.env = env
        self.callbacks = [grant]
        self._ok = True
        self._value = None
        env.schedule(self, _AFTER_ALL_EVENTS_OF_THE_CYCLE, delay)


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
        self._looking: dict[int, list[Resource]] = {}

    def transfer(self, request: Request) -> Event:
        """The event that what was requested has arrived.

        What happens to a transfer, in order: it joins the line; at the end of a cycle in which
        all its resources have a free server and no smaller priority takes it, it takes the free
        server with the lowest number of each; it holds them for its cycles; it gives them back;
        after its latency the event happens.
        """
        if request.data >= 0:
            self._sharing.setdefault(request.data, []).append(request)
        busy = self._busy(request)
        if busy is None:
            heapq.heappush(self._candidates, (request.priority, request.tag[1], request))
            self._arbitrated_at(int(self._env.now))
        else:
            busy.wait(request)
            self._look_when_a_server_returns(busy)
        return request.arrival

    def _arbitrated_at(self, cycle: int) -> list[Resource]:
        """The lines that look for a server at the end of a cycle, in which there is one
        arbitration however many there are."""
        if cycle not in self._looking:
            self._looking[cycle] = []
            Arbitration(self._env, cycle - int(self._env.now), self._grant)
        return self._looking[cycle]

    def _grant(self, _: Event) -> None:
        """Tries the candidates in the order of their priorities.

        A request that finds a resource busy waits in the line of that one alone. A resource with
        a free server has the first of its line among the candidates, and the next as soon as that
        one was tried.
        """
        now = int(self._env.now)
        for resource in self._looking.pop(now):
            if resource.looks_at == now:
                resource.looks_at = -1
            self._advance(resource)
        candidates = self._candidates
        while candidates:
            request = heapq.heappop(candidates)[2]
            if not request.granted:
                busy = self._busy(request)
                if busy is None:
                    self._start(request)
                else:
                    busy.wait(request)
            for each in request.way:
                self._advance(self._resources[each])

    def _busy(self, request: Request) -> Resource | None:
        """The first resource on the way that has no free server in this cycle."""
        now = int(self._env.now)
        for number in request.way:
            if not self._resources[number].has_free_server(now):
                return self._resources[number]
        return None

    def _look_when_a_server_returns(self, resource: Resource) -> None:
        returns = resource.returning[0][0]
        if not 0 <= resource.looks_at <= returns:
            resource.looks_at = returns
            self._arbitrated_at(returns).append(resource)

    def _advance(self, resource: Resource) -> None:
        """Makes the first of a line a candidate if there is a server for it; else the line looks
        again when the next one returns."""
        if not resource.waiting:
            return
        if not resource.has_free_server(int(self._env.now)):
            self._look_when_a_server_returns(resource)
            return
        while resource.waiting:
            first = heapq.heappop(resource.waiting)
            if not first[2].granted:
                heapq.heappush(self._candidates, first)
                return

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
        for number in way:
            resource = self._resources[number]
            server = heapq.heappop(resource.free)
            heapq.heappush(resource.returning, (now + cycles, server))
            self.transfers.append((number, server, *request.tag, now, now + cycles))
        for member in members:
            member.granted = True
            if member is not request:
                self.shared[member.tag] = request.tag
            happen(member.arrival, cycles + member.latency)

    def _joins(self, request: Request, way: dict[int, None]) -> bool:
        now = int(self._env.now)
        return all(
            number in way or self._resources[number].has_free_server(now) for number in request.way
        )


def happen(event: Event, cycles: int) -> None:
    """Lets an event that others may wait for already happen after so many cycles."""
    event._ok = True
    event._value = None
    event.env.schedule(event, delay=cycles)
