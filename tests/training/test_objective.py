import pytest
import torch
from torch.nn import functional

from codesign.networks.construction import spiking_network
from codesign.networks.network import SpikingNetwork
from codesign.networks.neurons import Neuron
from codesign.training.firing import FiringRates
from codesign.training.objective import TALLIED, Objective


def network(family: str = "dsnn") -> SpikingNetwork:
    torch.manual_seed(0)
    made = spiking_network(
        **{"structure": "small_resnet", "family": family, "depth": 3, "width": 4},
        **{"shape": (1, 8, 8), "classes": 10, "timesteps": 3},
    )
    return made.eval()  # no statistics of the batch, which two calls would change


PICTURES = torch.rand(6, 1, 8, 8, generator=torch.Generator().manual_seed(1)) * 4
LABELS = torch.arange(6)


def of(made: SpikingNetwork, penalty: float = 0.0) -> tuple[torch.Tensor, dict[str, float]]:
    with FiringRates(made, differentiable=penalty > 0) as firing:
        loss, tally = Objective(made, firing, penalty)(PICTURES, LABELS)
    return loss, dict(zip(TALLIED, tally.tolist(), strict=True))


def test_the_loss_of_two_streams_is_the_sum_of_both_cross_entropies():
    made = network()
    spike, accumulation = made.logits(PICTURES)
    one, two = (functional.cross_entropy(logits, LABELS) for logits in (spike, accumulation))
    loss, tally = of(made)
    assert loss.item() == (two + one).item()
    assert tally["loss_spike"] == pytest.approx(6 * one.item())
    assert tally["loss_accumulation"] == pytest.approx(6 * two.item())
    for name, logits in (("spike", spike), ("accumulation", accumulation)):
        assert tally[f"correct_{name}"] == (logits.argmax(1) == LABELS).sum()
    assert tally["correct_sum"] == ((spike + accumulation).argmax(1) == LABELS).sum()


def test_gradients_of_two_streams_are_the_sums_of_those_of_each():
    made = network()
    of(made)[0].backward()
    joint = [each.grad.clone() for each in made.parameters()]
    parts = [torch.zeros_like(each) for each in joint]
    for head in (0, 1):
        made.zero_grad()
        functional.cross_entropy(made.logits(PICTURES)[head], LABELS).backward()
        for part, each in zip(parts, made.parameters(), strict=True):
            part.add_(0 if each.grad is None else each.grad)
    for whole, part in zip(joint, parts, strict=True):
        torch.testing.assert_close(whole, part, rtol=1e-4, atol=1e-6)
    assert made.fc.weight.grad is not None


@pytest.mark.parametrize("family", ["fsnn", "sew", "spiking_resnet"])
def test_the_loss_of_one_stream_is_that_of_its_head(family: str):
    made = network(family)
    loss, tally = of(made)
    assert loss.item() == functional.cross_entropy(made(PICTURES), LABELS).item()
    assert tally["loss_accumulation"] == tally["correct_accumulation"] == tally["correct_sum"] == 0


def test_the_rate_is_spikes_per_neuron_and_timestep_over_all_layers():
    made = network()
    seen: list[torch.Tensor] = []
    for module in made.modules():
        if isinstance(module, Neuron):
            module.register_forward_hook(lambda _, __, spikes: seen.append(spikes.detach()))
    with FiringRates(made) as firing:
        _, tally = Objective(made, firing)(PICTURES, LABELS)
        counts = firing.counts()
    total, limit = sum(each.sum().item() for each in seen), sum(each.numel() for each in seen)
    assert 0 < total < limit
    assert tally.tolist()[TALLIED.index("rate")] / 6 == pytest.approx(total / limit)
    assert list(counts.values()) == [(int(each.sum()), each.numel()) for each in seen]
    assert counts["sn1"][1] == 3 * 6 * 4 * 8 * 8


def test_a_penalty_adds_so_many_times_the_rate_and_its_gradient_lowers_it():
    made = network("fsnn")
    plain, tally = of(made)
    loss, _ = of(made, penalty=3.0)
    assert loss.item() == pytest.approx(plain.item() + 3.0 * tally["rate"] / 6)
    made.zero_grad()
    with FiringRates(made, differentiable=True) as firing:
        made.logits(PICTURES)
        firing.rate().backward()
    assert made.conv1.weight.grad.abs().sum() > 0
    with torch.no_grad():
        for each in made.parameters():
            if each.grad is not None:
                each.sub_(0.3 * each.grad)
    assert of(made)[1]["rate"] < tally["rate"]


def test_no_hook_stays_behind():
    made = network()
    of(made)
    assert all(not module._forward_hooks for module in made.modules())
