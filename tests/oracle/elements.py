"""Elements: pools, means over time, additions, logic and neurons of a job, and sums brought
together from other cores; element by element where their number depends on what was recorded.
"""

from collections import Counter

from codesign.mapping.fusion import ELEMENT_WISE
from codesign.mapping.geometry import Work
from codesign.workload import Layer, LayerType, Stream, Window
from tests.oracle.parts import Part, Site, up, words


def pooled(site: Site, part: Part) -> Counter[str]:
    """A pool or a mean over time; nothing for other main layers."""
    main, core = site.plan.fused.main, site.core
    bits = part.input_bits(site)
    if main.type is LayerType.TIME_MEAN:
        added = part.elements(site) * site.trace.workload.tensor_by_name[site.source].timesteps
        reading = up(words(bits, core.state_memory), core.state_memory.banks)
        return Counter(addition=added, accumulate_cycles=max(up(added, site.lanes), reading))
    if main.type not in (LayerType.MAX_POOL, LayerType.AVERAGE_POOL):
        return Counter()
    bits *= len(part.timesteps)
    entering, is_spikes = _entering(site, part), site.is_spikes(site.source)
    looks_for_spikes = is_spikes and main.type is LayerType.MAX_POOL
    found = Counter(
        {
            "logic" if looks_for_spikes else "addition": entering,
            "input_reads": words(bits, core.input_memory),
            "scan_cycles": up(bits, site.scan_bits) if is_spikes else 0,
        }
    )
    if not looks_for_spikes:
        added = entering if is_spikes else bits // site.mapping.widths[site.source]
        reading = up(words(bits, core.input_memory), core.input_memory.banks)
        found["accumulate_cycles"] = max(up(added, site.lanes), reading)
    return found


def _entering(site: Site, part: Part) -> int:
    """What enters a pool: spikes that some window sees, or all elements. One that several bands
    see counts for the band in which a window begins at its row, the last takes what is left."""
    sizes = site.plan.geometry
    seen = {place for places in site.taps.values() for place in places}
    stride = sizes.window.stride[0]
    is_first, is_last = part.rows[0] == 0, part.rows[-1] == sizes.output_map[1] - 1
    rows = range(
        0 if is_first else min(part.rows[0] * stride, sizes.input_map[1]),
        sizes.input_map[1] if is_last else min((part.rows[-1] + 1) * stride, sizes.input_map[1]),
    )
    places = [(y, x) for y in rows for x in range(sizes.input_map[2])]
    if not site.is_spikes(site.source):
        return len(places) * len(part.outputs) * len(part.timesteps)
    maps = site.maps(site.trace.values(site.source))
    return sum(
        int(maps[timestep, channel, y, x])
        for timestep in part.timesteps
        for channel in part.outputs
        for y, x in places
        if (y, x) in seen
    )


def epilogue(site: Site, part: Part) -> Counter[str]:
    """Element-wise layers, neurons and biases, which the last chunk of a tile brings."""
    fused, core, sizes = site.plan.fused, site.core, site.plan.geometry
    found: Counter[str] = Counter()
    if not part.is_last:
        return found
    tile, timesteps = part.elements(site), len(part.timesteps)
    leads = fused.main.type in ELEMENT_WISE
    busiest = 0
    for layer in fused.layers if leads else fused.epilogue:
        name, done = _done(site, part, layer)
        found[name] += done
        busiest = max(busiest, done)
    values = words(tile * timesteps * sizes.sum_bits, core.state_memory)
    if fused.has_neurons:
        found["state_reads"] += values
        found["state_writes"] += values
    is_apart = len(site.plan.grid.chunks) > 1 or sizes.batch > 1 or not fused.has_neurons
    if (sizes.work is Work.ACCUMULATE and is_apart and not _gathers(site)) or _holds_weights(site):
        found["state_reads"] += values
    staged = tile * timesteps * sum(site.mapping.widths[name] for name in fused.operands)
    staged += _membranes(site, part) * part.is_later
    staged += part.input_bits(site) * timesteps * leads
    reads = found["state_reads"] + words(staged, core.state_memory)
    has_bias = fused.is_synaptic and fused.main.bias and site.kind != "host"
    biases = len(part.outputs) * site.precision.accumulator_bits * has_bias
    found["weight_reads"] += words(biases, core.weight_memory)
    if fused.has_neurons:
        cycles = up(tile, core.neuron_lanes) * timesteps
    elif leads or fused.epilogue:
        cycles = max(up(busiest, site.lanes), up(tile * timesteps, site.scan_bits))
    else:
        cycles = 0
    found["neuron_cycles" if fused.has_neurons else "accumulate_cycles"] = max(
        cycles,
        up(reads, core.state_memory.banks),
        up(found["weight_reads"], core.weight_memory.banks),
    )
    return found


def _done(site: Site, part: Part, layer: Layer) -> tuple[str, int]:
    """What an element-wise layer does in a job, and how often."""
    elements = part.elements(site) * len(part.timesteps)
    if layer.type is LayerType.NEURON:
        return "neuron", elements
    if layer.type is LayerType.LOGIC:
        return "logic", elements
    policy = site.mapping.architecture.policy
    spikes = [name for name in layer.inputs if site.is_spikes(name)]
    is_sparse = policy is not None and policy.accumulation_additions != "dense"
    is_accumulation = layer.type is LayerType.ADD and layer.stream is Stream.ACCUMULATION
    if not (is_sparse and is_accumulation and spikes):
        return "addition", elements
    return "addition", spikes_of_tile(site, part, spikes[-1])


