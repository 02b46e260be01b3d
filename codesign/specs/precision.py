"""Number formats follow the chip: a trained network is run in the integers that the chip has."""

from codesign.errors import Fault, InputError
from codesign.specs.architecture import Architecture
from codesign.specs.catalogue import AnyWorkload
from codesign.specs.workload import (
    TRAINED,
    Family,
    NumberFormats,
    WorkloadSpec,
    width_violations,
)


def with_precision(spec: AnyWorkload, architecture: Architecture) -> AnyWorkload:
    """The workload as it is run on a chip: with `trained:` weights, in the chip's number formats.

    Spikes, energy and accuracy then belong together. A workload that states its own formats keeps
    them, and so do all other weights, which say nothing of accuracy. On a chip without formats
    (`paper`) trained weights are those that ship, as they are on any chip where the network cannot
    be quantised (`spiking_resnet`).

    Raises:
        InputError: the chip's numbers are too narrow or too wide for a quantised network.
    """
    precision = architecture.precision
    if not isinstance(spec, WorkloadSpec) or not spec.weights.startswith(TRAINED):
        return spec
    if spec.precision or precision is None or spec.family is Family.SPIKING_RESNET:
        return spec
    bits = (precision.weight_bits, precision.accumulator_bits, precision.activation_bits)
    faults = []
    for violation in width_violations(*bits):
        place = f"{architecture.name}: precision.{violation.path[0]}"
        fix = f"{violation.fix} Or give the workload {spec.name} a 'precision' of its own."
        faults.append(Fault(place, violation.problem, fix))
    if faults:
        raise InputError(faults)
    return spec.model_copy(update={"precision": NumberFormats.of(*bits)})
