"""Mixtures and kernel densities: EM against scikit-learn, loops against their laws."""

import itertools

import numpy as np
import pytest
from collapse import chain, em, metrics, mixture, theory
from collapse.mixture import KernelDensity, Mixture, _draw
from scipy import stats
from sklearn.mixture import GaussianMixture


def blobs(runs=(), gap=2.0, **options):
    return Mixture.of([0.3, 0.7], [[-gap, 0], [gap, 1]], [np.eye(2), [[1, 0.5], [0.5, 2]]], runs, **options)


# ---- EM -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("gap", [1.0, 3.0])
def test_em_equals_scikit_learn_from_the_same_start(gap, rng):
    points = blobs((6,), gap).sample(400, rng)
    begin = Mixture.of([0.5, 0.5], [[-1, 0.5], [1, 0]], [np.eye(2)] * 2, start="warm")
    fitted = begin.fit(points, rng)
    for run in range(6):
        other = GaussianMixture(2, tol=1e-5, max_iter=2000, reg_covar=1e-6, weights_init=[0.5, 0.5],
                                means_init=begin.means, precisions_init=[np.eye(2)] * 2).fit(points[run])
        assert other.n_iter_ > 3
        assert np.allclose(fitted.log_density(points)[run].mean(), other.score(points[run]), atol=1e-6, rtol=0)
        assert np.allclose(fitted.means[run], other.means_, atol=1e-4)
        assert np.allclose(fitted.covariances[run], other.covariances_, atol=1e-4)
        assert np.allclose(fitted.weights[run], other.weights_, atol=1e-4)


def test_em_in_seven_dimensions_equals_scikit_learn(rng):
    d, k = 7, 3
    truth = Mixture.of([0.2, 0.3, 0.5], 3 * rng.standard_normal((k, d)), [np.eye(d)] * k)
    points = truth.sample(500, rng)
    fitted = Mixture.of([1 / 3] * 3, truth.means, [np.eye(d)] * k, start="warm").fit(points, rng)
    other = GaussianMixture(k, tol=1e-5, max_iter=2000, weights_init=[1 / 3] * 3, means_init=truth.means,
                            precisions_init=[np.eye(d)] * k).fit(points)
    assert np.allclose(fitted.log_density(points).mean(), other.score(points), atol=1e-6, rtol=0)


def test_seeds_find_what_scikit_learn_finds(rng):
    points = blobs((20,), 4.0).sample(500, rng)
    fitted = Mixture(2).fit(points, rng).log_density(points).mean(axis=1)
    other = [GaussianMixture(2, tol=1e-5, max_iter=2000, n_init=3, random_state=0).fit(x).score(x) for x in points]
    assert np.allclose(fitted, other, atol=1e-3)


def test_seeds_that_fall_into_one_blob_are_led_out_of_it(rng):
    truth = Mixture.of([0.5, 0.5], [[-2, 0], [2, 0]], [np.eye(2)] * 2, (500,), start="warm")
    points = truth.sample(1000, rng)
    best = truth.fit(points, rng).log_density(points).mean(axis=1)
    assert (Mixture(2).fit(points, rng).log_density(points).mean(axis=1) > best - 1e-3).all()


def test_data_far_from_the_origin_are_fitted_as_well(rng):
    points, far = blobs().sample(300, rng), np.array([1e7, -1e7])
    near, moved = blobs(start="warm"), Mixture.of([0.3, 0.7], blobs().means + far, blobs().covariances, start="warm")
    expected = near.fit(points, rng).covariances
    assert np.allclose(moved.fit(points + far, rng).covariances, expected, rtol=1e-5, atol=1e-5)


def test_every_step_raises_the_likelihood(rng):
    points = blobs(gap=1.0).sample(300, rng)
    x = np.swapaxes(points - points.mean(axis=0), 0, 1)[None]
    features, parts = em.features(x), em.Components(
        np.full((1, 3), 1 / 3), rng.standard_normal((1, 3, 2)), np.broadcast_to(np.eye(2), (1, 3, 2, 2)))
    likelihoods = []
    for _ in range(30):
        likelihood, responsibilities = em.expect(features, parts)
        assert np.allclose(responsibilities.sum(axis=1), 1, atol=1e-12)
        likelihoods.append(likelihood[0])
        parts = em.maximise(features, responsibilities, 1e-12, parts)
    assert (np.diff(likelihoods) > -1e-7).all() and likelihoods[-1] > likelihoods[0] + 0.1


