"""Stages: what waits for what, stage by stage.

A stage is a fused layer at one timestep. It needs the stages that make what it reads, and where
the activation buffer is short it waits for the room that others leave.
"""

from codesign.mapping.fusion import read_tensors
from codesign.mapping.jobs import Stage
from codesign.mapping.mapper import Mapping, Plan
from codesign.workload import LayerType, Workload


def first_stages(mapping: Mapping) -> tuple[int, ...]:
    """Number of the first stage of each fused layer, those of all its timesteps behind it."""
    numbers = [0]
    for plan in mapping.plans[:-1]:
        numbers.append(numbers[-1] + plan.geometry.timesteps)
    return tuple(numbers)


def stages_of(mapping: Mapping) -> tuple[Stage, ...]:
    """All stages, layer by layer and timestep by timestep."""
    first = first_stages(mapping)
    maker = {name: plan.fused.index for plan in mapping.plans for name in plan.fused.stored}
    room = [
        tuple(
            first[awaited] + timestep
            for awaited in mapping.waits[plan.fused.index]
            for timestep in range(mapping.plans[awaited].geometry.timesteps)
        )
        for plan in mapping.plans
    ]
    stages = []
    for plan in mapping.plans:
        layer = plan.fused.index
        for timestep in range(plan.geometry.timesteps):
            needs = [
                first[maker[name]] + needed
                for name in read_tensors(plan.fused)
                if name in maker
                for needed in _needed_timesteps(mapping.workload, plan, name, timestep)
            ]
            stages.append(Stage(layer, timestep, tuple(dict.fromkeys(needs)), room[layer]))
    return tuple(stages)


def _needed_timesteps(workload: Workload, plan: Plan, name: str, timestep: int) -> range:
    made = workload.tensor_by_name[name].timesteps
    if plan.fused.main.type is LayerType.TIME_MEAN:
        return range(made)
    return range(1) if made == 1 else range(timestep, timestep + 1)
