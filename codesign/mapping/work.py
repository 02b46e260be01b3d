"""The main layer's work in each job: operations, cycles and accesses, from recorded values.

Columns are arrays that broadcast to `(slices, bands, chunks, steps)`; a step is a timestep, or a
batch of them that one job computes.

- AC (scatter): every pair of a spike and a valid tap reads a vector of weights and adds it to a
  vector of sums; the scanner runs ahead through the job's part of the spike map. A job of several
  timesteps has sums for each of them, and reads a vector once for all that need it.
- AC (gather): the same for every tap at which any of a group of pixels has a spike; a lane adds
  only if its own pixel has one. The scanner goes through the windows of all pixels, zero padding
  too, as often as channels are left over. Of integers, the largest of a group decides.
- MAC: `codesign.mapping.mac_arrays`.
- AC, bit by bit: as many as bits of the input are set, each a shifted weight.
- Host: all MACs, whatever the values, on an array that is always full.
- Product: as AC, with values of its second operand instead of weights (`products`).
- Element-wise: pools, additions and logic that lead a fused layer of their own.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from codesign.counting import entering_spikes
from codesign.mapping.datapaths import (
    Integers,
    ceil_divide,
    element_lanes,
    mac_datapath,
    scan_width,
    spike_datapath,
    weight_vector,
    words,
)
from codesign.mapping.expected_cycles import core_fill
from codesign.mapping.geometry import POOLS, Work
from codesign.mapping.job_sizes import (
    Columns,
    band_pixels,
    batch_lengths,
    by_held_step,
    by_step,
    channels_per_group,
    chunk_lengths,
    group_counts,
    input_bits,
    slice_lengths,
)
from codesign.mapping.mac_arrays import multiply
from codesign.mapping.partial_sums import parked_sums, parking_cycles
from codesign.mapping.pixel_groups import pairs_of_jobs, vectors_of_maps
from codesign.mapping.planning import Plan
from codesign.mapping.products import events_and_meetings
from codesign.specs.architecture import Core, Precision
from codesign.trace import Trace
from codesign.workload import Kind, LayerType


def _in_any(plan: Plan, values: NDArray[np.uint8 | np.uint16]) -> NDArray[np.uint8 | np.uint16]:
    """The largest of a job's timesteps at each place: weights that several timesteps need are
    read once, and for an integer k times."""
    if plan.geometry.batch == 1 or len(values) == 1:
        return values
    firsts = np.arange(plan.geometry.steps) * plan.geometry.batch
    return np.maximum.reduceat(values, firsts, axis=0)


def _events(trace: Trace, plan: Plan) -> NDArray[np.uint8 | np.uint16]:
    """How many accumulates each input causes for each weight that it meets: k for an integer; bit
    by bit as many as are set, or for reals, whose values are not recorded, all of their width."""
    name = plan.fused.main.inputs[0]
    if not plan.geometry.is_serial:
        return trace.values(name)
    if trace.workload.tensor_by_name[name].kind is Kind.REAL:
        every: NDArray[np.uint8] = trace.nonzero(name) * np.uint8(plan.geometry.input_bits)
        return every
    set_bits: NDArray[np.uint8] = trace.planes(name).sum(axis=0, dtype=np.uint8)
    return set_bits


def _accumulate(trace: Trace, plan: Plan, core: Core, precision: Precision) -> Columns:
    per_group, pixels = channels_per_group(plan), spike_datapath(core).pixels
    operations, added, read = _additions(trace, plan, pixels)
    vectors = [
        weight_vector(core, precision, int(length), plan.geometry.value_bits)
        for length in per_group.ravel()
    ]
    adding, reading, weights, sums, passes = (
        np.array([getattr(vector, name) for vector in vectors]).reshape(per_group.shape)
        for name in ("adding_cycles", "reading_cycles", "weight_words", "state_words", "passes")
    )
    examined = input_bits(plan) if pixels is None else _window_bits(plan) * passes
    lengths = batch_lengths(plan)
    columns: Columns = {
        "ac": operations,
        "scan_cycles": ceil_divide(examined, scan_width(core)) * lengths,
        "fill_cycles": core_fill(core, Work.ACCUMULATE),
        "weight_reads": read * weights,
        "state_reads": added * sums,
        "state_writes": added * sums,
        "input_reads": words(examined, core.input_memory) * lengths,
    }
    columns |= parked_sums(plan, core, precision)
    adding_cycles = np.maximum(added * adding, read * reading)
    columns["accumulate_cycles"] = adding_cycles + parking_cycles(plan, core, precision)
    return columns


def _additions(trace: Trace, plan: Plan, pixels: int | None) -> tuple[Integers, Integers, Integers]:
    """ACs, vectors of weights that are added, and vectors that are read from memory."""
    if plan.fused.main.type is LayerType.PRODUCT:
        vectors, operations = events_and_meetings(trace, plan, pixels or 1)
        added = by_step(plan, vectors)
        return by_step(plan, operations), added, added  # values, of each timestep its own
    values = _events(trace, plan)
    added = by_held_step(plan, vectors_of_maps(plan, values, pixels))
    read = added
    if plan.geometry.batch > 1:
        read = vectors_of_maps(plan, _in_any(plan, values), pixels)
    pairs = added if pixels is None else pairs_of_jobs(plan, values)
    return pairs * channels_per_group(plan), added, read


def _on_host(_trace: Trace, plan: Plan, core: Core, _precision: Precision) -> Columns:
    array, each = mac_datapath(core), plan.geometry.macs
    cycles = -(-each // (array.rows * array.columns))
    lengths = batch_lengths(plan)
    return {"mac": each * lengths, "accumulate_cycles": cycles * lengths}


def _window_bits(plan: Plan) -> Integers:
    """Bits of the windows of a job's pixels at one timestep, with padding."""
    sizes = plan.geometry
    taps = chunk_lengths(plan) * sizes.window.taps
    return band_pixels(plan) * taps * group_counts(plan) * sizes.input_bits


