"""Packets: how many bits the spikes of a job take on the NoC.

A part of a spike map travels as a bitmap, one bit for each place, or as address events, one
address within the part for each spike; or as what is shorter, with one bit that says which. The
memories hold bitmaps: what travels otherwise is encoded where it leaves and decoded where it
arrives. Left out: what a packet's head costs; operands of a product, which travel as bitmaps.
"""

import numpy as np
from numpy.typing import NDArray

from codesign.mapping.datapaths import Integers
from codesign.mapping.epilogue import at_last_chunk, tile_sums
from codesign.mapping.job_sizes import (
    Columns,
    as_maps,
    band_pixels,
    batch_lengths,
    by_step,
    input_bits,
    slice_lengths,
)
from codesign.mapping.mapper import Mapping
from codesign.mapping.planning import Plan
from codesign.mapping.tiling import input_band
from codesign.trace import Trace
from codesign.workload import Kind, LayerType


def packet_columns(trace: Trace, plan: Plan, mapping: Mapping) -> Columns:
    """Bits that each job's transfers save on the NoC, and the address events that they carry."""
    noc = mapping.architecture.noc
    columns: dict[str, Integers] = {}
    if noc is None or noc.spikes == "bitmap":
        return {}
    for verb, names in (("load", plan.fused.operands), ("store", plan.fused.stored)):
        places = slice_lengths(plan) * band_pixels(plan) * batch_lengths(plan)
        for name in names:
            if _is_spikes(trace, name):
                spikes = tile_sums(trace, plan, name)
                saved = _saved(places, spikes, shorter=noc.spikes == "shorter")
                _add(columns, mapping, (verb, name), [x * at_last_chunk(plan) for x in saved])
    source = plan.fused.sources[0]
    alone = plan.fused.main.type not in (LayerType.PRODUCT, LayerType.TIME_MEAN)
    if alone and _is_spikes(trace, source):
        spikes = by_step(plan, _input_spikes(trace, plan, source))
        places = input_bits(plan) * batch_lengths(plan)
        saved = _saved(places, spikes, shorter=noc.spikes == "shorter")
        _add(columns, mapping, ("load", source), saved)
    return dict(columns)


def _is_spikes(trace: Trace, name: str) -> bool:
    return trace.workload.tensor_by_name[name].kind is Kind.SPIKE


def _add(
    columns: dict[str, Integers],
    mapping: Mapping,
    what: tuple[str, str],
    saved: list[Integers],
) -> None:
    verb, name = what
    place = f"{verb}_dram_saved_bits" if name in mapping.in_dram else f"{verb}_saved_bits"
    for column, values in zip((place, "events"), saved, strict=True):
        columns[column] = columns.get(column, np.zeros((), dtype=np.int64)) + values


def _saved(places: Integers, spikes: Integers, *, shorter: bool) -> list[Integers]:
    """Bits fewer than the bitmap's (they may be more), and the spikes that travel as events."""
    address_bits = np.maximum(1, np.ceil(np.log2(np.maximum(places, 1))).astype(np.int64))
    as_events = spikes * address_bits
    if not shorter:
        return [places - as_events, spikes + np.zeros_like(places)]
    saved = np.maximum(places - as_events, 0) - (places > 0)  # one bit says which
    return [saved, np.where(as_events < places, spikes, 0)]


def _input_spikes(trace: Trace, plan: Plan, name: str) -> Integers:
    """Spikes in the part of the input that each job loads, shape
    `(slices or 1, bands, chunks, timesteps)`."""
    sizes, grid = plan.geometry, plan.grid
    maps = as_maps(plan, trace.values(name), sizes.input_map)
    by_row = maps.sum(axis=3, dtype=np.int64)
    up_to = np.pad(np.cumsum(by_row, axis=2), ((0, 0), (0, 0), (1, 0)))
    bands = [input_band(band, sizes.window, sizes.input_map[1]) for band in grid.bands]
    firsts, ends = ([band[side] for band in bands] for side in (0, 1))
    by_band = up_to[:, :, ends] - up_to[:, :, firsts]  # (timesteps, channels, bands)
    parts = [_channels(plan, by_band, each) for each in grid.slices]
    spikes: Integers = np.stack(parts).transpose(0, 3, 2, 1)
    return spikes


def _channels(plan: Plan, by_band: Integers, part: tuple[int, int]) -> NDArray[np.int64]:
    """Sums over the input channels of each chunk that a slice reads, shape
    `(timesteps, chunks, bands)`."""
    sizes, grid = plan.geometry, plan.grid
    first, last = part
    if plan.fused.is_synaptic and sizes.window.groups == 1:
        starts = [start for start, _ in grid.chunks]
        by_chunk: Integers = np.add.reduceat(by_band, starts, axis=1)
        return by_chunk
    if plan.fused.is_synaptic:
        inputs, outputs = sizes.input_channels_per_group, sizes.outputs_per_group
        groups = max(1, (last - first) // outputs)
        first = first // outputs * inputs
        last = first + groups * inputs
    own: Integers = by_band[:, first:last].sum(axis=1)[:, None]
    return own
