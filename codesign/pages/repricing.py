"""Repricing: the energies of a page if coefficients were other ones than the file's.

Energy is counts times coefficients, so a factor on coefficients is a factor on the energy of the
components that they price, and nothing is simulated again. Latency stays as it was, and so does
static energy but for its own factor. Background power of the DRAM goes with leakage: both are power
times the makespan. Additions, neuron updates and logic have no factor.

The page's script (`assets/repricing.js`) computes what `repriced`, `energies` and `flips` say here.
Left out: peak power, the energy of an image in a stream, EDP and mean power as means over several
images, none of which follows from the components' energies; texts that state energies are marked.
"""

import re
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

from codesign.pages.content import Priced, Repricing, Slider
from codesign.results import Result
from codesign.sensitivity import STATIC

_DECADE = (
    *("1.00", "1.06", "1.12", "1.18", "1.25", "1.32", "1.40", "1.50", "1.60", "1.70", "1.80"),
    *("1.90", "2.00", "2.12", "2.24", "2.36", "2.50", "2.65", "2.80", "3.00", "3.15", "3.35"),
    *("3.55", "3.75", "4.00", "4.25", "4.50", "4.75", "5.00", "5.30", "5.60", "6.00", "6.30"),
    *("6.70", "7.10", "7.50", "8.00", "8.50", "9.00", "9.50"),
)
"""The preferred numbers of ISO 3, series R40: equal steps of a logarithm, as round as can be."""

FACTORS = (*(float(f"{each}e-1") for each in _DECADE), *map(float, _DECADE), 10.0)
"""The stops of a slider; the middle one is 1."""

SLIDERS = (
    Slider("ac", "AC energy", ("ac",), "pJ"),
    Slider("mac", "MAC energy", ("mac",), "pJ"),
    Slider(
        "sram",
        "SRAM energy",
        ("weight_memory", "state_memory", "input_memory", "weight_buffer", "activation_buffer"),
    ),
    Slider("dram", "DRAM energy", ("dram",), "pJ/b"),
    Slider("noc", "NoC energy", ("noc",), "pJ/b"),
    Slider("clock", "Clock energy", ("clock",)),
    Slider("leakage", "Leakage", STATIC),
)

_ENERGY = re.compile(r"\d [fpnuµmkM]?(J|W)\b|\benerg(y|ies)\b.*\d|\d %? ?of (the )?energy")


def repricing(
    names: Sequence[str], results: Sequence[Result], figures: Sequence[str]
) -> Repricing | None:
    """What a page needs to price its runs again; None where no component has a slider.

    Args:
        names: of the runs, as the page calls them.
        results: the runs.
        figures: names of the pictures whose bars are energies of components (their `legendgroup`).
    """
    parts = [dict(result.summary["energy_parts_pj"]) for result in results]
    present = {name for part in parts for name, value in part.items() if value}
    sliders = [
        Slider(
            slider.name,
            slider.label,
            tuple(name for name in slider.components if name in present),
            slider.unit,
            _single([result.summary for result in results], slider.name),
        )
        for slider in SLIDERS
        if present & set(slider.components)
    ]
    return Repricing(sliders, dict(zip(names, parts, strict=True)), figures) if sliders else None


def _single(summaries: Sequence[Mapping[str, Any]], name: str) -> float | None:
    """A coefficient of all runs, if there is one."""
    found = {(summary.get("coefficients_pj") or {}).get(name) for summary in summaries}
    return found.pop() if len(found) == 1 else None


def factor_of(component: str, factors: Mapping[str, float]) -> float:
    """The factor on a component; 1 if no slider moves it.

    Args:
        component: of `codesign.results.COMPONENTS`, or any other name.
        factors: by slider; those that are not there are 1.
    """
    for slider in SLIDERS:
        if component in slider.components:
            return factors.get(slider.name, 1.0)
    return 1.0


def repriced(parts: Mapping[str, float], factors: Mapping[str, float]) -> dict[str, float]:
    """Parts of a number by component, under factors."""
    return {name: factor_of(name, factors) * value for name, value in parts.items()}


def energies(
    runs: Mapping[str, Mapping[str, float]], factors: Mapping[str, float]
) -> dict[str, float]:
    """The energy of each run in pJ, under factors."""
    return {name: sum(repriced(parts, factors).values()) for name, parts in runs.items()}


def flips(
    runs: Mapping[str, Mapping[str, float]], factors: Mapping[str, float]
) -> list[tuple[str, str]]:
    """Pairs of runs whose order by energy is reversed under factors.

    Returns:
        The run that spends less at the file's coefficients first.
    """
    before, after = energies(runs, {}), energies(runs, factors)
    found = []
    for one, other in combinations(runs, 2):
        less, more = (one, other) if before[one] <= before[other] else (other, one)
        if before[less] < before[more] and after[less] > after[more]:
            found.append((less, more))
    return found


def energy_of(parts_pj: Mapping[str, float]) -> Priced:
    """Of a number that is an energy in pJ."""
    return Priced({name: float(value) for name, value in parts_pj.items() if value}, "J", 1e-12)


def product_of(summary: Mapping[str, Any], name: str) -> Priced:
    """Of the EDP (`edp_js`) and the mean power (`average_power_w`) of a run.

    Over several images they are means of products and of quotients, which the mean energies of the
    components do not give.
    """
    unit = {"edp_js": "J·s", "average_power_w": "W"}[name]
    if summary["images"] not in (None, 1):
        return Priced(None, unit)
    energy_pj = summary["energy_pj"]
    of_one_pj = summary[name] / energy_pj if energy_pj else 0.0
    parts = summary["energy_parts_pj"].items()
    return Priced({part: value * of_one_pj for part, value in parts if value}, unit)


def share_of(parts_pj: Mapping[str, float]) -> Priced:
    """Of a number that is a share of the energy of the page's only run."""
    return Priced({name: float(value) for name, value in parts_pj.items() if value}, "%")


def states_energy(text: str) -> bool:
    """Whether a text states energies or powers, which other coefficients would change."""
    return _ENERGY.search(text) is not None


def page_data(known: Repricing) -> dict[str, Any]:
    """What the page's script reads."""
    return {
        "factors": FACTORS,
        "sliders": [
            {
                "name": slider.name,
                "components": slider.components,
                "unit": slider.unit,
                "coefficient": slider.coefficient_pj,
            }
            for slider in known.sliders
        ],
        "runs": [{"name": name, "parts_pj": parts} for name, parts in known.runs_pj.items()],
        "figures": known.figures,
    }
