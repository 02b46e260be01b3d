"""What a host beside the chip does: one layer at a time, in one piece.

It is a kind of core with one core, whose array is always full and whose memories are free
(`codesign.specs.architecture.Host`), so that jobs, transfers and waiting are those of all cores.
Left out: what else the host has to do, and how it holds weights and maps.
"""

from codesign.mapping.expected_cycles import Loads, Outside, moved_bits
from codesign.mapping.geometry import Geometry
from codesign.mapping.search import Choice
from codesign.mapping.tiling import Grid
from codesign.specs.architecture import Architecture


def host_choice(geometry: Geometry, architecture: Architecture, outside: Outside) -> Choice:
    """A layer in one piece on the host, and what that is expected to take and to spend."""
    host, technology, storage = architecture.host, architecture.technology, architecture.storage
    assert host is not None, "an architecture whose policy names a host has one"
    assert technology is not None
    assert storage is not None
    channels, rows, columns = geometry.output_map
    inputs = geometry.input_channels_per_group
    grid = Grid(((0, rows),), ((0, channels),), ((0, inputs),), columns)
    inside, in_dram = moved_bits(geometry, grid, outside)
    clock_hz, dram, buffer = technology.clock_hz, storage.dram, storage.activation_buffer
    multiplying = geometry.timesteps * -(-geometry.macs // host.macs_per_cycle)
    on_link = (inside + in_dram) * clock_hz / host.bandwidth_bits_per_s
    loads = Loads(
        compute=max(multiplying, on_link),
        weight_buffer=0.0,
        activation_buffer=inside / buffer.bits_per_cycle,
        dram=in_dram * clock_hz / (dram.channels * dram.bandwidth_bits_per_s),
    )
    spent = geometry.timesteps * geometry.macs * host.mac_pj
    spent += (inside + in_dram) * host.energy_pj_per_bit + in_dram * dram.energy_pj_per_bit
    spent += inside / buffer.width_bits * (buffer.read_pj + buffer.write_pj) / 2
    return Choice(grid, loads, spent, ((1, 1.0),), {})
