"""Chapter 6: the remedies' closed forms against chains, their conservation laws, and what they refuse."""

import itertools
from typing import NamedTuple

import numpy as np
import pytest
from collapse import (
    accumulate,
    accumulate_subsample,
    anchor,
    chain,
    curate,
    fresh,
    pooled,
    replace,
    resample,
    theory,
)
from collapse.discrete import Categorical, Counts
from collapse.gaussian import Gaussian, Moments, bartlett
from collapse.metrics import heterozygosity
from simulation import close, zipf

RUNS = 4000


def gaussian_chain(mix, n, generations, rng, statistics=True, runs=RUNS, **options):
    """Return means and variances, (generations, runs)."""
    truth = Gaussian.standard(runs, statistics=statistics)
    model = Gaussian.standard(runs, statistics=statistics, **options)
    models = [g.model for g in itertools.islice(chain(model, truth, mix=mix, n=n, rng=rng), generations)]
    return np.array([m.mean for m in models]), np.array([m.variance for m in models])


def categorical_chain(mix, n, generations, rng, p=None):
    """Return diversity and squared distance from the truth, both per H_0, (generations, runs)."""
    p = zipf(6) if p is None else p
    truth = Categorical(p).repeated(RUNS)
    shares = np.array([g.model.p for g in itertools.islice(chain(truth, truth, mix=mix, n=n, rng=rng), generations)])
    start = heterozygosity(p)
    return heterozygosity(shares) / start, ((shares - p) ** 2).sum(axis=-1) / start


# ---- check values of the reference -------------------------------------------------------------------------


@pytest.mark.parametrize("value, expected", [
    (theory.kept_accumulate(200, 5), 0.7027), (theory.kept_accumulate(200, 50), 0.9675),
    (theory.kept_accumulate(200, 10, ddof=1), 0.9356), (theory.kept_accumulate_limit(10), 0.8434),
    (theory.kept_growing(50 * np.arange(1, 10**6 + 1))[-1], 0.750),
    (theory.kept_growing(50 * np.arange(1.0, 61) ** 1.5)[-1], 0.9537),
    (1 - theory.kept_fresh(np.inf, 50, 0.1), 0.0961), (1 - theory.kept_fresh(60, 50, 0.02), 0.3292),
    (1 - theory.kept_unlabelled(np.inf, 50, 0.1), 0.0970),
    (1 - theory.kept_redrawn(np.inf, 50, 0.1), 0.1135), (1 - theory.kept_frozen(np.inf, 50, 0.1), 0.2692),
    (1 - theory.kept_frozen(np.inf, 50, 0.5), 0.0526),
    (theory.fresh_moments(3000, 50, 0.1, ddof=1)[0][-1], 1.1059),
    (theory.fresh_moments(20, 100, 0.0, temperature=0.9, ddof=1)[1][-1], 0.0878),
    (theory.golden_weight(1), 0.6180), (theory.golden_weight(0.25), 0.3904), (theory.weighted_error(0.5, 1), 2 / 3),
    (theory.regression_accumulate(10, 60, 10) / theory.regression_accumulate(1, 60, 10), 1.481),
    (theory.regression_mixed(60, 20, 30, 1) - 20 / 39, 0.3799),
    (theory.regression_mixed(200, 20, 20, 1) - 20 / 179, 0.0204),
    (theory.verifier_threshold(0.8, 0.4), 2 / 3), (theory.truncated_variance(2), 0.7737),
])
def test_formulas_give_the_published_values(value, expected):
    assert float(value) == pytest.approx(expected, abs=6e-5 if expected != 0.750 else 6e-4)


def test_one_fresh_point_a_generation_stops_the_loss_at_a_third():
    for n in (50, 1000, 10**6):
        assert 1 - theory.kept_fresh(np.inf, n, 1 / n) == pytest.approx(1 / (3 - 2 / n))


def test_the_share_needed_is_the_share_that_keeps():
    for n, kept in ((50, 0.9), (1000, 0.5), (60_000, 0.99)):
        assert theory.kept_fresh(np.inf, n, theory.fresh_share_needed(n, kept)) == pytest.approx(kept)


def test_the_golden_weight_is_the_minimum_and_its_place():
    grid = np.linspace(0.01, 1, 20_000)
    for k in (0.25, 1, 4):
        errors = theory.weighted_error(grid, k)
        assert grid[errors.argmin()] == pytest.approx(theory.golden_weight(k), abs=1e-4)
        assert errors.min() == pytest.approx(theory.golden_weight(k), abs=1e-6)


