"""The checks of chapter 6 accept the solution and turn away the likely mistakes."""

import numpy as np
import pytest
from collapse import pooled
from collapse.checks import EXERCISES, verdict


def window(pool, model, source, n, rng):
    batch = model.sample(n, rng)
    return batch, pooled(pool, batch)


def window_that_grows(pool, model, source, n, rng):
    both = pooled(pool, model.sample(n, rng))
    return both, both


def window_of_reality(pool, model, source, n, rng):
    batch = source.sample(n, rng)
    return batch, pooled(pool, batch)


def window_of_one(pool, model, source, n, rng):
    batch = model.sample(n, rng)
    return batch, batch


def window_that_fails(pool, model, source, n, rng):
    raise KeyError("no pool")


RIGHT = {"6.1": 0.2, "6.2": window, "6.3": 10, "6.4": 0.826, "6.5": 0.2702, "6.6": 0.25,
         "6.7": np.array([0] * 3 + [0, 25, 0, 0] * 4 + [0])}
WRONG = {
    "6.1": [1 / 3, 0.25, 0.8],
    "6.2": [window_that_grows, window_of_reality, window_of_one, window_that_fails],
    "6.3": [9, 11, 19],
    "6.4": [0.5, 0.2 / 1.15, 0.95],
    "6.5": [0.618, 1 / 11, 0.1],
    "6.6": [0.5, 0.2, 0.625],
    "6.7": [np.full(20, 5), np.full(20, 6), np.full(10, 10), np.array([50, 50] + [0] * 18),
            np.array([0, 60, -10] + [0, 25, 0] * 2 + [0] * 11)],
}


@pytest.mark.parametrize("number", RIGHT)
def test_right(number):
    assert verdict(EXERCISES[number], RIGHT[number]) == "right."


@pytest.mark.parametrize("number, answer", [(k, a) for k, answers in WRONG.items() for a in answers])
def test_wrong(number, answer):
    assert verdict(EXERCISES[number], answer).startswith("not yet")


@pytest.mark.parametrize("number", RIGHT)
def test_not_started_and_of_the_wrong_kind(number):
    assert verdict(EXERCISES[number], ...).startswith("not started")
    assert verdict(EXERCISES[number], [1.0, 2.0]).startswith("expected")


def test_a_stub_is_not_started():
    assert verdict(EXERCISES["6.2"], lambda *arguments: ...).startswith("not started")
