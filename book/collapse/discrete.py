"""Discrete models for the loop: shares of categories, and words that follow words.

A categorical distribution fitted to counts is the counts divided by their sum, so its loop is the
Wright-Fisher chain of population genetics. Taught in chapters 1 and 5.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .chain import pooled, size, subsample, whole


@dataclass(frozen=True)
class Counts:
    """How often each category was seen: whole numbers (..., categories), the same total in each run.

    Raises:
        ValueError: values that are negative or not whole, no run at all, or runs of different totals.
    """

    values: np.ndarray

    def __post_init__(self):
        values = np.asarray(self.values)
        if values.ndim == 0 or values.size == 0 or values.dtype.kind not in "iu" or values.min() < 0:
            raise ValueError(f"values: counts are whole numbers from 0 up, not {values.dtype} "
                             f"of shape {values.shape}")
        totals = values.sum(axis=-1)
        if totals.min() != totals.max():
            raise ValueError(f"values: every run has the same total, not {totals.min()} to {totals.max()}")
        object.__setattr__(self, "values", values)

    @property
    def total(self) -> int:
        """Samples in one run."""
        return int(self.values.reshape(-1, self.values.shape[-1])[0].sum())


@size.register
def _(data: Counts) -> int:
    return data.total


@pooled.register
def _(first: Counts, second):
    if not isinstance(second, Counts) or first.values.shape != second.values.shape:
        raise ValueError("second: Counts pool with Counts of the same shape")
    return Counts(first.values + second.values)


@subsample.register
def _(data: Counts, n: int, rng: np.random.Generator):
    if whole("n", n) > data.total:
        raise ValueError(f"n: cannot draw {n} of {data.total} samples without replacement")
    if data.total >= 10**9:
        raise ValueError(f"data: numpy draws without replacement from fewer than 10**9 samples, not {data.total}")
    drawn = np.zeros_like(data.values)
    left = np.full(data.values.shape[:-1], n)  # samples still to draw
    behind = data.values.sum(axis=-1)  # samples in this category and all later ones
    for k in range(data.values.shape[-1]):
        here = data.values[..., k]
        behind = behind - here
        drawn[..., k] = rng.hypergeometric(here, behind, left)
        left = left - drawn[..., k]
    return Counts(drawn)


@dataclass(frozen=True)
class Categorical:
    """Shares of K categories, or an array of independent runs of them.

    Args:
        p: (..., K), non-negative, rows summing to 1.
        temperature: samples come from p^(1/temperature), renormalised; below 1 the common
            categories are preferred (law D9), at 1 the model is honest.

    Raises:
        ValueError: negative or non-finite shares, rows that do not sum to 1, a temperature that is
            not positive and finite.

    Taught in chapter 1.
    """

    p: np.ndarray
    temperature: float = 1.0

    def __post_init__(self):
        p = np.asarray(self.p, dtype=float)
        if p.ndim == 0 or p.size == 0 or not np.isfinite(p).all() or (p < 0).any():
            raise ValueError("p: shares (..., categories) are finite and not negative")
        total = p.sum(axis=-1, keepdims=True)
        if (abs(total - 1) > 1e-6).any():
            raise ValueError("p: the shares of a run sum to 1")
        _temperature(self.temperature)
        object.__setattr__(self, "p", p / total)  # numpy's multinomial allows no more than rounding errors

    def repeated(self, runs: int) -> Categorical:
        """Return ``runs`` independent copies, p of shape (runs, K)."""
        if self.p.ndim != 1:
            raise ValueError(f"p: one run can be repeated, not shape {self.p.shape}")
        return Categorical(np.tile(self.p, (whole("runs", runs), 1)), self.temperature)

    def fit(self, data: Counts, rng=None) -> Categorical:
        """Return the shares that were seen (maximum likelihood)."""
        total = data.values.sum(axis=-1, keepdims=True)
        if (total == 0).any():
            raise ValueError("data: no samples to fit")
        return Categorical(data.values / total, self.temperature)

    def sample(self, n: int, rng: np.random.Generator) -> Counts:
        """Return the counts of ``n`` draws in each run (sampler S1, exact)."""
        p = self.p if self.temperature == 1 else temper(self.p, self.temperature)
        return Counts(rng.multinomial(whole("n", n), p))


def temper(p: np.ndarray, temperature: float) -> np.ndarray:
    """Return p^(1/temperature), renormalised along the last axis; zeros stay zero (law D9)."""
    _temperature(temperature)
    p = np.asarray(p, dtype=float)
    with np.errstate(divide="ignore"):
        log_p = np.log(p) / temperature
    weights = np.exp(log_p - log_p.max(axis=-1, keepdims=True))
    return weights / weights.sum(axis=-1, keepdims=True)


def _temperature(value: float) -> None:
    if not 0 < value < np.inf:
        raise ValueError(f"temperature: a positive, finite number, not {value}")


def zipf(k: int, exponent: float = 1.0) -> np.ndarray:
    """Return shares proportional to 1 / rank^exponent for ranks 1..k."""
    whole("k", k)
    weights = np.arange(1, k + 1, dtype=float) ** -exponent
    return weights / weights.sum()
