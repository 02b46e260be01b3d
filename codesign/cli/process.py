"""The process: how it starts, how it is interrupted, and the status with which it ends.

Errors that are raised on purpose are printed without a traceback and end with status 2. Signals
that ask to end give 128 and their number, as in a shell: 130 for Ctrl-C. Any other exception keeps
its traceback: it is a defect of the program.

Nothing is imported at the top that takes long, so that Ctrl-C is heeded from the start.
"""

import gc
import os
import signal
import sys
from types import FrameType

from codesign.cli.streams import guard_streams

_SIGNALS = (signal.SIGINT, signal.SIGTERM)

_OBJECTS_BETWEEN_COLLECTIONS = 50_000
"""Python's 700 take an eighth of a run, for nearly nothing to collect; memory stays as it is."""


class Interrupted(BaseException):
    """A signal asks to end. It is no `KeyboardInterrupt`, with which typer ends by itself.

    Attributes:
        status: with which the process is to end.
    """

    def __init__(self, number: int):
        super().__init__(number)
        self.status = 128 + number


def main() -> None:
    """Runs the command line and ends the process with its status."""
    _heed(_end)
    gc.set_threshold(_OBJECTS_BETWEEN_COLLECTIONS, 20, 20)
    guard_streams()
    from codesign.cli.application import application
    from codesign.errors import CodesignError

    try:
        _heed(_raise)
        try:
            application()
        finally:
            sys.stdout.flush()
    except CodesignError as error:
        sys.stderr.write(f"error: {error}\n")
        sys.exit(2)
    except Interrupted as interruption:
        sys.stderr.write("interrupted: nothing was left half-written.\n")
        sys.exit(interruption.status)
    finally:
        _heed(_end)


def _heed(handler: "signal._HANDLER") -> None:
    """Gives the signals to a handler, save those that whoever started the process has switched off
    (`nohup`, or `&` in a script)."""
    for number in _SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, handler)


def _end(number: int, _: FrameType | None) -> None:
    """Ends at once: nothing has begun yet, or all is done. An exception could be lost in a library
    that is being imported, or leave a traceback when the interpreter ends."""
    os._exit(128 + number)


def _raise(number: int, _: FrameType | None) -> None:
    raise Interrupted(number)
