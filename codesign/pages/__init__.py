"""Pages for people: the reports of a run, a comparison and a sweep, each one HTML file.

The last room of the flow. It reads results and writes files.
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
from codesign.pages.sweep_report import write_sweep_report

__all__ = [
    "accumulation_cost_sentence",
    "pathway_energies_json",
    "pathway_energy_sentences",
    "rankings_json",
    "write_compare_report",
    "write_paper_report",
    "write_run_report",
    "write_sweep_report",
]
