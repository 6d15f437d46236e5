"""The fast samplers S1 to S4 against naive ones: the same law, at fixed seeds."""

import dataclasses

import numpy as np
import pytest
from collapse import accumulate, chain, pooled, subsample
from collapse.discrete import Bigram, Categorical, Counts, temper
from collapse.gaussian import Gaussian, Moments, MultivariateGaussian, bartlett, moments, replacement_paths
from collapse.mixture import KernelDensity, Mixture
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from simulation import close, generations

ALPHA = 1e-3  # a test at a fixed seed rejects at this level


def same_law(one, two):
    return stats.ks_2samp(one, two).pvalue > ALPHA


# ---- S1: multinomial counts ----------------------------------------------------------------------------------------


def test_s1_counts_have_the_law_of_counted_draws(rng):
    p, n, runs = np.array([0.5, 0.3, 0.15, 0.05]), 30, 5000
    fast = Categorical(p).repeated(runs).sample(n, rng).values
    draws = rng.choice(4, size=(runs, n), p=p)
    naive = (draws[..., None] == np.arange(4)).sum(axis=1)
    assert (fast.sum(axis=1) == n).all()
    for k in range(4):
        table = np.array([np.bincount(c[:, k], minlength=n + 1) for c in (fast, naive)])
        table = table[:, table.sum(axis=0) >= 10]
        assert stats.chi2_contingency(table).pvalue > ALPHA
        assert close(fast[:, k], n * p[k])
    assert close((fast[:, 0] - n * p[0]) * (fast[:, 1] - n * p[1]), -n * p[0] * p[1])


@pytest.mark.parametrize("temperature", [0.5, 2.0])
def test_s1_with_a_temperature(rng, temperature):
    p = np.array([0.6, 0.3, 0.1, 0.0])
    expected = p ** (1 / temperature) / (p ** (1 / temperature)).sum()
    assert temper(p, temperature) == pytest.approx(expected)
    counts = Categorical(p, temperature).sample(10**6, rng).values
    assert stats.chisquare(counts[:3], 10**6 * expected[:3]).pvalue > ALPHA and counts[3] == 0


# ---- S2: mean and chi-square, never the points ----------------------------------------------------------------------


def run(statistics, mix=None, n=12, length=6, runs=4000, seed=0, **options):
    truth = Gaussian.standard(runs, statistics=statistics, **options)
    return generations(chain(truth, truth, mix=mix, n=n, rng=np.random.default_rng(seed)), length)[-1].model


@pytest.mark.parametrize("options", [{"ddof": 0}, {"ddof": 1}, {"ddof": 1, "temperature": 0.8}])
def test_s2_has_the_law_of_points(options):
    fast, naive = run(True, **options), run(False, seed=1, **options)
    assert same_law(fast.mean, naive.mean) and same_law(fast.variance, naive.variance)
    assert same_law(fast.mean**2 / fast.variance, naive.mean**2 / naive.variance)  # jointly


def test_s2_one_step_from_a_fixed_state(rng):
    n, runs, mean, variance = 7, 100_000, 3.0, 4.0
    m = Gaussian(np.full(runs, mean), np.full(runs, variance), statistics=True).sample(n, rng)
    z, q = (m.mean - mean) / np.sqrt(variance / n), m.scatter / variance
    assert m.n == n and stats.kstest(z, "norm").pvalue > ALPHA and stats.kstest(q, "chi2", (n - 1,)).pvalue > ALPHA
    assert close(z * (q - (n - 1)), 0)  # the two are independent


def test_s2_a_mean_is_drawn_with_the_variance_before():
    truth = Gaussian.standard(20_000, statistics=True)
    one, two = generations(chain(truth, truth, n=9, rng=np.random.default_rng(2)), 2)
    steps = (two.model.mean - one.model.mean) / np.sqrt(one.model.variance / 9)
    assert stats.kstest(steps, "norm").pvalue > ALPHA


