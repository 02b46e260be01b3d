"""Packets: what a job's spikes take on the NoC, spike by spike."""

from collections import Counter

from codesign.workload import LayerType
from tests.oracle.elements import place, spikes_of_tile
from tests.oracle.parts import Part, Site


def packets(site: Site, part: Part) -> Counter[str]:
    """Bits that a job's transfers save on the NoC, and the spikes that travel as addresses."""
    noc, fused = site.mapping.architecture.noc, site.plan.fused
    found: Counter[str] = Counter()
    if noc is None or noc.spikes == "bitmap":
        return found
    moved = []
    if part.is_last:
        places = part.elements(site) * len(part.timesteps)
        for verb, names in (("load", fused.operands), ("store", fused.stored)):
            for name in names:
                if site.is_spikes(name):
                    moved.append((verb, name, places, spikes_of_tile(site, part, name)))
    if site.is_spikes(site.source) and fused.main.type not in (
        *(LayerType.PRODUCT, LayerType.TIME_MEAN),
    ):
        places = part.input_bits(site) * len(part.timesteps)
        moved.append(("load", site.source, places, _of_input(site, part)))
    for verb, name, places, spikes in moved:
        address, saved = _address_bits(places), 0
        as_events = noc.spikes == "events" or spikes * address < places
        if as_events:
            saved = places - spikes * address
            found["events"] += spikes
        if noc.spikes == "shorter" and places:
            saved -= 1
        found[place(site, verb, name).replace("bits", "saved_bits")] += saved
    return found


def _address_bits(places: int) -> int:
    """Bits that tell so many places apart, at least one."""
    bits = 1
    while 2**bits < places:
        bits += 1
    return bits


def _of_input(site: Site, part: Part) -> int:
    maps, rows = site.maps(site.trace.values(site.source)), part.input_rows(site)
    return sum(
        int(maps[timestep, channel, row].sum())
        for timestep in part.timesteps
        for channel in part.all_channels(site)
        for row in rows
    )
