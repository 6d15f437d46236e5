"""The autoencoder at a tiny setting: shapes, randomness, warm starts, streams, and the floor of its loss."""

import functools

import numpy as np
import pytest
import torch
from collapse import accumulate, chain, replace, stream, theory
from collapse.seeding import torch_seeded
from collapse.vae import LATENT, VAE, BernoulliNats, Convolutional, Network, batches_of, negative_elbo, to_unit
from simulation import generations
from torch.nn import functional as F

SMALL = functools.partial(Network, hidden=8)
TINY = VAE(steps=4, batch=16, build=SMALL)


@pytest.fixture
def images(rng):
    return rng.integers(0, 256, (48, 784), dtype=np.uint8)


@pytest.fixture(autouse=True)
def global_state_stays():
    torch.manual_seed(7)
    before = torch.get_rng_state()
    yield
    assert torch.equal(torch.get_rng_state(), before)


def weights(model):
    return torch.cat([p.ravel() for p in model.network.parameters()])


def test_the_fast_nats_are_those_of_torch():
    """Values and gradients, for logits that are certain too; and the gradient against finite differences."""
    spread = torch.cat([torch.linspace(-120, 120, 2001), torch.zeros(3)])
    x = torch.rand(len(spread), generator=torch.Generator().manual_seed(1))
    found = []
    for nats in (BernoulliNats.apply, functools.partial(F.binary_cross_entropy_with_logits, reduction="sum")):
        logits = spread.clone().requires_grad_()
        (3 * nats(logits, x)).backward()
        found.append((nats(logits, x).detach(), logits.grad))
    (ours, slope), (theirs, their_slope) = found
    assert torch.isclose(ours, theirs, rtol=1e-6) and torch.allclose(slope, their_slope, atol=1e-6)
    exact = torch.randn(7, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(2)).requires_grad_()
    assert torch.autograd.gradcheck(BernoulliNats.apply, (exact, torch.full_like(exact, 0.3).detach()))


@pytest.mark.parametrize("output", ["means", "draws"])
def test_images_in_images_out(images, rng, output):
    model = VAE(output=output, steps=3, batch=16, build=SMALL).fit(images, rng)
    made = model.sample(9000, rng)  # more than one part of 8,192
    assert made.shape == (9000, 784) and made.dtype == np.uint8 and made.flags.writeable
    if output == "draws":
        assert np.isin(made, (0, 255)).all() and 0 < made.mean() < 255
    else:
        assert len(np.unique(made[:20])) > 20


def test_latents_are_standard_normal(rng):
    class Echo(Network):
        def decode(self, z):
            return z[:, :1].repeat(1, 784)

    with torch_seeded(rng):
        n, model = 20_000, VAE(network=Echo(4))
    p = np.clip(model.sample(n, rng)[:, 0] / 255, 1e-3, 1 - 1e-3)
    z = np.log(p / (1 - p))
    assert abs(z.std() - 1) < 4 / np.sqrt(2 * n) and abs(z.mean()) < 4 / np.sqrt(n)


def test_draws_have_the_means_as_their_mean(images, rng):
    model = TINY.fit(images, rng)
    z = torch.zeros(4000, LATENT)
    means = model.decode(z[:1])[0] / 255
    torch_state = torch.get_rng_state()
    draws = VAE(output="draws", network=model.network).decode(z) / 255
    torch.set_rng_state(torch_state)
    error = np.sqrt(means * (1 - means) / 4000) + 0.5 / 255
    assert (abs(draws.mean(axis=0) - means) < 5 * error).all()


def test_the_same_rng_gives_the_same_model_and_another_another(images):
    one, two, other = (TINY.fit(images, np.random.default_rng(s)) for s in (1, 1, 2))
    assert torch.equal(weights(one), weights(two)) and not torch.equal(weights(one), weights(other))
    samples = [one.sample(5, np.random.default_rng(s)) for s in (3, 3, 4)]
    assert (samples[0] == samples[1]).all() and (samples[0] != samples[2]).any()


