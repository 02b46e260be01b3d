"""What a workload file says of one input or one layer of a network that it lists.

Shapes and kinds are not given but follow (`codesign.specs.layer_list`).
"""

from typing import Annotated

from pydantic import Field, StringConstraints, model_validator

from codesign.errors import nearest
from codesign.specs.faults import Violation, refuse
from codesign.specs.groups import Spec
from codesign.workload import Kind, LayerType, Stream

Text = Annotated[str, StringConstraints(min_length=1)]
TensorName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_.]*$")]
Size = Annotated[int, Field(strict=True, ge=1, le=1_000_000)]
Offset = Annotated[int, Field(strict=True, ge=0, le=1_000_000)]
Pair = Size | Annotated[tuple[Size, Size], Field(strict=False)]
OffsetPair = Offset | Annotated[tuple[Offset, Offset], Field(strict=False)]

WINDOWED = (LayerType.CONVOLUTION, LayerType.MAX_POOL, LayerType.AVERAGE_POOL)
TWO_INPUTS = (LayerType.ADD, LayerType.LOGIC, LayerType.PRODUCT)
LOGIC = ("and", "iand", "or", "xor")
FIELDS: dict[str, tuple[LayerType, ...]] = {
    "kernel": WINDOWED,
    "stride": WINDOWED,
    "padding": WINDOWED,
    "dilation": (LayerType.CONVOLUTION,),
    "groups": (LayerType.CONVOLUTION,),
    "channels": (LayerType.CONVOLUTION,),
    "features": (LayerType.LINEAR,),
    "bias": (LayerType.CONVOLUTION, LayerType.LINEAR),
    "batch_norm": (LayerType.CONVOLUTION, LayerType.LINEAR),
    "function": (LayerType.NEURON, LayerType.LOGIC),
}
"""Types of layers that may have a field."""
REQUIRED = {
    LayerType.CONVOLUTION: ("channels", "kernel"),
    LayerType.LINEAR: ("features",),
    LayerType.MAX_POOL: ("kernel",),
    LayerType.AVERAGE_POOL: ("kernel",),
    LayerType.NEURON: ("function",),
    LayerType.LOGIC: ("function",),
}


class ListedInput(Spec):
    """A tensor that enters the network.

    Attributes:
        name: of the tensor.
        shape: `(C, H, W)` or `(F,)`, without time.
        kind: spike, integer or real.
        largest: the largest value of an integer tensor.
        static: the same at every timestep, so that what it feeds is computed once.
    """

    name: TensorName
    shape: Annotated[tuple[Size, ...], Field(min_length=1, max_length=3)]
    kind: Kind
    largest: Annotated[int, Field(strict=True, ge=1, le=65535)] | None = None
    static: Annotated[bool, Field(strict=True)] = False

    @model_validator(mode="after")
    def _integers_state_their_largest_value(self) -> "ListedInput":
        if (self.kind is Kind.INTEGER) != (self.largest is not None):
            missing = self.largest is None
            verb = "is missing" if missing else "must be absent"
            refuse(
                [
                    Violation(
                        ("largest",),
                        f"{verb} for an input of kind '{self.kind}'.",
                        "Give the largest value." if missing else "Remove the line.",
                        missing,
                        (("kind",),),
                    )
                ]
            )
        return self


class ListedLayer(Spec):
    """One layer; its output bears its name.

    Attributes:
        name: of the layer and of the tensor that it makes.
        type: what it computes.
        inputs: tensors that it reads: two for `add` and `logic`, else one.
        stream: the stream that it works for.
        channels: output channels of a convolution.
        features: outputs of a linear layer; a `(C, H, W)` input is flattened for it.
        kernel, stride, padding, dilation: one number, or `[vertical, horizontal]`. The stride of
            a pool is its kernel if left out.
        groups: of a convolution.
        bias, batch_norm: whether a layer with weights has them (a batch norm is fused and counted
            on request).
        function: the neuron's model (`IF`, `LIF`) or the logic (`and`, `iand`, `or`, `xor`).
    """

    name: TensorName
    type: LayerType
    inputs: Annotated[tuple[TensorName, ...], Field(min_length=1, max_length=2)]
    stream: Stream = Stream.SPIKE
    channels: Size | None = None
    features: Size | None = None
    kernel: Pair | None = None
    stride: Pair | None = None
    padding: OffsetPair | None = None
    dilation: Pair | None = None
    groups: Size | None = None
    bias: Annotated[bool, Field(strict=True)] | None = None
    batch_norm: Annotated[bool, Field(strict=True)] | None = None
    function: Text | None = None

    @model_validator(mode="after")
    def _fields_fit_the_type(self) -> "ListedLayer":
        found = [
            Violation(
                (field,),
                f"must be absent for a layer of type '{self.type}' (got {getattr(self, field)}).",
                "Remove the line.",
                causes=(("type",),),
            )
            for field, types in FIELDS.items()
            if getattr(self, field) is not None and self.type not in types
        ]
        found += [
            Violation(
                (field,),
                f"is missing for a layer of type '{self.type}'.",
                "Add it.",
                missing=True,
                causes=(("type",),),
            )
            for field in REQUIRED.get(self.type, ())
            if getattr(self, field) is None
        ]
        if self.type is LayerType.LOGIC and self.function and self.function not in LOGIC:
            words = ", ".join(f"'{word}'" for word in LOGIC)
            problem = f"must be one of {words} (got '{self.function}')."
            found.append(Violation(("function",), problem, nearest(self.function, LOGIC)))
        if self.type is LayerType.PRODUCT:
            problem = "must not be 'product': heads and views cannot be listed (got 'product')."
            fix = "Record the torch network itself."
            found.append(Violation(("type",), problem, fix))
        wanted = 2 if self.type in TWO_INPUTS else 1
        if len(self.inputs) != wanted:
            found.append(
                Violation(
                    ("inputs",),
                    f"must be {wanted} for a layer of type '{self.type}' (got {len(self.inputs)}).",
                    "Name each tensor that the layer reads.",
                    causes=(("type",),),
                )
            )
        refuse(found)
        return self
