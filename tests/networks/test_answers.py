"""Answers in exact arithmetic, whatever T is."""

from fractions import Fraction

import pytest
import torch

from codesign.networks.answers import answers, logit_numerators
from codesign.networks.shipped_form import to_shipped_form
from tests.networks.trained_networks import drawn_network, drawn_pictures


@pytest.mark.parametrize("timesteps", range(1, 9))
@pytest.mark.parametrize("shared", [True, False])
def test_numerators_are_those_of_the_logits_in_fractions(timesteps: int, shared: bool) -> None:
    network = drawn_network("dsnn", timesteps=timesteps, shared_head=shared)
    to_shipped_form(network)
    pictures = drawn_pictures(2)
    with torch.inference_mode():
        streams = network.features(pictures, accumulate=True)
        numerators = logit_numerators(network, pictures)
        logits = network.logits(pictures)
    heads = (network.fc, network.fc if network.fc_acc is None else network.fc_acc)
    for stream, head, found, real in zip(streams, heads, numerators, logits, strict=True):
        assert stream is not None
        assert found is not None
        assert real is not None
        places = timesteps * stream.shape[3] * stream.shape[4]
        for picture in range(2):
            means = [
                sum(map(Fraction, stream[:, picture, channel].flatten().tolist())) / places
                for channel in range(stream.shape[2])
            ]
            for label, row in enumerate(head.weight.tolist()):
                exact = sum(Fraction(w) * mean for w, mean in zip(row, means, strict=True))
                exact += Fraction(head.bias[label].item())
                assert Fraction(float(found[picture, label])) == exact * places
                assert float(real[picture, label]) == pytest.approx(float(exact), abs=1e-5)


def test_each_readout_answers_with_its_own_logits_and_ties_with_the_first() -> None:
    network = drawn_network("dsnn", timesteps=3)
    to_shipped_form(network)
    pictures = drawn_pictures(6)
    with torch.inference_mode():
        spike, accumulation = logit_numerators(network, pictures)
        found = answers(network, pictures)
        assert accumulation is not None
        assert torch.equal(found["spike"], spike.argmax(1))
        assert torch.equal(found["accumulation"], accumulation.argmax(1))
        assert torch.equal(found["sum"], (spike + accumulation).argmax(1))
        network.fc.weight.data.zero_()
        network.fc.bias.data.copy_(torch.tensor([0.0, 1, 0, 1, 0, 0, 1, 0, 0, 0]))
        assert answers(network, pictures)["spike"].tolist() == [1] * 6
    single = drawn_network("sew")
    to_shipped_form(single)
    with torch.inference_mode():
        assert list(answers(single, pictures)) == ["spike"]
