"""How large an effect a study can detect, and how many seeds it needs."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

from hardneg.statistics.paired_tests import MIN_STANDARD_ERROR, FloatArray, combine_degrees_of_freedom


@dataclass(frozen=True, slots=True)
class SeedPlan:
    """What more seeds would decide, with 95 % limits that come from the uncertainty of the spread between seeds.

    Attributes
    ----------
    detectable_effect, detectable_effect_low, detectable_effect_high : see :func:`compute_detectable_effect`.
    seeds_needed, seeds_needed_low, seeds_needed_high : see :func:`count_seeds_needed`.
    limited_by : ``nights`` if no number of seeds would find the effect, else ``seeds``; empty without any spread.
    """

    detectable_effect: float
    detectable_effect_low: float
    detectable_effect_high: float
    seeds_needed: float
    seeds_needed_low: float
    seeds_needed_high: float
    limited_by: str


def plan_seeds(
    effect: float, seed_sd: float, night_variance: float, seeds: int, alpha: float, power: float, night_df: float
) -> SeedPlan:
    """Plan how many seeds would find a true difference of `effect`, with limits of that number.

    The limits follow from the chi-squared limits of the standard deviation (G. W. Snedecor and W. G. Cochran,
    *Statistical Methods*, 1989, section 5.11). From three seeds, the upper limit of the standard deviation is 6.3 times
    the estimate.

    Parameters
    ----------
    effect : the true difference, above 0.
    seed_sd, night_variance, seeds, alpha, power, night_df : see :func:`compute_detectable_effect`.
    """
    df = seeds - 1
    deviations = [seed_sd]
    if df > 0:
        deviations += [seed_sd * math.sqrt(df / stats.chi2.ppf(quantile, df)) for quantile in (0.975, 0.025)]
    else:
        deviations += [math.nan, math.nan]
    detectable = [compute_detectable_effect(sd, night_variance, seeds, alpha, power, night_df) for sd in deviations]
    needed = [count_seeds_needed(effect, sd, night_variance, alpha, power, night_df) for sd in deviations]
    limited_by = "" if math.isnan(needed[0]) else "nights" if math.isinf(needed[0]) else "seeds"
    return SeedPlan(detectable[0], detectable[1], detectable[2], needed[0], needed[1], needed[2], limited_by=limited_by)


def compute_detectable_effect(
    seed_sd: float,
    night_variance: float,
    seeds: int,
    alpha: float = 0.05,
    power: float = 0.8,
    night_df: float = math.inf,
) -> float:
    """Compute the smallest true difference that a two-sided t test finds with probability `power`.

    It is ``t[1 - alpha / 2] + t[power]`` standard errors (H. S. Bloom, *Evaluation Review* 19, 1995). More seeds shrink
    one part of the error. The other part comes from the test nights and stays; see :func:`combine_degrees_of_freedom`.

    Parameters
    ----------
    seed_sd : standard deviation of the difference from seed to seed.
    night_variance : variance of the mean difference that remains with any number of seeds.
    seeds : number of seeds. With fewer than 2, or without any spread, the result is missing.
    alpha : level of the decision. For an adjusted p, use the level of the smallest p of its family: ``alpha`` divided
        by the size of the family.
    night_df : degrees of freedom of `night_variance`.
    """
    if seeds < 2 or not _has_spread(seed_sd, night_variance):
        return math.nan
    return float(_detectable_effects(seed_sd, night_variance, np.array([seeds]), alpha, power, night_df)[0])


def count_seeds_needed(
    effect: float,
    seed_sd: float,
    night_variance: float,
    alpha: float = 0.05,
    power: float = 0.8,
    night_df: float = math.inf,
    max_seeds: int = 1000,
) -> float:
    """Count the seeds with which a true difference of `effect` is found with probability `power`.

    Parameters
    ----------
    effect : the true difference, above 0.
    seed_sd, night_variance, alpha, night_df : see :func:`compute_detectable_effect`.

    Returns
    -------
    A whole number, or infinity if `max_seeds` are not enough. In that case the study needs more test nights instead.
    Missing without any spread to plan with.
    """
    if not _has_spread(seed_sd, night_variance):
        return math.nan
    seeds = np.arange(2, max_seeds + 1)
    sufficient = seeds[_detectable_effects(seed_sd, night_variance, seeds, alpha, power, night_df) <= effect]
    return float(sufficient[0]) if len(sufficient) else math.inf


def _detectable_effects(
    seed_sd: float, night_variance: float, seeds: npt.NDArray[np.int64], alpha: float, power: float, night_df: float
) -> FloatArray:
    seed_variance = seed_sd**2 / seeds
    df = combine_degrees_of_freedom(seed_variance, seeds, night_variance, night_df)
    quantiles = stats.t.ppf(1 - alpha / 2, df) + stats.t.ppf(power, df)
    effects: FloatArray = quantiles * np.sqrt(seed_variance + night_variance)
    return effects


def _has_spread(seed_sd: float, night_variance: float) -> bool:
    return MIN_STANDARD_ERROR**2 <= seed_sd**2 + night_variance < math.inf
