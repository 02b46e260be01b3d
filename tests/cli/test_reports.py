"""The command that makes reports of results that lie on disk."""

from pathlib import Path

import pytest

from codesign.cli.reports import report
from codesign.errors import InputError
from codesign.result_files import write_tables
from tests.cli.conftest import Run
from tests.pages.example_results import example_result


@pytest.fixture
def folders(tmp_path: Path) -> list[Path]:
    found = []
    for name in ("fsnn50", "dsnn50"):
        write_tables(example_result(name), tmp_path / name)
        found.append(tmp_path / name)
    return found


def test_the_page_of_a_result_is_written_beside_it(
    folders: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    report(folders[:1])
    page = folders[0] / "report.html"
    assert "fsnn50 on split_core" in page.read_text("utf-8")
    assert capsys.readouterr().out == f"{page}\n"


def test_what_changed_between_two_is_written_elsewhere(folders: list[Path], tmp_path: Path) -> None:
    report(folders, out=tmp_path / "new" / "place")
    text = (tmp_path / "new" / "place" / "report.html").read_text("utf-8")
    assert "From fsnn50 on split_core to dsnn50 on split_core" in text


def test_two_results_need_a_place_for_what_changed(folders: list[Path]) -> None:
    with pytest.raises(InputError, match="--out: is missing"):
        report(folders)


def test_a_third_result_is_refused(folders: list[Path], tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"one or two folders of results \(got 3\)"):
        report([*folders, folders[0]], out=tmp_path / "x")


@pytest.mark.parametrize(("formats", "named"), [("gif", "gif"), ("svg,gif", "gif"), (",", "")])
def test_unknown_formats_are_refused(folders: list[Path], formats: str, named: str) -> None:
    with pytest.raises(InputError, match=rf"must be formats of a figure \(got '{named}'\)"):
        report(folders[:1], figures=formats)


def test_a_folder_without_a_whole_result_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="must hold a whole result"):
        report([tmp_path])


@pytest.fixture
def comparison(codesign: Run, folder: Path) -> Path:
    small = ("--set", "workload.timesteps=1")
    done = codesign("compare", "--workloads", "fsnn18,dsnn18", "--out", "both", *small)
    assert done.returncode == 0, done.stderr
    return folder / "both"


def test_the_page_of_a_comparison_is_written_again(comparison: Path) -> None:
    page = comparison / "report.html"
    before = page.read_text("utf-8")
    page.unlink()
    report([comparison])
    assert page.read_text("utf-8") == before


def test_a_comparison_that_was_altered_is_refused(comparison: Path) -> None:
    (comparison / "dsnn18" / "energy.parquet").write_bytes(b"")
    with pytest.raises(InputError, match=r"energy\.parquet: must be a file of a whole result"):
        report([comparison])
    (comparison / "summary.json").write_text("{}")
    with pytest.raises(InputError, match=r"summary\.json: must be what a comparison wrote"):
        report([comparison])


def test_two_comparisons_are_not_compared(comparison: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="must be the folder of one run"):
        report([comparison, comparison], out=tmp_path / "x")
