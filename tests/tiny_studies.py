"""A study small enough to be killed many times: ``python -m tiny_studies run tiny``, and the tests of studies."""

import numpy as np
from collapse import accumulate, anchor, fresh, studies
from collapse.datasets import Finite
from collapse.declarations import Arm, Study
from collapse.discrete import Categorical
from collapse.gaussian import Gaussian
from collapse.worlds import World


def normal(seed):
    return World(Gaussian.standard(3, statistics=True))


def points(seed):
    return World(Gaussian.standard(2))


def kinds(seed):
    return World(Categorical(np.full(5, 0.2)).repeated(2))


def finite(seed):
    """Return 264 points that are given out once: 30, and 6 for each of 39 generations."""
    return World(Finite(np.random.default_rng(seed).standard_normal((264, 1))))


def measure(generation, first, world, rng):
    """Return numbers that depend on the state, on generation 0 and on the generator, so that none may be lost."""
    model = generation.model
    state = np.asarray(model.p if isinstance(model, Categorical) else model.variance)
    start = np.asarray(first.p if isinstance(first, Categorical) else first.variance)
    ratio = float((state / np.maximum(start, 0.01)).mean())
    return {"state": state.ravel().tolist(), "ratio": ratio, "draw": rng.random()}


studies.STUDIES["tiny"] = Study(
    arms={
        "moments": Arm(Gaussian(statistics=True), accumulate, generations=40),
        "points": Arm(Gaussian(), anchor(0.2), generations=40, world=points),
        "finite": Arm(Gaussian(), fresh(0.2), generations=40, world=finite),
        "counts": Arm(Categorical(np.ones(1)), accumulate, generations=40, world=kinds, n=60),
    },
    world=normal, measure=measure, n=30, seeds=2,
)

if __name__ == "__main__":
    studies.main()
