"""What an architecture file says: the chip as the user wrote it, frozen.

Field names carry their unit (`read_pj`, `clock_hz`); in YAML the same field has no suffix and the
unit stands beside the number (`read: 9.74 pJ`). No physical number has a default: a chip says
what it costs, and every group of numbers says where they come from (`source`).

Nothing here computes time or energy. The cores' cycles are in `codesign.mapping.datapaths`, the
price of an operation in `codesign.energy`.
"""

from enum import StrEnum
from typing import Literal, Self

from pydantic import Field, model_validator

from codesign.specs.consistency import (
    architecture_violations,
    core_violations,
    memory_violations,
    noc_violations,
    overhead_violations,
    port_violations,
    precision_violations,
    schedule_violations,
    spike_violations,
)
from codesign.specs.faults import refuse
from codesign.specs.groups import Count, Cycles, Flag, Name, Source, Spec
from codesign.specs.messages import Messages
from codesign.units import (
    Area,
    Bandwidth,
    Bits,
    Energy,
    EnergyPerBit,
    Frequency,
    Length,
    Power,
    Time,
)


class CoreKind(StrEnum):
    """Which operations a core can do."""

    SPIKE = "spike"
    """AC only: additions of weights on arrival of spikes."""
    ACCUMULATION = "accumulation"
    """MAC array, and adders for the accumulation pathway."""
    UNIFIED = "unified"
    """Both, on the same units: one job at a time."""


class Technology(Spec):
    """The process that all energies and areas of the file are given for."""

    node_nm: Length = Field(alias="node")
    clock_hz: Frequency = Field(alias="clock")
    source: Source


class Precision(Spec):
    """Widths of the numbers that the chip stores and moves.

    `accumulator` holds partial sums and membranes on every kind of core; `activation` is the
    stored width of a real tensor (the stem's currents, the accumulation stream after its first
    ReLU). Integer tensors are as wide as their largest value needs.
    """

    weight_bits: Bits = Field(alias="weight")
    accumulator_bits: Bits = Field(alias="accumulator")
    activation_bits: Bits = Field(alias="activation")
    source: Source

    @model_validator(mode="after")
    def _accumulator_holds_a_weight(self) -> Self:
        refuse(precision_violations(self))
        return self


class Policy(Spec):
    """Choices that the paper leaves to the hardware.

    Attributes:
        integer_input: what a convolution of integers (SEW's k in 0, 1, 2, ...) costs: `mac`;
            `repeat`: k ACs on a spike core; `bit_serial`: a shifted AC for each bit of k that
            is set; or `host`: it is done outside the chip (`Host`).
        real_input: what a convolution of reals costs: `mac`; `bit_serial`: a shifted AC on a
            spike core for each bit of an activation that is not zero (recorded are the zeros of
            reals, not their values: every bit counts); or `host`.
        bit_serial_layers: which layers may be computed bit by bit: `all`, or `ends`: those that
            read the network's input, and linear ones with no neurons behind them (heads).
        static_layers: a convolution whose input does not change with time (the stem's) is computed
            once, and its currents are stored for the neurons of all timesteps (`stored`); or it is
            computed again at every timestep beside its neurons, and nothing is stored
            (`recompute`). Those whose currents anything else reads are stored in any case, as are
            those of a host.
        accumulation_additions: the AAP adds `a + s` at every element (`dense`); only where s
            spiked (`spikes`); or, behind its last nonlinearity, where only the mean over the map
            is left to be made, each spike of s steps a counter of its channel and no map of `a` is
            stored (`counters`; elsewhere as `spikes`).
    """

    integer_input: Literal["mac", "repeat", "bit_serial", "host"]
    real_input: Literal["mac", "bit_serial", "host"] = "mac"
    bit_serial_layers: Literal["all", "ends"] = "all"
    static_layers: Literal["stored", "recompute"] = "stored"
    accumulation_additions: Literal["dense", "spikes", "counters"]


class Memory(Spec):
    """An SRAM of equal banks; each bank reads one word and writes one word in a cycle.

    Energies are per access of one bank; leakage and area are of all banks together.
    """

    size_bits: Bits = Field(alias="size")
    banks: Count
    width_bits: Bits = Field(alias="width")
    read_pj: Energy = Field(alias="read")
    write_pj: Energy = Field(alias="write")
    leakage_mw: Power = Field(alias="leakage")
    area_mm2: Area = Field(alias="area")
    source: Source

    @property
    def bits_per_cycle(self) -> int:
        return self.banks * self.width_bits

    @model_validator(mode="after")
    def _words_are_whole(self) -> Self:
        refuse(memory_violations(self))
        return self


