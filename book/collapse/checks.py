"""What exercises call to tell a student how they stand: ``check("2.1", answer)``.

A check prints one of four states (not started, wrong kind, not yet with a hint, right) and never
raises, so that "run all" reaches the end. Random answers are judged by properties or intervals.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np

from . import records, theory


@dataclass(frozen=True)
class Exercise:
    """What a right answer is: ``kind`` names and tests its type, ``right`` judges it, ``hint`` helps."""

    kind: str
    right: Callable[[Any], bool]
    hint: str


KINDS: dict[str, Callable[[Any], bool]] = {
    "a number": lambda a: isinstance(a, Real) and not isinstance(a, bool),
    "a whole number": lambda a: isinstance(a, (int, np.integer)) and not isinstance(a, bool),
    "a function": callable,
    "an array": lambda a: isinstance(a, np.ndarray),
}


def near(expected: float, tolerance: float = 1e-6) -> Callable[[Any], bool]:
    """Return a judge that accepts numbers within ``tolerance`` of ``expected``."""
    return lambda answer: abs(answer - expected) <= tolerance


def check(number: str, answer: Any = None) -> None:
    """Print how far an answer to an exercise has come; never raise because of the answer.

    Raises:
        ValueError: there is no such exercise.
    """
    if not isinstance(number, str) or number not in EXERCISES:
        raise ValueError(f"number: no exercise {number!r} can be checked")
    print(f"Exercise {number}: {verdict(EXERCISES[number], answer)}")


def verdict(exercise: Exercise, answer: Any) -> str:
    """Return one of the four states as a sentence."""
    if answer is None or answer is ...:
        return "not started. Replace the three dots."
    if not KINDS[exercise.kind](answer):
        return f"expected {exercise.kind}, found {type(answer).__name__}."
    try:
        with np.errstate(all="ignore"):
            right = bool(exercise.right(answer))
    except Unstarted:
        return "not started. Replace the three dots."
    except (Exception, SystemExit) as error:  # a student's function may raise anything
        if not callable(answer):  # a number out of a formula's range is wrong, and no fault of code
            return f"not yet. {exercise.hint}"
        return f"not yet: {type(error).__name__}: {error}"
    return "right." if right else f"not yet. {exercise.hint}"


class Unstarted(Exception):
    """A function that still returns the three dots."""


def call(function: Callable, *arguments, **options) -> Any:
    """Call a student's function; a stub counts as not started."""
    answer = function(*arguments, **options)
    if answer is None or answer is ...:
        raise Unstarted
    return answer


# ---- chapter 1: dogs ---------------------------------------------------------------------------------------


def _right_next_shares(next_shares) -> bool:
    rng, shares = np.random.default_rng(0), np.array([0.5, 0.3, 0.2, 0.0])
    draws = np.array([call(next_shares, shares, 40, rng) for _ in range(2000)])
    counts = draws * 40  # whole numbers that sum to 40, and right on average: five standard errors
    whole = np.allclose(counts, np.round(counts)) and np.allclose(draws.sum(axis=1), 1)
    spread = np.sqrt(shares * (1 - shares) / 40)
    fair = (abs(draws.mean(axis=0) - shares) <= 5 * spread / np.sqrt(2000)).all()
    return whole and fair and np.allclose(draws.std(axis=0), spread, atol=0.01)


# ---- chapter 2: the Gaussian -----------------------------------------------------------------------------


def _right_refit(refit) -> bool:
    points = np.array([[0.0, 1.0, 2.0, 5.0], [3.0, 3.0, 4.0, 2.0]])
    return all(
        np.allclose(call(refit, points.copy(), ddof), (points.mean(axis=1), points.var(axis=1, ddof=ddof)))
        for ddof in (0, 1))


# ---- chapter 3: mixtures -------------------------------------------------------------------------------------


def _right_overall(overall) -> bool:
    weights, means = np.array([0.2, 0.3, 0.5]), np.array([[0.0, 1.0], [2.0, -1.0], [4.0, 3.0]])
    covariances = np.array([[[1.0, 0.2], [0.2, 2.0]], [[0.5, 0.0], [0.0, 0.5]], [[3.0, -1.0], [-1.0, 1.0]]])
    points, shares = np.concatenate([means, means]), np.tile(weights, 2) / 2  # what lies between the components
    expected = np.einsum("k,kij->ij", weights, covariances) + np.cov(points.T, aweights=shares, ddof=0)
    return np.allclose(call(overall, weights, means, covariances), expected)


def _right_responsibilities(responsibilities) -> bool:
    scores = np.log(np.array([[0.2, 0.5, 0.9], [0.6, 0.5, 0.1]]))
    expected = np.array([[0.25, 0.5, 0.9], [0.75, 0.5, 0.1]])
    return all(np.allclose(call(responsibilities, scores + shift), expected) for shift in (0, -1e4, 1e4))


