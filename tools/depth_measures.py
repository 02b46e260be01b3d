"""What `tools/depth_experiment.py` measures: one training, or one network before training.

A row is a dictionary of JSON values. All of it is computed on the digits that scikit-learn brings,
in one thread.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.manifold import TSNE
from sklearn.metrics import silhouette_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import Tensor
from torch.nn import functional

from codesign.datasets.network_inputs import small_levels
from codesign.datasets.packaged import open_packaged
from codesign.networks.blocks import ResidualBlock
from codesign.networks.construction import network_options, spiking_network
from codesign.networks.network import SpikingNetwork
from codesign.networks.neurons import Neuron
from codesign.specs.workload import Pictures, WorkloadSpec
from codesign.training import Options, train
from codesign.training.loop import DivergedError
from codesign.training.outcome import versions

TRAINING, START = "training", "start"

FAMILIES: dict[str, dict[str, Any]] = {
    "td_bn": {"family": "spiking_resnet"},
    "single": {"family": "fsnn", "training": "single_stream"},
    "dual": {"family": "fsnn", "training": "dual_stream"},
    "apart": {"family": "fsnn", "training": "dual_stream", "shared_head": False},
    "sew": {"family": "sew"},
}
"""What a workload says, by the way of training."""

SLOPES = {"usual": (1.0, 2.0), "vanishing": (0.5, 2.0), "steep": (1.0, 3.0), "steepest": (1.0, 8.0)}
"""Threshold and a of the surrogate, whose derivative at inputs of 0 and 1 is then .092 and 1; .288
twice; .065 and 1.5; .025 and 4."""


@dataclass(frozen=True)
class Case:
    """One row that is wanted.

    Attributes:
        kind: `training`, or `start`: a network before training.
        way: of `FAMILIES`.
        connection: g; None where currents are added.
        depth: blocks.
        seed: of initial values and, in training, of the order.
        identity_start: whether every branch starts at zero.
    """

    kind: str
    way: str
    connection: str | None
    depth: int
    seed: int
    identity_start: bool = False

    @property
    def name(self) -> str:
        """Of its file."""
        start = "identity" if self.identity_start else "random"
        parts = (self.kind, self.way, self.connection or "none", self.depth, start, self.seed)
        return "-".join(map(str, parts))


@dataclass(frozen=True)
class Size:
    """How large everything is.

    Attributes:
        width: channels of the first stage.
        timesteps: T.
        epochs: of a training.
        batch: pictures of a step, and of those that gradients are measured on.
        learning_rate: the largest one.
    """

    width: int
    timesteps: int
    epochs: int
    batch: int
    learning_rate: float = 5e-3


def measure(case: Case, size: Size, *, has_map: bool) -> dict[str, Any]:
    """One row.

    Args:
        case: what is measured.
        size: how large it is.
        has_map: whether features are also brought to a plane.
    """
    torch.set_num_threads(1)
    begun = time.process_time()
    find = _training if case.kind == TRAINING else _start
    found = find(case, size, has_map)
    spent = {"cpu_seconds": round(time.process_time() - begun, 1), "versions": versions()}
    return {"case": asdict(case), "size": asdict(size), "has_map": has_map, **found, **spent}


def workload(case: Case, size: Size) -> WorkloadSpec:
    """What is trained."""
    fields = {"name": "depth", "description": "a digit's network", "structure": "small_resnet"}
    more = {"width": size.width, "timesteps": size.timesteps, "pictures": "digits"}
    given = {"depth": case.depth, "connection": case.connection, "weights": "none.safetensors"}
    source = {"source": "tools/depth_experiment.py"}
    return WorkloadSpec.model_validate(fields | more | given | source | FAMILIES[case.way])


def pictures(split: str) -> tuple[Tensor, Tensor]:
    """Inputs and labels of a split of the digits."""
    part = open_packaged("digits", split)
    levels = part.levels[..., None].repeat(3, axis=-1)
    return torch.from_numpy(small_levels(levels, Pictures.DIGITS)), torch.from_numpy(part.labels)


def _training(case: Case, size: Size, has_map: bool) -> dict[str, Any]:
    how = Options(
        seed=case.seed,
        epochs=size.epochs,
        batch=size.batch,
        learning_rate=size.learning_rate,
        identity_start=case.identity_start,
        recipe="digits",
    )
    try:
        trained = train(workload(case, size), "digits", how)
    except DivergedError as error:
        return {"diverged": str(error)}
    last = trained.history[-1]
    reached = {
        part: {head: last[f"{part}_accuracy_{head}"] for head in ("spike", "accumulation", "sum")}
        for part in ("train", "test")
    }
    network = trained.network.eval()
    seen, labels = pictures("test")
    rates, features = _observed(network, seen)
    known, known_labels = pictures("train")
    learnt = _observed(network, known)[1]
    return {
        "accuracy": reached["test"],
        "training_accuracy": reached["train"],
        "rates": rates,
        "features": {
            stream: _separation((learnt[stream], known_labels), (values, labels), has_map=has_map)
            for stream, values in features.items()
        },
    }


@torch.no_grad()
def _observed(
    network: SpikingNetwork, inputs: Tensor
) -> tuple[dict[str, list[float]], dict[str, Tensor]]:
    """Rates of each block, and what each head reads of a picture, `(N, features)`."""
    with _blocks_watched(network) as watched:
        o, a = network.features(inputs, accumulate=network.family == "dsnn")
    features = {"spike": network.pooled(o).mean(dim=0)}
    if a is not None:
        features["accumulation"] = network.pooled(a).mean(dim=0)
    return watched.rates(), features


@dataclass
class _Watched:
    """The last neurons' spikes of each block, and what leaves it."""

    s: list[Tensor]
    o: list[Tensor]

    def rates(self) -> dict[str, list[float]]:
        """Means; that of SEW's integers may be above 1."""
        return {
            name: [_short(float(x.detach().mean())) for x in getattr(self, name)] for name in "so"
        }


