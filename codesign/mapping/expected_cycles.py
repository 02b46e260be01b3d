"""What a cut of a layer is expected to take, resource by resource.

The expected cycles are the largest of four loads: the busiest core's computing, the weight buffer's
ports, the activation buffer's ports, and DRAM, which carries the weights and those inputs, results
and membranes that live there. Nothing waits for another layer. Spike maps are expected to be
`EXPECTED_RATE` full: what is decided must not depend on the recorded input, or the same network
would be mapped differently for every image. All jobs are taken to be as large as the largest.
"""

from dataclasses import dataclass
from typing import NamedTuple

from codesign.mapping.datapaths import (
    array_pass,
    element_lanes,
    mac_datapath,
    scan_width,
    spike_datapath,
    weight_tiles,
    weight_vector,
)
from codesign.mapping.geometry import Geometry, Work
from codesign.mapping.tiling import (
    Grid,
    Teams,
    core_loads,
    fetches,
    most_input_rows,
    most_tiles,
)
from codesign.specs.architecture import Core, Precision, Storage

EXPECTED_RATE = 0.2
"""Spikes per element, near the mean of Table 2's networks (0.14 to 0.25)."""


@dataclass(frozen=True)
class Surroundings:
    """What a kind of core shares with the others, as far as a cut depends on it.

    Attributes:
        precision: widths of numbers.
        storage: the shared memories.
        share: bits of the weight buffer that this kind of core has.
        dram_bits_per_cycle: bandwidth of all channels together.
        static_pj_per_cycle: of the whole chip, what passes with time alone: leakage, background,
            and the idle clocks of all cores.
        link_pj_per_bit: of a bit's way between a memory and a core, on average; 0 without a NoC.
        has_noc: whether partial sums can travel from core to core.
    """

    precision: Precision
    storage: Storage
    share: int
    dram_bits_per_cycle: float
    static_pj_per_cycle: float = 0.0
    link_pj_per_bit: float = 0.0
    has_noc: bool = False


@dataclass(frozen=True)
class Outside:
    """What of a layer passes DRAM.

    Attributes:
        weight_passes: how often all its weights are fetched, where a pass is all that needs them
            at once.
        has_input: whether the main layer's input lives there.
        has_values: the same of a product's values.
        has_membranes: the same of membranes that are stored and loaded again.
        operand_bits: widths of those operands of an output element that live there.
        stored_bits: the same of its results.
    """

    weight_passes: int = 1
    has_input: bool = False
    has_values: bool = False
    has_membranes: bool = False
    operand_bits: int = 0
    stored_bits: int = 0


INSIDE = Outside()
"""Of a layer of which nothing but its weights passes DRAM, once."""


class Site(NamedTuple):
    """A layer on one kind of core.

    Attributes:
        geometry: sizes of the layer on such a core.
        core: the kind, with as many cores as may work on the layer.
    """

    geometry: Geometry
    core: Core


Sites = tuple[Site, ...]
"""The kinds of core that share a layer, in declared order."""


class Loads(NamedTuple):
    """Cycles that a cut is expected to ask of each resource for one layer."""

    compute: float
    weight_buffer: float
    activation_buffer: float
    dram: float

    @property
    def cycles(self) -> float:
        """Those of the slowest: what the layer is expected to take."""
        return max(self)

    @property
    def limit(self) -> str:
        """The slowest."""
        return max(self._fields, key=lambda name: float(getattr(self, name)))


def job_count(grid: Grid) -> int:
    """Jobs of one timestep."""
    return grid.tile_count * len(grid.chunks)


