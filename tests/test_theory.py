"""The closed forms of chapters 1, 2 and 4: their published values, simulation through the loop, what they refuse."""

import inspect
import itertools
from pathlib import Path

import numpy as np
import pytest
from collapse import chain, metrics, theory
from collapse.discrete import Categorical
from collapse.gaussian import Gaussian, MultivariateGaussian
from scipy import optimize, stats
from simulation import close, generations, zipf

ZIPF = zipf(20)
H0 = 1 - (ZIPF**2).sum()
THREE = (0.5, 0.3, 0.2)


def row(values, *refits):
    """Return rows of an array that starts at refit 1."""
    return values[np.array(refits) - 1]


# ---- published values: each to half a unit of its last digit ---------------------------------------------------

PUBLISHED = {
    "D1": (H0 * theory.diversity(np.array([1, 10, 30, 60]), 50), [0.8592, 0.7163, 0.4782, 0.2609], 4),
    "D2": (H0 * theory.squared_distance(np.array([10, 30]), 50), [0.1604, 0.3985], 4),
    "S6 alive": (row(theory.survival(0.01, 100, 50)[:, 0], 1, 5, 20, 50), [0.6340, 0.2710, 0.0909, 0.0411], 4),
    "S6 support": (row(theory.survival(ZIPF, 50, 20).sum(axis=1), 1, 5, 10, 20), [15.08, 8.69, 6.03, 3.91], 2),
    "D8 rate": (row(np.arange(1, 1001) * theory.branching_rate(1000), 1, 2, 5, 10, 50, 1000),
                [1, 1.264, 1.560, 1.723, 1.919, 1.994], 3),
    "D8 alive": (row(theory.survival_branching(0.01, 100, 50)[:, 0], 1, 5, 20, 50),
                 [0.6321, 0.2681, 0.0876, 0.0376], 4),
    "D8 support": (row(theory.survival_branching(ZIPF, 50, 20).sum(axis=1), 1, 5, 10, 20),
                   [15.01, 8.51, 5.79, 3.61], 2),
    "D8 life": ([theory.median_life(c) for c in (1, 2, 5, 10, 50)], [2, 5, 13, 27, 142], 0),
    "S6 time": ([theory.fixation_time(THREE, 100), theory.fixation_time([0.1] * 10, 100),
                 theory.fixation_time([0.01] * 100, 100), theory.fixation_time([0.9, 0.1], 100),
                 theory.fixation_time([0.5, 0.5], 50)], [152.86, 187.43, 196.74, 63.45, 67.52], 2),
    "S6 time, large": (theory.fixation_time([0.1] * 10, 1000), 1893.5, 1),
    "D5": ([theory.fixation_time_diffusion(THREE, 100), theory.fixation_time_diffusion([0.1] * 10, 100),
            theory.fixation_time_diffusion([0.01] * 100, 100), theory.fixation_time_diffusion([0.1] * 10, 1000),
            theory.fixation_time_diffusion([0.9, 0.1], 100), theory.fixation_time_diffusion([0.5, 0.5], 50)],
           [155.0, 189.6, 199.0, 1896.5, 65.0, 69.3], 1),
    "D7": ([theory.first_loss_time(THREE, 100), theory.first_loss_time([0.1] * 10, 100)], [50.98, 8.11], 2),
    "D7, five": (theory.first_loss_time([0.2] * 5, 200), 46.7, 1),
    "c4": ([theory.c4(n) for n in (10, 30, 100)], [0.97266, 0.99142, 0.99748], 5),
    "a": ([theory.std_factor(n, 0) for n in (10, 30, 100)], [0.92275, 0.97475, 0.99248], 5),
    "G1 std": (theory.std_factor(30, 1) ** np.array([10, 60]), [0.9174, 0.5962], 4),
    "G1 mean": (theory.variance_of_mean(10, 30, 1), 0.3333, 4),
    "G1 log": (np.array([10, 60]) * theory.log_variance_drift(30, 1), [-0.3488, -2.0927], 4),
    "G1 log spread": ([theory.log_variance_spread(10, 30)], [0.7140], 4),
    "G1 log spread, late": ([theory.log_variance_spread(60, 30)], [4.284], 3),
    "G1 distance": ([theory.wasserstein2(10, 30, 1), theory.wasserstein2(11, 100, 1)], [0.4985, 0.1648], 4),
    "G1 distance, late": (theory.wasserstein2(60, 30, 1), 2.808, 3),
    "G2 moments": ([theory.mean_variance(10, 30, 0), theory.variance_of_mean(10, 30, 0),
                    theory.wasserstein2(10, 30, 0), theory.std_factor(30, 0) ** 60], [0.7125, 0.2875, 0.4512, 0.2156], 4),
    "G2 late": ([60 * theory.log_variance_drift(30, 0), theory.wasserstein2(60, 30, 0), theory.mean_variance(60, 30, 0)],
                [-4.127, 1.569, 0.131], 3),
    "G3": ([theory.half_life(n, d) for n, d in ((10, 1), (10, 0), (100, 1), (100, 0))], [12.0, 6.3, 136.8, 68.7], 1),
    "G3, large": ([theory.half_life(1000, 1), theory.half_life(1000, 0)], [1384, 692.5], 0),
    "G7": (theory.biased_variance(20, 100, 0.9), 0.1351, 4),
    "G9 rates": (theory.lyapunov(40, 4, 1), [-0.0259, -0.0525, -0.0799, -0.1081], 4),
    "G9 log det": (20 * theory.log_det_drift(40, 4, 1), -5.327, 3),
    "G9 shape": (theory.log_condition_early(np.array([5, 10]), 40), [0.83, 1.18], 2),
    "G11": (theory.wasserstein2_early(np.array([1, 2, 5, 10]), 100, 4), [0.0900, 0.1800, 0.4500, 0.9000], 4),
    "G12": ([theory.model_divergence(30, 30, 0), theory.model_divergence(30, 30, 1)], [1.0317, 1.0232], 4),
    "G12 precision": (theory.mean_precision(10, 30, 0), 2.868, 3),
    "L1": ([theory.linear_vae_variance(2, 0.5, 1, 1, "means"), theory.linear_vae_variance(2, 0.5, 2, 1, "means")],
           [1.5, 1.0], 9),
    "L1 draws": ([theory.linear_vae_variance(2, 0.5, 1, 7, "draws"), theory.linear_vae_variance(2, 0.5, 2, 1, "draws"),
                  theory.linear_vae_variance(0.1, 0.5, 1, 1, "draws")], [2, 1.5, 0.5], 9),
    "L2": (theory.pixel_entropy(np.array([0, 0.5, 1])), [0, np.log(2), 0], 12),
}


