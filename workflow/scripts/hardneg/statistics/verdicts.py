"""Verdicts on differences: is there an effect, is there none that matters, or can the study not tell?"""

import math
from enum import StrEnum

from scipy import stats

from hardneg.statistics.paired_tests import Estimate


class Verdict(StrEnum):
    """What a difference means; the values are those of the column ``verdict``."""

    IMPROVES = "improves"
    HURTS = "hurts"
    NO_EFFECT = "no effect larger than d"
    UNDECIDED = "undecided"
    NONE = "no verdict"


def compute_equivalence_p(estimate: Estimate, effect_of_interest: float) -> float:
    """Compute p of a difference of at least `effect_of_interest` in size, by two one-sided t tests.

    The procedure is that of D. J. Schuirmann, *J. Pharmacokinet. Biopharm.* 15, 1987.

    Parameters
    ----------
    effect_of_interest : above 0, in the unit of the difference.
    """
    if not math.isfinite(estimate.standard_error):
        return math.nan
    below = stats.t.sf(
        (estimate.difference + effect_of_interest) / estimate.standard_error, estimate.degrees_of_freedom
    )
    above = stats.t.cdf(
        (estimate.difference - effect_of_interest) / estimate.standard_error, estimate.degrees_of_freedom
    )
    return float(max(below, above))


def decide_verdict(
    difference: float,
    adjusted_p: float,
    adjusted_equivalence_p: float,
    alpha: float = 0.05,
    higher_is_better: bool = True,
) -> Verdict:
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
    >>> str(decide_verdict(0.05, adjusted_p=0.01, adjusted_equivalence_p=0.9))
    'improves'
    >>> str(decide_verdict(0.001, adjusted_p=0.7, adjusted_equivalence_p=0.02))
    'no effect larger than d'
    >>> str(decide_verdict(0.05, adjusted_p=0.2, adjusted_equivalence_p=0.6))
    'undecided'
    >>> str(decide_verdict(0.05, adjusted_p=math.nan, adjusted_equivalence_p=math.nan))
    'no verdict'
    """
    if not math.isfinite(adjusted_p):
        return Verdict.NONE
    if adjusted_p <= alpha:
        return Verdict.IMPROVES if (difference > 0) == higher_is_better else Verdict.HURTS
    return Verdict.NO_EFFECT if adjusted_equivalence_p <= alpha else Verdict.UNDECIDED
