"""The end of a recording: from the draft to the workload and its arrays.

Only now is it known how many timesteps there were where a network runs them one by one, whether
each layer ran at all of them, and whether a neuron layer's result is its spikes or its membrane.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codesign.errors import CaptureError
from codesign.recording.draft import INPUT, Draft
from codesign.workload import Kind, LayerType, Tensor, Workload


def complete(
    draft: Draft, name: str, outputs: Sequence[str]
) -> tuple[Workload, dict[str, NDArray[Any]]]:
    """The finished graph, and what was recorded for its tensors as `(timesteps, *shape)`.

    Args:
        draft: all that the network did.
        name: what the workload is called.
        outputs: names of the tensors that left the network.

    Raises:
        CaptureError: a layer did not run at every timestep, or both the spikes and the membrane
            of a neuron layer are read.
    """
    timesteps = _timesteps(draft)
    for layer, runs in draft.runs.items():
        tensor = replace(draft.tensors[layer], timesteps=runs.timesteps(timesteps))
        draft.tensors[layer] = tensor
    for runs in draft.changes.values():
        runs.timesteps(timesteps)
    _require_whole_sums(draft)
    _repeat_input(draft, timesteps)
    outputs = _settle_membranes(draft, outputs)
    workload = Workload(
        name=name,
        timesteps=timesteps,
        tensors=tuple(draft.tensors.values()),
        layers=tuple(draft.layers.values()),
        outputs=tuple(dict.fromkeys(outputs)),
    )
    return workload, {tensor: _array(draft, tensor) for tensor in _recorded(draft)}


def _timesteps(draft: Draft) -> int:
    ran = [draft.runs[name].count for name in draft.runs if draft.runs[name].pace == "each"]
    return draft.timesteps or max(ran, default=1)


def _require_whole_sums(draft: Draft) -> None:
    for name, layer in draft.layers.items():
        if layer.type is LayerType.TIME_MEAN and draft.runs[name].count > 1:
            raise CaptureError(
                f"{name}: must be computed once, behind the last timestep (got "
                f"{draft.runs[name].count} times). Move it out of the loop over timesteps."
            )
    for name, count in draft.sums.items():
        [summed] = draft.layers[name].inputs
        expected = draft.tensors[draft.membranes.get(summed, summed)].timesteps
        if count != expected:
            raise CaptureError(
                f"{name}: must sum '{summed}' over all {expected} timesteps (got the first "
                f"{count}). Read the sum behind the last timestep."
            )


def _repeat_input(draft: Draft, timesteps: int) -> None:
    """An image that each of its readers sees at every timestep is there at every timestep."""
    image = draft.tensors[INPUT]
    readers = [layer.output for layer in draft.layers.values() if INPUT in layer.inputs]
    if readers and all(draft.tensors[name].timesteps == timesteps for name in readers):
        draft.tensors[INPUT] = replace(image, timesteps=timesteps)


def _settle_membranes(draft: Draft, outputs: Sequence[str]) -> Sequence[str]:
    """Makes a membrane its layer's result where only the membrane is read, not the spikes.

    A membrane that the network returns beside the spikes of its layer costs nothing and is no
    tensor of the graph.
    """
    read = {name for layer in draft.layers.values() for name in layer.inputs}
    for membrane, layer in draft.membranes.items():
        spikes_are_read = layer in read or layer in outputs
        if membrane in read and spikes_are_read:
            raise CaptureError(
                f"{layer}: must give its spikes or its membrane to the layers behind it (got both, "
                f"and a layer has one result). Read one of the two."
            )
        if spikes_are_read or (membrane not in read and membrane not in outputs):
            outputs = [name for name in outputs if name != membrane]
        else:
            outputs = [layer if name == membrane else name for name in outputs]
            _replace_spikes(draft, membrane, layer)
        draft.tensors.pop(membrane, None)
        draft.slices.pop(membrane, None)
        draft.arrays.pop(membrane, None)
    return outputs


def _replace_spikes(draft: Draft, membrane: str, layer: str) -> None:
    spikes = draft.tensors[layer]
    draft.tensors[layer] = replace(spikes, kind=Kind.REAL, largest=None)
    draft.arrays.pop(layer, None)
    draft.slices.pop(layer, None)
    if membrane in draft.arrays:
        draft.arrays[layer] = draft.arrays.pop(membrane)
    if membrane in draft.slices:
        draft.slices[layer] = draft.slices.pop(membrane)
    for name, reader in draft.layers.items():
        inputs = tuple(layer if read == membrane else read for read in reader.inputs)
        draft.layers[name] = replace(reader, inputs=inputs)


def _recorded(draft: Draft) -> list[str]:
    """Recorded tensors in the order of the graph."""
    return [name for name in draft.tensors if name in draft.arrays or name in draft.slices]


def _array(draft: Draft, name: str) -> NDArray[Any]:
    tensor: Tensor = draft.tensors[name]
    if name in draft.arrays:
        whole = draft.arrays[name]
        return np.broadcast_to(whole, (tensor.timesteps, *tensor.shape))
    slices = draft.slices[name]
    return np.stack([slices[step] for step in range(tensor.timesteps)])