@pytest.mark.parametrize("tag", PUBLISHED)
def test_published_values(tag):
    value, published, digits = PUBLISHED[tag]
    assert np.asarray(value) == pytest.approx(np.asarray(published, dtype=float), abs=0.51 * 10.0**-digits, rel=0)


def test_every_closed_form_is_tested_somewhere():
    tests = "".join(path.read_text() for path in Path(__file__).parent.glob("test_*.py"))
    named = [name for name, f in inspect.getmembers(theory, inspect.isfunction)
             if not name.startswith("_")]
    assert named == sorted(theory.__all__)
    assert [name for name in named if f"theory.{name}(" not in tests] == []


# ---- categories ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def breeds():
    """Shares of 4,000 runs, Zipf's law on 20 categories, N = 50, refits 1 to 60."""
    truth = Categorical(ZIPF).repeated(4000)
    return np.array([g.model.p for g in generations(chain(truth, truth, n=50, rng=np.random.default_rng(1)), 60)])


@pytest.mark.parametrize("t", [1, 10, 30, 60])
def test_d1_d2_diversity_and_distance(breeds, t):
    p = breeds[t - 1]
    assert close(metrics.heterozygosity(p), H0 * theory.diversity(t, 50))
    assert close(((p - ZIPF) ** 2).sum(axis=1), H0 * theory.squared_distance(t, 50))


def test_diversity_moves_from_inside_to_between_at_every_refit(breeds):
    for p in breeds:
        assert close(metrics.heterozygosity(p) + ((p - ZIPF) ** 2).sum(axis=1), H0)


def test_d10_the_score_under_the_truth_stays(breeds):
    for t in (1, 5, 20, 60):
        assert close(metrics.score(breeds[t - 1], ZIPF), metrics.entropy(ZIPF))


