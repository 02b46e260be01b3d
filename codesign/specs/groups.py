"""What all groups of a file have in common: no unknown keys, no changes, few kinds of values."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Source = Annotated[str, StringConstraints(min_length=3)]
"""Where numbers come from: a citation, or `assumed, because ...`."""

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]
Count = Annotated[int, Field(strict=True, ge=1, le=65_536)]
Cycles = Annotated[int, Field(strict=True, ge=0, le=10_000)]
Flag = Annotated[bool, Field(strict=True)]
"""Strict: `"16"`, `16.5` and `yes` are refused, not guessed at."""


class Spec(BaseModel):
    """Base of every group in a file: unknown keys are errors, values never change."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)
