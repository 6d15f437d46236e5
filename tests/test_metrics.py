"""Distances and diversity against independent computations, and what they refuse."""

import numpy as np
import pytest
from collapse import metrics
from scipy import integrate, linalg, stats


def random_covariance(rng, d):
    root = rng.standard_normal((d, d))
    return root @ root.T


def test_heterozygosity_is_the_chance_that_two_draws_differ(rng):
    p = rng.dirichlet(np.ones(5), size=3)
    assert metrics.heterozygosity(p) == pytest.approx([1 - sum(x * x for x in row) for row in p])
    assert metrics.heterozygosity(np.full(4, 0.25)) == pytest.approx(0.75)
    assert metrics.heterozygosity([0, 1, 0]) == 0


def test_entropy_is_in_nats_along_the_last_axis(rng):
    p = rng.dirichlet(np.ones(5), size=(2, 3))
    assert metrics.entropy(p) == pytest.approx(stats.entropy(p, axis=-1))
    assert metrics.entropy([0.0, 1.0]) == 0 and not np.signbit(metrics.entropy([0.0, 1.0]))


def test_alive_counts_categories():
    assert list(metrics.alive([[0.5, 0, 0.5], [0, 0, 1]])) == [2, 1]


def test_score_is_a_cross_entropy(rng):
    p, q = rng.dirichlet(np.ones(4), size=3), rng.dirichlet(np.ones(4))
    assert metrics.score(p, q) == pytest.approx(stats.entropy(p, axis=1) + [stats.entropy(row, q) for row in p])
    assert metrics.score([1, 0], [1, 0]) == 0  # what nobody says costs nothing


def test_wasserstein2_1d_against_the_integral_of_quantiles():
    def cost(u):
        return (1.5 + 0.3 * stats.norm.ppf(u) - stats.norm.ppf(u)) ** 2

    expected = integrate.quad(cost, 0, 1)[0]
    assert metrics.wasserstein2_1d(1.5, 0.09) == pytest.approx(expected, rel=1e-4)
    assert metrics.wasserstein2_1d(np.zeros(2), np.ones(2)) == pytest.approx([0, 0])


def test_wasserstein2_against_scipy_and_in_one_dimension(rng):
    one, two = random_covariance(rng, 3), random_covariance(rng, 3)
    mean = rng.standard_normal(3)
    cross = linalg.sqrtm(linalg.sqrtm(two) @ one @ linalg.sqrtm(two)).real
    expected = mean @ mean + np.trace(one + two - 2 * cross)
    assert metrics.wasserstein2(mean, one, np.zeros(3), two) == pytest.approx(expected)
    assert metrics.wasserstein2(np.zeros(3), two, mean, one) == pytest.approx(expected)
    assert metrics.wasserstein2(mean, one, mean, one) == pytest.approx(0, abs=1e-12)
    line = metrics.wasserstein2(np.array([-0.5]), np.array([[0.09]]), np.zeros(1), np.eye(1))
    assert line == pytest.approx(metrics.wasserstein2_1d(-0.5, 0.09))


def test_wasserstein2_takes_runs_and_singular_covariances(rng):
    many = np.array([random_covariance(rng, 2) for _ in range(4)])
    means = rng.standard_normal((4, 2))
    single = [metrics.wasserstein2(m, c, np.zeros(2), np.eye(2)) for m, c in zip(means, many)]
    assert metrics.wasserstein2(means, many, np.zeros(2), np.eye(2)) == pytest.approx(single)
    assert metrics.wasserstein2(np.zeros(2), np.zeros((2, 2)), np.zeros(2), np.eye(2)) == pytest.approx(2)


def test_frechet_distance_of_shifted_and_scaled_features(rng):
    x = rng.standard_normal((500, 3))
    assert metrics.frechet_distance(x, x) == pytest.approx(0, abs=1e-9)
    assert metrics.frechet_distance(x + np.array([3, 0, 0]), x) == pytest.approx(9)
    assert metrics.frechet_distance(2 * (x - x.mean(0)), x - x.mean(0)) == pytest.approx(np.trace(np.cov(x.T)))
    assert metrics.frechet_distance(x[:, :1] + 2, x[:, :1]) == pytest.approx(4)


def test_precision_and_recall_tell_fidelity_from_diversity(rng):
    left, right = rng.normal(-10, 1, (100, 2)), rng.normal(10, 1, (100, 2))
    both, noise = np.vstack([left, right]), rng.normal(0, 1, (50, 2)) + [0, 100]
    precision, recall = metrics.precision_recall(left, both)
    assert precision == 1 and recall == pytest.approx(0.5)
    precision, recall = metrics.precision_recall(np.vstack([both, noise]), both)
    assert precision == pytest.approx(200 / 250) and recall == 1


