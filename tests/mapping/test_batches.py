"""Jobs of several timesteps: the same work, fewer readings of weights."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from codesign.workload import Kind, Window
from tests.chip.small_chips import split_chip
from tests.mapping.mapped_networks import Lowered, lowered
from tests.small_networks import NetworkBuilder


@st.composite
def convolutions(draw: st.DrawFn) -> tuple[NetworkBuilder, int]:
    """A convolution of spikes with neurons, and a batch of timesteps."""
    net = NetworkBuilder(draw(st.integers(1, 5)), draw(st.integers(0, 999)), draw(st.floats(0, 1)))
    kernel = draw(st.integers(1, 3))
    window = Window((kernel, kernel), padding=(kernel // 2, kernel // 2))
    net.add_tensor("x", (draw(st.integers(1, 4)), 5, 6), Kind.SPIKE, largest=1)
    net.convolution("x", draw(st.integers(1, 40)), window, name="conv")
    net.neuron("conv", name="sn")
    return net, draw(st.integers(1, 6))


def in_batches(net: NetworkBuilder, batch: int) -> Lowered:
    return lowered(net.trace(), split_chip(f"schedule.time_batch={batch}"))


@settings(max_examples=60, deadline=None)
@given(case=convolutions())
def test_a_vector_of_weights_is_read_once_for_all_timesteps_that_need_it(
    case: tuple[NetworkBuilder, int],
) -> None:
    net, batch = case
    found = in_batches(net, batch)
    plan = found.mapping.plans[0]
    spikes = found.trace.values("x").reshape(-1, *plan.geometry.input_map)
    padding = plan.geometry.window.padding[0]
    kernel, (_, height, width) = plan.geometry.window.kernel[0], plan.geometry.output_map
    needed = 0
    for first in range(0, len(spikes), batch):
        any_spike = spikes[first : first + batch].max(axis=0)
        for _, row, column in np.argwhere(any_spike):
            for i in range(kernel):
                for j in range(kernel):
                    y, x = row + padding - i, column + padding - j
                    needed += 0 <= y < height and 0 <= x < width
    length = plan.grid.largest_slice
    assert len(plan.grid.slices) * length >= plan.geometry.output_map[0]
    words = sum(-(-8 * (last - first) // 128) for first, last in plan.grid.slices)
    assert found.jobs.columns["weight_reads"].sum() == needed * words


@settings(max_examples=60, deadline=None)
@given(case=convolutions())
def test_a_batch_does_the_work_of_its_timesteps(case: tuple[NetworkBuilder, int]) -> None:
    net, batch = case
    found, single = in_batches(net, batch), in_batches(net, 1)
    timesteps = found.mapping.plans[0].geometry.timesteps
    steps = -(-timesteps // min(batch, timesteps))
    assert [stage.timestep for stage in found.jobs.stages] == list(range(0, timesteps, batch))
    assert len(found.jobs) == steps * found.mapping.plans[0].grid.tile_count
    for name in ("ac", "neuron", "load_dram_bits", "store_bits"):
        if found.mapping.plans[0].grid == single.mapping.plans[0].grid or name in ("ac", "neuron"):
            assert found.jobs.columns[name].sum() == single.jobs.columns[name].sum()
