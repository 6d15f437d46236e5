"""How far a model is from the truth, and how much diversity it has left.

Every function takes arrays and returns arrays or a number; none knows where the data came from.
"""

from __future__ import annotations

import numpy as np
from scipy import special, stats
from scipy.spatial.distance import cdist

from .arguments import number, numbers, shares
from .text_metrics import bits_per_byte, distinct_n, longest_repeat, perplexity

NEIGHBOUR = 3  # how far the ball around a point reaches in `precision_recall`

__all__ = [
    "alive", "bits_per_byte", "distinct_n", "entropy", "frechet_distance", "heterozygosity", "longest_repeat",
    "mean_interval", "mixture_l2", "perplexity", "precision_recall", "score", "separation", "total_variance",
    "wasserstein2", "wasserstein2_1d",
]


def heterozygosity(p: np.ndarray) -> np.ndarray:
    """Return 1 - sum p^2 along the last axis: the chance that two draws differ (Gini-Simpson). Chapter 1."""
    return 1 - (shares("p", p) ** 2).sum(axis=-1)


def entropy(p: np.ndarray) -> np.ndarray:
    """Return the Shannon entropy along the last axis, in nats; 0 log 0 = 0. Chapter 1."""
    return special.entr(shares("p", p)).sum(axis=-1)


def alive(p: np.ndarray) -> np.ndarray:
    """Return how many categories are left along the last axis. Chapter 1."""
    return (numbers("p", p, 0, axes=1) > 0).sum(axis=-1)


