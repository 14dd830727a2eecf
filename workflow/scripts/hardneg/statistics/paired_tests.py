"""Inference on paired runs, on plain numbers and arrays: intervals, p values, verdicts and the number of seeds."""

import math
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt
from scipy import stats
from statsmodels.stats.multitest import multipletests

FloatArray = npt.NDArray[np.float64]
FloatOrArray = TypeVar("FloatOrArray", float, FloatArray)

MAX_EXACT_PAIRS = 16
RANDOM_SIGN_PATTERNS = 9999
MIN_STANDARD_ERROR = 1e-9
MAX_DF_PER_SEED_DF = 3
STATSMODELS_NAMES = {"holm": "holm", "bh": "fdr_bh"}


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean difference and its uncertainty.

    Attributes
    ----------
    difference : the estimate.
    standard_error, degrees_of_freedom : of the t distribution behind the interval and p. Missing where the values show
        no spread: one value alone, or all values equal.
    low, high : confidence interval.
    p : two-sided p value of no difference.
    """

    difference: float
    standard_error: float
    degrees_of_freedom: float
    low: float
    high: float
    p: float


def estimate_from_error(
    difference: float, standard_error: float, degrees_of_freedom: float, confidence: float = 0.95
) -> Estimate:
    """Estimate the interval and p of a difference with Student's t (Student, *Biometrika* 6, 1908).

    A standard error of zero counts as missing. A few runs that happen to agree show no spread, but are not certain.

    Parameters
    ----------
    standard_error, degrees_of_freedom : of the difference.
    confidence : coverage of the interval.
    """
    if not (math.isfinite(standard_error) and standard_error >= MIN_STANDARD_ERROR and degrees_of_freedom > 0):
        return Estimate(difference, math.nan, math.nan, math.nan, math.nan, math.nan)
    half_width = stats.t.ppf(0.5 + confidence / 2, degrees_of_freedom) * standard_error
    p = 2 * stats.t.sf(abs(difference) / standard_error, degrees_of_freedom)
    return Estimate(
        difference,
        standard_error,
        degrees_of_freedom,
        float(difference - half_width),
        float(difference + half_width),
        float(p),
    )


def estimate_paired_mean(differences: FloatArray, confidence: float = 0.95) -> Estimate:
    """Estimate a mean difference by a paired t test.

    Parameters
    ----------
    differences : one per pair, that is per seed; shape (n,). One pair gives a difference without an interval.
    """
    n = len(differences)
    error = float(np.std(differences, ddof=1)) / math.sqrt(n) if n > 1 else math.nan
    return estimate_from_error(float(np.mean(differences)), error, n - 1, confidence)


def compute_sign_flip_p(differences: FloatArray, seed: int = 0) -> float:
    """Compute the two-sided p of no difference from flips of the signs.

    p is the share of all sign patterns whose mean is as far from 0 as the observed mean (R. A. Fisher, *The Design of
    Experiments*, 1935, section 21). It is exact up to 16 pairs, and uses 9,999 random patterns for more pairs.
    :func:`compute_smallest_sign_flip_p` is its lower limit.

    Parameters
    ----------
    differences : one per pair; shape (n,).
    """
    result = stats.permutation_test(
        (np.asarray(differences),),
        lambda values, axis: np.mean(values, axis=axis),
        permutation_type="samples",
        vectorized=True,
        n_resamples=np.inf if len(differences) <= MAX_EXACT_PAIRS else RANDOM_SIGN_PATTERNS,
        rng=np.random.default_rng(seed),
    )
    return float(result.pvalue)


def compute_smallest_sign_flip_p(pairs: int) -> float:
    """Compute the smallest p that :func:`compute_sign_flip_p` can reach. It is above 0.05 for 5 pairs or fewer.

    The pattern of equal signs and its mirror image are two of all patterns. Random patterns include the observed one
    once.

    Examples
    --------
    >>> [compute_smallest_sign_flip_p(pairs) for pairs in (3, 5, 6)]
    [0.25, 0.0625, 0.03125]
    """
    patterns = 2**pairs if pairs <= MAX_EXACT_PAIRS else RANDOM_SIGN_PATTERNS + 1
    return min(2 / patterns, 1.0)


def adjust_p_values(p: npt.ArrayLike, method: str = "holm") -> FloatArray:
    """Adjust the p values of one family for multiple testing. A missing p stays missing and does not count.

    Parameters
    ----------
    p : shape (n,).
    method : ``holm`` limits the probability of any false positive in the family (S. Holm, *Scand. J. Statist.* 6,
        1979). ``bh`` limits the share of false positives among the positives (Y. Benjamini and Y. Hochberg, *J. R.
        Statist. Soc. B* 57, 1995).

    Examples
    --------
    >>> adjust_p_values([0.01, 0.04, 0.03], method="holm")
    array([0.03, 0.06, 0.06])
    """
    p = np.asarray(p, dtype=float)
    adjusted = np.full(len(p), np.nan)
    known = np.isfinite(p)
    if known.any():
        adjusted[known] = multipletests(p[known], method=STATSMODELS_NAMES[method])[1]
    return adjusted


def compute_equivalence_p(estimate: Estimate, bound: float) -> float:
    """Compute p of a difference of at least `bound` in size, by two one-sided t tests.

    The procedure is that of D. J. Schuirmann, *J. Pharmacokinet. Biopharm.* 15, 1987.

    Parameters
    ----------
    bound : above 0, in the unit of the difference.
    """
    if not math.isfinite(estimate.standard_error):
        return math.nan
    below = stats.t.sf((estimate.difference + bound) / estimate.standard_error, estimate.degrees_of_freedom)
    above = stats.t.cdf((estimate.difference - bound) / estimate.standard_error, estimate.degrees_of_freedom)
    return float(max(below, above))


def decide_verdict(
    difference: float,
    adjusted_p: float,
    adjusted_equivalence_p: float,
    alpha: float = 0.05,
    higher_is_better: bool = True,
) -> str:
    """Decide what a difference means.

    Parameters
    ----------
    adjusted_p, adjusted_equivalence_p : p of no difference and :func:`compute_equivalence_p`, both adjusted for the
        family; missing without an interval.
    alpha : level of both tests.

    Returns
    -------
    ``improves`` or ``hurts`` if the adjusted p is at most `alpha`. Otherwise ``no effect larger than d`` if the
    adjusted equivalence p is at most `alpha`, and ``undecided`` if it is larger. ``no verdict`` without p values.

    Examples
    --------
    >>> decide_verdict(0.05, adjusted_p=0.01, adjusted_equivalence_p=0.9)
    'improves'
    >>> decide_verdict(0.001, adjusted_p=0.7, adjusted_equivalence_p=0.02)
    'no effect larger than d'
    >>> decide_verdict(0.05, adjusted_p=0.2, adjusted_equivalence_p=0.6)
    'undecided'
    >>> decide_verdict(0.05, adjusted_p=math.nan, adjusted_equivalence_p=math.nan)
    'no verdict'
    """
    if not math.isfinite(adjusted_p):
        return "no verdict"
    if adjusted_p <= alpha:
        return "improves" if (difference > 0) == higher_is_better else "hurts"
    return "no effect larger than d" if adjusted_equivalence_p <= alpha else "undecided"


def combine_degrees_of_freedom(
    seed_variance: FloatOrArray,
    pairs: FloatOrArray | int | npt.NDArray[np.int64],
    night_variance: float,
    night_df: float,
) -> FloatOrArray:
    """Combine the degrees of freedom of the two parts of a variance, by Satterthwaite's formula.

    The source is F. E. Satterthwaite, *Biometrics Bull.* 2, 1946. The result has an upper limit:
    :data:`MAX_DF_PER_SEED_DF` times the degrees of freedom of the seed part. A few seeds that happen to agree
    underestimate the seed part and, through its weight, overestimate the degrees of freedom. The limit was chosen by
    simulation (docs/understanding/statistics.md).

    Parameters
    ----------
    seed_variance : variance of the mean, estimated from the spread between pairs; a number or an array.
    pairs : number of pairs, 2 or more; of the same shape.
    night_variance : variance of the mean that comes from the test nights.
    night_df : degrees of freedom of `night_variance`.
    """
    denominator = np.square(seed_variance) / (pairs - 1) + night_variance**2 / night_df
    with np.errstate(invalid="ignore"):
        df = np.square(seed_variance + night_variance) / denominator
    limited: FloatOrArray = np.minimum(df, MAX_DF_PER_SEED_DF * (pairs - 1))
    return limited


def compute_detectable_effect(
    seed_sd: float,
    fixed_variance: float,
    seeds: int,
    alpha: float = 0.05,
    power: float = 0.8,
    fixed_df: float = math.inf,
) -> float:
    """Compute the smallest true difference that a two-sided t test finds with probability `power`.

    It is ``t[1 - alpha / 2] + t[power]`` standard errors (H. S. Bloom, *Evaluation Review* 19, 1995). More seeds shrink
    one part of the error. The other part comes from the test nights and stays; see :func:`combine_degrees_of_freedom`.

    Parameters
    ----------
    seed_sd : standard deviation of the difference from seed to seed.
    fixed_variance : variance of the mean difference that remains with any number of seeds.
    seeds : number of seeds. With fewer than 2, or without any spread, the result is missing.
    alpha : level of the decision. For an adjusted p, use the level of the smallest p of its family: ``alpha`` divided
        by the size of the family.
    fixed_df : degrees of freedom of `fixed_variance`.
    """
    if seeds < 2 or not _has_spread(seed_sd, fixed_variance):
        return math.nan
    return float(_detectable_effects(seed_sd, fixed_variance, np.array([seeds]), alpha, power, fixed_df)[0])


def count_seeds_needed(
    effect: float,
    seed_sd: float,
    fixed_variance: float,
    alpha: float = 0.05,
    power: float = 0.8,
    fixed_df: float = math.inf,
    max_seeds: int = 1000,
) -> float:
    """Count the seeds with which a true difference of `effect` is found with probability `power`.

    Parameters
    ----------
    effect : the true difference, above 0.
    seed_sd, fixed_variance, alpha, fixed_df : see :func:`compute_detectable_effect`.

    Returns
    -------
    A whole number, or infinity if `max_seeds` are not enough. In that case the study needs more test nights instead.
    Missing without any spread to plan with.
    """
    if not _has_spread(seed_sd, fixed_variance):
        return math.nan
    seeds = np.arange(2, max_seeds + 1)
    sufficient = seeds[_detectable_effects(seed_sd, fixed_variance, seeds, alpha, power, fixed_df) <= effect]
    return float(sufficient[0]) if len(sufficient) else math.inf


def _detectable_effects(
    seed_sd: float, fixed_variance: float, seeds: npt.NDArray[np.int64], alpha: float, power: float, fixed_df: float
) -> FloatArray:
    seed_variance = seed_sd**2 / seeds
    df = combine_degrees_of_freedom(seed_variance, seeds, fixed_variance, fixed_df)
    quantiles = stats.t.ppf(1 - alpha / 2, df) + stats.t.ppf(power, df)
    effects: FloatArray = quantiles * np.sqrt(seed_variance + fixed_variance)
    return effects


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
    effect: float, seed_sd: float, fixed_variance: float, seeds: int, alpha: float, power: float, fixed_df: float
) -> SeedPlan:
    """Plan how many seeds would find a true difference of `effect`, with limits of that number.

    The limits follow from the chi-squared limits of the standard deviation (G. W. Snedecor and W. G. Cochran,
    *Statistical Methods*, 1989, section 5.11). From three seeds, the upper limit of the standard deviation is 6.3 times
    the estimate.

    Parameters
    ----------
    effect : the true difference, above 0.
    seed_sd, fixed_variance, seeds, alpha, power, fixed_df : see :func:`compute_detectable_effect`.
    """
    df = seeds - 1
    deviations = [seed_sd]
    if df > 0:
        deviations += [seed_sd * math.sqrt(df / stats.chi2.ppf(quantile, df)) for quantile in (0.975, 0.025)]
    else:
        deviations += [math.nan, math.nan]
    detectable = [compute_detectable_effect(sd, fixed_variance, seeds, alpha, power, fixed_df) for sd in deviations]
    needed = [count_seeds_needed(effect, sd, fixed_variance, alpha, power, fixed_df) for sd in deviations]
    limited_by = "" if math.isnan(needed[0]) else "nights" if math.isinf(needed[0]) else "seeds"
    return SeedPlan(detectable[0], detectable[1], detectable[2], needed[0], needed[1], needed[2], limited_by=limited_by)


def _has_spread(seed_sd: float, fixed_variance: float) -> bool:
    return MIN_STANDARD_ERROR**2 <= seed_sd**2 + fixed_variance < math.inf
