import numpy as np
import pandas as pd
import pytest

from hardneg.statistics import confusers
from hardneg.statistics.run_pairs import Comparison

TIERS = Comparison("negative_tier", "none")
FROGS, RAIN = 0, 1


@pytest.fixture
def study():
    """Make a study in which the tier unlearns a frog and nothing else: three seeds, ten nights of the pool."""
    rng = np.random.default_rng(4)
    pool = pd.DataFrame({"file_path": [f"p{i}.wav" for i in range(200)], "cluster": np.arange(200) % 2})
    pool = pool.assign(start_s=3.0, distance=rng.random(200), group=[f"n{i // 20}" for i in range(200)])

    def score(frog_level, seed):
        rng = np.random.default_rng(seed)
        calls = pd.DataFrame({"split": "test_ood", "file_path": [f"c{i}.wav" for i in range(20)], "label": 1})
        calls = calls.assign(confidence=np.linspace(0.5, 0.95, 20), duration_s=60.0, group="call night")
        level = np.where(pool.cluster == FROGS, frog_level, 0.5)
        files = pool[["file_path", "group"]].assign(
            split="test_pool", label=0, duration_s=36.0, confidence=np.clip(rng.normal(level, 0.15), 0, 1)
        )
        return pd.concat([calls, files], ignore_index=True)

    scores = {
        (tier, str(seed)): score(0.8 if tier == "none" else 0.3, seed)
        for tier in ("none", "hard")
        for seed in (1, 2, 3)
    }
    return scores, dict.fromkeys(scores, 0.7), pool.drop(columns="group")


def compare(study):
    return confusers.compare_confusers(*study, TIERS, ["negative_tier"], resamples=200).set_index("cluster")


def test_the_sound_that_a_tier_unlearns_is_named_and_the_others_are_left_alone(study):
    rows = compare(study)
    assert rows.change.to_dict() == {str(FROGS): "fewer", str(RAIN): "no clear change", "all": "fewer"}
    assert rows.ci_low[str(FROGS)] < rows.difference[str(FROGS)] < rows.ci_high[str(FROGS)] < 0


def test_rates_are_counted_at_the_recall_of_the_baseline_and_kinds_add_up(study):
    rows = compare(study)
    run = study[0]["none", "1"]
    pool = run[run.split == "test_pool"]
    # Ten of the twenty calls reach the frozen threshold of 0.7, and so does the tenth highest of them.
    calls = run.confidence[run.label == 1]
    threshold = calls[calls >= 0.7].min()
    per_seed = [
        (scores[scores.split == "test_pool"].confidence >= threshold).sum() / (len(pool) * 36 / 3600)
        for (tier, _), scores in study[0].items()
        if tier == "none"
    ]
    assert rows.false_positives_per_hour_baseline["all"] == pytest.approx(np.mean(per_seed))
    kinds = rows.drop("all")
    for column in ("false_positives_per_hour", "false_positives_per_hour_baseline", "difference", "files"):
        assert kinds[column].sum() == pytest.approx(rows.loc["all", column]), column


def test_a_tier_that_only_lowers_all_confidences_removes_nothing(study):
    scores, thresholds, clusters = study
    for seed in "123":
        scores["hard", seed] = scores["none", seed].assign(confidence=scores["none", seed].confidence ** 3)
    rows = compare((scores, thresholds, clusters))
    assert (rows.difference == 0).all() and (rows.change == "no clear change").all()


def test_the_example_is_a_file_of_its_kind_that_the_baseline_flags(study):
    rows = compare(study)
    clusters = study[2].set_index("file_path").cluster
    assert clusters[rows.example[str(FROGS)]] == FROGS and clusters[rows.example[str(RAIN)]] == RAIN
    votes = sum(
        (scores.set_index("file_path").confidence[rows.example[str(FROGS)]] >= 0.7)
        for (tier, _), scores in study[0].items()
        if tier == "none"
    )
    assert votes == 3


def test_one_seed_or_two_nights_give_rates_without_an_interval(study):
    scores, thresholds, clusters = study
    alone = {key: table for key, table in scores.items() if key[1] == "1"}
    rows = compare((alone, thresholds, clusters))
    assert rows.ci_low.isna().all() and rows.difference[str(FROGS)] < 0
    few = {key: table.assign(group=np.where(table.group < "n5", "a", "b")) for key, table in scores.items()}
    assert compare((few, thresholds, clusters)).ci_low.isna().all()


def test_kinds_are_named_by_their_most_frequent_label():
    clusters = pd.DataFrame({"file_path": list("abcde"), "cluster": [0, 0, 0, 1, 2]})
    labels = pd.DataFrame({"file_path": list("abcd"), "label": ["frog", "frog", "rain", "wind"]})
    named = confusers.name_kinds(clusters, labels)
    assert named.name.tolist() == ["frog", "wind"] and named.share.tolist() == pytest.approx([2 / 3, 1])