def test_the_global_seed_of_torch_makes_no_difference(images):
    torch_state = torch.get_rng_state()
    one = TINY.fit(images, np.random.default_rng(1))
    torch.manual_seed(12345)
    two = TINY.fit(images, np.random.default_rng(1))
    torch.set_rng_state(torch_state)
    assert torch.equal(weights(one), weights(two))


def test_fit_leaves_the_old_model_alone(images, rng):
    for warm in (False, True):
        old = VAE(steps=4, batch=16, warm=warm, build=SMALL).fit(images, rng)
        before = weights(old).clone()
        new = old.fit(images, rng)
        assert new is not old and torch.equal(weights(old), before) and not torch.equal(weights(new), before)
        assert not any(p.requires_grad for p in new.network.parameters()) and not new.network.training


def test_warm_starts_from_the_last_weights_and_scratch_does_not(images, rng):
    start = VAE(steps=200, batch=48, build=SMALL).fit(images, rng)

    def distance(warm):
        next_ = VAE(steps=1, batch=16, warm=warm, build=SMALL, network=start.network).fit(images, rng)
        return (weights(next_) - weights(start)).norm()

    assert distance(True) < 0.1 * distance(False)


def test_the_rate_is_that_of_the_training(images, rng):
    start = VAE(steps=4, batch=16, warm=True, build=SMALL).fit(images, rng)
    slow, fast = (VAE(steps=4, batch=16, warm=True, rate=rate, network=start.network).fit(images, rng)
                  for rate in (1e-9, 1e-2))
    assert torch.allclose(weights(slow), weights(start), rtol=0, atol=1e-6)
    assert (weights(fast) - weights(start)).abs().max() > 1e-3


def test_training_lowers_the_loss(images, rng):
    x = to_unit(images)
    few, many = (VAE(steps=s, batch=48, build=SMALL).fit(images, rng).network for s in (1, 150))
    torch_state = torch.get_rng_state()
    assert negative_elbo(many, x) < negative_elbo(few, x) - 10
    torch.set_rng_state(torch_state)


@pytest.mark.parametrize("mix, size", [(replace, 48), (accumulate, 96), (stream, None)])
def test_the_loop_takes_it(images, rng, mix, size):
    class Source:
        def sample(self, n, rng):
            return images[:n]

    first, second = generations(chain(TINY, Source(), mix=mix, n=48, rng=rng), 2)
    assert second.data is first.model if mix is stream else second.data.shape == (size, 784)
    assert torch.isfinite(weights(second.model)).all()


def test_a_stream_gives_fresh_samples_for_every_batch(images, rng):
    batches = batches_of(TINY.fit(images, rng), 5, rng)
    one, two = next(batches), next(batches)
    assert one.shape == two.shape == (5, 784) and not torch.equal(one, two)
    assert 0 <= one.min() and one.max() <= 1


def test_batches_pass_over_every_image_once(images, rng):
    torch_state = torch.get_rng_state()
    batches = batches_of(images, 16, rng)
    seen = torch.cat([next(batches) for _ in range(3)])
    torch.set_rng_state(torch_state)
    assert sorted(map(tuple, seen.tolist())) == sorted(map(tuple, to_unit(images).tolist()))
    assert next(batches_of(images[:3], 16, rng)).shape == (3, 784)  # fewer images than a batch
    torch.set_rng_state(torch_state)


def test_mixed_precision_trains_as_well(images):
    """The same batches and noise: the losses agree to the precision of bfloat16, three digits."""
    x, losses, found = to_unit(images), {}, []
    for dtype in ("float32", "bfloat16"):
        model = VAE(steps=150, batch=48, build=SMALL, dtype=dtype).fit(images, np.random.default_rng(1))
        assert {p.dtype for p in model.network.parameters()} == {torch.float32}
        with torch_seeded(np.random.default_rng(2)):
            losses[dtype] = negative_elbo(model.network, x).item()
        found.append(weights(model))
    assert not torch.equal(*found)
    assert losses["bfloat16"] == pytest.approx(losses["float32"], rel=0.01)


