"""A chip of message-driven cores: what was sent, and which neurons are where."""

from collections.abc import Mapping
from typing import Any

from codesign.pages.content import Section, Table, count
from codesign.pages.energy import PICOJOULE
from codesign.units import si


def message_section(summary: Mapping[str, Any]) -> list[Section]:
    """Counts in words, and a row for each population; empty on other chips."""
    if not summary["messages"]:
        return []
    return [Section("Messages", message_sentences(summary), table=population_table(summary))]


def message_sentences(summary: Mapping[str, Any]) -> list[str]:
    """How many timesteps, cores, spikes, messages and events there were; empty on other chips."""
    counts = summary["messages"]
    if not counts:
        return []
    return [
        f"{counts['neurons']:,.0f} neurons on {counts['cores']:,.0f} cores, in "
        f"{counts['tiles']:,.0f} tiles of the mesh, go through {counts['timesteps']:,.0f} "
        f"timesteps of the chip: {summary['timesteps']} of the network, and one for each message "
        "on the longest way through it.",
        f"{si(counts['spikes'], '')} spikes are sent as {si(counts['messages'], '')} messages, one "
        f"to each core that they reach, over {si(counts['hops'], '')} links, and cause "
        f"{si(counts['events'], '')} events at synapses.",
        f"Neurons spend {_joule(counts, 'access')} on being accessed, "
        f"{_joule(counts, 'update')} on updates and {_joule(counts, 'spike')} on spikes; the NoC "
        f"{_joule(counts, 'message')} on messages and {_joule(counts, 'hop')} on hops.",
    ]


def _joule(counts: Mapping[str, float], what: str) -> str:
    return si(counts[f"{what}_pj"] * PICOJOULE, "J")


def population_table(summary: Mapping[str, Any]) -> Table:
    """Where each population is, and how many timesteps of the chip after the input it begins."""
    rows = [
        [
            each["layer"],
            _range(each["first_core"], each["core_count"]),
            count(each["neurons"]),
            count(each["depth"]),
        ]
        for each in summary["populations"]
    ]
    return Table("Populations", ["layer", "cores", "neurons", "first timestep"], rows)


def _range(first: int, number: int) -> str:
    return f"{first}" if number == 1 else f"{first} to {first + number - 1}"