@contextmanager
def _blocks_watched(network: SpikingNetwork, *, keep_gradients: bool = False) -> Iterator[_Watched]:
    watched = _Watched([], [])

    def spikes(_: object, __: object, s: Tensor) -> None:
        if keep_gradients:
            s.retain_grad()
        watched.s.append(s)

    def left(_: object, __: object, streams: tuple[Tensor, Tensor | None]) -> None:
        watched.o.append(streams[0])

    handles = []
    for block in network.blocks():
        handles.append(_last_neuron(block).register_forward_hook(spikes))
        handles.append(block.register_forward_hook(left))
    try:
        yield watched
    finally:
        for handle in handles:
            handle.remove()


def _last_neuron(block: ResidualBlock) -> torch.nn.Module:
    *_, (_, neuron) = block.chain()
    return neuron


def _separation(
    learnt: tuple[Tensor, Tensor], tested: tuple[Tensor, Tensor], *, has_map: bool
) -> dict[str, Any]:
    """How well the classes lie apart.

    The silhouette of the test features; the accuracy of a logistic regression that saw the
    training features; how many of the test features differ.
    """
    features, labels = (each.numpy() for each in tested)
    probe = make_pipeline(StandardScaler(), LogisticRegression(max_iter=3000))
    probe.fit(*(each.numpy() for each in learnt))
    found: dict[str, Any] = {
        "silhouette": _short(float(silhouette_score(features, labels))),
        "probe": _short(float(probe.score(features, labels))),
        "different": len(np.unique(features, axis=0)),
    }
    if has_map:
        plane = TSNE(random_state=0, init="pca").fit_transform(features)
        found["map"] = [[round(float(x), 2) for x in axis] for axis in plane.T]
        found["labels"] = labels.tolist()
    return found


def _start(case: Case, size: Size, _has_map: bool) -> dict[str, Any]:
    """Firing rates and gradients of a network that is not trained, on one batch."""
    inputs, labels = (each[: size.batch] for each in pictures("train"))
    found: dict[str, Any] = {"gradients": {}}
    for name, values in SLOPES.items():
        whole = _fresh(case, size, values, has_pathway=case.way == "dual")
        ways = {"with" if case.way == "dual" else "none": whole}
        if case.way == "dual":
            ways["without"] = _fresh(case, size, values, has_pathway=False)
            ways["without"].load_state_dict(whole.state_dict(), strict=False)
        found["gradients"][name] = {}
        for way, network in ways.items():
            watched = _norms(network, inputs, labels)
            found["gradients"][name][way] = watched["gradients"]
            if name == "usual":
                found["rates"] = watched["rates"]
    return found


def _fresh(
    case: Case, size: Size, values: tuple[float, float], *, has_pathway: bool
) -> SpikingNetwork:
    options = network_options(workload(case, size))
    if has_pathway:
        options |= {"family": "dsnn"}
    torch.manual_seed(case.seed)
    network = spiking_network(**options, identity_start=case.identity_start)
    for module in network.modules():
        if isinstance(module, Neuron):
            module.v_threshold, module.surrogate_slope = values
    return network.train()


def _norms(network: SpikingNetwork, inputs: Tensor, labels: Tensor) -> dict[str, Any]:
    """Norms of dL/ds of each block's spikes and of dL/dW of its branch's weights."""
    with _blocks_watched(network, keep_gradients=True) as watched:
        spike, accumulation = network.logits(inputs)
        loss = functional.cross_entropy(spike, labels)
        if accumulation is not None:
            loss = loss + functional.cross_entropy(accumulation, labels)
        loss.backward()
    weights = [
        [parameter.grad for name, parameter in block.named_parameters() if _is_branch(name)]
        for block in network.blocks()
    ]
    norms = {"s": [_norm([s.grad]) for s in watched.s], "weights": [_norm(w) for w in weights]}
    return {"rates": watched.rates(), "gradients": norms}


def _is_branch(name: str) -> bool:
    return name.startswith("conv") and name.endswith("0.weight")


def _norm(gradients: Sequence[Tensor | None]) -> float:
    return _short(sum(float(g.square().sum()) for g in gradients if g is not None) ** 0.5)


def _short(value: float) -> float:
    """With six digits: more would say nothing, and rows are kept as text."""
    return float(f"{value:.6g}")
