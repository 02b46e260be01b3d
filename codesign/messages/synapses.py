"""Synapses: which cores a spike reaches, and how many events it causes on each.

Of every route into a population there is a table: a row for each place of the tensor that comes in
(a pixel of a group of channels, a token, or a single element), a column for each core of the
population, and the number of weights that a spike there meets on that core. They are those that
`codesign.fanout` counts: padding excluded, stride, dilation and groups exact.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from codesign.mapping.geometry import POOLS
from codesign.messages.placement import Integers, Placement
from codesign.messages.populations import IN_PLACE, Population, Route
from codesign.workload import Tensor, Window, Workload


@dataclass(frozen=True)
class Table:
    """Events of a spike on the cores of a population.

    Attributes:
        kind: `convolution`, `dense` or `sparse`, which says what an event costs.
        events: of a spike at each place on each core, shape `(places, cores)`.
        place_of: the place of each element of the tensor that comes in, in C order.
    """

    kind: str
    events: Integers
    place_of: Integers


def table(workload: Workload, route: Route, cores: tuple[Integers, int]) -> Table:
    """The table of one route.

    Args:
        workload: the network.
        route: what comes in, and the layer that it meets.
        cores: of each of the population's neurons, counted within it, and how many there are.
    """
    source = workload.tensor_by_name[route.tensor]
    target = workload.output_tensor(route.layer)
    core_of, count = cores
    if route.layer.type in IN_PLACE:
        return Table("sparse", np.eye(count, dtype=np.int64), core_of)
    if route.layer.window is not None and len(source.shape) == 3:
        return _windowed(source, target, route, (core_of, count))
    if route.layer.type in POOLS:  # global: everything of a channel
        channel = np.arange(source.size) // (source.size // source.shape[0])
        return Table("convolution", np.eye(count, dtype=np.int64), core_of[channel])
    tokens = target.size // target.shape[-1]
    events = np.zeros((tokens, count), dtype=np.int64)
    np.add.at(events, (np.arange(target.size) // target.shape[-1], core_of), 1)
    return Table("dense", events, np.arange(source.size) // (source.size // tokens))


def _windowed(source: Tensor, target: Tensor, route: Route, cores: tuple[Integers, int]) -> Table:
    """Of a convolution or pool: a place is a pixel of a group of channels."""
    window, (core_of, count) = route.layer.window, cores
    assert window is not None
    groups = source.shape[0] if route.layer.type in POOLS else window.groups
    pixels_in, pixels_out = (each.size // each.shape[0] for each in (source, target))
    reached = np.zeros((groups, pixels_out, count), dtype=np.int64)
    channel, pixel = np.divmod(np.arange(target.size), pixels_out)
    np.add.at(reached, (channel * groups // target.shape[0], pixel, core_of), 1)
    events = np.zeros((groups, pixels_in, count), dtype=np.int64)
    made = (*target.shape, 1, 1)[1:3]  # of a pool over everything the result has no sides
    for inputs, outputs in _meetings(window, source.shape[1:], made):
        events[:, inputs] += reached[:, outputs]
    channel, pixel = np.divmod(np.arange(source.size), pixels_in)
    place_of = channel * groups // source.shape[0] * pixels_in + pixel
    kind = "convolution"
    return Table(kind, events.reshape(-1, count), place_of)


def _meetings(
    window: Window, size_in: tuple[int, ...], size_out: tuple[int, ...]
) -> Iterator[tuple[Integers, Integers]]:
    """For each tap of a kernel the input pixels that it reads and the output pixels it adds to."""
    for i in range(window.kernel[0]):
        for j in range(window.kernel[1]):
            rows, columns = (
                np.arange(size_out[axis]) * window.stride[axis]
                + tap * window.dilation[axis]
                - window.padding[axis]
                for axis, tap in enumerate((i, j))
            )
            inside = np.outer(_is_inside(rows, size_in[0]), _is_inside(columns, size_in[1]))
            outputs = np.flatnonzero(inside)
            y, x = np.divmod(outputs, size_out[1])
            yield rows[y] * size_in[1] + columns[x], outputs


def _is_inside(positions: Integers, size: int) -> NDArray[np.bool_]:
    found: NDArray[np.bool_] = (positions >= 0) & (positions < size)
    return found


def tables(
    workload: Workload, populations: tuple[Population, ...], placement: Placement, tensor: str
) -> Iterator[tuple[int, list[tuple[Route, Table]]]]:
    """Who reads a tensor: the number of each population that does, and the tables of its routes."""
    for number, population in enumerate(populations):
        routes = [route for route in population.routes if route.tensor == tensor]
        if routes:
            cores = placement.cores(number)
            local = placement.core_of[number] - cores[0], len(cores)
            yield number, [(each, table(workload, each, local)) for each in routes]
