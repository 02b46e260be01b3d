"""`paper` rebuilds the tables that it is asked for, and says where their numbers come from."""

import json
from pathlib import Path

from tests.cli.conftest import Run


def test_a_table_is_printed_reported_and_summed_up(codesign: Run, folder: Path) -> None:
    done = codesign("paper", "--table", "4", "--json", "rows.json")
    assert done.returncode == 0, done.stderr
    assert "Table 4" in done.stdout
    assert "Table 2" not in done.stdout.replace("In Table 2", "")
    assert "not trained" in done.stdout
    page = (folder / "reports" / "paper" / "report.html").read_text()
    assert "Accuracies are the paper&#x27;s" in page
    summary = json.loads((folder / "rows.json").read_text())
    assert summary == json.loads((folder / "reports" / "paper" / "summary.json").read_text())
    assert [row["printed"]["energy_mj"] for row in summary["rows"]] == [5.27, 0.82, 0.84]
    added = summary["rows"][0]
    assert abs(added["rebuilt"]["difference"]) < 0.01
    assert added["rebuilt"]["mac_g"]["mac"] > 1


def test_there_is_no_table_1_or_5(codesign: Run) -> None:
    for number in ("1", "5"):
        done = codesign("paper", "--table", number)
        assert done.returncode == 2
