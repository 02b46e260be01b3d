"""What a workload file says that brings its own spikes: layers in a list, and files of tensors.

No torch model is involved: the file lists the layers of the network and names the files in which
the tensors were recorded, one file for each input that ran through the network. The files are
read in `codesign.spike_files`.
"""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator

from codesign.specs.faults import Violation, refuse
from codesign.specs.groups import Source, Spec
from codesign.specs.layer_list import listed_workload
from codesign.specs.layers import ListedInput, ListedLayer, TensorName, Text
from codesign.workload import Workload


class RecordedSpec(Spec):
    """A network as a list of layers, and the files of what was recorded of it.

    Attributes:
        name: the file's name without its ending.
        description: one line for lists and reports.
        timesteps: T.
        inputs: tensors that enter the network.
        layers: each after those that it reads.
        outputs: tensors that leave the network; the last layer's if left out.
        images: `recordings` in the file: `.npz` or `.safetensors` files, relative to the
            workload's own; one for each input that ran through the network.
        weights: where the weights came from that made these spikes.
        source: where the recordings come from.
    """

    name: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]
    description: Text
    timesteps: Annotated[int, Field(strict=True, ge=1, le=10_000)]
    inputs: Annotated[tuple[ListedInput, ...], Field(min_length=1)]
    layers: Annotated[tuple[ListedLayer, ...], Field(min_length=1)]
    outputs: Annotated[tuple[TensorName, ...], Field(min_length=1)] | None = None
    images: Annotated[tuple[Text, ...], Field(min_length=1, alias="recordings")]
    weights: Literal["trained", "random", "calibrated", "unknown"]
    source: Source

    @model_validator(mode="after")
    def _layers_fit_together(self) -> "RecordedSpec":
        refuse(self._graph()[1])
        return self

    def workload(self) -> Workload:
        """The graph of the listed network."""
        return self._graph()[0]

    def _graph(self) -> tuple[Workload, list[Violation]]:
        return listed_workload(self.name, self.timesteps, self.inputs, self.layers, self.outputs)