@pytest.mark.parametrize("steps", [1, 2])
def test_em_takes_no_more_steps_than_it_may(steps, rng):
    points = blobs(gap=1.0).sample(300, rng)
    begin = blobs(gap=0.5, max_iter=steps, tol=0, start="warm")
    centre = points.mean(axis=0)
    features = em.features((points - centre).T[None])
    parts = em.Components(begin.weights[None], begin.means[None] - centre, begin.covariances[None])
    for _ in range(steps):
        parts = em.maximise(features, em.expect(features, parts)[1], begin.reg_covar, parts)
    fitted = begin.fit(points, rng)
    assert np.allclose(fitted.weights, parts.weights[0]) and np.allclose(fitted.covariances, parts.covariances[0])
    assert np.allclose(fitted.means, parts.means[0] + centre)


def test_seeds_are_drawn_by_squared_distance(rng, monkeypatch):
    """Of points at 0, 1 and 3, the second seed is each with a chance of d^2 / sum d^2, d from the first."""
    seeds, runs, line = [], 30_000, np.array([0.0, 1.0, 3.0])
    monkeypatch.setattr(mixture, "_draw", lambda *given: seeds.append(_draw(*given)) or seeds[-1])
    x = np.broadcast_to(line, (runs, 1, 3))
    mixture._seeded(x, em.features(x), 2, 1e-6, rng)
    first, second = (drawn[:, 0] for drawn in seeds)
    for i in range(3):
        squares = (line - line[i]) ** 2
        p, n = squares / squares.sum(), (first == i).sum()
        assert abs(n - runs / 3) < 4 * np.sqrt(runs * 2 / 9)
        assert (abs(np.bincount(second[first == i], minlength=3) - n * p) <= 4 * np.sqrt(n * p * (1 - p))).all()


def test_runs_do_not_touch_one_another(rng):
    points = blobs((30,), 1.5).sample(2000, rng)  # more than one block of runs
    begin = blobs(start="warm")
    together = begin.fit(points, rng)
    alone = begin.fit(points[17], rng)
    assert np.allclose(together.means[17], alone.means) and together.weights.shape == (30, 2)


def test_a_tiny_component_far_away_is_fitted_exactly(rng):
    near, far = 1e-4 * rng.standard_normal((200, 2)), [100.0, 50.0] + 1e-4 * rng.standard_normal((300, 2))
    fitted = Mixture(2, reg_covar=1e-12).fit(np.concatenate([near, far]), rng)
    k = int(np.argmin(fitted.means[:, 0]))
    assert np.allclose(fitted.covariances[k], np.cov(near.T, ddof=0), rtol=0.02, atol=2e-10)


def test_a_component_without_points_is_dead_and_makes_no_nan(rng):
    points = rng.standard_normal((100, 2))
    begin = Mixture.of([0.5, 0.5], [[0, 0], [1e4, 0]], [np.eye(2)] * 2, start="warm")
    fitted = begin.fit(points, rng)
    assert fitted.weights.tolist() == [1, 0]
    assert np.isfinite(em.coefficients(fitted.parts)).all()  # an infinite one makes some kernels of OpenBLAS warn
    assert fitted.means[1].tolist() == [1e4, 0] and np.allclose(fitted.covariances[1], np.eye(2))
    again = fitted.fit(fitted.sample(100, rng), rng)
    assert again.weights.tolist() == [1, 0] and np.isfinite(again.log_density(points)).all()
    revived = Mixture(2).fit(points, rng)
    assert (revived.weights > 0).all()


def test_log_density_is_that_of_scipy(rng):
    model, points = blobs(), rng.standard_normal((50, 2))
    expected = sum(w * stats.multivariate_normal(m, c).pdf(points) for w, m, c in zip(*model.parts, strict=True))
    assert np.allclose(model.log_density(points), np.log(expected))


def test_samples_have_the_mixture_s_weights_mean_and_covariance(rng):
    model = blobs((3,), 5.0)
    points = model.sample(40_000, rng)
    assert np.allclose((points[..., 0] < 0).mean(axis=1), 0.3, atol=0.01)
    assert np.allclose(points.mean(axis=1), model.mean, atol=0.1)
    assert np.allclose([np.cov(x.T) for x in points], model.covariance, rtol=0.03, atol=0.1)
    half = points[:, :20_000].mean(axis=1)  # any part of a sample is a sample
    assert np.allclose(half, model.mean, atol=0.15)


