"""The loop: its index, its resumption, its mixes, and what it refuses."""

import copy
import itertools
from dataclasses import dataclass, field

import numpy as np
import pytest
from collapse import (
    accumulate,
    accumulate_subsample,
    anchor,
    chain,
    curate,
    fresh,
    pooled,
    replace,
    resample,
    stream,
    subsample,
)
from collapse.chain import real_count
from collapse.discrete import Categorical, Counts
from collapse.gaussian import Gaussian, Moments, MultivariateGaussian
from hypothesis import given
from hypothesis import strategies as st
from simulation import close, generations

# ---- points that know where they come from: (identity, generation of the model that made them, -1 if real) -------

REAL = -1


@dataclass
class Ledger:
    """Give every point of a test its own number."""

    count: itertools.count = field(default_factory=itertools.count)

    def points(self, n, maker):
        return np.array([[next(self.count), maker] for _ in range(n)], dtype=float)


@dataclass(frozen=True)
class World:
    ledger: Ledger

    def sample(self, n, rng):
        return self.ledger.points(n, REAL)


@dataclass(frozen=True)
class Clerk:
    """A model that signs its samples with its generation."""

    ledger: Ledger
    generation: int = -1

    def fit(self, data, rng):
        return Clerk(self.ledger, self.generation + 1)

    def sample(self, n, rng):
        return self.ledger.points(n, self.generation)


def run(mix, n, length, seed=0):
    ledger = Ledger()
    loop = chain(Clerk(ledger), World(ledger), mix=mix, n=n, rng=np.random.default_rng(seed))
    return generations(loop, length)


def identities(data):
    return set(data[:, 0])


def real(data):
    return data[data[:, 1] == REAL]


shares = st.tuples(st.integers(1, 40), st.floats(0, 1)).filter(lambda s: s[1] == 0 or round(s[0] * s[1]) > 0)
sizes = st.integers(1, 40)
seeds = st.integers(0, 2**32 - 1)


@given(sizes)
def test_replace_learns_from_the_last_model_only(n):
    for g in run(replace, n, 4):
        assert len(g.data) == n and set(g.data[:, 1]) == {g.index - 1}  # index 0 from the real world, -1
        assert g.pool is g.data


@given(sizes)
def test_accumulate_keeps_everything_in_equal_parts(n):
    for g in run(accumulate, n, 5):
        assert len(g.data) == n * g.refits == len(identities(g.data))
        makers, counts = np.unique(g.data[:, 1], return_counts=True)
        assert list(makers) == list(range(-1, g.index)) and set(counts) == {n}


@given(sizes, seeds)
def test_a_fixed_budget_is_drawn_from_everything_without_replacement(n, seed):
    for g in run(accumulate_subsample, n, 5, seed):
        assert len(g.pool) == n * g.refits
        assert len(g.data) == n == len(identities(g.data))
        assert identities(g.data) <= identities(g.pool)


@pytest.mark.parametrize("make", [fresh, anchor, resample])
@given(shares, seeds)
def test_a_share_of_real_data_is_exactly_that_share(make, share, seed):
    n, alpha = share
    for g in run(make(alpha), n, 4, seed)[1:]:
        assert len(g.data) == n == len(identities(g.data))
        assert len(real(g.data)) == round(alpha * n)
        assert set(g.data[:, 1]) <= {REAL, g.index - 1}


@given(shares, seeds)
def test_fresh_points_were_never_seen(share, seed):
    seen = set()
    for g in run(fresh(share[1]), share[0], 5, seed):
        assert not seen & identities(real(g.data))
        seen |= identities(real(g.data))


@given(shares, seeds)
def test_the_anchor_is_always_the_same_part_of_the_first_data(share, seed):
    first, *rest = run(anchor(share[1]), share[0], 5, seed)
    for g in rest:
        assert identities(real(g.data)) == identities(real(rest[0].data)) <= identities(first.data)


@given(shares, seeds)
def test_resample_draws_from_the_first_data_and_keeps_them(share, seed):
    first, *rest = run(resample(share[1]), share[0], 5, seed)
    for g in rest:
        assert g.pool is first.data and identities(real(g.data)) <= identities(first.data)