@pytest.mark.parametrize("t", [1, 5, 10, 20, 60])
def test_s6_categories_alive(breeds, t):
    alive, exact = breeds[t - 1] > 0, theory.survival(ZIPF, 50, t)[-1]
    assert close(alive.sum(axis=1), exact.sum())
    error = np.sqrt(exact * (1 - exact) / len(alive)) + 1e-9
    assert (abs(alive.mean(axis=0) - exact) < 4.5 * error).all()  # 20 categories at once


def test_d8_is_a_lower_bound_near_the_exact_law():
    p = np.array([0.001, 0.01, 0.1])
    exact, branching = theory.survival(p, 200, 100), theory.survival_branching(p, 200, 100)
    assert (branching <= exact + 1e-12).all()
    assert abs(branching - exact)[:20, :2].max() < 0.01


def test_d8_median_life_agrees_with_the_exact_chain():
    matrix = theory.drift_matrix(1000)
    assert np.allclose(matrix.sum(axis=1), 1)
    for count in (1, 2, 5):
        law, lost = np.eye(1001)[count], []
        for _ in range(20):
            law = law @ matrix
            lost.append(law[0])
        assert np.argmax(np.array(lost) > 0.5) + 1 == theory.median_life(count)


def test_d4_d5_d7_winners_and_times():
    n, runs = 20, 6000
    truth = Categorical(np.array(THREE)).repeated(runs)
    shares = np.array([g.model.p for g in generations(chain(truth, truth, n=n, rng=np.random.default_rng(2)), 400)])
    alive = metrics.alive(shares)
    assert (alive[-1] == 1).all()
    winners = shares[-1].argmax(axis=1)
    assert stats.chisquare(np.bincount(winners), runs * np.array(THREE)).pvalue > 1e-3
    assert close((alive == 1).argmax(axis=0) + 1, theory.fixation_time(THREE, n))
    assert close((alive < 3).argmax(axis=0) + 1, theory.first_loss_time(THREE, n), slack=1.0)


@pytest.mark.parametrize("n", [25, 100, 400])
def test_d5_is_too_high_by_a_third_of_log_n_and_a_half(n):
    excess = theory.fixation_time_diffusion([0.5, 0.5], n) - theory.fixation_time([0.5, 0.5], n)
    assert excess == pytest.approx(np.log(n) / 3 + 0.5, abs=0.1)


def test_d7_integral_is_the_sum_over_subsets():
    p, n = np.array([0.4, 0.3, 0.15, 0.1, 0.05]), 80
    subsets = [s for k in range(1, 6) for s in itertools.combinations(p, k)]
    total = 2 * n * sum((-1) ** len(s) * sum(s) * np.log(sum(s)) for s in subsets)
    assert theory.first_loss_time(p, n) == pytest.approx(total, rel=1e-6)


@pytest.mark.parametrize("temperature", [0.8, 1.25])
def test_d9_temperature_through_the_loop(temperature):
    p = np.array([0.4, 0.35, 0.25])
    loop = chain(Categorical(p, temperature), Categorical(p), n=10**12, rng=np.random.default_rng(3))
    for g in generations(loop, 6):  # the first fit sees the real shares
        assert g.model.p == pytest.approx(theory.tempered(p, temperature, g.refits), abs=1e-4)


def test_d9_stays_finite_for_ever():
    assert theory.tempered([0.6, 0.4, 0.0], 0.5, 5000) == pytest.approx([1, 0, 0])
    assert theory.tempered([0.6, 0.4, 0.0], 10.0, 5000) == pytest.approx([0.5, 0.5, 0])


@pytest.mark.parametrize("form", [
    lambda p: theory.fixation_time(p, 30), lambda p: theory.fixation_time_diffusion(p, 30),
    lambda p: theory.score_spread(3, 30, p), lambda p: theory.memoriser_error(30, p),
    lambda p: theory.memoriser_error_recursive(3, 30, p), lambda p: theory.survival(p, 30, 4).sum(axis=1),
    lambda p: theory.survival_branching(p, 30, 4).sum(axis=1), lambda p: theory.tempered(p, 0.7, 3).max(),
])
def test_a_category_that_nobody_has_changes_nothing(form):
    assert form([*THREE, 0.0]) == pytest.approx(form(THREE))