def test_precision_by_hand():
    real = np.array([[0.0], [1.0], [3.0], [10.0]])  # radii to the third neighbour: 10, 9, 7, 10
    points = np.array([[-9.5], [-9.1], [20.1], [20.5]])  # radii 30, 29.6, 29.6, 30
    assert metrics.precision_recall(points, real) == (0.5, 1.0)


def test_total_variance_is_in_units_of_white():
    images = np.zeros((4, 784), np.uint8)
    images[:2, :3] = 255
    assert metrics.total_variance(images) == pytest.approx(3 / 4)


def test_mean_interval_covers_as_often_as_it_says(rng):
    values = rng.exponential(size=(25, 3))
    mean, low, high = metrics.mean_interval(values)
    for k in range(3):
        expected = stats.t.interval(0.95, 24, values[:, k].mean(), stats.sem(values[:, k]))
        assert (low[k], high[k]) == pytest.approx(expected) and mean[k] == pytest.approx(values[:, k].mean())
    normal = rng.standard_normal((4, 20_000))
    mean, low, high = metrics.mean_interval(normal)
    assert abs(((low < 0) & (0 < high)).mean() - 0.95) < 4 * np.sqrt(0.95 * 0.05 / 20_000)
    assert np.allclose(metrics.mean_interval(normal.T, axis=1), (mean, low, high))


def test_a_singular_covariance_is_a_point_or_a_line(rng):
    for _ in range(20):  # some of these have an eigenvalue just below 0
        direction = rng.standard_normal(3)
        spread = direction @ direction
        line = np.outer(direction, direction)
        expected = 3 + spread - 2 * np.sqrt(spread)  # both are diagonal in the same basis
        assert metrics.wasserstein2(np.zeros(3), np.eye(3), np.zeros(3), line) == pytest.approx(expected)
        assert metrics.wasserstein2(np.zeros(3), line, np.zeros(3), np.eye(3)) == pytest.approx(expected)


def test_runs_may_have_several_axes(rng):
    means, covariances = rng.standard_normal((2, 4, 2, 3)), np.empty((2, 4, 2, 3, 3))
    for place in np.ndindex(2, 4, 2):
        covariances[place] = random_covariance(rng, 3)
    weights = rng.dirichlet(np.ones(2), size=(2, 4))
    apart, one = metrics.separation(means, covariances), (weights, means, covariances)
    other = [part[0, 0] for part in one]
    distance = metrics.mixture_l2(one, other, 0.3)
    normal = metrics.wasserstein2(means[..., 0, :], covariances[..., 0, :, :], np.zeros(3), np.eye(3))
    assert apart.shape == distance.shape == normal.shape == (2, 4)
    for place in np.ndindex(2, 4):
        assert apart[place] == pytest.approx(metrics.separation(means[place], covariances[place]))
        assert distance[place] == pytest.approx(metrics.mixture_l2([part[place] for part in one], other, 0.3))
        single = metrics.wasserstein2(means[place][0], covariances[place][0], np.zeros(3), np.eye(3))
        assert normal[place] == pytest.approx(single)


def test_separation_by_hand():
    covariances = np.array([[[4.0, 0], [0, 1]], [[6.0, 0], [0, 1]]])  # mean variance 5 along the line
    assert metrics.separation(np.array([[1.0, 2], [11, 2]]), covariances) == pytest.approx(10 / np.sqrt(5))


def test_the_smallest_cases_of_the_measures(rng):
    x = rng.standard_normal((4, 2))
    assert metrics.precision_recall(x, x) == (1, 1)  # four points have a third neighbour, three have none
    assert metrics.wasserstein2_1d(0.0, 1.0) == 0  # from a standard normal
    assert metrics.mixture_l2(*[([1.0], [[0.0]], [[[1.0]]])] * 2) == pytest.approx(0)


def test_perplexity_takes_single_numbers_and_blocks_without_words():
    assert metrics.perplexity(6.0, 3) == pytest.approx(np.exp(2)) and metrics.perplexity(2.0, 1) == pytest.approx(np.exp(2))
    assert metrics.perplexity([1.0, 2.0], [0, 3]) == pytest.approx(np.e)
    assert metrics.perplexity(700.0, 1) == pytest.approx(np.exp(700))  # the most that it says it holds


