"""The closed forms that the chapters draw and the tests check, one short function each.

``refits`` counts fits: generation g of a chain is refit g + 1 (`Generation.refits`). ``n`` is the number
of samples a generation. Variances and distances are in units of the true variance unless a function
takes it. *Exact* holds for every n; anything else says how far off it is. Tags such as D1 or G2 name
the rows of the book's table of formulas.
"""

from __future__ import annotations

import numpy as np
from scipy import integrate, stats
from scipy.special import poch, polygamma, psi

# ---- categories: drift (chapter 1) ------------------------------------------------------------------------


def diversity(refits, n: int):
    """Return E H_t / H_0 = (1 - 1/n)^t under replacement, H = 1 - sum p^2. D1, exact; Wright (1931)."""
    _at_least("n", n, 1)
    return (1 - 1 / n) ** np.asarray(refits, dtype=float)


def squared_distance(refits, n: int):
    """Return ``E |p_t - p_0|^2 / H_0`` = 1 - (1 - 1/n)^t under replacement. D2, exact."""
    return 1 - diversity(refits, n)


def drift_matrix(n: int) -> np.ndarray:
    """Return B[x, y] = P(y copies after one refit | x copies before), (n + 1, n + 1). S6, exact; Wright-Fisher."""
    _at_least("n", n, 1)
    copies = np.arange(n + 1)
    return stats.binom.pmf(copies[None, :], n, copies[:, None] / n)


def survival(p, n: int, refits: int) -> np.ndarray:
    """Return P(a category of share p is alive after 1..refits refits), (refits, len(p)). S6, exact."""
    matrix, p = drift_matrix(n), np.atleast_1d(_unit("p", p))
    law = stats.binom.pmf(np.arange(n + 1)[None, :], n, p[:, None])
    alive = np.empty((refits, len(p)))
    for t in range(refits):
        alive[t] = 1 - law[:, 0]
        law = law @ matrix
    return alive


def branching_rate(refits: int) -> np.ndarray:
    """Return g_1..g_refits with g_1 = 1, g_{t+1} = 1 - exp(-g_t); t g_t tends to 2. D8."""
    rates = np.ones(refits)
    for t in range(1, refits):
        rates[t] = -np.expm1(-rates[t - 1])
    return rates


def survival_branching(p, n: int, refits: int) -> np.ndarray:
    """Return 1 - exp(-n p g_t), t = 1..refits, (refits, len(p)): a rare category alive. D8.

    A lower bound; good while p << 1 and t << n. Source: Suresh et al. (2025).
    """
    p = np.atleast_1d(_unit("p", p))
    return -np.expm1(-n * branching_rate(refits)[:, None] * p)


def median_life(count: int) -> int:
    """Return the first refit after which a category seen ``count`` times is more likely lost than alive. D8.

    First t with exp(-count g_t) > 1/2; about 2.9 refits per sighting. The exponent starts at refit 1
    after the counting, so a word seen once is gone with probability 1/e at t = 1.
    """
    _at_least("count", count, 1)
    rates = branching_rate(4 * count + 4)
    return int(np.argmax(np.exp(-count * rates) > 0.5)) + 1


def fixation_time(p, n: int) -> float:
    """Return the expected refits until one category is left. S6, exact (any number of categories)."""
    p = _distribution(p)
    inner = drift_matrix(n)[1:-1, 1:-1]
    h = np.linalg.solve(np.eye(n - 1) - inner, np.arange(1, n) / n)
    first = stats.binom.pmf(np.arange(1, n)[None, :], n, p[:, None])
    return float((p + first @ h).sum())


def fixation_time_diffusion(p, n: int) -> float:
    """Return -2n sum (1 - p) ln(1 - p): expected refits until one category is left. D5.

    Diffusion limit; too high by about ln(n)/3 + 1/2 refits.
    """
    q = 1 - _distribution(p)
    return float(-2 * n * (q * np.log(np.where(q > 0, q, 1))).sum())


def first_loss_time(p, n: int) -> float:
    """Return the expected refits until the first category is lost. D7, diffusion limit (14 % high below 10 refits).

    Integral of prod_i (1 - exp(-2 n p_i / t)) over t; use it for the mean only, its tail is wrong.
    Source: Benati et al. (2025).
    """
    p = _distribution(p)

    def integrand(log_t):
        return np.exp(log_t) * np.prod(-np.expm1(-2 * n * p / np.exp(log_t)))

    top = np.log(2 * n * p.sum()) + 30 / max(len(p) - 1, 1)
    return integrate.quad(integrand, -20, top, limit=500)[0]


