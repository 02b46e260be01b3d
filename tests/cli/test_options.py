"""Options that take several values."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codesign.cli.options import names, repeated

VALUES = st.lists(st.from_regex(r"[a-z0-9=.]{1,8}", fullmatch=True), min_size=1, max_size=4)


@given(st.sampled_from(["--images", "-i", "--set", "-s"]), VALUES)
def test_values_one_after_the_other_are_as_the_option_repeated(
    option: str, values: list[str]
) -> None:
    each = [part for value in values for part in (option, value)]
    assert repeated([option, *values, "--no-cache"]) == [*each, "--no-cache"]
    assert repeated(each) == each


@pytest.mark.parametrize(
    ("given_arguments", "expected"),
    [
        (["--images=a", "b"], ["--images=a", "--images", "b"]),
        (["--json", "-", "--out", "x"], ["--json", "-", "--out", "x"]),
        (["--arch", "a", "stray"], ["--arch", "a", "stray"]),
        (["stray"], ["stray"]),
    ],
)
def test_other_arguments_stay_as_they_are(given_arguments: list[str], expected: list[str]) -> None:
    assert repeated(given_arguments) == expected


def test_names_are_separated_by_commas_unless_a_file_has_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert names(["cat,dog.png", " a , b,"]) == ["cat", "dog.png", "a", "b"]
    Path("cat,dog.png").touch()
    assert names(["cat,dog.png", "c"]) == ["cat,dog.png", "c"]
