"""The result: everything that one run found, as immutable tables and one JSON object.

A report, a comparison and a sweep read nothing else. All energies follow from the counts in the
tables and the architecture's coefficients; all cycles follow from the simulation.

With several images there is one `Result` per image, and `combine` makes the one whose scalars are
means and whose spread is stated.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

COMPONENTS = (
    "ac",
    "mac",
    "addition",
    "neuron",
    "logic",
    "weight_memory",
    "state_memory",
    "input_memory",
    "weight_buffer",
    "activation_buffer",
    "dram",
    "noc",
    "host",
    "clock",
    "leakage",
    "dram_background",
)
"""What energy is spent on; the order in which every table and figure shows it."""

BUSY_STATES = ("scan", "accumulate", "neuron")
STALLED_STATES = ("weights", "input", "output", "dependency", "barrier")
STATES = (*BUSY_STATES, *STALLED_STATES, "idle")
"""What a core does in a cycle. `accumulate` is the work of its datapath, AC or MAC or addition."""

COUNTS = (
    "ac_synaptic",
    "ac_neuron",
    "ac_pool",
    "ac_product",
    "ac_residual",
    "ac_accumulation",
    "ac_accumulation_nonzero",
    "ac_readout",
    "ac_repeat",
    "mac",
    "mac_nonzero",
    "mac_batch_norm",
    "neuron_updates",
)
"""Exact integer counts per layer and timestep; `ac_rate_dense` beside them is the estimate."""


OCCUPANCY_COLUMNS = ["core", "kind", "state", "cycles"]
TIMELINE_COLUMNS = [
    *("resource", "layer", "stream", "timestep", "tile", "state"),
    *("start_cycle", "end_cycle"),
]


COUNTER_COLUMNS = ["counter", "cycle", "value"]
FLOW_COLUMNS = ["layer", "timestep", "from_core", "from_cycle", "to_core", "to_cycle"]
PATH_COLUMNS = ["start_cycle", "end_cycle", "cause", "resource", "layer", "timestep", "tile"]


@dataclass(frozen=True)
class Result:
    """One run: one workload on one architecture.

    Attributes:
        summary: the JSON object that `codesign run --json` prints. Its keys: `workload`,
            `architecture`, `policy` (of the architecture), `timesteps`, `images`,
            `makespan_cycles`, `latency_s`, `interval_cycles` and `interval_s` (between the ends of
            two images in a steady stream), `interval_energy_pj` (of an image in it),
            `interval_bounds_cycles` (what an image asks of each
            resource in it), `area_mm2` and `area_parts_mm2`, `average_power_w`
            and `peak_power_w` (of any cycle of any image), `static_parts_pj` (leakage, DRAM
            background and idle clocks by place), `spared_clock_pj` (idle clocks that cores did
            not spend because they computed, by stream), `energy_pj`, `energy_parts_pj` (by
            component), `energy_streams_pj` (by stream), `edp_js`, `counts` (of the network,
            whatever the policy does with them), `bit_serial` (by layer the ACs and the energy of
            values that are no spikes on cores that only accumulate), `host` (by layer that is done
            outside the chip its `mac`, the bits that go there and come back (`to_host_bits`,
            `from_host_bits`), the energy of both (`mac_pj`, `link_pj`), and the cycles in which
            the host computes it (`cycles`)), `messages` (on a chip of
            message-driven cores how many timesteps it took, what is in use of it, and how many
            events of each sort there were; see `codesign.messages`), `populations` (on such a chip
            the cores, neurons and depth of each), `mapping` (for each layer its
            cores by kind, into how many slices of output channels, bands of rows and chunks of
            input channels it is cut, `is_spread` if chunks are on different cores,
            `is_recomputed` if it is computed at every timestep though once would do, the cycles
            that the mapper expected, of each resource and the longest (`limit`), the energy that it
            expected, the cycles of the `alternatives`, and those on the `kinds` of core that were
            compared, null where it does not fit), `idle_cores` (kinds of core that compute nothing,
            and why), `widths` (whether
            sums and membranes fit the accumulators, and the layers of which they do not; see
            `codesign.overflow`), `accuracy` (of a trained network on the test pictures of its data
            set, see `codesign.accuracy`; else null), `bounds_cycles`, `critical_path_cycles` (by
            cause; they sum to the makespan), `what_if` (what the makespan were if a resource of it
            were twice as fast), `jobs`, `provenance`, `sources` (of the architecture's numbers),
            `coefficients_pj` (those energies that are one number on the whole chip: `ac`, `mac`,
            and of a bit `dram` and `noc`), `trace_hash`, `architecture_hash`, `version`; of several
            images also `spread`. Those of time, the policy and the widths are null on an
            architecture without cores.
        layers: a row for each layer and timestep: `layer`, `type`, `stream`, `timestep`, the
            columns of `COUNTS`, `ac_rate_dense`, `neurons` (outputs of a neuron layer, else 0)
            and `spikes` (ones among its outputs).
        energy: a row for each layer, timestep and component that is not zero: `layer`, `stream`,
            `timestep`, `component`, `energy_pj`. What no layer caused (leakage, idle clock) has
            an empty layer, stream `chip` and timestep -1.
        occupancy: a row for each core and state: `core` (`spike[3]`), `kind`, `state`, `cycles`.
            The states of a core sum to the makespan.
        timeline: a row for each thing a core, port or channel was busy with: `resource`
            (`spike[3]`, `activation_buffer[0]`, `dram[0]`), `layer`, `stream`, `timestep`,
            `tile`, `state`, `start_cycle`, `end_cycle`. Rows of one resource do not overlap.
        critical_path: segments that set the makespan, from cycle 0 to its end: `start_cycle`,
            `end_cycle`, `cause`, `resource`, `layer`, `timestep`, `tile`, as in
            `codesign.critical_path`.
        counters: steps of what changes in time: `counter` (`power (W)`, `activation_buffer
            (bits)`, `weight_buffer (bits)`), and `value` from `cycle` on.
        flows: for every join and everything that meets in it: `layer` and `timestep` of the join,
            core and first cycle of the last job of what meets (`from_core`, `from_cycle`) and of
            the first job of the join (`to_core`, `to_cycle`).
    """

    summary: dict[str, Any]
    layers: pd.DataFrame
    energy: pd.DataFrame
    occupancy: pd.DataFrame
    timeline: pd.DataFrame
    critical_path: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=PATH_COLUMNS))
    counters: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=COUNTER_COLUMNS))
    flows: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=FLOW_COLUMNS))


def provenance_of_all(first: Mapping[str, Any], inputs: Sequence[Any]) -> dict[str, Any]:
    """The provenance of several inputs: the first one's, with `input` telling each of them."""
    provenance = dict(first)
    if len(inputs) > 1 and "input" in provenance:
        provenance["input"] = {f"image {number}": each for number, each in enumerate(inputs, 1)}
    return provenance
