"""The rest of each job: its element-wise layers, its neurons, and what it moves.

Columns are arrays that broadcast to `(slices, bands, chunks, steps)`. The epilogue is a
pipeline through which each output element passes once, at the last chunk of its tile. A core
reads and writes every membrane at every timestep: the bias that a fused batch norm leaves behind
changes it even where no spike arrived.
"""

import numpy as np

from codesign.counting import added_spikes
from codesign.mapping.datapaths import Integers, ceil_divide, element_lanes, scan_width, words
from codesign.mapping.fusion import ELEMENT_WISE
from codesign.mapping.geometry import Work
from codesign.mapping.job_sizes import (
    Columns,
    band_pixels,
    batch_lengths,
    by_step,
    input_bits,
    output_maps,
    slice_lengths,
)
from codesign.mapping.mapper import Mapping, membranes_of
from codesign.mapping.planning import Plan
from codesign.specs.architecture import Core
from codesign.trace import Trace
from codesign.workload import Layer, LayerType, Stream


def epilogue_columns(trace: Trace, plan: Plan, core: Core, mapping: Mapping) -> Columns:
    """Operations, cycles and accesses of the element-wise layers, and of the biases.

    A job reads the bias of each of its channels once and holds it for all pixels.
    """
    elements = slice_lengths(plan) * band_pixels(plan) * batch_lengths(plan)
    leads = plan.fused.main.type in ELEMENT_WISE
    layers = plan.fused.layers if leads else plan.fused.epilogue
    state_reads, state_writes = _state_accesses(plan, core)
    columns: dict[str, Integers] = {"state_reads": state_reads, "state_writes": state_writes}
    busiest: Integers = np.zeros_like(elements)
    for layer in layers:
        name, done = _operations(trace, plan, layer, mapping)
        columns[name] = columns.get(name, np.zeros_like(elements)) + done
        busiest = np.maximum(busiest, done)
    if plan.fused.has_neurons:
        tile = slice_lengths(plan) * band_pixels(plan)
        cycles = ceil_divide(tile, core.neuron_lanes) * batch_lengths(plan)
    elif layers:
        scanned = ceil_divide(elements, scan_width(core))
        cycles = np.maximum(ceil_divide(busiest, element_lanes(core)), scanned)
    else:
        cycles = np.zeros_like(elements)
    staged = elements * plan.geometry.operand_bits + _spilled(plan) * _later(plan)
    if leads:
        staged = staged + input_bits(plan) * batch_lengths(plan)
    operands = words(staged, core.state_memory)
    reading = ceil_divide(state_reads + operands, core.state_memory.banks)
    biases = words(slice_lengths(plan) * plan.geometry.bias_bits, core.weight_memory)
    columns["weight_reads"] = biases
    reading = np.maximum(reading, ceil_divide(biases, core.weight_memory.banks))
    name = "neuron_cycles" if plan.fused.has_neurons else "accumulate_cycles"
    columns[name] = np.maximum(cycles, reading)
    return {name: values * at_last_chunk(plan) for name, values in columns.items()}


def _state_accesses(plan: Plan, core: Core) -> tuple[Integers, Integers]:
    """Reads and writes of membranes, and reads of sums that are not the membranes themselves.

    Scattered sums grow on the membranes; only where chunks or timesteps keep them apart, or where
    there are no membranes, are they read once more. So are those of an array that holds weights;
    sums in registers need no memory.
    """
    elements = slice_lengths(plan) * band_pixels(plan) * batch_lengths(plan)
    values = words(elements * plan.geometry.sum_bits, core.state_memory)
    membranes = values * plan.fused.has_neurons
    sums_in = plan.geometry.sums_in
    apart = (
        sums_in == "memory"
        or len(plan.grid.chunks) > 1
        or plan.geometry.batch > 1
        or not plan.fused.has_neurons
    )
    in_memory = plan.geometry.work is not Work.ELEMENT_WISE and sums_in != "registers"
    sums = values * (in_memory and apart)
    return membranes + sums, membranes


def _operations(trace: Trace, plan: Plan, layer: Layer, mapping: Mapping) -> tuple[str, Integers]:
    """What one element-wise layer does in each job: a column and its numbers."""
    elements = slice_lengths(plan) * band_pixels(plan) * batch_lengths(plan)
    if layer.type is LayerType.NEURON:
        return "neuron", elements
    if layer.type is LayerType.LOGIC:
        return "logic", elements
    policy = mapping.architecture.policy
    added = added_spikes(mapping.workload, layer)
    if (
        layer.type is LayerType.ADD
        and layer.stream is Stream.ACCUMULATION
        and added
        and policy is not None
        and policy.accumulation_additions != "dense"
    ):
        return "addition", tile_sums(trace, plan, added)
    return "addition", elements


def tile_sums(trace: Trace, plan: Plan, name: str) -> Integers:
    """Spikes of a tensor in each tile, shape `(slices, bands, 1, steps)`."""
    maps = output_maps(plan, trace.values(name))
    by_row = maps.sum(axis=3, dtype=np.int64)
    by_slice = np.add.reduceat(by_row, [first for first, _ in plan.grid.slices], axis=1)
    by_band: Integers
    by_band = np.add.reduceat(by_slice, [first for first, _ in plan.grid.bands], axis=2)
    return by_step(plan, by_band.transpose(1, 2, 0)[:, :, None, :])


