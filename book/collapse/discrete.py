"""Discrete models for the loop: shares of categories, and words that follow words.

A categorical distribution fitted to counts is the counts divided by their sum, so its loop is the
Wright-Fisher chain of population genetics. Taught in chapters 1 and 5.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.special import softmax

from .arguments import COLDEST, array, fitted, generator, number, numbers, shares, tokens, whole
from .chain import pooled, subsample


@dataclass(frozen=True)
class Counts:
    """How often each category was seen: whole numbers (..., categories), the same total in each run.

    Raises:
        ValueError: values that are negative or not whole, no run at all, or runs of different totals.
    """

    values: np.ndarray

    def __post_init__(self):
        values = array("values", self.values)
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


@pooled.register
def _(first: Counts, second):
    if not isinstance(second, Counts) or first.values.shape != second.values.shape:
        raise ValueError("second: Counts pool with Counts of the same shape")
    return Counts(first.values + second.values)


@subsample.register
def _(data: Counts, n: int, rng: np.random.Generator):
    generator("rng", rng)
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
        p = shares("p", self.p)
        number("temperature", self.temperature, COLDEST)
        total = p.sum(axis=-1, keepdims=True)
        if (abs(total - 1) > 1e-12).any():  # numpy's multinomial allows no more than rounding errors
            p = p / total
        object.__setattr__(self, "p", p)

    def repeated(self, runs: int) -> Categorical:
        """Return ``runs`` independent copies, p of shape (runs, K)."""
        if self.p.ndim != 1:
            raise ValueError(f"p: one run can be repeated, not shape {self.p.shape}")
        return Categorical(np.tile(self.p, (whole("runs", runs), 1)), self.temperature)

    def fit(self, data: Counts, rng=None) -> Categorical:
        """Return the shares that were seen (maximum likelihood)."""
        if not isinstance(data, Counts):
            raise TypeError(f"data: Counts, not a {type(data).__name__}")
        total = data.values.sum(axis=-1, keepdims=True)
        if (total == 0).any():
            raise ValueError("data: no samples to fit")
        return Categorical(data.values / total, self.temperature)

    def sample(self, n: int, rng: np.random.Generator) -> Counts:
        """Return the counts of ``n`` draws in each run (sampler S1, exact)."""
        p = self.p if self.temperature == 1 else temper(self.p, self.temperature)
        return Counts(generator("rng", rng).multinomial(whole("n", n), p))


def temper(p: np.ndarray, temperature: float) -> np.ndarray:
    """Return p^(1/temperature), renormalised along the last axis; zeros stay zero (law D9)."""
    number("temperature", temperature, COLDEST)
    p = numbers("p", p, 0, axes=1)
    if not p.any(axis=-1).all():
        raise ValueError("p: at least one category of every run has a share")
    with np.errstate(divide="ignore"):
        return softmax(np.log(p) / temperature, axis=-1)


@dataclass(frozen=True)
class Bigram:
    """Words that follow words: the shares of every word's successors, and of all words for a start.

    Data are stretches of text, (stretches, length) whole numbers; a pair counts inside its stretch only.

    Args:
        vocabulary: number of different words, 0..vocabulary - 1.
        length: words in a stretch that is sampled.
        words: how often each word was seen, (vocabulary,), summed up to and including it.
        pairs: how often each pair that exists was seen, summed up likewise, sorted by first and second word.
        second: the second word of each pair.
        first: where the pairs of each word begin in ``pairs``, (vocabulary + 1,).

    Taught in chapter 5.
    """

    vocabulary: int
    length: int
    words: np.ndarray | None = None
    pairs: np.ndarray | None = None
    second: np.ndarray | None = None
    first: np.ndarray | None = None

    def __post_init__(self):
        whole("vocabulary", self.vocabulary)
        whole("length", self.length)

    def fit(self, data: np.ndarray, rng=None) -> Bigram:
        """Return the model of the pairs that were seen (maximum likelihood).

        Raises:
            ValueError: no text, another shape, or an unknown word.
        """
        data = tokens("data", data, vocabulary=self.vocabulary)
        codes = data[:, :-1] * self.vocabulary + data[:, 1:]
        codes, counts = np.unique(codes, return_counts=True)  # V^2 pairs are possible, only these exist
        return replace(
            self, words=np.bincount(data.ravel(), minlength=self.vocabulary).cumsum(),
            pairs=counts.cumsum(), second=codes % self.vocabulary,
            first=np.searchsorted(codes, np.arange(self.vocabulary + 1) * self.vocabulary))

    def sample(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """Return ``n`` stretches, (n, length), all written at once, a word a step.

        Exact: a random place among the pairs of the last word, each as often as it was seen. A word that
        was never followed by another is followed by a start word.
        """
        fitted("words", self.words)
        whole("n", n)
        generator("rng", rng)
        before = np.concatenate([[0], self.pairs])[self.first]  # pairs of all earlier words, (vocabulary + 1,)
        second = np.repeat(self.second, np.diff(self.pairs, prepend=0))  # of every pair in the text, in order
        text = np.empty((n, self.length), dtype=np.int64)
        text[:, 0] = self._start(n, rng)
        for i in range(1, self.length):
            low, high = before[text[:, i - 1]], before[text[:, i - 1] + 1]
            goes_on = high > low
            place = rng.integers(low[goes_on], high[goes_on])
            text[goes_on, i] = second[place]
            text[~goes_on, i] = self._start(int((~goes_on).sum()), rng)
        return text

    def _start(self, n: int, rng: np.random.Generator) -> np.ndarray:
        return np.searchsorted(self.words, rng.integers(self.words[-1], size=n), side="right")
