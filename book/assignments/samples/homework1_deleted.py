# Homework 1 with one wrong answer, and all test cells deleted: they come back, and the wrong answer is found.
# deletes the tests
# loses: winners-tests

# %% winners
def winners(p, n, runs, rng):
    return np.asarray(p)[::-1]
