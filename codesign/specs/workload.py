"""What a workload file says: which network, with which weights, on which images; frozen.

A workload is one of the networks of arXiv 2301.11929: a structure (ResNet, event net, Spikformer)
and a family (what flows between its blocks). Nothing here builds the network or opens an image:
that is done where torch is at hand. What the network computes is in `codesign.workload`.
"""

from collections.abc import Iterator
from enum import StrEnum
from typing import Annotated

from pydantic import Field, StringConstraints, model_validator

from codesign.specs.faults import Violation, refuse
from codesign.specs.groups import Source, Spec
from codesign.units import Bits

Text = Annotated[str, StringConstraints(min_length=1)]
Size = Annotated[int, Field(strict=True, ge=1, le=4096)]


class Structure(StrEnum):
    """How a network is built."""

    RESNET = "resnet"
    """Residual network for ImageNet."""
    SEVEN_B = "7b"
    """7B-Net: seven blocks for frames of events (DVS Gesture)."""
    WIDE_SEVEN_B = "wide7b"
    """Wide-7B-Net: the same, wider from its fifth block on (CIFAR10-DVS)."""
    SPIKFORMER = "spikformer"
    """Spiking vision transformer for images of 32 x 32 pixels (CIFAR100)."""
    SMALL_RESNET = "small_resnet"
    """Residual network for small pictures, as those of MNIST and CIFAR."""


class Family(StrEnum):
    """What flows between the blocks of a network."""

    FSNN = "fsnn"
    """Full-spike network: nothing but spikes flows between its layers."""
    DSNN = "dsnn"
    """The same with the auxiliary accumulation pathway, kept at inference."""
    SEW = "sew"
    """Spike-element-wise: with ADD its residual stream holds integers."""
    SPIKING_RESNET = "spiking_resnet"
    """td-BN: currents are added in front of a block's last neuron; ResNets only."""


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


class AccumulationPool(StrEnum):
    """How the accumulation pathway of an event net passes a pool; the paper leaves it open.

    The workloads that come with the program say `max`.
    """

    MAX = "max"
    AVERAGE = "average"


class Attention(StrEnum):
    """The order in which a Spikformer multiplies q, k and v; the result is the same."""

    SCORES = "scores"
    """(q k^T) v, as published."""
    CONTEXT = "context"
    """q (k^T v): fewer operations while there are more tokens than channels in a head."""


class Pictures(StrEnum):
    """The data set whose pictures a residual network for small pictures sees."""

    DIGITS = "digits"
    MNIST = "mnist"
    CIFAR10 = "cifar10"
    CIFAR100 = "cifar100"

    @property
    def shape(self) -> tuple[int, int, int]:
        """(C, H, W) of a picture."""
        small = {Pictures.DIGITS: (1, 8, 8), Pictures.MNIST: (1, 28, 28)}
        return small.get(self, (3, 32, 32))

    @property
    def classes(self) -> int:
        """How many there are."""
        return 100 if self is Pictures.CIFAR100 else 10


class Training(StrEnum):
    """How an FSNN is trained."""

    DUAL_STREAM = "dual_stream"
    """With the accumulation pathway, which is removed afterwards: the paper's method."""
    SINGLE_STREAM = "single_stream"
    """As it is."""


LEGAL_WIDTHS = {"weight": (2, 16), "accumulator": (4, 32), "activation": (4, 24)}
"""Least and most bits of a quantised network's numbers."""


class NumberFormats(Spec):
    """Widths of the integers that a quantised network computes with.

    What becomes of the network is said in `codesign.networks.quantisation`.

    Attributes:
        weight_bits: of weights.
        accumulator_bits: of membranes, and of biases.
        activation_bits: of stored reals: the stem's currents, and the accumulation stream behind
            its convolutions.
    """

    weight_bits: Bits = Field(alias="weight")
    accumulator_bits: Bits = Field(alias="accumulator")
    activation_bits: Bits = Field(alias="activation")

    @classmethod
    def of(cls, weight: int, accumulator: int, activation: int) -> "NumberFormats":
        """Formats of so many bits, which must be legal."""
        widths = {"weight": weight, "accumulator": accumulator, "activation": activation}
        return cls.model_validate({key: f"{bits} bit" for key, bits in widths.items()})

    @model_validator(mode="after")
    def _widths_are_legal(self) -> "NumberFormats":
        widths = (self.weight_bits, self.accumulator_bits, self.activation_bits)
        refuse(list(width_violations(*widths)))
        return self


