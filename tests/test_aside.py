"""A function computed aside gives what it gives, whatever happens to its process."""

import os
from collections.abc import Callable

import pytest

from codesign import aside
from codesign.errors import CodesignError


def test_the_result_is_that_of_the_function() -> None:
    assert aside.aside(lambda: 6 * 7)() == 42


def test_it_is_computed_in_another_process_where_it_can_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aside, "_can_fork", lambda: True)
    assert aside.aside(os.getpid)() != os.getpid()
    monkeypatch.setattr(aside, "_can_fork", lambda: False)
    assert aside.aside(os.getpid)() == os.getpid()


def of(here: int, error: Callable[[], int]) -> Callable[[], int]:
    """Fails in every process but this one, where it returns its number."""
    return lambda: here if os.getpid() == here else error()


def test_what_fails_there_is_computed_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aside, "_can_fork", lambda: True)

    def dies() -> int:
        os.kill(os.getpid(), 9)
        return 0

    assert aside.aside(of(os.getpid(), dies))() == os.getpid()


def test_an_error_is_raised_where_the_result_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aside, "_can_fork", lambda: True)

    def fails() -> int:
        raise CodesignError("a circle")

    waiting = aside.aside(fails)
    with pytest.raises(CodesignError, match="a circle"):
        waiting()
