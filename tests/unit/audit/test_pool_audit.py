import numpy as np
import pandas as pd
import pytest

from hardneg.audit import pool_audit
from hardneg.audit.hidden_positives import Estimate, ScoreMixture
from hardneg.audit.pool_audit import AuditInputs, AuditSettings
from hardneg.audit.suspected_positives import Suspicion
from hardneg.recordings import recording_probe

SETTINGS = AuditSettings(
    silent_peak_db=-80, clipped_share=0.001, dc_offset=0.05, dropout_share=0.02, one_model_confidence=0.5
)
SOUND = {"peak": 0.1, "clipped_share": 0.0, "dc_offset": 0.0, "flat_share": 0.0, "duration_s": 3.0}
# The probability of a hidden positive rises from 0 at a logit of -2 (0.12) to 1 at a logit of 2 (0.88).
SUSPICION = Suspicion(0.2, ScoreMixture(np.array([-2.0, 2.0]), np.array([0.0, 1.0]), Estimate()), is_derived=True)
POSITIVES = [(f"p{n}", n / 10, 1, "positive") for n in range(1, 10)]


def pool_of(*files, **columns):
    defaults = {"start_s": 0.0, "end_s": 3.0, "recorder_id": "r", "date": "", "site": ""}
    return pd.DataFrame({"file_path": files, "confidence": 0.5} | defaults | columns)


def flagged(scores, fitted=(), duplicates=(), is_excluded=True, **measures):
    measured = pd.DataFrame({"file_path": scores.file_path} | SOUND | measures)
    fitted = pd.DataFrame(fitted or POSITIVES, columns=["file_path", "confidence", "label", "origin"])
    duplicates = pd.DataFrame(duplicates, columns=["file_path", "similarity", "similar_to"])
    inputs = AuditInputs(scores, measured, fitted, SUSPICION, is_excluded, duplicates)
    return pool_audit.flag_pool_files(inputs, SETTINGS).set_index("file_path")


def test_a_file_that_scores_as_labelled_positives_do_is_suspected_and_the_reason_says_why():
    fitted = [*POSITIVES, ("like", 0.3, 0, "pool"), ("unlike", 0.05, 0, "pool"), ("edge", 0.2, 0, "pool")]
    result = flagged(pool_of("like", "unlike", "edge"), fitted)
    assert result.suspected_positive.to_dict() == {"like": True, "unlike": False, "edge": True}
    assert result.suspected_positive_score["like"] == pytest.approx(0.288, abs=0.001)
    assert result.suspected_positive_reason["like"] == (
        "models trained without its recorder score it 0.300, above 22% of labeled positives; it is a hidden positive "
        "with an estimated probability of 29%"
    )
    assert result.suspected_positive_reason["unlike"] == ""
    assert result.margin["edge"] < result.margin["like"] < result.margin["unlike"]


def test_suspected_positives_are_marked_for_exclusion_only_where_the_audit_can_tell():
    fitted = [*POSITIVES, ("like", 0.3, 0, "pool"), ("unlike", 0.05, 0, "pool")]
    for is_excluded in (True, False):
        result = flagged(pool_of("like", "unlike"), fitted, is_excluded=is_excluded)
        assert list(result.suspected_positive) == [True, False]
        assert list(result.suspected_positive_excluded) == [is_excluded, False]


@pytest.mark.parametrize(
    ("measure", "value", "reason"),
    [
        ("peak", 1e-5, "silent (peak -100 dB)"), ("clipped_share", 0.01, "clipped (1.00% of the samples)"),
        ("dc_offset", 0.2, "DC offset (0.200 of full scale)"), ("flat_share", 0.1, "dropouts (10.0% of the time)"),
    ],
)  # fmt: skip
def test_an_unusable_recording_is_flagged_with_its_fault(measure, value, reason):
    result = flagged(pool_of("bad", "good"), **{measure: [value, SOUND[measure]]})
    assert list(result.unusable) == [True, False]
    assert result.unusable_reason["bad"] == reason
    assert result.unusable_score["bad"] >= 1 > result.unusable_score["good"]


def test_a_recording_that_the_check_accepts_is_not_unusable_for_being_short():
    assert not flagged(pool_of("short", "long"), duration_s=[0.1, 3.0]).unusable.any()


def test_a_file_that_one_of_several_models_finds_hard_is_flagged_and_of_one_model_none():
    scores = pool_of("alone", "shared", "easy", confidence_a=[0.9, 0.9, 0.1], confidence_b=[0.2, 0.8, 0.1])
    result = flagged(scores)
    assert list(result.one_model_only) == [True, False, False]
    assert result.one_model_only_reason["alone"] == "hard only for a"
    assert not flagged(scores.drop(columns="confidence_b")).one_model_only.any()


def test_the_reason_of_a_duplicate_names_the_similar_recording():
    result = flagged(pool_of("copy", "own"), duplicates=[("copy", 0.97, "the labeled positive p1")])
    assert list(result.near_duplicate) == [True, False]
    assert result.near_duplicate_reason["copy"] == "similar to the labeled positive p1"


def test_against_the_truth_recall_precision_and_false_alarms_are_counted_per_tier():
    audited = pd.DataFrame({"file_path": list("abcde"), "suspected_positive": [True, True, False, False, False]})
    truth = pd.DataFrame({"file_path": list("abcde"), "hidden": [True, False, True, False, False]})
    tiers = {"top": audited.head(4), "none hidden": audited.tail(2)}
    result = pool_audit.compare_with_truth(audited, truth, tiers).set_index("tier")
    top = result.loc["top"]
    assert (top.files, top.hidden, top.found, top.false_alarms) == (4, 2, 1, 1)
    assert (top.recall, top.precision, top.false_alarm_rate) == (0.5, 0.5, 0.5)
    assert np.isnan(result.recall["none hidden"]) and result.false_alarm_rate["none hidden"] == 0


@pytest.mark.parametrize(
    ("fault", "measure", "least"),
    [
        (lambda x: x + 0.2, "dc_offset", 0.19), (lambda x: np.where(np.arange(len(x)) % 8000 < 800, 0, x), "flat_share", 0.09),
        (lambda x: np.clip(20 * x, -1, 1), "clipped_share", 0.3), (lambda x: x, "peak", 0.3),
    ],
)  # fmt: skip
def test_the_check_measures_what_the_audit_judges(wav, tmp_path, fault, measure, least):
    sound = 0.1 * np.random.default_rng(0).standard_normal(48000)
    wav("plain.wav", sound)
    wav("faulty.wav", fault(sound))
    plain, faulty = (
        recording_probe.probe_in_root(name, str(tmp_path), 0.5, 3.0) for name in ("plain.wav", "faulty.wav")
    )
    assert getattr(faulty, measure) > least
    if measure != "peak":
        assert getattr(plain, measure) < 0.01