def width_violations(weight: int, accumulator: int, activation: int) -> Iterator[Violation]:
    """What is wrong with the widths of a quantised network, in bits."""
    given = {"weight": weight, "accumulator": accumulator, "activation": activation}
    for key, bits in given.items():
        least, most = LEGAL_WIDTHS[key]
        if not least <= bits <= most:
            problem = f"must be {least} to {most} bit for a quantised network (got {bits} bit)."
            yield Violation((key,), problem, f"Write '{key}: {min(max(bits, least), most)} bit'.")
    if accumulator < weight:
        problem = f"must be at least as wide as a weight, {weight} bit (got {accumulator} bit)."
        causes = (("weight",),)
        yield Violation(("accumulator",), problem, "Widen the accumulator.", causes=causes)


CALIBRATED = "calibrated"
"""What a workload writes for the calibrated weights that ship with the program."""
TRAINED = "trained:"
"""What comes before the name of trained weights that ship, or the folder of a training."""
DEPTHS = (18, 34, 50, 101, 152)
"""Of the ResNets."""
LEAST_BLOCKS = 3
"""Of a network for small pictures: one in each stage."""
EVENT_NETS = (Structure.SEVEN_B, Structure.WIDE_SEVEN_B)
LOGIC = (Connection.AND, Connection.IAND, Connection.OR, Connection.XOR)
CONNECTIONS: dict[Family, tuple[Connection, ...]] = {
    Family.FSNN: LOGIC,
    Family.DSNN: LOGIC,
    Family.SEW: (Connection.ADD,),
    Family.SPIKING_RESNET: (),
}
"""Legal connections by family; the td-BN ResNet adds currents and has none. SEW's event nets may
have IAND as well (see `legal_connections`)."""
TWO_STREAMS = (Family.FSNN, Family.DSNN)
"""Families that have two streams, or have them while they are trained."""
FAMILY = (("family",),)
STRUCTURE = (("structure",),)
"""The values that decide about others."""


class WorkloadSpec(Spec):
    """A network and its input.

    Attributes:
        name: the file's name without its ending.
        description: one line for lists and reports.
        structure: how the network is built.
        family: what flows between its blocks.
        depth: of a ResNet: layers with weights along the main path; of a Spikformer and of a
            network for small pictures: blocks.
        width: of an event net: channels of its first blocks; of a Spikformer: channels of a token;
            of a network for small pictures: channels of its first stage.
        pictures: which small pictures a network for them sees.
        classes: number of logits, where it is not that of the data set which the paper takes.
        timesteps: T.
        connection: g of the residuals; absent for `spiking_resnet`.
        readout: whose logits are the answer; `dsnn` only, which must say it. The paper leaves it
            open; the workloads that come with the program say `sum`.
        accumulation_pool: how the accumulation pathway is pooled; event nets of `dsnn` only, which
            must say it. The paper leaves it open; the workloads that come with the program say
            `max`.
        attention: in which order q, k and v are multiplied; Spikformer only, which must say it.
            `scores` is the published one.
        identity_start: the last batch norm of each branch starts at zero (a choice of training).
        training: how an FSNN is trained (`dual_stream` if left out).
        shared_head: whether both streams have one linear layer; left out, as published: the
            Spikformer has two, other networks have one.
        weights: `calibrated` (shipped; firing rates fitted to the paper, not trained),
            `trained:NAME` (trained; shipped with a card that says how, or left by a training in
            the folder NAME), or the path of a checkpoint.
        precision: widths of the integers that a network for small pictures computes with; without,
            one with `trained:` weights takes those of the chip that it is run on, and others
            compute with reals.
        images: names of shipped photographs, or paths of images; one inference for each. An event
            net sees events that are simulated from them, a Spikformer 32 x 32 pixels.
        source: where the configuration comes from.
    """

    name: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]
    description: Text
    structure: Structure = Structure.RESNET
    family: Family
    depth: Size | None = None
    width: Size | None = None
    pictures: Pictures | None = None
    classes: Size | None = None
    timesteps: Annotated[int, Field(strict=True, ge=1, le=64)]
    connection: Connection | None = None
    readout: Readout | None = None
    accumulation_pool: AccumulationPool | None = None
    attention: Attention | None = None
    identity_start: Annotated[bool, Field(strict=True)] = False
    training: Training | None = None
    shared_head: Annotated[bool, Field(strict=True)] | None = None
    weights: Text = CALIBRATED
    precision: NumberFormats | None = None
    images: Annotated[tuple[Text, ...], Field(min_length=1)] = ("astronaut",)
    source: Source

    @model_validator(mode="after")
    def _fields_fit_together(self) -> "WorkloadSpec":
        rules = (
            *(_family_violations, _size_violations, _connection_violations),
            *(_readout_violations, _pool_violations, _attention_violations),
            *(_picture_violations, _training_violations, _precision_violations),
        )
        refuse([violation for rule in rules for violation in rule(self)])
        return self


