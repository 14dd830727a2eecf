"""Does what a tier does depend on the positives and on the validation it is trained with?"""

import numpy as np
import pandas as pd
import statsmodels.formula.api as smf
from statsmodels.stats.anova import anova_lm

from hardneg.statistics.paired_tests import adjust

METRICS = ("average_precision", "f1", "precision", "recall")
SPLITS = ("test_iid", "test_ood")
CONSTANT = 1e-12


def interaction_tests(runs: pd.DataFrame, vary: str, axes: list[str], method: str = "holm") -> pd.DataFrame:
    """Test the interaction of one axis with each other axis that has more than one value.

    A linear model with the axes, the interactions and the seed as fixed effects is fitted to the runs of each split and
    metric (a randomised-block design with seeds as blocks), and each interaction is tested by an F test with type II
    sums of squares (F. Yates, *J. Am. Stat. Assoc.* 29, 1934). Test nights are not resampled, so the test speaks of
    these nights.

    Parameters
    ----------
    runs : one row per run and split.
    vary : the axis whose effect may depend on others.
    axes : all axes but the seed.
    method : of adjustment over all rows of the result.

    Returns
    -------
    ``split, metric, interaction, df, df_residual, F, p, p_adjusted``; no row where no other axis varies. In a metric
    that some run lacks, or that is the same in all runs, nothing can be tested: the numbers are missing.
    """
    others = [axis for axis in axes if axis != vary and runs[axis].astype(str).nunique() > 1]
    columns = ["split", "metric", "interaction", "df", "df_residual", "F", "p"]
    rows = []
    for split in SPLITS if others else ():
        part = runs[runs.split == split].astype(dict.fromkeys([vary, *others, "seed"], str))
        if part.empty or part.seed.nunique() < 2 or part[vary].nunique() < 2:
            continue
        terms = " + ".join(f"C({vary}) * C({axis})" for axis in others)
        for metric in METRICS:
            names = [f"{vary} x {axis}" for axis in others]
            if part[metric].isna().any() or np.ptp(part[metric]) < CONSTANT:
                rows += [(split, metric, name, *[np.nan] * 4) for name in names]
                continue
            table = anova_lm(smf.ols(f"{metric} ~ {terms} + C(seed)", part).fit(), typ=2)
            for axis, name in zip(others, names, strict=True):
                line = table.loc[f"C({vary}):C({axis})"]
                rows.append((split, metric, name, int(line.df), int(table.df["Residual"]), line.F, line["PR(>F)"]))
    result = pd.DataFrame(rows, columns=columns)
    return result.assign(p_adjusted=adjust(result.p.to_numpy(float), method) if len(result) else [])
