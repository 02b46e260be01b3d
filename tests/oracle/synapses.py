"""Synapses: what the main layer of a job does where it has weights, or products in their place.

Goes from every output pixel through its taps. On a spike core each event that a tap finds adds a
vector of weights to a vector of sums, or does so for a group of pixels if the core gathers; on an
array each column stands for a pixel, or each row for a channel and tap if it holds weights.
"""

from collections import Counter

import numpy as np
from numpy.typing import NDArray

from codesign.mapping.geometry import Work
from codesign.workload import Kind, LayerType
from tests.oracle.parts import Part, Site, per_cycle, up, words


def synapses(site: Site, part: Part) -> Counter[str]:
    """Operations, cycles and accesses of the main layer of a job."""
    if site.plan.geometry.work is Work.MULTIPLY:
        holds = site.core.mac and site.core.mac.dataflow == "weight_stationary"
        return _streamed(site, part) if holds else _multiplied(site, part)
    if site.kind == "host":
        return _on_host(site, part)
    if site.plan.fused.main.type is LayerType.PRODUCT:
        return _product(site, part)
    return _accumulated(site, part)


def _on_host(site: Site, part: Part) -> Counter[str]:
    """Every tap of every output, with padding, as many in a cycle as the host does."""
    host = site.mapping.architecture.host
    assert host
    each = part.elements(site) * len(part.terms) * site.plan.geometry.window.taps
    cycles = sum(up(each, host.macs_per_cycle) for _ in part.timesteps)
    return Counter(mac=each * len(part.timesteps), accumulate_cycles=cycles)


def _events(site: Site) -> NDArray[np.int64]:
    """How often each input is added: a spike once, k of an integer k times; bit by bit once for
    every bit that is set, of a real's unknown ones for each."""
    trace, width = site.trace, site.mapping.widths[site.source]
    if not site.plan.geometry.is_serial:
        return site.maps(trace.values(site.source))
    if trace.workload.tensor_by_name[site.source].kind is Kind.REAL:
        return site.maps(trace.nonzero(site.source)) * width
    return site.maps(np.vectorize(lambda k: int(k).bit_count())(trace.values(site.source)))


def _met(site: Site, part: Part, values: NDArray[np.int64]) -> int:
    """Sum over the job's output pixels and their taps of values by row and column."""
    rows = values.tolist()
    columns = range(site.plan.geometry.output_map[2])
    return sum(rows[y][x] for r in part.rows for c in columns for y, x in site.taps[r, c])


def _accumulated(site: Site, part: Part) -> Counter[str]:
    events = _events(site)
    found: Counter[str] = Counter()
    adding = reading = 0
    for group, length in part.groups(site).items():
        held = events[part.timesteps.start : part.timesteps.stop, part.channels(site, group)]
        pairs = sum(_met(site, part, each.sum(axis=0)) for each in held)
        # Weights that several timesteps meet at the same place are read once for all of them.
        if _together(site):
            added = sum(_shared(site, part, each) for each in held)
            read = _shared(site, part, held.max(axis=0))
        else:
            added, read = pairs, _met(site, part, held.max(axis=0).sum(axis=0))
        found["ac"] += pairs * length
        vector = _vector(site, length, site.precision.weight_bits)
        adding += added * vector["adding"]
        reading += read * vector["reading"]
        found["weight_reads"] += read * vector["weight_words"]
        found["state_reads"] += added * vector["sum_words"]
        found["state_writes"] += added * vector["sum_words"]
    waiting = _waiting_sums(site, part) if _together(site) else Counter(state_reads=0)
    found["accumulate_cycles"] = max(adding, reading)
    found["accumulate_cycles"] += up(max(waiting.values()), site.core.state_memory.banks)
    return found + waiting + _scanned(site, part)


def _together(site: Site) -> int:
    """Pixels that a gathering core has on its lanes at once; 0 for one that scatters."""
    assert site.core.spike
    return site.core.spike.pixels or 0


def _groups_of_pixels(site: Site, part: Part) -> list[list[tuple[int, int]]]:
    columns = range(site.plan.geometry.output_map[2])
    pixels = [(row, column) for row in part.rows for column in columns]
    step = _together(site) or 1
    return [pixels[first : first + step] for first in range(0, len(pixels), step)]


def _shared(site: Site, part: Part, values: NDArray[np.int64]) -> int:
    """Vectors that groups of pixels add: at every channel and tap as many as the pixel with most
    events there; values by channel, row and column."""
    vectors = 0
    for pixels in _groups_of_pixels(site, part):
        for tap in _kernel(site):
            found = [_at(site, values, pixel, tap) for pixel in pixels]
            vectors += int(np.maximum.reduce(found).sum())
    return vectors


