"""Colours and words of everything that pages show: one of each, on every page.

The component colours keep a CIELAB distance of at least 24 from each other for normal,
deuteranopic and protanopic sight (simulated after Machado, Oliveira and Fernandes, IEEE TVCG
2009); stalled states also carry a pattern. They were chosen by search, not by taste.
"""

from codesign.results import COMPONENTS, STALLED_STATES, STATES

COMPONENT_COLOURS = {
    "ac": "#009AFE",
    "mac": "#D67000",
    "addition": "#D4E50E",
    "neuron": "#6AE598",
    "logic": "#973C08",
    "weight_memory": "#603CD6",
    "state_memory": "#AD42A6",
    "input_memory": "#EAB7F8",
    "weight_buffer": "#858D52",
    "activation_buffer": "#B6E168",
    "dram": "#8E0152",
    "noc": "#3C00FF",
    "host": "#0A005F",
    "clock": "#8D8D8D",
    "leakage": "#DBDBDB",
    "dram_background": "#692D1E",
}

STREAM_COLOURS = {"spike": "#0072B2", "accumulation": "#E69F00", "chip": "#8D8D8D"}
STREAM_SHADES = {"spike": "#6DB3DD", "accumulation": "#F5CE75", "chip": "#C2C2C2"}
"""The lighter of the two shades by which neighbouring layers of a stream are told apart."""

RUN_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#8D8D8D")
"""Of chips beside each other: Okabe and Ito, Color Universal Design, 2008, without yellow."""

STATE_COLOURS = {
    "scan": "#56B4E9",
    "accumulate": "#0072B2",
    "neuron": "#009E73",
    "weights": "#D55E00",
    "input": "#E69F00",
    "output": "#F0E442",
    "dependency": "#CC79A7",
    "barrier": "#7A4A2B",
    "idle": "#DBDBDB",
}
STATE_PATTERNS = {state: "/" if state in STALLED_STATES else "" for state in STATES}

CRITICAL_PATH_COLOUR = "#D6007A"

_VIRIDIS = ((53, 95, 140), (38, 131, 142), (40, 168, 131), (96, 200, 96), (188, 223, 42))
"""Red, green and blue at equal steps from .3 to .9 of that scale (van der Walt and Smith, CC0)."""

BUSY_COLOURS = ("#B4BCC6", "#F2B431", "#E4572E", "#9D0E3C")
"""From not busy to busiest; each step is darker than the one before it, for any sight."""

OPERATION_COLOURS = {
    "ac_synaptic": "#009AFE",
    "ac_neuron": "#6AE598",
    "ac_pool": "#603CD6",
    "ac_product": "#C62A88",
    "ac_residual": "#973C08",
    "ac_accumulation": "#D4E50E",
    "ac_readout": "#8D8D8D",
    "mac": "#D67000",
    "mac_nonzero": "#8E0152",
}

_WORDS = {
    "ac": "AC",
    "mac": "MAC",
    "compute": "computing",
    "compute_soma": "soma units",
    "compute_synapses": "synapse units",
    "compute_host": "host",
    "host_link": "link to the host",
    "dram": "DRAM",
    "noc": "NoC",
    "dram_background": "DRAM background",
    "ac_all": "AC, all",
    "ac_rate_dense": "AC, rate x dense",
    "ac_repeat": "AC, if integers are repeated",
    "ac_accumulation_nonzero": "AC, accumulation pathway where s spikes",
    "mac_batch_norm": "MAC, batch norms",
    "mac_with_bn": "MAC, batch norms included",
    "ac_synaptic": "AC, synapses",
    "ac_neuron": "AC, neuron updates",
    "ac_pool": "AC, pooling",
    "ac_product": "AC, products of spikes",
    "ac_residual": "AC, residuals",
    "ac_accumulation": "AC, accumulation pathway",
    "ac_readout": "AC, readout",
    "mac_nonzero": "MAC, zero operands skipped",
    "dependency": "dependencies",
    "in_flight": "data in flight",
}
_STALLED_WORDS = {state: f"stalled: {state}" for state in STALLED_STATES}


def words(name: str) -> str:
    """A component, operation, stream or bound as people read it: `dram` is `DRAM`."""
    if name.startswith("compute_") and name not in _WORDS:  # the bound of a kind of core
        return f"{name.removeprefix('compute_')} cores".replace("_", " ")
    return _WORDS.get(name, name.replace("_", " "))


def state_words(state: str) -> str:
    """A core's state as people read it: `weights` is `stalled: weights`."""
    return _STALLED_WORDS.get(state, state)


def shades_of_time(count: int) -> list[str]:
    """As many colours as there are timesteps, dark to light."""
    shades = []
    for step in range(count):
        whole, rest = divmod(step * (len(_VIRIDIS) - 1), max(count - 1, 1))
        share = rest / max(count - 1, 1)
        ends = zip(_VIRIDIS[whole], _VIRIDIS[min(whole + 1, len(_VIRIDIS) - 1)], strict=True)
        red, green, blue = (round(first + share * (last - first)) for first, last in ends)
        shades.append(f"rgb({red}, {green}, {blue})")
    return shades


def in_order(names: set[str]) -> list[str]:
    """Components in the order of `COMPONENTS`; those that it does not know come last."""
    return [name for name in COMPONENTS if name in names] + sorted(names - set(COMPONENTS))
