"""Rules between the values of an architecture that no single value shows.

Each function returns all violations of its rules, located from the group that it was given; the
models of `codesign.specs.architecture` call them after their own values are sound. Whether a
given network fits the chip is not asked here: that needs the network.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from codesign.specs.faults import Violation
from codesign.units import size_text

if TYPE_CHECKING:
    from codesign.specs.architecture import (
        Architecture,
        Buffer,
        Core,
        Memory,
        Noc,
        Overhead,
        Precision,
        Schedule,
        SpikeDatapath,
    )
    from codesign.specs.messages import Event, Messages

DATAPATHS = {
    "spike": ("spike",),
    "accumulation": ("mac",),
    "unified": ("spike", "mac"),
}
"""Groups that describe the datapath, by kind of core."""

OPERATIONS = {
    "spike": ("ac", "addition", "neuron", "logic"),
    "accumulation": ("mac", "addition", "neuron", "logic"),
    "unified": ("ac", "mac", "addition", "neuron", "logic"),
}
"""Operations that have a price, by kind of core."""

CHIP_GROUPS = ("technology", "precision", "policy", "cores", "storage")
"""What makes an architecture a chip of cores that share memories."""

MESSAGE_GROUPS = ("technology", "precision", "policy", "messages")
"""What makes it a chip of message-driven cores."""


def memory_violations(memory: "Memory") -> list[Violation]:
    """A memory holds whole words in every bank."""
    if memory.size_bits % memory.bits_per_cycle == 0:
        return []
    problem = (
        f"must be a multiple of banks x width = {size_text(memory.bits_per_cycle)} "
        f"(got {size_text(memory.size_bits)})."
    )
    fix = "Change size, banks or width."
    return [Violation(("size",), problem, fix, causes=(("banks",), ("width",)))]


def port_violations(buffer: "Buffer") -> list[Violation]:
    """Ports share what all banks move in a cycle without a rest."""
    if buffer.bits_per_cycle % buffer.ports == 0:
        return []
    problem = (
        f"must divide banks x width = {buffer.bits_per_cycle} bit, which they share "
        f"(got {buffer.ports})."
    )
    fix = "Change ports, banks or width."
    return [Violation(("ports",), problem, fix, causes=(("banks",), ("width",)))]


def precision_violations(precision: "Precision") -> list[Violation]:
    """An accumulator holds at least one weight."""
    if precision.accumulator_bits >= precision.weight_bits:
        return []
    problem = (
        f"must be at least as wide as a weight, {precision.weight_bits} bit "
        f"(got {precision.accumulator_bits} bit)."
    )
    fix = "Widen the accumulator."
    return [Violation(("accumulator",), problem, fix, causes=(("weight",),))]


def overhead_violations(overhead: "Overhead") -> list[Violation]:
    """An idle cycle costs no more than a busy one."""
    if overhead.idle_clock_pj <= overhead.clock_pj:
        return []
    problem = (
        f"must be at most the clock's {overhead.clock_pj:g} pJ (got {overhead.idle_clock_pj:g} pJ)."
    )
    fix = "Without gating the two are equal."
    return [Violation(("idle_clock",), problem, fix, causes=(("clock",),))]


def noc_violations(noc: "Noc") -> list[Violation]:
    """A mesh has sides and a place for the memories; nothing else has them."""
    found = []
    for field in ("columns", "rows", "storage"):
        expected, present = noc.topology == "mesh", getattr(noc, field) is not None
        if expected and not present:
            problem = "is missing for a topology of 'mesh'."
            found.append(_of_topology(field, problem, "Add it, or change the topology.", True))
        elif present and not expected:
            problem = f"must be absent for a topology of '{noc.topology}'."
            found.append(_of_topology(field, problem, "Remove it, or use a 'mesh'.", False))
    if (noc.spikes == "bitmap") != (noc.event_pj is None):
        expected = noc.spikes != "bitmap"
        problem = f"{'is missing' if expected else 'must be absent'} where spikes travel as "
        problem += f"'{noc.spikes}'."
        fix = "Say what making and reading an event costs." if expected else "Remove it."
        found.append(Violation(("event",), problem, fix, missing=expected, causes=(("spikes",),)))
    if noc.vertical_hop_pj_per_bit is not None and noc.topology != "mesh":
        problem = f"must be absent for a topology of '{noc.topology}'."
        found.append(_of_topology("vertical_hop", problem, "Remove it, or use a 'mesh'.", False))
    return found


def _of_topology(field: str, problem: str, fix: str, missing: bool) -> Violation:
    return Violation((field,), problem, fix, missing=missing, causes=(("topology",),))


def schedule_violations(schedule: "Schedule") -> list[Violation]:
    """Barriers stand where the order of work has a moment for them."""
    found = []
    refused = {"layer": "timestep", "pipeline": "layer"}.get(schedule.order)
    if schedule.barrier != "none" and schedule.barrier == refused:
        problem = f"must not be '{refused}' in the order '{schedule.order}'."
        other = "layer" if refused == "timestep" else "timestep"
        fix = f"Use 'none' or '{other}', or another order."
        found.append(Violation(("barrier",), problem, fix, causes=(("order",),)))
    if schedule.barrier == "none" and schedule.barrier_cycles:
        problem = f"must be 0 without barriers (got {schedule.barrier_cycles})."
        fix = "Name a barrier, or remove it."
        found.append(Violation(("barrier_cycles",), problem, fix, causes=(("barrier",),)))
    return found


def core_violations(core: "Core") -> list[Violation]:
    """A core has the datapath and the prices of its kind, and no others."""
    found = []
    for group in ("spike", "mac"):
        found += _presence(core, (group,), group in DATAPATHS[core.kind])
    for operation in OPERATIONS["unified"]:
        found += _presence(core, ("operations", operation), operation in OPERATIONS[core.kind])
    if core.kind == "unified" and core.spike and core.mac:
        units = core.mac.rows * core.mac.columns
        if core.spike.lanes > units:
            problem = (
                f"must be at most the {units} units of the array, rows x columns "
                f"(got {core.spike.lanes})."
            )
            fix = "The lanes are units of the same array."
            causes = (("mac", "rows"), ("mac", "columns"))
            found.append(Violation(("spike", "lanes"), problem, fix, causes=causes))
    return found


def spike_violations(spike: "SpikeDatapath") -> list[Violation]:
    """Gathering lanes are shared equally by a stated number of pixels; others by none."""
    causes = (("dataflow",), ("lanes",))
    if spike.dataflow == "scatter":
        if spike.pixels is None:
            return []
        problem, fix = "must be absent for a dataflow of 'scatter'.", "Remove it, or use 'gather'."
        return [Violation(("pixels",), problem, fix, causes=causes)]
    if spike.pixels is None:
        problem = "is missing for a dataflow of 'gather'."
        fix = f"Say how many pixels share the {spike.lanes} lanes."
        return [Violation(("pixels",), problem, fix, missing=True, causes=causes)]
    if spike.lanes % spike.pixels == 0:
        return []
    problem = f"must divide the {spike.lanes} lanes, which the pixels share (got {spike.pixels})."
    return [Violation(("pixels",), problem, "Change pixels or lanes.", causes=causes)]


def architecture_violations(architecture: "Architecture") -> list[Violation]:
    """An architecture is a whole chip of one of two sorts, or prices operations alone."""
    if architecture.operations is not None:
        return _absent(architecture, {"operations"}, "which prices operations without a chip")
    if architecture.messages is not None:
        found = _absent(architecture, set(MESSAGE_GROUPS), "whose cores are driven by messages")
        found += _missing(architecture, MESSAGE_GROUPS)
        return found or _message_chip_violations(architecture)
    found = _missing(architecture, CHIP_GROUPS)
    rules = (_buffer_violations, _noc_violations, _host_violations)
    return found or [each for rule in rules for each in rule(architecture)]


def _absent(architecture: "Architecture", allowed: set[str], what: str) -> list[Violation]:
    """Groups that stand beside one that they do not fit."""
    chosen = type(architecture.schedule)() != architecture.schedule
    groups = [*dict.fromkeys((*CHIP_GROUPS, *MESSAGE_GROUPS)), "host", "noc"]
    given = [group for group in groups if getattr(architecture, group)] + ["schedule"] * chosen
    main = "operations" if "operations" in allowed else "messages"
    return [
        Violation(
            (group,),
            f"must be absent beside '{main}', {what}.",
            f"Remove '{group}' or '{main}'.",
            causes=((main,),),
        )
        for group in given
        if group not in allowed
    ]


def _missing(architecture: "Architecture", groups: tuple[str, ...]) -> list[Violation]:
    sort = "chip of messages" if "messages" in groups else "chip"
    return [
        Violation(
            (group,),
            "is missing.",
            f"A {sort} has {', '.join(groups)}; 'operations' alone prices without a chip.",
            missing=True,
        )
        for group in groups
        if not getattr(architecture, group)
    ]


def message_violations(messages: "Messages") -> list[Violation]:
    """Barriers are given by rising numbers of tiles, from one."""
    found = []
    for place, (before, entry) in enumerate(
        zip((None, *messages.barrier), messages.barrier, strict=False)
    ):
        least = 1 if before is None else before.tiles + 1
        if entry.tiles < least or (before is None and entry.tiles > 1):
            must = "be 1" if before is None else f"be at least {least}"
            problem = f"must {must}, in rising order from 1 (got {entry.tiles})."
            found.append(Violation(("barrier", place, "tiles"), problem, "Sort the entries."))
    return found


def _message_chip_violations(architecture: "Architecture") -> list[Violation]:
    """Messages are of spikes, and every event takes whole cycles."""
    policy, technology = architecture.policy, architecture.technology
    assert architecture.messages is not None
    assert technology is not None
    assert policy is not None
    found = []
    needed = (
        ("integer_input", "mac", "'repeat' or 'bit_serial'"),
        ("integer_input", "host", "'repeat' or 'bit_serial'"),
        ("real_input", "host", "'bit_serial'"),
        ("static_layers", "recompute", "'stored'"),
        ("accumulation_additions", "dense", "'spikes'"),
        ("accumulation_additions", "counters", "'spikes'"),
    )
    for field, refused, wanted in needed:
        if getattr(policy, field) == refused:
            problem = f"must be {wanted} on a chip of messages, which carry spikes "
            problem += f"(got '{refused}')."
            causes = (("messages",),)
            found.append(Violation(("policy", field), problem, f"Use {wanted}.", causes=causes))
    for place, latency_ns in _latencies(architecture.messages):
        cycles = latency_ns * 1e-9 * technology.clock_hz
        if abs(cycles - round(cycles)) > _ROUNDING:
            problem = f"must be whole cycles of the clock (got {cycles:g} of them)."
            fix = "Round it, or raise 'technology.clock'."
            path = ("messages", *place, "latency")
            found.append(Violation(path, problem, fix, causes=(("technology", "clock"),)))
    return found


_ROUNDING = 1e-6
"""Of a cycle: what a product of decimal numbers may be off."""


def _latencies(messages: "Messages") -> Iterator[tuple[tuple[str | int, ...], float]]:
    """Every latency of a chip of messages, in ns, with its place in the file."""
    for name in ("message_out", "message_in", "hop", "vertical_hop"):
        yield (name,), getattr(messages, name).latency_ns
    for group in ("soma", "synapses"):
        for name, _ in getattr(messages, group):
            event: Event = getattr(getattr(messages, group), name)
            yield (group, name), event.latency_ns
    for place, entry in enumerate(messages.barrier):
        yield ("barrier", place), entry.latency_ns


def _host_violations(architecture: "Architecture") -> list[Violation]:
    """A policy that sends layers to a host has one, which no kind of core is called."""
    policy, found = architecture.policy, []
    for field in ("integer_input", "real_input"):
        if getattr(policy, field) == "host" and architecture.host is None:
            problem = f"is missing where policy.{field} is 'host'."
            fix = "Say what the host and its link cost, or change the policy."
            cause = (("policy", field),)
            found.append(Violation(("host",), problem, fix, missing=True, causes=cause))
    if "host" in architecture.cores:
        problem = "must have another name: 'host' is what computes outside the chip."
        found.append(Violation(("cores", "host"), problem, "Rename it.", causes=(("host",),)))
    return found[:1]


def _noc_violations(architecture: "Architecture") -> list[Violation]:
    """Every core has a node, and partial sums have a way."""
    noc, schedule = architecture.noc, architecture.schedule
    found = []
    count = sum(core.count for core in architecture.cores.values())
    if noc and noc.columns and noc.rows and noc.columns * noc.rows < count:
        problem = (
            f"must be at least {-(-count // noc.columns)}, because {count} cores need a node each "
            f"(got {noc.rows} rows of {noc.columns})."
        )
        causes = (("noc", "columns"), *(("cores", name, "count") for name in architecture.cores))
        found.append(Violation(("noc", "rows"), problem, "Enlarge the mesh.", causes=causes))
    wanted = [("partition", schedule.partition)]
    wanted += [(f"layers.{name}", each) for name, each in schedule.layers.items()]
    for place, partition in wanted:
        if partition == "input_channels" and noc is None:
            problem = "must not be 'input_channels' without a NoC, which carries the partial sums."
            path = ("schedule", *place.split(".", 1))
            found.append(Violation(path, problem, "Add 'noc', or divide otherwise.", causes=()))
    return found


def _buffer_violations(architecture: "Architecture") -> list[Violation]:
    """What a core loads ahead, half of its weight memory, fits the buffer it comes from."""
    storage = architecture.storage
    if storage is None or not architecture.cores:
        return []
    name, core = max(architecture.cores.items(), key=lambda item: item[1].weight_memory.size_bits)
    half_bits = core.weight_memory.size_bits // 2
    if storage.weight_buffer.size_bits >= half_bits:
        return []
    problem = (
        f"must be at least {size_text(half_bits)}, half the weight memory of a core of "
        f"'{name}' (got {size_text(storage.weight_buffer.size_bits)})."
    )
    fix = "Enlarge the buffer or shrink the cores' weight memory."
    causes = (("cores", name, "weight_memory", "size"),)
    return [Violation(("storage", "weight_buffer", "size"), problem, fix, causes=causes)]


def _presence(core: "Core", path: tuple[str, ...], expected: bool) -> list[Violation]:
    group = core if len(path) == 1 else core.operations
    field = path[-1] if len(path) == 1 else f"{path[-1]}_pj"
    present = getattr(group, field) is not None
    if present == expected:
        return []
    kind, causes = f"for a core of kind '{core.kind}'", (("kind",),)
    if expected:
        fix = "Add it, or change the kind."
        return [Violation(path, f"is missing {kind}.", fix, missing=True, causes=causes)]
    fix = "Remove it, or change the kind."
    return [Violation(path, f"must be absent {kind}.", fix, causes=causes)]