def _kernel(site: Site) -> list[tuple[int, int]]:
    height, width = site.plan.geometry.window.kernel
    return [(i, j) for i in range(height) for j in range(width)]


def _at(
    site: Site, values: NDArray[np.int64], pixel: tuple[int, int], tap: tuple[int, int]
) -> NDArray[np.int64]:
    """Values of all channels that a pixel meets at a tap; zeros beside the map."""
    window = site.plan.geometry.window
    y, x = (
        pixel[axis] * window.stride[axis] + tap[axis] * window.dilation[axis] - window.padding[axis]
        for axis in (0, 1)
    )
    if 0 <= y < values.shape[1] and 0 <= x < values.shape[2]:
        return values[:, y, x]
    return np.zeros(len(values), dtype=np.int64)


def _vector(site: Site, length: int, bits: int) -> dict[str, int]:
    """Cycles and words of adding so many weights, each of so many bits, to as many sums."""
    core = site.core
    assert core.spike
    if _together(site):
        beside = core.spike.lanes // _together(site)
        parts = [min(beside, length - first) for first in range(0, length, beside)]
        return {
            "adding": len(parts),
            "reading": sum(up(each * bits, per_cycle(core.weight_memory)) for each in parts),
            "weight_words": sum(words(each * bits, core.weight_memory) for each in parts),
            "sum_words": 0,
        }
    sums, weights = length * site.precision.accumulator_bits, length * bits
    return {
        "adding": max(up(length, core.spike.lanes), up(sums, per_cycle(core.state_memory))),
        "reading": up(weights, per_cycle(core.weight_memory)),
        "weight_words": words(weights, core.weight_memory),
        "sum_words": words(sums, core.state_memory),
    }


def _scanned(site: Site, part: Part) -> Counter[str]:
    assert site.core.spike
    bits, timesteps = part.input_bits(site), len(part.timesteps)
    if _together(site):  # the windows of all pixels, once for each set of channels on the lanes
        sizes, width = site.plan.geometry, site.mapping.widths[site.source]
        places = len(part.rows) * sizes.output_map[2] * len(part.terms) * sizes.window.taps
        passes = [_vector(site, length, 1)["adding"] for length in part.groups(site).values()]
        bits = places * sum(passes) * width
    return Counter(
        scan_cycles=up(bits, site.scan_bits) * timesteps,
        input_reads=words(bits, site.core.input_memory) * timesteps,
        fill_cycles=site.core.spike.fill_cycles,
    )


def _product(site: Site, part: Part) -> Counter[str]:
    """Every spike of the first operand meets a row of the second's values."""
    main = site.plan.fused.main
    meet = main.contraction
    assert meet
    spikes, values = (
        [x.ravel() for x in site.trace.values(name).astype(np.int64)] for name in main.inputs
    )
    found: Counter[str] = Counter()
    cycles = 0
    for group, length in part.groups(site).items():
        firsts = [output - group * meet.outputs for output in part.outputs]
        columns = np.array([j for j in firsts if 0 <= j < meet.outputs])
        vector = _vector(site, length, site.mapping.widths[main.inputs[1]])
        for timestep in part.timesteps:
            for k in part.terms:
                at = group * meet.value_strides[0] + k * meet.value_strides[1]
                row = values[timestep][at + columns * meet.value_strides[2]]
                nonzero = int(np.count_nonzero(row))
                for pixels in _groups_of_pixels(site, part):
                    indices = [np.dot((group, y, k), meet.event_strides) for y, _ in pixels]
                    meeting = sum(int(spikes[timestep][index]) for index in indices)
                    if meeting:
                        found["ac"] += meeting * nonzero
                        found["weight_reads"] += vector["weight_words"]
                        found["state_reads"] += vector["sum_words"]
                        found["state_writes"] += vector["sum_words"]
                        cycles += max(vector["adding"], vector["reading"])
    waiting = _waiting_sums(site, part) if _together(site) else Counter(state_reads=0)
    found["accumulate_cycles"] = cycles + up(max(waiting.values()), site.core.state_memory.banks)
    return found + waiting + _scanned(site, part)


