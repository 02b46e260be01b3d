"""Pages for people: the report of a run and the comparison of several, each one HTML file.

The last room of the flow. It reads results and writes files. Left out: sweeps, which are shown
elsewhere.
"""

from codesign.pages.compare_report import write_compare_report
from codesign.pages.paper_report import write_paper_report
from codesign.pages.pathway_cost import (
    accumulation_cost_sentence,
    pathway_energies_json,
    pathway_energy_sentences,
)
from codesign.pages.rankings import rankings_json
from codesign.pages.run_report import write_run_report

__all__ = [
    "accumulation_cost_sentence",
    "pathway_energies_json",
    "pathway_energy_sentences",
    "rankings_json",
    "write_compare_report",
    "write_paper_report",
    "write_run_report",
]