def test_s2_a_single_sample_has_no_scatter(rng):
    m = Gaussian.standard(5, statistics=True).sample(1, rng)
    assert (m.scatter == 0).all() and (Gaussian.standard(5).fit(m).variance == 0).all()


@pytest.mark.parametrize("ddof", [0, 1])
def test_whole_paths_have_the_law_of_the_loop(ddof):
    mean, log_variance = replacement_paths(4000, 6, 12, ddof=ddof, rng=np.random.default_rng(3))
    naive = run(False, ddof=ddof, seed=4)
    assert mean.shape == log_variance.shape == (6, 4000)
    assert same_law(mean[-1], naive.mean) and same_law(np.exp(log_variance[-1]), naive.variance)


def test_whole_paths_step_with_the_variance_before():
    n = 9
    mean, log_variance = replacement_paths(20_000, 3, n, rng=np.random.default_rng(5))
    before = np.vstack([np.zeros(20_000), log_variance[:-1]])
    steps = np.diff(mean, axis=0, prepend=0) / np.exp(before / 2) * np.sqrt(n)
    factors = np.exp(log_variance - before) * n
    for t in range(3):
        assert stats.kstest(steps[t], "norm").pvalue > ALPHA
        assert stats.kstest(factors[t], "chi2", (n - 1,)).pvalue > ALPHA


def test_whole_paths_never_underflow():
    mean, log_variance = replacement_paths(3, 20_000, 4, rng=np.random.default_rng(6))
    assert np.isfinite(mean).all() and np.isfinite(log_variance).all() and log_variance[-1].max() < -1000


# ---- S3: pooled moments -----------------------------------------------------------------------------------------------

points = st.integers(1, 3).flatmap(lambda d: st.tuples(
    st.just(d), st.integers(1, 12), st.integers(1, 12), st.integers(0, 2**32 - 1), st.floats(-30, 30)))


@given(points)
def test_s3_pooled_moments_are_the_moments_of_the_pooled_points(case):
    d, n, m, seed, shift = case
    rng = np.random.default_rng(seed)
    one, two = rng.standard_normal((4, n, d)), shift + rng.standard_normal((4, m, d))
    fast, naive = pooled(moments(one), moments(two)), moments(np.concatenate([one, two], axis=1))
    assert fast.n == naive.n == n + m
    assert np.allclose(fast.mean, naive.mean, rtol=1e-10, atol=1e-10)
    assert np.allclose(fast.scatter, naive.scatter, rtol=1e-10, atol=1e-10)


def test_moments_are_the_textbook_ones(rng):
    points = rng.standard_normal((3, 20, 2))
    m = moments(points)
    assert np.allclose(m.mean, points.mean(axis=1))
    assert np.allclose(m.scatter / 19, [np.cov(x, rowvar=False) for x in points])
    single = moments(points[..., :1])
    assert np.allclose(single.scatter / 20, points[..., 0].var(axis=1)) and single.mean.shape == (3,)


def test_s3_accumulation_has_the_law_of_accumulated_points():
    fast, naive = run(True, accumulate, n=5), run(False, accumulate, n=5, seed=7)
    assert same_law(fast.mean, naive.mean) and same_law(fast.variance, naive.variance)


def test_one_run_without_an_axis_goes_through_the_loop(rng):
    for n in (1, 6):
        loop = chain(Gaussian(statistics=True), Gaussian(statistics=True), mix=accumulate, n=n, rng=rng)
        assert [g.data.n for g in generations(loop, 3)] == [n, 2 * n, 3 * n]


# ---- S4: Bartlett -------------------------------------------------------------------------------------------------------


def test_s4_scatter_has_the_moments_of_wishart(rng):
    n, d, runs = 9, 3, 40_000
    root = bartlett(n, d, (runs,), rng)
    assert (np.triu(root, 1) == 0).all() and (np.diagonal(root, axis1=1, axis2=2) > 0).all()
    scatter = root @ np.swapaxes(root, 1, 2)
    for i in range(d):
        assert stats.kstest(root[:, i, i] ** 2, "chi2", (n - 1 - i,)).pvalue > ALPHA
        for j in range(d):
            assert close(scatter[:, i, j], (n - 1) * (i == j))
            assert close((scatter[:, i, j] - (n - 1) * (i == j)) ** 2, (n - 1) * (1 + (i == j)))


