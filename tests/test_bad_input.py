"""What has no answer is refused with the name of the argument: no silent NaN, no hang, no number that is wrong."""

import dataclasses
import functools
import inspect
import re

import numpy as np
import pytest
from collapse import anchor, chain, curate, figures, fresh, metrics, pooled, resample, subsample, theory
from collapse.checks import check
from collapse.datasets import Finite
from collapse.declarations import STUDIES, Arm
from collapse.decoding import Decoding
from collapse.discrete import Bigram, Categorical, Counts, temper
from collapse.gaussian import Gaussian, MultivariateGaussian, moments, replacement_paths
from collapse.mixture import KernelDensity, Mixture
from collapse.opt import OPT
from collapse.seeding import torch_seeded
from collapse.text import BPE, measure, readable
from collapse.transformer import LanguageModel
from collapse.vae import VAE, Network
from matplotlib.figure import Figure

P = np.array([0.5, 0.3, 0.2])
POINTS = np.array([[0.0, 1.0], [2.0, 0.5], [1.0, 3.0], [4.0, 2.5], [3.0, 1.5], [0.5, 2.0]])
BLOCKS = np.array([[0, 1, 2, 1], [2, 1, 0, 1]])
MEAN, COVARIANCE = np.zeros(2), np.eye(2)
PARTS = (np.array([0.5, 0.5]), POINTS[:2], np.array([np.eye(2)] * 2))

# One call that is right for every public function: the table must be complete.
THEORY = {
    "biased_variance": (3, 50, 0.9), "branching_rate": (5,), "c4": (10,), "collapsed_l2": (0.1, 2),
    "diversity": (3, 50), "drift_matrix": (10,), "effective_size": (0.9,), "first_loss_time": (P, 50),
    "fixation_time": (P, 50), "fixation_time_diffusion": (P, 50), "fresh_moments": (5, 50, 0.1, 0.9, 0),
    "fresh_share_needed": (50, 0.9), "golden_weight": (0.5,), "half_life": (50, 1), "kept_accumulate": (3, 50, 1),
    "kept_accumulate_fresh": (5, 50, 0.1, 60), "kept_accumulate_limit": (50,), "kept_correct": (0.3, 0.9, 0.2),
    "kept_fixed_budget": (3, 50), "kept_fresh": (3, 50, 0.1), "kept_frozen": (3, 50, 0.1),
    "kept_growing": ([10, 20, 30],), "kept_redrawn": (3, 50, 0.1), "kept_schedule": ([5, 10], 50),
    "kept_unlabelled": (3, 50, 0.1), "kernel_growth": (50, "scott"), "kernel_variance": (3, 50, 0.2),
    "linear_vae_variance": (2.0, 0.5, 1.0, 3, "means"), "log_condition_early": (3, 50), "log_det_drift": (50, 3, 1),
    "log_variance_drift": (50, 1), "log_variance_spread": (3, 50), "lyapunov": (50, 3, 1),
    "mean_precision": (3, 50, 0), "mean_variance": (3, 50, 0), "median_life": (3,), "memoriser_error": (50, P),
    "memoriser_error_recursive": (3, 50, P), "model_divergence": (3, 50, 1), "pixel_entropy": (0.3,),
    "regression_accumulate": (3, 50, 4), "regression_mixed": (50, 4, 5, 1.0), "regression_replace": (3, 50, 4),
    "regularised_quantile": (0.5, 50, 1e-3), "regularised_variance": (3, 50, 1e-3), "score_spread": (3, 50, P),
    "squared_distance": (3, 50), "std_factor": (50, 1), "survival": (0.1, 50, 3), "survival_branching": (0.1, 50, 3),
    "systematic_accumulate": (3,), "systematic_replace": (3, 0.1), "tempered": (P, 0.9, 3),
    "truncated_variance": (1.5,), "variance_of_mean": (3, 50, 1), "variance_quantile": (0.5, 3, 50, 1),
    "verifier_threshold": (0.9, 0.2), "wasserstein2": (3, 50, 1), "wasserstein2_early": (3, 50, 2),
    "weighted_error": (0.5, 1.0),
}
METRICS = {
    "alive": (P,), "bits_per_byte": (np.array([2.0, 3.0]), 4), "distinct_n": (BLOCKS, 2), "entropy": (P,),
    "frechet_distance": (POINTS, POINTS + 1), "heterozygosity": (P,), "longest_repeat": (BLOCKS,),
    "mean_interval": (np.array([1.0, 2.0, 4.0]),), "mixture_l2": (PARTS, PARTS, 0.5),
    "perplexity": (np.array([2.0, 3.0]), 4), "precision_recall": (POINTS, POINTS + 1), "score": (P, P),
    "separation": PARTS[1:], "total_variance": (np.array([[0, 255], [3, 4]], dtype=np.uint8),),
    "wasserstein2": (MEAN, COVARIANCE, MEAN + 1, COVARIANCE), "wasserstein2_1d": (0.5, 2.0),
}