def tempered(p, temperature: float, refits: int) -> np.ndarray:
    """Return p^(temperature^-(refits - 1)), renormalised: infinite data, biased sampling. D9, exact.

    The first fit sees untempered real data. Below temperature 1 the log-odds grow by 1/temperature a refit.
    """
    if not 0 < temperature < np.inf:
        raise ValueError(f"temperature: a positive, finite number, not {temperature}")
    p = _distribution(p)
    power = np.exp(min((1.0 - refits) * np.log(temperature), 690))  # beyond it only the largest share is left
    log_p = np.where(p > 0, np.log(np.where(p > 0, p, 1)) * power, -np.inf)
    weights = np.exp(log_p - log_p.max())
    return weights / weights.sum()


# ---- one Gaussian (chapter 2) -------------------------------------------------------------------------------


def c4(n: int) -> float:
    """Return E s / sigma for n samples and ddof = 1."""
    _at_least("n", n, 2)
    return float(np.sqrt(2 / (n - 1)) * poch((n - 1) / 2, 0.5))  # poch: a ratio of gammas, good for any n


def std_factor(n: int, ddof: int) -> float:
    """Return E sigma_{t+1} / sigma_t: c4(n) unbiased, a(n) = c4(n) sqrt((n-1)/n) by maximum likelihood. G1, G2, exact."""
    _fit(n, ddof)
    return c4(n) * np.sqrt((n - 1) / (n - ddof))


def mean_variance(refits, n: int, ddof: int):
    """Return E sigma_t^2 under replacement: (1 - 1/n)^t with ddof = 0, 1 with ddof = 1. G1, G2, exact.

    Also of every entry of a covariance matrix (G10), and of a mixture's overall covariance (M1, ddof = 0).
    A mean that few runs carry once t > n: do not test it by simulation there.
    """
    _fit(n, ddof)
    return ((n - 1) / (n - ddof)) ** np.asarray(refits, dtype=float)


def variance_of_mean(refits, n: int, ddof: int):
    """Return Var mu_t under replacement: 1 - (1 - 1/n)^t with ddof = 0, t/n with ddof = 1. G1, G2, exact."""
    _fit(n, ddof)
    t = np.asarray(refits, dtype=float)
    return 1 - (1 - 1 / n) ** t if ddof == 0 else t / n


def log_variance_drift(n: int, ddof: int) -> float:
    """Return E ln sigma_{t+1}^2 - E ln sigma_t^2 = psi((n-1)/2) - ln((n-ddof)/2): about -1/n or -2/n. G1, G2, exact."""
    _fit(n, ddof)
    return float(psi((n - 1) / 2) - np.log((n - ddof) / 2))


def log_variance_spread(refits, n: int):
    """Return Var ln sigma_t^2 = t psi_1((n-1)/2), about 2t/n. G1, exact for either ddof."""
    _at_least("n", n, 2)
    return np.asarray(refits, dtype=float) * polygamma(1, (n - 1) / 2)


def variance_quantile(level, refits, n: int, ddof: int):
    """Return the quantile of sigma_t^2, ln sigma_t^2 taken as normal. G1; within a few percent for n >= 20."""
    level, t = _unit("level", level), np.asarray(refits, dtype=float)
    spread = np.sqrt(log_variance_spread(t, n))
    return np.exp(t * log_variance_drift(n, ddof) + stats.norm.ppf(level) * spread)


def half_life(n: int, ddof: int) -> float:
    """Return refits until the geometric mean of sigma is halved. G3, exact: 137 or 69 at n = 100."""
    return float(-2 * np.log(2) / log_variance_drift(n, ddof))


def wasserstein2(refits, n: int, ddof: int):
    """Return E W2^2 between model and truth under replacement. G1, G2, exact.

    ddof = 1: t/n + 2 (1 - c4^t), which diverges; ddof = 0: 2 (1 - a^t), which tends to 2.
    """
    t = np.asarray(refits, dtype=float)
    moments = mean_variance(t, n, ddof) + variance_of_mean(t, n, ddof)
    return moments + 1 - 2 * std_factor(n, ddof) ** t


