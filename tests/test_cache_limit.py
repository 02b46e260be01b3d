"""The cache stays within its limit."""

import os
from pathlib import Path

import pytest

from codesign.cache_limit import make_room, mark_used


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    """Five files of 100 bytes, each a second younger than the one before."""
    paths = [tmp_path / f"{number}.trace" for number in range(5)]
    for number, path in enumerate(paths):
        path.write_bytes(bytes(100))
        os.utime(path, (number, number))
    return paths


@pytest.mark.parametrize(("largest", "kept"), [(500, 5), (499, 4), (250, 2), (99, 0)])
def test_the_oldest_files_are_removed_until_the_others_fit(
    files: list[Path], largest: int, kept: int
) -> None:
    assert make_room(files, largest) == 5 - kept
    assert [path for path in files if path.exists()] == files[5 - kept :]


def test_a_file_that_was_used_is_kept_longer(files: list[Path]) -> None:
    mark_used(files[0])
    make_room(files, 200)
    assert [path for path in files if path.exists()] == [files[0], files[4]]


def test_files_that_have_gone_are_passed_over(files: list[Path]) -> None:
    files[4].unlink()
    mark_used(files[4])
    assert make_room(files, 350) == 1
