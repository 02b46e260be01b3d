"""Options that take several values."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codesign.cli.options import names, repeated, require_no_folder
from codesign.cli.orders import last_of_each
from codesign.errors import InputError

MANY = ("--images", "-i", "--set", "-s")
VALUES = st.lists(st.from_regex(r"[a-z0-9=.]{1,8}", fullmatch=True), min_size=1, max_size=4)


@given(st.sampled_from(MANY), VALUES)
def test_values_one_after_the_other_are_as_the_option_repeated(
    option: str, values: list[str]
) -> None:
    each = [part for value in values for part in (option, value)]
    assert repeated([option, *values, "--no-cache"], MANY) == [*each, "--no-cache"]
    assert repeated(each, MANY) == each


@pytest.mark.parametrize(
    ("given_arguments", "expected"),
    [
        (["--images=a", "b"], ["--images=a", "--images", "b"]),
        (["--json", "-", "--out", "x"], ["--json", "-", "--out", "x"]),
        (["--arch", "a", "stray"], ["--arch", "a", "stray"]),
        (["stray"], ["stray"]),
        (["--workload", "a", "b"], ["--workload", "a", "b"]),
    ],
)
def test_other_arguments_stay_as_they_are(given_arguments: list[str], expected: list[str]) -> None:
    assert repeated(given_arguments, MANY) == expected


def test_names_are_separated_by_commas_unless_a_file_has_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert names("--images", ["cat,dog.png", " a , b,"]) == ["cat", "dog.png", "a", "b"]
    Path("cat,dog.png").touch()
    assert names("--images", ["cat,dog.png", "c"]) == ["cat,dog.png", "c"]


@pytest.mark.parametrize("values", [[""], [","], ["astronaut", " "]])
def test_a_value_that_names_nothing_is_refused(values: list[str]) -> None:
    with pytest.raises(InputError, match=r"--images: must be followed by a name \(got '"):
        names("--images", values)


def test_a_list_may_be_longer_than_a_name_of_a_file() -> None:
    many = [f"photograph_{number}.png" for number in range(100)]
    assert names("--images", [",".join(many)]) == many


@pytest.mark.parametrize("place", ["mine", "mine/", "./mine", "."])
def test_a_folder_is_neither_a_name_nor_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mine").mkdir()
    message = f"--arch {place}: must be a name or a YAML file (got a folder). Name a file in it."
    with pytest.raises(InputError, match=f"^{re.escape(message)}$"):
        require_no_folder("--arch", place)


def test_a_folder_does_not_hide_a_shipped_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("split_core").mkdir()
    require_no_folder("--arch", "split_core")
    require_no_folder("--arch", "")


def test_a_name_that_is_too_long_is_refused() -> None:
    with pytest.raises(InputError, match=r"must be a name or the path of a file \(File name too"):
        require_no_folder("--arch", "x" * 300)


def test_of_several_changes_of_one_key_the_last_is_told() -> None:
    changes = ["a.b=1", "workload.timesteps=2", "a.b = 3", "c=4"]
    assert last_of_each(changes) == ("a.b = 3", "workload.timesteps=2", "c=4")
