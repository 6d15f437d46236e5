"""What has no answer is refused with the name of the argument: no silent NaN, no hang, no number that is wrong."""

import dataclasses
import functools
import inspect
import re

import numpy as np
import pytest
from collapse import anchor, chain, curate, fresh, metrics, pooled, resample, size, subsample, theory
from collapse.decoding import Decoding
from collapse.discrete import Bigram, Categorical, Counts, temper, zipf
from collapse.gaussian import Gaussian, MultivariateGaussian, moments, replacement_paths
from collapse.mixture import KernelDensity, Mixture
from collapse.text import BPE
from collapse.transformer import LanguageModel
from collapse.vae import VAE, Network

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
    "mean_interval": (np.array([1.0, 2.0, 4.0]), 0.9), "mixture_l2": (PARTS, PARTS, 0.5),
    "perplexity": (np.array([2.0, 3.0]), 4), "precision_recall": (POINTS, POINTS + 1, 2), "score": (P, P),
    "separation": PARTS[1:], "total_variance": (np.array([[0, 255], [3, 4]], dtype=np.uint8),),
    "wasserstein2": (MEAN, COVARIANCE, MEAN + 1, COVARIANCE), "wasserstein2_1d": (0.5, 2.0, 0.0, 1.0),
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
PIECES = BPE.trained("the cat sat on the mat <eos> the dog sat on the cat <eos>", 262)
WRITER = LanguageModel(12, steps=1, batch=2, width=8, layers=1, heads=2)
WROTE = WRITER.fit(np.resize(np.arange(12), (3, 64)), RNG)
IMAGES = np.zeros((4, 784), dtype=np.uint8)
DRAWER = VAE(steps=1, batch=2, build=functools.partial(Network, hidden=4))
TEXT = ("x", None, [], np.nan, BLOCKS * 1.5, BLOCKS - 5, BLOCKS.astype(str), BLOCKS[0], BLOCKS + 10)

REFUSALS = {
    "chain": ("n", lambda v: next(chain(NORMAL, NORMAL, n=v, rng=RNG)), WHOLE),
    "fresh": ("alpha", fresh, SHARE), "anchor": ("alpha", anchor, SHARE), "resample": ("alpha", resample, SHARE),
    "curate": ("tries", lambda v: curate(lambda data, rng: data[:, 0] > 0, tries=v), WHOLE),
    "curate verifier": ("verifier", curate, ("x", None, 3)),
    "subsample": ("n", lambda v: subsample(POINTS, v, RNG), (*WHOLE, 7)),
    "subsample runs": ("n", lambda v: subsample(RUNS, v, RNG), (*WHOLE, 7)),
    "subsample counts": ("n", lambda v: subsample(Counts(np.array([3, 4])), v, RNG), (*WHOLE, 8)),
    "size": ("data", size, ("x", None, [], np.nan, {}, np.ones(3))),
    "pooled": ("second", lambda v: pooled(POINTS, v), ("x", None, [], np.nan, np.ones(2), np.ones((3, 4)))),
    "Counts": ("values", Counts, ("x", None, [], np.nan, [1.5], [-1, 2], [True], [[1, 2], [3, 4]], ["1"], RAGGED)),
    "Categorical": ("p", Categorical, ("x", None, [], np.nan, 1.0, [0.5, 0.6], [-0.5, 1.5], [np.nan, 1], [np.inf],
                                      ["1"], RAGGED)),
    "Categorical temperature": ("temperature", lambda v: Categorical(P, v), POSITIVE),
    "Categorical repeated": ("runs", KINDS.repeated, WHOLE),
    "Categorical sample": ("n", lambda v: KINDS.sample(v, RNG), WHOLE),
    "Categorical fit": ("data", KINDS.fit, ("x", None, [], np.nan, POINTS, Counts(np.array([0, 0])))),
    "temper": ("p", lambda v: temper(v, 0.5), ("x", None, [], np.nan, [np.nan, 1], [-0.5, 1.5], [0.0, 0.0])),
    "temper temperature": ("temperature", lambda v: temper(P, v), POSITIVE),
    "zipf": ("k", zipf, WHOLE), "zipf exponent": ("exponent", lambda v: zipf(5, v), ("x", None, [], np.nan, np.inf)),
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
    "MultivariateGaussian sample": ("n", lambda v: PLANE.sample(v, RNG), WHOLE),
    "MultivariateGaussian d": ("d", lambda v: MultivariateGaussian.standard(2, v), WHOLE),
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
    "Mixture density": ("points", BLOB.log_density, (*DATA, POINTS[:, :1])),
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
                            "dtype": ("x", None, 3, np.ones(2))}.items()},
    "LanguageModel fit": ("data", lambda v: WRITER.fit(v, RNG), (*TEXT, RAGGED)),
    "LanguageModel sample": ("n", lambda v: WROTE.sample(v, RNG), WHOLE),
    "LanguageModel continued": ("length", lambda v: WROTE.continued(BLOCKS, v, RNG), WHOLE),
    "LanguageModel prompts": ("prompts", lambda v: WROTE.continued(v, 1, RNG), (*TEXT, RAGGED)),
    "VAE": ("output", lambda v: VAE(output=v), ("x", None, [], 3, np.ones(2))),
    "VAE steps": ("steps", lambda v: VAE(steps=v), WHOLE), "VAE batch": ("batch", lambda v: VAE(batch=v), WHOLE),
    "VAE build": ("build", lambda v: VAE(build=v), ("x", None, 3)),
    "VAE fit": ("data", lambda v: DRAWER.fit(v, RNG), (*DATA, RAGGED, IMAGES[:0], IMAGES[:, :9], IMAGES / 255)),
    "VAE sample": ("n", lambda v: DRAWER.fit(IMAGES, RNG).sample(v, RNG), WHOLE),
    "BPE": ("text", lambda v: BPE.trained(v, 262), ("", " ", None, 3, [], b"text")),
    "BPE size": ("size", lambda v: BPE.trained("a cat", v), (*WHOLE, 9, 10**6)),
    "BPE encode": ("text", PIECES.encode, (None, 3, [], b"text")),
    "BPE blocks": ("length", lambda v: PIECES.blocks("the cat sat", v), WHOLE),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_models_and_mixes_refuse_by_name(case):
    name, function, values = REFUSALS[case]
    for value in values:
        no, answer = refused(function, [value], name)
        assert no, f"{name} = {value!r} gives {answer!r}"
