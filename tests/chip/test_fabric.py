"""Ports grant by key at the end of a cycle, whatever the order of requests."""

from collections.abc import Generator
from random import Random

import simpy
from hypothesis import given
from hypothesis import strategies as st
from simpy.events import Event

from codesign.chip.fabric import Fabric, Request


def served(requests: list[tuple[int, int, int]], servers: int) -> list[tuple[int, int, int, int]]:
    """What a port did with `(key, cycle of the request, cycles)`: (key, server, start, end)."""
    env = simpy.Environment()
    port = Fabric(env, [servers])

    def ask(key: int, when: int, cycles: int) -> Generator[Event, None, None]:
        yield env.timeout(when)
        yield port.transfer(Request(key, cycles, (0,), 0, (key, 0), -1, Event(env)))

    for request in requests:
        env.process(ask(*request))
    env.run()
    return [(key, server, start, end) for _, server, key, _, start, end in port.transfers]


def test_requests_of_one_cycle_are_granted_by_key() -> None:
    assert served([(3, 0, 5), (1, 0, 2), (2, 0, 4)], servers=1) == [
        (1, 0, 0, 2),
        (2, 0, 2, 6),
        (3, 0, 6, 11),
    ]


def test_a_request_in_the_cycle_of_a_release_competes_with_those_that_wait() -> None:
    assert served([(5, 0, 4), (6, 1, 4), (1, 4, 4)], servers=1) == [
        (5, 0, 0, 4),
        (1, 0, 4, 8),
        (6, 0, 8, 12),
    ]


def test_the_free_server_with_the_lowest_number_serves() -> None:
    assert served([(1, 0, 9), (2, 0, 3), (3, 3, 1)], servers=2) == [
        (1, 0, 0, 9),
        (2, 1, 0, 3),
        (3, 1, 3, 4),
    ]


requests = st.lists(st.tuples(st.integers(0, 20), st.integers(1, 9)), min_size=1, max_size=12).map(
    lambda pairs: [(key, when, cycles) for key, (when, cycles) in enumerate(pairs)]
)


@given(requests=requests, servers=st.integers(1, 3), seed=st.randoms())
def test_the_order_of_creation_does_not_matter(
    requests: list[tuple[int, int, int]], servers: int, seed: Random
) -> None:
    shuffled = list(requests)
    seed.shuffle(shuffled)
    assert sorted(served(shuffled, servers)) == sorted(served(requests, servers))


@given(requests=requests, servers=st.integers(1, 3))
def test_a_port_agrees_with_a_cycle_by_cycle_queue(
    requests: list[tuple[int, int, int]], servers: int
) -> None:
    busy_until, waiting, done = [0] * servers, [], []
    for cycle in range(300):
        waiting += [(key, cycles) for key, when, cycles in requests if when == cycle]
        waiting.sort()
        for server in range(servers):
            if busy_until[server] <= cycle and waiting:
                key, cycles = waiting.pop(0)
                busy_until[server] = cycle + cycles
                done.append((key, server, cycle, cycle + cycles))
    assert sorted(served(requests, servers)) == sorted(done)


def test_a_server_is_free_before_what_it_moved_arrives() -> None:
    env = simpy.Environment()
    port = Fabric(env, [1])
    arrived: list[tuple[int, int]] = []

    def ask(key: int) -> Generator[Event, None, None]:
        yield port.transfer(Request(key, 3, (0,), 10, (key, 0), -1, Event(env)))
        arrived.append((key, int(env.now)))

    env.process(ask(1))
    env.process(ask(2))
    env.run()
    assert arrived == [(1, 13), (2, 16)]
    assert [(key, *times) for _, _, key, _, *times in port.transfers] == [(1, 0, 3), (2, 3, 6)]
