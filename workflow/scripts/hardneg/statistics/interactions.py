"""Does the effect of a tier depend on the positives and on the validation that it is trained with?"""

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd
import statsmodels.formula.api as smf
from statsmodels.stats.anova import anova_lm

from hardneg.models.metrics import SUMMARY_METRICS
from hardneg.recordings.manifest import TEST_SPLITS
from hardneg.statistics.paired_tests import adjust_p_values

MIN_RANGE = 1e-12
COLUMNS = ["split", "metric", "interaction", "df", "df_residual", "F", "p"]


def run_interaction_tests(
    runs: pd.DataFrame, vary: str, axes: Sequence[str], p_adjustment: str = "holm"
) -> pd.DataFrame:
    """Test the interaction of one axis with each other axis that has more than one value.

    The model of each split and metric is linear, with the axes, the interactions and the seed as fixed effects: a
    randomized block design with seeds as blocks. Each interaction has an F test with type II sums of squares (F. Yates,
    *J. Am. Stat. Assoc.* 29, 1934). Test nights are not resampled, so the result is about these nights.

    Parameters
    ----------
    runs : one row per run and split, with :data:`hardneg.models.metrics.SUMMARY_METRICS`.
    vary : the axis whose effect may depend on others.
    axes : all axes except the seed.
    p_adjustment : over all rows of the result; see :func:`hardneg.statistics.paired_tests.adjust_p_values`.

    Returns
    -------
    ``split, metric, interaction, df, df_residual, F, p, p_adjusted``. There is no row if no other axis varies. The
    numbers are missing for a metric that is missing in some run or equal in all runs.
    """
    other_axes = [axis for axis in axes if axis != vary and runs[axis].astype(str).nunique() > 1]
    rows: list[tuple[object, ...]] = []
    for split in TEST_SPLITS if other_axes else ():
        part = runs[runs.split == split].astype(dict.fromkeys([vary, *other_axes, "seed"], str))
        if len(part) and part.seed.nunique() > 1 and part[vary].nunique() > 1:
            for metric in SUMMARY_METRICS:
                rows += [(split, metric, *row) for row in _test_metric(part, metric, vary, other_axes)]
    result = pd.DataFrame(rows, columns=COLUMNS)
    return result.assign(p_adjusted=adjust_p_values(result.p.to_numpy(float), p_adjustment) if len(result) else [])


def _test_metric(runs: pd.DataFrame, metric: str, vary: str, other_axes: Sequence[str]) -> Iterator[tuple[object, ...]]:
    """Yield ``interaction, df, df_residual, F, p`` for each other axis, from the runs of one split."""
    unknown = runs[metric].isna().any() or np.ptp(runs[metric]) < MIN_RANGE
    if not unknown:
        terms = " + ".join(f"C({vary}) * C({axis})" for axis in other_axes)
        table = anova_lm(smf.ols(f"{metric} ~ {terms} + C(seed)", runs).fit(), typ=2)
    for axis in other_axes:
        name = f"{vary} x {axis}"
        if unknown:
            yield name, np.nan, np.nan, np.nan, np.nan
        else:
            line = table.loc[f"C({vary}):C({axis})"]
            yield name, int(line.df), int(table.df["Residual"]), line.F, line["PR(>F)"]
