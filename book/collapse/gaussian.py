"""Gaussians for the loop: one dimension, several, and the sufficient statistics of both.

A fitted Gaussian depends on its data through the mean and the scatter alone, so a model may hand
over those (`Moments`) instead of points: the same law, and the same cost for a hundred points or a
billion. Taught in chapter 2.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from .arguments import generator, number, numbers, whole
from .chain import pooled


class Moments(NamedTuple):
    """Sufficient statistics of Gaussian data.

    ``mean`` and ``scatter`` (sum of squares about the mean) are arrays or numpy numbers, of shape (runs,)
    in one dimension, (runs, d) and (runs, d, d) in d dimensions.
    """

    n: int
    mean: np.ndarray
    scatter: np.ndarray


def _shapes(name: str, data: Moments) -> tuple[tuple, tuple]:
    """Return the shapes of mean and scatter; Moments made by hand may hold what has none."""
    try:
        return data.mean.shape, data.scatter.shape
    except AttributeError:
        raise TypeError(f"{name}: Moments of numpy arrays or numpy numbers, not {data!r}") from None


@pooled.register
def _(first: Moments, second):
    if not isinstance(second, Moments) or (shapes := _shapes("first", first)) != _shapes("second", second):
        raise ValueError("second: Moments pool with Moments of the same shape")
    n = first.n + second.n
    step = second.mean - first.mean
    spread = step * step if shapes[0] == shapes[1] else step[..., None] * step[..., None, :]
    scatter = first.scatter + second.scatter + spread * (first.n * second.n / n)
    return Moments(n, first.mean + step * (second.n / n), scatter)


def moments(data: Moments | np.ndarray) -> Moments:
    """Reduce points (..., samples, d) to their moments; one feature gives scalars per run.

    Raises:
        ValueError: no samples, too few axes, or a value that is not finite.
        TypeError: `Moments` of something else than arrays.
    """
    if isinstance(data, Moments):
        _shapes("data", data)
        return data
    points = numbers("data", data, axes=2)
    n, mean = points.shape[-2], points.mean(axis=-2)
    centred = points - mean[..., None, :]
    scatter = np.swapaxes(centred, -1, -2) @ centred
    if points.shape[-1] == 1:
        return Moments(n, mean[..., 0], scatter[..., 0, 0])
    return Moments(n, mean, scatter)


@dataclass(frozen=True, slots=True)
class Gaussian:
    """A normal distribution in one dimension, or an array of independent ones.

    Args:
        mean, variance: arrays (runs,) or scalars.
        ddof: 0 fits by maximum likelihood (divide by n), 1 without bias (divide by n - 1).
        temperature: samples come from density^(1/temperature), whose variance is
            ``temperature * variance``; below 1 the output is drawn to the middle (law G7).
        statistics: hand over `Moments` instead of points.

    Raises:
        ValueError: a mean that is not finite, a variance that is not finite or negative, different
            shapes, another ddof, a temperature that is not positive and finite.

    Taught in chapter 2.
    """

    mean: np.ndarray | float = 0.0
    variance: np.ndarray | float = 1.0
    ddof: int = 0
    temperature: float = 1.0
    statistics: bool = False

    def __post_init__(self):
        mean, variance = numbers("mean", self.mean), numbers("variance", self.variance, least=0)
        if mean.shape != variance.shape:
            raise ValueError(f"variance: the shape of the mean, {mean.shape}, not {variance.shape}")
        object.__setattr__(self, "mean", mean[()])
        object.__setattr__(self, "variance", variance[()])
        whole("ddof", self.ddof, 0, 1)
        number("temperature", self.temperature, above=0)

    @classmethod
    def standard(cls, runs: int, **options) -> Gaussian:
        """Return ``runs`` independent standard normals."""
        return cls(np.zeros(whole("runs", runs)), np.ones(runs), **options)

    def fit(self, data: Moments | np.ndarray, rng=None) -> Gaussian:
        """Return the Gaussian with the mean and variance of the data."""
        n, mean, scatter = moments(data)
        if mean.ndim != scatter.ndim:
            raise ValueError("data: one feature, (runs, n, 1); MultivariateGaussian takes more")
        if n <= self.ddof:
            raise ValueError(f"data: {n} samples cannot give a variance with ddof = {self.ddof}")
        if not math.isfinite(np.vdot(mean, scatter)):  # the cheapest test: one bad value makes the product bad
            raise ValueError("data: moments that are not finite")
        return _refitted(self, mean, scatter / (n - self.ddof))

    def sample(self, n: int, rng: np.random.Generator) -> Moments | np.ndarray:
        """Return points (runs, n, 1), or their exact `Moments` (sampler S2) if ``statistics``."""
        whole("n", n)
        generator("rng", rng)
        variance = self.variance if self.temperature == 1 else self.temperature * self.variance
        shape = variance.shape
        if not self.statistics:
            std = np.sqrt(variance)[..., None, None]
            return np.asarray(self.mean)[..., None, None] + std * rng.standard_normal((*shape, n, 1))
        mean = self.mean + np.sqrt(variance / n) * rng.standard_normal(shape)
        # The mean and the scatter of a Gaussian sample are independent: normal and chi-square.
        scatter = variance * rng.chisquare(n - 1, shape) if n > 1 else np.zeros(shape)
        return Moments(n, mean, scatter)


def _refitted(model: Gaussian, mean, variance) -> Gaussian:
    """Return ``model`` with other moments, without the tests of a new one: they would double the cost of a chain."""
    fitted, put = object.__new__(Gaussian), object.__setattr__
    put(fitted, "mean", mean)
    put(fitted, "variance", variance)
    put(fitted, "ddof", model.ddof)
    put(fitted, "temperature", model.temperature)
    put(fitted, "statistics", model.statistics)
    return fitted


@dataclass(frozen=True, slots=True)
class MultivariateGaussian:
    """A normal distribution in d dimensions, or an array of independent ones.

    Args:
        mean: (..., d).
        factor: (..., d, d), lower triangular L with covariance L L^T.
        ddof, statistics: as in `Gaussian`.

    Raises:
        ValueError: shapes that do not fit together, values that are not finite, another ddof.

    Taught in chapter 2.
    """

    mean: np.ndarray
    factor: np.ndarray
    ddof: int = 0
    statistics: bool = False

    def __post_init__(self):
        mean, factor = numbers("mean", self.mean, axes=1), numbers("factor", self.factor, axes=2)
        if factor.shape != (*mean.shape, mean.shape[-1]):
            raise ValueError(f"factor: shape (..., d, d) for a mean (..., d), not {factor.shape} for {mean.shape}")
        object.__setattr__(self, "mean", mean)
        object.__setattr__(self, "factor", factor)
        whole("ddof", self.ddof, 0, 1)

    @classmethod
    def standard(cls, runs: int, d: int, **options) -> MultivariateGaussian:
        """Return ``runs`` independent standard normals in ``d`` dimensions."""
        return cls(np.zeros((whole("runs", runs), whole("d", d))), np.broadcast_to(np.eye(d), (runs, d, d)), **options)

    @property
    def covariance(self) -> np.ndarray:
        """Covariance matrices, (..., d, d)."""
        return self.factor @ np.swapaxes(self.factor, -1, -2)

    @property
    def log_det(self) -> np.ndarray:
        """Logarithm of the determinant of the covariance, (...)."""
        diagonal = np.diagonal(self.factor, axis1=-2, axis2=-1)
        return 2 * np.log(np.abs(diagonal)).sum(axis=-1)

    def fit(self, data: Moments | np.ndarray, rng=None) -> MultivariateGaussian:
        """Return the Gaussian with the mean and covariance of the data.

        Raises:
            ValueError: n <= d, or a chain so far gone that the covariance is singular in floating point.
        """
        n, mean, scatter = moments(data)
        if np.ndim(mean) == np.ndim(scatter):  # one feature comes as a number a run
            mean, scatter = np.asarray(mean)[..., None], np.asarray(scatter)[..., None, None]
        if n <= scatter.shape[-1]:
            raise ValueError(f"data: {n} samples give a singular covariance in {mean.shape[-1]} dimensions")
        try:
            factor = np.linalg.cholesky(scatter / (n - self.ddof))
        except np.linalg.LinAlgError as error:
            raise ValueError("data: the covariance is singular in floating point") from error
        return MultivariateGaussian(mean, factor, self.ddof, self.statistics)

    def sample(self, n: int, rng: np.random.Generator) -> Moments | np.ndarray:
        """Return points (..., n, d), or their exact `Moments` (sampler S4) if ``statistics``."""
        whole("n", n)
        generator("rng", rng)
        *runs, d = self.mean.shape
        if not self.statistics:
            noise = rng.standard_normal((*runs, n, d))
            return self.mean[..., None, :] + noise @ np.swapaxes(self.factor, -1, -2)
        noise = rng.standard_normal((*runs, d, 1))
        mean = self.mean + (self.factor @ noise)[..., 0] / np.sqrt(n)
        root = self.factor @ bartlett(n, d, tuple(runs), rng)
        scatter = root @ np.swapaxes(root, -1, -2)
        return Moments(n, mean, scatter) if d > 1 else Moments(n, mean[..., 0], scatter[..., 0, 0])


def bartlett(n: int, d: int, runs: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Draw the lower triangular root A of the scatter A A^T of ``n`` standard normal points in ``d`` dimensions.

    Returns:
        lower triangular roots, ``(*runs, d, d)``.

    Raises:
        ValueError: n <= d.

    Source: Bartlett's decomposition of a Wishart matrix (S4).
    """
    generator("rng", rng)
    if n <= d:
        raise ValueError(f"n: Bartlett's decomposition needs more than d = {d} points, not {n}")
    root = np.tril(rng.standard_normal((*runs, d, d)), -1)
    diagonal = np.arange(d)
    root[..., diagonal, diagonal] = np.sqrt(rng.chisquare(n - 1 - diagonal, (*runs, d)))
    return root


def replacement_paths(
    runs: int, generations: int, n: int, *, ddof: int = 0, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Draw whole chains of ``replace`` from a standard normal at once, without a loop over generations.

    The log-variance is a random walk, so a chain is a cumulative sum; and log-variances never
    underflow, however long the chain. Same law as ``chain`` with `Gaussian` (a test compares them).

    Returns:
        means and log-variances, both (generations, runs); row g is generation g.

    Source: sampler S2. Taught in chapter 2.
    """
    generator("rng", rng)
    whole("n", n, least=2)
    whole("ddof", ddof, 0, 1)
    chi = rng.chisquare(n - 1, (whole("generations", generations), whole("runs", runs)))
    np.log(chi, out=chi)
    chi -= np.log(n - ddof)
    log_variance = np.cumsum(chi, axis=0, out=chi)
    steps = rng.standard_normal((generations, runs))
    steps[1:] *= np.exp(log_variance[:-1] / 2)  # a mean is drawn with the variance before
    steps /= np.sqrt(n)
    return np.cumsum(steps, axis=0, out=steps), log_variance