def test_resample_redraws_and_reaches_all_of_the_first_data():
    first, *rest = run(resample(0.2), 30, 60)
    drawn = [identities(real(g.data)) for g in rest]
    assert len({frozenset(d) for d in drawn}) > 50
    assert set().union(*drawn) == identities(first.data)


@pytest.mark.parametrize("make", [fresh, anchor, resample])
def test_a_mix_has_no_memory_of_its_own(make):
    mix, n = make(0.5), 10
    run(mix, 20, 3)  # another chain before
    first, *rest = run(mix, n, 3, seed=1)
    if make is not fresh:
        assert all(identities(real(g.data)) <= identities(first.data) for g in rest)
    assert [len(g.data) for g in rest] == [n, n]


def test_stream_hands_over_the_model_itself():
    class Reader(Clerk):
        def fit(self, data, rng):
            heard.append(data)
            return Reader(self.ledger, self.generation + 1)

    heard, ledger = [], Ledger()
    turns = generations(chain(Reader(ledger), World(ledger), mix=stream, n=5, rng=np.random.default_rng(0)), 4)
    assert isinstance(heard[0], np.ndarray) and len(heard[0]) == 5
    assert all(h is g.model for h, g in zip(heard[1:], turns))
    assert all(g.pool is turns[0].data for g in turns)


@given(sizes, seeds, st.floats(0.2, 1))
def test_curate_keeps_only_what_passes(n, seed, chance):
    shown = {}

    def verifier(data, rng):
        keep = rng.random(len(data)) < chance
        shown.update(zip(data[:, 0], keep))
        return keep

    for g in run(curate(verifier), n, 4, seed)[1:]:
        assert len(g.data) == n == len(identities(g.data))
        assert all(shown[i] for i in g.data[:, 0]) and set(g.data[:, 1]) == {g.index - 1}
        assert g.pool is g.data


def test_curate_gives_up_and_says_how_far_it_came():
    looked = []

    def verifier(data, rng):
        looked.append(len(data))
        return (np.arange(len(data)) == 0) & (len(looked) <= 3)

    with pytest.raises(ValueError, match="^verifier: kept 3 of 1000 samples, 10 were asked for"):
        run(curate(verifier), 10, 2)
    assert looked == [10] * 100


def test_curate_looks_no_further_than_it_must():
    looked = []

    def all_pass(data, rng):
        looked.append(len(data))
        return np.ones(len(data), bool)

    run(curate(all_pass), 10, 3)
    assert looked == [10] * 2  # one batch for each generation after the first


@pytest.mark.parametrize("verdict", [
    lambda data, rng: data > 0,  # (n, 2), one a feature
    lambda data, rng: np.ones(len(data)),  # weights, not booleans
    lambda data, rng: np.full(len(data), np.nan),
    lambda data, rng: np.ones(len(data) + 1, bool),
    lambda data, rng: True,
])
def test_curate_wants_one_boolean_a_sample(verdict):
    with pytest.raises(ValueError, match="^verifier: a boolean for each of 10 samples"):
        run(curate(verdict), 10, 2)


def test_curate_judges_one_chain_of_points():
    def verifier(data, rng):
        return np.ones(len(data), bool)

    for truth in (Gaussian.standard(10), Gaussian.standard(10, statistics=True)):
        with pytest.raises(ValueError, match="^data: (curate judges one chain|an array)"):
            generations(chain(truth, truth, mix=curate(verifier), n=10, rng=np.random.default_rng(0)), 2)


@pytest.mark.parametrize("mix", [fresh, anchor, resample, curate, "replace", 0.1, np.ones(2)])
def test_what_is_no_mix_is_named_at_the_first_turn(mix):
    loop = chain(Gaussian(), Gaussian(), mix=mix, n=10, rng=np.random.default_rng(0))
    with pytest.raises(TypeError, match="^mix: a function such as replace or fresh"):
        next(loop)


# ---- the loop -----------------------------------------------------------------------------------------------------


def test_generation_0_is_refit_1():
    truth, n = Gaussian.standard(8000, statistics=True), 10
    for expected, g in enumerate(generations(chain(truth, truth, n=n, rng=np.random.default_rng(0)), 3)):
        assert (g.index, g.refits) == (expected, expected + 1)
        assert close(g.model.variance, (1 - 1 / n) ** (expected + 1))  # G2
        assert close(g.model.mean**2, 1 - (1 - 1 / n) ** (expected + 1))