@pytest.mark.parametrize("d", [1, 3])
def test_s4_has_the_law_of_points(d):
    def last(statistics, seed):
        ball = MultivariateGaussian.standard(4000, d, statistics=statistics)
        return generations(chain(ball, ball, n=10, rng=np.random.default_rng(seed)), 4)[-1].model

    fast, naive = last(True, 8), last(False, 9)
    assert same_law(fast.log_det, naive.log_det) and same_law(fast.mean[:, 0], naive.mean[:, 0])
    assert same_law(np.trace(fast.covariance, axis1=1, axis2=2), np.trace(naive.covariance, axis1=1, axis2=2))
    if d > 1:
        assert same_law(fast.covariance[:, 0, 1], naive.covariance[:, 0, 1])
        assert same_law(fast.mean[:, 0] * fast.mean[:, 1], naive.mean[:, 0] * naive.mean[:, 1])


def test_a_tilted_gaussian_keeps_its_covariance_in_the_mean(rng):
    covariance = np.array([[2.0, 0.9], [0.9, 1.0]])
    factor = np.broadcast_to(np.linalg.cholesky(covariance), (20_000, 2, 2))
    for statistics in (True, False):
        model = MultivariateGaussian(np.zeros((20_000, 2)), factor, ddof=1, statistics=statistics)
        m = moments(model.sample(6, rng))
        for i, j in ((0, 0), (0, 1), (1, 1)):
            assert close(m.scatter[:, i, j] / 5, covariance[i, j])
            assert close(m.mean[:, i] * m.mean[:, j], covariance[i, j] / 6)


# ---- counts that are pooled and drawn from --------------------------------------------------------------------------------

counts = st.lists(st.integers(0, 20), min_size=1, max_size=6).filter(any)


@given(counts, st.integers(0, 2**32 - 1), st.data())
def test_counts_pool_and_subsample(values, seed, data):
    one = Counts(np.array([values, values[::-1]]))
    assert one.total == sum(values) and pooled(one, one).total == 2 * sum(values)
    n = data.draw(st.integers(1, sum(values)))
    drawn = subsample(one, n, np.random.default_rng(seed))
    assert drawn.total == n and (drawn.values <= one.values).all() and (drawn.values >= 0).all()
    if n == one.total:
        assert (drawn.values == one.values).all()


def test_subsampled_counts_are_hypergeometric(rng):
    values, n, runs = np.array([6, 0, 3, 4]), 5, 20_000
    drawn = subsample(Counts(np.tile(values, (runs, 1))), n, rng).values
    keys, seen = np.unique(drawn, axis=0, return_counts=True)
    expected = runs * stats.multivariate_hypergeom.pmf(keys, values, n)
    common = expected > 10
    assert stats.chisquare(seen[common], expected[common] * seen[common].sum() / expected[common].sum()).pvalue > ALPHA
    for k in range(4):
        assert (drawn[:, k] == 0).all() if values[k] == 0 else close(drawn[:, k], n * values[k] / 13)


# ---- runs along any number of axes, defaults, and models that nobody changes ----------------------------------------------


def test_counts_of_runs_along_several_axes(rng):
    values = np.array([[[5, 0, 3, 2], [1, 1, 1, 7], [0, 0, 10, 0]], [[2, 3, 4, 1], [10, 0, 0, 0], [4, 3, 2, 1]]])
    counts = Counts(values)
    drawn = subsample(counts, 6, rng)
    assert counts.total == 10 and drawn.total == 6 and (drawn.values <= values).all()
    assert (subsample(counts, 10, rng).values == values).all()
    assert (pooled(counts, counts).values == 2 * values).all() and pooled(counts, counts).total == 20
    assert np.allclose(Categorical(np.full(4, 0.25)).fit(counts).p, values / 10)
    assert np.allclose(temper(values / 10, 0.5), values**2 / (values**2).sum(axis=-1, keepdims=True))
    single = Counts(np.array([3, 0, 2]))  # and no axis at all
    assert subsample(Counts(np.array([10**9 - 1, 0])), 3, rng).total == 3  # as many as numpy draws from
    assert subsample(single, 4, rng).total == 4 and (subsample(single, 5, rng).values == single.values).all()


