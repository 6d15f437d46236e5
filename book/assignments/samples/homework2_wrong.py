# Homework 2, plausible and wrong: the density leaves its logarithm too late, EM updates the variances with the old
# means, the kernel's variance forgets the factor 1 - 1/n on h^2, the second survival is taken for independent, and the
# variance between the models is averaged over the features.
# loses: log-density-tests em-step-tests kernel-tests survives-two-tests inside-between-tests

# %% log-density
def log_density(x, weights, means, stds):
    z = (np.asarray(x, dtype=float)[..., None] - means) / stds
    with np.errstate(divide="ignore"):
        return np.log((weights * np.exp(-0.5 * z**2) / (stds * np.sqrt(2 * np.pi))).sum(axis=-1))

# %% em-step
def em_step(x, weights, means, variances):
    parts = np.log(weights) - 0.5 * np.log(variances) - 0.5 * (x[:, None] - means) ** 2 / variances
    r = np.exp(parts - logsumexp(parts, axis=1, keepdims=True))
    count = r.sum(axis=0)
    return count / len(x), r.T @ x / count, (r * (x[:, None] - means) ** 2).sum(axis=0) / count

# %% kernel
def kernel_generation(x, h, n, rng):
    return rng.choice(x, n) + h * rng.standard_normal(n)


def kernel_variance(start, h, n, t):
    for _ in range(t):
        start = (1 - 1 / n) * start + h**2
    return start

# %% survives-two
def survives_two(w, n):
    if n == 2:
        return 0.625
    return (1 - (1 - w) ** n) ** 2

# %% inside-between
def inside_between(weights, means, covariances, n, generations, runs, rng):
    world = mixture.Mixture.of(weights, means, covariances, runs=(runs,))
    loop = itertools.islice(chain(world, world, n=n, rng=rng), generations)
    pairs = [(np.trace(g.model.covariance, axis1=-2, axis2=-1).mean(), g.model.mean.var(axis=0).mean()) for g in loop]
    return tuple(np.array(pairs).T)
