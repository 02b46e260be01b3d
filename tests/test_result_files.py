"""A result on disk is the result that was written, or an error."""

import re
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from codesign.errors import InputError
from codesign.result_files import SUMMARY, SUMS, TABLES, read_result, write_tables
from codesign.results import Result
from tests.pages.example_results import example_result

EMPTY = pd.DataFrame({"core": pd.Series([], dtype="str"), "cycles": pd.Series([], dtype="int64")})


def assert_equal(expected: Result, actual: Result) -> None:
    assert expected.summary == actual.summary
    assert list(expected.summary) == list(actual.summary)
    for name in TABLES:
        table = getattr(expected, name)
        pd.testing.assert_frame_equal(table, getattr(actual, name), check_exact=True)


@pytest.mark.parametrize("cores", [True, False])
def test_a_result_is_read_as_it_was_written(tmp_path: Path, cores: bool) -> None:
    result = example_result("dsnn18", cores=cores)
    write_tables(result, tmp_path / "run")
    assert_equal(result, read_result(tmp_path / "run"))


@given(
    st.lists(
        st.tuples(
            st.text(max_size=8),
            st.integers(-(2**63), 2**63 - 1),
            st.floats(allow_nan=False, allow_infinity=False),
        )
    ),
    st.dictionaries(
        st.text(max_size=5),
        st.none() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    ),
)
def test_any_value_survives_the_disk(
    tmp_path_factory: pytest.TempPathFactory,
    rows: list[tuple[str, int, float]],
    summary: dict[str, object],
) -> None:
    table = pd.DataFrame(rows, columns=["layer", "cycles", "energy_pj"]).astype(
        {"layer": "str", "cycles": "int64", "energy_pj": "float64"}
    )
    result = Result(summary, table, EMPTY, EMPTY, table)
    folder = tmp_path_factory.mktemp("any")
    write_tables(result, folder)
    assert_equal(result, read_result(folder))


def test_counts_stay_integers(tmp_path: Path) -> None:
    write_tables(example_result("fsnn18"), tmp_path)
    read = read_result(tmp_path)
    assert read.layers["mac"].dtype == "int64"
    assert read.timeline["start_cycle"].dtype == "int64"
    assert type(read.summary["makespan_cycles"]) is int


@pytest.mark.parametrize("name", [SUMMARY, *(f"{table}.parquet" for table in TABLES)])
def test_one_altered_bit_anywhere_is_an_error(tmp_path: Path, name: str) -> None:
    write_tables(Result({"a": 1}, EMPTY, EMPTY, EMPTY, EMPTY), tmp_path)
    whole = (tmp_path / name).read_bytes()
    for place in range(0, len(whole), 1 + len(whole) // 50):
        altered = bytearray(whole)
        altered[place] ^= 1
        (tmp_path / name).write_bytes(altered)
        with pytest.raises(InputError, match=re.escape(name)):
            read_result(tmp_path)


@pytest.mark.parametrize("name", [SUMS, SUMMARY, "energy.parquet"])
def test_a_folder_that_lacks_a_file_is_no_result(tmp_path: Path, name: str) -> None:
    write_tables(example_result("fsnn18"), tmp_path)
    (tmp_path / name).unlink()
    with pytest.raises(InputError, match="whole result"):
        read_result(tmp_path)


def test_an_interrupted_writing_leaves_no_result(tmp_path: Path) -> None:
    write_tables(example_result("fsnn18"), tmp_path)
    (tmp_path / "energy.parquet").unlink()
    (tmp_path / "energy.parquet").mkdir()  # a file cannot be renamed to a folder
    with pytest.raises(InputError, match=r"energy\.parquet: must be a place that can be written"):
        write_tables(example_result("dsnn18"), tmp_path)
    with pytest.raises(InputError, match="must hold a whole result"):
        read_result(tmp_path)
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_other_files_of_the_folder_stay(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    write_tables(example_result("fsnn18"), tmp_path)
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_a_folder_that_is_a_file_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("")
    with pytest.raises(InputError, match="must be a place that can be written"):
        write_tables(example_result("fsnn18"), tmp_path / "run")


def test_a_summary_that_is_not_json_writes_nothing(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        write_tables(Result({"a": float("nan")}, EMPTY, EMPTY, EMPTY, EMPTY), tmp_path / "run")
    assert not (tmp_path / "run").exists()
