"""The checks of chapter 7 accept the solution and turn away the likely mistakes."""

import numpy as np
import pytest
from collapse import records
from collapse.checks import EXERCISES, verdict

ERROR = records.curves(records.read("gaussian"), "replace, N = 100, ddof 1", "w2_mean")[0][1, 1]
CHAINS = 2000 * (ERROR / 0.001) ** 2


def fails(*arguments):
    raise KeyError("no number")


RIGHT = {"7.1": lambda a, ea, b, eb: abs(a - b) / np.hypot(ea, eb), "7.2": 0.2369,
         "7.3": np.interp, "7.4": CHAINS, "7.5": 60}
WRONG = {
    "7.1": [lambda a, ea, b, eb: abs(a - b) / (ea + eb), lambda a, ea, b, eb: (a - b) / np.hypot(ea, eb),
            lambda a, ea, b, eb: abs(a - b) / ea, lambda a, ea, b, eb: abs(a - b) / (ea**2 + eb**2), fails],
    "7.2": [0.27, 0.0027, 0.126, 0.76, float("nan")],
    "7.3": [lambda v, q, p: np.mean(q <= v), lambda v, q, p: np.interp(v, p, q),
            lambda v, q, p: p[min(np.searchsorted(q, v), 3)]],
    "7.4": [2000 * ERROR / 0.001, (ERROR / 0.001) ** 2, CHAINS * 1.02, 0, float("nan")],
    "7.5": [56, 57, 50, 450],
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


@pytest.mark.parametrize("number", ["7.1", "7.3"])
def test_a_stub_is_not_started(number):
    assert verdict(EXERCISES[number], lambda *arguments: ...).startswith("not started")