def test_one_category_stays_for_ever():
    alone = [0.0, 1.0]
    assert theory.fixation_time_diffusion(alone, 30) == theory.score_spread(5, 30, alone) == 0
    assert theory.memoriser_error([1, 30], alone) == pytest.approx([0, 0], abs=1e-12)
    assert theory.survival(1.0, 30, 3) == pytest.approx(np.ones((3, 1)))
    assert theory.tempered(alone, 0.5, 4) == pytest.approx(alone)


# ---- one Gaussian ------------------------------------------------------------------------------------------------

N = 30


@pytest.fixture(scope="module", params=[0, 1])
def walk(request):
    """ddof, means and variances (60, 20000) at refits 1 to 60, N = 30."""
    truth = Gaussian.standard(20_000, ddof=request.param, statistics=True)
    models = [g.model for g in generations(chain(truth, truth, n=N, rng=np.random.default_rng(4)), 60)]
    return request.param, np.array([m.mean for m in models]), np.array([m.variance for m in models])


@pytest.mark.parametrize("t", [1, 10, 60])
def test_g1_g2_log_variance_and_std(walk, t):
    ddof, _, variance = walk
    log_variance, drift = np.log(variance[t - 1]), theory.log_variance_drift(N, ddof)
    assert close(log_variance, t * drift)
    assert close((log_variance - t * drift) ** 2, theory.log_variance_spread(t, N))
    assert close(np.sqrt(variance[t - 1]), theory.std_factor(N, ddof) ** t)


@pytest.mark.parametrize("t", [1, 5, 10])  # no later: these means live in runs that nobody draws
def test_g1_g2_g12_means(walk, t):
    ddof, mean, variance = walk[0], walk[1][t - 1], walk[2][t - 1]
    assert close(variance, theory.mean_variance(t, N, ddof))
    assert close(mean**2, theory.variance_of_mean(t, N, ddof))
    assert close(metrics.wasserstein2_1d(mean, variance), theory.wasserstein2(t, N, ddof))
    assert close((variance + mean**2 - 1 - np.log(variance)) / 2, theory.model_divergence(t, N, ddof))
    assert close(1 / variance, theory.mean_precision(t, N, ddof))


def test_g2_variance_is_conserved_at_every_refit(walk):
    ddof, mean, variance = walk
    for t in range(1, N + 1):
        total = 1.0 if ddof == 0 else 1 + t / N
        assert close(variance[t - 1] + mean[t - 1] ** 2, total)


@pytest.mark.parametrize("level", [0.1, 0.5, 0.9])
def test_g1_quantiles(walk, level):
    ddof, _, variance = walk
    below = variance[59] < theory.variance_quantile(level, 60, N, ddof)
    assert close(below, level, slack=0.01)


def test_g1_the_tail_that_reference_gives():
    assert theory.variance_quantile(1 - 0.193, 800, 100, 1) == pytest.approx(0.1**2, rel=0.02)


@pytest.mark.parametrize("n, ddof", [(10, 0), (10, 1), (100, 0), (1000, 1)])
def test_g3_half_of_the_geometric_mean_is_left_after_a_half_life(n, ddof):
    left = np.exp(theory.half_life(n, ddof) * theory.log_variance_drift(n, ddof) / 2)
    assert left == pytest.approx(0.5)


def test_g2_the_distance_saturates_or_diverges():
    assert theory.wasserstein2(1e6, N, 0) == pytest.approx(2)
    assert theory.wasserstein2(1e6, N, 1) == pytest.approx(1e6 / N + 2)


def test_g7_biased_sampling_after_a_first_fit_on_real_data():
    runs = 4000
    cool = Gaussian.standard(runs, ddof=1, temperature=0.9, statistics=True)
    real = Gaussian.standard(runs, statistics=True)
    for g in generations(chain(cool, real, n=100, rng=np.random.default_rng(5)), 20):
        assert close(g.model.variance, theory.biased_variance(g.refits, 100, 0.9))


def test_c4_for_any_n():
    for n in (10**4, 10**7, 10**12):
        assert (1 - theory.c4(n)) * 4 * (n - 1) == pytest.approx(1, abs=1e-3)