@pytest.mark.parametrize("d", [1, 2])
def test_moments_of_runs_along_several_axes(rng, d):
    points = rng.standard_normal((2, 3, 7, d))
    found = moments(points)
    for place in np.ndindex(2, 3):
        alone = moments(points[place])
        assert np.allclose(found.mean[place], alone.mean) and np.allclose(found.scatter[place], alone.scatter)
    twice = pooled(found, found)
    assert twice.n == 14 and np.allclose(twice.mean, found.mean) and np.allclose(twice.scatter, 2 * found.scatter)


def test_gaussians_along_several_axes(rng):
    points = rng.standard_normal((2, 3, 7, 2))
    fitted = MultivariateGaussian.standard(1, 2).fit(points)
    assert np.allclose(fitted.covariance, [[np.cov(x.T, ddof=0) for x in row] for row in points])
    for statistics in (True, False):
        model = MultivariateGaussian(fitted.mean, fitted.factor, statistics=statistics)
        m = moments(model.sample(9, rng))
        assert m.n == 9 and m.mean.shape == (2, 3, 2) and m.scatter.shape == (2, 3, 2, 2)
        line = Gaussian(np.zeros((2, 3)), np.ones((2, 3)), statistics=statistics)
        assert moments(line.sample(9, rng)).mean.shape == (2, 3)
        assert line.fit(line.sample(9, rng)).variance.shape == (2, 3)


def test_more_samples_than_features_are_enough():
    points = np.random.default_rng(0).standard_normal((5, 3, 2))  # three points in the plane, five runs
    for data in (points, points[None]):  # one axis of runs, and two
        assert np.isfinite(MultivariateGaussian.standard(5, 2).fit(data).log_det).all()
    with pytest.raises(ValueError, match="^data: 2 samples"):
        MultivariateGaussian.standard(5, 2).fit(points[:, :2])


def test_defaults_of_the_models():
    truth = Gaussian()
    assert (truth.mean, truth.variance, truth.ddof, truth.temperature, truth.statistics) == (0, 1, 0, 1, False)
    assert Categorical([1.0]).temperature == 1 and not MultivariateGaussian.standard(1, 2).statistics
    for ddof in (0, 1):
        one, two = (replacement_paths(2, 3, 5, rng=np.random.default_rng(0), **o) for o in ({}, {"ddof": ddof}))
        assert np.array_equal(one, two) == (ddof == 0)  # maximum likelihood unless told


@pytest.mark.parametrize("model, name", [
    (Gaussian(), "mean"), (MultivariateGaussian.standard(1, 2), "mean"), (Categorical([1.0]), "p"),
    (Counts(np.array([1])), "values"), (Bigram(3, 4), "words"), (Mixture(), "means"), (KernelDensity(), "points"),
])
def test_models_and_counts_are_frozen(model, name):
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(model, name, 1.0)