def public(module):
    own = {name for name, f in inspect.getmembers(module, inspect.isfunction)
           if f.__module__.startswith(module.__name__) and not name.startswith("_")}
    assert own <= set(module.__all__)
    return set(module.__all__)


def test_the_tables_are_complete():
    assert public(theory) == set(THEORY) and public(metrics) == set(METRICS)


def wrong(good, allowed=None):
    """Yield values that are not of the kind of ``good``."""
    yield from (value for value in ("x", None, [], np.nan, {}) if value is not allowed)
    if isinstance(good, str):
        yield 3
    elif isinstance(good, (int, float)):
        yield from (True, [1, np.nan], "3", 1j)
    elif isinstance(good, tuple):
        yield from (good[:2], (*good[:2], "x"), (np.full_like(good[0], np.nan), *good[1:]))
    else:
        broken = np.array(good, dtype=float)
        broken.flat[0] = np.nan
        yield from (broken, np.array(good, dtype=float) * 1j, np.array(good).astype(str), np.array(good, dtype=object))


def negative(good, name):
    """Yield values below 0, except of what may be anywhere."""
    if isinstance(good, (int, float)) and name not in ("mean", "mean0"):
        yield from (-1, -0.5)
    elif name in ("p", "reference", "nats", "sizes", "covariance", "covariance0", "covariances") \
            or isinstance(good, list):
        yield np.array(good, dtype=float) - 1e3
        below = np.array(good, dtype=float)
        below.flat[0] = -0.5
        yield below


def doubtful(good):
    """Yield values at the edge: an answer without NaN is as good as a refusal."""
    if isinstance(good, (int, float)):
        yield from (0, 0.0, 1, 1.0, 1.5, 2.5, 1e-300, 1e300, 10**9, 10**15, 10**30, np.inf, -np.inf)
        yield from ([1, 2], np.ones((2, 2)))
    elif not isinstance(good, (str, tuple)):
        yield from (np.zeros_like(good), np.stack([good, good]), np.asarray(good)[:1], np.asarray(good) * 1e200)


CALLS = [(module, name, arguments, place) for module, table in ((theory, THEORY), (metrics, METRICS))
            for name, arguments in table.items() for place in range(len(arguments))]


def refused(function, arguments, name):
    """Tell whether a call is refused with the name of the argument; another error fails the test."""
    try:
        answer = function(*arguments)
    except (ValueError, TypeError) as error:
        assert re.match(rf"[\w, ]*\b{name}\b[\w, ]*:", str(error)), f"{error!r} does not begin with {name}"
        return True, None
    return False, answer


def parameter(function, place):
    return list(inspect.signature(function).parameters.values())[place]


@pytest.mark.parametrize("module, name, arguments, place", CALLS)
def test_values_of_the_wrong_kind(module, name, arguments, place):
    function = getattr(module, name)
    about, good = parameter(function, place), arguments[place]
    for value in [*wrong(good, about.default), *negative(good, about.name)]:
        no, answer = refused(function, [*arguments[:place], value, *arguments[place + 1:]], about.name)
        assert no, f"{about.name} = {value!r} gives {answer!r}"