def score(p: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Return -sum p log(reference): the mean log-score, in nats, of text from p under the reference (law D10).

    Raises:
        ValueError: p has mass where the reference has none.
    """
    p, reference = np.broadcast_arrays(shares("p", p), shares("reference", reference))
    if (p[reference == 0] > 0).any():
        raise ValueError("reference: gives probability 0 to something that p contains")
    return -special.xlogy(p, reference).sum(axis=-1)


def wasserstein2_1d(mean, variance) -> np.ndarray:
    """Return the squared Wasserstein-2 distance between a normal in one dimension and the standard one. Chapter 2."""
    return numbers("mean", mean) ** 2 + (np.sqrt(numbers("variance", variance, 0)) - 1) ** 2


def wasserstein2(mean, covariance, mean0, covariance0) -> np.ndarray:
    """Return the squared Wasserstein-2 distance between normals, means (..., d), covariances (..., d, d).

    Source: the Bures-Frechet formula. Chapter 2; chapter 4 uses it on features.
    """
    mean, mean0 = numbers("mean", mean, axes=1), numbers("mean0", mean0, axes=1)
    covariance, covariance0 = _square("covariance", covariance, mean), _square("covariance0", covariance0, mean0)
    root = _root(covariance0)
    cross = np.sqrt(np.clip(np.linalg.eigvalsh(root @ covariance @ root), 0, None)).sum(axis=-1)
    traces = np.trace(covariance, axis1=-2, axis2=-1) + np.trace(covariance0, axis1=-2, axis2=-1)
    return ((mean - mean0) ** 2).sum(axis=-1) + np.clip(traces - 2 * cross, 0, None)


def mixture_l2(first, second, smooth: float = 0.0) -> np.ndarray:
    """Return the squared L2 distance between the densities of Gaussian mixtures. Chapter 3.

    Each is a triple of weights (..., K), means (..., K, d) and covariances (..., K, d, d). Without
    smoothing it is unbounded: narrow densities are tall (M3). ``smooth`` is the standard deviation
    of a normal that blurs both before they are compared.
    """
    number("smooth", smooth, least=0)
    first, second = _mixture("first", first), _mixture("second", second)
    if first[1].shape[-1] != second[1].shape[-1]:
        raise ValueError(f"second: means of {first[1].shape[-1]} features, not {second[1].shape[-1]}")
    for name, (_, _, covariances) in (("first", first), ("second", second)):
        if (np.linalg.slogdet(covariances + smooth**2 * np.eye(covariances.shape[-1]))[0] <= 0).any():
            raise ValueError(f"{name}: covariances that can be inverted, or some smoothing")
    return _overlap(first, first, smooth) + _overlap(second, second, smooth) - 2 * _overlap(first, second, smooth)


def _mixture(name: str, parts) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    if not isinstance(parts, (tuple, list)) or len(parts) != 3:
        raise ValueError(f"{name}: weights, means and covariances, not {type(parts).__name__}")
    weights, means = numbers(name, parts[0], 0, axes=1), numbers(name, parts[1], axes=2)
    covariances = _square(name, parts[2], means)
    if not weights.shape == means.shape[:-1] == covariances.shape[:-2]:
        shapes = ", ".join(str(part.shape) for part in (weights, means, covariances))
        raise ValueError(f"{name}: shapes (..., K), (..., K, d), (..., K, d, d), not {shapes}")
    return weights, means, covariances


def _overlap(first, second, smooth: float) -> np.ndarray:
    """Return the integral of the product of two mixture densities, (...)."""
    (v, mu, s), (w, nu, t) = first, second
    gap = mu[..., :, None, :] - nu[..., None, :, :]
    d = gap.shape[-1]
    covariance = s[..., :, None, :, :] + t[..., None, :, :, :] + 2 * smooth**2 * np.eye(d)
    square = (gap * np.linalg.solve(covariance, gap[..., None])[..., 0]).sum(axis=-1)
    density = np.exp(-0.5 * (square + np.linalg.slogdet(2 * np.pi * covariance)[1]))
    return (v[..., :, None] * w[..., None, :] * density).sum(axis=(-2, -1))


def separation(means: np.ndarray, covariances: np.ndarray) -> np.ndarray:
    """Return the distance between two components in units of their spread along the line between them. Chapter 3.

    Takes means (..., 2, d) and covariances (..., 2, d, d). Two equally heavy, equally wide normals
    have two peaks if this is above 2, and one peak otherwise.
    """
    means = numbers("means", means, axes=2)
    covariances = _square("covariances", covariances, means)
    if means.shape[-2] != 2 or covariances.shape != (*means.shape, means.shape[-1]):
        raise ValueError(f"means, covariances: (..., 2, d), (..., 2, d, d), not {means.shape}, {covariances.shape}")
    gap = means[..., 1, :] - means[..., 0, :]
    along = gap[..., None, :] @ covariances.mean(axis=-3) @ gap[..., None]
    square = (gap**2).sum(axis=-1)
    return square / np.sqrt(np.maximum(along[..., 0, 0], 1e-300))  # 0 for two equal means


def frechet_distance(features: np.ndarray, real: np.ndarray) -> float:
    """Return the squared Wasserstein-2 distance of normals fitted to two sets of features (n, d). Chapter 4.

    This is the formula of the Frechet inception distance; the features are the caller's.
    """
    pair = _pair(features, real)
    fits = [(x.mean(axis=0), np.atleast_2d(np.cov(x, rowvar=False))) for x in pair]
    return float(wasserstein2(*fits[0], *fits[1]))


def precision_recall(features: np.ndarray, real: np.ndarray) -> tuple[float, float]:
    """Return the share of generated points near a real one, and of real points near a generated one.

    "Near" is inside the ball that reaches to the third neighbour of its own kind.
    Source: Kynkäänniemi et al. (2019). Chapter 4.
    """
    features, real = _pair(features, real)
    if min(len(features), len(real)) <= NEIGHBOUR:
        raise ValueError(f"features, real: more than {NEIGHBOUR} points each")
    return _covered(features, real), _covered(real, features)


def _covered(points: np.ndarray, manifold: np.ndarray) -> float:
    radius = np.partition(cdist(manifold, manifold), NEIGHBOUR, axis=1)[:, NEIGHBOUR]  # entry 0 is the point itself
    return float((cdist(points, manifold) <= radius).any(axis=1).mean())


def total_variance(images: np.ndarray) -> float:
    """Return the variance of byte images (n, pixels) in units of white, summed over the pixels. Chapter 4."""
    if not isinstance(images, np.ndarray) or images.ndim != 2 or len(images) == 0 or images.dtype != np.uint8:
        raise ValueError("images: byte images (n, pixels), n > 0")
    return float((images.astype(np.float32) / 255).var(axis=0, dtype=np.float64).sum())


def mean_interval(values: np.ndarray, axis: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the mean and the ends of a 95% Student interval for it, along ``axis``. Chapter 3.

    Raises:
        ValueError: fewer than two values, or one that is not finite.
    """
    values = numbers("values", values, axes=1)
    n = values.shape[axis]
    if n < 2:
        raise ValueError("values: an interval needs at least two")
    mean = values.mean(axis=axis)
    half = stats.t.ppf(0.975, n - 1) * values.std(axis=axis, ddof=1) / np.sqrt(n)
    return mean, mean - half, mean + half


def _root(matrix: np.ndarray) -> np.ndarray:
    """Return the symmetric square root of positive semi-definite matrices."""
    values, vectors = np.linalg.eigh(matrix)
    return (vectors * np.sqrt(np.clip(values, 0, None))[..., None, :]) @ np.swapaxes(vectors, -1, -2)


def _square(name: str, matrix, mean: np.ndarray) -> np.ndarray:
    """Return matrices (..., d, d) that go with means (..., d)."""
    matrix = numbers(name, matrix, axes=2)
    if matrix.shape[-2:] != (mean.shape[-1],) * 2:
        raise ValueError(f"{name}: shape (..., {mean.shape[-1]}, {mean.shape[-1]}), not {matrix.shape}")
    if (np.diagonal(matrix, axis1=-2, axis2=-1) < 0).any() or not np.allclose(matrix, np.swapaxes(matrix, -1, -2)):
        raise ValueError(f"{name}: symmetric, without a negative variance")
    return matrix


def _pair(features: np.ndarray, real: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    features, real = numbers("features", features, axes=2), numbers("real", real, axes=2)
    for name, x in (("features", features), ("real", real)):
        if x.ndim != 2 or len(x) < 2 or x.shape[1] != features.shape[1]:
            raise ValueError(f"{name}: (n, {features.shape[1]}) with n of at least 2, not shape {x.shape}")
    return features, real