# ---- chapter 4: images --------------------------------------------------------------------------------------


def _right_class_entropy(class_entropy) -> bool:
    labels = np.array([0, 0, 1, 1, 1, 7, 9, 9])
    shares = np.array([2, 3, 1, 2]) / 8
    return (np.isclose(call(class_entropy, labels), -(shares * np.log(shares)).sum())
            and np.isclose(call(class_entropy, np.arange(10)), np.log(10)))


def _right_covered(covered) -> bool:
    points, others = np.array([[0.0, 0.0], [3.0, 4.0], [9.0, 9.0]]), np.array([[0.0, 1.0], [3.0, 3.5]])
    return (np.isclose(call(covered, points, others, 1.0), 2 / 3) and np.isclose(call(covered, points, others, 0.6), 1 / 3)
            and np.isclose(call(covered, others, points, 1.0), 1))


def _record_factor() -> float:
    middle = np.median(records.curves(records.read("vae"), "replace, draws", "class_entropy"), axis=0)
    return middle[-1] / middle[0]


# ---- chapter 5: words ---------------------------------------------------------------------------------------


def _right_distinct(distinct) -> bool:
    words = "a rose is a rose is a rose".split()
    return all(np.isclose(call(distinct, words, n), share) for n, share in ((1, 3 / 8), (2, 3 / 7), (8, 1)))


def _right_top_k(top_k_shares) -> bool:
    logits = np.log(np.array([0.1, 0.4, 0.2, 0.3]))
    return (np.allclose(call(top_k_shares, logits, 2), [0, 4 / 7, 0, 3 / 7])
            and np.allclose(call(top_k_shares, logits + 5, 4), [0.1, 0.4, 0.2, 0.3]))


# ---- chapter 6: remedies -------------------------------------------------------------------------------------


class _Marked:
    """A model whose samples all have one value, so that a judge sees where each came from."""

    def __init__(self, value: float):
        self.value = value

    def sample(self, n: int, rng) -> np.ndarray:
        return np.full((n, 1), self.value)


def _right_window(window) -> bool:
    pool, data = call(window, np.full((4, 1), 1.0), _Marked(2.0), _Marked(3.0), 4, np.random.default_rng(0))
    return pool.tolist() == [[2.0]] * 4 and sorted(data[:, 0]) == [1.0] * 4 + [2.0] * 4


def _right_plan(plan) -> bool:
    if plan.shape != (20,) or plan.sum() > 100 or (plan < 0).any() or (plan > 50).any():
        return False
    return theory.kept_schedule(plan, 50).mean() > theory.kept_schedule([5] * 20, 50).mean() + 1e-6


# ---- chapter 7: paper scale ------------------------------------------------------------------------------------


def _right_apart(apart) -> bool:
    return all(np.isclose(call(apart, *values), expected) for values, expected in (
        ((1.0, 0.3, 2.0, 0.4), 2.0), ((2.0, 0.3, 1.0, 0.4), 2.0), ((5.0, 0.0, 2.0, 1.5), 2.0)))


def _right_placed(placed) -> bool:
    quantiles, levels = np.array([1.0, 2.0, 4.0, 8.0]), [0, 0.05, 0.5, 1]
    places = [call(placed, value, quantiles, levels) for value in (0.5, 1.5, 3.0, 6.0, 9.0)]
    return np.allclose(places, [0, 0.025, 0.275, 0.75, 1])


def _chains_needed() -> float:
    error = records.curves(records.read("gaussian"), "replace, N = 100, ddof 1", "w2_mean")[0][1, 1]
    return 2000 * (error / 0.001) ** 2


