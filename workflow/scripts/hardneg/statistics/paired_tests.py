"""Which differences are real: inference on paired runs, on arrays."""

import math
from dataclasses import dataclass

import numpy as np
from scipy import stats
from statsmodels.stats.multitest import multipletests

EXACT_LIMIT = 16
FLIPS = 9999
NO_SPREAD = 1e-9
MOST_OF_SEEDS = 3


@dataclass(frozen=True)
class Estimate:
    """A mean difference and how sure it is.

    Attributes
    ----------
    difference : the estimate.
    standard_error, degrees_of_freedom : of the t distribution that its intervals and p come from; missing where the
        values tell nothing of their spread: one alone, or all alike.
    low, high : confidence interval.
    p : two-sided, of no difference.
    """

    difference: float
    standard_error: float
    degrees_of_freedom: float
    low: float
    high: float
    p: float


def t_estimate(
    difference: float, standard_error: float, degrees_of_freedom: float, confidence: float = 0.95
) -> Estimate:
    """Wrap an estimate whose error is distributed as Student's t (Student, *Biometrika* 6, 1908).

    A standard error of nothing is no certainty: a few runs that happen to agree tell nothing of their spread. It counts
    as missing.
    """
    if not (math.isfinite(standard_error) and standard_error >= NO_SPREAD and degrees_of_freedom > 0):
        return Estimate(difference, math.nan, math.nan, math.nan, math.nan, math.nan)
    half = stats.t.ppf(0.5 + confidence / 2, degrees_of_freedom) * standard_error
    p = 2 * stats.t.sf(abs(difference) / standard_error, degrees_of_freedom)
    return Estimate(
        difference, standard_error, degrees_of_freedom, float(difference - half), float(difference + half), float(p)
    )


def paired_t(differences: np.ndarray, confidence: float = 0.95) -> Estimate:
    """Estimate a mean difference from the differences of pairs, one per seed.

    Parameters
    ----------
    differences : shape (n,). With n = 1 only the difference is known.
    """
    n = len(differences)
    error = float(np.std(differences, ddof=1)) / math.sqrt(n) if n > 1 else math.nan
    return t_estimate(float(np.mean(differences)), error, n - 1, confidence)


def sign_flip_p(differences: np.ndarray, seed: int = 0) -> float:
    """Two-sided p of no difference: the share of all sign patterns whose mean is as far from 0 as the one seen.

    R. A. Fisher, *The Design of Experiments* (1935), section 21. Exact up to 16 pairs, above that from 9,999 random
    patterns. Even if all n differences agree it cannot fall below a limit; see :func:`smallest_p`.

    Parameters
    ----------
    differences : shape (n,).
    """
    resamples = np.inf if len(differences) <= EXACT_LIMIT else FLIPS
    result = stats.permutation_test(
        (np.asarray(differences),),
        lambda values, axis: np.mean(values, axis=axis),
        permutation_type="samples",
        vectorized=True,
        n_resamples=resamples,
        rng=np.random.default_rng(seed),
    )
    return float(result.pvalue)


def smallest_p(pairs: int) -> float:
    """The smallest p that :func:`sign_flip_p` can give: with 5 pairs or fewer it is above 0.05.

    All signs alike are one pattern, and its mirror image another. Among random patterns the one seen is counted once.
    """
    patterns = 2**pairs if pairs <= EXACT_LIMIT else FLIPS + 1
    return min(2 / patterns, 1.0)


def adjust(p: np.ndarray, method: str = "holm") -> np.ndarray:
    """Adjust the p values of one family; a missing one stays missing and does not count.

    Parameters
    ----------
    p : shape (n,).
    method : ``holm`` (S. Holm, *Scand. J. Statist.* 6, 1979: no false positive in the family) or ``bh`` (Y. Benjamini
        and Y. Hochberg, *J. R. Statist. Soc. B* 57, 1995: few false ones among those called).
    """
    p = np.asarray(p, dtype=float)
    adjusted = np.full(len(p), np.nan)
    known = np.isfinite(p)
    if known.any():
        adjusted[known] = multipletests(p[known], method={"holm": "holm", "bh": "fdr_bh"}[method])[1]
    return adjusted


def equivalence_p(estimate: Estimate, bound: float) -> float:
    """p of a difference of at least `bound` in size, by two one-sided tests (D. J. Schuirmann, 1987).

    Parameters
    ----------
    bound : above 0, in the unit of the difference.
    """
    if not math.isfinite(estimate.standard_error):
        return math.nan
    below = stats.t.sf((estimate.difference + bound) / estimate.standard_error, estimate.degrees_of_freedom)
    above = stats.t.cdf((estimate.difference - bound) / estimate.standard_error, estimate.degrees_of_freedom)
    return float(max(below, above))


