"""The checks of chapter 5 accept the solution and turn away the likely mistakes."""

import numpy as np
import pytest
from collapse import theory
from collapse.checks import EXERCISES, verdict


def distinct(words, n):
    found = [tuple(words[i : i + n]) for i in range(len(words) - n + 1)]
    return len(set(found)) / len(found)


def distinct_counted(words, n):
    return len({tuple(words[i : i + n]) for i in range(len(words) - n + 1)})


def distinct_per_word(words, n):
    return distinct_counted(words, n) / len(words)


def distinct_without_overlap(words, n):
    found = [tuple(words[i : i + n]) for i in range(0, len(words) - n + 1, n)]
    return len(set(found)) / len(found)


def distinct_with_ends(words, n):
    found = [tuple(words[i : i + n]) for i in range(len(words))]
    return len(set(found)) / len(found)


def top_k(logits, k):
    weights = np.where(logits >= np.sort(logits)[-k], np.exp(logits), 0)
    return weights / weights.sum()


def top_k_without_a_sum(logits, k):
    return np.where(logits >= np.sort(logits)[-k], np.exp(logits), 0)


def top_k_of_logits(logits, k):
    weights = np.where(logits >= np.sort(logits)[-k], logits, 0)
    return weights / weights.sum()


def bottom_k(logits, k):
    weights = np.where(logits <= np.sort(logits)[k - 1], np.exp(logits), 0)
    return weights / weights.sum()


def top_k_less_one(logits, k):
    weights = np.where(logits > np.sort(logits)[-k], np.exp(logits), 0)
    return weights / weights.sum()


RIGHT = {"5.1": 22, "5.2": distinct, "5.3": 365.7, "5.4": top_k, "5.5": 10_000 * theory.branching_rate(8)[-1]}
WRONG = {
    "5.1": [21, 23, 8, 13],
    "5.2": [distinct_counted, distinct_per_word, distinct_without_overlap, distinct_with_ends],
    "5.3": [64.0, 40 ** (1 / 1.6), 25.0, 300.0, 367.0],
    "5.4": [top_k_without_a_sum, top_k_of_logits, bottom_k, top_k_less_one],
    "5.5": [1250.0, 10_000.0, 10_000 * theory.branching_rate(9)[-1], 10_000 * theory.branching_rate(7)[-1]],
}


def test_every_check_of_the_chapter_is_here():
    assert set(RIGHT) == set(WRONG) == {number for number in EXERCISES if number.startswith("5.")}
    assert min(map(len, WRONG.values())) >= 2


@pytest.mark.parametrize("number", RIGHT)
def test_right(number):
    assert verdict(EXERCISES[number], RIGHT[number]) == "right."


@pytest.mark.parametrize("number, answer", [(n, a) for n, answers in WRONG.items() for a in answers])
def test_wrong(number, answer):
    assert verdict(EXERCISES[number], answer).startswith("not yet")


@pytest.mark.parametrize("number", RIGHT)
def test_not_started_and_of_the_wrong_kind(number):
    assert verdict(EXERCISES[number], ...).startswith("not started")
    assert verdict(EXERCISES[number], [1]).startswith("expected")


@pytest.mark.parametrize("number", ["5.2", "5.4"])
def test_a_stub_is_not_started(number):
    assert verdict(EXERCISES[number], lambda *arguments: ...).startswith("not started")