@pytest.mark.parametrize("call, name", [
    (lambda: metrics.heterozygosity([3, 1]), "p"), (lambda: metrics.heterozygosity([np.nan, 1]), "p"),
    (lambda: metrics.heterozygosity(0.5), "p"), (lambda: metrics.entropy([1.5, -0.5]), "p"),
    (lambda: metrics.entropy([]), "p"), (lambda: metrics.score([0.5, 0.5], [1, 0]), "reference"),
    (lambda: metrics.score([[0.5, 0.5]], [[1, 0]]), "reference"), (lambda: metrics.score([0.5, 0.5], [1, 1]), "reference"),
    (lambda: metrics.wasserstein2_1d(0, -1e-9), "variance"), (lambda: metrics.wasserstein2_1d(0, np.nan), "variance"),
    (lambda: metrics.wasserstein2(np.zeros(2), np.full((2, 2), np.nan), np.zeros(2), np.eye(2)), "covariance"),
    (lambda: metrics.frechet_distance(np.ones(3), np.ones((3, 2))), "features"),
    (lambda: metrics.frechet_distance(np.ones((3, 2)), np.full((3, 2), np.nan)), "real"),
    (lambda: metrics.frechet_distance(np.ones((3, 2)), np.ones((3, 1))), "real"),
    (lambda: metrics.frechet_distance(np.ones((3, 2)), np.ones((1, 2))), "real"),
    (lambda: metrics.precision_recall(np.ones((3, 2)), np.ones((9, 2))), "features, real"),
    (lambda: metrics.total_variance(np.zeros((0, 784), np.uint8)), "images"),
    (lambda: metrics.total_variance(np.zeros((3, 784))), "images"),
    (lambda: metrics.mean_interval([1.0]), "values"), (lambda: metrics.mean_interval([1.0, np.nan]), "values"),
    (lambda: metrics.perplexity(-0.5, 1), "nats"), (lambda: metrics.perplexity([1.0, 2.0], [-0.5, 3]), "count"),
    (lambda: metrics.perplexity(700.5, 1), "nats"),
    (lambda: metrics.wasserstein2(0.0, np.eye(1), np.zeros(1), np.eye(1)), "mean:"),
    (lambda: metrics.wasserstein2(np.zeros(1), np.eye(1), 0.0, np.eye(1)), "mean0:"),
    (lambda: metrics.wasserstein2(np.zeros(2), np.eye(2), np.zeros(2), np.diag([1, -1e-9])), "covariance0:"),
    (lambda: metrics.separation(np.zeros(2), np.eye(2)), "means:"),
    (lambda: metrics.separation(np.zeros((3, 2)), np.array([np.eye(2)] * 3)), "means, covariances:"),
    (lambda: metrics.separation(np.zeros((2, 2)), np.eye(2)), "means, covariances:"),
    (lambda: metrics.separation(np.zeros((5, 2, 2)), np.array([np.eye(2)] * 2)), "means, covariances:"),
    (lambda: metrics.mixture_l2((1.0, [[0.0]], [[[1.0]]]), ([1.0], [[0.0]], [[[1.0]]])), "first:"),
    (lambda: metrics.mixture_l2(([1.0], [[0.0]], [[[1.0]]]), ([1.0], [0.0], [[[1.0]]])), "second:"),
    (lambda: metrics.precision_recall(np.ones((9, 2)), np.ones((3, 2))), "features, real:"),
    (lambda: metrics.total_variance(np.zeros(784, np.uint8)), "images:"), (lambda: metrics.alive(0.5), "p:"),
    (lambda: metrics.alive([0.5, -1e-9]), "p:"),
    (lambda: metrics.wasserstein2(np.zeros(2), [[1, 0.9], [0, 1]], np.zeros(2), np.eye(2)), "covariance:"),
    (lambda: metrics.mixture_l2(([1.0], [[0.0]], [[[1.0]]]), ([1.0], [[0.0, 0.0]], [np.eye(2)])), "second:"),
    (lambda: metrics.mixture_l2(([1.0], [[0.0]], [[[1.0]]]), ([1.0], [[0.0]], [[[0.0]]])), "second:"),
    (lambda: metrics.mixture_l2(([0.5, 0.5], [[0.0]], [[[1.0]]]), ([1.0], [[0.0]], [[[1.0]]])), "first:"),
])
def test_bad_input_is_refused_by_name(call, name):
    with pytest.raises(ValueError, match=f"^{name}"):
        call()