def _multiplied(site: Site, part: Part) -> Counter[str]:
    core, precision = site.core, site.precision
    assert core.mac
    found: Counter[str] = Counter(fill_cycles=core.mac.fill_cycles)
    mask = site.maps(site.trace.nonzero(site.source))
    column_bits = core.mac.columns * site.mapping.widths[site.source]
    busy = 0
    for group, length in part.groups(site).items():
        row_bits = min(length, core.mac.rows) * precision.weight_bits
        step = max(
            1,
            up(row_bits, per_cycle(core.weight_memory)),
            up(column_bits, per_cycle(core.input_memory)),
        )
        operands = _operands(site, part, mask[:, part.channels(site, group)].sum(axis=1))
        passes = up(length, core.mac.rows)
        steps = passes * sum(
            max(operands[n : n + core.mac.columns])
            for n in range(0, len(operands), core.mac.columns)
        )
        found["mac"] += sum(operands) * length
        # Columns at different taps need a vector each; in step, one serves them all.
        vectors = sum(operands) * passes if core.mac.zero_skipping else steps
        found["weight_reads"] += vectors * words(row_bits, core.weight_memory)
        found["input_reads"] += steps * words(column_bits, core.input_memory)
        busy += steps * step
    busy = max(busy, up(found["weight_reads"], core.weight_memory.banks))
    waiting = _waiting_sums(site, part)
    found["accumulate_cycles"] = busy + up(max(waiting.values()), core.state_memory.banks)
    return found + waiting


def _streamed(site: Site, part: Part) -> Counter[str]:
    """Pixels that stream through one tile of weights after the other."""
    core = site.core
    assert core.mac
    found: Counter[str] = Counter(fill_cycles=core.mac.fill_cycles)
    mask = site.maps(site.trace.nonzero(site.source))
    places = [(row, x) for row in part.rows for x in range(site.plan.geometry.output_map[2])]
    begins = part.terms.start == 0 or site.plan.grid.is_spread
    skips, pairs = core.mac.zero_skipping, len(part.terms) * len(_kernel(site))
    for group, length in part.groups(site).items():
        mine = mask[part.timesteps.start : part.timesteps.stop, part.channels(site, group)]
        pixels = [
            np.stack([_at(site, each, place, tap) for tap in _kernel(site)], axis=1).ravel()
            for each in mine
            for place in places
        ]
        operands = sum(int(np.count_nonzero(each)) if skips else pairs for each in pixels)
        found["mac"] += operands * length
        for first in range(0, pairs, core.mac.rows):
            begun = begins and first == 0
            held = slice(first, first + core.mac.rows)
            streaming = sum(begun or not skips or bool(each[held].any()) for each in pixels)
            for _ in range(0, length, core.mac.columns):
                found += _through_a_tile(site, (pairs, length), streaming, begun=begun)
    return found


def _through_a_tile(
    site: Site, sizes: tuple[int, int], streaming: int, *, begun: bool
) -> Counter[str]:
    """Loading a tile, as full as the fullest, and streaming so many pixels through it."""
    core, precision = site.core, site.precision
    assert core.mac
    rows, columns = min(sizes[0], core.mac.rows), min(sizes[1], core.mac.columns)
    row_bits, sum_bits = columns * precision.weight_bits, columns * precision.accumulator_bits
    input_bits = rows * site.mapping.widths[site.source]
    loading = max(core.mac.rows, rows * up(row_bits, per_cycle(core.weight_memory)))
    inputs, sums = (
        up(input_bits, per_cycle(core.input_memory)),
        up(sum_bits, per_cycle(core.state_memory)),
    )
    return Counter(
        accumulate_cycles=loading + streaming * max(1, inputs, sums),
        weight_reads=rows * words(row_bits, core.weight_memory),
        input_reads=streaming * words(input_bits, core.input_memory),
        state_writes=streaming * words(sum_bits, core.state_memory),
        state_reads=0 if begun else streaming * words(sum_bits, core.state_memory),
    )


def _operands(site: Site, part: Part, counts: NDArray[np.int64]) -> list[int]:
    """Operands of each of the job's pixels: all with padding, or those that are not zero."""
    assert site.core.mac
    columns = range(site.plan.geometry.output_map[2])
    pixels = [(row, column) for row in part.rows for column in columns]
    if not site.core.mac.zero_skipping:
        every = len(part.terms) * site.plan.geometry.window.taps
        return [every] * len(pixels) * len(part.timesteps)
    return [
        sum(int(counts[timestep, y, x]) for y, x in site.taps[pixel])
        for timestep in part.timesteps
        for pixel in pixels
    ]


def _waiting_sums(site: Site, part: Part) -> Counter[str]:
    """Sums that wait in the state memory between the chunks that one core computes in turn."""
    grid = site.plan.grid
    found = Counter(state_reads=0, state_writes=0)
    if len(grid.chunks) > 1 and not grid.is_spread:
        bits = part.elements(site) * len(part.timesteps) * site.precision.accumulator_bits
        sums = words(bits, site.core.state_memory)
        found["state_reads"] = sums if part.terms.start > 0 else 0
        found["state_writes"] = 0 if part.is_last else sums
    return found