def test_generation_0_learns_from_the_source_and_not_from_the_model():
    loop = chain(Gaussian(mean=1000.0), Gaussian(mean=-5.0), n=100, rng=np.random.default_rng(0))
    assert abs(next(loop).model.mean + 5) < 1


MIXES = {
    "default": None, "replace": replace, "accumulate": accumulate, "fixed budget": accumulate_subsample,
    "fresh": fresh(0.3), "anchor": anchor(0.3), "resample": resample(0.3),
}


@pytest.mark.parametrize("mix", MIXES.values(), ids=MIXES)
@pytest.mark.parametrize("model", [Gaussian.standard(3), Categorical(np.full(5, 0.2)).repeated(3)], ids=["points", "counts"])
def test_after_goes_on_as_if_nothing_had_happened(mix, model):
    rng = np.random.default_rng(5)
    whole = generations(chain(model, model, mix=mix, n=10, rng=rng), 7)
    rng = np.random.default_rng(5)
    half = generations(chain(model, model, mix=mix, n=10, rng=rng), 3)
    saved = copy.deepcopy((half[-1], rng))
    for last, generator in ((half[-1], rng), saved):
        rest = generations(chain(model, model, mix=mix, n=10, rng=generator, after=last), 4)
        for one, two in zip(whole, half + rest, strict=True):
            assert one.index == two.index
            for name in ("mean", "variance") if isinstance(model, Gaussian) else ("p",):
                assert np.array_equal(getattr(one.model, name), getattr(two.model, name))


def test_the_same_seed_gives_the_same_chain_and_nothing_is_changed_in_place():
    truth = Gaussian.standard(4)
    one, two = (generations(chain(truth, truth, mix=accumulate, n=6, rng=np.random.default_rng(3)), 4) for _ in "ab")
    assert all(np.array_equal(a.data, b.data) for a, b in zip(one, two))
    assert (truth.mean == 0).all() and (truth.variance == 1).all()
    assert [g.data.shape[-2] for g in one] == [6, 12, 18, 24]


@pytest.mark.parametrize("n", [0, -3, 2.5, True, "10", None, float("nan"), np.float64(3)])
def test_n_is_a_positive_whole_number(n):
    with pytest.raises(ValueError, match="^n: a whole number of at least 1"):
        next(chain(Gaussian(), Gaussian(), n=n, rng=np.random.default_rng(0)))


def test_n_may_be_any_kind_of_integer_and_huge():
    truth = Gaussian.standard(3, statistics=True)
    for n in (np.int32(7), 10**15):
        for g in generations(chain(truth, truth, n=n, rng=np.random.default_rng(0)), 3):
            assert g.data.n == n and np.isfinite(g.model.variance).all()


# ---- shares -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [fresh, anchor, resample])
@pytest.mark.parametrize("alpha", [-0.1, 1.1, float("nan"), float("inf"), "0.1", None, np.ones(2)])
def test_a_bad_share_is_refused_when_the_mix_is_made(make, alpha):
    with pytest.raises(ValueError, match="^alpha:"):
        make(alpha)


@pytest.mark.parametrize("make", [fresh, anchor, resample])
def test_a_share_of_less_than_a_point_is_refused(make):
    assert [real_count(a, 10) for a in (0, 0.1, 0.26, 1)] == [0, 1, 3, 10]
    with pytest.raises(ValueError, match="^alpha:"):
        real_count(1.5, 10)
    with pytest.raises(ValueError, match="^alpha: a share of 0.01 of n = 10 is less than one point"):
        run(make(0.01), 10, 2)


# ---- data ---------------------------------------------------------------------------------------------------------


@given(st.integers(1, 4), st.integers(1, 30), st.data())
def test_each_run_is_subsampled_without_replacement(runs, total, data):
    n = data.draw(st.integers(1, total))
    points = np.arange(runs * total, dtype=float).reshape(runs, total, 1)
    drawn = subsample(points, n, np.random.default_rng(total))
    assert drawn.shape == (runs, n, 1)
    for run_, all_ in zip(drawn, points):
        assert len(set(run_.ravel())) == n and set(run_.ravel()) <= set(all_.ravel())


