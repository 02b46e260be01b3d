"""Folders of results: replaced whole, kept on failure, and never at the cost of other files."""

import os
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from codesign.cli.folders import require_file, require_replaceable, result_folder
from codesign.errors import InputError
from codesign.whole_files import write_whole


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def write_report(folder: Path, text: str) -> None:
    with result_folder(folder) as place:
        (place / "report.html").write_text(text)


def write_below_a_file(file: Path) -> None:
    file.touch()
    write_whole(file / "inner", b"")


def fail_half_way(folder: Path, raised: type[BaseException]) -> None:
    with result_folder(folder) as place:
        (place / "report.html").write_text("half")
        raise raised


def test_a_folder_appears_with_what_was_written(tmp_path: Path) -> None:
    write_report(tmp_path / "deep" / "out", "new")
    assert (tmp_path / "deep" / "out" / "report.html").read_text() == "new"
    assert names(tmp_path / "deep") == ["out"]


def test_an_older_report_is_replaced_whole(tmp_path: Path) -> None:
    write_report(tmp_path / "out", "old")
    (tmp_path / "out" / "summary.json").write_text("{}")
    write_report(tmp_path / "out", "new")
    assert names(tmp_path / "out") == ["report.html"]
    assert (tmp_path / "out" / "report.html").read_text() == "new"
    assert names(tmp_path) == ["out"]


@pytest.mark.parametrize("raised", [ValueError, KeyboardInterrupt])
def test_an_older_report_survives_a_failure(tmp_path: Path, raised: type[BaseException]) -> None:
    write_report(tmp_path / "out", "old")
    with pytest.raises(raised):
        fail_half_way(tmp_path / "out", raised)
    assert (tmp_path / "out" / "report.html").read_text() == "old"
    assert names(tmp_path) == ["out"]


def test_an_older_report_returns_if_the_new_one_cannot_take_its_place(tmp_path: Path) -> None:
    write_report(tmp_path / "out", "old")
    with pytest.raises(InputError, match="can be written"), result_folder(tmp_path / "out") as new:
        new.rename(tmp_path / "elsewhere")
    assert (tmp_path / "out" / "report.html").read_text() == "old"


def test_of_runs_that_end_at_once_one_stays_whole_and_none_fails(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: write_report(tmp_path / "out", f"{number}"), range(200)))
    assert names(tmp_path) == ["out"]
    assert (tmp_path / "out" / "report.html").read_text() in map(str, range(200))


def test_a_file_that_cannot_be_written_is_named_by_its_place_in_the_result(tmp_path: Path) -> None:
    place = re.escape(f"{tmp_path.resolve()}/out/report.html/inner: must be a place")
    with pytest.raises(InputError, match=f"^{place}"), result_folder(tmp_path / "out") as folder:
        write_below_a_file(folder / "report.html")
    assert names(tmp_path) == []


def test_a_name_may_be_as_long_as_the_disk_allows(tmp_path: Path) -> None:
    write_report(tmp_path / ("x" * 255), "old")
    write_report(tmp_path / ("x" * 255), "new")
    assert names(tmp_path) == ["x" * 255]


@pytest.mark.parametrize("name", ["thesis.tex", "layer1"])
def test_a_folder_with_other_files_is_left_alone(tmp_path: Path, name: str) -> None:
    write_report(tmp_path / "out", "old")
    if name == "layer1":
        (tmp_path / "out" / name).mkdir()
    else:
        (tmp_path / "out" / name).write_text("years of work")
    with pytest.raises(InputError, match=f"got '{name}'"):
        write_report(tmp_path / "out", "new")
    assert names(tmp_path / "out") == sorted([name, "report.html"])
    assert names(tmp_path) == ["out"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_result_that_is_protected_is_left_alone(tmp_path: Path) -> None:
    write_report(tmp_path / "out", "old")
    (tmp_path / "out").chmod(0o555)
    with pytest.raises(InputError, match="a folder that can be written"):
        require_replaceable(tmp_path / "out")


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="no folder that takes nothing new")
def test_a_place_that_takes_nothing_new_is_refused_before_any_work() -> None:
    with pytest.raises(InputError, match="a folder that can be written"):
        require_replaceable(Path("/proc/reports"))
    with pytest.raises(InputError, match="a folder that can be written"):
        require_file("/proc/x.json")


def test_a_folder_in_use_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "inner").mkdir()
    monkeypatch.chdir(tmp_path / "inner")
    for place in (".", "..", "/"):
        with pytest.raises(InputError, match="of its own"):
            require_replaceable(Path(place))


@pytest.mark.parametrize("place", ["file", "file/out"])
def test_a_file_is_no_place_for_a_folder(tmp_path: Path, place: str) -> None:
    (tmp_path / "file").write_text("kept")
    with pytest.raises(InputError, match="must be"):
        require_replaceable(tmp_path / place)
    assert (tmp_path / "file").read_text() == "kept"


@pytest.mark.parametrize("place", ["folder", "", "pipe", "dangling/loop", "file/x.json", "x" * 300])
def test_json_goes_into_a_file_or_nowhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    (tmp_path / "dangling").symlink_to("dangling")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InputError, match=r"--json.*must be a file"):
        require_file(place, outside=tmp_path / "out")


@pytest.mark.parametrize(
    ("place", "folder"),
    [
        ("out", "out"),
        ("out/summary.json", "out"),
        ("out/deep/new.json", "out"),
        ("out", "out/deep"),
    ],
)
def test_json_does_not_go_into_the_result_or_in_its_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str, folder: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=rf"--json {place}: must be outside .* \(got {folder} "):
        require_file(place, outside=Path(folder))


@pytest.mark.parametrize("place", [None, "-", "new.json", "new/new.json", "file", "link"])
def test_json_may_go_where_a_file_is_or_can_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str | None
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to("file")
    require_file(place, outside=Path("out"))
    assert names(tmp_path) == ["file", "link"]
