"""Runs to be replayed: random networks with numbers, simulated on random chips."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from hypothesis import reject
from hypothesis import strategies as st

from codesign.chip import Schedule, simulate
from codesign.errors import CapacityError
from codesign.mapping import Jobs, Mapping, lower, map_workload
from codesign.specs.architecture import Architecture
from codesign.trace import Trace
from codesign.workload import Stream
from tests.chip.small_chips import chips, traces, with_little_state
from tests.replay.reference import (
    Network,
    Values,
    computed,
    drawn_inputs,
    trace_of,
    with_numbers,
)


@dataclass(frozen=True, repr=False)
class Run:
    """A network with numbers on a chip.

    Attributes:
        network: with its numbers.
        images: all tensors of each image; they differ from image to image. The counts of the
            jobs are those of the first.
        mapping: of its workload.
        jobs: of all images.
        schedule: when they were executed.
    """

    network: Network
    images: tuple[Values, ...]
    mapping: Mapping
    jobs: Jobs
    schedule: Schedule

    def __repr__(self) -> str:
        """Short enough to be printed when a test fails."""
        schedule = self.mapping.architecture.schedule
        cuts = {
            plan.fused.name: (*map(len, (g.slices, g.bands, g.chunks)), plan.geometry.membranes)
            for plan in self.mapping.plans
            for g in [plan.grid]
        }
        return f"Run({schedule}, {len(self.images)} images, {len(self.jobs)} jobs, {cuts})"

    def _repr_pretty_(self, printer: Any, _: bool) -> None:
        """The same for Hypothesis, which would print every field."""
        printer.text(repr(self))


def computed_images(like: Trace, seed: int, images: int) -> tuple[Network, tuple[Values, ...]]:
    """A network of a trace's graph, and what it computes from inputs as dense as the trace's."""
    workload = like.workload
    inputs = [drawn_inputs(workload, like, seed + image) for image in range(images)]
    network = with_numbers(workload, inputs[0], seed)
    return network, tuple(computed(network, each) for each in inputs)


def run_on(
    architecture: Architecture,
    network: Network,
    images: tuple[Values, ...],
    slower: tuple[str, int] = ("", 1),
) -> Run:
    """A network on a chip.

    Args:
        architecture: the chip.
        network: with its numbers.
        images: all its tensors, for each image.
        slower: a stream, and how many times as long its jobs take to accumulate as the chip would:
            so that the streams drift apart.

    Raises:
        CapacityError: it does not fit.
    """
    mapping = map_workload(network.workload, architecture)
    jobs = lower(mapping, trace_of(network.workload, images[0]), images=len(images))
    network, images = _as_computed(mapping, network, images)
    is_slow = (np.array(jobs.layer_streams) == slower[0])[jobs.columns["layer"]]
    cycles = jobs.columns["accumulate_cycles"] * np.where(is_slow, slower[1], 1)
    jobs = replace(jobs, columns=jobs.columns | {"accumulate_cycles": cycles})
    return Run(network, images, mapping, jobs, simulate(architecture, jobs))


def _as_computed(
    mapping: Mapping, network: Network, images: tuple[Values, ...]
) -> tuple[Network, tuple[Values, ...]]:
    """The network as the chip computes it, if that is another graph: what both have in common
    is the same, bit for bit."""
    if mapping.workload == network.workload:
        return network, images
    counting = replace(network, workload=mapping.workload)
    made = {layer.output for layer in mapping.workload.layers}
    again = []
    for image in images:
        given = {name: values for name, values in image.items() if name not in made}
        known = {each.name for each in mapping.workload.tensors}
        values = computed(counting, {name: given[name] for name in known & given.keys()})
        for name in values.keys() & image.keys():
            assert np.array_equal(values[name], image[name]), name
        again.append(values)
    return counting, tuple(again)


@st.composite
def runs(draw: st.DrawFn, images: st.SearchStrategy[int]) -> Run:
    """Random networks on random chips, where they fit."""
    like, chip = draw(traces()), draw(chips())
    if draw(st.booleans()):
        chip = draw(with_little_state(chip))
    network, values = computed_images(like, draw(st.integers(0, 10_000)), draw(images))
    stream = draw(st.sampled_from(["", "", *Stream]))
    try:
        return run_on(chip, network, values, (stream, draw(st.sampled_from([20, 300]))))
    except CapacityError:
        reject()