def test_runs_may_have_several_axes(rng):
    points = blobs((2, 3), 4.0).sample(60, rng)
    assert points.shape == (2, 3, 60, 2)
    fitted = blobs(gap=4.0, start="warm").fit(points, rng)
    density = fitted.log_density(points)
    wide = KernelDensity("scott").fit(points)
    assert fitted.covariance.shape == (2, 3, 2, 2) and wide.sample(5, rng).shape == (2, 3, 5, 2)
    for place in np.ndindex(2, 3):
        alone = blobs(gap=4.0, start="warm").fit(points[place], rng)
        assert np.allclose(fitted.means[place], alone.means) and np.allclose(fitted.weights[place], alone.weights)
        assert np.allclose(fitted.covariance[place], alone.covariance)
        assert np.allclose(density[place], alone.log_density(points[place]))
        assert np.allclose(wide.width[place], KernelDensity("scott").fit(points[place]).width)
    with pytest.raises(ValueError, match="^points: 2 features, not 1"):
        fitted.log_density(points[..., :1])
    points[1, 2, :, 1] = 3.0
    with pytest.raises(ValueError, match="^data: feature 1 is the same"):
        blobs(gap=4.0, start="warm").fit(points, rng)


def test_defaults_are_those_that_are_told():
    model = Mixture()
    assert (model.components, model.start, model.tol, model.max_iter, model.reg_covar) == (2, "k-means++", 1e-5, 2000, 1e-6)
    assert KernelDensity().bandwidth == "silverman"


@pytest.mark.parametrize("n, d", [(10, 1), (50, 3)])
def test_rules_of_bandwidth_by_hand(n, d, rng):
    points = rng.standard_normal((4, n, d)) * np.arange(1, d + 1)
    ml, unbiased = (points.std(axis=1, ddof=ddof, keepdims=True) for ddof in (0, 1))
    assert np.allclose(KernelDensity("silverman").fit(points).width, 1.06 * ml * n**-0.2)
    assert np.allclose(KernelDensity("scott").fit(points).width, unbiased * n ** (-1 / (d + 4)))
    assert np.allclose(KernelDensity(0.3).fit(points).width, np.full((4, 1, d), 0.3))


def test_chances_are_proportional_to_weights_of_any_sum(rng):
    weights = np.array([[2.0, 0.0, 6.0], [0.02, 0.1, 0.08]])
    drawn = _draw(weights, 20_000, rng)
    for row, w in zip(drawn, weights, strict=True):
        seen, expected = np.bincount(row, minlength=3), 20_000 * w / w.sum()
        assert (abs(seen - expected) <= 4 * np.sqrt(expected * (1 - w / w.sum()))).all()


# ---- the loop ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("start", ["warm", "k-means++"])
@pytest.mark.parametrize("components", [1, 2, 5])
def test_overall_moments_are_those_of_the_sample_whatever_em_did(start, components, rng):
    loop = chain(Mixture(components, start=start, tol=1e-3), blobs((4,)), n=150, rng=rng)
    for g in itertools.islice(loop, 12):
        sample = np.array([np.cov(x.T, ddof=0) for x in g.data]) + 1e-6 * np.eye(2)
        assert np.allclose(g.model.mean, g.data.mean(axis=1), atol=1e-8)
        assert np.allclose(g.model.covariance, sample, atol=1e-8)


def test_overall_covariance_obeys_the_law_of_one_gaussian(rng):
    n, runs, real = 30, 2000, blobs().covariance
    loop = chain(Mixture(2, tol=1e-2, reg_covar=1e-12), blobs((runs,)), n=n, rng=rng)
    for g in itertools.islice(loop, 15):
        if g.refits in (1, 6, 15):
            covariance = g.model.covariance
            error = covariance.std(axis=0) / np.sqrt(runs)
            kept = theory.mean_variance(g.refits, n, 0)
            assert (abs(covariance.mean(axis=0) - kept * real) < 4 * error).all()
            inside, between = np.trace(covariance.mean(axis=0)), g.model.mean.var(axis=0).sum()
            assert abs(inside + between - np.trace(real)) < 0.05 * np.trace(real)


