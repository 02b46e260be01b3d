"""The application: its commands, and what happens to their errors.

Errors that are raised on purpose are printed without a traceback and end with status 2, an
interruption with 130. Any other exception keeps its traceback: it is a defect of the program.
"""

import os
import sys
from typing import Annotated

import typer

from codesign.cli import information, runs
from codesign.cli.options import ManyValues
from codesign.errors import CodesignError

application = typer.Typer(
    name="codesign",
    help="Latency and energy of dual-stream spiking networks on chips with separate spike and "
    "accumulation cores, from recorded spikes.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
application.command("run", cls=ManyValues)(runs.run)
application.command("compare", cls=ManyValues)(runs.compare)
application.command("list")(information.list_)
application.command("validate")(information.validate)
application.command("schema")(information.schema)
application.command("cache")(information.cache)


def _version(wanted: bool) -> None:
    if wanted:
        import codesign

        typer.echo(f"codesign {codesign.__version__}")
        raise typer.Exit


@application.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Options of the program itself."""


def main() -> None:
    """Runs the command line and ends the process with its status."""
    try:
        application()
    except CodesignError as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(2)
    except KeyboardInterrupt:
        typer.echo("interrupted: nothing was left half-written.", err=True)
        sys.exit(130)
    except BrokenPipeError:
        # Whoever read our output has gone; keep the interpreter from complaining at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
