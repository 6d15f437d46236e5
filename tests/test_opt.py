"""The paper's model in the loop, with random weights in place of the published ones."""

import dataclasses
import sys

import numpy as np
import pytest
import torch
from collapse import chain, opt
from collapse.datasets import Finite, Text
from collapse.text import BPE
from simulation import generations

WORDS = " ".join(f"w{i % 37} is the w{i % 11} , <eos>" for i in range(400))
TEXT = Text("a test", WORDS, WORDS, WORDS)


@pytest.fixture(scope="module")
def pieces():
    return BPE.trained(WORDS, 300)


@pytest.fixture(scope="module")
def model(pieces):
    pytest.importorskip("transformers")
    return opt.load(TEXT, pieces, np.random.default_rng(0), pretrained=False)


def weights(network):
    return torch.cat([p.ravel() for p in network.parameters()])


@pytest.mark.slow
def test_its_loop_is_the_loop(model):
    real = model.blocks(WORDS)[:6]
    small = dataclasses.replace(model, epochs=1, batch=4, beams=2, rate=1e-3, valid=real)
    first, second = generations(chain(small, Finite(real), n=6, rng=np.random.default_rng(0)), 2)
    assert (first.data == real).all() and second.data.shape == (6, 64) and second.data.max() < 300
    assert (second.model.prompts == real).all()
    again = generations(chain(small, Finite(real), n=6, rng=np.random.default_rng(0)), 2)[1]
    assert (again.data == second.data).all()


@pytest.mark.slow
def test_fine_tuning_starts_from_the_base_and_keeps_the_best_epoch(model, rng):
    real = model.blocks(WORDS)[:8]
    before = weights(model.base).clone()
    tuned = dataclasses.replace(model, epochs=3, batch=4, rate=3e-3, valid=real).fit(real, rng)
    assert torch.equal(weights(model.base), before)
    assert tuned.nats(real).mean() < model.nats(real).mean() - 0.5
    for warm, near in ((True, tuned.network), (False, model.base)):
        still = dataclasses.replace(tuned, warm=warm, rate=1e-9, epochs=1).fit(real, rng)
        assert torch.allclose(weights(still.network), weights(near), atol=1e-4)
    spoilt = dataclasses.replace(model, epochs=4, batch=2, rate=0.5, valid=real).fit(real, rng)
    assert np.isfinite(spoilt.nats(real)).all()


@pytest.mark.slow
def test_the_likelihood_agrees_with_the_training_loss(model, rng):
    blocks = torch.as_tensor(model.blocks(WORDS)[:5])
    assert model.nats(blocks.numpy()).shape == (5, 63)
    assert model.nats(blocks.numpy()).mean() == pytest.approx(model.base(input_ids=blocks, labels=blocks).loss.item(), rel=1e-4)


@pytest.mark.slow
def test_without_weights_it_says_so(pieces, monkeypatch, capsys):
    pytest.importorskip("transformers")
    asked = []
    monkeypatch.setattr(opt, "reachable", asked.append)  # returns None: it does not answer
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr(opt, "NAME", "no-such-publisher/no-such-model")
    assert opt.load(TEXT, pieces, np.random.default_rng(0), pretrained=True) is not None
    said = capsys.readouterr().out
    assert asked == ["https://huggingface.co"] and "cannot be had" in said and "random weights" in said


def test_without_transformers_it_says_what_to_install(pieces, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "transformers", None)
    assert opt.load(TEXT, pieces, np.random.default_rng(0), pretrained=True) is None
    assert "pip install transformers" in capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.parametrize("data", [np.zeros((2, 10), dtype=int), np.zeros((0, 64), dtype=int), np.zeros((2, 64))])
def test_errors(model, data, rng):
    with pytest.raises(ValueError, match="data: whole numbers"):
        model.fit(data, rng)
    with pytest.raises(ValueError, match="network: fit"):
        model.sample(1, rng)
    with pytest.raises(ValueError, match="text: .* fewer than one block"):
        model.blocks("w1 is")


