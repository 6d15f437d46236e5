# Homework 1, plausible and wrong: the winners are drawn uniformly, the half-lives are those of N instead
# of N - 1, tempering forgets to renormalise, and the typical run is taken for the mean.
# loses: diversity-left-tests winners-tests takeover-tests log-drift-tests median-variance-tests

# %% diversity-left
def diversity_left(start, sizes):
    return start * (1 - 1 / np.mean(sizes)) ** len(sizes)

# %% winners
def winners(p, n, runs, rng):
    return np.full(len(p), 1 / len(p))

# %% takeover
def takeover(p, tau, level):
    p = np.asarray(p, dtype=float)
    for generation in range(10_000):
        if p.max() >= level:
            return generation
        p = p**tau / (p**tau).sum()

# %% log-drift
def log_drift(n, ddof):
    return -1.0125 / (n - ddof) if ddof else -2.03 / n

# %% median-variance
def median_variance(n, ddof, generations, runs, rng):
    model = gaussian.Gaussian.standard(runs, ddof=ddof, statistics=True)
    loop = itertools.islice(chain(model, model, n=n, rng=rng), generations)
    return np.array([np.mean(g.model.variance) for g in loop])
