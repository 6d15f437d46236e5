"""The checks of exercises: right answers, plausible wrong ones, all four states, and that nothing is raised."""

import itertools
from fractions import Fraction

import numpy as np
import pytest
from collapse import gaussian, theory
from collapse.checks import EXERCISES, KINDS, Exercise, Unstarted, call, check, near, verdict

# ---- answers of students ------------------------------------------------------------------------------------------


def next_shares(shares, n, rng):
    return rng.multinomial(n, shares) / n


def refit(points, ddof):
    mean = points.sum(axis=1) / points.shape[1]
    return mean, ((points - mean[:, None]) ** 2).sum(axis=1) / (points.shape[1] - ddof)


def refit_in_place(points, ddof):
    points -= points.mean(axis=1, keepdims=True)  # spoils the points, and forgets the mean
    return points.mean(axis=1), points.var(axis=1, ddof=ddof)


def class_entropy(labels):
    shares = np.bincount(labels, minlength=10) / len(labels)
    return -(shares[shares > 0] * np.log(shares[shares > 0])).sum()


def covered(points, others, radius):
    return (np.linalg.norm(points[:, None] - others[None], axis=-1) <= radius).any(axis=1).mean()


def first_whole(test):
    return next(n for n in itertools.count(2) if test(n))


def overall(weights, means, covariances):
    offset = means - weights @ means
    return sum(w * (c + np.outer(o, o)) for w, c, o in zip(weights, covariances, offset, strict=True))


def responsibilities(scores):
    shares = np.exp(scores - scores.max(axis=0))
    return shares / shares.sum(axis=0)


