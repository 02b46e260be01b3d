"""Options that several commands share."""

from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

MANY_VALUES = ("--images", "-i", "--set", "-s")
"""Options that take all that follows up to the next option, as a shell's `photos/*.png` gives."""


class ManyValues(TyperCommand):
    """A command without positional arguments whose `MANY_VALUES` take one value or more."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        return super().parse_args(ctx, repeated(args))


def repeated(arguments: list[str]) -> list[str]:
    """Arguments in which each of `MANY_VALUES` stands in front of each of its values."""
    result: list[str] = []
    option, has_value = "", False
    for argument in arguments:
        if argument.startswith("-") and argument != "-":
            option, equals, _ = argument.partition("=")
            has_value = bool(equals)
        else:
            if has_value and option in MANY_VALUES:
                result.append(option)
            has_value = True
        result.append(argument)
    return result


Architecture = Annotated[
    str, typer.Option("--arch", "-a", help="Architecture: a name, a file name or a path.")
]
Images = Annotated[
    list[str] | None,
    typer.Option(
        "--images",
        "-i",
        help="Photographs instead of the workload's: names or paths, one after the other "
        "or separated by commas. Several give mean and spread.",
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
        "`workload.timesteps=8` of the workload. Several may follow.",
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
    """Values of an option that takes lists: repeated, separated by commas, or both.

    An existing file may have commas in its name.
    """
    found: list[str] = []
    for value in values or []:
        parts = [value] if Path(value).exists() else [part.strip() for part in value.split(",")]
        found += [part for part in parts if part]
    return found