def biased_variance(refits, n: int, temperature: float):
    """Return E sigma_t^2 = temperature^(t-1) with ddof = 1 and a first fit on real data. G7, exact.

    Source: the sampling bias lambda of Alemohammad et al. (2024).
    """
    return temperature ** (np.asarray(refits, dtype=float) - 1)


def model_divergence(refits, n: int, ddof: int):
    """Return E KL(model_t || truth), about t/n: the price that the model's own text hides. G12, exact."""
    t = np.asarray(refits, dtype=float)
    moments = mean_variance(t, n, ddof) + variance_of_mean(t, n, ddof)
    return (moments - 1 - t * log_variance_drift(n, ddof)) / 2


def mean_precision(refits, n: int, ddof: int):
    """Return E 1/sigma_t^2 = ((n - ddof)/(n - 3))^t: what makes real data look impossible. G12, exact.

    Raises:
        ValueError: n below 4, where the mean is infinite.
    """
    _fit(n, ddof, least=4)
    return ((n - ddof) / (n - 3)) ** np.asarray(refits, dtype=float)


# ---- several dimensions (chapter 2) -------------------------------------------------------------------------


def log_det_drift(n: int, d: int, ddof: int) -> float:
    """Return E ln det Sigma_{t+1} - E ln det Sigma_t = sum_i psi((n-i)/2) - d ln((n-ddof)/2). G9, exact."""
    return float(sum(lyapunov(n, d, ddof)))


def lyapunov(n: int, d: int, ddof: int) -> np.ndarray:
    """Return the long-run rates of the log-eigenvalues, psi((n-i)/2) - ln((n-ddof)/2), i = 1..d. G9."""
    _fit(n, ddof, least=d + 1)
    return psi((n - np.arange(1, d + 1)) / 2) - np.log((n - ddof) / 2)


def log_condition_early(refits, n: int):
    """Return 2.355 sqrt(t/n): median log condition number in two dimensions while t << n. G9, first order."""
    return 2.355 * np.sqrt(np.asarray(refits, dtype=float) / n)


def wasserstein2_early(refits, n: int, d: int):
    """Return (t/n) (d + d(d+1)/4): E W2^2 per unit variance in d dimensions. G11, first order; t/n <= 0.05."""
    return np.asarray(refits, dtype=float) / n * (d + d * (d + 1) / 4)


# ---- mixtures and kernel densities (chapter 3) --------------------------------------------------------------


def regularised_variance(refits, n: int, reg_covar: float):
    """Return E sigma_t^2 when each fit by maximum likelihood adds ``reg_covar``; tends to n reg_covar. M1b, exact."""
    _at_least("reg_covar", reg_covar, 0)
    kept = mean_variance(refits, n, 0)
    return kept + n * reg_covar * (1 - kept)


def regularised_quantile(level, n: int, reg_covar: float):
    """Return the long-run quantile of sigma^2 when each fit adds ``reg_covar``: inverse gamma, shape 2. M1b.

    One dimension, large n; the median is 0.596 n reg_covar.
    """
    _at_least("n", n, 2)
    _at_least("reg_covar", reg_covar, 0)
    return stats.invgamma.ppf(_unit("level", level), 2, scale=n * reg_covar)


def collapsed_l2(std, peaks: int = 1):
    """Return the squared L2 distance from any smooth density in the plane to ``peaks`` narrow equal ones. M3.

    1 / (4 pi std^2 peaks): the limit for small ``std`` of peaks that do not overlap; it has no bound.
    """
    _at_least("peaks", peaks, 1)
    return 1 / (4 * np.pi * np.asarray(std, dtype=float) ** 2 * peaks)


def kernel_variance(refits, n: int, bandwidth: float):
    """Return the expected sample variance (divisor n) under a kernel density of fixed bandwidth. K1, exact.

    It goes from 1 - 1/n, the first sample of a truth of variance 1, to (n - 1) bandwidth^2.
    """
    limit = (n - 1) * bandwidth**2
    kept = mean_variance(np.asarray(refits, dtype=float) - 1, n, 0)
    return limit + (1 - 1 / n - limit) * kept