# ---- several dimensions -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ddof", [0, 1])
@pytest.mark.parametrize("statistics, length", [(True, 40), (False, 5)])
def test_g9_each_diagonal_of_the_factor_falls_at_its_own_rate(ddof, statistics, length):
    ball = MultivariateGaussian.standard(2000, 4, ddof=ddof, statistics=statistics)
    last = generations(chain(ball, ball, n=40, rng=np.random.default_rng(6)), length)[-1]
    assert close(last.model.log_det, last.refits * theory.log_det_drift(40, 4, ddof))
    logs = 2 * np.log(np.diagonal(last.model.factor, axis1=-2, axis2=-1))
    for i, rate in enumerate(theory.lyapunov(40, 4, ddof)):  # triangular factors: their QR is themselves
        assert close(logs[:, i], last.refits * rate)


def test_g9_round_data_are_an_ellipse_soon():
    ball = MultivariateGaussian.standard(20_000, 2, ddof=1, statistics=True)
    for g in generations(chain(ball, ball, n=400, rng=np.random.default_rng(7)), 10):
        if g.refits in (5, 10):
            median = np.median(np.log(np.linalg.cond(g.model.covariance)))
            assert median == pytest.approx(theory.log_condition_early(g.refits, 400), rel=0.03)


def test_g11_distance_in_four_dimensions():
    ball = MultivariateGaussian.standard(4000, 4, statistics=True)
    for g in generations(chain(ball, ball, n=100, rng=np.random.default_rng(8)), 5):
        distance = metrics.wasserstein2(g.model.mean, g.model.covariance, np.zeros(4), np.eye(4))
        expected = theory.wasserstein2_early(g.refits, 100, 4)
        assert close(distance, expected, slack=0.02 * expected)


# ---- images ---------------------------------------------------------------------------------------------------------


def best_gain(variance: float, noise: float, beta: float) -> float:
    """Return the squared decoder gain at the optimum of a linear VAE's objective, found by search."""

    def loss(x):
        gain, encoder, log_s = x
        rebuilt = ((1 - gain * encoder) ** 2 * variance + gain**2 * np.exp(log_s)) / (2 * noise)
        return rebuilt + beta * (encoder**2 * variance + np.exp(log_s) - 1 - log_s) / 2

    starts = [(1.0, 0.5, -1.0), (0.1, 0.1, 0.0)]
    return min((optimize.minimize(loss, x, tol=1e-12) for x in starts), key=lambda r: r.fun).x[0] ** 2


@pytest.mark.parametrize("beta", [1.0, 2.0])
@pytest.mark.parametrize("output", ["means", "draws"])
def test_l1_against_the_objective_itself(beta, output):
    noise = 0.2
    for start in (3.0, 1.0, 0.3):
        variance = start
        for t in range(1, 5):
            variance = best_gain(variance, noise, beta) + (noise if output == "draws" else 0)
            assert variance == pytest.approx(theory.linear_vae_variance(start, noise, beta, t, output), abs=2e-3)


def test_l1_against_principal_components_of_samples():
    rng, noise = np.random.default_rng(9), 0.2
    scale = np.sqrt([3.0, 1.0, 0.3])
    points = rng.standard_normal((200_000, 3)) * scale
    for t in (1, 2, 3):
        values, vectors = np.linalg.eigh(np.cov(points, rowvar=False))
        weights = vectors * np.sqrt(np.maximum(values - noise, 0))  # the maximum-likelihood loadings
        points = rng.standard_normal((200_000, 3)) @ weights.T
        expected = theory.linear_vae_variance([3, 1, 0.3], noise, 1, t, "means")
        assert np.sort(points.var(axis=0))[::-1] == pytest.approx(expected, abs=0.04)


