import numpy as np
import pandas as pd
import pytest

from hardneg.audit import reliability
from hardneg.audit.hidden_positives import Estimate, ScoreMixture
from hardneg.audit.suspected_positives import Suspicion

CERTAIN, SURE = Estimate(0.99, 0.98, 1.0), Estimate(20, 8, 33)


def suspicion_of(hidden=SURE, is_derived=True):
    mixture = ScoreMixture(np.array([-5.0, 5.0]), np.array([0.0, 1.0]), hidden)
    return Suspicion(0.9, mixture, is_derived)


def cross_fitted(positive=(0.8, 0.9, 0.95), negative=(0.1, 0.2, 0.3), pool=(0.05, 0.92, 0.99)):
    parts = {"positive": positive, "negative": negative, "pool": pool}
    rows = [
        (f"{origin}{n}", f"r{n}", c, int(origin == "positive"), origin)
        for origin in parts
        for n, c in enumerate(parts[origin])
    ]
    return pd.DataFrame(rows, columns=["file_path", "recorder_id", "confidence", "label", "origin"])


def assess(table, suspicion=None, exclude="if_reliable"):
    return reliability.assess_reliability(table, suspicion or suspicion_of(), exclude)


def test_models_that_separate_labelled_files_can_tell_and_suspects_are_excluded():
    result = assess(cross_fitted())
    assert (result.can_tell, result.is_excluded, result.doubt) == (True, True, "")
    assert (result.labelled_positives, result.labelled_negatives, result.pool_files) == (3, 3, 3)
    assert (result.auroc, result.hidden, result.suspected) == (1, 20, 2)
    assert 0.7 < result.precision < 1


def test_a_weak_detector_cannot_tell_and_nothing_is_excluded():
    result = assess(cross_fitted(negative=(0.85, 0.2, 0.97)))
    assert result.auroc == pytest.approx(5 / 9)
    assert not result.can_tell and not result.is_excluded and "do not separate" in result.doubt


@pytest.mark.parametrize("suspicion", [suspicion_of(Estimate(3, 0, 9)), suspicion_of(is_derived=False)])
def test_a_pool_that_may_hide_nothing_loses_nothing(suspicion):
    result = assess(cross_fitted(), suspicion)
    assert not result.is_excluded and result.doubt == "the pool may contain no hidden positive at all"


def test_models_that_score_most_of_the_pool_like_positives_have_learned_nothing():
    result = assess(cross_fitted(), Suspicion(np.inf, suspicion_of().mixture, is_derived=False))
    assert not result.can_tell and result.suspected == 0 and "hardly learned anything" in result.doubt


def test_a_user_can_exclude_suspects_in_any_case():
    result = assess(cross_fitted(negative=(0.85, 0.2, 0.97)), exclude="always")
    assert not result.can_tell and result.is_excluded


def test_positives_of_one_recorder_show_nothing_about_others():
    result = assess(cross_fitted(positive=(0.9,)))
    assert np.isnan(result.auroc) and not result.can_tell and "too few recorders" in result.doubt


def test_without_labelled_negatives_the_audit_cannot_tell():
    result = assess(cross_fitted(negative=()))
    assert np.isnan(result.auroc) and not result.can_tell and "too few labeled" in result.doubt


def test_the_auroc_counts_equal_scores_as_half_and_its_interval_covers_it():
    rng = np.random.default_rng(1)
    table = pd.DataFrame({"confidence": rng.choice([0.2, 0.5, 0.8], 200), "recorder_id": rng.integers(9, size=200)})
    table["label"] = (rng.random(200) < table.confidence).astype(int)
    higher = table.confidence[table.label == 1].to_numpy()[:, None] - table.confidence[table.label == 0].to_numpy()
    estimate = reliability.estimate_auroc(table, rng)
    assert estimate.value == pytest.approx((higher > 0).mean() + (higher == 0).mean() / 2)
    assert estimate.low < estimate.value < estimate.high
