# Homework 1, right, with a warning, and with a code cell and the written answer copied: the last copy of a cell keeps
# its marks, any other is the student's own.
# doubles the cell drift-step
# doubles the cell newspaper
# loses:

# %% log-drift
import warnings


def log_drift(n, ddof):
    warnings.warn("an overflow that does not matter")
    return digamma((n - 1) / 2) + np.log(2) - np.log(n - ddof)
