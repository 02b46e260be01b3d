"""Options that several commands share."""

from collections.abc import Collection
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from codesign.errors import Fault, InputError


class ManyValues(TyperCommand):
    """A command without positional arguments, whose options that may be given again take all that
    follows up to the next option, as a shell's `photos/*.png` gives."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        many = {name for option in self.params if option.multiple for name in option.opts}
        return super().parse_args(ctx, repeated(args, many))


def repeated(arguments: list[str], many: Collection[str]) -> list[str]:
    """Arguments in which each of the options `many` stands in front of each of its values."""
    result: list[str] = []
    option, has_value = "", False
    for argument in arguments:
        if argument.startswith("-") and argument != "-":
            option, equals, _ = argument.partition("=")
            has_value = bool(equals)
        else:
            if has_value and option in many:
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
        "or separated by commas; a folder gives all its pictures. Several give the distribution. "
        "Samples of a data set: SET:FOLDER, SET one of imagenet, cifar10, cifar100, dvsgesture, "
        "cifar10dvs, or SET/OPTION:FOLDER with options train, and of events time, binary; "
        "SET:FOLDER#INDEX is one sample. mnist and digits come with a package and have no folder: "
        "mnist, digits/train#3.",
    ),
]
Samples = Annotated[
    int | None,
    typer.Option(
        help="How many samples of each data set in --images, evenly over the set; 16 if left out."
    ),
]
Seed = Annotated[
    int | None, typer.Option(help="Take the samples at random, the same ones for the same seed.")
]
Checkpoint = Annotated[
    Path | None,
    typer.Option(
        help="Weights instead of the workload's: a safetensors file, a torch file that holds "
        "nothing but weights, or the folder of a training."
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
WhatIf = Annotated[
    int,
    typer.Option(
        "--what-if",
        min=0,
        max=10,
        help="Simulate again with each of so many resources, the largest of the critical path "
        "first, twice as fast, and with the one that has the nearest bound.",
    ),
]
Timeline = Annotated[
    Path | None,
    typer.Option(
        "--timeline",
        metavar="FILE",
        help="Write everything that happened as gzipped trace events, which ui.perfetto.dev opens.",
    ),
]
NoCache = Annotated[
    bool, typer.Option("--no-cache", help="Record again, and do not keep the recording.")
]


def names(option: str, values: list[str]) -> list[str]:
    """Values of an option that takes lists: repeated, separated by commas, or both.

    An existing file or data set may have commas in its name.

    Raises:
        InputError: a value names nothing, as an unset variable of a shell does.
    """
    found: list[str] = []
    for value in values:
        parts = [value] if _exists(value) else [part.strip() for part in value.split(",")]
        named = [part for part in parts if part]
        if not named:
            raise InputError(Fault(option, f"must be followed by a name (got '{value}')."))
        found += named
    return found


def require_no_folder(option: str, name: str) -> None:
    """Checks that no folder is given where a shipped name or a YAML file is wanted.

    Raises:
        InputError: it is a folder, or nothing that can be a path.
    """
    from codesign.specs.catalogue import architecture_names, workload_names

    place = f"{option} {name}".strip()
    try:
        is_folder = bool(name) and Path(name).is_dir()
    except OSError as error:  # a name that is too long
        problem = f"must be a name or the path of a file ({error.strerror})."
        raise InputError(Fault(place, problem)) from error
    if is_folder and Path(name).name not in {*architecture_names(), *workload_names()}:
        problem = "must be a name or a YAML file (got a folder)."
        raise InputError(Fault(place, problem, "Name a file in it."))


def _exists(name: str) -> bool:
    try:
        folder, _, index = name.partition(":")[2].partition("#")  # of a data set
        parts = (name, folder) if not index or index.isdigit() else (name,)
        return any(part and Path(part).exists() for part in parts)
    except (OSError, ValueError):  # too long for a name, as lists may be; null bytes
        return False
