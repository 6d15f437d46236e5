"""The small GPT at a tiny size: decoding against first principles, training, prompts, and its place in the loop."""

import dataclasses
import functools
import json

import numpy as np
import pytest
import torch
from collapse import accumulate, chain, checkpoints, metrics, resample, transformer
from collapse.datasets import Finite
from collapse.text import BPE, measure
from collapse.transformer import (
    CONTEXT,
    Decoding,
    LanguageModel,
    Network,
    after_begin,
    best_beams,
    draw,
    penalised,
    write,
)
from simulation import generations

TINY = functools.partial(LanguageModel, steps=3, batch=4, width=16, layers=2, heads=2)


@pytest.fixture
def blocks(rng):
    return rng.integers(0, 30, (12, CONTEXT))


@pytest.fixture(autouse=True)
def global_state_stays():
    torch.manual_seed(7)
    before = torch.get_rng_state()
    yield
    assert torch.equal(torch.get_rng_state(), before)


def network(vocabulary=11, seed=0, scale=8.0, blocks=6.0):
    """A network with random weights that has opinions: shares far from even."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        made = Network(vocabulary, 16, 2, 2).eval().requires_grad_(False)
        made.token.weight *= scale
        for weights in (p for p in made.blocks.parameters() if p.ndim == 2):
            weights *= blocks  # or it repeats its last token
        return made


def weights(model):
    return torch.cat([p.ravel() for p in model.network.parameters()])


def written(net, prompts, length, how, seed=0):
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(seed)
        return write(net, torch.as_tensor(prompts), length, how)


# ---- the network -----------------------------------------------------------------------------------------------------


def test_no_token_sees_what_comes_after_it(rng):
    net, text = network(), torch.as_tensor(rng.integers(0, 11, (3, 20)))
    changed = text.clone()
    changed[:, 12:] = (changed[:, 12:] + 1) % 11
    before, after = net(text), net(changed)
    assert torch.allclose(before[:, :12], after[:, :12], atol=1e-5)
    assert not torch.allclose(before[:, 12], after[:, 12], atol=1e-2)


def test_a_cache_gives_the_same_logits(rng):
    net, text = network(), torch.as_tensor(rng.integers(0, 11, (3, 20)))
    memory = [[] for _ in net.blocks]
    steps = [net(part, memory) for part in text.split([7, 1, 1, 1, 10], dim=1)]
    assert torch.allclose(torch.cat(steps, dim=1), net(text)[:, [6, 7, 8, 9, 19]], atol=1e-4)


def test_the_likelihood_is_a_product_of_shares(rng):
    model = TINY(5, network=network(5))
    data = rng.integers(0, 5, (2, CONTEXT))
    nats = model.nats(data)
    with torch.no_grad():
        for i in (0, 1, 40, 63):
            logits = model.network(after_begin(model.network, torch.as_tensor(data[:, :i])))[:, -1]
            expected = -logits.log_softmax(dim=1).gather(1, torch.as_tensor(data[:, i : i + 1]))[:, 0]
            assert nats[:, i] == pytest.approx(expected.numpy(), abs=1e-4)


# ---- decoding --------------------------------------------------------------------------------------------------------


def written_plainly(net, prompts, length, how, seed=0):
    """What `write` does, but without a cache: the network reads the whole window at every step."""
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(seed)
        rows, text = len(prompts), torch.as_tensor(prompts).repeat_interleave(how.beams, dim=0)
        score = torch.full((rows, how.beams), -torch.inf)
        score[:, 0], start = 0, max(0, text.shape[1] - 32)
        for _ in range(length):
            if text.shape[1] - start >= 64:
                start = text.shape[1] - 32
            logits = penalised(net(after_begin(net, text[:, start:]))[:, -1], text, how.repetition_penalty)
            if how.beams == 1:
                token = draw(logits, how)
            else:
                score, parent, token = best_beams(score, logits)
                text = text[parent]
            text = torch.cat([text, token[:, None]], dim=1)
        return text.unflatten(0, (rows, how.beams))[:, 0, prompts.shape[1] :]


@pytest.mark.parametrize("how", [
    Decoding(), Decoding(temperature=0.7), Decoding(top_k=3), Decoding(beams=4),
    Decoding(beams=3, repetition_penalty=2.0), Decoding(top_k=5, repetition_penalty=1.5),
], ids=str)
@pytest.mark.parametrize("tokens", [5, 32, 40])
def test_cached_decoding_is_uncached_decoding_token_for_token(how, tokens, rng):
    prompts = rng.integers(0, 11, (5, tokens))
    cached = written(network(), prompts, 70, how)  # 70 tokens: the window of 64 moves twice
    assert torch.equal(cached, written_plainly(network(), prompts, 70, how))
    assert cached.shape == (5, 70) and len(cached.unique(dim=0)) > 1


def best_tail(net, prompt, length, vocabulary, penalty):
    """The likeliest of all texts that can follow a prompt."""
    tails = torch.cartesian_prod(*[torch.arange(vocabulary)] * length)
    text, score = torch.as_tensor(prompt).repeat(len(tails), 1), 0.0
    for token in tails.split(1, dim=1):
        logits = penalised(net(after_begin(net, text))[:, -1], text, penalty)
        score = score + logits.log_softmax(dim=1).gather(1, token)
        text = torch.cat([text, token], dim=1)
    return tails[score.argmax()].tolist()


@pytest.mark.parametrize("penalty", [1.0, 2.0])
def test_wide_beam_search_is_exhaustive_search(penalty, rng):
    vocabulary, length, differ = 4, 4, 0
    how = Decoding(beams=vocabulary ** (length - 1), repetition_penalty=penalty)
    greedy = Decoding(top_k=1, repetition_penalty=penalty)
    for seed in range(3):
        net, prompts = network(vocabulary, seed, scale=10.0), rng.integers(0, vocabulary, (6, 5))
        found = written(net, prompts, length, how)
        assert found.tolist() == [best_tail(net, p, length, vocabulary, penalty) for p in prompts]
        differ += (written(net, prompts, length, greedy) != found).any(dim=1).sum()
    assert differ > 0  # greedy decoding is something else


def test_beams_are_sorted_and_come_from_where_they_say():
    score = torch.tensor([[0.0, -0.5], [0.0, -0.5]])
    logits = torch.log(torch.tensor([[0.6, 0.3, 0.1], [0.8, 0.1, 0.1]])).repeat(2, 1)
    best, parent, token = best_beams(score, logits)
    assert parent.tolist() == [0, 1, 2, 3] and token.tolist() == [0, 0, 0, 0]
    for row in best.tolist():
        assert row == pytest.approx([np.log(0.6), -0.5 + np.log(0.8)])


def test_beams_of_one_parent_and_another_token():
    score = torch.tensor([[0.0, -5.0], [-5.0, 0.0]])
    logits = torch.log(torch.tensor([[0.3, 0.6, 0.1], [0.8, 0.1, 0.1], [0.8, 0.1, 0.1], [0.1, 0.3, 0.6]]))
    _, parent, token = best_beams(score, logits)
    assert parent.tolist() == [0, 0, 3, 3] and token.tolist() == [1, 0, 2, 1]


def test_draws_have_the_shares_they_should():
    logits = torch.log(torch.tensor([0.5, 0.25, 0.15, 0.1])).repeat(40_000, 1)
    for how, shares in [
        (Decoding(), [0.5, 0.25, 0.15, 0.1]),
        (Decoding(temperature=0.5), np.array([0.25, 0.0625, 0.0225, 0.01]) / 0.345),
        (Decoding(top_k=2), [2 / 3, 1 / 3, 0, 0]),
        (Decoding(top_k=1), [1, 0, 0, 0]),
        (Decoding(top_k=9), [0.5, 0.25, 0.15, 0.1]),
    ]:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            found = torch.bincount(draw(logits, how), minlength=4) / 40_000
        assert np.abs(found.numpy() - shares).max() < 4 * np.sqrt(0.25 / 40_000)


def test_the_penalty_makes_what_was_said_less_likely():
    logits = torch.tensor([[2.0, -1.0, 0.5, -0.5]])
    out = penalised(logits, torch.tensor([[0, 1, 1]]), 2.0)
    assert out.tolist() == [[1.0, -2.0, 0.5, -0.5]]  # once, however often it was said
    assert logits.tolist() == [[2.0, -1.0, 0.5, -0.5]]


@pytest.mark.parametrize("wrong, said", [
    (dict(temperature=0), "temperature"), (dict(beams=0), "beams"), (dict(top_k=0), "top_k"),
    (dict(beams=2, top_k=3), "beams"), (dict(beams=2, temperature=0.5), "beams"), (dict(repetition_penalty=0), "penalty"),
])
def test_impossible_decoding_is_an_error(wrong, said):
    with pytest.raises(ValueError, match=said):
        Decoding(**wrong)


# ---- training --------------------------------------------------------------------------------------------------------


@pytest.fixture
def steps(monkeypatch):
    """Each step that AdamW takes: its learning rate, weight decay and the norm of the gradient."""

    class Recorder(torch.optim.AdamW):
        def step(self):
            group = self.param_groups[0]
            norm = torch.cat([p.grad.ravel() for p in group["params"]]).norm().item()
            taken.append((group["lr"], group["weight_decay"], norm))
            super().step()

    taken = []
    monkeypatch.setattr(torch.optim, "AdamW", Recorder)
    return taken


def test_the_rate_rises_then_falls_and_is_a_quarter_when_warm(steps, rng, blocks):
    shape = np.array([1 / 2, 1, *np.arange(18, 0, -1) / 18])  # 20 steps, and the first two are a tenth of them
    fitted = TINY(30, steps=20, warm=20, rate=1e-3).fit(blocks, rng)
    fitted.fit(blocks, rng)
    rates, decays, _ = np.transpose(steps)
    assert rates == pytest.approx(1e-3 * np.append(shape, shape / 4))
    assert (decays == 0.1).all()


def test_gradients_are_clipped(steps, rng, blocks, monkeypatch):
    loss = transformer.next_token_loss
    monkeypatch.setattr(transformer, "next_token_loss", lambda *given: 100 * loss(*given))
    TINY(30).fit(blocks, rng)
    assert [norm for *_, norm in steps] == pytest.approx([1, 1, 1], rel=1e-3)


def test_every_block_is_read_once_a_pass_in_another_order(rng, blocks, monkeypatch):
    loss, read = transformer.next_token_loss, []
    monkeypatch.setattr(transformer, "next_token_loss", lambda network, x: read.extend(x.tolist()) or loss(network, x))
    TINY(30, steps=6).fit(blocks, rng)  # 4 of 12 blocks at a step: two passes
    first, second, given = read[:12], read[12:], blocks.tolist()
    assert sorted(first) == sorted(second) == sorted(given)
    assert first != second and given not in (first, second)


# ---- the model in the loop ----------------------------------------------------------------------------------------------


def test_it_learns_what_can_be_learnt(rng):
    data = (np.arange(CONTEXT) + rng.integers(0, 8, (64, 1))) % 8  # after k comes k + 1
    model = LanguageModel(8, steps=120, batch=16, width=32, layers=1, heads=2, rate=1e-2).fit(data, rng)
    nats = model.nats(data)
    assert nats[:, 0].mean() == pytest.approx(np.log(8), abs=0.3) and nats[:, 1:].mean() < 0.1
    made = model.sample(20, rng)
    assert np.mean(made[:, 1:] == (made[:, :-1] + 1) % 8) > 0.95


def test_it_continues_its_prompts(rng, blocks):
    """A sample goes on where a block of the prompts ends, and holds new tokens only."""
    data = (np.arange(CONTEXT) + np.arange(8)[:, None]) % 8
    model = LanguageModel(8, steps=150, batch=8, width=32, layers=1, heads=2, rate=1e-2, decoding=Decoding(top_k=1))
    model = model.fit(data, rng)
    assert sorted(model.sample(8, rng)[:, 0]) == list(range(8))  # each block once, and the token after its last
    assert len(model.sample(20, rng)) == 20  # more than there are prompts


def test_few_samples_continue_any_of_the_prompts(rng, blocks, monkeypatch):
    monkeypatch.setattr(LanguageModel, "continued", lambda self, prompts, length, rng: prompts)
    ends = blocks[:, 32:].tolist()
    drawn = [[ends.index(row.tolist()) for row in LanguageModel(30, prompts=blocks).sample(3, rng)] for _ in range(60)]
    assert all(len(set(rows)) == 3 for rows in drawn) and set(sum(drawn, [])) == set(range(12))


@pytest.mark.parametrize("own", [False, True])
def test_whose_prompts(own, rng, blocks):
    model = TINY(30, own_prompts=own)
    first, second = generations(chain(model, Finite(blocks), n=12, rng=rng), 2)
    assert (first.model.prompts == blocks).all()
    assert (second.model.prompts == (second.data if own else blocks)).all()
    given = TINY(30, prompts=blocks[:2], own_prompts=own).fit(blocks, rng)
    assert len(given.prompts) == (12 if own else 2)


def test_warm_starts_from_the_last_weights(rng, blocks):
    for warm in (None, 2):
        model = TINY(30, warm=warm, rate=1e-6).fit(blocks, rng)
        distance = (weights(model) - weights(model.fit(blocks, rng))).norm() / weights(model).norm()
        assert (distance < 1e-2) == (warm is not None)


def test_the_same_seed_gives_the_same_generations(blocks):
    def last(seed):
        loop = chain(TINY(30), Finite(blocks), n=12, rng=np.random.default_rng(seed))
        return generations(loop, 3)[-1]

    one, two, other = last(1), last(1), last(2)
    assert (one.data == two.data).all() and torch.equal(weights(one.model), weights(two.model))
    assert (one.data != other.data).any()


@pytest.mark.parametrize("mix, sizes", [(accumulate, [12, 24, 36]), (resample(0.25), [12, 12, 12])])
def test_mixes(mix, sizes, rng, blocks):
    loop = generations(chain(TINY(30), Finite(blocks), mix=mix, n=12, rng=rng), 3)
    assert [len(g.data) for g in loop] == sizes
    real = {tuple(row) for row in blocks}
    assert sum(tuple(row) in real for row in loop[-1].data) == (12 if mix is accumulate else 3)


def test_fitting_leaves_the_model_as_it_was(rng, blocks):
    model = TINY(30)
    fitted = model.fit(blocks, rng)
    assert model.network is None and model.prompts is None and not any(p.requires_grad for p in fitted.network.parameters())
    before = weights(fitted).clone()
    dataclasses.replace(fitted, warm=1).fit(blocks, rng)
    assert torch.equal(weights(fitted), before)


def test_bfloat16_is_close():
    data = (np.arange(CONTEXT) + np.arange(8)[:, None]) % 8
    one, two = (TINY(8, steps=60, dtype=d).fit(data, np.random.default_rng(0)) for d in ("float32", "bfloat16"))
    assert not torch.equal(weights(one), weights(two))
    assert two.nats(data).mean() == pytest.approx(one.nats(data).mean(), rel=0.05)


@pytest.mark.parametrize("data, said", [
    (np.zeros((0, 64), dtype=int), "data: whole numbers"),
    (np.zeros((3, 63), dtype=int), "data: whole numbers"),
    (np.zeros((3, 64)), "data: whole numbers"),
    (np.full((3, 64), 30), "data: tokens are 0 to 29, found 30"),
    (np.full((3, 64), -1), "data: tokens are 0 to 29, found -1"),
])
def test_wrong_blocks_are_an_error(data, said, rng):
    with pytest.raises(ValueError, match=said):
        TINY(30).fit(data, rng)


def test_training_that_ends_in_no_numbers_is_an_error(rng, blocks):
    with pytest.raises(ValueError, match="^rate: training ended"):
        TINY(30, rate=1e30).fit(blocks, rng)


def test_it_must_be_fitted_first(rng, blocks):
    with pytest.raises(ValueError, match="prompts: fit"):
        TINY(30).sample(1, rng)
    with pytest.raises(ValueError, match="network: fit"):
        TINY(30, prompts=blocks).sample(1, rng)


def test_it_survives_being_written_down(rng, blocks):
    """A checkpoint of a study gives the same model back, its decoding and prompts included."""
    model = TINY(30, decoding=Decoding(top_k=3), warm=2)
    fitted = model.fit(blocks, rng)
    with torch.random.fork_rng(devices=[]):
        again = checkpoints.unpack(checkpoints.pack(fitted), model)
    assert again.decoding == fitted.decoding and again.warm == 2 and (again.prompts == blocks).all()
    assert torch.equal(weights(again), weights(fitted))
    one, two = (m.sample(3, np.random.default_rng(0)) for m in (fitted, again))
    assert (one == two).all()


@pytest.fixture
def words(rng):
    return " ".join(rng.choice(["red", "blue", "the", "a", ",", "<eos>"], 3000))


@pytest.fixture
def pieces(words):
    return BPE.trained(words, 266)


def test_measures_of_text(rng, words, pieces):
    real = pieces.blocks(words)
    model = LanguageModel(pieces.size, steps=30, batch=8, width=16, layers=1, heads=2).fit(real, rng)
    row = measure(model, model, real, real, pieces)
    assert json.loads(json.dumps(row)) == row  # as it goes into a checkpoint
    assert row["real"] == row["own"] == row["first"] and row["invented"] < 0.02
    assert row["types"] == len(set(words.split()))
    assert row["distinct_2"] == metrics.distinct_n(real, 2) and row["longest_repeat"] == metrics.longest_repeat(real)


def test_measures_of_text_by_hand(rng, words, pieces):
    """Four blocks whose words are counted by hand, a model, and another as generation 0."""
    real, (a,) = pieces.blocks(words), pieces.encode("a")
    starts = [pieces.encode(text) for text in ("red redblue bluered", "blue blue", "the the the", "a")]
    made = np.array([np.pad(ids, (0, CONTEXT - len(ids)), constant_values=a) for ids in starts])
    count = 9 + sum(CONTEXT - len(ids) for ids in starts)
    first, model = (LanguageModel(pieces.size, steps=s, batch=8, width=16, layers=1, heads=2).fit(real, rng)
                    for s in (5, 60))
    row = measure(model, first, made, real, pieces)
    assert (row["types"], row["once"], row["invented"]) == (4, 1, pytest.approx(2 / count))
    assert row["own"] == pytest.approx(np.exp(model.nats(made).sum() / count))
    assert row["first"] == pytest.approx(np.exp(first.nats(made).sum() / count))
    assert row["real"] == metrics.perplexity(model.nats(real), pieces.words(real))
    quantiles = np.quantile(first.nats(made).mean(axis=1), (0.05, 0.25, 0.5, 0.75, 0.95))
    assert row["scores"] == pytest.approx(np.exp(quantiles))
    for made_by, reads in ((first, made), (first, real), (model, made)):  # the other answers differ
        assert metrics.perplexity(made_by.nats(reads), pieces.words(reads)) != pytest.approx(row["real"], rel=0.05)
