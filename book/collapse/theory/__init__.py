"""The closed forms that the chapters draw and the tests check, one short function each.

``refits`` counts fits: generation g of a chain is refit g + 1 (`Generation.refits`). ``n`` is the number
of samples a generation. Variances and distances are in units of the true variance unless a function
takes it. *Exact* holds for every n; anything else says how far off it is. Tags such as D1 or G2 name
the rows of the book's table of formulas.
"""

from .categories import (
    branching_rate,
    diversity,
    drift_matrix,
    first_loss_time,
    fixation_time,
    fixation_time_diffusion,
    median_life,
    memoriser_error,
    memoriser_error_recursive,
    score_spread,
    squared_distance,
    survival,
    survival_branching,
    tempered,
)
from .densities import (
    collapsed_l2,
    kernel_growth,
    kernel_variance,
    linear_vae_variance,
    pixel_entropy,
    regularised_quantile,
    regularised_variance,
)
from .gaussian import (
    biased_variance,
    c4,
    half_life,
    log_condition_early,
    log_det_drift,
    log_variance_drift,
    log_variance_spread,
    lyapunov,
    mean_precision,
    mean_variance,
    model_divergence,
    std_factor,
    variance_of_mean,
    variance_quantile,
    wasserstein2,
    wasserstein2_early,
)
from .remedies import (
    effective_size,
    fresh_moments,
    fresh_share_needed,
    golden_weight,
    kept_accumulate,
    kept_accumulate_fresh,
    kept_accumulate_limit,
    kept_fixed_budget,
    kept_fresh,
    kept_frozen,
    kept_growing,
    kept_redrawn,
    kept_schedule,
    kept_unlabelled,
    systematic_accumulate,
    systematic_replace,
    weighted_error,
)
from .selection import (
    kept_correct,
    regression_accumulate,
    regression_mixed,
    regression_replace,
    truncated_variance,
    verifier_threshold,
)

__all__ = [
    "biased_variance", "branching_rate", "c4", "collapsed_l2", "diversity", "drift_matrix", "effective_size",
    "first_loss_time", "fixation_time", "fixation_time_diffusion", "fresh_moments", "fresh_share_needed",
    "golden_weight", "half_life", "kept_accumulate", "kept_accumulate_fresh", "kept_accumulate_limit",
    "kept_correct", "kept_fixed_budget", "kept_fresh", "kept_frozen", "kept_growing", "kept_redrawn",
    "kept_schedule", "kept_unlabelled", "kernel_growth", "kernel_variance", "linear_vae_variance",
    "log_condition_early", "log_det_drift", "log_variance_drift", "log_variance_spread", "lyapunov",
    "mean_precision", "mean_variance", "median_life", "memoriser_error", "memoriser_error_recursive",
    "model_divergence", "pixel_entropy", "regression_accumulate", "regression_mixed", "regression_replace",
    "regularised_quantile", "regularised_variance", "score_spread", "squared_distance", "std_factor",
    "survival", "survival_branching", "systematic_accumulate", "systematic_replace", "tempered",
    "truncated_variance", "variance_of_mean", "variance_quantile", "verifier_threshold", "wasserstein2",
    "wasserstein2_early", "weighted_error",
]
