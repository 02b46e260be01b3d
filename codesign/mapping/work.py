"""The main layer's work in each job: operations, cycles and accesses, from recorded values.

Columns are arrays that broadcast to `(slices, bands, chunks, steps)`; a step is a timestep, or a
batch of them that one job computes.

- AC (scatter): every pair of a spike and a valid tap reads a vector of weights and adds it to a
  vector of sums; the scanner runs ahead through the job's part of the spike map. A job of several
  timesteps has sums for each of them, and reads a vector once for all that need it.
- AC (gather): the same for every tap at which any of a group of pixels has a spike; a lane adds
  only if its own pixel has one. The scanner goes through the windows of all pixels, zero padding
  too, as often as channels are left over. Of integers, the largest of a group decides.
- MAC (output-stationary array): every tap of every input channel takes a cycle per group of
  pixels (of all timesteps of the job), dense, and one vector of weights serves all columns. With
  zero-skipping each pixel's column skips its zeros and a group of pixels takes as long as its
  fullest column; the columns then stand at different taps and each reads its own weights, which
  the weight memory may not deliver as fast.
- AC, bit by bit: as many as bits of the input are set, each a shifted weight.
- Product: as AC, with values of its second operand instead of weights (`products`).
- Element-wise: pools, additions and logic that lead a fused layer of their own.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from codesign.counting import entering_spikes
from codesign.fanout import Band, tap_sums
from codesign.mapping.datapaths import (
    Integers,
    array_pass,
    ceil_divide,
    element_lanes,
    mac_datapath,
    scan_width,
    spike_datapath,
    weight_vector,
    words,
)
from codesign.mapping.geometry import POOLS, Work
from codesign.mapping.pixel_groups import gathered, longest_columns
from codesign.mapping.planning import Plan
from codesign.mapping.products import events_and_meetings
from codesign.mapping.search import core_fill
from codesign.mapping.tiling import input_rows
from codesign.specs.architecture import Core, Precision
from codesign.trace import Trace
from codesign.workload import Kind, LayerType

Columns = dict[str, Integers | int]


def input_bits(plan: Plan) -> Integers:
    """Bits of the main layer's input that each job reads, shape `(slices, bands, chunks, 1)`."""
    sizes, grid = plan.geometry, plan.grid
    rows = np.array([input_rows(band, sizes.window, sizes.input_map[1]) for band in grid.bands])
    channels = np.array(
        [
            [sizes.input_channels(_length(each), _length(chunk)) for chunk in grid.chunks]
            for each in grid.slices
        ]
    )
    elements = channels[:, None, :] * rows[None, :, None] * sizes.input_map[2]
    bits: Integers = elements[..., None] * sizes.input_bits * sizes.input_timesteps
    return bits


def slice_lengths(plan: Plan) -> Integers:
    """Output channels of each slice, shape `(slices, 1, 1, 1)`."""
    return np.array([_length(each) for each in plan.grid.slices]).reshape(-1, 1, 1, 1)


def band_pixels(plan: Plan) -> Integers:
    """Output pixels of each band, shape `(1, bands, 1, 1)`."""
    rows = np.array([_length(band) for band in plan.grid.bands])
    return (rows * plan.grid.width).reshape(1, -1, 1, 1)


def _length(band: Band) -> int:
    return band[1] - band[0]


def as_maps(
    plan: Plan, values: NDArray[np.uint8 | np.uint16], shape: tuple[int, int, int]
) -> NDArray[np.uint8 | np.uint16]:
    """Recorded values as maps of a shape, with time first; features of a linear layer are last."""
    if plan.fused.main.type is LayerType.LINEAR:
        features, places, _ = shape
        return values.reshape(len(values), places, features, 1).transpose(0, 2, 1, 3)
    return values.reshape(len(values), *shape)


def _chunk_lengths(plan: Plan) -> Integers:
    """Input channels of each chunk, counted within a group, shape `(1, 1, chunks, 1)`."""
    return np.array([_length(chunk) for chunk in plan.grid.chunks]).reshape(1, 1, -1, 1)


