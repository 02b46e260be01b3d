"""Results as they were if the chip's file had other coefficients, and runs whose ranking flips."""

import math
from collections.abc import Mapping
from dataclasses import replace

from codesign.pages.power import component_of
from codesign.pages.repricing import factor_of
from codesign.results import Result
from tests.pages.example_results import example_result

OPERATIONS = {
    **{"ac": 2_000_000_000, "mac": 900_000_000, "addition": 40_000_000},
    **{"reduction": 0, "neuron": 9_000_000, "logic": 20_000_000},
}


def repriced_result(result: Result, factors: Mapping[str, float]) -> Result:
    """The same counts and cycles, with the energy of every component multiplied."""
    return with_factors(
        result, {name: factor_of(name, factors) for name in set(result.energy["component"])}
    )


def with_factors(result: Result, of_component: Mapping[str, float]) -> Result:
    """The result with other energies of components, consistent with itself."""
    price = result.energy["component"].map(of_component).fillna(1.0)
    energy = result.energy.assign(energy_pj=result.energy["energy_pj"] * price)
    sums = energy.groupby("component")["energy_pj"].sum()
    summary, latency_s = dict(result.summary), result.summary["latency_s"]
    summary["energy_parts_pj"] = {name: float(sums[name]) for name in summary["energy_parts_pj"]}
    summary["energy_pj"] = math.fsum(summary["energy_parts_pj"].values())
    streams = energy.groupby("stream")["energy_pj"].sum()
    summary["energy_streams_pj"] = streams.to_dict()
    summary["static_parts_pj"] = {
        place: value * of_component.get(component_of(place), 1.0)
        for place, value in summary["static_parts_pj"].items()
    }
    if latency_s is not None:
        summary["edp_js"] = summary["energy_pj"] * 1e-12 * latency_s
        summary["average_power_w"] = summary["energy_pj"] * 1e-12 / latency_s
    return replace(result, summary=summary, energy=energy)


def priced_result(name: str = "dsnn50") -> Result:
    """An example that says its coefficients and operations."""
    result = example_result(name)
    coefficients = {"ac": 0.05, "mac": 0.25, "dram": 8.0}
    stated = {"coefficients_pj": coefficients, "operations": OPERATIONS}
    return replace(result, summary=result.summary | stated)


def rivals() -> list[Result]:
    """Three runs; the second multiplies, the third accumulates, and they spend nearly the same."""
    first, second = priced_result("fsnn50"), priced_result("dsnn50")
    third = with_factors(second, {"mac": 0.4, "ac": 2.0, "state_memory": 1.5, "dram": 0.9})
    return [first, second, replace(third, summary=third.summary | {"workload": "sew50"})]