class Buffer(Memory):
    """A memory that the cores share through `ports`; a transfer holds one port until it is done.

    The ports share the banks equally: together they move one word of every bank in a cycle.
    """

    ports: Count

    @property
    def port_bits_per_cycle(self) -> int:
        return self.bits_per_cycle // self.ports

    @model_validator(mode="after")
    def _ports_share_the_banks(self) -> Self:
        refuse(port_violations(self))
        return self


class Dram(Spec):
    """Off-chip memory: a transfer holds one channel for its bits over the bandwidth.

    What is moved arrives `latency` later; meanwhile the channel serves others. `bandwidth` is of
    one channel.
    """

    channels: Count
    bandwidth_bits_per_s: Bandwidth = Field(alias="bandwidth")
    latency_ns: Time = Field(alias="latency")
    energy_pj_per_bit: EnergyPerBit = Field(alias="energy")
    background_mw: Power = Field(alias="background")
    source: Source


class Storage(Spec):
    """The memories that all cores share."""

    weight_buffer: Buffer
    activation_buffer: Buffer
    dram: Dram


class Operations(Spec):
    """Energy of one operation of a core's datapath, without its memory accesses.

    `ac` is an accumulate, `mac` a multiply-accumulate, `addition` an integer or real addition of
    the accumulation pathway or a residual, `neuron` a whole neuron update (add, leak, compare,
    reset) and `logic` a one-bit operation (g of a residual, OR of a spike max-pool). A core
    that cannot do an operation has no entry for it.
    """

    ac_pj: Energy | None = Field(default=None, alias="ac")
    mac_pj: Energy | None = Field(default=None, alias="mac")
    addition_pj: Energy | None = Field(default=None, alias="addition")
    neuron_pj: Energy | None = Field(default=None, alias="neuron")
    logic_pj: Energy | None = Field(default=None, alias="logic")
    source: Source


class Overhead(Spec):
    """What a core's logic costs beside its operations.

    `clock` is the energy of clocking the core for one cycle in which it computes; `idle_clock`
    the same for a cycle in which it does not (gated or not is the architect's choice).
    """

    clock_pj: Energy = Field(alias="clock")
    idle_clock_pj: Energy = Field(alias="idle_clock")
    leakage_mw: Power = Field(alias="leakage")
    area_mm2: Area = Field(alias="area")
    source: Source

    @model_validator(mode="after")
    def _idle_costs_no_more_than_busy(self) -> Self:
        refuse(overhead_violations(self))
        return self


class SpikeDatapath(Spec):
    """Event-driven accumulators.

    Attributes:
        lanes: additions in a cycle.
        scan_bits: of the spike map, examined in a cycle.
        fill_cycles: before the first sum of a job.
        dataflow: `scatter`: for every spike and every valid kernel tap the core reads a vector of
            weights (one for each output channel of the tile) and adds it to a vector of partial
            sums in its state memory. `gather`: the lanes are shared by `pixels` output pixels,
            with lanes / pixels output channels side by side; a weight is read if any of the
            pixels has a spike there, and serves all that have one; partial sums stay in the
            lanes' registers, one for each timestep of a job. Channels beyond these are done one
            after the other, and the scanner goes through the pixels' windows each time.
        pixels: output pixels of a gathering core, a divisor of `lanes`.
    """

    lanes: Count
    dataflow: Literal["scatter", "gather"] = "scatter"
    pixels: Count | None = None
    scan_bits: Bits = Field(alias="scan")
    fill_cycles: Cycles = Field(alias="fill")

    @model_validator(mode="after")
    def _pixels_share_the_lanes(self) -> Self:
        refuse(spike_violations(self))
        return self