@pytest.mark.parametrize("n", [1, 4])
@pytest.mark.parametrize("shape", [(12, 1), (1, 12, 1)])
def test_each_point_is_drawn_equally_often(shape, n):
    rng, seen = np.random.default_rng(0), np.zeros(12)
    for _ in range(3000):
        seen[subsample(np.arange(12.0).reshape(shape), n, rng).astype(int).ravel()] += 1
    expected, deviation = 3000 * n / 12, np.sqrt(3000 * (n / 12) * (1 - n / 12))
    assert abs(seen - expected).max() < 4 * deviation


def test_runs_may_have_several_axes():
    points = np.arange(2 * 3 * 12.0).reshape(2, 3, 12, 1)
    drawn = subsample(points, 5, np.random.default_rng(0))
    assert drawn.shape == (2, 3, 5, 1)
    assert all(len(set(drawn[i, j].ravel()) & set(points[i, j].ravel())) == 5 for i in range(2) for j in range(3))


def test_runs_are_subsampled_independently():
    points = np.broadcast_to(np.arange(50.0)[:, None], (200, 50, 1))
    drawn = subsample(points, 5, np.random.default_rng(0))
    assert len({tuple(sorted(d.ravel())) for d in drawn}) > 190


def test_points_pool_by_run():
    one, two = np.zeros((3, 4, 2)), np.ones((3, 5, 2))
    both = pooled(one, two)
    assert both.shape == (3, 9, 2) and both.sum() == two.sum()


@pytest.mark.parametrize("call, error, message", [
    (lambda r: pooled([1], [2]), TypeError, "first: cannot pool a list|data: cannot pool a list"),
    (lambda r: subsample([1, 2], 1, r), TypeError, "data: cannot subsample a list"),
    (lambda r: pooled(np.zeros((3, 1)), np.zeros(3)), ValueError, "second: an array"),
    (lambda r: pooled(np.zeros((3, 1)), np.zeros((3, 2))), ValueError, "second: shape"),
    (lambda r: pooled(np.zeros((2, 3, 1)), np.zeros((4, 3, 1))), ValueError, "second: shape"),
    (lambda r: subsample(np.zeros((3, 1)), 4, r), ValueError, "n: cannot draw 4 of 3"),
    (lambda r: subsample(np.zeros((3, 1)), 0, r), ValueError, "n: a whole number"),
    (lambda r: subsample(np.zeros((3, 1)), 1.5, r), ValueError, "n: a whole number"),
    (lambda r: subsample(Counts(np.array([2, 1])), 4, r), ValueError, "n: cannot draw 4 of 3"),
    (lambda r: subsample(Moments(3, np.zeros(2), np.zeros(2)), 1, r), TypeError, "data: cannot subsample a Moments"),
    (lambda r: pooled(Moments(3, np.zeros(2), np.zeros(2)), np.zeros((3, 1))), ValueError, "second: Moments"),
    (lambda r: pooled(Moments(3, np.zeros(2), np.zeros(2)), Moments(3, 0.0, 1.0)), TypeError, "second: Moments of numpy"),
    (lambda r: pooled(Moments(3, 0.0, 1.0), Moments(3, np.zeros(2), np.zeros(2))), TypeError, "first: Moments of numpy"),
    (lambda r: Gaussian().fit(Moments(3, 0.0, 1.0)), TypeError, "data: Moments of numpy"),
    (lambda r: MultivariateGaussian.standard(2, 2).fit(Moments(3, np.zeros(2), 1.0)), TypeError, "data: Moments of numpy"),
    (lambda r: pooled(Counts(np.array([2, 1])), Counts(np.array([3]))), ValueError, "second: Counts"),
    (lambda r: pooled(Counts(np.ones((4, 3), int)), Counts(np.ones((4, 2), int))), ValueError, "second: "),
    (lambda r: pooled(Counts(np.array([2, 1])), np.zeros((10, 1))), ValueError, "second: "),
    (lambda r: pooled(Moments(5, np.zeros(3), np.ones(3)), Moments(5, np.zeros(4), np.ones(4))), ValueError, "second:"),
])
def test_data_that_do_not_fit_are_refused_by_name(call, error, message):
    with pytest.raises(error, match=f"^({message})"):
        call(np.random.default_rng(0))
