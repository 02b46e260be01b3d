"""The results of `tools/depth_experiment.py` as one page that needs nothing else.

Its figures can be pointed into and zoomed, and show all views; the document shows some of them.
"""

from depth_claims import CLAIMS, summary
from depth_figures import (
    accuracy_picture,
    connection_picture,
    feature_picture,
    gradient_picture,
    rate_picture,
    start_picture,
)
from depth_rows import Rows
from depth_tables import all_tables

from codesign.pages.content import Page, Section, Table


def results_page(rows: Rows) -> Page:
    """The whole page."""
    claims = [[claim, *find(rows)] for claim, find in CLAIMS.items()]
    features = feature_picture(rows)
    return Page(
        title="Does dual-stream training help?",
        statements=["Measured on 8 x 8 digits, not on the paper's data."],
        lead=[summary(rows)],
        tiles=[],
        facts={"Set": "digits of scikit-learn", "Rows": f"{len(rows)}"},
        sections=[
            Section("Claims", table=Table("Claims", ["claim", "measured", "verdict"], claims)),
            Section(
                "Trained networks", pictures=[accuracy_picture(rows), connection_picture(rows)]
            ),
            Section("Firing rates", pictures=[rate_picture(rows), start_picture(rows)]),
            Section("Gradients before training", pictures=[gradient_picture(rows)]),
            Section("Features", pictures=[] if features is None else [features]),
            *(
                Section(sheet.title, table=Table(sheet.title, sheet.columns, sheet.cells))
                for sheet in all_tables(rows)
            ),
        ],
    )
