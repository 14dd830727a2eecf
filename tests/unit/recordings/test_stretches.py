import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardneg.common.errors import InputError
from hardneg.recordings import manifest, stretches
from hardneg.recordings.stretches import OverlapRule, label_windows


def read(*rows):
    """Complete a manifest of one recorder from (path, label, start, end) and further cells."""
    table = pd.DataFrame(
        [
            {"file_path": path, "label": label, "start_s": start, "end_s": end, "recorder_id": "r", **more}
            for path, label, start, end, more in (row if len(row) == 5 else (*row, {}) for row in rows)
        ]
    ).fillna("")
    return manifest.complete(table.astype(object), "test")


def windows_of(duration_s, path="a.wav", length_s=3.0, hop_s=3.0):
    starts = [number * hop_s for number in range(int((duration_s - length_s) / hop_s) + 1)]
    return pd.DataFrame({"file_path": path, "start_s": starts, "end_s": [start + length_s for start in starts]})


def label(calls, duration_s=12.0, annotated="complete", **rule):
    more = {"annotated": annotated}
    table = read(*[("a.wav", kind, str(start), str(end), more) for kind, start, end in calls])
    return label_windows(windows_of(duration_s), table, OverlapRule(**rule)).tolist()


def test_rows_of_one_file_become_one_that_lists_its_stretches():
    table = read(
        ("a.wav", "negative", "30", "33,5", {"quality": "high"}),
        ("b.wav", "negative", "", "", {"split": "test_ood"}),
        ("a.wav", "positive", "12", "15,2", {"quality": "low", "call_type": "grunt"}),
        ("a.wav", "positive", "40", "41", {"quality": "medium", "call_type": "chirp"}),
        ("c.wav", "negative", "0", "3"),
    )
    assert table.file_path.tolist() == ["a.wav", "b.wav", "c.wav"]
    assert table.label.tolist() == ["positive", "negative", "negative"]
    assert table.stretches.tolist() == [
        "negative 30-33.5; positive 12-15.2; positive 40-41", "", "negative 0-3"
    ]  # fmt: skip
    assert table.quality.tolist() == ["medium", "", ""] and table.call_type[0] == "grunt, chirp"
    assert not {"start_s", "end_s"} & set(table.columns)


def test_a_manifest_without_times_has_no_stretches():
    table = manifest.complete(pd.DataFrame([{"file_path": "a", "label": "positive", "recorder_id": "r"}]), "test")
    assert not stretches.has_stretches(table) and "stretches" not in table
    assert label_windows(windows_of(6, "a"), table, OverlapRule()).tolist() == ["positive", "positive"]


@pytest.mark.parametrize(
    ("rows", "problem"),
    [
        ([("a.wav", "positive", "5", "4")], "no end_s after a start_s"),
        ([("a.wav", "positive", "5", "5")], "no end_s after a start_s"),
        ([("a.wav", "positive", "-1", "4")], "no end_s after a start_s"),
        ([("a.wav", "positive", "5", "")], "no end_s after a start_s"),
        ([("a.wav", "positive", "soon", "9")], "a start_s that is no number"),
        ([("a.wav", "positive", "1", "2"), ("a.wav", "negative", "", "")], "a start_s in only some rows of the file"),
        ([("a.wav", "negative", "1", "2", {"split": "pool"})], "a start_s in the pool"),
        ([("a.wav", "positive", "1", "2", {"annotated": "partly"})], "a wrong annotated"),
        ([("a.wav", "positive", "", "", {"annotated": "complete"})], "a positive label, annotated complete, and no"),
        ([("a.wav", "positive", "1", "2", {"site": "x"}), ("a.wav", "negative", "3", "4", {"site": "y"})], "wrong site"),
        ([("a.wav", "positive", "", ""), ("a.wav", "negative", "", "")], "a wrong label"),
    ],
)  # fmt: skip
def test_rows_that_cannot_be_meant_are_refused_with_their_number(rows, problem):
    with pytest.raises(InputError, match=problem) as error:
        read(*rows)
    assert "row 1" in str(error.value) or "row 2" in str(error.value)


