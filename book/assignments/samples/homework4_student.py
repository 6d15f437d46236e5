# Homework 4 as a student solved it from the released notebook, without the solutions at hand. All points.
# loses:

# %% counted
from collections import Counter


def counted(words):
    tally = Counter(words)
    types = sorted(tally)
    return types, np.array([tally[t] for t in types])

# %% expected-types
def expected_types(counts):
    n = sum(counts)
    return sum(1 - (1 - c / n) ** n for c in counts)

# %% bigrams
def bigrams(ids, size, smoothing):
    p = np.zeros((size, size)) + smoothing
    for last, following in zip(ids, ids[1:]):
        p[last, following] += 1
    for row in range(size):
        p[row] = p[row] / p[row].sum()
    return p


def perplexity(p, ids):
    logs = [np.log(p[a, b]) for a, b in zip(ids, ids[1:])]
    return np.exp(-np.mean(logs))

# %% fresh-data
def lost(t, n, alpha):
    v = 1 / n
    for _ in range(t - 1):
        v = 1 / n + (1 - alpha) * (1 - alpha - 1 / n) * v
    return v


def smallest_alpha(n, loss):
    # at the limit V = 1/n + rho V, so V = 1 / (n (1 - rho))
    for k in range(1, n + 1):
        a = k / n
        if 1 / (n * (1 - (1 - a) * (1 - a - 1 / n))) <= loss:
            return a

# %% regimes
def regimes(p, n, alpha, refits, runs, rng):
    mixes = {"replace": replace, "accumulate": accumulate, "fresh": fresh(alpha), "anchor": anchor(alpha)}
    world = Categorical(np.array([p] * runs))
    result = {}
    for name in mixes:
        for generation in chain(world, world, mix=mixes[name], n=n, rng=rng):
            if generation.refits == refits:
                break
        result[name] = np.mean([1 - sum(q**2) for q in generation.model.p])
    return result

# %% web
Replace is not the web: people keep writing and old pages stay, so my 0.49 (of 0.9) after 30 fits is a worst case.
Accumulate is closer, it loses only about 3%, but a company with a fixed budget reads a sample of the pool, not all.
New pages by people are fresh data. One new point in a hundred is enough to stop the loss at about a third.
An archive from before 2020 that is read every year is the frozen regime: in my run it keeps clearly less than fresh,
because the same points carry the same sampling error every time. What none of them has is that the text online
was picked because people liked it. I would ask for the perplexity of each year's model on old human text that was
kept out of training, because perplexity on the current web gets better just because the web gets easier.
