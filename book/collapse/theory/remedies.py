"""What accumulation, real data and weights keep (chapter 6).

Each `kept_*` is E sigma_t^2 / sigma_0^2 of a Gaussian fitted by maximum likelihood and E H_t / H_0 of a
categorical, after ``refits`` fits. One minus it is the squared distance from the truth, Var mu_t / sigma_0^2
or E |p_t - p_0|^2 / H_0: the two always sum to 1. ``alpha`` is the share of real data.
"""

from __future__ import annotations

import numpy as np
from scipy.special import xlog1py

from ..arguments import numbers
from .domains import fit_size, one, real_share, samples, times, wholes

__all__ = [
    "effective_size", "fresh_moments", "fresh_share_needed", "golden_weight", "kept_accumulate",
    "kept_accumulate_fresh", "kept_accumulate_limit", "kept_fixed_budget", "kept_fresh", "kept_frozen",
    "kept_growing", "kept_redrawn", "kept_schedule", "kept_unlabelled", "systematic_accumulate",
    "systematic_replace", "weighted_error",
]


def kept_accumulate(refits, n: int, ddof: int = 0):
    """Return prod_{k<=t} (1 - 1/(n k^2)): all data of all generations. G4, G4' (ddof = 0), G4u (ddof = 1), exact."""
    refits, n = wholes("refits", refits), fit_size(n, ddof, most_axes=0)
    k = np.arange(1, np.max(refits) + 1, dtype=float)
    factors = 1 - 1 / (n * k**2) if ddof == 0 else 1 - np.where(k > 1, 1 / (k * (k * n - 1)), 0)
    return np.cumprod(factors)[refits - 1]


def kept_accumulate_limit(n: int) -> float:
    """Return sin(x)/x, x = pi/sqrt(n), the limit of G4: the loss is about pi^2/(6n)."""
    return float(np.sinc(1 / np.sqrt(samples(n, most_axes=0))))


def kept_fixed_budget(refits, n: int):
    """Return what a fit to n points, drawn without replacement from all data so far, keeps. G5, exact.

    The loss tends to (pi^2/2 - 2)/n = 2.93/n for large n.
    """
    refits, n = wholes("refits", refits), samples(n, 2, most_axes=0)
    pool, kept = 1 - 1 / n, []
    for t in range(1, np.max(refits) + 1):
        error = (pool / n) * (t * n - n) / (t * n - 1)  # variance of a mean of n out of t n points
        kept.append(pool - error)
        pool -= (error + kept[-1] / n) / (t + 1) ** 2
    return np.array(kept)[refits - 1]


def kept_growing(sizes):
    """Return prod_i (1 - 1/n_i) for sample sizes n_1, n_2, ... under replacement. G6, exact.

    The limit is positive if and only if the sum of 1/n_i is finite.
    """
    return np.cumprod(1 - 1 / np.atleast_1d(numbers("sizes", sizes, 1)))


def kept_fresh(refits, n: int, alpha):
    """Return 1 - V*(1 - rho^t), V* = 1/(n alpha (2 - alpha) + 1 - alpha): new real data each time. F1, exact.

    rho = (1 - alpha)(1 - alpha - 1/n); V* is about 1/(1 + 2 n alpha); ``refits`` may be infinite. Wright's F_ST
    with migration.
    """
    alpha, n = real_share(alpha), samples(n)
    rho = (1 - alpha) * (1 - alpha - 1 / n)
    return 1 - (1 - rho ** times(refits)) / (n * alpha * (2 - alpha) + 1 - alpha)


def kept_schedule(real, n: int) -> np.ndarray:
    """Return what is kept after each fit if the i-th has real[i] new real points among n; a fit to n real comes first.

    F1 with a share that changes, exact.
    """
    n = samples(n, most_axes=0)
    loss, kept = 1 / n, []
    for alpha in np.atleast_1d(numbers("real", real, 0, n, most_axes=1)) / n:
        loss = alpha / n + (1 - alpha) ** 2 * loss + (1 - alpha) * (1 - loss) / n
        kept.append(1 - loss)
    return np.array(kept)


def fresh_share_needed(n: int, kept: float) -> float:
    """Return the share of new real data at which F1 keeps ``kept`` for ever, about kept/(2 n (1 - kept)). Exact."""
    n = samples(n, most_axes=0)
    kept = numbers("kept", kept, 0, 1 - 1 / n, most_axes=0)
    b, odds = 2 * n - 1, kept / (1 - kept)
    return float(2 * odds / (b + np.sqrt(b**2 - 4 * n * odds)))  # the smaller root, without a difference


def kept_unlabelled(refits, n: int, alpha):
    """Return 1 - V*(1 - rho^t), V* = 1/(1 + (n-1) alpha (2-alpha)): each point real with chance alpha. F2, exact."""
    n = samples(n)
    rho = (1 - 1 / n) * (1 - real_share(alpha)) ** 2
    return 1 - (1 - rho ** times(refits)) / (n * (1 - rho))