def at_last_chunk(plan: Plan) -> Integers:
    """1 for the last chunk of a tile, else 0, shape `(1, 1, chunks, 1)`."""
    count = len(plan.grid.chunks)
    last: Integers = (np.arange(count) == count - 1).astype(np.int64).reshape(1, 1, count, 1)
    return last


def _spilled(plan: Plan) -> Integers:
    """Bits of the membranes of each tile that are stored and loaded again."""
    return slice_lengths(plan) * band_pixels(plan) * plan.geometry.spilled_bits


def _later(plan: Plan) -> Integers:
    """1 for every job but the first of a tile, shape `(1, 1, 1, steps)`."""
    steps = np.arange(plan.geometry.steps)
    later: Integers = (steps > 0).astype(np.int64).reshape(1, 1, 1, -1)
    return later


def transfer_columns(mapping: Mapping, plan: Plan, core: Core) -> Columns:
    """Bits to load and store, and the accesses of the core's memories that they cause."""
    lengths = batch_lengths(plan)
    elements = slice_lengths(plan) * band_pixels(plan) * lengths
    last = at_last_chunk(plan)
    inputs = input_bits(plan) * lengths
    returning = _spilled(plan) * last * _later(plan)
    leaving = _spilled(plan) * last * _later(plan)[..., ::-1]
    operands = elements * plan.geometry.operand_bits * last + returning
    results = elements * plan.geometry.stored_bits * last + leaving
    staged = words(operands, core.state_memory) + words(results, core.state_memory)
    columns: Columns = {
        **_by_place(mapping, plan.fused.operands, elements * last, "load"),
        "weight_bits": _block_bits(plan),
        "weight_writes": words(_block_bits(plan) + _value_bits(plan) * lengths, core.weight_memory),
        "state_reads": staged,
        "state_writes": staged,
    }
    for name, bits in _by_place(mapping, plan.fused.stored, elements * last, "store").items():
        columns[name] = bits
    columns |= _for_the_pathway(mapping, plan, core, elements * last)
    outside = "_dram" if membranes_of(plan.fused) in mapping.in_dram else ""
    columns[f"load{outside}_bits"] = columns[f"load{outside}_bits"] + returning
    columns[f"store{outside}_bits"] = columns[f"store{outside}_bits"] + leaving
    for name, bits in zip(plan.fused.sources, (inputs, _value_bits(plan) * lengths), strict=False):
        place = "load_dram_bits" if name in mapping.in_dram else "load_bits"
        columns[place] = columns[place] + bits
    if plan.geometry.reads_windows:
        columns["input_writes"] = words(inputs, core.input_memory)
    else:
        moved = words(inputs, core.state_memory)
        columns["state_reads"] = columns["state_reads"] + moved
        columns["state_writes"] = columns["state_writes"] + moved
    return columns


def _for_the_pathway(mapping: Mapping, plan: Plan, core: Core, elements: Integers) -> Columns:
    """What a layer of the spike stream stores for the accumulation stream alone.

    What no layer of its own stream reads is not among it: there the stream ends, in logits that it
    would store without the pathway as well.
    """
    workload = mapping.workload
    if plan.fused.stream is not Stream.SPIKE:
        return {}
    users = {
        name: workload.consumers_by_tensor[name]
        for name in plan.fused.stored
        if name not in workload.outputs
    }
    names = tuple(
        name
        for name, readers in users.items()
        if all(each.stream is Stream.ACCUMULATION or each in plan.fused.layers for each in readers)
        and any(each.stream is Stream.SPIKE for each in readers)
    )
    bits = _by_place(mapping, names, elements, "store")
    widths = sum(mapping.widths[name] for name in names)
    every = elements * plan.geometry.stored_bits
    through = words(every, core.state_memory) - words(every - elements * widths, core.state_memory)
    return {
        "pathway_store_bits": bits["store_bits"],
        "pathway_store_dram_bits": bits["store_dram_bits"],
        "pathway_state_words": through,
    }


def _by_place(
    mapping: Mapping, names: tuple[str, ...], elements: Integers, verb: str
) -> dict[str, Integers]:
    """Bits of so many elements of each tensor, by where the tensors live."""
    bits = {f"{verb}_bits": 0, f"{verb}_dram_bits": 0}
    for name in names:
        place = f"{verb}_dram_bits" if name in mapping.in_dram else f"{verb}_bits"
        bits[place] += mapping.widths[name]
    return {place: elements * width for place, width in bits.items()}


def _block_bits(plan: Plan) -> Integers:
    """Weights of each job, shape `(slices, 1, chunks, 1)`."""
    last = plan.grid.chunks[-1]
    bits = [
        [
            plan.geometry.block_bits(each[1] - each[0], chunk[1] - chunk[0], is_last=chunk == last)
            for chunk in plan.grid.chunks
        ]
        for each in plan.grid.slices
    ]
    return np.array(bits).reshape(len(bits), 1, -1, 1)


def _value_bits(plan: Plan) -> Integers:
    """Values of a product that each job loads, shape `(slices, 1, chunks, 1)`; 0 without."""
    lengths, chunks = (
        [last - first for first, last in cut] for cut in (plan.grid.slices, plan.grid.chunks)
    )
    bits = np.outer(lengths, chunks) * plan.geometry.value_bits
    return bits.reshape(len(lengths), 1, -1, 1)
