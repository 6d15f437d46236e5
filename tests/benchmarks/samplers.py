"""Gaussians, categories, mixtures and bigrams against loops that draw every sample."""

from __future__ import annotations

import itertools
import random
import warnings
from collections import Counter, defaultdict
from functools import cache, partial

import numpy as np
from collapse import accumulate, chain, datasets, metrics, replace
from collapse.datasets import Finite
from collapse.discrete import Bigram, Categorical
from collapse.gaussian import Gaussian, replacement_paths
from collapse.mixture import Mixture
from simulation import zipf
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture

from .timing import Work, assert_alike


def rng():
    """Return a generator with a fixed seed."""
    return np.random.default_rng(2024)


# ---- one Gaussian ---------------------------------------------------------------------------------------------------


def gaussian_ours(chains: int, generations: int, n: int, mix=replace) -> list:
    """Return mean and variance, (chains,) each, of every generation."""
    model = Gaussian.standard(chains, statistics=True)
    loop = chain(model, model, mix=mix, n=n, rng=rng())
    return [(g.model.mean, g.model.variance) for g in itertools.islice(loop, generations)]


def gaussian_closed(chains: int, generations: int, n: int) -> list:
    """Return the same from the sampler that draws whole chains at once (log-variances stay logarithms)."""
    return replacement_paths(chains, generations, n, rng=rng())


def gaussian_loop(chains: int, generations: int, n: int) -> list:
    """Draw, fit, draw again: a chain at a time, as published notebooks do."""
    draw, kept = rng(), []
    for _ in range(chains):
        mean, std, path = 0.0, 1.0, []
        for _ in range(generations):
            data = draw.normal(mean, std, n)
            mean, std = data.mean(), data.std()
            path.append((mean, std))
        kept.append(path)
    return kept


def gaussian_vectorised(chains: int, generations: int, n: int) -> list:
    """Draw and fit all chains at once."""
    draw, mean, std, kept = rng(), np.zeros(chains), np.ones(chains), []
    for _ in range(generations):
        data = mean[:, None] + std[:, None] * draw.standard_normal((chains, n))
        mean, std = data.mean(axis=1), data.std(axis=1)
        kept.append((mean, std))
    return kept


def keep_all(generations: int, n: int, draw: np.random.Generator) -> list:
    """Keep every point and refit to all of them: the published `accumulate`, whose cost is quadratic."""
    data, kept = draw.standard_normal(n), []
    for _ in range(generations):
        mean, std = data.mean(), data.std()
        kept.append((mean, std))
        data = np.concatenate([data, draw.normal(mean, std, n)])
    return kept