@pytest.mark.parametrize("module, name, arguments, place", CALLS)
def test_values_at_the_edge(module, name, arguments, place):
    function = getattr(module, name)
    about = parameter(function, place)
    for value in doubtful(arguments[place]):
        others = "|".join(inspect.signature(function).parameters)  # two arguments may not fit together
        no, answer = refused(function, [*arguments[:place], value, *arguments[place + 1:]], f"({others})")
        parts = answer if isinstance(answer, tuple) else (answer,)
        assert no or not any(np.isnan(part).any() for part in parts), f"{about.name} = {value!r} gives {answer!r}"


SINGLE = {  # arguments of which a closed form takes one at a time, by place
    "c4": [0], "first_loss_time": [1], "fixation_time_diffusion": [1], "fresh_moments": [1, 2, 3],
    "fresh_share_needed": [0, 1], "golden_weight": [0], "half_life": [0], "kept_accumulate": [1],
    "kept_accumulate_fresh": [1, 2, 3], "kept_accumulate_limit": [0], "kept_fixed_budget": [1], "kept_schedule": [1],
    "kernel_growth": [0], "log_det_drift": [0], "log_variance_drift": [0], "lyapunov": [0], "mean_precision": [1],
    "memoriser_error_recursive": [1], "regression_accumulate": [1], "regression_mixed": [0],
    "survival_branching": [1], "systematic_replace": [1], "tempered": [1],
}
ROWS = {"kept_schedule": 0, "memoriser_error": 0, "survival": 0, "survival_branching": 0}  # one axis at most


@pytest.mark.parametrize("name, place, value", [
    *((name, place, [THEORY[name][place]] * 2) for name, some in SINGLE.items() for place in some),
    *((name, place, [[THEORY[name][place]]]) for name, place in ROWS.items()),
])
def test_an_argument_with_more_axes_than_the_form_has_room_for(name, place, value):
    function = getattr(theory, name)
    about = parameter(function, place).name
    with pytest.raises(ValueError, match=f"^{about}: a (single number|row of numbers), not shape"):
        function(*THEORY[name][:place], value, *THEORY[name][place + 1:])


SMALLEST = {  # by function: the place of a count and the smallest that has an answer
    "biased_variance": [(0, 1), (1, 2)], "c4": [(0, 2)], "diversity": [(0, 0), (1, 1)], "kept_accumulate": [(1, 2)],
    "kept_accumulate_fresh": [(1, 1), (3, 1)], "kept_accumulate_limit": [(0, 1)], "kept_fixed_budget": [(1, 2)],
    "kept_fresh": [(0, 0), (1, 1)], "kept_frozen": [(0, 1), (1, 10)], "kept_redrawn": [(0, 1), (1, 10)],
    "kept_unlabelled": [(0, 0), (1, 1)], "kernel_growth": [(0, 2)], "kernel_variance": [(0, 1), (1, 2)],
    "log_condition_early": [(0, 0), (1, 3)], "log_det_drift": [(0, 4), (1, 1)], "log_variance_drift": [(0, 2)],
    "log_variance_spread": [(0, 0), (1, 2)], "lyapunov": [(0, 4), (1, 1)], "mean_precision": [(0, 0), (1, 4)],
    "mean_variance": [(0, 0), (1, 2)], "memoriser_error": [(0, 0)], "regression_accumulate": [(1, 6), (2, 1)],
    "regression_mixed": [(0, 6), (1, 1), (2, 0)], "regression_replace": [(0, 0), (1, 6), (2, 1)],
    "regularised_quantile": [(1, 2)], "regularised_variance": [(0, 0), (1, 2)], "std_factor": [(0, 2)],
    "variance_of_mean": [(0, 0), (1, 2)], "variance_quantile": [(1, 0), (2, 2)], "wasserstein2_early": [(0, 0), (1, 2)],
}


@pytest.mark.parametrize("name, place, least", [(n, *row) for n, rows in SMALLEST.items() for row in rows])
def test_counts_begin_where_the_form_has_an_answer(name, place, least):
    function, arguments = getattr(theory, name), THEORY[name]
    assert np.isfinite(function(*arguments[:place], least, *arguments[place + 1:])).all()
    about = "alpha" if least == 10 else parameter(function, place).name  # a share must be a point of n at least
    with pytest.raises(ValueError, match=f"^{about}:"):
        function(*arguments[:place], least - 1, *arguments[place + 1:])


