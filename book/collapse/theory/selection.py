"""Regression on labels that models wrote, and data that a verifier or a cut selects (chapter 6)."""

from __future__ import annotations

import numpy as np
from scipy import stats

from ..arguments import numbers
from .domains import one, samples, times, wholes

__all__ = [
    "kept_correct", "regression_accumulate", "regression_mixed", "regression_replace", "truncated_variance",
    "verifier_threshold",
]


def regression_replace(refits, n: int, d: int):
    """Return ``E |w - w*|^2 = t d/(n - d - 1)`` of least squares on the last batch, noise variance 1. R1, exact."""
    d = one("d", d)
    return times(refits) * d / (samples(n, d + 2) - d - 1)


def regression_accumulate(refits, n: int, d: int):
    """Return ``E |w - w*|^2`` of least squares on all batches so far, sum_k d/(k (k n - d - 1)). R2, exact.

    At most pi^2/6 = 1.645 times the first.
    """
    d, refits = one("d", d), wholes("refits", refits)
    k, n = np.arange(1, np.max(refits) + 1, dtype=float), samples(n, d + 2, most_axes=0)
    return np.cumsum(d / (k * (k * n - d - 1)))[refits - 1]


def regression_mixed(n: int, d: int, shifted: int, distance2: float) -> float:
    """Return ``E |w - w*|^2`` if ``shifted`` of n rows have weights at squared distance ``distance2``. R3, exact."""
    d = one("d", d)
    n, distance2 = samples(n, d + 2, most_axes=0), numbers("distance2", distance2, 0)
    shifted = numbers("shifted", shifted, 0, n)
    true = n - shifted
    pull = shifted * (shifted + 2) / (n * (n + 2))
    pull += true * shifted * (n + 1) * (d - 1) / (n * (n - 1) * (n + 2) * (n - d - 1))
    return d / (n - d - 1) + distance2 * pull


def kept_correct(wrong, keep_right: float, keep_wrong: float):
    """Return the share of right labels among those a verifier keeps, from a share ``wrong`` before. V1, exact."""
    wrong = numbers("wrong", wrong, 0, 1)
    right = (1 - wrong) * numbers("keep_right", keep_right, 0, 1)
    still = wrong * numbers("keep_wrong", keep_wrong, 0, 1)
    if not np.all(right + still > 0):
        raise ValueError("keep_right, keep_wrong: a verifier that keeps something")
    return right / (right + still)


def verifier_threshold(keep_right: float, keep_wrong: float) -> float:
    """Return 1/(1 + keep_wrong/keep_right): with more wrong labels than that, most kept ones are wrong. V1, exact."""
    keep_right = numbers("keep_right", keep_right, np.nextafter(0, 1), 1)
    return keep_right / (keep_right + numbers("keep_wrong", keep_wrong, 0, 1))


def truncated_variance(c):
    """Return the variance of a standard normal kept inside (-c, c), 1 - 2c phi(c)/(2 Phi(c) - 1). G8, exact."""
    c = np.minimum(numbers("c", c, 1e-4, np.inf), 40)
    return 1 - 2 * c * stats.norm.pdf(c) / (2 * stats.norm.cdf(c) - 1)
