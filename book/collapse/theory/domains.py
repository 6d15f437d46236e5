"""What the closed forms demand of their arguments; every error is a ValueError that begins with a name."""

from __future__ import annotations

import numpy as np

from .. import arguments
from ..arguments import numbers

MOST = 10**7  # of what is counted one by one
LARGE = 1e12  # samples: beyond it 1 - 1/n has too few digits in floating point


def wholes(name: str, values):
    """Return one or many positive whole numbers."""
    found = arguments.array(name, values)
    if found.dtype.kind not in "iu" or found.size == 0 or not 1 <= found.min() <= found.max() <= MOST:
        raise ValueError(f"{name}: whole, between 1 and {MOST}, not {values!r}")
    return found[()]


def one(name: str, value, most: int = MOST) -> int:
    """Return a single positive whole number."""
    return arguments.whole(name, value, 1, most)


def times(refits, least: int = 0):
    """Return refits as floats; infinitely many are allowed."""
    refits = numbers("refits", refits, least, np.inf)
    if np.any(np.floor(refits) != refits):
        raise ValueError(f"refits: whole numbers or infinity, not {refits}")
    return refits


def samples(n, least: int = 1, most_axes: int | None = None):
    """Return the samples of a generation as floats."""
    return numbers("n", n, least, LARGE, most_axes=most_axes)


def fit_size(n, ddof: int, least: int = 2, most_axes: int | None = None):
    """Return the samples that a variance with divisor n - ddof is fitted to."""
    arguments.whole("ddof", ddof, 0, 1)
    return samples(n, least, most_axes)


def distribution(p) -> np.ndarray:
    """Return the shares of all categories, which sum to 1, as an array."""
    p = arguments.shares("p", p)
    if p.ndim != 1:
        raise ValueError(f"p: a row of shares, not shape {p.shape}")
    return np.minimum(p, 1)  # rounding


def real_share(alpha, n: int | None = None, most_axes: int | None = None):
    """Return shares of real data: between 0 and 1 and, given n, at least one point."""
    alpha = numbers("alpha", alpha, 0, 1, most_axes=most_axes)
    if n is not None and np.any(alpha * n < 1):
        raise ValueError(f"alpha: a share of {alpha} of n = {n} is less than one point")
    return alpha