SHARES = {  # arguments that may be all of it, and no more
    "kept_accumulate_fresh": [2], "kept_correct": [0, 1, 2], "kept_fresh": [2], "kept_redrawn": [2],
    "kept_unlabelled": [2], "pixel_entropy": [0], "survival": [0], "survival_branching": [0], "systematic_replace": [1],
    "variance_quantile": [0], "regularised_quantile": [0], "verifier_threshold": [0, 1], "weighted_error": [0],
}


@pytest.mark.parametrize("name, place", [(name, place) for name, places in SHARES.items() for place in places])
def test_a_share_may_be_all_and_no_more(name, place):
    function, arguments = getattr(theory, name), THEORY[name]
    assert not np.isnan(function(*arguments[:place], 1.0, *arguments[place + 1:])).any()
    with pytest.raises(ValueError, match=f"^{parameter(function, place).name}:"):
        function(*arguments[:place], 1.5, *arguments[place + 1:])


# ---- mixes and models: values that no argument of the kind may have ------------------------------------------

RNG = np.random.default_rng(0)
NORMAL, PLANE = Gaussian.standard(2), MultivariateGaussian.standard(2, 2)
KINDS, WORDS = Categorical(P), Bigram(3, 4).fit(BLOCKS)
BLOB = Mixture.of(*PARTS)
RUNS = np.stack([POINTS, POINTS[::-1]])
WHOLE = ("x", None, [], np.nan, np.inf, 0, -1, 2.5, True, 10**6 * 1.0, 10**30)
NUMBER = WHOLE[:1] + WHOLE[2:]  # of what may also be None
SHARE = ("x", None, [], np.nan, np.inf, -0.1, 1.1, True)
POSITIVE = ("x", None, [], np.nan, np.inf, 0, -1)
DATA = ("x", None, [], np.nan, 3.0, np.full((2, 6, 1), np.nan), np.full((2, 6, 1), np.inf), np.empty((2, 0, 1)),
        np.array([["a"], ["b"]]))
RAGGED = [[1, 2], [3]]
SEEDS = ("x", None, 0, np.random, np.random.RandomState(0))  # none is a Generator
PIECES = BPE.trained("the cat sat on the mat <eos> the dog sat on the cat <eos>", 262)
WRITER = LanguageModel(12, steps=1, batch=2, width=8, layers=1, heads=2)
WROTE = WRITER.fit(np.resize(np.arange(12), (3, 64)), RNG)
IMAGES = np.zeros((4, 784), dtype=np.uint8)
AX = Figure().subplots()
IDS = ("x", None, [], np.nan, [1.5], [-1], [262], [True], ["1"], [[1, 2], [3]])
DRAWER = VAE(steps=1, batch=2, build=functools.partial(Network, hidden=4))
TEXT = ("x", None, [], np.nan, BLOCKS * 1.5, BLOCKS - 5, BLOCKS.astype(str), BLOCKS[0], BLOCKS + 10)

