import numpy as np
import pandas as pd
import pytest

from hardneg.audit import clusters, cross_fit, near_duplicates, pool_audit, suspected_positives
from hardneg.audit.pool_audit import AuditInputs, AuditSettings
from hardneg.common.errors import InputError
from hardneg.features import store
from hardneg.recordings import checks

SETTINGS = AuditSettings(cross_fit_percentile=10, ceiling_percentile=90, silent_peak_db=-80, clipped_share=0.001, dc_offset=0.05, dropout_share=0.02, short_s=1.0, one_model_confidence=0.5)  # fmt: skip
SOUND = {"peak": 0.1, "clipped_share": 0.0, "dc_offset": 0.0, "flat_share": 0.0, "duration_s": 3.0}


POSITIVES = [(f"p{n}", n / 10, 1, "positive") for n in range(1, 10)]


def pool_of(*files, **columns):
    about = {"start_s": 0.0, "end_s": 3.0, "recorder_id": "r", "date": "", "site": ""}
    return pd.DataFrame({"file_path": files, "confidence": 0.5} | about | columns)


def flagged(scores, fitted=(), duplicates=(), validation=None, **measures):
    measured = pd.DataFrame({"file_path": scores.file_path} | SOUND | measures)
    fitted = pd.DataFrame(fitted or POSITIVES, columns=["file_path", "confidence", "label", "origin"])
    duplicates = pd.DataFrame(duplicates, columns=["file_path", "similarity", "similar_to"])
    inputs = AuditInputs(scores, measured, fitted, duplicates, validation)
    return pool_audit.flag_pool_files(inputs, SETTINGS).set_index("file_path")


def test_a_file_that_scores_as_labelled_positives_do_is_suspected_and_the_reason_says_why():
    fitted = [*POSITIVES, ("like", 0.3, 0, "pool"), ("unlike", 0.05, 0, "pool"), ("edge", 0.2, 0, "pool")]
    result = flagged(pool_of("like", "unlike", "edge"), fitted)
    assert result.suspected_positive.to_dict() == {"like": True, "unlike": False, "edge": True}
    assert result.suspected_positive_score["like"] == pytest.approx(2 / 9)
    assert result.suspected_positive_reason["like"] == (
        "models trained without its recorder score it 0.300, above 22% of labeled positives"
    )
    assert result.suspected_positive_reason["unlike"] == ""
    assert result.margin["edge"] < result.margin["like"] < result.margin["unlike"]


def test_the_audit_trains_on_labelled_positives_of_every_quality_and_on_the_pool_as_negative():
    labelled = pd.DataFrame(
        {
            "file_path": ["loud", "faint", "quiet", "held", "test"], "recorder_id": "r",
            "label": ["positive", "positive", "negative", "positive", "positive"], "quality": ["high", "low", "", "low", "high"],
            "split": ["train", "train", "train", "val", "test_iid"],
        }
    )  # fmt: skip
    index = pd.DataFrame({"file_path": labelled.file_path, "start_s": 0.0, "end_s": 3.0, "array": "a", "row": range(5)})
    pool_index = pd.DataFrame(
        {"file_path": "mined", "start_s": [0.0, 3.0], "end_s": [3.0, 6.0], "array": "b", "row": [0, 1]}
    )
    windows, validation = cross_fit.collect_windows(labelled, index, pool_of("mined", start_s=3.0), pool_index)
    assert windows.set_index("file_path").label.to_dict() == {"loud": 1, "faint": 1, "quiet": 0, "mined": 0}
    assert list(windows[windows.origin == "pool"].row) == [1]
    assert list(validation.file_path) == ["held"]


def test_the_ceiling_of_the_validation_positives_counts_where_the_mining_model_has_not_trained_on_them():
    scores = pool_of("high", "low", confidence=[0.99, 0.9])
    validation = np.linspace(0.5, 1, 11)
    assert list(flagged(scores, POSITIVES, validation=validation).suspected_positive) == [True, False]
    assert not flagged(scores, POSITIVES).suspected_positive.any()


@pytest.mark.parametrize(
    ("measure", "value", "reason"),
    [
        ("peak", 1e-5, "silent (peak -100 dB)"), ("clipped_share", 0.01, "clipped (1.00% of the samples)"),
        ("dc_offset", 0.2, "DC offset (0.200 of full scale)"), ("flat_share", 0.1, "dropouts (10.0% of the time)"),
        ("duration_s", 0.7, "short (0.70 s)"),
    ],
)  # fmt: skip
def test_an_unusable_recording_is_flagged_with_its_fault(measure, value, reason):
    result = flagged(pool_of("bad", "good"), **{measure: [value, SOUND[measure]]})
    assert list(result.unusable) == [True, False]
    assert result.unusable_reason["bad"] == reason
    assert result.unusable_score["bad"] >= 1 > result.unusable_score["good"]


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
    plain, faulty = (checks.probe_recording(name, str(tmp_path), 0.5, 3.0) for name in ("plain.wav", "faulty.wav"))
    assert getattr(faulty, measure) > least
    if measure != "peak":
        assert getattr(plain, measure) < 0.01


def spectrograms(count, seed=0, frames=120):
    """Noise with a different band in each window, in dB."""
    rng = np.random.default_rng(seed)
    return rng.normal(-60, 5.6, (count, 40, frames)).astype(np.float16)