def test_separate_modes_are_lost_like_two_categories(rng):
    n, runs = 20, 2000
    truth = Mixture.of([0.5, 0.5], [[-500, 0], [500, 0]], [np.eye(2)] * 2, (runs,), start="warm")
    loop = chain(truth, truth, n=n, rng=rng)
    for g in itertools.islice(loop, 31):
        if g.refits in (5, 30):
            left = (g.data[..., 0] < 0).mean(axis=1)
            both = np.mean((left > 0) & (left < 1))
            expected = 2 * theory.survival([0.5], n, g.refits)[-1, 0] - 1
            assert abs(both - expected) < 4 * np.sqrt(expected * (1 - expected) / runs)


def test_regularised_loop_settles_at_its_floor(rng):
    n, reg, runs = 25, 0.01, 2500
    truth = Mixture.of([1.0], [[0.0]], [[[1.0]]], (runs,), reg_covar=reg, start="warm")
    for g in itertools.islice(chain(truth, truth, n=n, rng=rng), 150):
        variance = g.model.covariances[:, 0, 0, 0]
        if g.refits in (10, 20):
            error = variance.std() / np.sqrt(runs)
            assert abs(variance.mean() - theory.regularised_variance(g.refits, n, reg)) < 4 * error
    assert np.median(variance) == pytest.approx(theory.regularised_quantile(0.5, n, reg), rel=0.08)
    assert theory.regularised_variance(1e6, n, reg) == pytest.approx(n * reg)
    assert theory.regularised_quantile(0.5, 1000, 1e-6) == pytest.approx(0.596e-3, rel=1e-3)


# ---- distances ----------------------------------------------------------------------------------------------


def test_l2_is_the_integral_of_the_squared_difference():
    first, second = blobs(), Mixture.of([0.6, 0.4], [[0, 0], [1, 1]], [np.eye(2), 0.5 * np.eye(2)])
    axis = np.linspace(-12, 12, 400)
    grid = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
    step = axis[1] - axis[0]
    gap = np.exp(first.log_density(grid)) - np.exp(second.log_density(grid))
    assert metrics.mixture_l2(first.parts, second.parts) == pytest.approx((gap**2).sum() * step**2, rel=1e-4)
    blur = 0.7**2 * np.eye(2)
    wider = [m.parts._replace(covariances=m.covariances + blur) for m in (first, second)]
    assert metrics.mixture_l2(first.parts, second.parts, smooth=0.7) == pytest.approx(metrics.mixture_l2(*wider))


def test_l2_measures_concentration():
    truth, s = Mixture.of([1.0], [[0, 0]], [np.eye(2)]), 0.0106
    apart = Mixture.of([0.5, 0.5], [[0, 0], [1, 0]], [s**2 * np.eye(2)] * 2)
    together = Mixture.of([0.5, 0.5], [[0, 0], [0, 0]], [s**2 * np.eye(2)] * 2)
    assert metrics.mixture_l2(apart.parts, truth.parts) == pytest.approx(theory.collapsed_l2(s, peaks=2), rel=0.01)
    assert metrics.mixture_l2(together.parts, truth.parts) == pytest.approx(theory.collapsed_l2(s), rel=0.01)
    assert round(float(theory.collapsed_l2(s, 2))) == 354 and round(float(theory.collapsed_l2(s))) == 708


def test_separation_tells_two_peaks_from_one():
    for gap, two in ((1.9, False), (2.1, True)):
        model = Mixture.of([0.5, 0.5], [[0, 0], [gap, 0]], [[[1, 0], [0, 9]]] * 2)
        line = np.stack([np.linspace(0, gap, 201), np.zeros(201)], axis=1)
        density = model.log_density(line)
        assert (metrics.separation(model.means, model.covariances) > 2) == two
        assert (density.max() > density[100] + 1e-12) == two
    assert metrics.separation(np.zeros((2, 2)), np.stack([np.eye(2)] * 2)) == 0


# ---- kernel densities -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("rule", ["silverman", "scott"])
def test_data_driven_bandwidth_inflates(rule, rng):
    n, runs = 25, 20_000
    points = rng.standard_normal((1, n, 1)).repeat(runs, axis=0)  # many children of one fixed sample
    child = KernelDensity(rule).fit(points).sample(n, rng)
    growth = child.var(axis=(1, 2)) / points.var(axis=(1, 2))
    assert abs(growth.mean() - theory.kernel_growth(n, rule)) < 4 * growth.std() / np.sqrt(runs)
    assert theory.kernel_growth(n, rule) > 1


def test_kernel_growth_at_a_hundred():
    assert theory.kernel_growth(100, "silverman") == pytest.approx(1.1663, abs=1e-4)
    assert theory.kernel_growth(100, "scott") == pytest.approx(1.1485, abs=1e-4)
    with pytest.raises(ValueError, match="rule"):
        theory.kernel_growth(100, "other")


