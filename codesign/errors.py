"""Every error that codesign raises on purpose.

One template for all of them: *place: what must hold (got value). How to fix it.*
The command line prints the message without a traceback and exits with status 2; a library
user catches `CodesignError`. Anything else that escapes is a defect of this program.
"""

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


class CodesignError(Exception):
    """Base of all errors raised on purpose."""


class CapacityError(CodesignError):
    """A layer does not fit the chip, however it is cut."""


class DeadlockError(CodesignError):
    """The simulation ran dry before all jobs were done."""


class TraceError(CodesignError):
    """A recorded trace is truncated, altered, or not a trace at all."""


class CaptureError(CodesignError):
    """A network cannot be recorded."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong with an input.

    Attributes:
        place: where, as `file:line:column` or the name of an option.
        problem: what must hold and what was found instead.
        fix: what to do about it; may be empty.
        excerpt: the source line with a caret below the offending column; may be empty.
    """

    place: str
    problem: str
    fix: str = ""
    excerpt: str = ""

    def __str__(self) -> str:
        text = f"{self.place}: {self.problem}"
        if self.fix:
            text += f" {self.fix}"
        if self.excerpt:
            text += f"\n{self.excerpt}"
        return text


class InputError(CodesignError):
    """What a user wrote is wrong; carries all the faults that were found, not only the first."""

    def __init__(self, faults: Fault | Sequence[Fault]):
        self.faults = (faults,) if isinstance(faults, Fault) else tuple(faults)
        super().__init__("\n".join(str(fault) for fault in self.faults))

    def __reduce__(self) -> tuple[type["InputError"], tuple[tuple[Fault, ...]]]:
        return InputError, (self.faults,)  # another process has it as it was


def nearest(word: str, legal: Iterable[str]) -> str:
    """The sentence `Did you mean 'x'?`, or the list of legal words when none is near."""
    words = sorted(legal)
    close = difflib.get_close_matches(word, words, n=1, cutoff=0.6)
    if close:
        return f"Did you mean '{close[0]}'?"
    return f"Choose one of: {', '.join(words)}." if words else ""