class MacDatapath(Spec):
    """An array of multipliers, one multiply-accumulate each in a cycle.

    Attributes:
        rows: of the array; what stands on them depends on the dataflow.
        columns: of the array.
        adders: additions of element-wise layers in a cycle.
        fill_cycles: before the first sum of a job.
        dataflow: `output_stationary`: output channels on the rows, output pixels on the columns.
            In a cycle every column takes one input, broadcast to the rows, and every row one
            weight, broadcast to the columns; partial sums stay in the units. A convolution with
            one output channel per group (depthwise) therefore uses one row.
            `weight_stationary`: input channels and taps on the rows, output channels on the
            columns. A tile of weights is loaded, a row a cycle, for which `rows` cycles pass; then
            the output pixels stream through, one a cycle, and their partial sums are read from and
            written to the state memory. A depthwise convolution uses one column, and as many rows
            as it has taps.
        zero_skipping: whether zero inputs take no time. Output-stationary, each column skips its
            own zeros, reads its own weights, and waits for the slowest column before it takes its
            next pixel. Weight-stationary, a pixel whose inputs on all rows are zero is skipped,
            save with the first tile, which begins its sums.
    """

    rows: Count
    columns: Count
    dataflow: Literal["output_stationary", "weight_stationary"] = "output_stationary"
    zero_skipping: Flag
    adders: Count
    fill_cycles: Cycles = Field(alias="fill")


class Noc(Spec):
    """What carries data between the cores and the shared memories; without it, wires of no cost.

    A link carries `link` bits in a cycle. A transfer holds every link of its way until it is done,
    and arrives `hop_latency` cycles later for each link that it passes; `hop` is the energy of a
    bit over one link and the router behind it.

    Attributes:
        topology: `mesh`: `columns` x `rows` nodes, one core each in declared order, row by row;
            links in both directions between neighbours; the column first, then the row (XY).
            `bus`: one link that all transfers share. `crossbar`: a link into and one out of every
            core.
        storage: of a mesh, where the buffers and the DRAM stand: at the node of the first column
            and row (`corner`), or beside every row, at its first column (`edge`).
        multicast: whether cores that wait for the same weights share one transfer.
        spikes: how spikes travel: a bit for each place (`bitmap`), an address for each spike
            (`events`), or what is shorter for each transfer (`shorter`).
        vertical_hop_pj_per_bit: of a link between rows, if it differs.
        event_pj: of making an address event and reading it again; where spikes travel so.
    """

    topology: Literal["mesh", "bus", "crossbar"]
    columns: Count | None = None
    rows: Count | None = None
    storage: Literal["corner", "edge"] | None = None
    link_bits: Bits = Field(alias="link")
    hop_latency_cycles: Cycles = Field(alias="hop_latency")
    hop_pj_per_bit: EnergyPerBit = Field(alias="hop")
    vertical_hop_pj_per_bit: EnergyPerBit | None = Field(default=None, alias="vertical_hop")
    multicast: Flag
    spikes: Literal["bitmap", "events", "shorter"]
    event_pj: Energy | None = Field(default=None, alias="event")
    leakage_mw: Power = Field(alias="leakage")
    area_mm2: Area = Field(alias="area")
    source: Source

    @model_validator(mode="after")
    def _mesh_has_sides(self) -> Self:
        refuse(noc_violations(self))
        return self


class Partition(StrEnum):
    """What of a layer the cores divide among each other."""

    AUTO = "auto"
    """What the cost model expects to have the least EDP."""
    OUTPUT_CHANNELS = "output_channels"
    ROWS = "rows"
    INPUT_CHANNELS = "input_channels"
    """Partial sums are brought together over the NoC."""


class Schedule(Spec):
    """How the work is ordered and divided.

    Attributes:
        order: `layer`: all cores work on one layer, its timesteps inside. `timestep`: all layers
            for one timestep, then the next. `pipeline`: each layer has cores of its own and
            computes timestep t while the layer behind it computes t - 1.
        partition: what of each layer is divided among the cores.
        layers: the same for single layers, by name.
        assignment: tiles are dealt in equal numbers (`equal`), or such that the recorded work of
            all cores is alike (`balanced`).
        barrier: whether all cores wait for each other between layers or timesteps.
        barrier_cycles: what such a barrier takes.
        time_batch: timesteps of one job, for which it fetches a vector of weights once.
    """

    order: Literal["layer", "timestep", "pipeline"] = "layer"
    partition: Partition = Partition.AUTO
    layers: dict[str, Partition] = Field(default_factory=dict)
    assignment: Literal["equal", "balanced"] = "equal"
    barrier: Literal["none", "layer", "timestep"] = "none"
    barrier_cycles: Cycles = 0
    time_batch: Count = 1

    @model_validator(mode="after")
    def _order_has_such_barriers(self) -> Self:
        refuse(schedule_violations(self))
        return self


