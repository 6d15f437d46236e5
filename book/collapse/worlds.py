"""What the long runs start from and look at: a world and a measure for each study.

``world(seed)`` gives an object with the source of a chain, and whatever else the measure needs;
``measure(generation, first, world, rng)`` gives one row of a record.
"""

from __future__ import annotations

import dataclasses
import functools
from typing import Any

import numpy as np

from . import datasets, metrics
from .chain import Generation, chain, stream
from .discrete import Categorical
from .gaussian import Gaussian
from .judge import Judge
from .mixture import Mixture
from .text import BPE, measure
from .transformer import LanguageModel
from .vae import VAE

CHAINS = 64  # a unit of the mixture study
MANY = 2000  # and of the two cheap ones
LEVELS = (0, 0.05, 0.25, 0.5, 0.75, 0.95, 1)  # their rows hold these quantiles over the chains
PIECES, BLOCKS = 2048, 2000  # of the text: 128,000 tokens


@dataclasses.dataclass(frozen=True)
class World:
    """A source and nothing else."""

    source: Any


# ---- images (chapter 4) -------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Images:
    """Real digits as a source, a judge, and an encoder to measure latents with if it is not to be generation 0's."""

    source: datasets.Finite
    judge: Judge
    encoder: VAE | None = None


@functools.cache
def _digits() -> tuple[datasets.Digits, Judge]:
    digits = datasets.digits()
    return digits, Judge.trained(digits, np.random.default_rng(0))


def mnist(seed: int) -> Images:
    """Return the world of chapter 4: all training images, and the judge that every seed shares."""
    digits, judge = _digits()
    return Images(datasets.Finite(digits.images), judge)


def shuffled_mnist(seed: int) -> Images:
    """Return MNIST and its judge, the training images shuffled for each seed and given out piece by piece."""
    digits, judge = _digits()
    return Images(datasets.Finite(np.random.default_rng(seed).permutation(digits.images)), judge)


def mnist_through(model: VAE, seed: int) -> Images:
    """Return the world of chapter 4 with the encoder of another model's generation 0, streamed with the same seed."""
    source, rng = mnist(seed).source, np.random.default_rng(seed)
    other = next(chain(model, source, mix=stream, n=len(source.data), rng=rng))
    return dataclasses.replace(mnist(seed), encoder=other.model)  # with a source of which nothing is used yet


def measure_images(generation: Generation, first: VAE, world: Images, rng) -> dict:
    """Return the measures of chapter 4."""
    return world.judge.measure(generation.model, world.encoder or first, rng)


def about_images() -> dict:
    """Return where the digits came from."""
    return {"dtype": "float32", **_about(_digits()[0], datasets.MNIST_FILES["train-images-idx3-ubyte.gz"])}


# ---- mixtures (chapter 3) -----------------------------------------------------------------------------------


def two_blobs(seed: int) -> World:
    """Return the world of chapter 3: two round blobs six standard deviations apart."""
    return World(Mixture.of([0.5, 0.5], [[-3, 0], [3, 0]], [np.eye(2)] * 2, runs=(CHAINS,)))


def one_blob(seed: int) -> World:
    """Return the world of the published notebook: one round blob."""
    return World(Mixture.of([1.0], [[0, 0]], [np.eye(2)], runs=(CHAINS,)))


def measure_mixture(generation: Generation, first: Mixture, world: World, rng) -> dict:
    """Return quantiles over the chains of the measures of chapter 3, and two shares of chains."""
    model, truth, left = generation.model, world.source, (generation.data[..., 0] < 0).mean(axis=1)
    inside = (model.weights * np.trace(model.covariances, axis1=-2, axis2=-1)).sum(axis=-1)
    apart = metrics.separation(model.means, model.covariances)
    values = {"std": np.sqrt(np.trace(model.covariance, axis1=-2, axis2=-1) / 2), "inside": np.sqrt(inside / 2),
              "l2": metrics.mixture_l2(model.parts, truth.parts),
              "l2_smooth": metrics.mixture_l2(model.parts, truth.parts, smooth=1.0),
              "separation": apart, "left": left}
    return {**{k: np.quantile(v, LEVELS).tolist() for k, v in values.items()},
            "both_alive": float(np.mean((left > 0) & (left < 1))), "two_peaks": float(np.mean(apart > 2))}