# number: right answers, wrong answers that a student may well give
ANSWERS = {
    "1.1": ([0.25, Fraction(1, 4)], [0.3, 0.75, 1 / 12, 1]),
    "1.2": ([next_shares], [
        lambda shares, n, rng: rng.multinomial(n, shares),  # counts, not shares
        lambda shares, n, rng: shares,  # no drift
        lambda shares, n, rng: rng.dirichlet(n * shares + 1e-9),
        lambda shares, n, rng: rng.multinomial(2 * n, shares) / (2 * n),
        lambda shares, n, rng: rng.multinomial(n, np.full(4, 0.25)) / n,
        lambda shares, n, rng: rng.multinomial(n, shares[::-1]) / n,
        lambda shares, n, rng: rng.multinomial(n, shares[[1, 0, 2, 3]]) / n,  # spreads nearly as it should
        lambda shares, n, rng: rng.multinomial(n, 0.98 * shares + 0.02 / 4) / n,  # a breed comes back
    ]),
    "1.3": ([first_whole(lambda n: (1 - 1 / n) ** 50 >= 0.9)], [50, 475, 477, 500, 1, 0, -476]),
    "1.4": ([36.4, 36.36], [110, 63.2, 20, 200, 38]),
    "1.5": ([first_whole(lambda t: theory.tempered([0.7, 0.3], 0.7, t)[1] < 0.01)], [4, 7, 100, 1, 0]),
    "2.1": ([0.98, 1 - 1 / 50, np.float64(49 / 50), Fraction(49, 50)], [1, 50 / 49, 0.02, 1 - 1 / 49, np.sqrt(0.98)]),
    "2.2": ([refit, lambda points, ddof: np.array([points.mean(1), points.var(1, ddof=ddof)])], [
        lambda points, ddof: (points.mean(axis=1), points.var(axis=1)),  # ignores ddof
        lambda points, ddof: (points.mean(axis=1), points.std(axis=1, ddof=ddof)),
        lambda points, ddof: (points.mean(axis=0), points.var(axis=0, ddof=ddof)),
        lambda points, ddof: (points.mean(), points.var(ddof=ddof)),
        lambda points, ddof: (points.mean(axis=1), points.var(axis=1, ddof=1 - ddof)),
        refit_in_place,
    ]),
    "2.3": ([first_whole(lambda n: theory.half_life(n, ddof=1) > 1000), np.int64(723)], [
        722, 724, first_whole(lambda n: theory.half_life(n, ddof=0) > 1000), 1000, 2, 1, 0, -723, 10**400]),
    "2.4": ([np.exp(-theory.log_variance_drift(100, 1)), 1.01015], [
        np.exp(-theory.log_variance_drift(100, 0)), np.exp(theory.log_variance_drift(100, 1)), 1, 0.99, 1.0050]),
    "2.5": ([np.prod(1 - 1 / (50 * np.arange(1, 200_001.0) ** 2)), theory.kept_accumulate_limit(50)], [
        1 - 1 / 50, 0, 1, 1 - np.pi**2 / 300, np.exp(-np.pi**2 / 300), 0.98 * 0.995]),
    "3.1": ([0.99**100, 0.36603], [0.99, (1 - 7 / 100) ** 100, 0.99**99, 1]),
    "3.2": ([overall], [
        lambda weights, means, covariances: np.einsum("k,kij->ij", weights, covariances),  # inside only
        lambda weights, means, covariances: np.cov(means.T, aweights=weights, ddof=0),  # between only
        lambda weights, means, covariances: covariances.mean(axis=0) + np.cov(means.T, ddof=0),  # no weights
        lambda weights, means, covariances: overall(weights, means + weights @ means, covariances)[0],
    ]),
    "3.3": ([responsibilities], [
        lambda scores: np.exp(scores) / np.exp(scores).sum(axis=0),  # underflows
        lambda scores: scores / scores.sum(axis=0),
        lambda scores: np.exp(scores - scores.max(axis=0)),  # does not divide
        lambda scores: np.exp(scores - scores.max()) / np.exp(scores - scores.max()).sum(axis=1, keepdims=True),
    ]),
    "3.4": ([1e-4 / theory.regularised_quantile(0.5, 1000, 1.0), 1.678e-7], [1e-7, 1e-5, 1e-6, 1.678e-5]),
    "3.5": ([99**-0.5, 0.1005], [0.1, 1 / 99, 0.01, 1]),
    "3.6": ([first_whole(lambda n: n > 2 and theory.kernel_growth(n, "silverman") < 1.05)], [100, 2000, 1000, 2]),
    "4.1": ([7, np.int32(7)], [6, 8, 5]),
    "4.2": ([class_entropy], [
        lambda labels: class_entropy(labels) / np.log(2),  # bits
        lambda labels: -class_entropy(labels),
        lambda labels: len(np.unique(labels)),
        lambda labels: -(np.bincount(labels) / len(labels) * np.log(np.bincount(labels) / len(labels))).sum(),
    ]),
    "4.3": ([784 * np.log(2), 543.427], [np.log(2), 784, 0, -784 * np.log(2)]),
    "4.4": ([covered], [
        lambda points, others, radius: covered(others, points, radius),
        lambda points, others, radius: covered(points, others, radius**2),
        lambda points, others, radius: (abs(points[:, None] - others[None]) <= radius).any(),
        lambda points, others, radius: 3 * covered(points, others, radius),
    ]),
    "4.5": ([0.8738], [0, 0.8692, 1 / 0.8738, 1]),  # the record; 0 is of "replace, means", 0.8692 of means over seeds
}
NUMBERS = [number for number in ANSWERS if number in EXERCISES]


def state(number, answer, capsys):
    check(number, answer)
    printed = capsys.readouterr().out
    assert printed.startswith(f"Exercise {number}: ") and printed.count("\n") == 1
    return printed.removeprefix(f"Exercise {number}: ").strip()


def test_every_exercise_of_these_chapters_has_its_answers():
    chapters = {number.split(".")[0] for number in ANSWERS}
    assert [n for n in EXERCISES if n.split(".")[0] in chapters] == list(ANSWERS)
    assert all(len(wrong) >= 2 for _, wrong in ANSWERS.values())


