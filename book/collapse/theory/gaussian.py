"""One Gaussian, in one dimension and in several (chapter 2)."""

from __future__ import annotations

import numpy as np
from scipy import stats
from scipy.special import poch, polygamma, psi

from ..arguments import numbers
from .domains import fit_size, one, samples, times

__all__ = [
    "biased_variance", "c4", "half_life", "log_condition_early", "log_det_drift", "log_variance_drift",
    "log_variance_spread", "lyapunov", "mean_precision", "mean_variance", "model_divergence", "std_factor",
    "variance_of_mean", "variance_quantile", "wasserstein2", "wasserstein2_early",
]


def c4(n: int) -> float:
    """Return E s / sigma for n samples and ddof = 1."""
    n = samples(n, 2, most_axes=0)
    return float(np.sqrt(2 / (n - 1)) * poch((n - 1) / 2, 0.5))  # poch: a ratio of gammas, good for any n


def std_factor(n: int, ddof: int) -> float:
    """Return E sigma_{t+1} / sigma_t: c4(n) if ddof = 1, a(n) = c4(n) sqrt((n-1)/n) if ddof = 0. G1, G2, exact."""
    n = fit_size(n, ddof)
    return c4(n) * np.sqrt((n - 1) / (n - ddof))


def mean_variance(refits, n: int, ddof: int):
    """Return E sigma_t^2 under replacement: (1 - 1/n)^t with ddof = 0, 1 with ddof = 1. G1, G2, exact.

    Also of every entry of a covariance matrix (G10), and of a mixture's overall covariance (M1, ddof = 0).
    A mean that few runs carry once t > n: do not test it by simulation there.
    """
    n = fit_size(n, ddof)
    return ((n - 1) / (n - ddof)) ** times(refits)


def variance_of_mean(refits, n: int, ddof: int):
    """Return Var mu_t under replacement: 1 - (1 - 1/n)^t with ddof = 0, t/n with ddof = 1. G1, G2, exact."""
    n, t = fit_size(n, ddof), times(refits)
    return 1 - (1 - 1 / n) ** t if ddof == 0 else t / n


def log_variance_drift(n: int, ddof: int) -> float:
    """Return E ln sigma_{t+1}^2 - E ln sigma_t^2 = psi((n-1)/2) - ln((n-ddof)/2): about -1/n or -2/n. G1, G2, exact."""
    n = fit_size(n, ddof, most_axes=0)
    return float(psi((n - 1) / 2) - np.log((n - ddof) / 2))


def log_variance_spread(refits, n: int):
    """Return Var ln sigma_t^2 = t psi_1((n-1)/2), about 2t/n. G1, exact for either ddof."""
    n = samples(n, 2)
    return times(refits) * polygamma(1, (n - 1) / 2)


def variance_quantile(level, refits, n: int, ddof: int):
    """Return the quantile of sigma_t^2, ln sigma_t^2 taken as normal. G1.

    For n >= 20 within 4 percent between the 5 and 95 percent levels, within 9 at 1 and 99.
    """
    level, t = numbers("level", level, 0, 1), numbers("refits", refits, 0)
    spread = np.sqrt(log_variance_spread(t, n))
    return np.exp(t * log_variance_drift(n, ddof) + np.where(spread > 0, stats.norm.ppf(level), 0) * spread)


def half_life(n: int, ddof: int) -> float:
    """Return refits until the geometric mean of sigma is halved. G3, exact: 137 or 69 at n = 100."""
    return float(-2 * np.log(2) / log_variance_drift(n, ddof))


def wasserstein2(refits, n: int, ddof: int):
    """Return E W2^2 between model and truth under replacement. G1, G2, exact.

    ddof = 1: t/n + 2 (1 - c4^t), which diverges; ddof = 0: 2 (1 - a^t), which tends to 2.
    """
    t = times(refits)
    moments = mean_variance(t, n, ddof) + variance_of_mean(t, n, ddof)
    return moments + 1 - 2 * std_factor(n, ddof) ** t


def biased_variance(refits, n: int, temperature: float):
    """Return E sigma_t^2 = temperature^(t-1) with ddof = 1 and a first fit on real data. G7, exact.

    Source: the sampling bias lambda of Alemohammad et al. (2024).
    """
    samples(n, 2)
    return numbers("temperature", temperature, 0, 1e6) ** (times(refits, 1) - 1)


def model_divergence(refits, n: int, ddof: int):
    """Return E KL(model_t || truth), about t/n: the price that the model's own text hides. G12, exact."""
    t = times(refits)
    moments = mean_variance(t, n, ddof) + variance_of_mean(t, n, ddof)
    return (moments - 1 - t * log_variance_drift(n, ddof)) / 2


def mean_precision(refits, n: int, ddof: int):
    """Return E 1/sigma_t^2 = ((n - ddof)/(n - 3))^t: what makes real data look impossible. G12, exact.

    Raises:
        ValueError: n below 4, where the mean is infinite.
    """
    growth = np.log((fit_size(n, ddof, least=4, most_axes=0) - ddof) / (n - 3))
    return np.exp(numbers("refits", refits, 0, 700 / growth) * growth)  # e^700 is nearly the largest number


# ---- several dimensions -------------------------------------------------------------------------------------


def log_det_drift(n: int, d: int, ddof: int) -> float:
    """Return E ln det Sigma_{t+1} - E ln det Sigma_t = sum_i psi((n-i)/2) - d ln((n-ddof)/2). G9, exact."""
    return float(sum(lyapunov(n, d, ddof)))


def lyapunov(n: int, d: int, ddof: int) -> np.ndarray:
    """Return the long-run rates of the log-eigenvalues, psi((n-i)/2) - ln((n-ddof)/2), i = 1..d. G9."""
    n = fit_size(n, ddof, least=one("d", d, most=10**6) + 1, most_axes=0)
    return psi((n - np.arange(1, d + 1)) / 2) - np.log((n - ddof) / 2)


def log_condition_early(refits, n: int):
    """Return 2.355 sqrt(t/n): median log condition number in two dimensions while t << n. G9, first order."""
    return 2.355 * np.sqrt(times(refits) / samples(n, 3))


def wasserstein2_early(refits, n: int, d: int):
    """Return (t/n) (d + d(d+1)/4): E W2^2 per unit variance in d dimensions. G11, first order; t/n <= 0.05."""
    d = one("d", d)
    return times(refits) / samples(n, 2) * (d + d * (d + 1) / 4)
