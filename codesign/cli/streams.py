"""The streams of the process: what happens when they do not take what is written.

stdout carries what was asked for. A reader that has gone (`| head -1`) ends the program quietly,
with the status of a tool that SIGPIPE ended; a full disk ends it with an error. stderr carries
words beside the work: those that it does not take are dropped, and the run goes on.

SIGPIPE itself stays ignored: it would end a run that writes its report, whoever reads its progress.
"""

import io
import os
import sys
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from rich.console import Console

READER_GONE = 141
"""The status that a shell gives a process that SIGPIPE (13) ended: 128 + 13."""

_LONGEST_LINE = 1_000


class _Output(io.FileIO):
    """stdout below its buffer."""

    def write(self, content: Any, /) -> int:
        try:
            return super().write(content)
        except OSError as error:
            # What is still in the buffer must not fail again when the interpreter ends.
            os.dup2(os.open(os.devnull, os.O_WRONLY), self.fileno())
            if isinstance(error, BrokenPipeError):
                raise SystemExit(READER_GONE) from None
            from codesign.errors import Fault, InputError

            problem = f"must be a place that can be written ({error.strerror})."
            fix = "Make room, or send it elsewhere."
            raise InputError(Fault("stdout", problem, fix)) from error


class _Messages(io.FileIO):
    """stderr below its buffer."""

    def write(self, content: Any, /) -> int:
        try:
            return super().write(content)
        except OSError:
            return len(content)


def guard_streams() -> None:
    """Makes stdout and stderr behave as this module says; text that they cannot encode is escaped.

    A stream that is closed is one that cannot be written. Its number is taken, so that no file
    gets it and then the output.
    """
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDONLY)  # takes the lowest number that is free
    sys.stdout = _text(_Output(1, "w", closefd=False), sys.stdout)
    sys.stderr = _text(_Messages(2, "w", closefd=False), sys.stderr)


def _text(raw: io.FileIO, replaced: TextIO | None) -> TextIO:
    """A text stream that is like the one it replaces (None if that was closed)."""
    return io.TextIOWrapper(
        io.BufferedWriter(raw),
        encoding=replaced.encoding if replaced else "utf-8",
        errors="backslashreplace",
        line_buffering=raw.fileno() == 2 or raw.isatty(),
    )


def console(*, to_stderr: bool = False) -> "Console":
    """Where people read; in files and pipes no line is broken."""
    from rich.console import Console

    stream = sys.stderr if to_stderr else sys.stdout
    return Console(file=stream, width=None if stream.isatty() else _LONGEST_LINE)
