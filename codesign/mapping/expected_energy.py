"""The energy that a cut of a layer is expected to take, by the architecture's own prices.

Counted is all that a cut decides: accesses of the cores' memories and of the buffers, DRAM and NoC
bits, the clocks of cores that compute, and what passes with time (leakage, background, idle
clocks). So are operations, in which kinds of core differ. Left out are rests of words of single
jobs, address events, and what multicast saves. All jobs are taken to be as large as the largest,
and spike maps to be as full as in `codesign.mapping.expected_cycles`.
"""

from typing import NamedTuple

from codesign.mapping.datapaths import (
    array_pass,
    mac_datapath,
    spike_datapath,
    weight_tiles,
    weight_vector,
)
from codesign.mapping.expected_cycles import (
    EXPECTED_RATE,
    Outside,
    Site,
    Sites,
    Surroundings,
    fetched_bits,
    loaded_bits,
    moved_bits,
    teams_of,
    tile_cycles,
)
from codesign.mapping.geometry import Geometry, Work
from codesign.mapping.tiling import Grid, tiles_of_kinds
from codesign.specs.architecture import Core, Memory, Precision


class Accesses(NamedTuple):
    """Words that the main layer of a tile reads and writes at a timestep, and its operations."""

    weight_reads: float = 0.0
    input_reads: float = 0.0
    state_reads: float = 0.0
    state_writes: float = 0.0
    operations: float = 0.0


def expected_pj(
    sites: Sites, grid: Grid, around: Surroundings, outside: Outside, cycles: float
) -> float:
    """Energy that a layer is expected to take with a cut, in so many cycles."""
    geometry, storage = sites[0].geometry, around.storage
    inside, in_dram = moved_bits(geometry, grid, outside)
    fetched = fetched_bits(sites, grid, around, outside)
    loaded = loaded_bits(sites, grid, around.precision, outside)
    activations, weights = storage.activation_buffer, storage.weight_buffer
    spent = inside / activations.width_bits * (activations.read_pj + activations.write_pj) / 2
    spent += loaded / weights.width_bits * weights.read_pj
    spent += fetched / weights.width_bits * weights.write_pj
    spent += (in_dram + fetched) * storage.dram.energy_pj_per_bit
    spent += (inside + in_dram + loaded) * around.link_pj_per_bit
    spent += cycles * around.static_pj_per_cycle
    tiles = tiles_of_kinds(grid.tile_count, teams_of(sites, grid, around.precision))
    for site, count in zip(sites, tiles, strict=True):
        share = count / grid.tile_count
        spent += (
            loaded * share / site.core.weight_memory.width_bits * (site.core.weight_memory.write_pj)
        )
        spent += _of_kind(site, grid, around.precision, count)
    return spent


def _of_kind(site: Site, grid: Grid, precision: Precision, tiles: int) -> float:
    """What the cores of one kind spend on so many tiles, more than if they stood idle."""
    geometry, core = site
    chunks = len(grid.chunks)
    accesses = _accesses(geometry, grid, core, precision)
    weight, state, inputs = core.weight_memory, core.state_memory, core.input_memory
    job = accesses.weight_reads * weight.read_pj + accesses.input_reads * inputs.read_pj
    job += accesses.state_reads * state.read_pj + accesses.state_writes * state.write_pj
    job += accesses.operations * _operation_pj(geometry, core)
    written = geometry.input_tile_bits(grid) / geometry.batch
    if geometry.reads_windows:
        job += written / inputs.width_bits * inputs.write_pj
    else:
        job += written / state.width_bits * (state.read_pj + state.write_pj)
    tile = chunks * job + _sums_pj(geometry, grid, core)
    busy = tiles * geometry.timesteps * tile_cycles(geometry, core, grid, precision)
    busy *= chunks if grid.is_spread else 1
    clocks = busy * (core.overhead.clock_pj - core.overhead.idle_clock_pj)
    return tiles * geometry.timesteps * tile + clocks


