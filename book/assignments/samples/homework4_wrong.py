# Homework 4, plausible and wrong: types are counted as if each occurred on average, the rows of the bigram matrix
# are not smoothed before they are normalised, the fresh data come back without the pooled mean, and the
# regimes stop one generation late.
# loses: expected-types-tests bigrams-tests fresh-data-tests regimes-tests

# %% expected-types
def expected_types(counts):
    counts = np.asarray(counts, dtype=float)
    return float((1 - np.exp(-counts)).sum())

# %% bigrams
def bigrams(ids, size, smoothing):
    counts = np.zeros((size, size))
    np.add.at(counts, (ids[:-1], ids[1:]), 1)
    p = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    return (p + smoothing / size) / (1 + smoothing)


def perplexity(p, ids):
    return float(np.exp(-np.log(p[ids[:-1], ids[1:]]).mean()))

# %% fresh-data
def lost(t, n, alpha):
    value = 0.0
    for _ in range(t):
        value = 1 / n + (1 - alpha) * (1 - 1 / n) * value
    return value


def smallest_alpha(n, loss):
    return max(1, round((1 - loss) / (2 * loss))) / n

# %% regimes
def regimes(p, n, alpha, refits, runs, rng):
    world = Categorical(p).repeated(runs)
    mixes = {"replace": replace, "accumulate": accumulate, "fresh": anchor(alpha), "anchor": anchor(alpha)}
    found = {}
    for name, mix in mixes.items():
        last = next(itertools.islice(chain(world, world, mix=mix, n=n, rng=rng), refits, None))
        found[name] = (1 - (last.model.p**2).sum(axis=-1)).mean()
    return found