def test_limits_of_accumulation():
    n = 10**6
    assert n * (1 - theory.kept_accumulate(5000, n)) == pytest.approx(np.pi**2 / 6, abs=1e-3)
    assert n * (1 - theory.kept_fixed_budget(5000, n)) == pytest.approx(np.pi**2 / 2 - 2, abs=2e-3)
    assert theory.effective_size(theory.kept_accumulate(1, 50)) == pytest.approx(50)


def test_special_cases_agree():
    t = np.arange(1, 40)
    assert np.allclose(theory.kept_fresh(t, 30, 0.0), theory.diversity(t, 30))
    assert np.allclose(theory.kept_unlabelled(t, 30, 1.0), 1 - 1 / 30)
    assert np.allclose(theory.kept_accumulate_fresh(39, 30, 0.0), theory.kept_accumulate(t, 30))
    assert np.allclose(theory.kept_accumulate_fresh(39, 30, 1.0), 1 - 1 / (30 * t))
    assert np.allclose(theory.kept_schedule([6] * 39, 30), theory.kept_fresh(t + 1, 30, 0.2))
    inside, between = theory.fresh_moments(39, 30, 0.2)
    assert np.allclose(inside, theory.kept_fresh(t, 30, 0.2))
    assert np.allclose(inside + between, 1)


# ---- chains, at every generation -----------------------------------------------------------------------------

N, ALPHA, LENGTH = 20, 0.1, 12
REFITS = np.arange(1, LENGTH + 1)
KEPT = {  # mix, theory, whether Gaussian moments are enough or the points are needed
    "replace": (replace, theory.diversity(REFITS, N), True),
    "accumulate": (accumulate, theory.kept_accumulate(REFITS, N), True),
    "fixed budget": (accumulate_subsample, theory.kept_fixed_budget(REFITS, N), False),
    "fresh": (fresh(ALPHA), theory.kept_fresh(REFITS, N, ALPHA), True),
    "redrawn": (resample(ALPHA), theory.kept_redrawn(REFITS, N, ALPHA), False),
    "frozen": (anchor(ALPHA), theory.kept_frozen(REFITS, N, ALPHA), False),
}


@pytest.mark.parametrize("name", KEPT)
def test_gaussian_chains_keep_what_theory_says(name, rng):
    mix, kept, statistics = KEPT[name]
    mean, variance = gaussian_chain(mix, N, LENGTH, rng, statistics)
    for t in range(LENGTH):
        assert close(variance[t], kept[t]), (name, t)
        assert close(mean[t] ** 2, 1 - kept[t]), (name, t)
        assert close(variance[t] + mean[t] ** 2, 1), (name, t)  # variance moves, it is not destroyed


@pytest.mark.parametrize("name", KEPT)
def test_categorical_chains_keep_what_theory_says(name, rng):
    mix, kept, _ = KEPT[name]
    diversity, distance = categorical_chain(mix, N, LENGTH, rng)
    for t in range(LENGTH):
        assert close(diversity[t], kept[t]), (name, t)
        assert close(distance[t], 1 - kept[t]), (name, t)
        assert close(diversity[t] + distance[t], 1), (name, t)


@pytest.mark.parametrize("n", [2, 3])
def test_a_fixed_budget_of_very_few_points(n, rng):
    diversity, _ = categorical_chain(accumulate_subsample, n, 8, rng)
    assert all(close(d, kept) for d, kept in zip(diversity, theory.kept_fixed_budget(np.arange(1, 9), n), strict=True))


def test_points_and_moments_obey_one_law(rng):
    _, variance = gaussian_chain(fresh(0.2), 10, 6, rng, statistics=False, runs=20_000)
    for t, kept in enumerate(theory.kept_fresh(np.arange(1, 7), 10, 0.2)):
        assert close(variance[t], kept)


def test_remedies_rank_at_fifty(rng):
    loss = {name: gaussian_chain(mix, 50, 60, rng, statistics)[0][-1] ** 2
            for name, mix, statistics in (("fresh", fresh(0.1), True), ("redrawn", resample(0.1), False),
                                          ("frozen", anchor(0.1), False))}
    assert loss["fresh"].mean() < loss["redrawn"].mean() < loss["frozen"].mean() / 2


def test_a_schedule_of_real_points(rng):
    schedule, model = [0, 3, 0, 10, 1, 20], Gaussian.standard(RUNS, statistics=True)
    truth = model
    model = model.fit(truth.sample(N, rng))
    for real, kept in zip(schedule, theory.kept_schedule(schedule, N), strict=True):
        parts = [world.sample(n, rng) for world, n in ((truth, real), (model, N - real)) if n]
        model = model.fit(pooled(*parts) if len(parts) == 2 else parts[0])
        assert close(model.mean**2, 1 - kept) and close(model.variance, kept)