def verdict(
    estimate: Estimate, adjusted_p: float, bound: float, alpha: float = 0.05, higher_is_better: bool = True
) -> str:
    """Say what a difference means.

    Returns
    -------
    ``no effect larger than d`` if a difference of `bound` or more is excluded at `alpha` by :func:`equivalence_p`; else
    ``improves`` or ``hurts`` if the adjusted p is at most `alpha`; else ``undecided``.
    """
    if equivalence_p(estimate, bound) <= alpha:
        return "no effect larger than d"
    if adjusted_p <= alpha:
        return "improves" if (estimate.difference > 0) == higher_is_better else "hurts"
    return "undecided"


def degrees_of_freedom(seed_variance, pairs, night_variance: float, night_df: float):
    """Degrees of freedom of a mean whose variance has two parts (F. E. Satterthwaite, *Biometrics Bull.* 2, 1946).

    There are at most :data:`MOST_OF_SEEDS` times those of the seeds' part. Where few seeds happen to agree their part
    comes out too small, and with it its weight among the degrees of freedom, so that a sum would seem the surer the
    more it errs; the limit was found by simulation (docs/understanding/statistics.md).

    Parameters
    ----------
    seed_variance : of the mean, from the spread between pairs; a number or an array.
    pairs : their number, 2 or more; of the same shape.
    night_variance : of the mean, from the test nights.
    night_df : degrees of freedom of that part.
    """
    parts = np.square(seed_variance) / (pairs - 1) + night_variance**2 / night_df
    with np.errstate(invalid="ignore"):
        freedom = np.square(seed_variance + night_variance) / parts
    return np.minimum(freedom, MOST_OF_SEEDS * (pairs - 1))


def detectable_effect(
    seed_sd: float,
    fixed_variance: float,
    seeds: int,
    alpha: float = 0.05,
    power: float = 0.8,
    fixed_freedom: float = math.inf,
) -> float:
    """The smallest true difference that a two-sided t test would find with probability `power`.

    ``(t[1 - alpha / 2] + t[power])`` standard errors (H. S. Bloom, *Evaluation Review* 19, 1995). The error has a part
    that more seeds shrink and one that they do not, the test nights at hand; see :func:`degrees_of_freedom`.

    Parameters
    ----------
    seed_sd : standard deviation of the difference from seed to seed.
    fixed_variance : variance of the mean difference that remains with any number of seeds.
    seeds : at least 2, else the result is missing, as it is without any spread.
    alpha : of the decision: for an adjusted p that of the smallest of its family, ``alpha`` by the family's size.
    fixed_freedom : degrees of freedom of the variance that remains.
    """
    if seeds < 2 or not _is_known(seed_sd, fixed_variance):
        return math.nan
    return float(_detectable(seed_sd, fixed_variance, np.array([seeds]), alpha, power, fixed_freedom)[0])


def seeds_needed(
    effect: float,
    seed_sd: float,
    fixed_variance: float,
    alpha: float = 0.05,
    power: float = 0.8,
    fixed_freedom: float = math.inf,
    most: int = 1000,
) -> float:
    """The number of seeds with which a true difference of `effect` is found with probability `power`.

    Returns
    -------
    A whole number, or infinity if not even `most` seeds would do: then it is more test nights that are needed. Missing
    without any spread to plan by.
    """
    if not _is_known(seed_sd, fixed_variance):
        return math.nan
    seeds = np.arange(2, most + 1)
    enough = seeds[_detectable(seed_sd, fixed_variance, seeds, alpha, power, fixed_freedom) <= effect]
    return float(enough[0]) if len(enough) else math.inf


def _detectable(seed_sd, fixed_variance, seeds: np.ndarray, alpha, power, fixed_freedom) -> np.ndarray:
    seed_variance = seed_sd**2 / seeds
    freedom = degrees_of_freedom(seed_variance, seeds, fixed_variance, fixed_freedom)
    quantiles = stats.t.ppf(1 - alpha / 2, freedom) + stats.t.ppf(power, freedom)
    return quantiles * np.sqrt(seed_variance + fixed_variance)


def _is_known(seed_sd: float, fixed_variance: float) -> bool:
    return NO_SPREAD**2 <= seed_sd**2 + fixed_variance < math.inf