def test_the_network_of_the_paper(images, rng):
    """Its number of parameters is stored in the released notebook; it enters the loop as any other does."""
    stripes = np.repeat(images[:, :28] // 128 * 255, 28, axis=1).astype(np.uint8)
    x, model = to_unit(stripes), VAE(steps=30, batch=16, build=Convolutional)
    with torch_seeded(rng):
        network = model.build()
        assert sum(p.numel() for p in network.parameters()) == 647_081
        mean, log_variance = network.encode(x)
        assert mean.shape == log_variance.shape == (48, LATENT) and network.decode(mean).shape == x.shape
        assert negative_elbo(model.fit(stripes, rng).network, x) < 0.8 * negative_elbo(network, x)


def test_to_unit_copies():
    image = np.array([[0, 51, 255]], np.uint8)
    assert to_unit(image).tolist() == [[0, pytest.approx(0.2), 1]] and image.tolist() == [[0, 51, 255]]


# ---- L2: what no decoder can beat -------------------------------------------------------------------------------------


def test_l2_no_reconstruction_beats_the_entropy_of_its_target(images, rng):
    x = to_unit(images).double()
    floor = theory.pixel_entropy(x.numpy()).sum(axis=1)
    perfect = F.binary_cross_entropy_with_logits(torch.logit(x, eps=1e-12), x, reduction="none").sum(1).numpy()
    assert perfect == pytest.approx(floor, rel=1e-6)
    for scale in (0.1, 1, 10):
        logits = torch.as_tensor(scale * rng.standard_normal(x.shape))
        assert (F.binary_cross_entropy_with_logits(logits, x, reduction="none").sum(1).numpy() > floor).all()
    network = TINY.fit(images, rng).network
    torch_state = torch.get_rng_state()
    assert negative_elbo(network, x.float()).item() > floor.mean()
    torch.set_rng_state(torch_state)


def test_the_elbo_is_the_textbook_one(images, rng):
    x, network = to_unit(images), TINY.fit(images, rng).network
    torch_state = torch.get_rng_state()
    mean, log_variance = network.encode(x)
    z = mean + (log_variance / 2).exp() * torch.randn_like(mean)
    likelihood = torch.distributions.Bernoulli(logits=network.decode(z), validate_args=False).log_prob(x).sum(1)
    posterior = torch.distributions.Normal(mean, (log_variance / 2).exp())
    divergence = torch.distributions.kl_divergence(posterior, torch.distributions.Normal(0.0, 1.0)).sum(1)
    torch.set_rng_state(torch_state)
    assert negative_elbo(network, x).item() == pytest.approx((divergence - likelihood).mean().item(), rel=1e-5)
    torch.set_rng_state(torch_state)


# ---- what is refused --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("call, name", [
    (lambda r: VAE(output="mean"), "output"), (lambda r: VAE(steps=0), "steps"), (lambda r: VAE(steps=2.5), "steps"),
    (lambda r: VAE(batch=True), "batch"), (lambda r: VAE().sample(3, r), "network"),
    (lambda r: TINY.fit(np.zeros((3, 784)), r), "data"), (lambda r: TINY.fit(np.zeros((3, 28, 28), np.uint8), r), "data"),
    (lambda r: TINY.fit(np.zeros((0, 784), np.uint8), r), "data"), (lambda r: TINY.fit([[1] * 784], r), "data"),
    (lambda r: TINY.fit(TINY, r), "network"),
])
def test_bad_input_is_refused_by_name(call, name, rng):
    with pytest.raises(ValueError, match=f"^{name}:"):
        call(rng)


@pytest.mark.parametrize("n", [0, -1, 1.5, None])
def test_n_is_a_positive_whole_number(images, rng, n):
    with pytest.raises(ValueError, match="^n:"):
        TINY.fit(images, rng).sample(n, rng)


@pytest.mark.parametrize("rng", [None, 3, np.random.RandomState(0)])
def test_the_rng_is_a_generator(rng):
    with pytest.raises(TypeError, match="^rng:"):
        TINY.fit(np.zeros((3, 784), np.uint8), rng)


def test_weights_that_blow_up_are_not_handed_on(images, rng):
    class Broken(Network):
        def decode(self, z):
            return super().decode(z) * float("inf")

    with pytest.raises(ValueError, match="^data: training"):
        VAE(steps=2, build=functools.partial(Broken, hidden=8)).fit(images, rng)
