"""The judge of generated digits: what its measures are, on images whose answer is known."""

import functools

import numpy as np
import pytest
import torch
from collapse import chain, datasets, metrics, stream, worlds
from collapse.declarations import Arm, Study
from collapse.judge import Classifier, Judge, elbo, latent_std, train_classifier
from collapse.running import run_unit
from collapse.vae import VAE, Network, to_unit

SMALL = functools.partial(Network, hidden=64)
KEYS = ["class_entropy", "rarest_share", "confidence", "variance", "frechet", "precision", "recall", "elbo", "latent_std"]


@pytest.fixture(scope="module")
def digits():
    return datasets._embedded_digits()


@pytest.fixture(scope="module")
def classifier(digits):
    return train_classifier(digits.images, digits.labels, np.random.default_rng(0), steps=150)


@pytest.fixture(scope="module")
def vae(digits):
    return VAE(steps=20, batch=64, build=SMALL).fit(digits.images, np.random.default_rng(1))


def judge_of(classifier, digits, n_images):
    return Judge(classifier, digits.test_images, classifier.look(digits.test_images)[0], n_images)


class Replay:
    """A model whose samples are given images; everything else is a VAE's."""

    def __init__(self, images, vae):
        self.images, self.network = images, vae.network

    def sample(self, n, rng):
        return self.images[np.arange(n) % len(self.images)]


def test_the_classifier_learns(classifier, digits):
    features, p = classifier.look(digits.test_images)
    assert features.shape == (297, 64) and p.shape == (297, 10)
    assert p.sum(axis=1) == pytest.approx(np.ones(297), abs=1e-5)
    assert (p.argmax(axis=1) == digits.test_labels).mean() > 0.8


def test_training_is_repeatable_and_leaves_torch_alone(digits):
    torch.manual_seed(3)
    before = torch.get_rng_state()
    one, two = (train_classifier(digits.images, digits.labels, np.random.default_rng(5), steps=3) for _ in "ab")
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(one.head.weight, two.head.weight) and not one.head.weight.requires_grad


def test_looking_in_parts_changes_nothing(classifier, digits):
    many = np.tile(digits.images[:100], (90, 1))  # more than one part of 8,192
    features, _ = classifier.look(many)
    assert np.allclose(features[:100], classifier.look(digits.images[:100])[0], atol=1e-5)
    assert np.allclose(features[-100:], features[:100], atol=1e-5)


def test_real_images_score_as_real_ones(classifier, digits, vae, rng):
    real = judge_of(classifier, digits, 297).measure(Replay(digits.test_images, vae), vae, rng)
    assert list(real) == KEYS and all(isinstance(v, float) for v in real.values())
    assert real["frechet"] == pytest.approx(0, abs=1e-3) and real["precision"] == real["recall"] == 1
    assert 2.2 < real["class_entropy"] <= np.log(10) and 0.05 < real["rarest_share"] <= 0.1
    assert real["variance"] == pytest.approx(metrics.total_variance(digits.test_images))


def test_one_image_for_ever_is_a_collapse(classifier, digits, vae, rng):
    judge = judge_of(classifier, digits, 297)
    real = judge.measure(Replay(digits.test_images, vae), vae, rng)
    lost = judge.measure(Replay(digits.test_images[:1], vae), vae, rng)
    assert lost["class_entropy"] == lost["rarest_share"] == lost["variance"] == 0
    assert lost["frechet"] > real["frechet"] + 1 and lost["recall"] < 0.1 and lost["latent_std"] != real["latent_std"]
    assert lost["confidence"] == pytest.approx(classifier.look(digits.test_images[:1])[1].max(), abs=1e-6)