def test_accumulating_the_unbiased_variance(rng):
    _, variance = gaussian_chain(accumulate, 5, 20, rng, runs=20_000, ddof=1)
    for t in (0, 4, 19):
        assert close(variance[t], theory.kept_accumulate(t + 1, 5, ddof=1))


def test_fresh_data_with_the_unbiased_variance_overshoots(rng):
    mean, variance = gaussian_chain(fresh(0.2), 50, 60, rng, ddof=1)
    inside, between = theory.fresh_moments(60, 50, 0.2, ddof=1)
    assert inside[-1] > 1.04
    assert close(variance[-1], inside[-1]) and close(mean[-1] ** 2, between[-1])


@pytest.mark.parametrize("ddof", [0, 1])
def test_preference_with_fresh_data(ddof, rng):
    mean, variance = gaussian_chain(fresh(0.2), 40, 30, rng, ddof=ddof, temperature=0.8)
    inside, between = theory.fresh_moments(30, 40, 0.2, 0.8, ddof)
    for t in (0, 1, 5, 29):
        assert close(variance[t], inside[t]) and close(mean[t] ** 2, between[t])
    endless = theory.fresh_moments(400, 10**8, 0.2, 0.8)[0][-1]
    assert endless == pytest.approx(0.2 / (1 - 0.8 * 0.8), rel=1e-5)


def test_a_share_equal_to_the_preference_keeps_about_half():
    for preference in (0.02, 0.1, 0.2):
        kept = theory.fresh_moments(2000, 10**9, preference, 1 - preference)[0][-1]
        assert kept == pytest.approx(1 / (2 - preference), rel=1e-4)


def test_unlabelled_mixture(rng):
    def unlabelled(pool, model, source, n, rng):
        return pool, Counts(rng.multinomial(n, 0.2 * source.p + 0.8 * model.p))

    diversity, distance = categorical_chain(unlabelled, 20, 15, rng)
    for t in (0, 1, 4, 14):
        kept = theory.kept_unlabelled(t + 1, 20, 0.2)
        assert close(diversity[t], kept) and close(distance[t], 1 - kept)


