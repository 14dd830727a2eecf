import pandas as pd
import pytest

from hardneg.mining import birdnet_label_counts
from hardneg.mining.birdnet_label_counts import LabelInTier, summarize_tier_labels

LABELS = pd.DataFrame(
    {
        "file_path": ["a", "b", "c", "d"],
        "birdnet_label": [
            "Hyliola regilla_Pacific Chorus Frog",
            "Hyliola regilla_Pacific Chorus Frog",
            "Rain_Rain",
            "X_X",
        ],
        "birdnet_confidence": [0.9, 0.5, 0.4, 0.01],
    }
)


def test_labels_are_counted_per_tier_and_an_unsure_one_is_none():
    tiers = {"hard": pd.DataFrame({"file_path": ["a", "b", "d"]}), "empty": pd.DataFrame({"file_path": []})}
    counts = birdnet_label_counts.count_labels(LABELS, tiers)
    assert counts.tier.tolist() == ["hard", "hard"]
    assert counts.birdnet_label.tolist() == ["Hyliola regilla_Pacific Chorus Frog", "none"]
    assert counts.files.tolist() == [2, 1] and counts.share.tolist() == pytest.approx([2 / 3, 1 / 3])


def test_a_tier_s_most_frequent_labels_are_listed_and_unlabelled_files_are_counted_apart():
    tiers = {"hard": LABELS[["file_path"]], "7": LABELS[["file_path"]].tail(1), "empty": LABELS[["file_path"]].head(0)}
    hard, seven = summarize_tier_labels(birdnet_label_counts.count_labels(LABELS, tiers), tiers, top=1)
    assert hard.largest == [LabelInTier("Pacific Chorus Frog", "Hyliola regilla", files=2, share=0.5)]
    assert (hard.files, hard.labels, hard.unnamed, hard.unnamed_share) == (4, 2, 1, 0.25)
    assert (seven.name, seven.largest, seven.unnamed_share) == ("7", [], 1)
