"""Options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

Architecture = Annotated[
    str, typer.Option("--arch", "-a", help="Architecture: a name, a file name or a path.")
]
Images = Annotated[
    list[str] | None,
    typer.Option(
        "--images",
        "-i",
        help="Photographs instead of the workload's: names or paths, separated by commas or "
        "given again. Several give mean and spread.",
    ),
]
Checkpoint = Annotated[
    Path | None,
    typer.Option(
        help="Weights instead of the calibrated ones: a safetensors file, or a torch file that "
        "holds nothing but weights."
    ),
]
Changes = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        "-s",
        metavar="KEY=VALUE",
        help="Change a value: `cores.spike.count=32` of the architecture, "
        "`workload.timesteps=8` of the workload. May be given again.",
    ),
]
Output = Annotated[
    Path | None, typer.Option("--out", "-o", help="Folder for the report, tables and summary.")
]
Json = Annotated[
    str | None,
    typer.Option(
        "--json", metavar="FILE|-", help="Write the summary as JSON to a file, or to stdout alone."
    ),
]
NoCache = Annotated[
    bool, typer.Option("--no-cache", help="Record again, and do not keep the recording.")
]


def names(values: list[str] | None) -> list[str]:
    """Values of an option that takes lists: repeated, separated by commas, or both."""
    return [name for value in values or [] for part in value.split(",") if (name := part.strip())]