# ---- what is refused --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("call, name", [
    (lambda: theory.diversity(1, 0), "n"), (lambda: theory.drift_matrix(0), "n"),
    (lambda: theory.survival(1.5, 10, 2), "p"), (lambda: theory.survival_branching(np.nan, 10, 2), "p"),
    (lambda: theory.median_life(0), "count"), (lambda: theory.fixation_time([0.5, 0.6], 10), "p"),
    (lambda: theory.fixation_time_diffusion([-0.1, 1.1], 10), "p"), (lambda: theory.first_loss_time([0.2], 10), "p"),
    (lambda: theory.tempered(THREE, 0, 3), "temperature"), (lambda: theory.tempered(THREE, np.nan, 3), "temperature"),
    (lambda: theory.tempered([1, 2], 0.8, 3), "p"), (lambda: theory.c4(1), "n"),
    (lambda: theory.mean_variance(3, 1, 1), "n"), (lambda: theory.variance_of_mean(3, 10, 2), "ddof"),
    (lambda: theory.wasserstein2(3, 10, None), "ddof"), (lambda: theory.log_variance_drift(np.nan, 1), "n"),
    (lambda: theory.log_variance_spread(3, 1), "n"), (lambda: theory.variance_quantile(1.5, 3, 10, 0), "level"),
    (lambda: theory.half_life(1, 0), "n"), (lambda: theory.mean_precision(3, 3, 0), "n"),
    (lambda: theory.lyapunov(4, 4, 0), "n"), (lambda: theory.log_det_drift(3, 5, 1), "n"),
    (lambda: theory.linear_vae_variance(1, 0.2, 1, 1, "mean"), "output"),
    (lambda: theory.linear_vae_variance(1, 0.2, 0.5, 1, "draws"), "beta"),
    (lambda: theory.linear_vae_variance(1, -0.2, 1, 1, "means"), "noise"),
    (lambda: theory.drift_matrix(5001), "n"),
    (lambda: theory.verifier_threshold(0.0, 0.2), "keep_right"), (lambda: theory.golden_weight(0.0), "k"),
    (lambda: theory.regularised_quantile(0.5, 50, 0.0), "reg_covar"), (lambda: theory.collapsed_l2(0.0), "std"),
    (lambda: theory.kept_correct(0.3, 0.0, 0.0), "keep_right, keep_wrong"), (lambda: theory.truncated_variance(0.0), "c"),
    (lambda: theory.diversity(3, 1e13), "n"), (lambda: theory.diversity(-0.5, 50), "refits"),
    (lambda: theory.fixation_time([0.5, 0.5 + 1e-5], 50), "p"), (lambda: theory.fixation_time([[0.5, 0.5]], 50), "p"),
    (lambda: theory.kept_accumulate(0, 50), "refits"), (lambda: theory.kept_accumulate([3, 0], 50), "refits"),
    (lambda: theory.kept_frozen(3, 50, 0.019), "alpha"), (lambda: theory.fresh_share_needed(50, 0.99), "kept"),
    (lambda: theory.kept_fresh(2.5, 10, 0.95), "refits"), (lambda: theory.first_loss_time([1.0], 10), "p"),
    (lambda: theory.pixel_entropy(1.1), "x"), (lambda: theory.pixel_entropy(np.nan), "x"),
])
def test_what_has_no_answer_is_refused_by_name(call, name):
    with pytest.raises(ValueError, match=f"^{name}:"):
        call()


def test_closed_forms_at_the_ends_of_their_ranges():
    needed = theory.fresh_share_needed(10**9, 1e-6)
    assert needed == pytest.approx(1e-6 / (2e9 * (1 - 1e-6)), rel=1e-6) and needed > 0
    assert theory.systematic_replace(10, 1e-17) == pytest.approx(10)
    assert theory.systematic_replace(np.inf, 0.1) == pytest.approx(10)
    assert (theory.variance_quantile(np.array([0.0, 0.5, 1.0]), 0, 50, 1) == 1).all()
    exact = stats.chi2.ppf([0.1, 0.9], 199) / 199
    assert theory.variance_quantile(np.array([0.1, 0.9]), 1, 200, 1) == pytest.approx(exact, rel=0.01)
    halves = [0.5, 0.5]  # the first loss is the last
    assert theory.first_loss_time(halves, 100) == pytest.approx(theory.fixation_time_diffusion(halves, 100), rel=1e-6)


def test_a_share_that_rounds_above_1_is_1():
    above = [1 + 5e-7, 0.0]
    assert theory.fixation_time(above, 10) == pytest.approx(1) and theory.fixation_time_diffusion(above, 100) == 0
