"""What has no answer is refused with the name of the argument: no silent NaN, no hang, no number that is wrong."""

import inspect
import re

import numpy as np
import pytest
from collapse import metrics, theory

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
    return {name for name, f in inspect.getmembers(module, inspect.isfunction)
            if f.__module__.startswith(module.__name__) and not name.startswith("_")}


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
        assert re.search(rf"\b{name}\b", str(error)), f"{error!r} does not name {name}"
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