def test_windows_of_a_completely_annotated_recording_have_the_label_of_what_is_in_them():
    assert label([("positive", 3.2, 5.0)]) == ["negative", "positive", "negative", "negative"]
    assert label([("positive", 2.9, 5.9)]) == ["partial", "positive", "negative", "negative"]


def test_what_nobody_annotated_has_no_label():
    assert label([("positive", 3.2, 5.0)], annotated="") == ["", "positive", "", ""]
    assert label([("negative", 0.0, 5.0)], annotated="") == ["negative", "negative", "", ""]
    assert label([("negative", 0.0, 6.0), ("positive", 5.0, 6.5)], annotated="") == ["negative", "positive", "", ""]


def test_a_call_across_the_border_of_two_windows_labels_the_one_with_more_of_it():
    assert label([("positive", 2.0, 5.9)], min_overlap=0.9, overlap_of="call")[:2] == ["partial", "positive"]


@pytest.mark.parametrize(
    ("overlap_of", "expected"),
    [
        ("window", ["partial", "positive", "positive", "partial"]),
        ("call", ["partial", "positive", "positive", "partial"]),
        ("shorter", ["partial", "positive", "positive", "partial"]),
    ],
)
def test_a_call_longer_than_a_window_labels_all_windows_within_it_and_not_those_at_its_ends(overlap_of, expected):
    share = {"window": 0.5, "call": 0.3, "shorter": 0.5}[overlap_of]
    assert label([("positive", 2.0, 10.0)], min_overlap=share, overlap_of=overlap_of) == expected


def test_recordings_with_and_without_stretches_are_labelled_together():
    table = read(("a.wav", "positive", "0", "3", {"annotated": "complete"}), ("b.wav", "negative", "", ""))
    windows = pd.concat([windows_of(6, "b.wav"), windows_of(6, "a.wav")], ignore_index=True)
    assert label_windows(windows, table, OverlapRule()).tolist() == ["negative", "negative", "positive", "negative"]


@given(
    calls=st.lists(st.tuples(st.floats(0, 50), st.floats(0.05, 20)), min_size=1, max_size=6),
    share=st.floats(0.05, 1),
    overlap_of=st.sampled_from(["call", "window", "shorter"]),
    hop_s=st.sampled_from([0.5, 1.5, 3.0]),
)
def test_no_window_with_a_call_is_ever_negative_and_every_call_has_a_window(calls, share, overlap_of, hop_s):
    text = "; ".join(f"positive {start:.6g}-{start + length:.6g}" for start, length in calls)
    table = pd.DataFrame({"file_path": ["a.wav"], "label": "positive", "annotated": "complete", "stretches": text})
    windows = windows_of(75, hop_s=hop_s)
    labels = label_windows(windows, table, OverlapRule(share, overlap_of))
    listed = stretches.list_stretches(table)
    for call in listed.itertuples():
        touched = (windows.start_s < call.end_s - 1e-5) & (windows.end_s > call.start_s + 1e-5)
        assert not (labels[touched] == "negative").any()
        assert (labels[touched] == "positive").any() or not touched.any()
    assert set(labels) <= {"positive", "negative", "partial"}


def test_a_stretch_after_the_end_of_its_recording_is_found():
    table = read(("a.wav", "positive", "4", "5"), ("b.wav", "positive", "10", "12"), ("c.wav", "negative", "", ""))
    assert stretches.find_beyond_end(table.assign(duration_s=10.0)).tolist() == [False, True, False]


def test_windows_within_a_silence_are_not_trained_on_and_those_with_some_sound_are():
    recordings = pd.DataFrame(
        {"file_path": ["a.wav"], "label": "negative", "duration_s": 14.0, "silences": "2.5-9; 11-14"}
    )
    windows = windows_of(15)
    labelled = stretches.make_labeller(recordings, OverlapRule())(windows)
    assert labelled.window_label.tolist() == ["negative", "", "", "negative", ""]


def test_a_recording_without_silences_keeps_all_windows():
    recordings = pd.DataFrame({"file_path": ["a.wav"], "label": "negative", "duration_s": 6.0, "silences": ""})
    assert not stretches.find_silent_windows(windows_of(6), recordings).any()