def test_fixed_bandwidth_settles(rng):
    n, h, runs = 20, 0.1, 3000
    truth = Mixture.of([1.0], [[0.0]], [[[1.0]]], (runs,))
    for g in itertools.islice(chain(KernelDensity(h), truth, n=n, rng=rng), 101):
        if g.refits in (1, 10, 101):
            variance = g.data.var(axis=(1, 2))
            expected = theory.kernel_variance(g.refits, n, h)
            assert abs(variance.mean() - expected) < 4 * variance.std() / np.sqrt(runs)
    assert expected == pytest.approx(0.1945, abs=1e-4)


def test_kernel_width_is_that_of_scipy(rng):
    points = rng.standard_normal((60, 1))
    other = stats.gaussian_kde(points[:, 0])  # Scott's rule
    assert KernelDensity("scott").fit(points).width[0, 0] ** 2 == pytest.approx(other.covariance[0, 0])


# ---- what is refused ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", [Mixture(3), KernelDensity()])
@pytest.mark.parametrize("data", [
    np.zeros((1, 2)), np.ones((10, 2)), np.array([[0.0, 1], [np.nan, 2], [3, 4], [5, 5]]),
    np.array([[0.0, 1], [np.inf, 2], [-np.inf, 4], [5, 5]]), np.zeros(5), np.empty((0, 5, 2)),
    np.stack([np.arange(9.0), np.full(9, 2.0)], axis=1)])
def test_data_that_cannot_be_fitted_are_named(model, data, rng):
    with pytest.raises(ValueError, match="^data:"):
        model.fit(data, rng)


def test_fewer_points_than_components_and_a_constant_feature_say_so(rng):
    with pytest.raises(ValueError, match="data.*at least 3"):
        Mixture(3).fit(rng.standard_normal((2, 2)), rng)
    with pytest.raises(ValueError, match="data: feature 1 is the same"):
        Mixture(2).fit(np.stack([rng.standard_normal((9,)), np.zeros(9)], axis=1), rng)


@pytest.mark.parametrize("options, name", [
    ({"components": 0}, "components"), ({"components": 1.5}, "components"), ({"start": "cold"}, "start"),
    ({"reg_covar": 0}, "reg_covar"), ({"reg_covar": np.nan}, "reg_covar"), ({"tol": -1}, "tol"),
    ({"tol": np.nan}, "tol"), ({"max_iter": 0}, "max_iter")])
def test_options_of_a_mixture_are_checked(options, name):
    with pytest.raises(ValueError, match=f"^{name}"):
        Mixture(**options)


@pytest.mark.parametrize("bandwidth", ["other", 0, -1.0, np.nan, np.inf, None])
def test_bandwidths_are_checked(bandwidth):
    with pytest.raises(ValueError, match="^bandwidth"):
        KernelDensity(bandwidth)


def test_given_components_are_checked():
    with pytest.raises(ValueError, match="^weights"):
        Mixture.of([0.5, 0.6], [[0], [1]], [[[1.0]]] * 2)
    with pytest.raises(ValueError, match="^covariances"):
        Mixture.of([0.5, 0.5], [[0], [1]], [[[1.0]], [[0.0]]])
    with pytest.raises(ValueError, match="^weights, means"):
        Mixture.of([1.0], [[0], [1]], [[[1.0]]] * 2)
    with pytest.raises(ValueError, match="^weights, means"):
        Mixture.of([0.5, 0.5], np.zeros((2, 2, 1)), [[[1.0]]] * 2)
    with pytest.raises(ValueError, match="^covariances: shape"):
        Mixture.of([0.5, 0.5], [[0], [1]], [[[1.0]]])


def test_a_covariance_lost_to_rounding_names_reg_covar(rng):
    points = np.array([[0.0, 0.0], [1e6, 1e6], [2e6, 2e6], [3e6, 3e6]])  # on one line, far from the origin
    with pytest.raises(ValueError, match="^reg_covar"):
        Mixture(1, reg_covar=1e-12).fit(points, rng)


def test_a_first_warm_fit_uses_seeds_and_leaves_the_model_alone(rng):
    model = Mixture(2, start="warm")
    fitted = model.fit(blobs().sample(100, rng), rng)
    assert model.weights is None and fitted.weights.shape == (2,)