# ---- Gaussians and categories (chapters 1 and 2) ------------------------------------------------------------


def normal(seed: int) -> World:
    """Return the world of chapter 2, which hands over moments instead of points."""
    return World(Gaussian.standard(MANY, statistics=True))


def normal_points(seed: int) -> World:
    """Return standard normals that hand over points, which can be kept and drawn again."""
    return World(Gaussian.standard(MANY))


def hundred_kinds(seed: int) -> World:
    """Return the world of chapter 1 at full size: a hundred kinds, all equally common."""
    return World(Categorical(np.full(100, 0.01)).repeated(MANY))


def average(values: np.ndarray) -> list[float]:
    """Return the mean over the chains and its standard error."""
    return [float(values.mean()), float(values.std(ddof=1) / np.sqrt(values.size))]


def measure_gaussian(generation: Generation, first: Gaussian, world: World, rng) -> dict:
    """Return quantiles over the chains, and means with their standard errors, of what chapter 2 looks at."""
    mean, variance = generation.model.mean, generation.model.variance
    std = np.sqrt(variance)
    distance = metrics.wasserstein2_1d(mean, variance)
    return {"std": np.quantile(std, LEVELS).tolist(), "w2": np.quantile(distance, LEVELS).tolist(),
            "std_mean": average(std), "variance_mean": average(variance), "w2_mean": average(distance),
            "log_variance_mean": average(np.log(variance)), "total_mean": average(variance + mean**2)}


def measure_categorical(generation: Generation, first: Categorical, world: World, rng) -> dict:
    """Return what chapter 1 looks at over many chains: diversity, kinds alive, chains with one kind left."""
    diversity, alive = metrics.heterozygosity(generation.model.p), (generation.model.p > 0).sum(axis=-1)
    return {"diversity": np.quantile(diversity, LEVELS).tolist(), "alive": np.quantile(alive, LEVELS).tolist(),
            "diversity_mean": average(diversity), "alive_mean": average(alive), "one_left": float(np.mean(alive == 1))}


def about_many() -> dict:
    """Return what the rows of the cheap studies hold."""
    return {"dtype": "float64", "chains": MANY, "quantiles": LEVELS}


# ---- words (chapter 5) --------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Words:
    """Blocks of real text as a source, blocks of its test part, and their pieces."""

    source: datasets.Finite
    test: np.ndarray
    pieces: BPE


@functools.cache
def _text() -> tuple[datasets.Text, BPE, np.ndarray, np.ndarray]:
    text = datasets.text()
    used = " ".join(text.train.split()[:85_000])
    pieces = BPE.trained(used, PIECES)
    return text, pieces, pieces.blocks(used)[:BLOCKS], pieces.blocks(text.test)[:600]


def wikitext(seed: int) -> Words:
    """Return the world of chapter 5: 2,000 blocks of training text, 600 of test text, 2,048 pieces."""
    _, pieces, train, test = _text()
    return Words(datasets.Finite(train), test, pieces)


def measure_text(generation: Generation, first: LanguageModel, world: Words, rng) -> dict:
    """Return the measures of chapter 5, of 400 blocks."""
    return measure(generation.model, first, generation.model.sample(400, rng), world.test, world.pieces)


def about_text() -> dict:
    """Return where the text came from."""
    return {"dtype": "float32", **_about(_text()[0], datasets.WIKITEXT_FILES["train.txt"])}


def _about(data: datasets.Digits | datasets.Text, checksum: str) -> dict:
    """Return the name of the data and, unless they are the embedded ones, the checksum that they were tested against."""
    return {"data": data.name} if data.embedded else {"data": data.name, "sha256": checksum}
