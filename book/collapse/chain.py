"""The loop of the book: fit, look, mix, repeat.

A *model* has ``fit(data, rng)``, which returns the fitted model, and ``sample(n, rng)``.
The *source* is the real world: something with ``sample`` that never changes.
A *mix* decides what the next generation learns from. Taught in chapter 2.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from functools import singledispatch
from typing import Any, NamedTuple, Protocol

import numpy as np

from .arguments import generator, number, whole

TRIES = 100  # batches that `curate` looks through before it gives up


class Source(Protocol):
    """Anything that gives ``n`` samples."""

    def sample(self, n: int, rng: np.random.Generator) -> Any: ...


class Model(Source, Protocol):
    """A source that can learn: ``fit`` returns the fitted model and leaves ``self`` as it was."""

    def fit(self, data: Any, rng: np.random.Generator) -> Model: ...


class Generation(NamedTuple):
    """One turn of the loop.

    ``index`` counts from 0, the model fitted on real data; closed forms count ``refits = index + 1``.
    ``data`` is what ``model`` was fitted on; ``pool`` is what the mix remembers.
    """

    index: int
    model: Any
    data: Any
    pool: Any

    @property
    def refits(self) -> int:
        """Number of fits so far, the index that every function of ``theory`` takes."""
        return self.index + 1


# What a mix does: (pool, model, source, n, rng) -> (new pool, data for the next fit).
Mix = Callable[[Any, Any, Any, int, np.random.Generator], tuple[Any, Any]]


def chain(
    model: Model,
    source: Source,
    *,
    mix: Mix | None = None,
    n: int,
    rng: np.random.Generator,
    after: Generation | None = None,
) -> Iterator[Generation]:
    """Yield generation 0, 1, 2, ... for ever: fit, look, mix, repeat.

    Args:
        model: what is fitted at each generation.
        source: the real world, from which generation 0 learns.
        mix: what the next generation learns from; ``replace`` unless told.
        n: samples per generation.
        rng: the only source of randomness.
        after: a generation of an earlier chain; this one goes on behind it.

    Raises:
        ValueError: ``n`` is not a positive whole number.
        TypeError: ``rng`` is not a numpy Generator, or ``mix`` is not a mix.

    Both are raised when the first generation is asked for.

    Source: the alpha, beta, gamma loop of Shumailov et al. (2024).
    Taught in chapter 2.
    """
    n, rng = whole("n", n), generator("rng", rng)
    mix = replace if mix is None else _mix(mix)
    if after is None:
        first = 0
        pool = data = source.sample(n, rng)  # generation 0 learns from real data
    else:
        model, first = after.model, after.index + 1
        pool, data = mix(after.pool, after.model, source, n, rng)
    for index in itertools.count(first):
        model = model.fit(data, rng)  # from scratch, or warm: the model decides
        yield Generation(index, model, data, pool)
        pool, data = mix(pool, model, source, n, rng)


def _mix(mix: Any) -> Mix:
    if not callable(mix) or mix in (fresh, anchor, resample, curate):
        raise TypeError(f"mix: a function such as replace or fresh(0.1), not {getattr(mix, '__name__', mix)!r}")
    return mix


# ---- mixes: what the next generation learns from -------------------------------------------------


def replace(pool, model, source, n, rng):
    """Learn from the last model only: no real data after generation 0."""
    data = model.sample(n, rng)
    return data, data


def stream(pool, model, source, n, rng):
    """Hand over the last model itself, so that the next one draws fresh samples for every batch."""
    return pool, model


def accumulate(pool, model, source, n, rng):
    """Learn from everything so far: the real data and the samples of every generation."""
    pool = pooled(pool, model.sample(n, rng))
    return pool, pool


def accumulate_subsample(pool, model, source, n, rng):
    """Keep everything, but learn from ``n`` points drawn from it without replacement."""
    pool = pooled(pool, model.sample(n, rng))
    return pool, subsample(pool, n, rng)


def fresh(alpha: float) -> Mix:
    """Learn from a share ``alpha`` of *new* real data and the rest from the last model (law F1)."""

    def mix(pool, model, source, n, rng):
        real = real_count(alpha, n)
        return pool, _blend(source.sample(real, rng) if real else None, model, n - real, rng)

    number("alpha", alpha, 0, 1)
    return mix


def anchor(alpha: float) -> Mix:
    """Learn from the *same* share ``alpha`` of the first real data at every generation (law F5)."""

    def mix(pool, model, source, n, rng):
        real = real_count(alpha, n)
        # At the first call the pool is all real data; from then on it is the anchor itself.
        pool = subsample(pool, real, rng) if real else None
        return pool, _blend(pool, model, n - real, rng)

    number("alpha", alpha, 0, 1)
    return mix


def resample(alpha: float) -> Mix:
    """Learn from a share ``alpha`` redrawn each time from *one finite* real data set (law F6)."""

    def mix(pool, model, source, n, rng):
        real = real_count(alpha, n)
        return pool, _blend(subsample(pool, real, rng) if real else None, model, n - real, rng)

    number("alpha", alpha, 0, 1)
    return mix


def curate(verifier: Callable[[Any, np.random.Generator], np.ndarray]) -> Mix:
    """Learn from the last model's samples that a verifier keeps.

    Args:
        verifier: ``verifier(data, rng)`` gives a boolean array, one entry a sample.

    Raises:
        ValueError: (from the mix) fewer than ``n`` samples were kept in a hundred batches of ``n``, or the
            verifier gave something else than one boolean a sample; it judges one chain at a time.
    """
    if not callable(verifier):
        raise TypeError(f"verifier: a function of data and rng, not {verifier!r}")

    def mix(pool, model, source, n, rng):
        kept, found = [], 0
        for _ in range(TRIES):
            batch = _points("data", model.sample(n, rng))
            if batch.ndim != 2:
                raise ValueError(f"data: curate judges one chain, (samples, features), not shape {batch.shape}")
            mask = np.asarray(verifier(batch, rng))
            if mask.dtype != bool or mask.shape != (n,):
                raise ValueError(f"verifier: a boolean for each of {n} samples, not {mask.dtype} of shape {mask.shape}")
            kept.append(batch[mask])
            found += int(mask.sum())
            if found >= n:
                data = np.concatenate(kept)[:n]
                return data, data
        raise ValueError(f"verifier: kept {found} of {TRIES * n} samples, {n} were asked for")

    return mix


def _blend(real, model, synthetic: int, rng):
    """Pool real data with samples of the model; either part may be empty."""
    if synthetic == 0:
        return real
    data = model.sample(synthetic, rng)
    return data if real is None else pooled(real, data)


def real_count(alpha: float, n: int) -> int:
    """Return how many of ``n`` points are real; a positive share must give at least one."""
    real = round(number("alpha", alpha, 0, 1) * n)
    if alpha > 0 and real == 0:
        raise ValueError(f"alpha: a share of {alpha} of n = {n} is less than one point")
    return real


# ---- data: anything that can be pooled and subsampled --------------------------------------------
# Points are arrays (..., samples, features); sufficient statistics register themselves here.


@singledispatch
def pooled(first, second):
    """Return both data sets as one."""
    raise TypeError(f"first: cannot pool a {type(first).__name__}")


@singledispatch
def subsample(data, n: int, rng: np.random.Generator):
    """Return ``n`` samples of ``data`` without replacement; independently for each run."""
    raise TypeError(f"data: cannot subsample a {type(data).__name__}")


@pooled.register
def _(first: np.ndarray, second):
    first, second = _points("first", first), _points("second", second)
    if first.shape[:-2] != second.shape[:-2] or first.shape[-1] != second.shape[-1]:
        raise ValueError(f"second: shape {second.shape} does not pool with {first.shape}")
    return np.concatenate([first, second], axis=-2)


@subsample.register
def _(data: np.ndarray, n: int, rng: np.random.Generator):
    total, rng = _points("data", data).shape[-2], generator("rng", rng)
    if whole("n", n) > total:
        raise ValueError(f"n: cannot draw {n} of {total} samples without replacement")
    if data.ndim == 2:
        return data[rng.choice(total, n, replace=False)]
    keys = rng.random(data.shape[:-1])
    chosen = np.argpartition(keys, n - 1, axis=-1)[..., :n]
    return np.take_along_axis(data, chosen[..., None], axis=-2)


def _points(name: str, data) -> np.ndarray:
    if not isinstance(data, np.ndarray) or data.ndim < 2 or data.dtype.kind not in "biuf":
        found = f"{data.dtype} of shape {data.shape}" if isinstance(data, np.ndarray) else f"a {type(data).__name__}"
        raise ValueError(f"{name}: an array (..., samples, features), not {found}")
    return data