def legal_families(structure: Structure) -> tuple[Family, ...]:
    """Families that a structure may have."""
    has_all = structure in (Structure.RESNET, Structure.SMALL_RESNET)
    without = () if has_all else (Family.SPIKING_RESNET,)
    return tuple(family for family in Family if family not in without)


def legal_connections(structure: Structure, family: Family) -> tuple[Connection, ...]:
    """Connections that a structure may have in a family."""
    if structure in EVENT_NETS and family is Family.SEW:
        return (Connection.ADD, Connection.IAND)
    return CONNECTIONS[family]


def _family_violations(spec: WorkloadSpec) -> Iterator[Violation]:
    legal = legal_families(spec.structure)
    if spec.family not in legal:
        problem = f"must be {_words(legal)} for structure '{spec.structure}' (got '{spec.family}')."
        yield Violation(("family",), problem, "Change one of the two.", causes=STRUCTURE)


def _size_violations(spec: WorkloadSpec) -> Iterator[Violation]:
    place = f"for structure '{spec.structure}'"
    wanted = {
        "depth": {
            Structure.RESNET: "18, 34, 50, 101 or 152",
            Structure.SPIKFORMER: "a number of blocks",
            Structure.SMALL_RESNET: f"a number of blocks, at least {LEAST_BLOCKS},",
        },
        "width": {
            Structure.SPIKFORMER: "a multiple of 32",
            **dict.fromkeys((*EVENT_NETS, Structure.SMALL_RESNET), "a number of channels"),
        },
    }
    for key, value in (("depth", spec.depth), ("width", spec.width)):
        legal = wanted[key].get(spec.structure)
        if legal is None and value is not None:
            problem = f"must be absent {place} (got {value})."
            yield Violation((key,), problem, "Remove the line.", causes=STRUCTURE)
        elif legal is not None and not _is_size(spec.structure, key, value):
            got = "nothing" if value is None else str(value)
            problem = f"must be {legal} {place} (got {got})."
            fix = f"Write '{key}: {_USUAL_SIZE[spec.structure][key]}'."
            yield Violation((key,), problem, fix, value is None, STRUCTURE)


_USUAL_SIZE = {
    Structure.RESNET: {"depth": 50},
    Structure.SEVEN_B: {"width": 32},
    Structure.WIDE_SEVEN_B: {"width": 64},
    Structure.SPIKFORMER: {"depth": 4, "width": 384},
    Structure.SMALL_RESNET: {"depth": 3, "width": 16},
}


def _is_size(structure: Structure, key: str, value: int | None) -> bool:
    if value is None:
        return False
    if structure is Structure.RESNET:
        return value in DEPTHS
    if structure is Structure.SMALL_RESNET:
        return key == "width" or value >= LEAST_BLOCKS
    return structure is not Structure.SPIKFORMER or key == "depth" or value % 32 == 0


def _connection_violations(spec: WorkloadSpec) -> Iterator[Violation]:
    legal = legal_connections(spec.structure, spec.family)
    if spec.connection in legal or (spec.connection is None and not legal):
        return
    missing = spec.connection is None
    got = "nothing" if missing else f"'{spec.connection}'"
    if not legal:
        problem = f"must be absent for family '{spec.family}' (got {got})."
        yield Violation(("connection",), problem, "Remove the line.", causes=FAMILY)
        return
    problem = f"must be {_words(legal)} for family '{spec.family}' (got {got})."
    usual = Connection.IAND if legal == LOGIC else legal[0]
    fix = f"Write 'connection: {usual}'."
    yield Violation(("connection",), problem, fix, missing, FAMILY)


def _readout_violations(spec: WorkloadSpec) -> Iterator[Violation]:
    has_two_heads = spec.family is Family.DSNN
    if has_two_heads and spec.readout is None:
        words = ", ".join(f"'{word}'" for word in Readout)
        problem = f"must be one of {words} for family 'dsnn' (got nothing)."
        fix = "Write 'readout: sum'."
        yield Violation(("readout",), problem, fix, missing=True, causes=FAMILY)
    if not has_two_heads and spec.readout is not None:
        problem = f"must be absent for family '{spec.family}' (got '{spec.readout}')."
        fix = "Remove the line: the network has one head."
        yield Violation(("readout",), problem, fix, causes=FAMILY)


