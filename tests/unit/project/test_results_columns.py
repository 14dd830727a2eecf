import re

import numpy as np
import pytest
from paths import ROOT

from hardneg.experiments import arm_checks
from hardneg.experiments.call_metrics import COLUMNS as CALL_COLUMNS
from hardneg.statistics import confusers, difference_estimates, interactions
from hardneg.statistics.comparison import Delta
from hardneg.statistics.memorization import RESULT_COLUMNS as MEMORIZATION_COLUMNS
from hardneg.statistics.paired_tests import estimate_paired_mean
from hardneg.statistics.run_pairs import Comparison
from hardneg.statistics.site_comparison import COLUMNS as SITE_COLUMNS

AXES = ["positive_subset", "negative_tier", "validation"]

CONFUSER_COLUMNS = {
    "value", "baseline", "positive_subset", "validation", "cluster", *confusers.RESULT_COLUMNS, "name", "name_share"
}  # fmt: skip


def documented_columns(table):
    chapters = re.findall(r"^## `(\S+)`$(.*?)(?=^## |\Z)", (ROOT / "docs/using/results.md").read_text(), re.M | re.S)
    rows = re.findall(r"^\| (`.*?) \|", dict(chapters)[table], re.M)
    return {column for row in rows for column in re.findall("`(.+?)`", row)}


def delta_columns():
    numbers = dict.fromkeys(["mean", "std", "baseline_mean", "baseline_std", "seed_sd", "p_sign_flip"], 0.0)
    estimate = difference_estimates.DifferenceEstimate(
        estimate_paired_mean(np.array([0.1, 0.2])), *[difference_estimates.VariancePart(0.0, 1.0)] * 2
    )
    delta = Delta(
        comparison=Comparison("negative_tier", "none"), value="hard", axes={}, split="test_ood", metric="f1", n=2,
        measured=estimate, p_sign_flip_smallest=0.5, p_equivalence=0.5, effect_of_interest=0.03, **numbers,
    )  # fmt: skip
    return set(delta.to_row(AXES))


@pytest.mark.parametrize(
    ("table", "columns"),
    [
        ("deltas.csv", delta_columns()),
        ("interactions.csv", set(interactions.COLUMNS)),
        ("comparison_warnings.csv", set(arm_checks.WARNING_COLUMNS)),
        ("confusers.csv", CONFUSER_COLUMNS),
        ("sites.csv", {"vary", "value", "baseline", *AXES, "split", "metric", *SITE_COLUMNS}),
        ("calls.csv", {*AXES, "seed", "split", *CALL_COLUMNS}),
        ("memorization.csv", {*AXES, *MEMORIZATION_COLUMNS}),
    ],
)
def test_every_column_of_the_comparisons_is_documented_and_no_other(table, columns):
    assert documented_columns(table) == columns