def kept_redrawn(refits, n: int, alpha: float):
    """Return what is kept with alpha n points redrawn each time from the first n real ones. F6, exact."""
    n, t = samples(n, 2), times(refits, 1)
    alpha = real_share(alpha, n)
    rho = (1 - alpha) * (1 - alpha - 1 / n)
    new = alpha * (n - alpha * n) / (n - 1) + 1 - alpha  # n times the error that one refit adds
    return (1 - 1 / n) * (1 - new * (1 - rho ** (t - 1)) / (n * (1 - rho)))


def kept_frozen(refits, n: int, alpha: float):
    """Return what is kept with the *same* alpha n real points each time, alpha < 1. F5, exact.

    Never more than the frozen points hold themselves, 1 - 1/(alpha n).
    """
    n, t = samples(n, 2), times(refits, 1) - 1
    alpha = real_share(alpha, n)
    q, own = 1 - alpha, 1 - 1 / (alpha * n)
    rho, excess = q * (q - 1 / n), 2 / (alpha * n) - 2 / n  # generation 0 saw all n real points
    limit, slow = q * own / (n * (1 - rho)), excess / (n * alpha + 1)
    away = limit + slow * q**t + (1 / (alpha * n) - 1 / n - limit - slow) * rho**t  # squared distance from the frozen
    return own + excess * q**t - away


def fresh_moments(refits: int, n: int, alpha: float, temperature: float = 1.0, ddof: int = 0):
    """Return E sigma_t^2 and Var mu_t, t = 1..refits, of a share alpha of new real data. F1, F1u, G7, exact.

    The rest is sampled at ``temperature``. With ddof = 1 the variance settles above 1, or diverges if
    n alpha (2 - alpha) <= 1; for n to infinity it tends to alpha/(1 - (1 - alpha) temperature).
    """
    alpha, n, refits = real_share(alpha, most_axes=0), fit_size(n, ddof, most_axes=0), one("refits", refits)
    temperature = numbers("temperature", temperature, 0, 1e6, most_axes=0)
    inside, between = np.empty(refits), np.empty(refits)
    a, v, share = (n - 1) / (n - ddof), 1 / n, 1.0 - alpha
    for t in range(refits):
        inside[t], between[t] = a, v
        output = temperature * a
        total = alpha + share * (output + v)
        v = alpha / n + share**2 * v + share * output / n
        a = (total - v) * n / (n - ddof)
    return inside, between


def kept_accumulate_fresh(refits: int, n: int, alpha: float, first: int | None = None) -> np.ndarray:
    """Return what is kept, t = 1..refits, of a growing pool with a share alpha of new real data. Exact.

    The pool starts with ``first`` real points (n unless told), every batch of n joins it, and the model
    learns from all. The squared distance falls like t^-min(1, 2 alpha), times ln t at
    alpha = 1/2; alpha = 0 is G4. Our derivation.
    """
    alpha, n = real_share(alpha, most_axes=0), samples(n, most_axes=0)
    pool = n if first is None else numbers("first", first, 1, 1e12, most_axes=0)
    loss = np.full(one("refits", refits), 1 / pool)
    for t in range(1, refits):
        weight = n / (pool + n)
        new = (alpha + (1 - alpha) * (1 - loss[t - 1])) / n
        loss[t] = loss[t - 1] * (1 - alpha * weight) ** 2 + weight**2 * new
        pool += n
    return 1 - loss


def systematic_replace(refits, alpha: float = 0.0):
    """Return the loss after t refits that each lose 1, on infinite data of which a share alpha is real.

    (1 - (1 - alpha)^t)/alpha, at alpha = 0 it is t. Exact; redrawn, frozen and new real data do not differ.
    """
    t, alpha = times(refits), real_share(alpha, most_axes=0)
    return t if alpha == 0 else (0.0 - np.expm1(xlog1py(t, -alpha))) / alpha  # not -0.0


def systematic_accumulate(refits):
    """Return the loss of a growing pool in refits' worth, 1 + 1/2 + ... + 1/t: logarithmic, no bound. Exact."""
    refits = wholes("refits", refits)
    return np.cumsum(1 / np.arange(1, np.max(refits) + 1))[refits - 1]


def effective_size(kept):
    """Return 1/(1 - kept): the number of real points that would give as good a fit."""
    return 1 / (1 - numbers("kept", kept, 0, 1 - 1e-16))


def weighted_error(weight, k: float):
    """Return n_r E mu^2 with ``weight`` on the mean of n_r new real points, the rest on synthetic ones. F3, F4.

    The last model gives n_r/k points. Exact for a known variance. Pooling, weight k/(k + 1), gives (k + 1)/(k + 2).
    """
    w, k = numbers("weight", weight, 1e-12, 1), numbers("k", k, 0, 1e12)
    return (w**2 + k * (1 - w) ** 2) / (w * (2 - w))


def golden_weight(k: float) -> float:
    """Return the weight that minimises `weighted_error`, (sqrt(k^2 + 4k) - k)/2, which is also the minimum. F4, exact.

    At k = 1 it is the golden ratio, 0.618: He, Xu and Cheng (2026). This form is derived by us.
    """
    k = numbers("k", k, np.nextafter(0, 1), 1e6, most_axes=0)
    return float((np.sqrt(k**2 + 4 * k) - k) / 2)
