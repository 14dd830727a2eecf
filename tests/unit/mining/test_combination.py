import numpy as np
import pandas as pd
import pytest

from hardneg.mining import combination, tiers
from hardneg.report import model_agreement

# Three files of two windows each, and the confidences of two models.
WINDOWS = pd.DataFrame(
    {"file_path": ["a", "a", "b", "b", "c", "c"], "start_s": [0.0, 3.0] * 3, "end_s": [3.0, 6.0] * 3}
)
OLD, NEW = [0.9, 0.1, 0.8, 0.7, 0.2, 0.1], [0.1, 0.9, 0.2, 0.8, 0.1, 0.1]


@pytest.fixture
def written(tmp_path):
    """The two models' tables, in row groups of other sizes."""
    for name, confidence, rows in (("old", OLD, 4), ("new", NEW, 2)):
        WINDOWS.assign(confidence=confidence).to_parquet(tmp_path / f"{name}.parquet", row_group_size=rows, index=False)
    return {name: tmp_path / f"{name}.parquet" for name in ("old", "new")}


@pytest.mark.parametrize("batch_windows", [1, 3, 5, 100])
def test_models_are_combined_window_by_window_for_any_batch_size(written, batch_windows):
    combined = combination.combine_scores(written, batch_windows)
    assert list(combined.file_path) == ["b", "a", "c"]
    np.testing.assert_allclose(combined.confidence, [0.75, 0.5, 0.15])
    np.testing.assert_allclose(combined.start_s, [3, 0, 0])
    np.testing.assert_allclose(combined.minimum_confidence, [0.7, 0.1, 0.1])
    np.testing.assert_allclose(combined.confidence_old, [0.8, 0.9, 0.2])
    np.testing.assert_allclose(combined.start_s_new, [3, 3, 0])


def test_the_scores_of_other_windows_are_refused(written):
    WINDOWS.iloc[::-1].assign(confidence=OLD).to_parquet(written["old"], index=False)
    with pytest.raises(ValueError, match="old, new list different windows"):
        combination.combine_scores(written)


@pytest.fixture
def scores(written):
    return combination.combine_scores(written).assign(recorder_id="r", date="")


@pytest.mark.parametrize(
    ("by", "files", "start"), [("mean", ["b", "a"], 3), ("minimum", ["b"], 3), ("old", ["a", "b"], 0)]
)
def test_a_tier_is_cut_by_the_mean_the_minimum_or_one_model_with_that_one_s_windows(scores, by, files, start):
    definitions = {"t": {"min_confidence": 0.5, "ranked_by": by}, "control": {"match_size_of": "t"}}
    tier = tiers.build_tier("t", definitions, tiers.PoolTables(scores), {}).files
    assert list(tier.file_path) == files and list(tier["rank"]) == list(range(1, len(files) + 1))
    assert tier.start_s[0] == start
    control = tiers.build_tier("control", definitions, tiers.PoolTables(scores), {}).files
    assert len(control) == len(files)
    by_choice = combination.select_scores(scores, by).set_index("file_path")
    assert list(control.confidence) == list(by_choice.confidence[control.file_path])


def test_the_scores_of_an_only_model_are_its_mean_and_minimum(scores):
    alone = scores[["file_path", "confidence", "start_s", "end_s"]]
    pd.testing.assert_frame_equal(combination.select_scores(alone, "minimum"), alone)
    assert model_agreement.compare_models(alone, {}, 0.5) is None


def test_agreement_counts_what_all_models_and_one_alone_would_put_into_a_tier(scores):
    agreement = model_agreement.compare_models(
        scores,
        {"none": {}, "hard": {"min_confidence": 0.85}, "by new": {"min_confidence": 0.5, "ranked_by": "new"}},
        0.85,
    )
    assert [(row.name, row.files, row.by_every_model, row.by_one_model) for row in agreement.tiers] == [
        ("hard", 0, 0, 0),
        ("by new", 2, 2, 0),
    ]
    assert agreement.tiers[0].share is None and agreement.tiers[1].share == 1
    # Each model alone finds "a" hard, but in another window, so that their mean finds none.
    assert [tier.jaccard for tier in agreement.tiers] == [1, 1]
    assert agreement.hard_for_one_model == {"old": 0, "new": 0}
    disagreement = model_agreement.compare_models(
        scores.assign(confidence_new=[0.1, 0.2, 0.3]), {"hard": {"min_confidence": 0.4}}, 0.85
    )
    assert disagreement.hard_for_one_model == {"old": 1, "new": 0}
    assert disagreement.tiers == [model_agreement.TierAgreement("hard", "mean", 2, 0, 0.0, 2, 0.0)]
    (pair,) = disagreement.pairs
    assert (pair.first, pair.second, pair.rank_correlation) == ("old", "new", pytest.approx(-0.5))