def pool_sizes(generations: int, n: int, parts: int) -> list[int]:
    """Return the sizes of the pools in the middle of equal stretches of ``accumulate``."""
    return [(2 * i + 1) * generations * n // (2 * parts) for i in range(parts)]


def keep_all_slice(generations: int, n: int, parts: int) -> None:
    """Do the generations in the middle of equal stretches: a generation costs in proportion to its pool."""
    draw, pool = rng(), _pool(generations * n)
    for size in pool_sizes(generations, n, parts):
        data = pool[:size]
        np.concatenate([data, draw.normal(data.mean(), data.std(), n)])


@cache
def _pool(n: int) -> np.ndarray:
    return rng().standard_normal(n)


def _statistics(path) -> np.ndarray:
    """Return the mean and log-variance at the first, tenth and last generation, (6, chains)."""
    path = np.asarray(path)[[0, 9, -1]]
    return np.concatenate([path[:, 0], np.log(path[:, 1])])


@cache
def _same_gaussian() -> None:
    ours = _statistics(gaussian_ours(2000, 30, 20))
    means, logs = (part[[0, 9, -1]] for part in gaussian_closed(2000, 30, 20))
    loop = np.swapaxes(gaussian_loop(400, 30, 20), 0, 2).swapaxes(0, 1)
    vectorised = np.asarray(gaussian_vectorised(2000, 30, 20))
    for other in (loop, vectorised):
        expected = _statistics(np.stack([other[:, 0], other[:, 1] ** 2], axis=1))
        assert_alike(ours, expected)
        assert_alike(np.concatenate([means, logs]), expected)


@cache
def _same_accumulate() -> None:
    draw = rng()
    plain = np.moveaxis([keep_all(30, 20, draw) for _ in range(400)], 0, -1)
    plain[:, 1] **= 2
    assert_alike(_statistics(gaussian_ours(2000, 30, 20, accumulate)), _statistics(plain))


# ---- categories -----------------------------------------------------------------------------------------------------


def categorical_ours(p: np.ndarray, n: int, chains: int, generations: int) -> np.ndarray:
    """Return the shares of the last generation, (chains, categories)."""
    model = Categorical(p).repeated(chains)
    loop = chain(model, model, n=n, rng=rng())
    return next(itertools.islice(loop, generations - 1, None)).model.p


def categorical_loop(p: np.ndarray, n: int, chains: int, generations: int) -> np.ndarray:
    """Draw every sample and count."""
    draw, last = rng(), []
    for _ in range(chains):
        shares = p
        for _ in range(generations):
            shares = np.bincount(draw.choice(len(p), n, p=shares), minlength=len(p)) / n
        last.append(shares)
    return np.array(last)


def _same_categorical() -> None:
    ours, plain = categorical_ours(zipf(10), 50, 4000, 10), categorical_loop(zipf(10), 50, 600, 10)
    assert_alike(*(np.vstack([p.T, (p**2).sum(axis=1), (p > 0).sum(axis=1)]) for p in (ours, plain)))


# ---- mixtures -------------------------------------------------------------------------------------------------------


def mixture_ours(chains: int, generations: int, n: int) -> None:
    """Put chains of two blobs through the loop."""
    blobs = Mixture.of([0.5, 0.5], [[-3, 0], [3, 0]], [np.eye(2)] * 2, runs=(chains,))
    for _ in itertools.islice(chain(Mixture(2), blobs, n=n, rng=rng()), generations):
        pass


def scikit(x: np.ndarray, seed: int) -> GaussianMixture:
    """Fit with the helper's stopping rule; scikit-learn seeds by k-means."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return GaussianMixture(2, tol=1e-5, max_iter=2000, random_state=seed).fit(x)


def mixture_loop(chains: int, generations: int, n: int) -> None:
    """Fit and sample with scikit-learn, a chain at a time."""
    draw = rng()
    for _ in range(chains):
        x = draw.standard_normal((n, 2)) + np.where(draw.random((n, 1)) < 0.5, -3, 3) * [1, 0]
        for generation in range(generations):
            x = scikit(x, generation).sample(n)[0]


def _same_mixture() -> None:
    blobs = Mixture.of([0.4, 0.6], [[-2, 0], [2, 0]], [np.eye(2)] * 2, runs=(12,))
    x = blobs.sample(500, rng())
    ours = Mixture(2).fit(x, rng()).log_density(x).mean(axis=1)
    plain = np.array([scikit(data, 0).score(data) for data in x])
    assert (abs(ours - plain) < 1e-3).all(), f"log-likelihoods differ by {abs(ours - plain).max():.2g} nats a point"


# ---- bigrams --------------------------------------------------------------------------------------------------------


def bigram_ours(blocks: np.ndarray, generations: int, draw: np.random.Generator) -> np.ndarray:
    """Return the text that the last generation was fitted on."""
    loop = chain(Bigram(int(blocks.max()) + 1, blocks.shape[1]), Finite(blocks), n=len(blocks), rng=draw)
    return next(itertools.islice(loop, generations - 1, None)).data


def bigram_loop(blocks: list[list[int]], generations: int, seed: int) -> list[list[int]]:
    """Count pairs in dictionaries; draw one word after the other."""
    choices = random.Random(seed).choices
    for generation in range(generations):
        starts, followers = Counter(), defaultdict(Counter)
        for block in blocks:
            starts.update(block)
            for first, second in itertools.pairwise(block):
                followers[first][second] += 1
        if generation == generations - 1:
            return blocks
        followers[None] = starts
        table = {word: (list(c), list(itertools.accumulate(c.values()))) for word, c in followers.items()}
        length, text = len(blocks[0]), []
        for _ in range(len(blocks)):
            word, block = None, []
            for _ in range(length):
                words, weights = table[word] if word in table else table[None]
                word = choices(words, cum_weights=weights)[0]
                block.append(word)
            text.append(block)
        blocks = text


@cache
def validation_text() -> np.ndarray:
    """Return the words of the validation text as numbers, in blocks of 64."""
    words = datasets.text().valid.split()
    ids = np.unique(words, return_inverse=True)[1]
    return ids[: len(ids) // 64 * 64].reshape(-1, 64)


def _same_bigram() -> None:
    blocks, draw = rng().zipf(1.5, (30, 12)) % 40, rng()

    def measures(texts):
        return np.array([[len(np.unique(t)), metrics.distinct_n(np.asarray(t), 2)] for t in texts]).T

    ours = [bigram_ours(blocks, 4, draw) for _ in range(120)]
    plain = [bigram_loop(blocks.tolist(), 4, seed) for seed in range(120)]
    assert_alike(measures(ours), measures(plain))


# ---- the rows -------------------------------------------------------------------------------------------------------


def works() -> list[Work]:
    """Return the rows, in the order of the table."""
    whole, loop = "the whole baseline was timed", "numpy, a chain at a time"
    rows = [
        Work("gaussian-replace-25", 30, partial(gaussian_ours, 25, 2500, 100), partial(gaussian_loop, 25, 2500, 100),
             _same_gaussian, f"moments through chain; {loop}; {whole}"),
        Work("gaussian-replace-25 closed", 200, partial(gaussian_closed, 25, 2500, 100),
             partial(gaussian_loop, 25, 2500, 100), _same_gaussian, f"replacement_paths; {loop}; {whole}"),
    ]
    for n, floor in ((100, 10), (1000, 100)):
        rows.append(Work(
            f"gaussian-replace-1000 N={n}", floor, partial(gaussian_ours, 1000, 2000, n),
            partial(gaussian_vectorised, 1000, 2000 * 10 // n, n), _same_gaussian, share=10 / n,
            why=f"moments through chain; raw samples, vectorised; {2000 * 10 // n} of 2,000 generations timed"))
    return rows + [
        Work("gaussian-accumulate 1,000", 50, partial(gaussian_ours, 1, 1000, 1000, accumulate),
             partial(keep_all, 1000, 1000, rng()), _same_accumulate,
             f"moments pooled; all points kept and refitted; {whole}"),
        Work("gaussian-accumulate 10,000", 500, partial(gaussian_ours, 1, 10_000, 1000, accumulate),
             partial(keep_all_slice, 10_000, 1000, 5), _same_accumulate, share=5 / 10_000,
             prepare=partial(_pool, 10_000 * 1000),
             why="as above; generations 1,000, 3,000, ... 9,000 timed, each linear in its pool"),
        Work("categorical", 30, partial(categorical_ours, zipf(100), 10_000, 1000, 100),
             partial(categorical_loop, zipf(100), 10_000, 10, 100), _same_categorical, share=0.01,
             why="multinomial counts; rng.choice and bincount; 10 of 1,000 chains timed"),
        Work("mixture", 10, partial(mixture_ours, 64, 200, 1000), partial(mixture_loop, 1, 200, 1000), _same_mixture,
             share=1 / 64, turns=3, why="all chains in one EM; scikit-learn in a loop; 1 of 64 chains timed"),
        Work("bigram", 20, lambda: bigram_ours(validation_text(), 10, rng()),
             lambda: bigram_loop(validation_text().tolist(), 10, 1), _same_bigram,
             prepare=validation_text,
             why=f"sorted pairs, all stretches at once; dictionaries and random.choices; {whole}"),
    ]
