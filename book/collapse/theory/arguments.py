"""What the closed forms demand of their arguments; every error names one."""

from __future__ import annotations

import numpy as np


def at_least(name: str, value, least: float) -> None:
    """Check one or many numbers against the least that has a meaning."""
    if not np.all(np.asarray(value) >= least):  # NaN fails this too
        raise ValueError(f"{name}: at least {least}, not {value}")


def fit_size(n, ddof: int, least: int = 2) -> None:
    """Check the size of a sample and the divisor of its variance."""
    at_least("n", n, least)
    if ddof not in (0, 1):
        raise ValueError(f"ddof: 0 (maximum likelihood) or 1 (unbiased), not {ddof!r}")


def unit(name: str, values) -> np.ndarray:
    """Return numbers between 0 and 1 as an array."""
    values = np.asarray(values, dtype=float)
    if not ((0 <= values) & (values <= 1)).all():
        raise ValueError(f"{name}: between 0 and 1, not {values}")
    return values


def distribution(p) -> np.ndarray:
    """Return the shares of all categories, which sum to 1, as an array."""
    p = unit("p", p)
    if abs(p.sum() - 1) > 1e-6:
        raise ValueError(f"p: shares sum to 1, not to {p.sum()}")
    return p


def shares(alpha, n: int | None = None):
    """Check shares of real data: between 0 and 1 and, given n, at least one point."""
    alpha = np.asarray(alpha, dtype=float)[()]
    if not np.all((alpha >= 0) & (alpha <= 1)):
        raise ValueError(f"alpha: a share lies between 0 and 1, not {alpha}")
    if n is not None and np.any(alpha * n < 1):
        raise ValueError(f"alpha: a share of {alpha} of n = {n} is less than one point")
    return alpha