# ---- what is refused ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("call, name", [
    (lambda r: Gaussian(variance=-1.0), "variance: finite"), (lambda r: Gaussian(mean=np.nan), "mean: finite"),
    (lambda r: Gaussian(np.zeros(2), np.array([1, np.inf])), "variance: finite"),
    (lambda r: Gaussian(np.zeros(3), 1.0), "variance"), (lambda r: Gaussian(ddof=2), "ddof"),
    (lambda r: Gaussian(temperature=0), "temperature"), (lambda r: Gaussian(temperature=np.nan), "temperature"),
    (lambda r: Gaussian.standard(0), "runs"), (lambda r: Gaussian().sample(0, r), "n"),
    (lambda r: Gaussian(statistics=True).sample(2.5, r), "n"), (lambda r: Gaussian(statistics=True).sample(-1, r), "n"),
    (lambda r: Gaussian().fit(np.zeros((3, 4, 2))), "data"), (lambda r: Gaussian().fit(np.zeros(4)), "data"),
    (lambda r: Gaussian().fit(np.array([[1.0], [np.nan]])), "data"), (lambda r: Gaussian().fit(np.zeros((0, 1))), "data"),
    (lambda r: Gaussian(ddof=1).fit(np.zeros((1, 1))), "data"),
    (lambda r: Gaussian().fit(Moments(3, np.zeros(2), np.array([1, np.nan]))), "data"),
    (lambda r: Gaussian().fit(Moments(3, np.array([0, np.inf]), np.zeros(2))), "data"),
    (lambda r: MultivariateGaussian(np.zeros(2), np.eye(3)), "factor"),
    (lambda r: MultivariateGaussian(np.zeros(2), np.full((2, 2), np.nan)), "factor: finite"),
    (lambda r: MultivariateGaussian.standard(2, 3).fit(np.zeros((2, 3, 3))), "data: 3 samples"),
    (lambda r: MultivariateGaussian.standard(2, 2).fit(np.ones((2, 9, 2))), "data: the covariance is singular"),
    (lambda r: MultivariateGaussian.standard(2, 2, statistics=True).sample(2, r), "n"),
    (lambda r: bartlett(3, 3, (2,), r), "n"), (lambda r: replacement_paths(2, 3, 1, rng=r), "n"),
    (lambda r: replacement_paths(2, 0, 5, rng=r), "generations"), (lambda r: replacement_paths(0, 3, 5, rng=r), "runs"),
    (lambda r: replacement_paths(2, 3, 5, ddof=3, rng=r), "ddof"), (lambda r: replacement_paths(2, 3, 5.5, rng=r), "n"),
    (lambda r: Categorical([0.5, 0.6]), "p"), (lambda r: Categorical([1.5, -0.5]), "p"),
    (lambda r: Categorical([np.nan, 1]), "p"), (lambda r: Categorical([]), "p"), (lambda r: Categorical(0.5), "p"),
    (lambda r: Categorical([1.0], temperature=0), "temperature"), (lambda r: temper([1.0], np.nan), "temperature"),
    (lambda r: temper([0.5, 0.5, 0.0], np.inf), "temperature"), (lambda r: Categorical([1.0]).repeated(0), "runs"),
    (lambda r: Categorical([1.0]).repeated(2).repeated(2), "p"), (lambda r: Categorical([1.0]).sample(1.5, r), "n"),
    (lambda r: Categorical([1.0]).sample(0, r), "n"), (lambda r: Categorical([1.0]).fit(Counts(np.zeros(3, int))), "data"),
    (lambda r: Counts(np.array([0.5, 0.5])), "values"), (lambda r: Counts(np.array([-1, 2])), "values"),
    (lambda r: Counts(np.array([[1, 2], [2, 2]])), "values"), (lambda r: Counts(np.zeros((0, 3), int)), "values"),
    (lambda r: subsample(Counts(np.array([10**9, 0])), 3, r), "data"),
])
def test_bad_input_is_refused_by_name(call, name, rng):
    with pytest.raises(ValueError, match=f"^{name}"):
        call(rng)


def test_shares_within_rounding_are_accepted(rng):
    p = np.random.default_rng(0).dirichlet(np.ones(1000)).astype(np.float32)
    assert Categorical(p * np.float32(1 + 4e-7)).sample(100, rng).total == 100


def test_a_gaussian_of_lists_is_one_of_arrays():
    listed, arrays = (Gaussian(make([0.0]), make([1.0]), temperature=2) for make in (list, np.array))
    one, two = (model.sample(5, np.random.default_rng(5)) for model in (listed, arrays))
    assert np.array_equal(one, two)
    assert MultivariateGaussian([0, 0], [[1, 0], [0, 1]]).sample(3, np.random.default_rng(5)).shape == (3, 2)