def kernel_growth(n: int, rule: str) -> float:
    """Return the factor of the expected variance a refit, "silverman" or "scott" in one dimension. K2, exact."""
    _at_least("n", n, 2)
    if rule == "silverman":
        return (1 - 1 / n) * (1 + 1.06**2 * n**-0.4)
    if rule == "scott":
        return 1 - 1 / n + n**-0.4
    raise ValueError(f'rule: "silverman" or "scott", not {rule!r}')


# ---- images (chapter 4) ---------------------------------------------------------------------------------------


def linear_vae_variance(eigenvalue, noise: float, beta: float, refits, output: str):
    """Return the variance a linear VAE's chain keeps along one direction after ``refits`` fits, infinite data. L1, exact.

    "means": max(lambda - t beta v, 0), a linear loss without any sampling error; "draws":
    lambda - t (beta - 1) v, constant at beta = 1. ``noise`` is the fixed decoder variance v.

    Raises:
        ValueError: another output; "draws" with beta below 1, which has no such form.

    Source: Tipping and Bishop (1999) and Lucas et al. (2019), iterated by us.
    """
    t, start = np.asarray(refits, dtype=float), np.asarray(eigenvalue, dtype=float)
    if output not in ("means", "draws"):
        raise ValueError(f"output: 'means' or 'draws', not {output!r}")
    _at_least("noise", noise, 0)
    _at_least("beta", beta, 0 if output == "means" else 1)
    if output == "means":
        return np.maximum(start - t * beta * noise, 0)
    return np.maximum(start - t * (beta - 1) * noise, noise)


def pixel_entropy(x):
    """Return -x ln x - (1-x) ln(1-x): the least cross-entropy a pixel of target x can cost. L2, exact."""
    x = _unit("x", x)
    return -(x * np.log(np.where(x > 0, x, 1)) + (1 - x) * np.log(np.where(x < 1, 1 - x, 1)))


# ---- words (chapter 5) ----------------------------------------------------------------------------------------


def score_spread(refits, n: int, p):
    """Return the standard deviation of the score -sum p_t ln p over runs, honest sampling; its mean stays Ent_0. D10, exact."""
    p = _distribution(p)
    log_p = np.log(np.where(p > 0, p, 1))
    return np.sqrt((1 - diversity(refits, n)) * ((p * log_p**2).sum() - (p * log_p).sum() ** 2))


def memoriser_error(n, p):
    """Return sum p (1 - p)^n: the chance that the next item was not among n real ones. T1, exact.

    For shares like rank^-b it falls as n^-(1 - 1/b): a scaling law. Source: Hutter (2021).
    """
    p = _distribution(p)
    return np.array([(p * np.exp(m * np.log1p(-p))).sum() for m in np.atleast_1d(n)])


def memoriser_error_recursive(refits, n: int, p) -> np.ndarray:
    """Return sum p exp(-n p g_t): the error after ``refits`` fits on n items, however many the last one sees. T5.

    Branching form of D8, good while refits << n: a floor that grows like t^c, c = 1 - 1/b for shares like rank^-b.
    Iterated by us from Dohmatob et al. (2024), Tale of Tails.
    """
    p = _distribution(p)
    rates = branching_rate(int(np.max(refits)))[np.asarray(refits) - 1]
    return np.array([(p * np.exp(-n * g * p)).sum() for g in np.atleast_1d(rates)])


# ---- remedies (chapter 6) -------------------------------------------------------------------------------------
# Each `kept_*` is E sigma_t^2 / sigma_0^2 of a Gaussian fitted by maximum likelihood and E H_t / H_0 of a
# categorical, after ``refits`` fits. One minus it is the squared distance from the truth, Var mu_t / sigma_0^2
# or E |p_t - p_0|^2 / H_0: the two always sum to 1. ``alpha`` is the share of real data.


def kept_accumulate(refits, n: int, ddof: int = 0):
    """Return prod_{k<=t} (1 - 1/(n k^2)): all data of all generations. G4, G4' (ddof = 0), G4u (ddof = 1), exact."""
    k = np.arange(1, np.max(refits) + 1, dtype=float)
    factors = 1 - 1 / (n * k**2) if ddof == 0 else 1 - np.where(k > 1, 1 / (k * (k * n - 1)), 0)
    return np.cumprod(factors)[np.asarray(refits) - 1]


def kept_accumulate_limit(n: int) -> float:
    """Return sin(x)/x, x = pi/sqrt(n), the limit of G4: the loss is about pi^2/(6n)."""
    return float(np.sinc(1 / np.sqrt(n)))