class Core(Spec):
    """One kind of core. A unified core has both datapaths on the same units.

    A chip may have several kinds that can do the same, of unlike sizes or dataflows. They share the
    tiles of a layer where that is expected to be faster; in a pipeline each layer has one of them.

    With `double_buffering` its memories have a second place for weights, input and result, so
    that a job is loaded and another stored while one is computed.
    """

    kind: CoreKind
    count: Count
    spike: SpikeDatapath | None = None
    mac: MacDatapath | None = None
    neuron_lanes: Count
    double_buffering: Flag = True
    weight_memory: Memory
    state_memory: Memory
    input_memory: Memory
    operations: Operations
    overhead: Overhead

    @model_validator(mode="after")
    def _parts_fit_the_kind(self) -> Self:
        refuse(core_violations(self))
        return self


HOST = "host"
"""The key of the host among the kinds of core that compute."""


class Host(Spec):
    """A processor beside the chip, which convolves what `policy` does not leave to the chip.

    A link of two directions leads from the chip's shared memories to it. A layer's inputs are read
    from where they live and pass the link, its results pass it back and are stored; neurons and
    element-wise layers behind it stay on the chip. The host has the weights, and its own memories
    are part of what a MAC costs.

    Attributes:
        mac_pj: energy of a multiply-accumulate, with all that the host spends for it.
        macs_per_cycle: multiply-accumulates in a cycle of the chip's clock.
        bandwidth_bits_per_s: of the link, in each direction.
        latency_ns: from the end of a transfer over the link to its arrival.
        energy_pj_per_bit: of the link, both ends together.
    """

    mac_pj: Energy = Field(alias="mac")
    macs_per_cycle: Count
    bandwidth_bits_per_s: Bandwidth = Field(alias="bandwidth")
    latency_ns: Time = Field(alias="latency")
    energy_pj_per_bit: EnergyPerBit = Field(alias="energy")
    source: Source

    def as_core(self) -> Core:
        """The host as a core: of an array that is always full, and of memories that are free and
        never too small."""
        array = MacDatapath.model_construct(
            rows=1,
            columns=self.macs_per_cycle,
            dataflow="output_stationary",
            zero_skipping=False,
            adders=1,
            fill_cycles=0,
        )
        return Core.model_construct(
            kind=CoreKind.ACCUMULATION,
            count=1,
            mac=array,
            neuron_lanes=1,
            weight_memory=_FREE,
            state_memory=_FREE,
            input_memory=_FREE,
            operations=Operations.model_construct(source=self.source),
            overhead=Overhead.model_construct(
                clock_pj=0.0, idle_clock_pj=0.0, leakage_mw=0.0, area_mm2=0.0, source=self.source
            ),
        )


_FREE = Memory.model_construct(
    size_bits=1 << 40,
    banks=1,
    width_bits=1 << 40,
    read_pj=0.0,
    write_pj=0.0,
    leakage_mw=0.0,
    area_mm2=0.0,
    source="part of what a MAC of the host costs",
)


class PaperEnergies(Spec):
    """The two coefficients of eq. 7; an architecture that has these alone has no cores."""

    ac_pj: Energy = Field(alias="ac")
    mac_pj: Energy = Field(alias="mac")
    source: Source


class Architecture(Spec):
    """A chip: of cores that share memories (`cores`, `storage`), or of message-driven ones
    (`messages`); or (`operations` alone) the paper's pricing of operations without a chip."""

    name: Name
    description: str
    technology: Technology | None = None
    precision: Precision | None = None
    policy: Policy | None = None
    cores: dict[Name, Core] = Field(default_factory=dict)
    storage: Storage | None = None
    host: Host | None = None
    noc: Noc | None = None
    schedule: Schedule = Field(default_factory=Schedule)
    messages: Messages | None = None
    operations: PaperEnergies | None = None

    @property
    def kinds(self) -> dict[str, Core]:
        """All that computes, by kind: the chip's cores, and behind them the host as one more."""
        return self.cores | ({HOST: self.host.as_core()} if self.host else {})

    @model_validator(mode="after")
    def _is_a_chip_or_a_price(self) -> Self:
        refuse(architecture_violations(self))
        return self
