"""Differences averaged over sites that were held out in turn, as in a meta-analysis.

Each site is a separate study: a detector trained without it, and a test on it. With enough sites, the spread of their
differences shows what to expect at the next one.
"""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from hardneg.models.metrics import LOWER_IS_BETTER
from hardneg.statistics.delta_table import axes_of
from hardneg.statistics.paired_tests import Estimate, adjust_p_values, estimate_from_error, estimate_paired_mean
from hardneg.statistics.verdicts import compute_equivalence_p, decide_verdict

FloatArray = npt.NDArray[np.float64]
NEW_SITES, THESE_SITES = "new sites", "these sites"
MIN_SITES = 4  # fewer cannot show how sites differ
COLUMNS = [
    "sites", "scope", "difference", "ci_low", "ci_high", "standard_error", "degrees_of_freedom", "p", "p_adjusted",
    "p_equivalence", "p_equivalence_adjusted", "effect_of_interest", "lowest", "highest", "tau", "i_squared",
    "p_heterogeneity", "verdict", "reason",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Heterogeneity:
    """How far sites differ beyond the uncertainty of each.

    Attributes
    ----------
    tau : standard deviation of the true differences between sites, in the unit of the difference.
    i_squared : share of the variance between the estimates that is due to `tau`, in [0, 1].
    p_heterogeneity : p of equal differences at all sites.
    """

    tau: float
    i_squared: float
    p_heterogeneity: float


def compare_sites(
    deltas: Sequence[pd.DataFrame], sites: Sequence[str], alpha: float, p_adjustment: str
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Average the differences of all folds.

    With :data:`MIN_SITES` sites or more, the interval comes from the spread between sites, by Student's t. It is about
    new sites, and contains the uncertainty of seeds and of nights, which adds to that spread. With fewer, the interval
    comes from the uncertainty at each site, and is about these sites alone. Every site counts the same.

    Parameters
    ----------
    deltas : the table of differences of each fold; see :func:`hardneg.statistics.comparison.compare_runs`.
    sites : the site, or the group of sites, that each fold held out.
    alpha, p_adjustment : see :class:`hardneg.statistics.comparison.StatisticsSettings`. A family is all differences of
        one comparison, split and metric.

    Returns
    -------
    by_site : the rows of all folds, with the column ``site`` first.
    means : one row for each difference: the columns that name it, and :data:`COLUMNS`.
    """
    by_site = pd.concat(
        [table.assign(site=site)[["site", *table.columns]] for table, site in zip(deltas, sites, strict=True)],
        ignore_index=True,
    )
    keys = ["vary", "value", "baseline", *axes_of(deltas[0]), "split", "metric"]
    rows = [
        dict(zip(keys, key, strict=True)) | _average(part, alpha)
        for key, part in by_site.groupby(keys, sort=False, dropna=False)
    ]
    means = pd.DataFrame(rows)
    family = [means[column] for column in ("vary", "baseline", "split", "metric")]
    for column in ("p", "p_equivalence"):
        adjust = means[column].groupby(family, sort=False).transform
        means[f"{column}_adjusted"] = adjust(lambda p: adjust_p_values(p.to_numpy(), p_adjustment))
    means["verdict"] = [
        str(
            decide_verdict(
                row.difference,
                row.p_adjusted,
                row.p_equivalence_adjusted,
                alpha,
                higher_is_better=row.metric not in LOWER_IS_BETTER,
            )
        )
        for row in means.itertuples()
    ]
    return by_site, means[[*keys, *COLUMNS]]


def _average(part: pd.DataFrame, alpha: float) -> dict[str, Any]:
    """Average one difference over sites; those where it is not defined are left out, and said."""
    known = part[np.isfinite(part.difference)]
    differences, errors = known.difference.to_numpy(float), known.standard_error.to_numpy(float)
    count = len(known)
    estimate, reason = _estimate(differences, errors, known.degrees_of_freedom.to_numpy(float), 1 - alpha)
    if count < len(part):
        missing = ", ".join(part.site[~np.isfinite(part.difference)])
        reason = "; ".join(filter(None, (f"not defined at {missing}", reason)))
    bound = float(part.effect_of_interest.iloc[0])
    return {
        "sites": count,
        "scope": NEW_SITES if count >= MIN_SITES else THESE_SITES,
        "difference": estimate.difference,
        "ci_low": estimate.low,
        "ci_high": estimate.high,
        "standard_error": estimate.standard_error,
        "degrees_of_freedom": estimate.degrees_of_freedom,
        "p": estimate.p,
        "p_equivalence": compute_equivalence_p(estimate, bound),
        "effect_of_interest": bound,
        "lowest": float(differences.min()) if count else math.nan,
        "highest": float(differences.max()) if count else math.nan,
        **asdict(measure_heterogeneity(differences, errors)),
        "reason": reason,
    }


def _estimate(differences: FloatArray, errors: FloatArray, df: FloatArray, confidence: float) -> tuple[Estimate, str]:
    count = len(differences)
    if count == 0:
        return Estimate(*[math.nan] * 6), "not defined at any site"
    if count >= MIN_SITES:
        estimate = estimate_paired_mean(differences, confidence)
        return estimate, "" if math.isfinite(estimate.p) else "all sites have the same difference"
    if not np.isfinite(errors).all():
        return estimate_from_error(float(differences.mean()), math.nan, 0, confidence), "a site has no interval"
    variances = errors**2
    total = float(variances.sum())
    combined_df = total**2 / float((variances**2 / df).sum())  # Satterthwaite, *Biometrics Bull.* 2, 1946
    return estimate_from_error(float(differences.mean()), math.sqrt(total) / count, combined_df, confidence), ""


def measure_heterogeneity(differences: FloatArray, errors: FloatArray) -> Heterogeneity:
    """Measure how far sites differ.

    tau is that of R. DerSimonian and N. Laird, *Controlled Clinical Trials* 7, 1986. I-squared is that of J. P. T.
    Higgins and S. G. Thompson, *Statistics in Medicine* 21, 2002. Both are uncertain with a few sites.

    Parameters
    ----------
    differences, errors : estimate and standard error at each site; shape (sites,). Missing without at least two errors.

    Examples
    --------
    >>> equal = measure_heterogeneity(np.array([0.02, 0.02]), np.array([0.01, 0.01]))
    >>> equal.tau, equal.i_squared
    (0.0, 0.0)
    """
    known = np.isfinite(errors) & (errors > 0)
    count = int(known.sum())
    if count < 2:
        return Heterogeneity(math.nan, math.nan, math.nan)
    d, weights = differences[known], 1 / errors[known] ** 2
    q = float((weights * (d - np.average(d, weights=weights)) ** 2).sum())
    df = count - 1
    scale = float(weights.sum() - (weights**2).sum() / weights.sum())
    return Heterogeneity(
        tau=math.sqrt(max((q - df) / scale, 0.0)),
        i_squared=max((q - df) / q, 0.0) if q > 0 else 0.0,
        p_heterogeneity=float(stats.chi2.sf(q, df)),
    )
