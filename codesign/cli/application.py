"""The application: its commands, and the options of the program itself."""

from typing import Annotated

import typer

from codesign.cli import counts, information, paper, reports, runs, sweeps, training
from codesign.cli.options import ManyValues

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
application.command("sweep")(sweeps.sweep)
application.command("train")(training.train)
application.command("report")(reports.report)
application.command("count", cls=ManyValues)(counts.count)
application.command("paper")(paper.paper)
application.command("list")(information.list_)
application.command("show")(information.show)
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