def test_a_copy_at_another_gain_and_response_is_found_on_any_date():
    windows = spectrograms(60)
    response = np.linspace(-6, 6, 40, dtype=np.float16)[:, None]
    windows[50] = windows[3] - 12 + response + np.random.default_rng(1).normal(0, 1, windows[3].shape)
    result = near_duplicates.find_similar_pairs(windows, [""] * 60, 0.9)
    assert result[["first", "second"]].to_numpy().tolist() == [[3, 50]]


def test_the_same_moment_on_two_recorders_of_a_night_is_found_though_it_is_shifted():
    windows = spectrograms(60)
    windows[50, :, :90] = windows[3, :, 30:]
    dates = ["d1", "d2"] * 30
    dates[50] = dates[3]
    assert near_duplicates.find_similar_pairs(windows, dates, 0.9)[["first", "second"]].to_numpy().tolist() == [[3, 50]]


def test_embeddings_are_compared_by_their_angle():
    vectors = np.eye(8, dtype=np.float32)
    vectors[5] = 3 * vectors[2] + 0.1
    result = near_duplicates.find_similar_pairs(vectors, [""] * 8, 0.9)
    assert result[["first", "second"]].to_numpy().tolist() == [[2, 5]]


def test_of_two_similar_files_the_easier_is_a_duplicate_and_so_is_one_similar_to_a_labelled_positive(monkeypatch):
    windows = spectrograms(6)
    windows[3], windows[5] = windows[1], windows[0]
    monkeypatch.setattr(store, "load", lambda table: windows[table["row"]])
    origins = ["positive", "pool", "pool", "pool", "pool", "pool"]
    table = pd.DataFrame({"file_path": list("abcdef"), "date": "", "origin": origins, "row": range(6)})
    result = near_duplicates.find_near_duplicates(table.iloc[[1, 2, 3, 4, 5, 0]], 0.9)
    assert result[["file_path", "similar_to"]].to_numpy().tolist() == [["d", "b"], ["f", "the labeled positive a"]]


@pytest.fixture
def windows():
    rng = np.random.default_rng(0)
    origin = rng.choice(["positive", "negative", "pool"], 300)
    recorder = np.where(origin == "pool", "p", "r") + rng.integers(10, size=300).astype(str).astype(object)
    return pd.DataFrame({"origin": origin, "recorder_id": recorder, "label": (origin == "positive").astype(int)})


def test_a_recorder_is_in_one_fold_and_each_fold_has_every_kind(windows):
    fold = cross_fit.assign_folds(windows, 5, seed=1)
    assert fold.groupby(windows.recorder_id).nunique().max() == 1
    assert (pd.crosstab(fold, windows.origin) > 0).all(axis=None) and sorted(fold.unique()) == [0, 1, 2, 3, 4]
    with pytest.raises(InputError, match=r"20 recorders into 30 folds: lower audit\.folds"):
        cross_fit.assign_folds(windows, 30, seed=1)


def test_suspects_are_pool_files_that_score_as_positives_do():
    fitted = pd.DataFrame(
        [*POSITIVES, ("n", 0.9, 0, "negative"), ("q", 0.9, 0, "pool"), ("r", 0.1, 0, "pool")],
        columns=["file_path", "confidence", "label", "origin"],
    )
    assert suspected_positives.find_suspects(fitted, 10) == {"q"}


def test_passes_are_averaged_as_logits():
    passes = pd.DataFrame({"file_path": ["a", "b", "a"], "confidence": [0.9, 0.2, 0.1], "label": 0, "origin": "pool"})
    assert suspected_positives.average_passes(passes).set_index("file_path").confidence.to_dict() == pytest.approx(
        {"a": 0.5, "b": 0.2}
    )


def test_similar_sounds_are_in_one_cluster_at_any_time_within_the_window(monkeypatch):
    rng = np.random.default_rng(2)
    windows = rng.normal(-80, 1, (40, 32, 128)).astype(np.float32)
    for number in range(40):
        period, band = (16, 4) if number % 4 == 0 else (8, 20)  # a slow drip in a low band, a fast one in a high
        windows[number, band : band + 4, rng.integers(period) :: period] += 40
    monkeypatch.setattr(store, "load", lambda table: windows[table["row"]])
    scores = pd.DataFrame({"file_path": [f"{n:02d}" for n in range(40)], "start_s": 0.0})
    result = clusters.cluster_files(scores, scores.assign(row=range(40)), count=2, seed=1)
    assert list(result.cluster) == [1 if number % 4 == 0 else 0 for number in range(40)]
    read = []
    monkeypatch.setattr(store, "load", lambda table: read.append(len(table)) or windows[table["row"]])
    monkeypatch.setattr(store, "PART", 7)
    in_parts = clusters.cluster_files(scores, scores.assign(row=range(40)), count=2, seed=1)
    assert max(read) == 7 and sum(read) == 40, "a pool is read in parts"
    pd.testing.assert_frame_equal(in_parts, result)
    composition = clusters.describe_tiers({"top": scores.head(20)}, result)[0]
    assert composition["clusters"] == 2
    assert [(row["cluster"], row["files"], row["share"]) for row in composition["largest"]] == [
        (0, 15, 0.75),
        (1, 5, 0.25),
    ]
