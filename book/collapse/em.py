"""Expectation-maximisation for Gaussian mixtures, all runs in one array program.

The logarithm of a normal density is linear in the features 1, x_i and x_i x_j. So an E-step is one
batched matrix product (coefficients times features) and an M-step another (responsibilities times
features: the count, the sum and the sum of squares of every component). Taught in chapter 3.
"""

from __future__ import annotations

import functools
from typing import NamedTuple

import numpy as np

LEAST = 1e-9  # a component that holds fewer points than this is dead
NEVER = -1e38  # for log 0: finite, since OpenBLAS may multiply by 0 as padding (AVX-512 does), and 0 x inf is NaN


class Components(NamedTuple):
    """Weights (runs, K), means (runs, K, d) and covariances (runs, K, d, d); weight 0 marks a dead component."""

    weights: np.ndarray
    means: np.ndarray
    covariances: np.ndarray


def iterate(features: np.ndarray, parts: Components, tol: float, max_iter: int, reg_covar: float) -> Components:
    """Alternate E- and M-steps until each run has met scikit-learn's stopping rule; then it is left alone.

    Args:
        features: of the points, (runs, features, n).
        parts: where each run begins.
        tol: a run stops when its mean log-likelihood has changed by less.
        max_iter: steps at most.
        reg_covar: added to the diagonal of every covariance.
    """
    found = Components(*(np.array(a) for a in parts))
    running = np.arange(len(features))
    previous = np.full(len(features), -np.inf)
    for _ in range(max_iter):
        likelihood, responsibilities = expect(features, parts)
        parts = maximise(features, responsibilities, reg_covar, parts)
        stop = np.abs(likelihood - previous) < tol
        previous = likelihood
        if stop.any():
            _store(found, running[stop], parts, stop)
            go_on = ~stop
            running, features, previous = running[go_on], features[go_on], previous[go_on]
            parts = Components(*(a[go_on] for a in parts))
            if not len(running):
                break
    _store(found, running, parts, slice(None))
    return found


def expect(features: np.ndarray, parts: Components) -> tuple[np.ndarray, np.ndarray]:
    """Return mean log-likelihoods (runs,), responsibilities (runs, K, n): E-step."""
    scores = coefficients(parts) @ features
    top = scores.max(axis=1)
    scores -= top[:, None]  # so that the largest exponential is 1, and none overflows
    # many times faster in float32; the division makes the sums exact
    scores[...] = np.exp(scores.astype(np.float32))
    total = scores.sum(axis=1)
    scores /= total[:, None]
    # a sum of logs is the log of a product: one for 16 factors between 1 and K
    product = np.multiply.reduceat(total, np.arange(0, total.shape[1], 16), axis=1)
    return (top.sum(axis=1) + np.log(product).sum(axis=1)) / total.shape[1], scores


def maximise(
    features: np.ndarray, responsibilities: np.ndarray, reg_covar: float,
    last: Components,
) -> Components:
    """Return the components that maximise the expected log-likelihood. The M-step.

    A component that has lost its points gets weight 0, from which no later E-step
    brings it back, and stays where it was ``last``.
    """
    sums = responsibilities @ np.swapaxes(features, -1, -2)
    d = last.means.shape[-1]
    count = sums[..., 0]
    dead = count < LEAST
    share = 1 / np.where(dead, 1, count)
    means = sums[..., 1 : d + 1] * share[..., None]
    i, j = _pairs(d)
    covariances = np.empty((*means.shape, d))
    squares = sums[..., d + 1 :] * share[..., None]
    covariances[..., i, j] = squares - means[..., i] * means[..., j]
    covariances[..., j, i] = covariances[..., i, j]
    covariances[..., np.arange(d), np.arange(d)] += reg_covar
    weights = count / features.shape[-1]
    if dead.any():
        weights[dead], means[dead] = 0, last.means[dead]
        covariances[dead] = last.covariances[dead]
    return Components(weights, means, covariances)


def features(x: np.ndarray) -> np.ndarray:
    """Return 1, x_i and x_i x_j (i <= j) of points (..., d, n), as (..., 1 + d + d (d + 1) / 2, n)."""
    *runs, d, n = x.shape
    i, j = _pairs(d)
    rows = np.empty((*runs, 1 + d + len(i), n))
    rows[..., 0, :] = 1
    rows[..., 1 : d + 1, :] = x
    for row, (a, b) in enumerate(zip(i, j, strict=True), d + 1):
        np.multiply(x[..., a, :], x[..., b, :], out=rows[..., row, :])
    return rows


def coefficients(parts: Components) -> np.ndarray:
    """Return what the features are multiplied by to give log(weight x density), (..., K, features).

    Raises:
        ValueError: rounding has left a covariance that is not positive definite.
    """
    weights, means, covariances = parts
    d = means.shape[-1]
    try:
        factors = np.linalg.cholesky(covariances)
    except np.linalg.LinAlgError:
        raise ValueError("reg_covar: too small for these data, a covariance is not positive definite") from None
    precision = np.linalg.inv(covariances)
    linear = (precision @ means[..., None])[..., 0]
    log_det = 2 * np.log(np.diagonal(factors, axis1=-2, axis2=-1)).sum(axis=-1)
    with np.errstate(divide="ignore"):
        log_weights = np.maximum(np.log(weights), NEVER)  # so low that a dead component stays dead
    constant = log_weights - 0.5 * ((linear * means).sum(axis=-1) + log_det + d * np.log(2 * np.pi))
    i, j = _pairs(d)
    square = precision[..., i, j] * np.where(i == j, -0.5, -1.0)
    return np.concatenate([constant[..., None], linear, square], axis=-1)


@functools.cache
def _pairs(d: int) -> tuple[np.ndarray, np.ndarray]:
    return np.triu_indices(d)


def _store(found: Components, where, parts: Components, which) -> None:
    for target, source in zip(found, parts, strict=True):
        target[where] = source[which]
