"""Order: in which pass each timestep of a layer is computed, and which pass comes first.

A pass computes the layers once, one behind the other. In `layer` order an image is one pass, in
which a layer does all its timesteps before the next layer begins. In `timestep` and `pipeline`
order each timestep is a pass; a layer that is computed once for all timesteps (the stem) belongs
to the first, one behind a mean over time to the last.

In `pipeline` order the cores do not wait for the end of a pass: a layer whose inputs come from
other cores is one place deeper than they, and at step n of the pipeline a layer of depth d
computes pass n - d. Sorted by these steps no job waits for one that is behind it on its core.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from codesign.mapping.fusion import FusedLayer, read_tensors
from codesign.workload import LayerType, Workload


@dataclass(frozen=True)
class Order:
    """When layers are computed.

    Attributes:
        kind: `layer`, `timestep` or `pipeline`.
        passes: of one image.
        pass_of: for each fused layer the pass of each of its timesteps (or batches of them).
        depth: for each fused layer, how many passes it lags behind the first; 0 without pipeline.
    """

    kind: str
    passes: int
    pass_of: tuple[tuple[int, ...], ...]
    depth: tuple[int, ...]

    def step(self, layer: int, batch: int) -> int:
        """When a layer computes a batch of timesteps, counted in passes."""
        return self.pass_of[layer][batch] + self.depth[layer]


def makers_of(fused_layers: Sequence[FusedLayer]) -> tuple[tuple[int, ...], ...]:
    """For each fused layer, those that make what it reads."""
    maker = {name: fused.index for fused in fused_layers for name in fused.stored}
    return tuple(
        tuple(dict.fromkeys(maker[name] for name in read_tensors(fused) if name in maker))
        for fused in fused_layers
    )


def order_of(
    workload: Workload,
    fused_layers: Sequence[FusedLayer],
    kind: str,
    places: Sequence[tuple[str, int]],
    batch: int = 1,
) -> Order:
    """The order of fused layers.

    Args:
        workload: that they are of.
        fused_layers: in a computable order.
        kind: `layer`, `timestep` or `pipeline`.
        places: of each fused layer, the kind and the first of the cores that compute it.
        batch: timesteps of one job.
    """
    makers = makers_of(fused_layers)
    counts = [-(-fused.timesteps(workload) // batch) for fused in fused_layers]
    if kind == "layer":
        return Order(kind, 1, tuple((0,) * count for count in counts), (0,) * len(counts))
    passes = max(counts)
    last: list[bool] = []
    for fused in fused_layers:
        means = any(layer.type is LayerType.TIME_MEAN for layer in fused.layers)
        last.append(means or any(last[maker] for maker in makers[fused.index]))
    pass_of = tuple(
        tuple(range(count)) if count == passes else ((passes - 1) * last[layer],) * count
        for layer, count in enumerate(counts)
    )
    depth = [0] * len(counts)
    if kind == "pipeline":
        for layer, made in enumerate(makers):
            depth[layer] = max(
                (depth[maker] + (places[maker] != places[layer]) for maker in made), default=0
            )
    return Order(kind, passes, pass_of, tuple(depth))
