from pathlib import Path

import pytest

from codesign.errors import InputError
from codesign.whole_files import write_whole


def test_a_file_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    (tmp_path / "page.html").mkdir()
    with pytest.raises(InputError, match=r"page\.html"):
        write_whole(tmp_path / "page.html", b"text")
    assert [path.name for path in tmp_path.iterdir()] == ["page.html"]
    write_whole(tmp_path / "deep" / "page.html", b"text")
    assert (tmp_path / "deep" / "page.html").read_bytes() == b"text"


def test_a_write_that_fails_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "c"
    write_whole(path, b"old")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(InputError, match="No space left on device"):
        write_whole(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]
