"""Categories and words: drift, extinction, and what a memoriser loses (chapters 1 and 5)."""

from __future__ import annotations

import numpy as np
from scipy import integrate, special, stats

from ..arguments import numbers
from .domains import distribution, one, samples, times, wholes

__all__ = [
    "branching_rate", "diversity", "drift_matrix", "first_loss_time", "fixation_time", "fixation_time_diffusion",
    "median_life", "memoriser_error", "memoriser_error_recursive", "score_spread", "squared_distance", "survival",
    "survival_branching", "tempered",
]

MATRIX = 5000  # categories are counted up to here: the matrix has n^2 entries


def diversity(refits, n: int):
    """Return E H_t / H_0 = (1 - 1/n)^t under replacement, H = 1 - sum p^2. D1, exact; Wright (1931)."""
    return (1 - 1 / samples(n)) ** times(refits)


def squared_distance(refits, n: int):
    """Return ``E |p_t - p_0|^2 / H_0`` = 1 - (1 - 1/n)^t under replacement. D2, exact."""
    return 1 - diversity(refits, n)


def drift_matrix(n: int) -> np.ndarray:
    """Return B[x, y] = P(y copies after one refit | x copies before), (n + 1, n + 1). S6, exact; Wright-Fisher."""
    copies = np.arange(one("n", n, MATRIX) + 1)
    return stats.binom.pmf(copies[None, :], n, copies[:, None] / n)


def survival(p, n: int, refits: int) -> np.ndarray:
    """Return P(a category of share p is alive after 1..refits refits), (refits, len(p)). S6, exact."""
    matrix, p = drift_matrix(n), np.atleast_1d(numbers("p", p, 0, 1, most_axes=1))
    law = stats.binom.pmf(np.arange(n + 1)[None, :], n, p[:, None])
    alive = np.empty((one("refits", refits, most=min(10**6, 10**11 // n**2)), len(p)))  # beyond: more than a minute
    for t in range(refits):
        alive[t] = 1 - law[:, 0]
        law = law @ matrix
    return alive


def branching_rate(refits: int) -> np.ndarray:
    """Return g_1..g_refits with g_1 = 1, g_{t+1} = 1 - exp(-g_t); t g_t tends to 2. D8."""
    rates = np.ones(one("refits", refits))
    for t in range(1, refits):
        rates[t] = -np.expm1(-rates[t - 1])
    return rates


def survival_branching(p, n: int, refits: int) -> np.ndarray:
    """Return 1 - exp(-n p g_t), t = 1..refits, (refits, len(p)): a rare category alive. D8.

    A lower bound; good while p << 1 and t << n. Source: Suresh et al. (2025).
    """
    p = np.atleast_1d(numbers("p", p, 0, 1, most_axes=1))
    return -np.expm1(-samples(n, most_axes=0) * branching_rate(refits)[:, None] * p)


def median_life(count: int) -> int:
    """Return the first refit after which a category seen ``count`` times is more likely lost than alive. D8.

    First t with exp(-count g_t) > 1/2; about 2.9 refits per sighting. The exponent starts at refit 1
    after the counting, so a word seen once is gone with probability 1/e at t = 1.
    """
    rates = branching_rate(4 * one("count", count, most=10**6) + 4)
    return int(np.argmax(np.exp(-count * rates) > 0.5)) + 1


def fixation_time(p, n: int) -> float:
    """Return the expected refits until one category is left. S6, exact (any number of categories)."""
    p = distribution(p)
    inner = drift_matrix(n)[1:-1, 1:-1]
    h = np.linalg.solve(np.eye(n - 1) - inner, np.arange(1, n) / n)
    first = stats.binom.pmf(np.arange(1, n)[None, :], n, p[:, None])
    return float((p + first @ h).sum())


def fixation_time_diffusion(p, n: int) -> float:
    """Return -2n sum (1 - p) ln(1 - p): expected refits until one category is left. D5.

    Diffusion limit; too high by about ln(n)/3 + 1/2 refits.
    """
    return float(2 * samples(n, most_axes=0) * special.entr(1 - distribution(p)).sum())


def first_loss_time(p, n: int) -> float:
    """Return the expected refits until the first category is lost. D7, diffusion limit (14% high below 10 refits).

    Integral of prod_i (1 - exp(-2 n p_i / t)) over t; use it for the mean only, its tail is wrong.
    Source: Benati et al. (2025).
    """
    p, n = distribution(p), samples(n, most_axes=0)
    if len(p) < 2:
        raise ValueError("p: two categories or more, one alone is never lost")

    def integrand(log_t):
        return np.exp(log_t) * np.prod(-np.expm1(-2 * n * p / np.exp(log_t)))

    top = np.log(2 * n * p.sum()) + 30 / (len(p) - 1)
    return integrate.quad(integrand, -20, top, limit=500)[0]


def tempered(p, temperature: float, refits: int) -> np.ndarray:
    """Return p^(temperature^-(refits - 1)), renormalised: infinite data, biased sampling. D9, exact.

    The first fit sees untempered real data. Below temperature 1 the log-odds grow by 1/temperature a refit.
    """
    p, refits = distribution(p), one("refits", refits)
    temperature = numbers("temperature", temperature, np.nextafter(0, 1), most_axes=0)
    power = np.exp(min((1.0 - refits) * np.log(temperature), 690))  # beyond it only the largest share is left
    return special.softmax(np.where(p > 0, np.log(np.where(p > 0, p, 1)) * power, -np.inf))


# ---- words (chapter 5) --------------------------------------------------------------------------------------


def score_spread(refits, n: int, p):
    """Return the spread over runs of the score -sum p_t ln p under honest sampling; its mean stays. D10, exact."""
    p = distribution(p)
    nats = -np.log(np.where(p > 0, p, 1))
    return np.sqrt((1 - diversity(refits, n)) * (p @ nats**2 - (p @ nats) ** 2))


def memoriser_error(n, p):
    """Return sum p (1 - p)^n: the chance that the next item was not among n real ones. T1, exact.

    For shares like rank^-b it falls as n^-(1 - 1/b): a scaling law. Source: Hutter (2021).
    """
    p = distribution(p)
    log_missed = np.log1p(-np.minimum(p, 1 - 1e-16))
    return np.array([(p * np.exp(m * log_missed)).sum() for m in np.atleast_1d(samples(n, 0, most_axes=1))])


def memoriser_error_recursive(refits, n: int, p) -> np.ndarray:
    """Return sum p exp(-n p g_t): the error after ``refits`` fits on n items, however many the last one sees. T5.

    Branching form of D8, good while refits << n: a floor that grows like t^c, c = 1 - 1/b for shares like rank^-b.
    Iterated by us from Dohmatob et al. (2024), Tale of Tails.
    """
    p, n, refits = distribution(p), samples(n, most_axes=0), wholes("refits", refits)
    rates = branching_rate(int(np.max(refits)))[refits - 1]
    return np.array([(p * np.exp(-n * g * p)).sum() for g in np.atleast_1d(rates)])
