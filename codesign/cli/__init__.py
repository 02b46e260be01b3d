"""The command line: the only room that prints.

Commands are thin: they load what the user named, call the rooms of the flow in order, and show
what comes back. Heavy libraries are imported inside the commands, so that `--help` answers at
once.
"""

from codesign.cli.process import main

__all__ = ["main"]