def _element_wise(trace: Trace, plan: Plan, core: Core, _precision: Precision) -> Columns:
    """Pools and means over time; additions, logic and neurons are in the epilogue's account."""
    sizes, main = plan.geometry, plan.fused.main
    if main.type is LayerType.TIME_MEAN:
        elements = slice_lengths(plan) * band_pixels(plan) * sizes.input_timesteps
        reading = ceil_divide(words(input_bits(plan), core.state_memory), core.state_memory.banks)
        adding = ceil_divide(elements, element_lanes(core))
        return {"addition": elements, "accumulate_cycles": np.maximum(adding, reading)}
    if main.type not in POOLS:
        return {}
    bits = input_bits(plan) * batch_lengths(plan)
    elements = bits // sizes.input_bits
    spikes = trace.workload.input_tensor(main).kind is Kind.SPIKE
    entering = _entering(trace, plan)
    columns: Columns = {"input_reads": words(bits, core.input_memory)}
    if spikes:
        columns["scan_cycles"] = ceil_divide(bits, scan_width(core))
    if not spikes or main.type is LayerType.AVERAGE_POOL:
        added = entering if spikes else elements
        reading = ceil_divide(words(bits, core.input_memory), core.input_memory.banks)
        adding = ceil_divide(added, element_lanes(core))
        columns["accumulate_cycles"] = np.maximum(adding, reading)
    columns["logic" if main.type is LayerType.MAX_POOL and spikes else "addition"] = entering
    return columns


def _entering(trace: Trace, plan: Plan) -> Integers:
    """Elements that enter a pool, each counted in one band (that of its row over the stride)."""
    sizes, grid = plan.geometry, plan.grid
    name = plan.fused.main.inputs[0]
    tensor = trace.workload.tensor_by_name[name]
    height = sizes.input_map[1]
    edges = [min(top * sizes.window.stride[0], height) for top, _ in grid.bands] + [height]
    slices = [first for first, _ in grid.slices]
    if tensor.kind is Kind.SPIKE:
        maps = entering_spikes(trace, plan.fused.main).reshape(tensor.timesteps, *sizes.input_map)
        by_row = maps.sum(axis=3, dtype=np.int64)
    else:
        rows = np.full(sizes.input_map[:2], sizes.input_map[2], dtype=np.int64)
        by_row = np.broadcast_to(rows, (sizes.timesteps, *sizes.input_map[:2]))
    by_slice = np.add.reduceat(by_row, slices, axis=1)
    up_to = np.pad(np.cumsum(by_slice, axis=2), ((0, 0), (0, 0), (1, 0)))
    by_band: Integers = np.diff(up_to[:, :, edges], axis=2)
    return by_step(plan, by_band.transpose(1, 2, 0)[:, :, None, :])


WORK_COLUMNS: dict[Work, Callable[[Trace, Plan, Core, Precision], Columns]] = {
    Work.ACCUMULATE: _accumulate,
    Work.MULTIPLY: multiply,
    Work.HOST: _on_host,
    Work.ELEMENT_WISE: _element_wise,
}