REFUSALS = {
    "chain": ("n", lambda v: next(chain(NORMAL, NORMAL, n=v, rng=RNG)), WHOLE),
    **{f"{name} rng": ("rng", call, SEEDS) for name, call in {
        "chain": lambda v: next(chain(NORMAL, NORMAL, n=3, rng=v)), "subsample": lambda v: subsample(POINTS, 3, v),
        "subsample counts": lambda v: subsample(Counts(np.array([3, 4])), 3, v),
        "Categorical": lambda v: KINDS.sample(3, v), "Bigram": lambda v: WORDS.sample(3, v),
        "Gaussian": lambda v: NORMAL.sample(3, v), "MultivariateGaussian": lambda v: PLANE.sample(3, v),
        "Mixture": lambda v: BLOB.sample(3, v), "Mixture fit": lambda v: BLOB.fit(POINTS, v),
        "KernelDensity": lambda v: KernelDensity().fit(POINTS).sample(3, v), "LanguageModel": lambda v: WROTE.sample(3, v),
        "LanguageModel fit": lambda v: WRITER.fit(WROTE.prompts, v), "VAE fit": lambda v: DRAWER.fit(IMAGES, v),
    }.items()},
    "fresh": ("alpha", fresh, SHARE), "anchor": ("alpha", anchor, SHARE), "resample": ("alpha", resample, SHARE),
    "curate": ("verifier", curate, ("x", None, 3)),
    "subsample": ("n", lambda v: subsample(POINTS, v, RNG), (*WHOLE, 7)),
    "subsample runs": ("n", lambda v: subsample(RUNS, v, RNG), (*WHOLE, 7)),
    "subsample counts": ("n", lambda v: subsample(Counts(np.array([3, 4])), v, RNG), (*WHOLE, 8)),
    "pooled": ("second", lambda v: pooled(POINTS, v), ("x", None, [], np.nan, np.ones(2), np.ones((3, 4)))),
    "Counts": ("values", Counts, ("x", None, [], np.nan, [1.5], [-1, 2], [True], [[1, 2], [3, 4]], ["1"], RAGGED)),
    "Categorical": ("p", Categorical, ("x", None, [], np.nan, 1.0, [0.5, 0.6], [-0.5, 1.5], [np.nan, 1], [np.inf],
                                      ["1"], RAGGED)),
    "Categorical temperature": ("temperature", lambda v: Categorical(P, v), POSITIVE),
    "Categorical repeated": ("runs", KINDS.repeated, WHOLE),
    "Categorical sample": ("n", lambda v: KINDS.sample(v, RNG), WHOLE),
    "Categorical fit": ("data", KINDS.fit, ("x", None, [], np.nan, POINTS, Counts(np.array([0, 0])))),
    "Decoding coldest": ("temperature", Decoding, (1e-39,)),
    "temper": ("p", lambda v: temper(v, 0.5), ("x", None, [], np.nan, [np.nan, 1], [-0.5, 1.5], [0.0, 0.0])),
    "temper temperature": ("temperature", lambda v: temper(P, v), (*POSITIVE, 1e-320)),
    "Bigram": ("vocabulary", lambda v: Bigram(v, 4), WHOLE), "Bigram length": ("length", lambda v: Bigram(3, v), WHOLE),
    "Bigram fit": ("data", WORDS.fit, TEXT), "Bigram sample": ("n", lambda v: WORDS.sample(v, RNG), WHOLE),
    "Gaussian": ("variance", lambda v: Gaussian(0.0, v), ("x", None, [], np.nan, np.inf, -1.0, [1.0, 2.0])),
    "Gaussian mean": ("(mean|variance)", lambda v: Gaussian(v, 1.0), ("x", None, [], np.nan, np.inf, [1.0, 2.0])),
    "Gaussian ddof": ("ddof", lambda v: Gaussian(ddof=v), ("x", None, [], np.nan, 2, -1, 0.5)),
    "Gaussian temperature": ("temperature", lambda v: Gaussian(temperature=v), POSITIVE),
    "Gaussian runs": ("runs", Gaussian.standard, WHOLE),
    "Gaussian sample": ("n", lambda v: NORMAL.sample(v, RNG), WHOLE),
    "Gaussian fit": ("data", NORMAL.fit, (*DATA, RUNS)), "moments": ("data", moments, DATA),
    "MultivariateGaussian fit": ("data", PLANE.fit, (*DATA, RUNS[:, :2])),
    "MultivariateGaussian": ("factor", lambda v: MultivariateGaussian(MEAN, v), (*DATA, np.eye(3), RAGGED)),
    "MultivariateGaussian mean": ("(mean|factor)", lambda v: MultivariateGaussian(v, np.eye(2)), (*DATA, 0.0, RAGGED)),
    "MultivariateGaussian ddof": ("ddof", lambda v: MultivariateGaussian.standard(2, 2, ddof=v), ("x", None, [], 2, 0.5)),
    "MultivariateGaussian runs": ("runs", lambda v: MultivariateGaussian.standard(v, 2), WHOLE),
    "MultivariateGaussian sample": ("n", lambda v: PLANE.sample(v, RNG), WHOLE),
    "MultivariateGaussian d": ("d", lambda v: MultivariateGaussian.standard(2, v), WHOLE),
    "paths runs": ("runs", lambda v: replacement_paths(v, 3, 9, rng=RNG), WHOLE),
    "paths generations": ("generations", lambda v: replacement_paths(2, v, 9, rng=RNG), WHOLE),
    "paths ddof": ("ddof", lambda v: replacement_paths(2, 3, 9, ddof=v, rng=RNG), ("x", None, [], 2, -1, 0.5)),
    "paths": ("n", lambda v: replacement_paths(2, 3, v, rng=RNG), (*WHOLE, 1)),
    "Mixture": ("components", Mixture, WHOLE), "Mixture max_iter": ("max_iter", lambda v: Mixture(max_iter=v), WHOLE),
    "Mixture tol": ("tol", lambda v: Mixture(tol=v), ("x", None, [], np.nan, -1)),
    "Mixture reg_covar": ("reg_covar", lambda v: Mixture(reg_covar=v), POSITIVE),
    "Mixture start": ("start", lambda v: Mixture(start=v), ("x", None, [], np.nan, 3)),
    "Mixture fit": ("data", lambda v: Mixture().fit(v, RNG), (*DATA, np.ones((6, 2)))),
    "Mixture sample": ("n", lambda v: BLOB.sample(v, RNG), WHOLE),
    "Mixture.of": ("weights", lambda v: Mixture.of(v, *PARTS[1:]), ("x", None, [], np.nan, [0.5, 0.6], [np.nan, 1],
                                                                   [[0.5, 0.5]])),
    "Mixture.of means": ("means", lambda v: Mixture.of(PARTS[0], v, PARTS[2]), (*DATA, RAGGED, POINTS[:3])),
    "Mixture.of covariances": ("covariances", lambda v: Mixture.of(*PARTS[:2], v), (*DATA, np.eye(2), -PARTS[2])),
    "Mixture.of runs": ("runs", lambda v: Mixture.of(*PARTS, runs=v), ("x", None, [], 3, (0,), (1.5,), (True,), ("x",))),
    "Mixture density": ("points", BLOB.log_density, (*DATA, POINTS[:, :1], POINTS[0])),
    "Mixture.of symmetric": ("covariances", lambda v: Mixture.of([1], [[0, 0]], [v]), ([[1, 0.9], [0, 1]],)),
    "Mixture unfitted mean": ("weights", lambda n: Mixture().mean, (3,)),
    "Mixture unfitted": ("means", lambda n: Mixture().sample(n, RNG), (3,)),
    "KernelDensity": ("bandwidth", KernelDensity, ("x", None, [], np.nan, np.inf, 0, -1, True)),
    "KernelDensity fit": ("data", KernelDensity().fit, (*DATA, np.ones((6, 2)))),
    "KernelDensity unfitted": ("points", lambda n: KernelDensity().sample(n, RNG), (3,)),
    "Decoding": ("temperature", Decoding, POSITIVE), "Decoding top_k": ("top_k", lambda v: Decoding(top_k=v), NUMBER),
    "Decoding beams": ("beams", lambda v: Decoding(beams=v), WHOLE),
    "Decoding penalty": ("repetition_penalty", lambda v: Decoding(repetition_penalty=v), POSITIVE),
    **{f"LanguageModel {name}": (name, lambda v, name=name: dataclasses.replace(WRITER, **{name: v}), values)
       for name, values in {"vocabulary": WHOLE, "steps": WHOLE, "batch": WHOLE, "width": (*WHOLE, 7), "layers": WHOLE,
                            "heads": WHOLE, "warm": NUMBER, "rate": POSITIVE, "decoding": ("x", None, 3),
                            "dtype": ("x", None, 3, np.ones(2)), "device": ("x", None, 3)}.items()},
    "LanguageModel unfitted": ("network", WRITER.nats, (np.zeros((2, 64), int),)),
    "LanguageModel fit": ("data", lambda v: WRITER.fit(v, RNG), (*TEXT, RAGGED)),
    "LanguageModel sample": ("n", lambda v: WROTE.sample(v, RNG), WHOLE),
    "LanguageModel continued": ("length", lambda v: WROTE.continued(BLOCKS, v, RNG), WHOLE),
    "LanguageModel prompts": ("prompts", lambda v: WROTE.continued(v, 1, RNG), (*TEXT, RAGGED)),
    "VAE": ("output", lambda v: VAE(output=v), ("x", None, [], 3, np.ones(2))),
    "VAE steps": ("steps", lambda v: VAE(steps=v), WHOLE), "VAE batch": ("batch", lambda v: VAE(batch=v), WHOLE),
    "VAE dtype": ("dtype", lambda v: VAE(dtype=v), ("x", None, 3, np.ones(2))),
    "VAE build": ("build", lambda v: VAE(build=v), ("x", None, 3)),
    "VAE fit": ("data", lambda v: DRAWER.fit(v, RNG), (*DATA, RAGGED, IMAGES[:0], IMAGES[:, :9], IMAGES / 255)),
    "VAE sample": ("n", lambda v: DRAWER.fit(IMAGES, RNG).sample(v, RNG), WHOLE),
    "BPE": ("text", lambda v: BPE.trained(v, 262), ("", " ", None, 3, [], b"text")),
    "BPE size": ("size", lambda v: BPE.trained("a cat", v), (*WHOLE, 9, 10**6)),
    "BPE encode": ("text", PIECES.encode, (None, 3, [], b"text")),
    "BPE words": ("ids", PIECES.words, IDS), "BPE bytes": ("ids", PIECES.bytes, IDS),
    "BPE decode": ("ids", PIECES.decode, (*IDS, [[1]])),
    "BPE word_list": ("blocks", PIECES.word_list, (*IDS, [1], [[262]])),
    "measure": ("made", lambda v: measure(None, None, v, None, PIECES), [  # a blank, and no beginning of a word
        np.full((2, 64), PIECES.tokenizer.token_to_id(piece)) for piece in ("Ġ", "a")]),
    "readable": ("text", readable, (None, 3, [], b"text")),
    **{f"Arm {name}": (name, lambda v, name=name: dataclasses.replace(Arm(NORMAL), **{name: v}), values)
       for name, values in {"generations": WHOLE, "n": NUMBER}.items()},
    **{f"Study {name}": (name, lambda v, name=name: dataclasses.replace(STUDIES["gaussian"], **{name: v}), WHOLE)
       for name in ("n", "seeds", "every")},
    "Finite": ("data", Finite, ("x", None, [], 3, POINTS.tolist(), POINTS[:, 0], POINTS[:0], POINTS.astype(str),
                                POINTS.astype(object))),
    "Finite sample": ("n", lambda v: Finite(POINTS).sample(v, RNG), (*WHOLE, 7)),
    **{f"OPT {name}": (name, lambda v, name=name: OPT(None, None, None, None, **{name: v}), values)
       for name, values in {"epochs": WHOLE, "batch": WHOLE, "beams": WHOLE, "rate": POSITIVE,
                            "repetition_penalty": POSITIVE}.items()},
    "torch_seeded": ("rng", lambda v: torch_seeded(v).__enter__(), SEEDS),
    "check": ("number", lambda v: check(v, 1), (None, 3, [], "9.9", np.nan)),
    "band": ("regime", lambda v: figures.band(AX, [0], [0], [1], v), ("x", None, 3, [])),
    "label_end": ("regime", lambda v: figures.label_end(AX, [0], [0], "", v), ("x", None, 3, [])),
    "sample_sheet": ("rows", lambda v: figures.sample_sheet([("", v)]), (None, [], IMAGES[:0], IMAGES[:, :9], IMAGES[0])),
    "draw_dog": ("traits", lambda v: figures.draw_dog(AX, v), ("x", None, [], np.nan, [1, 2], np.full(7, np.nan))),
    "dog_park": ("traits", lambda v: figures.dog_park(AX, v), ("x", None, [], np.ones(7), np.full((2, 7), np.nan),
                                                                 np.ones((2, 6)))),
    "BPE blocks": ("length", lambda v: PIECES.blocks("the cat sat", v), WHOLE),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_models_and_mixes_refuse_by_name(case):
    name, function, values = REFUSALS[case]
    for value in values:
        no, answer = refused(function, [value], name)
        assert no, f"{name} = {value!r} gives {answer!r}"
