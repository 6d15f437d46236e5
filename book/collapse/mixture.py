"""Gaussian mixtures and kernel densities for the loop, all runs in one array program. Taught in chapter 3."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np

from . import em
from .arguments import choice, fitted, generator, number, numbers, shares, whole

BLOCK = 40_000  # responsibilities at a time: what stays in a core's cache
LLOYD = 4  # steps of k-means after seeding: enough to leave two seeds that fell into one blob


@dataclass(frozen=True, slots=True)
class Mixture:
    """A mixture of normals with full covariances, or an array of independent ones, fitted by EM.

    Args:
        components: how many, K.
        weights: shares of the components, (..., K); None until fitted.
        means: (..., K, d).
        covariances: (..., K, d, d).
        start: EM begins at "k-means++" seeds of the new data or, "warm", at the last generation's components.
        tol: EM stops when a run's mean log-likelihood changes by less; scikit-learn's rule.
        max_iter: steps of EM at most.
        reg_covar: added to the diagonal of every covariance, positive.

    Raises:
        ValueError: an option out of its range.

    A component that loses all its points is dead: its weight is 0 until new seeds revive it.
    Taught in chapter 3.
    """

    components: int = 2
    weights: np.ndarray | None = None
    means: np.ndarray | None = None
    covariances: np.ndarray | None = None
    start: str = "k-means++"
    tol: float = 1e-5
    max_iter: int = 2000
    reg_covar: float = 1e-6

    def __post_init__(self):
        whole("components", self.components)
        whole("max_iter", self.max_iter)
        choice("start", self.start, "k-means++", "warm")
        number("tol", self.tol, least=0)
        number("reg_covar", self.reg_covar, above=0)

    @classmethod
    def of(cls, weights, means, covariances, runs: tuple[int, ...] = (), **options) -> Mixture:
        """Return a mixture of given components; ``runs`` repeats it along leading axes.

        Raises:
            ValueError: weights that are not shares, covariances that are not positive definite, or shapes that
                do not fit together.
        """
        if not isinstance(runs, tuple):
            raise TypeError(f"runs: a tuple of whole numbers, not {runs!r}")
        runs = tuple(whole("runs", count) for count in runs)
        weights, means = shares("weights", weights), numbers("means", means, axes=2)
        covariances = numbers("covariances", covariances, axes=3)
        if weights.shape != means.shape[:1] or means.ndim != 2:
            raise ValueError(f"weights, means: shapes (K,), (K, d), not {weights.shape}, {means.shape}")
        if covariances.shape != (*means.shape, means.shape[1]):
            raise ValueError(f"covariances: shape {(*means.shape, means.shape[1])}, not {covariances.shape}")
        symmetric = np.allclose(covariances, np.swapaxes(covariances, -1, -2))
        if not symmetric or not (np.linalg.eigvalsh(covariances) > 0).all():
            raise ValueError("covariances: symmetric and positive definite")
        arrays = (weights, means, covariances)
        return cls(len(weights), *(np.broadcast_to(a, (*runs, *a.shape)) for a in arrays), **options)

    @property
    def parts(self) -> em.Components:
        """Weights, means and covariances."""
        return em.Components(self.weights, self.means, self.covariances)

    @property
    def mean(self) -> np.ndarray:
        """Mean of the whole mixture, (..., d)."""
        return (fitted("weights", self.weights)[..., None, :] @ self.means)[..., 0, :]

    @property
    def covariance(self) -> np.ndarray:
        """Covariance of the whole mixture, (..., d, d), within components and between them."""
        offset = self.means - self.mean[..., None, :]
        inside = (self.weights[..., None, None] * self.covariances).sum(axis=-3)
        return inside + np.swapaxes(offset, -1, -2) @ (self.weights[..., None] * offset)

    def fit(self, data: np.ndarray, rng: np.random.Generator) -> Mixture:
        """Return the mixture that EM finds for points (..., n, d).

        Raises:
            ValueError: fewer points than components, a value that is not finite, a feature that is
                constant in some run, or a covariance too small for ``reg_covar`` to keep positive.
        """
        x = _checked(data, self.components)
        *runs, d, n = x.shape
        x = x.reshape(-1, d, n)
        block = max(1, BLOCK // (n * self.components))
        last = None
        if self.start == "warm" and self.weights is not None:
            last = [np.broadcast_to(a, (*runs, *a.shape[-axes:])).reshape(-1, *a.shape[-axes:])
                    for axes, a in enumerate(self.parts, 1)]
        found = [
            self._fit(x[i : i + block], last and em.Components(*(a[i : i + block] for a in last)), rng)
            for i in range(0, len(x), block)]
        return dataclasses.replace(self, **{
            name: np.concatenate(blocks).reshape(*runs, *blocks[0].shape[1:])
            for name, *blocks in zip(em.Components._fields, *found, strict=True)})

    def _fit(self, x: np.ndarray, begin: em.Components | None, rng: np.random.Generator) -> em.Components:
        """Run EM on a block of points (runs, d, n) from ``begin``, or from seeds."""
        centre = x.mean(axis=2, keepdims=True)  # small numbers keep E x^2 - (E x)^2 exact
        x = x - centre
        features, centre = em.features(x), np.swapaxes(centre, 1, 2)
        if begin is None:
            begin = _seeded(x, features, self.components, self.reg_covar, rng)
        else:
            begin = begin._replace(means=begin.means - centre)
        found = em.iterate(features, begin, self.tol, self.max_iter, self.reg_covar)
        return found._replace(means=found.means + centre)

    def sample(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """Return points (..., n, d), in random order."""
        *runs, _, d = fitted("means", self.means).shape
        chosen = _draw(self.weights, whole("n", n), rng)[..., None, :]
        noise = rng.standard_normal((*runs, d, n))
        factors = np.linalg.cholesky(self.covariances)
        x = noise
        for k in range(self.components):
            drawn = factors[..., k, :, :] @ noise
            drawn += self.means[..., k, :, None]
            x = np.where(chosen == k, drawn, x)
        return np.swapaxes(x, -1, -2)

    def log_density(self, points: np.ndarray) -> np.ndarray:
        """Return the log-density at points (..., n, d) of the matching run, (..., n)."""
        points, centre = numbers("points", points, axes=2), self.mean[..., None, :]
        if points.shape[-1] != centre.shape[-1]:
            raise ValueError(f"points: {centre.shape[-1]} features, not {points.shape[-1]}")
        parts = self.parts._replace(means=self.means - centre)
        scores = em.coefficients(parts) @ em.features(np.swapaxes(points - centre, -1, -2))
        top = scores.max(axis=-2)
        return top + np.log(np.exp(scores - top[..., None, :]).sum(axis=-2))


@dataclass(frozen=True, slots=True)
class KernelDensity:
    """A normal kernel on every point, feature by feature: the data themselves, blurred.

    Args:
        bandwidth: "silverman" (1.06 s n^(-1/5), s by maximum likelihood), "scott" (s n^(-1/(d + 4)), s
            unbiased), or a positive number in units of the data.
        points: (..., n, d); None until fitted.
        width: the bandwidth of each feature, (..., 1, d); None until fitted.

    Source: Silverman (1986). Taught in chapter 3.
    """

    bandwidth: str | float = "silverman"
    points: np.ndarray | None = None
    width: np.ndarray | None = None

    def __post_init__(self):
        if isinstance(self.bandwidth, str):
            choice("bandwidth", self.bandwidth, "silverman", "scott")
        else:
            number("bandwidth", self.bandwidth, above=0)

    def fit(self, data: np.ndarray, rng: np.random.Generator | None = None) -> KernelDensity:
        """Return the density with a kernel on each of the points (..., n, d).

        Raises:
            ValueError: fewer than two points, a value that is not finite, or a constant feature.
        """
        points = np.swapaxes(_checked(data, 2), -1, -2)
        n, d = points.shape[-2:]
        if self.bandwidth == "silverman":
            width = 1.06 * n ** (-1 / 5) * points.std(axis=-2, keepdims=True)
        elif self.bandwidth == "scott":
            width = n ** (-1 / (d + 4)) * points.std(axis=-2, ddof=1, keepdims=True)
        else:
            width = np.full((*points.shape[:-2], 1, d), float(self.bandwidth))
        return KernelDensity(self.bandwidth, points, width)

    def sample(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """Return points (..., n, d): one of the kernels, then a normal step."""
        *runs, total, d = fitted("points", self.points).shape
        chosen = generator("rng", rng).integers(total, size=(*runs, whole("n", n), 1))
        centres = np.take_along_axis(self.points, chosen, axis=-2)
        return centres + self.width * rng.standard_normal((*runs, n, d))


# ---- seeds, draws and checks ------------------------------------------------------------------------------


def _seeded(x, features, components: int, reg_covar: float, rng: np.random.Generator) -> em.Components:
    """Return components at k-means++ seeds of points (runs, d, n), after a few steps of k-means.

    Each further seed is drawn with a chance proportional to the squared distance from those before.
    Source: Arthur and Vassilvitskii (2007).
    """
    runs, d, n = x.shape
    centres = np.empty((runs, components, d))
    nearest = np.ones((runs, n))
    for k in range(components):
        centres[:, k] = x[np.arange(runs), :, _draw(nearest, 1, rng)[:, 0]]
        squares = ((x - centres[:, k, :, None]) ** 2).sum(axis=1)
        nearest = np.minimum(nearest, squares) if k else squares
    for _ in range(LLOYD):
        squares = (centres**2).sum(axis=2)[:, :, None] - 2 * centres @ x  # up to |x|^2
        belongs = (squares == squares.min(axis=1)[:, None]).astype(float)
        centres = belongs @ np.swapaxes(x, 1, 2) / np.maximum(belongs.sum(axis=2), 1)[..., None]
    empty = em.Components(np.zeros((runs, components)), centres, np.broadcast_to(np.eye(d), (*centres.shape, d)))
    return em.maximise(features, belongs, reg_covar, empty)


def _draw(weights: np.ndarray, n: int, rng: np.random.Generator) -> np.ndarray:
    """Draw ``n`` indices a run with chances proportional to the weights (..., K)."""
    steps = np.cumsum(weights, axis=-1)
    u = generator("rng", rng).random((*weights.shape[:-1], n)) * steps[..., -1:]
    return (u[..., None] >= steps[..., None, :-1]).sum(axis=-1)


def _checked(data: np.ndarray, least: int) -> np.ndarray:
    """Return points (..., n, d) as (..., d, n), if a density can be fitted to them."""
    points = numbers("data", data, axes=2)
    if points.shape[-2] < least:
        raise ValueError(f"data: points (..., samples, features), at least {least} of them, not shape {points.shape}")
    x = np.ascontiguousarray(np.swapaxes(points, -1, -2))
    same = x.min(axis=-1) == x.max(axis=-1)
    if same.any():
        raise ValueError(f"data: feature {np.argwhere(same)[0, -1]} is the same for every point")
    return x