def _pool_violations(spec: WorkloadSpec) -> Iterator[Violation]:
    has_pools = spec.structure in EVENT_NETS and spec.family is Family.DSNN
    if has_pools and spec.accumulation_pool is None:
        problem = f"must be {_words(tuple(AccumulationPool))} for an event net (got nothing)."
        fix = "Write 'accumulation_pool: max'."
        yield Violation(("accumulation_pool",), problem, fix, missing=True, causes=STRUCTURE)
    if not has_pools and spec.accumulation_pool is not None:
        problem = f"must be absent here (got '{spec.accumulation_pool}')."
        fix = "Remove the line: only event nets of family 'dsnn' pool their accumulation."
        yield Violation(("accumulation_pool",), problem, fix, causes=(*STRUCTURE, *FAMILY))


def _attention_violations(spec: WorkloadSpec) -> Iterator[Violation]:
    attends = spec.structure is Structure.SPIKFORMER
    if attends and spec.attention is None:
        problem = f"must be {_words(tuple(Attention))} for structure 'spikformer' (got nothing)."
        fix = "Write 'attention: scores'."
        yield Violation(("attention",), problem, fix, missing=True, causes=STRUCTURE)
    if not attends and spec.attention is not None:
        problem = f"must be absent for structure '{spec.structure}' (got '{spec.attention}')."
        yield Violation(("attention",), problem, "Remove the line.", causes=STRUCTURE)


def _picture_violations(spec: WorkloadSpec) -> Iterator[Violation]:
    is_small = spec.structure is Structure.SMALL_RESNET
    if is_small and spec.pictures is None:
        problem = f"must be {_words(tuple(Pictures))} for structure 'small_resnet' (got nothing)."
        fix = "Write 'pictures: mnist'."
        yield Violation(("pictures",), problem, fix, missing=True, causes=STRUCTURE)
    if not is_small and spec.pictures is not None:
        problem = f"must be absent for structure '{spec.structure}' (got '{spec.pictures}')."
        yield Violation(("pictures",), problem, "Remove the line.", causes=STRUCTURE)
    if spec.pictures is not None and spec.classes not in (None, spec.pictures.classes):
        problem = f"must be {spec.pictures.classes} for {spec.pictures} (got {spec.classes})."
        yield Violation(("classes",), problem, "Remove the line.", causes=(("pictures",),))
    if is_small and spec.weights == CALIBRATED:
        missing = "weights" not in spec.model_fields_set
        got = "nothing" if missing else f"'{CALIBRATED}'"
        problem = (
            f"must be 'trained:NAME' or a checkpoint for structure 'small_resnet' (got {got})."
        )
        fix = "There are no calibrated weights of it; make some with: codesign train."
        yield Violation(("weights",), problem, fix, missing, STRUCTURE)


def _training_violations(spec: WorkloadSpec) -> Iterator[Violation]:
    if spec.training is not None and spec.family is not Family.FSNN:
        problem = f"must be absent for family '{spec.family}' (got '{spec.training}')."
        fix = "Remove the line: a 'dsnn' is trained with both streams, others have one."
        yield Violation(("training",), problem, fix, causes=FAMILY)
    is_single = spec.training is Training.SINGLE_STREAM
    if spec.shared_head is not None and (spec.family not in TWO_STREAMS or is_single):
        problem = f"must be absent for one stream (got {str(spec.shared_head).lower()})."
        fix = "Remove the line: a 'dsnn' has two streams, or an 'fsnn' while it is trained."
        yield Violation(("shared_head",), problem, fix, causes=(*FAMILY, ("training",)))


def _precision_violations(spec: WorkloadSpec) -> Iterator[Violation]:
    if spec.precision is None:
        return
    fix = "Remove the key: other networks compute with reals."
    if spec.structure is not Structure.SMALL_RESNET:
        problem = f"must be absent for structure '{spec.structure}'."
        yield Violation(("precision",), problem, fix, causes=STRUCTURE)
    if spec.family is Family.SPIKING_RESNET:
        problem = "must be absent for family 'spiking_resnet', whose shortcuts add currents."
        yield Violation(("precision",), problem, fix, causes=FAMILY)


def _words(legal: tuple[StrEnum, ...]) -> str:
    return " or ".join(f"'{word}'" for word in legal)