def test_whose_measures_they_are(classifier, digits, vae):
    """The model is judged by its images and its bound, its images' latents are those of generation 0."""
    first = VAE(steps=5, batch=64, build=SMALL).fit(digits.images, np.random.default_rng(4))
    images = vae.sample(50, np.random.default_rng(2))
    row = judge_of(classifier, digits, 50).measure(vae, first, np.random.default_rng(2))
    assert row["variance"] == metrics.total_variance(images)
    assert row["latent_std"] == pytest.approx(latent_std(first, images))
    assert row["elbo"] == pytest.approx(elbo(vae, digits.test_images, np.random.default_rng(3)), rel=0.01)
    assert latent_std(vae, images) != pytest.approx(row["latent_std"], rel=0.05)
    assert elbo(first, digits.test_images, np.random.default_rng(3)) != pytest.approx(row["elbo"], rel=0.05)


def test_measures_are_repeatable(classifier, digits, vae):
    judge = judge_of(classifier, digits, 50)
    one, two = (judge.measure(vae, vae, np.random.default_rng(2)) for _ in "ab")
    assert one == two


def test_the_elbo_does_not_depend_on_how_images_are_split(vae, digits):
    noise = np.random.default_rng(0).integers(0, 256, (48, 784), dtype=np.uint8)
    many = np.concatenate([np.tile(digits.test_images, (7, 1))[:2048], noise])
    a, b = (elbo(vae, part, np.random.default_rng(3)) for part in (many[:2048], noise))
    assert elbo(vae, many, np.random.default_rng(3)) == pytest.approx((2048 * a + 48 * b) / 2096, rel=0.01)
    assert b < 1.2 * a < 0  # so that every image must count the same


def test_latent_std_is_that_of_all_latents_together(vae, digits):
    with torch.no_grad():
        latents = vae.network.encode(to_unit(digits.test_images))[0].numpy()
    assert latent_std(vae, digits.test_images) == pytest.approx(latents.std(ddof=1), rel=1e-4)


def test_another_encoder_changes_what_is_seen_and_not_the_chain(classifier, digits, tmp_path, monkeypatch):
    monkeypatch.setattr(worlds, "_digits", lambda: (digits, judge_of(classifier, digits, 200)))
    short, long = (VAE(steps=steps, batch=64, build=SMALL) for steps in (5, 30))
    through = functools.partial(worlds.mnist_through, long)
    study = Study(arms={"own": Arm(short, stream, 3), "exchanged": Arm(short, stream, 3, world=through)},
                  world=worlds.mnist, measure=worlds.measure_images, n=len(digits.images), seeds=1)
    own, exchanged = (run_unit("judges", arm, 4, tmp_path, study)[0] for arm in study.arms)
    seen, seen_through = ([row.pop("latent_std") for row in rows] for rows in (own, exchanged))
    assert [row.pop("arm") for row in own + exchanged] == ["own"] * 3 + ["exchanged"] * 3
    assert own == exchanged  # image for image

    def generation_0(model):
        rng = np.random.default_rng(4)
        return next(chain(model, worlds.mnist(4).source, mix=stream, n=len(digits.images), rng=rng)).model, rng

    (first, rng), (encoder, _) = generation_0(short), generation_0(long)
    images = first.sample(200, rng)
    assert (seen[0], seen_through[0]) == (latent_std(first, images), latent_std(encoder, images))
    assert through(4).source.used == [0]


@pytest.mark.parametrize("call, name", [
    (lambda d, r: train_classifier(d.images / 255, d.labels, r), "images"),
    (lambda d, r: train_classifier(d.images, d.labels[:-1], r), "labels"),
    (lambda d, r: train_classifier(d.images, d.labels + np.uint8(1), r), "labels"),
    (lambda d, r: Classifier().look(d.images[:, :700]), "images"),
    (lambda d, r: elbo(VAE(), d.images[:0], r), "images"),
    (lambda d, r: elbo(VAE(), d.images, r), "model"), (lambda d, r: latent_std(VAE(), d.images), "encoder"),
])
def test_bad_input_is_refused_by_name(call, name, digits, rng):
    with pytest.raises(ValueError, match=f"^{name}:"):
        call(digits, rng)
