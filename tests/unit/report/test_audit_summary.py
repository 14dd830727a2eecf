from dataclasses import replace

import pandas as pd
import pytest

from hardneg.audit.reliability import Reliability
from hardneg.report import audit_summary

ABLE = Reliability(
    labelled_positives=300, labelled_negatives=300, recorders=12, auroc=0.991, auroc_low=0.98, auroc_high=0.997,
    pool_files=900, hidden=19.7, hidden_low=8.2, hidden_high=33.1, threshold=0.98, suspected=15, precision=0.9,
    can_tell=True, doubt="", is_excluded=True,
)  # fmt: skip
UNABLE = replace(ABLE, can_tell=False, is_excluded=False, doubt="its models are weak")


def describe(reliability):
    return " ".join(audit_summary.describe_reliability(reliability))


def test_the_number_of_hidden_positives_is_reported_with_its_interval():
    assert "The pool of 900 files contains an estimated 20 hidden positives (95 % interval 8 to 33)." in describe(ABLE)
    assert "AUROC of 0.99 (0.98 to 1.00)" in describe(ABLE)


def test_a_reader_learns_whether_suspects_leave_the_tiers_and_why_not():
    assert describe(ABLE).endswith(
        "15 files are suspected positives. Tiers that exclude suspected positives leave them out."
    )
    assert "cannot tell hidden positives from hard negatives here: its models are weak." in describe(UNABLE)
    assert describe(UNABLE).endswith("They stay in every tier. To listen to them, run “snakemake review”.")
    assert "leave them out" in describe(replace(UNABLE, is_excluded=True))


@pytest.mark.parametrize(("suspected", "text"), [(0, "No file is a suspected positive."), (1, "1 file is a suspected")])
def test_counts_of_none_and_one_are_in_words(suspected, text):
    assert text in describe(replace(ABLE, suspected=suspected))


def test_what_cannot_be_estimated_is_not_reported_as_a_number():
    missing = dict.fromkeys(["auroc", "auroc_low", "auroc_high", "hidden", "hidden_low", "hidden_high"], float("nan"))
    assert "nan" not in describe(replace(UNABLE, **missing))


def test_the_share_of_each_tier_that_is_suspected_is_counted():
    audited = pd.DataFrame({"file_path": list("abcd"), "suspected_positive": [True, False, False, False]})
    audited = audited.assign(near_duplicate=False, unusable=False, one_model_only=False)
    scores = pd.DataFrame({"file_path": list("abcd"), "confidence": [0.9, 0.8, 0.2, 0.1]})
    answers = pd.DataFrame(columns=["file_path", "label", "reviewer", "reviewed_at"])
    tiers = {"hard": {"min_confidence": 0.5}, "none_hard": {"min_confidence": 0.95}}
    summary = audit_summary.summarize_audit(audited, ABLE, scores, tiers, None, answers, {})
    assert [row["suspected_share"] for row in summary.tiers] == [0.25, 0.5, None]