EXERCISES: dict[str, Exercise] = {
    "1.1": Exercise("a number", near(0.25), "A breed wins with its own share as probability, whatever N is."),
    "1.2": Exercise("a function", _right_next_shares, "rng.multinomial(n, shares) gives counts; divide them by n."),
    "1.3": Exercise("a whole number", lambda n: theory.diversity(50, n - 1) < 0.9 <= theory.diversity(50, n),
                    "Find the smallest n with (1 - 1/n)^50 at least 0.9."),
    "1.4": Exercise("a number", near(1 / (1 - np.sqrt(0.95 * 0.995)), 0.5),
                    "One constant n must lose in two generations what 20 and 200 lose: near the harmonic mean."),
    "1.5": Exercise("a whole number", lambda t: theory.tempered([0.7, 0.3], 0.7, t)[1] < 0.01
                    <= theory.tempered([0.7, 0.3], 0.7, t - 1)[1],
                    "theory.tempered([0.7, 0.3], 0.7, t) gives both shares at refit t."),
    "2.1": Exercise("a number", near(0.98), "Which divisor does maximum likelihood use?"),
    "2.2": Exercise("a function", _right_refit, "Compare with points.mean(axis=1) and points.var(axis=1, ddof=ddof)."),
    "2.3": Exercise("a whole number", lambda n: n > 2 and theory.half_life(n - 1, 1) <= 1000 < theory.half_life(n, 1),
                    "It is near 1000 divided by 2 ln 2, and the smallest such number."),
    "2.4": Exercise("a number", near(np.exp(-theory.log_variance_drift(100, 1)), 1e-4),
                    "One refit adds the drift to the log-variance; sampling hot adds ln(temperature)."),
    "2.5": Exercise("a number", near(np.sin(np.pi / np.sqrt(50)) / (np.pi / np.sqrt(50)), 1e-4),
                    "Multiply 1 - 1/N_i for a hundred thousand generations or more."),
    "3.1": Exercise("a number", near(0.99**100, 1e-4), "The number of components does not enter."),
    "3.2": Exercise("a function", _right_overall, "Inside: weighted covariances. Between: the spread of the means."),
    "3.3": Exercise("a function", _right_responsibilities,
                    "np.exp(scores - scores.max(axis=0)) neither over- nor underflows."),
    "3.4": Exercise("a number", near(1e-4 / theory.regularised_quantile(0.5, 1000, 1.0), 1e-9),
                    "The median variance is 0.596 N r; a standard deviation of 0.01 is a variance of 0.0001."),
    "3.5": Exercise("a number", lambda h: abs(abs(h) - 99**-0.5) < 1e-4, "The variance settles at (N - 1) h^2."),
    "3.6": Exercise("a whole number", lambda n: n > 2 and theory.kernel_growth(n, "silverman") < 1.05
                    <= theory.kernel_growth(n - 1, "silverman"),
                    "Try theory.kernel_growth(n, 'silverman') for growing n."),
    "4.1": Exercise("a whole number", lambda t: t == 7, "Each refit takes v away; count until nothing is left."),
    "4.2": Exercise("a function", _right_class_entropy, "np.bincount(labels, minlength=10) counts; leave out zeros."),
    "4.3": Exercise("a number", near(784 * np.log(2), 1e-3), "theory.pixel_entropy(0.5), and there are 784 pixels."),
    "4.4": Exercise("a function", _right_covered, "np.linalg.norm(points[:, None] - others[None], axis=-1) are the distances."),
    "4.5": Exercise("a number", lambda factor: abs(factor - _record_factor()) < 1e-3,
                    "Take the median over seeds (axis 0), then the last entry divided by the first."),
    "5.1": Exercise("a whole number", lambda t: t == theory.median_life(8), "Nearly three rounds a sighting, less one or two."),
    "5.2": Exercise("a function", _right_distinct, "words[i : i + n] for i from 0 to len(words) - n; a set keeps what differs."),
    "5.3": Exercise("a number", near(40**1.6, 0.5), "Surprise adds up: 1.6 pieces of ln 40 each; then take the exponential."),
    "5.4": Exercise("a function", _right_top_k, "np.sort(logits)[-k] is the smallest logit that stays."),
    "5.5": Exercise("a number", near(10_000 * theory.branching_rate(8)[-1], 50), "10,000 times the last of the eight rates."),
    "6.1": Exercise("a number", near(0.2, 1e-3), "V* is about 1/(1 + 2 N alpha), and N alpha is 2."),
    "6.2": Exercise("a function", _right_window, "pooled(pool, batch) is both; the next pool is the batch alone."),
    "6.3": Exercise("a whole number", lambda k: theory.kept_fresh(np.inf, 1000, (k - 1) / 1000) < 0.95
                    <= theory.kept_fresh(np.inf, 1000, k / 1000),
                    "theory.fresh_share_needed gives the share; a whole number of points must reach it."),
    "6.4": Exercise("a number", near(0.95 / 1.15, 1e-3), "Right and wrong labels that are kept must balance."),
    "6.5": Exercise("a number", near(theory.golden_weight(0.1), 1e-3), "k counts real points per synthetic one."),
    "6.6": Exercise("a number", near(0.25, 1e-3), "After the detector the real share must be at least one half."),
    "6.7": Exercise("an array", _right_plan, "20 numbers from 0 to 50, together at most 100, better than 5 each time."),
    "7.1": Exercise("a function", _right_apart, "Divide by np.hypot of the two errors; the order does not matter."),
    "7.2": Exercise("a number", near(0.2369, 1e-3), "First the chance that none does: (1 - 0.0027)^100."),
    "7.3": Exercise("a function", _right_placed, "np.interp(value, where, what): quantiles first, then levels."),
    "7.4": Exercise("a number", lambda chains: abs(chains / _chains_needed() - 1) < 0.01,
                    "The error falls with the square root of the number of chains."),
    "7.5": Exercise("a whole number", lambda minutes: minutes == 60, "The busiest worker gets six chains."),
}
