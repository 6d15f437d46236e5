"""Mixtures, kernel densities and linear autoencoders (chapters 3 and 4)."""

from __future__ import annotations

import numpy as np
from scipy import special, stats

from ..arguments import choice, numbers
from .domains import one, samples, times
from .gaussian import mean_variance

__all__ = [
    "collapsed_l2", "kernel_growth", "kernel_variance", "linear_vae_variance", "pixel_entropy",
    "regularised_quantile", "regularised_variance",
]


def regularised_variance(refits, n: int, reg_covar: float):
    """Return E sigma_t^2 when each fit by maximum likelihood adds ``reg_covar``; tends to n reg_covar. M1b, exact."""
    reg_covar = numbers("reg_covar", reg_covar, 0)
    kept = mean_variance(refits, n, 0)
    return kept + n * reg_covar * (1 - kept)


def regularised_quantile(level, n: int, reg_covar: float):
    """Return the long-run quantile of sigma^2 when each fit adds ``reg_covar``: inverse gamma, shape 2. M1b.

    One dimension, large n; the median is 0.596 n reg_covar.
    """
    scale = samples(n, 2) * numbers("reg_covar", reg_covar, np.nextafter(0, 1))
    return stats.invgamma.ppf(numbers("level", level, 0, 1), 2, scale=scale)


def collapsed_l2(std, peaks: int = 1):
    """Return the squared L2 distance from any smooth density in the plane to ``peaks`` narrow equal ones. M3.

    1 / (4 pi std^2 peaks): the limit for small ``std`` of peaks that do not overlap; it has no bound.
    """
    std = numbers("std", std, 1e-150, 1e150)
    return 1 / (4 * np.pi * std**2 * one("peaks", peaks))


def kernel_variance(refits, n: int, bandwidth: float):
    """Return the expected sample variance (divisor n) under a kernel density of fixed bandwidth. K1, exact.

    It goes from 1 - 1/n, the first sample of a truth of variance 1, to (n - 1) bandwidth^2.
    """
    limit = (samples(n, 2) - 1) * numbers("bandwidth", bandwidth, 0, 1e100) ** 2
    kept = mean_variance(times(refits, 1) - 1, n, 0)
    return limit + (1 - 1 / n - limit) * kept


def kernel_growth(n: int, rule: str) -> float:
    """Return the factor of the expected variance a refit, "silverman" or "scott" in one dimension. K2, exact."""
    n = samples(n, 2, most_axes=0)
    if choice("rule", rule, "silverman", "scott") == "silverman":
        return (1 - 1 / n) * (1 + 1.06**2 * n**-0.4)
    return 1 - 1 / n + n**-0.4


# ---- images (chapter 4) -------------------------------------------------------------------------------------


def linear_vae_variance(eigenvalue, noise: float, beta: float, refits, output: str):
    """Return the variance that a linear VAE's chain keeps along one direction, infinite data. L1, exact.

    "means": max(lambda - t beta v, 0), a linear loss without any sampling error; "draws":
    lambda - t (beta - 1) v, constant at beta = 1. ``noise`` is the fixed decoder variance v.

    Raises:
        ValueError: another output; "draws" with beta below 1, which has no such form.

    Source: Tipping and Bishop (1999) and Lucas et al. (2019), iterated by us.
    """
    t, start = numbers("refits", refits, 0), numbers("eigenvalue", eigenvalue, 0)
    choice("output", output, "means", "draws")
    noise = numbers("noise", noise, 0)
    beta = numbers("beta", beta, 0 if output == "means" else 1)
    if output == "means":
        return np.maximum(start - t * beta * noise, 0)
    return np.maximum(start - t * (beta - 1) * noise, noise)


def pixel_entropy(x):
    """Return -x ln x - (1-x) ln(1-x): the least cross-entropy a pixel of target x can cost. L2, exact."""
    x = numbers("x", x, 0, 1)
    return special.entr(x) + special.entr(1 - x)