def teams_of(sites: Sites, grid: Grid, precision: Precision) -> Teams:
    """Teams of each kind, and what the largest tile is expected to take one at a timestep."""
    if len(sites) == 1:
        return ((sites[0].core.count // grid.cores_per_tile, 1.0),)
    return tuple(
        (site.core.count // grid.cores_per_tile, tile_cycles(*site, grid, precision))
        for site in sites
    )


def tile_cycles(geometry: Geometry, core: Core, grid: Grid, precision: Precision) -> float:
    """Cycles of the largest tile at a timestep: at least one, as a job lasts."""
    chunks, pixels = len(grid.chunks), grid.largest_tile
    job = _job_cycles(geometry, grid, core, precision)
    epilogue = -(-pixels // core.neuron_lanes) if geometry.has_neurons else 0
    if grid.is_spread:
        epilogue += (chunks - 1) * -(-pixels // element_lanes(core))
    in_turn = 1 if grid.is_spread else chunks
    return max(1.0, in_turn * job + epilogue)


def expected_loads(sites: Sites, grid: Grid, around: Surroundings, outside: Outside) -> Loads:
    """What a cut is expected to take."""
    geometry, storage = sites[0].geometry, around.storage
    teams = teams_of(sites, grid, around.precision)
    compute = geometry.timesteps * max(
        count * tile_cycles(*site, grid, around.precision)
        for count, site in zip(most_tiles(grid.tile_count, teams), sites, strict=True)
    )
    inside_bits, dram_bits = moved_bits(geometry, grid, outside)
    fetched = fetched_bits(sites, grid, around, outside)
    return Loads(
        compute,
        loaded_bits(sites, grid, around.precision, outside) / storage.weight_buffer.bits_per_cycle,
        inside_bits / storage.activation_buffer.bits_per_cycle,
        (dram_bits + fetched) / around.dram_bits_per_cycle,
    )


def fetched_bits(sites: Sites, grid: Grid, around: Surroundings, outside: Outside) -> float:
    """Weights that are fetched from DRAM."""
    geometry = sites[0].geometry
    bits: float = outside.weight_passes * geometry.layer_bits()
    if not geometry.keeps_weights(around.share):
        bits *= fetches(grid, teams_of(sites, grid, around.precision)) / len(grid.slices)
    return bits


def loaded_bits(sites: Sites, grid: Grid, precision: Precision, outside: Outside) -> int:
    """Weights that cores load from the weight buffer."""
    block = sites[0].geometry.block_bits(grid.largest_slice, grid.largest_chunk)
    loads = core_loads(grid, teams_of(sites, grid, precision))
    return outside.weight_passes * loads * block


def moved_bits(geometry: Geometry, grid: Grid, outside: Outside) -> tuple[int, int]:
    """Bits of inputs, values, operands, results and membranes that all jobs move, as if all were as
    large as the largest: those from and to the activation buffer, and those from and to DRAM."""
    jobs = job_count(grid) * geometry.steps
    inputs = jobs * geometry.input_tile_bits(grid)
    values = jobs * geometry.value_block_bits(grid.largest_slice, grid.largest_chunk)
    elements = grid.tile_count * grid.largest_tile
    membranes = 2 * elements * (geometry.steps - 1) * geometry.spilled_bits
    every_bits = geometry.operand_bits + geometry.stored_bits
    passing_bits = outside.operand_bits + outside.stored_bits
    at_all_steps = elements * geometry.batch * geometry.steps
    total = inputs + values + membranes + at_all_steps * every_bits
    in_dram = at_all_steps * passing_bits + inputs * outside.has_input
    in_dram += values * outside.has_values + membranes * outside.has_membranes
    return total - in_dram, in_dram


def _job_cycles(geometry: Geometry, grid: Grid, core: Core, precision: Precision) -> float:
    """Cycles of the largest job without its epilogue, at one of its timesteps."""
    rows = most_input_rows(grid.bands, geometry.window, geometry.input_map[1])
    channels = geometry.input_channels(grid.largest_slice, grid.largest_chunk)
    elements = channels * rows * geometry.input_map[2]
    if geometry.work is Work.ACCUMULATE:
        cycles = _adding_cycles(geometry, grid, core, precision)
        return max(elements / scan_width(core), cycles) + core_fill(core, geometry.work)
    if geometry.work is Work.MULTIPLY:
        cycles = _array_cycles(geometry, grid, core, precision)
        return cycles + core_fill(core, geometry.work)
    return elements * geometry.input_timesteps / element_lanes(core)


def _adding_cycles(geometry: Geometry, grid: Grid, core: Core, precision: Precision) -> float:
    """Of spikes that are scattered; or gathered, as if those of neighbours did not depend on each
    other, unless their windows take longer to scan."""
    channels = geometry.input_channels(grid.largest_slice, grid.largest_chunk)
    pixels, taps = grid.largest_band * grid.width, channels * geometry.window.taps
    per_group = min(grid.largest_slice, geometry.outputs_per_group)
    vector = weight_vector(core, precision, per_group, geometry.value_bits)
    together = spike_datapath(core).pixels
    if together is None:
        return EXPECTED_RATE * channels * pixels * geometry.window.taps * vector.cycles
    any_spikes = 1 - (1 - EXPECTED_RATE) ** together
    adding = any_spikes * -(-pixels // together) * taps * vector.cycles
    return max(adding, pixels * taps * vector.passes / scan_width(core))


def _array_cycles(geometry: Geometry, grid: Grid, core: Core, precision: Precision) -> float:
    """Of a MAC array, as if it skipped nothing."""
    array, pixels = mac_datapath(core), grid.largest_band * grid.width
    groups = max(1, grid.largest_slice // geometry.outputs_per_group)
    per_group = min(grid.largest_slice, geometry.outputs_per_group)
    taps = grid.largest_chunk * geometry.window.taps
    if array.dataflow == "weight_stationary":
        tiles = weight_tiles(core, precision, (taps, per_group), geometry.input_bits)
        each = tiles.loading_cycles / geometry.batch + pixels * tiles.cycles
        return groups * tiles.row_tiles * tiles.column_tiles * each
    once = array_pass(core, precision, per_group, geometry.input_bits)
    return once.passes * once.cycles * -(-pixels // array.columns) * groups * taps


def core_fill(core: Core, work: Work) -> int:
    """Cycles before the first result of a job's main layer."""
    if work is Work.ACCUMULATE and core.spike:
        return core.spike.fill_cycles
    return core.mac.fill_cycles if work is Work.MULTIPLY and core.mac else 0
