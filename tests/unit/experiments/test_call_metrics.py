import numpy as np
import pandas as pd
import pytest

from hardneg.experiments.call_metrics import match_within, measure_calls, measure_runs, merge_windows


def windows_of(confidences, labels, path="a.wav"):
    starts = 3.0 * np.arange(len(confidences))
    return pd.DataFrame(
        {"file_path": path, "start_s": starts, "end_s": starts + 3, "window_label": labels, "confidence": confidences}
    )


def calls_of(*stretches, path="a.wav"):
    return pd.DataFrame([(path, *times) for times in stretches], columns=["file_path", "start_s", "end_s"])


P, N, X = "positive", "negative", "partial"


def test_calls_and_detections_are_counted_separately():
    windows = windows_of([0.9, 0.8, 0.1, 0.2, 0.7, 0.1], [P, P, N, P, N, N])
    measured = measure_calls(windows, calls_of((0.5, 2), (3.5, 5), (9.5, 11)), 0.5, hours=0.5, tolerance_s=0)
    assert (measured["calls"], measured["found_calls"]) == (3, 2)
    assert (measured["detections"], measured["right_detections"]) == (2, 1)
    assert measured["call_recall"] == pytest.approx(2 / 3) and measured["detection_precision"] == 0.5
    assert measured["detection_f1"] == pytest.approx(4 / 7) and measured["false_detections_per_hour"] == 2
    assert measured["window_recall"] == pytest.approx(2 / 3) and measured["window_precision"] == pytest.approx(2 / 3)


@pytest.mark.parametrize(("tolerance_s", "found"), [(0.4, 0), (0.5, 1)])
def test_a_detection_may_miss_a_call_by_the_tolerance(tolerance_s, found):
    windows = windows_of([0.1, 0.9, 0.1], [N, N, P])
    measured = measure_calls(windows, calls_of((6.5, 8)), 0.5, hours=1, tolerance_s=tolerance_s)
    assert measured["found_calls"] == measured["right_detections"] == found


def test_windows_that_a_call_only_touches_do_not_count_as_windows():
    measured = measure_calls(windows_of([0.9, 0.9, 0.1], [X, P, N]), calls_of((2.9, 5)), 0.5, hours=1, tolerance_s=0)
    assert measured["windows"] == 2 and measured["window_precision"] == 1 and measured["right_detections"] == 1


@pytest.mark.parametrize(
    ("calls", "confidences", "expected"),
    [
        (calls_of((0, 1)), [0.1, 0.1], {"call_recall": 0.0, "detection_precision": np.nan, "detection_f1": 0.0}),
        (calls_of(), [0.9, 0.1], {"call_recall": np.nan, "detection_precision": 0.0, "detection_f1": np.nan}),
        (calls_of(), [0.1, 0.1], {"call_recall": np.nan, "detection_precision": np.nan, "detection_f1": np.nan}),
    ],
)
def test_shares_of_nothing_are_missing(calls, confidences, expected):
    labels = [P, N] if len(calls) else [N, N]
    measured = measure_calls(windows_of(confidences, labels), calls, 0.5, hours=1, tolerance_s=0)
    assert {name: measured[name] for name in expected} == pytest.approx(expected, nan_ok=True)


def test_a_detection_in_one_file_finds_no_call_in_another():
    assert not match_within(calls_of((0, 3)), calls_of((0, 3), path="b.wav"), tolerance_s=100).any()


def test_overlapping_windows_are_one_detection_also_if_a_long_one_contains_short_ones():
    flagged = calls_of((0, 9), (1, 2), (8, 10), (10.5, 12))
    assert merge_windows(flagged).to_numpy().tolist() == [["a.wav", 0, 10], ["a.wav", 10.5, 12]]
    assert merge_windows(flagged.head(0)).empty


def test_each_run_is_measured_at_its_own_threshold(tmp_path):
    recordings = pd.DataFrame(
        {"file_path": ["a.wav", "b.wav"], "split": "test_iid", "annotated": ["complete", ""], "duration_s": 3600.0}
    ).assign(stretches=["positive 0-2", "positive 5-6"])
    runs = [{"negative_tier": "none", "seed": "1"}, {"negative_tier": "none", "seed": "2"}]
    paths = [tmp_path / f"{run['seed']}.parquet" for run in runs]
    for path in paths:
        windows_of([0.6, 0.2], [P, N]).assign(split="test_iid").to_parquet(path)
    measured = pd.DataFrame(runs).assign(threshold=[0.5, 0.7], split="test_iid")
    table = measure_runs(paths, runs, measured, recordings, tolerance_s=0)
    assert table.found_calls.tolist() == [1, 0] and table.calls.tolist() == [1, 1]
    assert table.recordings.tolist() == [1, 1] and table.hours.tolist() == [1, 1]