@pytest.mark.parametrize("number", NUMBERS)
def test_right_answers_are_right(number, capsys):
    for answer in ANSWERS[number][0]:
        assert state(number, answer, capsys) == "right."


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # students divide by zero
@pytest.mark.parametrize("number", NUMBERS)
def test_wrong_answers_get_a_hint_and_never_an_error(number, capsys):
    for answer in ANSWERS[number][1]:
        said = state(number, answer, capsys)
        assert said.startswith(("not yet", "expected")), (answer, said)


ANYTHING = [  # of any type: nothing may raise
    float("nan"), float("inf"), -float("inf"), 1e308, 10**400, 1j, True, np.True_, "text", b"", [], {}, (1, 2), object(),
    np.array([]), np.array([1.0, 2.0]), np.nan, np.float32(0.3), print, int, lambda: None, lambda *a, **k: a,
    lambda *a, **k: np.zeros((3, 3)), lambda *a, **k: "text", Exception, NotImplemented,
]


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("number", EXERCISES)
def test_nothing_that_a_student_hands_in_raises(number, capsys):
    for answer in ANYTHING:
        check(number, answer)
        assert "right." not in capsys.readouterr().out


# ---- the four states ------------------------------------------------------------------------------------------------

SQUARE = Exercise("a function", lambda f: call(f, 3) == 9, "Multiply.")


@pytest.mark.parametrize("number", EXERCISES)
@pytest.mark.parametrize("dots", [..., None])
def test_not_started(number, dots, capsys):
    assert state(number, dots, capsys) == "not started. Replace the three dots."


def test_a_stub_is_not_started():
    assert verdict(SQUARE, lambda x: ...) == verdict(SQUARE, lambda x: None) == "not started. Replace the three dots."
    with pytest.raises(Unstarted):
        call(lambda: None)


@pytest.mark.parametrize("number, answer, said", [
    ("2.1", "0.98", "expected a number, found str."), ("2.1", True, "expected a number, found bool."),
    ("2.1", np.array(0.98), "expected a number, found ndarray."), ("2.1", 0.98 + 0j, "expected a number, found complex."),
    ("2.2", 3, "expected a function, found int."), ("2.3", 723.0, "expected a whole number, found float."),
    ("2.3", True, "expected a whole number, found bool."),
])
def test_the_wrong_kind_is_named(number, answer, said, capsys):
    assert state(number, answer, capsys) == said


def test_not_yet_gives_the_hint_or_the_error(capsys):
    assert state("2.1", 0.5, capsys) == f"not yet. {EXERCISES['2.1'].hint}"
    assert verdict(SQUARE, lambda x: x / 0) == "not yet: ZeroDivisionError: division by zero"
    assert verdict(SQUARE, lambda: 9).startswith("not yet: TypeError")
    for number, answer in (("1.3", 1), ("1.5", 0), ("6.3", 0)):  # a formula refuses them
        assert state(number, answer, capsys) == f"not yet. {EXERCISES[number].hint}"
    assert verdict(SQUARE, lambda x: 10) == "not yet. Multiply." and verdict(SQUARE, lambda x: 9) == "right."


def test_even_leaving_python_is_an_answer():
    def leave(x):
        raise SystemExit("bye")

    assert verdict(SQUARE, leave) == "not yet: SystemExit: bye"


def test_an_exercise_that_is_not_there():
    with pytest.raises(ValueError, match=r"^number: no exercise '9\.9'"):
        check("9.9", 1)


def test_near_is_an_interval():
    right = near(2.0, 0.1)
    assert [right(x) for x in (1.91, 2.0999, 2.11, float("nan"), -2.0)] == [True, True, False, False, False]


def test_every_exercise_has_a_kind_and_a_hint():
    for exercise in EXERCISES.values():
        assert exercise.kind in KINDS
        assert exercise.hint.endswith((".", "?")) and len(exercise.hint) > 20


def test_the_helper_agrees_with_the_exercise(rng):
    points = rng.standard_normal((4, 9))
    for ddof in (0, 1):
        model = gaussian.Gaussian(ddof=ddof).fit(points[..., None])
        assert np.allclose(refit(points, ddof), (model.mean, model.variance))
