"""What the models, the mixes and the measures demand of their arguments; every error begins with a name."""

from __future__ import annotations

from numbers import Real

import numpy as np

LARGE = 1e100  # larger numbers have squares that overflow
COUNT = 2**63 - 1  # as far as numpy counts


def whole(name: str, value: int, least: int = 1) -> int:
    """Return ``value`` if it is a whole number of at least ``least``; a ValueError names the argument."""
    if not isinstance(value, (int, np.integer)) or isinstance(value, bool) or value < least:
        raise ValueError(f"{name}: a whole number of at least {least}, not {value!r}")
    if value > COUNT:
        raise ValueError(f"{name}: numpy counts up to {COUNT}, not to {value}")
    return int(value)


def number(name: str, value: float, least: float = -np.inf, above: float = -np.inf) -> float:
    """Return ``value`` if it is a single finite number, from ``least`` up and greater than ``above``."""
    if isinstance(value, bool) or not isinstance(value, Real) or not (least <= value < np.inf and value > above):
        bound = f" above {above:g}" if above > -np.inf else f" from {least:g} up" if least > -np.inf else ""
        raise ValueError(f"{name}: a finite number{bound}, not {value!r}")
    return value


def array(name: str, values) -> np.ndarray:
    """Return ``values`` as an array of whatever type; rows of different lengths make none."""
    try:
        return np.asarray(values)
    except ValueError as error:
        raise ValueError(f"{name}: an array, but {error}") from None


def numbers(name: str, values, axes: int = 0, least: float = -LARGE) -> np.ndarray:
    """Return finite numbers from ``least`` up as floats, with ``axes`` axes or more; neither text nor truth values."""
    found = array(name, values)
    if found.dtype.kind not in "iuf" or found.size == 0 or found.ndim < axes:
        raise ValueError(f"{name}: numbers with {axes} axes or more, not {found.dtype} of shape {found.shape}")
    found = np.asarray(found, dtype=float)
    if not (found.min() >= least and found.max() <= LARGE):  # NaN fails this too
        raise ValueError(f"{name}: finite numbers" + (f" from {least:g} up" if least > -LARGE else ""))
    return found


def shares(name: str, p) -> np.ndarray:
    """Return shares (..., categories) that sum to 1 along the last axis, up to rounding."""
    p = numbers(name, p, 1, 0)
    if (abs(p.sum(axis=-1) - 1) > 1e-6).any():
        raise ValueError(f"{name}: shares from 0 up that sum to 1 along the last axis")
    return p