def _group_counts(plan: Plan) -> Integers:
    """Groups of the convolution that each slice has, shape `(slices, 1, 1, 1)`."""
    return np.maximum(1, slice_lengths(plan) // plan.geometry.outputs_per_group)


def _per_group(plan: Plan) -> Integers:
    """Output channels of each slice that share their inputs, shape `(slices, 1, 1, 1)`."""
    return np.minimum(slice_lengths(plan), plan.geometry.outputs_per_group)


def batch_lengths(plan: Plan) -> Integers:
    """Timesteps of each job, shape `(1, 1, 1, steps)`; the last may have fewer."""
    timesteps, batch = plan.geometry.timesteps, plan.geometry.batch
    firsts = np.arange(plan.geometry.steps) * batch
    return np.minimum(batch, timesteps - firsts).reshape(1, 1, 1, -1)


def by_step(plan: Plan, values: Integers) -> Integers:
    """Sums over the timesteps of each job; timesteps are the last axis."""
    if plan.geometry.batch == 1:
        return values
    whole = np.broadcast_to(values, (*values.shape[:-1], plan.geometry.timesteps))
    firsts = np.arange(plan.geometry.steps) * plan.geometry.batch
    sums: Integers = np.add.reduceat(whole, firsts, axis=-1)
    return sums


def _in_any(plan: Plan, values: NDArray[np.uint8 | np.uint16]) -> NDArray[np.uint8 | np.uint16]:
    """The largest of a job's timesteps at each place: weights that several timesteps need are
    read once, and for an integer k times."""
    if plan.geometry.batch == 1 or len(values) == 1:
        return values
    firsts = np.arange(plan.geometry.steps) * plan.geometry.batch
    return np.maximum.reduceat(values, firsts, axis=0)


def _pairs(plan: Plan, values: NDArray[np.uint8 | np.uint16]) -> Integers:
    """Pairs of (input unit, valid tap), shape `(slices or 1, bands, chunks, steps)`."""
    return _by_held_step(plan, _pairs_of_maps(plan, values))


def _by_held_step(plan: Plan, counts: Integers) -> Integers:
    """Counts of maps, by step; those of an input that is held count at every timestep."""
    if counts.shape[-1] == 1:
        counts = np.repeat(counts, plan.geometry.timesteps, axis=-1)
    return by_step(plan, counts)


def _pairs_of_maps(plan: Plan, values: NDArray[np.uint8 | np.uint16]) -> Integers:
    """Pairs of (input unit, valid tap), shape `(slices or 1, bands, chunks, maps)`."""
    sizes, grid = plan.geometry, plan.grid
    maps = as_maps(plan, values, sizes.input_map)
    return _by_part(plan, tap_sums(maps, sizes.output_map, sizes.window, list(grid.bands)))


def _vectors_of_maps(
    plan: Plan, values: NDArray[np.uint8 | np.uint16], pixels: int | None
) -> Integers:
    """Vectors of weights that are added, shape `(slices or 1, bands, chunks, maps)`: one for each
    pair if they are scattered, else one for all pixels of a group."""
    if pixels is None:
        return _pairs_of_maps(plan, values)
    maps = as_maps(plan, values, plan.geometry.input_map)
    return _by_part(plan, gathered(plan, maps, pixels))


def _by_part(plan: Plan, sums: Integers) -> Integers:
    """Sums of input channels, `(maps, C, bands)`, as `(slices or 1, bands, chunks, maps)`."""
    sizes, grid = plan.geometry, plan.grid
    if sizes.window.groups == 1:
        starts = [first for first, _ in grid.chunks]
        by_chunk = np.add.reduceat(sums, starts, axis=1)  # (timesteps, chunks, bands)
        pairs: Integers = by_chunk.transpose(2, 1, 0)[None]
    else:
        per_output = sizes.outputs_per_group
        inputs = sizes.input_channels_per_group
        starts = [first // per_output * inputs for first, _ in grid.slices]
        by_slice = np.add.reduceat(sums, starts, axis=1)  # (timesteps, slices, bands)
        pairs = by_slice.transpose(1, 2, 0)[:, :, None, :]
    return pairs


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
    per_group, pixels = _per_group(plan), spike_datapath(core).pixels
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
    columns |= _parked_sums(plan, core, precision)
    adding_cycles = np.maximum(added * adding, read * reading)
    columns["accumulate_cycles"] = adding_cycles + _parking_cycles(plan, core, precision)
    return columns


def _additions(trace: Trace, plan: Plan, pixels: int | None) -> tuple[Integers, Integers, Integers]:
    """ACs, vectors of weights that are added, and vectors that are read from memory."""
    if plan.fused.main.type is LayerType.PRODUCT:
        vectors, operations = events_and_meetings(trace, plan, pixels or 1)
        added = by_step(plan, vectors)
        return by_step(plan, operations), added, added  # values, of each timestep its own
    values = _events(trace, plan)
    added = _by_held_step(plan, _vectors_of_maps(plan, values, pixels))
    read = added
    if plan.geometry.batch > 1:
        read = _vectors_of_maps(plan, _in_any(plan, values), pixels)
    pairs = added if pixels is None else _pairs(plan, values)
    return pairs * _per_group(plan), added, read


def _window_bits(plan: Plan) -> Integers:
    """Bits of the windows of a job's pixels at one timestep, with padding."""
    sizes = plan.geometry
    taps = _chunk_lengths(plan) * sizes.window.taps
    return band_pixels(plan) * taps * _group_counts(plan) * sizes.input_bits


def _multiply(trace: Trace, plan: Plan, core: Core, precision: Precision) -> Columns:
    sizes = plan.geometry
    array = mac_datapath(core)
    per_group = _per_group(plan)
    passes = [
        array_pass(core, precision, int(each), sizes.input_bits) for each in per_group.ravel()
    ]
    repeats, cycles, weights, inputs = (
        np.array([getattr(each, name) for each in passes]).reshape(per_group.shape)
        for name in ("passes", "cycles", "weight_words", "input_words")
    )
    taps = _chunk_lengths(plan) * sizes.window.taps
    if array.zero_skipping:
        mask = trace.nonzero(plan.fused.main.inputs[0])
        maps = as_maps(plan, mask, sizes.input_map)
        taken = longest_columns(plan, maps, array.columns)
        pairs = _pairs(plan, mask)
        operations, vectors = pairs * per_group, pairs * repeats
    else:
        pixels = band_pixels(plan) * batch_lengths(plan)
        taken = ceil_divide(pixels, array.columns) * taps * _group_counts(plan)
        operations, vectors = pixels * taps * slice_lengths(plan), taken * repeats
    steps = taken * repeats
    weight_reads = vectors * weights
    fetching = ceil_divide(weight_reads, core.weight_memory.banks)
    columns: Columns = {
        "mac": operations,
        "fill_cycles": core_fill(core, Work.MULTIPLY),
        "weight_reads": weight_reads,
        "input_reads": steps * inputs,
    }
    columns |= _parked_sums(plan, core, precision)
    parking = _parking_cycles(plan, core, precision)
    columns["accumulate_cycles"] = np.maximum(steps * cycles, fetching) + parking
    return columns


def _parked_sums(plan: Plan, core: Core, precision: Precision) -> dict[str, Integers]:
    """Accesses of sums that leave the registers to wait for the next chunk."""
    count = len(plan.grid.chunks)
    if count == 1 or plan.grid.is_spread or plan.geometry.sums_in != "registers":
        return {}
    elements = slice_lengths(plan) * band_pixels(plan) * batch_lengths(plan)
    bits = elements * precision.accumulator_bits
    position = np.arange(count).reshape(1, 1, count, 1)
    sums = words(bits, core.state_memory)
    return {
        "state_writes": np.where(position < count - 1, sums, 0),
        "state_reads": np.where(position > 0, sums, 0),
    }


def _parking_cycles(plan: Plan, core: Core, precision: Precision) -> Integers | int:
    """Cycles in which such sums pass the state memory, both ways at once."""
    parked = _parked_sums(plan, core, precision)
    return ceil_divide(np.maximum(*parked.values()), core.state_memory.banks) if parked else 0


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
    Work.MULTIPLY: _multiply,
    Work.ELEMENT_WISE: _element_wise,
}
