"""What models, mixes, measures and closed forms demand of their arguments; every error begins with a name."""

from __future__ import annotations

from numbers import Real

import numpy as np

LARGE = 1e100  # larger numbers have squares that overflow
COUNT = 2**63 - 1  # as far as numpy counts
COLDEST = 1e-6  # the lowest temperature: far below it logits and powers overflow
CONTEXT = 64  # tokens in a block of text, and as many as a language model looks at


def whole(name: str, value: int, least: int = 1, most: int = COUNT) -> int:
    """Return ``value`` if it is a single whole number of a range; a ValueError names the argument."""
    if not isinstance(value, (int, np.integer)) or isinstance(value, bool) or value < least:
        raise ValueError(f"{name}: a whole number of at least {least}, not {value!r}")
    if value > most:
        raise ValueError(f"{name}: {most} at most, not {value}")
    return int(value)


def number(name: str, value: float, least: float = -LARGE, most: float = LARGE, above: float = -np.inf) -> float:
    """Return ``value`` if it is a single finite number of a range, and greater than ``above``."""
    if isinstance(value, bool) or not isinstance(value, Real) or not (least <= value <= most and value > above):
        bound = f" above {above:g}" if above > -np.inf else _bounds(least, most)
        raise ValueError(f"{name}: a finite number{bound}, not {value!r}")
    return value


def _bounds(least: float, most: float) -> str:
    low = " above 0" if 0 < least < 1e-300 else f" from {least:g}" if least > -LARGE else ""
    return low + (f" to {most:g}" if most < LARGE else "")


def fitted(name: str, value):
    """Return what a fit has left; a ValueError says that there was none."""
    if value is None:
        raise ValueError(f"{name}: fit the model first")
    return value


def choice(name: str, value: str, *options: str) -> str:
    """Return ``value`` if it is one of some words."""
    if not isinstance(value, str) or value not in options:
        raise ValueError(f"{name}: {' or '.join(map(repr, options))}, not {value!r}")
    return value


def generator(name: str, rng: np.random.Generator) -> np.random.Generator:
    """Return ``rng`` if it is a numpy Generator; a TypeError names the argument."""
    if not isinstance(rng, np.random.Generator):
        raise TypeError(f"{name}: a numpy.random.Generator such as np.random.default_rng(1), not {rng!r}")
    return rng


def array(name: str, values) -> np.ndarray:
    """Return ``values`` as an array of whatever type; rows of different lengths make none."""
    try:
        return np.asarray(values)
    except ValueError as error:
        raise ValueError(f"{name}: an array, but {error}") from None


def numbers(
    name: str, values, least: float = -LARGE, most: float = LARGE, *, axes: int = 0, most_axes: int | None = None
):
    """Return numbers of a range as floats, with ``axes`` to ``most_axes`` axes; no text, no truth values, no NaN."""
    found = array(name, values)
    if found.dtype.kind not in "iuf" or found.size == 0 or found.ndim < axes:
        raise ValueError(f"{name}: numbers with {axes} axes or more, not {found.dtype} of shape {found.shape}")
    if most_axes is not None and found.ndim > most_axes:
        raise ValueError(f"{name}: {'a row of numbers' if most_axes else 'a single number'}, not shape {found.shape}")
    found = np.asarray(found, dtype=float)
    if not (found.min() >= least and found.max() <= most):  # NaN fails this too
        kind = "finite numbers" if most < np.inf else "numbers"
        raise ValueError(f"{name}: {kind}{_bounds(least, most)}, found {found.min():g} to {found.max():g}")
    return found[()]


def shares(name: str, p) -> np.ndarray:
    """Return shares (..., categories) that sum to 1 along the last axis, up to rounding."""
    p = numbers(name, p, 0, axes=1)
    if (abs(p.sum(axis=-1) - 1) > 1e-6).any():
        raise ValueError(f"{name}: shares from 0 up that sum to 1 along the last axis")
    return p


def tokens(name: str, data, length: int | None = None, vocabulary: int | None = None, least: int = 1) -> np.ndarray:
    """Return text, whole numbers (blocks, length): of that ``length`` or at ``least`` it, and below ``vocabulary``."""
    data = array(name, data)
    if data.ndim != 2 or data.dtype.kind not in "iu" or len(data) == 0 or not (
            data.shape[1] >= least if length is None else data.shape[1] == length):
        shape = f"(blocks, {length or 'length'})"
        raise ValueError(f"{name}: whole numbers of shape {shape}, not {data.dtype} of shape {data.shape}")
    if vocabulary is not None and data.size and not 0 <= data.min() <= data.max() < vocabulary:
        raise ValueError(f"{name}: tokens are 0 to {vocabulary - 1}, found {data.min()} to {data.max()}")
    return data.astype(np.int64, copy=False)