def kept_fixed_budget(refits, n: int):
    """Return what a fit to n points, drawn without replacement from all data so far, keeps. G5, exact.

    The loss tends to (pi^2/2 - 2)/n = 2.93/n for large n.
    """
    pool, kept = 1 - 1 / n, []
    for t in range(1, np.max(refits) + 1):
        error = (pool / n) * (t * n - n) / (t * n - 1)  # variance of a mean of n out of t n points
        kept.append(pool - error)
        pool -= (error + kept[-1] / n) / (t + 1) ** 2
    return np.array(kept)[np.asarray(refits) - 1]


def kept_growing(sizes):
    """Return prod_i (1 - 1/n_i) for sample sizes n_1, n_2, ... under replacement. G6, exact.

    The limit is positive if and only if the sum of 1/n_i is finite.
    """
    return np.cumprod(1 - 1 / np.asarray(sizes, dtype=float))


def kept_fresh(refits, n: int, alpha):
    """Return 1 - V*(1 - rho^t), V* = 1/(n alpha (2 - alpha) + 1 - alpha): new real data each time. F1, exact.

    rho = (1 - alpha)(1 - alpha - 1/n); V* is about 1/(1 + 2 n alpha); ``refits`` may be infinite. Wright's F_ST
    with migration.
    """
    alpha = _shares(alpha)
    rho = (1 - alpha) * (1 - alpha - 1 / n)
    return 1 - (1 - rho ** np.asarray(refits, dtype=float)) / (n * alpha * (2 - alpha) + 1 - alpha)


def kept_schedule(real, n: int) -> np.ndarray:
    """Return what is kept after each fit if the i-th has real[i] new real points among n; a fit to n real comes first.

    F1 with a share that changes, exact.
    """
    loss, kept = 1 / n, []
    for alpha in _shares(np.asarray(real, dtype=float) / n):
        loss = alpha / n + (1 - alpha) ** 2 * loss + (1 - alpha) * (1 - loss) / n
        kept.append(1 - loss)
    return np.array(kept)


def fresh_share_needed(n: int, kept: float) -> float:
    """Return the share of new real data at which F1 keeps ``kept`` for ever, about kept/(2 n (1 - kept)). Exact."""
    b = 2 * n - 1
    return float((b - np.sqrt(b**2 - 4 * n * kept / (1 - kept))) / (2 * n))


def kept_unlabelled(refits, n: int, alpha):
    """Return the same if each point is real with chance alpha: V* = 1/(1 + (n-1) alpha (2-alpha)). F2, exact."""
    rho = (1 - 1 / n) * (1 - _shares(alpha)) ** 2
    return 1 - (1 - rho ** np.asarray(refits, dtype=float)) / (n * (1 - rho))


def kept_redrawn(refits, n: int, alpha: float):
    """Return what is kept with alpha n points redrawn each time from the first n real ones. F6, exact."""
    alpha, t = _shares(alpha, n), np.asarray(refits, dtype=float)
    rho = (1 - alpha) * (1 - alpha - 1 / n)
    new = alpha * (n - alpha * n) / (n - 1) + 1 - alpha  # n times the error that one refit adds
    return (1 - 1 / n) * (1 - new * (1 - rho ** (t - 1)) / (n * (1 - rho)))


