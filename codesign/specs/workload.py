"""What a workload file says: which network, with which weights, on which images; frozen.

Today a workload is one of the residual networks of arXiv 2301.11929; the fields that say so
(`family`, `depth`) are required. Nothing here builds the network or opens an image: that is done
where torch is at hand. What the network computes is in `codesign.workload`.
"""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator

from codesign.specs.architecture import Source, Spec
from codesign.specs.faults import Violation, refuse

Text = Annotated[str, StringConstraints(min_length=1)]


class Family(StrEnum):
    """The residual networks that the paper compares."""

    FSNN = "fsnn"
    """Full-spike network: nothing but spikes flows between its layers."""
    DSNN = "dsnn"
    """The same with the auxiliary accumulation pathway, kept at inference."""
    SEW = "sew"
    """Spike-element-wise ResNet with ADD: its residual stream holds integers."""
    SPIKING_RESNET = "spiking_resnet"
    """td-BN: currents are added in front of a block's last neuron."""


class Connection(StrEnum):
    """The function g of a residual, on the branch s and the identity o (Table 1)."""

    AND = "and"
    IAND = "iand"
    OR = "or"
    XOR = "xor"
    ADD = "add"


class Readout(StrEnum):
    """Whose logits a DSNN answers with; the paper does not say how it combines them."""

    SPIKE = "spike"
    ACCUMULATION = "accumulation"
    SUM = "sum"


LOGIC = (Connection.AND, Connection.IAND, Connection.OR, Connection.XOR)
CONNECTIONS: dict[Family, tuple[Connection, ...]] = {
    Family.FSNN: LOGIC,
    Family.DSNN: LOGIC,
    Family.SEW: (Connection.ADD,),
    Family.SPIKING_RESNET: (),
}
"""Legal connections by family; the td-BN ResNet adds currents and has none."""
FAMILY = (("family",),)
"""The value that decides about connection and readout."""


class WorkloadSpec(Spec):
    """A network and its input.

    Attributes:
        name: the file's name without its ending.
        description: one line for lists and reports.
        family: the kind of residual network.
        depth: layers with weights along the main path.
        timesteps: T.
        connection: g of the residuals; absent for `spiking_resnet`.
        readout: whose logits are the answer; `dsnn` only.
        identity_start: the last batch norm of each branch starts at zero (a choice of training).
        weights: `calibrated` (shipped; firing rates fitted to the paper, not trained), or the
            path of a checkpoint.
        images: names of shipped photographs, or paths of images; one inference for each.
        source: where the configuration comes from.
    """

    name: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]
    description: Text
    family: Family
    depth: Literal[18, 34, 50, 101, 152]
    timesteps: Annotated[int, Field(strict=True, ge=1, le=64)]
    connection: Connection | None = None
    readout: Readout | None = None
    identity_start: Annotated[bool, Field(strict=True)] = False
    weights: Text = "calibrated"
    images: Annotated[tuple[Text, ...], Field(min_length=1)] = ("astronaut",)
    source: Source

    @model_validator(mode="after")
    def _fields_fit_the_family(self) -> "WorkloadSpec":
        refuse([*_connection_violations(self), *_readout_violations(self)])
        return self


def _connection_violations(spec: WorkloadSpec) -> list[Violation]:
    legal = CONNECTIONS[spec.family]
    if spec.connection in legal or (spec.connection is None and not legal):
        return []
    missing = spec.connection is None
    got = "nothing" if missing else f"'{spec.connection}'"
    if not legal:
        problem = f"must be absent for family '{spec.family}' (got {got})."
        return [Violation(("connection",), problem, "Remove the line.", causes=FAMILY)]
    words = " or ".join(f"'{word}'" for word in legal)
    problem = f"must be {words} for family '{spec.family}' (got {got})."
    fix = f"Write 'connection: {Connection.IAND if len(legal) > 1 else legal[0]}'."
    return [Violation(("connection",), problem, fix, missing, FAMILY)]


def _readout_violations(spec: WorkloadSpec) -> list[Violation]:
    has_two_heads = spec.family is Family.DSNN
    if has_two_heads and spec.readout is None:
        words = ", ".join(f"'{word}'" for word in Readout)
        problem = f"must be one of {words} for family 'dsnn' (got nothing)."
        fix = "Write 'readout: sum'."
        return [Violation(("readout",), problem, fix, missing=True, causes=FAMILY)]
    if not has_two_heads and spec.readout is not None:
        problem = f"must be absent for family '{spec.family}' (got '{spec.readout}')."
        fix = "Remove the line: the network has one head."
        return [Violation(("readout",), problem, fix, causes=FAMILY)]
    return []
