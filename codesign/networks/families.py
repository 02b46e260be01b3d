"""Families of residual spiking networks: which connections and readouts each may have.

A family says what flows between the blocks of a network, whatever its structure:

- `fsnn`: spikes only, `o' = g(s, identity)` with g of AND, IAND, OR, XOR;
- `dsnn`: the same and, beside it, the accumulation pathway with a head of its own;
- `sew`: spike-element-wise; with ADD, `o' = s + identity`, the residual stream holds integers;
- `spiking_resnet`: currents are added in front of a block's last neuron.

How a DSNN combines the logits of its two heads at test is not stated in arXiv 2301.11929: here it
is the option `readout`.
"""

from collections.abc import Mapping, Sequence

from codesign.errors import Fault, nearest

LOGIC = ("iand", "and", "or", "xor")
"""Connections that keep spikes, the usual one first."""

READOUTS = ("spike", "accumulation", "sum")

Connections = Mapping[str, Sequence[str | None]]
"""Legal connections by family, the usual one first."""


def chosen(
    family: str, connection: str | None, readout: str | None, legal: Connections
) -> tuple[str | None, str]:
    """Connection and readout, where they are left out the family's usual ones."""
    if connection is None and family in legal:
        connection = legal[family][0]
    if readout is None:
        readout = "sum" if family == "dsnn" else "spike"
    return connection, readout


def option_faults(
    family: str, connection: str | None, readout: str, legal: Connections
) -> list[Fault]:
    """What is wrong with the three options together."""
    faults = []
    if family not in legal:
        problem = f"must be a family of this kind of network (got {family!r})."
        faults.append(Fault("family", problem, nearest(str(family), legal)))
    elif connection not in legal[family]:
        names = ", ".join(str(name) for name in legal[family])
        problem = f"must fit the family {family} (got {connection!r})."
        faults.append(Fault("connection", problem, f"Choose one of: {names}."))
    legal_readouts = READOUTS if family == "dsnn" else ("spike",)
    if readout not in legal_readouts:
        problem = f"must be one of {', '.join(legal_readouts)} for {family} (got {readout!r})."
        faults.append(Fault("readout", problem))
    return faults