def kept_frozen(refits, n: int, alpha: float):
    """Return what is kept with the *same* alpha n real points each time, alpha < 1. F5, exact.

    Never more than the frozen points hold themselves, 1 - 1/(alpha n).
    """
    alpha, t = _shares(alpha, n), np.asarray(refits, dtype=float) - 1
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
    _shares(alpha)
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
    learns from all. The squared distance falls like t^-min(1, 2 alpha); alpha = 0 is G4. Our derivation.
    """
    _shares(alpha)
    pool = n if first is None else first
    loss = np.full(refits, 1 / pool)
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
    t, alpha = np.asarray(refits, dtype=float), _shares(alpha)
    return t if alpha == 0 else (1 - (1 - alpha) ** t) / alpha


def systematic_accumulate(refits):
    """Return the same for a growing pool, 1 + 1/2 + ... + 1/t: without a bound, but logarithmic. Exact."""
    return np.cumsum(1 / np.arange(1, np.max(refits) + 1))[np.asarray(refits) - 1]


def effective_size(kept):
    """Return 1/(1 - kept): the number of real points that would give as good a fit."""
    return 1 / (1 - np.asarray(kept, dtype=float))


def weighted_error(weight, k: float):
    """Return n_r E mu^2 with ``weight`` on the mean of n_r new real points, the rest on synthetic ones. F3, F4.

    The last model gives n_r/k points. Exact for a known variance. Pooling, weight k/(k + 1), gives (k + 1)/(k + 2).
    """
    w = np.asarray(weight, dtype=float)
    return (w**2 + k * (1 - w) ** 2) / (1 - (1 - w) ** 2)


def golden_weight(k: float) -> float:
    """Return the weight that minimises `weighted_error`, (sqrt(k^2 + 4k) - k)/2, which is also the minimum. F4, exact.

    At k = 1 it is the golden ratio, 0.618: He, Xu and Cheng (2026). This form is derived by us.
    """
    return float((np.sqrt(k**2 + 4 * k) - k) / 2)


def regression_replace(refits, n: int, d: int):
    """Return ``E |w - w*|^2 = t d/(n - d - 1)`` of least squares on the last batch, noise variance 1. R1, exact."""
    return np.asarray(refits, dtype=float) * d / (n - d - 1)


def regression_accumulate(refits, n: int, d: int):
    """Return the same for all batches, sum_k d/(k (k n - d - 1)): at most pi^2/6 = 1.645 times the first. R2, exact."""
    k = np.arange(1, np.max(refits) + 1, dtype=float)
    return np.cumsum(d / (k * (k * n - d - 1)))[np.asarray(refits) - 1]


def regression_mixed(n: int, d: int, shifted: int, distance2: float) -> float:
    """Return ``E |w - w*|^2`` if ``shifted`` of n rows have weights at squared distance ``distance2``. R3, exact."""
    true = n - shifted
    pull = shifted * (shifted + 2) / (n * (n + 2))
    pull += true * shifted * (n + 1) * (d - 1) / (n * (n - 1) * (n + 2) * (n - d - 1))
    return d / (n - d - 1) + distance2 * pull


def kept_correct(wrong, keep_right: float, keep_wrong: float):
    """Return the share of right labels among those a verifier keeps, from a share ``wrong`` before. V1, exact."""
    right = (1 - np.asarray(wrong, dtype=float)) * keep_right
    return right / (right + np.asarray(wrong) * keep_wrong)


def verifier_threshold(keep_right: float, keep_wrong: float) -> float:
    """Return 1/(1 + keep_wrong/keep_right): with more wrong labels than that, most kept ones are wrong. V1, exact."""
    return keep_right / (keep_right + keep_wrong)


def truncated_variance(c):
    """Return the variance of a standard normal kept inside (-c, c), 1 - 2c phi(c)/(2 Phi(c) - 1). G8, exact."""
    return 1 - 2 * c * stats.norm.pdf(c) / (2 * stats.norm.cdf(c) - 1)


def _at_least(name: str, value, least: float) -> None:
    if not np.all(np.asarray(value) >= least):  # NaN fails this too
        raise ValueError(f"{name}: at least {least}, not {value}")


def _fit(n, ddof: int, least: int = 2) -> None:
    _at_least("n", n, least)
    if ddof not in (0, 1):
        raise ValueError(f"ddof: 0 (maximum likelihood) or 1 (unbiased), not {ddof!r}")


def _unit(name: str, values) -> np.ndarray:
    values = np.asarray(values, dtype=float)
    if not ((0 <= values) & (values <= 1)).all():
        raise ValueError(f"{name}: between 0 and 1, not {values}")
    return values


def _distribution(p) -> np.ndarray:
    p = _unit("p", p)
    if abs(p.sum() - 1) > 1e-6:
        raise ValueError(f"p: shares sum to 1, not to {p.sum()}")
    return p


def _shares(alpha, n: int | None = None):
    """Check shares of real data: between 0 and 1 and, given n, at least one point."""
    alpha = np.asarray(alpha, dtype=float)[()]
    if not np.all((alpha >= 0) & (alpha <= 1)):
        raise ValueError(f"alpha: a share lies between 0 and 1, not {alpha}")
    if n is not None and np.any(alpha * n < 1):
        raise ValueError(f"alpha: a share of {alpha} of n = {n} is less than one point")
    return alpha