def _operation_pj(geometry: Geometry, core: Core) -> float:
    if geometry.work is Work.ELEMENT_WISE:
        return 0.0
    operations = core.operations
    price = operations.ac_pj if geometry.work is Work.ACCUMULATE else operations.mac_pj
    return price or 0.0


def _sums_pj(geometry: Geometry, grid: Grid, core: Core) -> float:
    """Membranes, results, operands, and partial sums that wait or travel, of a tile at a
    timestep."""
    memory, elements = core.state_memory, grid.largest_tile
    both = memory.read_pj + memory.write_pj
    values = elements * geometry.sum_bits / memory.width_bits
    staged = elements * (geometry.operand_bits + geometry.stored_bits) / memory.width_bits
    spent = (values * geometry.has_neurons + staged) * both
    spent += 2 * elements * geometry.spilled_bits / memory.width_bits * both
    in_registers = geometry.sums_in == "registers"
    if grid.is_spread or (len(grid.chunks) > 1 and in_registers):
        spent += (len(grid.chunks) - 1) * values * both * (2 if grid.is_spread else 1)
    return spent


def _accesses(geometry: Geometry, grid: Grid, core: Core, precision: Precision) -> Accesses:
    """Of a job's main layer at a timestep."""
    if geometry.work is Work.ACCUMULATE:
        return _of_spikes(geometry, grid, core, precision)
    if geometry.work is Work.MULTIPLY:
        return _of_array(geometry, grid, core, precision)
    if not geometry.reads_windows:
        return Accesses()
    return Accesses(input_reads=_words(geometry.input_tile_bits(grid), core.input_memory))


def _words(bits: float, memory: Memory) -> float:
    return bits / memory.width_bits


def _of_spikes(geometry: Geometry, grid: Grid, core: Core, precision: Precision) -> Accesses:
    channels = geometry.input_channels(grid.largest_slice, grid.largest_chunk)
    pixels, taps = grid.largest_band * grid.width, channels * geometry.window.taps
    per_group = min(grid.largest_slice, geometry.outputs_per_group)
    vector = weight_vector(core, precision, per_group, geometry.value_bits)
    together, pairs = spike_datapath(core).pixels, EXPECTED_RATE * pixels * taps
    if together is None:
        examined = geometry.input_tile_bits(grid) / geometry.batch
        vectors = pairs
    else:
        any_spikes = 1 - (1 - EXPECTED_RATE) ** together
        vectors = any_spikes * -(-pixels // together) * taps
        examined = pixels * taps * geometry.input_bits * vector.passes
    return Accesses(
        vectors * vector.weight_words,
        _words(examined, core.input_memory),
        vectors * vector.state_words,
        vectors * vector.state_words,
        pairs * per_group,
    )


def _of_array(geometry: Geometry, grid: Grid, core: Core, precision: Precision) -> Accesses:
    array, pixels = mac_datapath(core), grid.largest_band * grid.width
    groups = max(1, grid.largest_slice // geometry.outputs_per_group)
    per_group = min(grid.largest_slice, geometry.outputs_per_group)
    taps = grid.largest_chunk * geometry.window.taps
    operations = groups * pixels * taps * per_group
    if array.dataflow == "weight_stationary":
        tiles = weight_tiles(core, precision, (taps, per_group), geometry.input_bits)
        loads = groups * tiles.row_tiles * tiles.column_tiles
        streamed = loads * pixels
        sums = streamed * tiles.sum_words
        return Accesses(
            loads * tiles.weight_words / geometry.batch,
            streamed * tiles.input_words,
            sums * (1 - 1 / tiles.row_tiles),
            sums,
            operations,
        )
    once = array_pass(core, precision, per_group, geometry.input_bits)
    steps = once.passes * -(-pixels // array.columns) * groups * taps
    return Accesses(steps * once.weight_words, steps * once.input_words, operations=operations)
