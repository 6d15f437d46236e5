"""What tests share that compare a simulation with theory."""

import itertools

import numpy as np


def close(values, expected, errors=4.0, slack=0.0):
    """Tell whether the mean of ``values`` over runs lies within four standard errors of ``expected``."""
    values = np.asarray(values, dtype=float)
    return abs(values.mean() - expected) <= errors * values.std(ddof=1) / np.sqrt(values.size) + slack


def generations(loop, number):
    """Return the first generations of a chain."""
    return list(itertools.islice(loop, number))
