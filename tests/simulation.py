"""What tests share that compare a simulation with theory."""

import itertools

import numpy as np


def close(values, expected, errors=4.5, slack=0.0):
    """Tell whether the mean of ``values`` over runs lies within 4.5 standard errors of ``expected``.

    A true law fails a call by chance with probability 7e-6. All tests together make some 800 calls, so about one time
    in 200 that a new version of numpy changes the random numbers, one of them fails for nothing; at 4 standard errors
    it would be one time in 20.
    """
    values = np.asarray(values, dtype=float)
    return abs(values.mean() - expected) <= errors * values.std(ddof=1) / np.sqrt(values.size) + slack


def zipf(k, exponent=1.0):
    """Return shares proportional to 1 / rank^exponent for ranks 1..k."""
    weights = np.arange(1, k + 1, dtype=float) ** -exponent
    return weights / weights.sum()


def generations(loop, number):
    """Return the first generations of a chain."""
    return list(itertools.islice(loop, number))