def spikes_of_tile(site: Site, part: Part, name: str) -> int:
    """Spikes of a tensor of the output's size in the job's tile, at its timesteps."""
    maps = site.outputs(name)
    return sum(
        int(maps[timestep, channel, row].sum())
        for timestep in part.timesteps
        for channel in part.outputs
        for row in part.rows
    )


def _membranes(site: Site, part: Part) -> int:
    """Bits of the tile's membranes if they are stored outside between its jobs."""
    sizes = site.plan.geometry
    is_spilled = sizes.membranes == "spilled"
    return part.elements(site) * site.precision.accumulator_bits * is_spilled


def transfers(site: Site, part: Part) -> Counter[str]:
    """Bits that a job loads and stores, and the accesses of its core's memories for them."""
    fused, core, sizes = site.plan.fused, site.core, site.plan.geometry
    elements, timesteps = part.elements(site) * len(part.timesteps), len(part.timesteps)
    found: Counter[str] = Counter()
    operands = results = 0
    if part.is_last:
        for name in fused.operands:
            operands += elements * site.mapping.widths[name]
            found[place(site, "load", name)] += elements * site.mapping.widths[name]
        for name in fused.stored:
            results += elements * site.mapping.widths[name]
            found[place(site, "store", name)] += elements * site.mapping.widths[name]
        membranes = f"membranes of {fused.name}"
        if part.is_later:
            operands += _membranes(site, part)
            found[place(site, "load", membranes)] += _membranes(site, part)
        if not part.is_final:
            results += _membranes(site, part)
            found[place(site, "store", membranes)] += _membranes(site, part)
    inputs, values = part.input_bits(site) * timesteps, 0
    found[place(site, "load", site.source)] += inputs
    if fused.main.type is LayerType.PRODUCT:
        second = fused.main.inputs[1]
        values = len(part.outputs) * len(part.terms) * site.mapping.widths[second] * timesteps
        found[place(site, "load", second)] += values
    found += _for_the_pathway(site, elements * part.is_last)
    staged = words(operands, core.state_memory) + words(results, core.state_memory)
    if sizes.work is Work.ELEMENT_WISE and sizes.window == Window((1, 1)):
        staged += words(inputs, core.state_memory)
    else:
        found["input_writes"] = words(inputs, core.input_memory)
    found["state_reads"] = found["state_writes"] = staged
    weights = _weights(site, part)
    found["weight_bits"] = weights
    found["weight_writes"] = words(weights + values, core.weight_memory)
    return found


def _for_the_pathway(site: Site, elements: int) -> Counter[str]:
    """What a layer of the spike stream stores for the accumulation stream alone."""
    fused, workload, found = site.plan.fused, site.trace.workload, Counter[str]()
    if fused.stream is Stream.ACCUMULATION:
        return found
    memory, widths = site.core.state_memory, site.mapping.widths
    every = others = elements * sum(widths[name] for name in fused.stored)
    for name in fused.stored:
        readers = [layer for layer in workload.layers if name in layer.inputs]
        outside = [layer for layer in readers if layer not in fused.layers]
        in_spikes = any(layer.stream is Stream.SPIKE for layer in outside)
        if name not in workload.outputs and not in_spikes:
            found[f"pathway_{place(site, 'store', name)}"] += elements * widths[name]
            others -= elements * widths[name]
    found["pathway_state_words"] = words(every, memory) - words(others, memory)
    return found


def place(site: Site, verb: str, name: str) -> str:
    """The column of what is moved to or from where a tensor lives."""
    return f"{verb}_dram_bits" if name in site.mapping.in_dram else f"{verb}_bits"


def _weights(site: Site, part: Part) -> int:
    """Bits of a job's weights, with the biases if it is the last of its tile."""
    if not site.plan.fused.is_synaptic or site.kind == "host":
        return 0  # a host has them
    taps = site.plan.geometry.window.taps
    weights = len(part.outputs) * len(part.terms) * taps * site.precision.weight_bits
    is_biased = part.is_last and site.plan.fused.main.bias
    return weights + len(part.outputs) * site.precision.accumulator_bits * is_biased


def reduced(site: Site, part: Part) -> Counter[str]:
    """Partial sums that a job sends to the tile's last one, or adds up for it."""
    grid, core = site.plan.grid, site.core
    if not grid.is_spread:
        return Counter()
    elements = part.elements(site) * len(part.timesteps)
    bits = elements * site.precision.accumulator_bits
    sums, others = words(bits, core.state_memory), len(grid.chunks) - 1
    if part.is_last:
        reading = up(sums * others, core.state_memory.banks)
        return Counter(
            reduction=elements * others,
            state_reads=sums * others,
            accumulate_cycles=max(up(elements * others, site.lanes), reading),
        )
    # Registers put their sums down before they leave; those that were scattered lie there already.
    multiplies = site.plan.geometry.work is Work.MULTIPLY
    in_registers = not _holds_weights(site) if multiplies else _gathers(site)
    written = sums * (2 if in_registers else 1)
    return Counter(sum_bits=bits, state_reads=sums, state_writes=written)


def _gathers(site: Site) -> bool:
    return site.core.spike is not None and site.core.spike.dataflow == "gather"


def _holds_weights(site: Site) -> bool:
    """Whether the layer is on an array whose sums grow in the state memory."""
    mac = site.core.mac
    multiplies = site.plan.geometry.work is Work.MULTIPLY
    return multiplies and mac is not None and mac.dataflow == "weight_stationary"
