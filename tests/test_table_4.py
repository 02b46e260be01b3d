"""Table 4 of arXiv 2301.11929: Spikformer with ADD and with IAND, from pixels to millijoules."""

import pytest
import torch

from codesign.evaluation import evaluate
from codesign.inputs import network_input
from codesign.networks.construction import build
from codesign.recording import capture
from codesign.specs.catalogue import load_architecture, load_workload_spec
from codesign.workload import LayerType


@pytest.mark.parametrize(
    ("name", "millijoule"), [("spikformer_add", 5.27), ("spikformer_iand", 0.82)]
)
def test_a_row_is_reproduced(name: str, millijoule: float) -> None:
    spec = load_workload_spec(name)
    inputs = torch.from_numpy(network_input(spec.structure, "astronaut", spec.timesteps))
    result = evaluate(capture(build(spec), inputs, name=name), load_architecture("paper"))
    assert result.summary["energy_pj"] / 1e9 == pytest.approx(millijoule, rel=0.01)
    neurons = result.layers[result.layers.type == LayerType.NEURON].groupby("layer")
    rates = neurons.spikes.sum() / neurons.neurons.sum()
    assert rates.between(0.01, 0.6).all()