def test_a_growing_pool_with_fresh_data(rng):
    def growing(pool, model, source, n, rng):
        pool = pooled(pool, pooled(source.sample(n // 4, rng), model.sample(n - n // 4, rng)))
        return pool, pool

    mean, variance = gaussian_chain(growing, 20, 30, rng)
    kept = theory.kept_accumulate_fresh(30, 20, 0.25)
    for t in (0, 1, 5, 29):
        assert close(variance[t], kept[t]) and close(mean[t] ** 2, 1 - kept[t])


def test_a_growing_pool_learns_at_twice_the_real_share():
    loss = 1 - theory.kept_accumulate_fresh(20_000, 50, 0.2)
    slope = np.log(loss[-1] / loss[1999]) / np.log(10)
    assert slope == pytest.approx(-0.4, abs=0.02)


def test_a_growing_pool_that_starts_large(rng):
    def growing(pool, model, source, n, rng):
        pool = pooled(pool, pooled(source.sample(2, rng), model.sample(4, rng)))
        return pool, pool

    mean, variance = gaussian_chain(growing, 20, 15, rng)
    kept = theory.kept_accumulate_fresh(15, 6, 1 / 3, first=20)
    for t in (0, 1, 4, 14):
        assert close(variance[t], kept[t]) and close(mean[t] ** 2, 1 - kept[t])


class Losing(NamedTuple):
    """A model that always fits one unit too low, on data so large that nothing else happens."""

    level: float = 0.0

    def fit(self, data, rng):
        return Losing(data.mean - 1.0)

    def sample(self, n, rng):
        return Moments(n, np.float64(self.level), np.float64(0.0))


@pytest.mark.parametrize("mix, expected", [
    (replace, theory.systematic_replace(REFITS)), (accumulate, theory.systematic_accumulate(REFITS)),
    (fresh(ALPHA), theory.systematic_replace(REFITS, ALPHA)),
])
def test_systematic_losses_add_up(mix, expected, rng):
    levels = [g.model.level for g in itertools.islice(chain(Losing(), Losing(), mix=mix, n=N, rng=rng), LENGTH)]
    assert np.allclose(levels, -expected)


def test_growing_sizes(rng):
    sizes, model = [5, 10, 20, 40], Gaussian.standard(20_000, statistics=True)
    for n, kept in zip(sizes, theory.kept_growing(sizes), strict=True):
        model = model.fit(model.sample(n, rng))
        assert close(model.variance, kept)


# ---- weights, regression, verifiers -------------------------------------------------------------------------


@pytest.mark.parametrize("k, weight", [(1, 0.5), (1, 0.618), (0.25, 0.39), (4, 0.9)])
def test_weighted_means(k, weight, rng):
    real, mean = 20, np.zeros(RUNS)
    for _ in range(200):
        new = rng.standard_normal(RUNS) / np.sqrt(real)
        mean = weight * new + (1 - weight) * (mean + rng.standard_normal(RUNS) * np.sqrt(k / real))
    assert close(real * mean**2, theory.weighted_error(weight, k))


def batch(w, n, rng, noise=1.0):
    """Draw X^T X and X^T y of n rows per run exactly: X^T noise given X is normal with covariance X^T X."""
    root = bartlett(n, w.shape[-1], w.shape[:-1], rng)
    gram = root @ root.swapaxes(-1, -2)
    return gram, (gram @ w[..., None] + noise * root @ rng.standard_normal((*w.shape, 1)))[..., 0]


def test_regression_replace_and_accumulate(rng):
    n, d = 60, 10
    last = everything = np.zeros((2000, d))
    gram, moment = np.zeros((2000, d, d)), np.zeros((2000, d))
    for t in range(1, 11):
        last = np.linalg.solve(*[x if x.ndim == 3 else x[..., None] for x in batch(last, n, rng)])[..., 0]
        new = batch(everything, n, rng)
        gram, moment = gram + new[0], moment + new[1]
        everything = np.linalg.solve(gram, moment[..., None])[..., 0]
        assert close((last**2).sum(axis=-1), theory.regression_replace(t, n, d))
        assert close((everything**2).sum(axis=-1), theory.regression_accumulate(t, n, d))


def test_regression_with_shifted_labels(rng):
    n, d, shifted = 60, 10, 12
    shift = np.zeros((RUNS, d))
    shift[:, 0] = 2
    true, other = batch(0 * shift, n - shifted, rng), batch(shift, shifted, rng)
    w = np.linalg.solve(true[0] + other[0], (true[1] + other[1])[..., None])[..., 0]
    assert close((w**2).sum(axis=-1), theory.regression_mixed(n, d, shifted, 4.0))


def test_verified_labels(rng):
    wrong = rng.random(200_000) < 0.3
    kept = rng.random(200_000) < np.where(wrong, 0.2, 0.9)
    assert close(~wrong[kept], theory.kept_correct(0.3, 0.9, 0.2))
    threshold = theory.verifier_threshold(0.9, 0.2)
    assert theory.kept_correct(threshold, 0.9, 0.2) == pytest.approx(0.5)


def test_curation_cuts_tails_as_truncation_does(rng):
    loop = chain(Gaussian(), Gaussian(), mix=curate(lambda x, rng: np.abs(x[:, 0]) < 2), n=40_000, rng=rng)
    first, second = itertools.islice(loop, 2)
    kept = theory.truncated_variance(2 / np.sqrt(first.model.variance)) * first.model.variance
    assert second.model.variance == pytest.approx(kept, abs=4 * np.sqrt(2 / 40_000))
    assert np.abs(second.data).max() < 2 and len(second.data) == 40_000


# ---- what is refused ---------------------------------------------------------------------------------------


def test_a_source_and_a_model_of_different_shapes(rng):
    loop = chain(Gaussian.standard(3), Gaussian.standard(3), mix=fresh(0.5), n=10, rng=rng)
    next(loop)
    other = chain(Gaussian.standard(3), Gaussian.standard(4), n=10, rng=rng, mix=lambda p, m, s, n, rng: (
        p, pooled(Gaussian.standard(3).sample(n, rng), m.sample(n, rng))))
    with pytest.raises(ValueError, match="^second: shape"):
        list(itertools.islice(other, 2))


@pytest.mark.parametrize("call", [
    lambda: theory.kept_fresh(5, 50, 1.2), lambda: theory.kept_unlabelled(5, 50, -0.1),
    lambda: theory.fresh_moments(5, 50, 2.0), lambda: theory.kept_accumulate_fresh(5, 50, float("nan")),
    lambda: theory.kept_redrawn(5, 50, 0.01), lambda: theory.kept_frozen(5, 50, 0.0),
])
def test_theory_refuses_bad_shares(call):
    with pytest.raises(ValueError, match="^alpha: "):
        call()
