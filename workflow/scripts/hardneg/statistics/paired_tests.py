"""Inference on paired runs, on plain numbers and arrays: intervals, p values and their adjustment."""

import math
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt
from scipy import stats

FloatArray = npt.NDArray[np.float64]
FloatOrArray = TypeVar("FloatOrArray", float, FloatArray)

MAX_EXACT_PAIRS = 16
RANDOM_SIGN_PATTERNS = 9999
MIN_STANDARD_ERROR = 1e-9
MAX_DF_PER_SEED_DF = 3


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
        adjusted[known] = _adjust_by_holm(p[known]) if method == "holm" else stats.false_discovery_control(p[known])
    return adjusted


def _adjust_by_holm(p: FloatArray) -> FloatArray:
    """Multiply the smallest of n values by n, the next by n - 1, and so on, and keep their order."""
    order = np.argsort(p)
    adjusted = np.empty(len(p))
    adjusted[order] = np.minimum(np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1)), 1)
    return adjusted


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
