import numpy as np
import pandas as pd
import pytest

from hardneg.common.errors import InputError
from hardneg.recordings import checks, recording_probe


@pytest.fixture
def reason(tmp_path):
    def probe(name):
        return recording_probe.probe_in_root(name, str(tmp_path / "root"), min_duration_s=0.5, window_s=3.0).reason

    (tmp_path / "root").mkdir()
    return probe


def test_a_good_recording_is_described(tmp_path, wav):
    wav("a.wav", np.stack([np.full(8000, 0.5), np.full(8000, 0.3)], axis=1), rate=8000)
    facts = recording_probe.probe_in_root("a.wav", str(tmp_path), 0.5, 3.0)
    assert facts.reason == ""
    assert (facts.duration_s, facts.sample_rate, facts.channels, facts.flags) == (1.0, 8000, 2, "short")


def test_each_kind_of_bad_file_is_rejected_with_its_reason(tmp_path, wav, reason):
    wav("root/fine.wav")
    wav("root/none.wav", np.zeros(0))
    wav("root/brief.wav", seconds=0.1)
    wav("root/nan.wav", np.array([0.1, np.nan] * 8000), subtype="FLOAT")
    wav("outside.wav")
    (tmp_path / "root/empty.wav").touch()
    (tmp_path / "root/text.wav").write_text("not audio")
    (tmp_path / "root/folder.wav").mkdir()
    (tmp_path / "root/link.wav").symlink_to(tmp_path / "outside.wav")
    whole = (tmp_path / "root/fine.wav").read_bytes()
    (tmp_path / "root/header.wav").write_bytes(whole[:20])
    reasons = {
        name: reason(name).split(":")[0]
        for name in (
            "fine.wav", "absent.wav", "empty.wav", "none.wav", "brief.wav", "nan.wav", "text.wav", "folder.wav",
            "header.wav", "../outside.wav", "link.wav", "",
        )
    }  # fmt: skip
    assert reasons == {
        "fine.wav": "",
        "absent.wav": "missing",
        "empty.wav": "empty",
        "none.wav": "zero samples",
        "brief.wav": "too short",
        "nan.wav": "non-finite samples",
        "text.wav": "unreadable",
        "folder.wav": "unreadable",
        "header.wav": "unreadable",
        "../outside.wav": "path outside audio_root",
        "link.wav": "path outside audio_root",
        "": "missing",
    }


def test_silence_and_clipping_are_flagged_not_rejected(tmp_path, wav):
    wav("silent.wav", np.zeros(48000))
    wav("clipped.wav", np.sign(np.sin(np.arange(48000) / 20)))
    silent, clipped = (
        recording_probe.probe_in_root(name, str(tmp_path), 0.5, 3.0) for name in ("silent.wav", "clipped.wav")
    )
    assert (silent.reason, silent.flags) == ("", "silent")
    assert (clipped.reason, clipped.flags) == ("", "clipped")


@pytest.mark.parametrize(
    ("channels", "flags"),
    [
        (lambda x: [x, x], ""),
        (lambda x: [x, -x], "silent,out_of_phase"),
        (lambda x: [x, -0.95 * x], "out_of_phase"),
        (lambda x: [x, 0 * x], "dead_channel"),
        (lambda x: [x, np.roll(x, 777)], ""),
        (lambda x: [0 * x, 0 * x], "silent"),
        (lambda x: [x], ""),
    ],
)
def test_the_mix_that_a_detector_receives_is_what_is_measured(tmp_path, wav, channels, flags):
    noise = 0.1 * np.random.default_rng(0).standard_normal(48000)
    wav("a.wav", np.stack(channels(noise), axis=1))
    facts = recording_probe.probe_in_root("a.wav", str(tmp_path), 0.5, 3.0)
    assert (facts.reason, facts.flags) == ("", flags)
    assert (facts.peak < 1e-3) == ("silent" in flags) == (facts.flat_share == 1)


def test_a_labeled_recording_without_sound_is_left_out_and_one_of_the_pool_is_not(make_manifest):
    table = make_manifest(
        ("a.wav", "positive", "train", "s", "r1", "2025-01-01"), ("b.wav", "negative", "pool", "s", "r2", "2025-01-02")
    )
    gathered = checks.merge_shards([checked(table, flags="silent,short")])
    assert gathered.reason.tolist() == ["silent: the mix of its channels has no sound", ""]


def test_the_same_samples_in_another_container_have_the_same_hash(tmp_path, wav):
    noise = np.random.default_rng(0).integers(-9000, 9000, 16000).astype(np.int16)
    wav("a.wav", noise)
    wav("a.flac", noise)
    wav("b.wav", noise[::-1])
    same, copy, other = (
        recording_probe.probe_in_root(name, str(tmp_path), 0.5, 1.0).sha256 for name in ("a.wav", "a.flac", "b.wav")
    )
    assert same == copy != other


def test_a_repeated_row_is_rejected_once(tmp_path, wav, make_manifest):
    wav("a.wav")
    row = ("a.wav", "negative", "train", "s", "r", "2025-01-01")
    checked = checks.check_recordings(make_manifest(row, row), str(tmp_path), 0.5, 3.0, workers=1)
    assert list(checked.reason) == ["", "duplicate row"]


def checked(table, **more):
    rows = [str(n) for n in range(len(table))]
    facts = {"duration_s": 3.0, "sha256": rows, "flags": "", "reason": "", "shard": "labelled-0"} | more
    return table.assign(**facts)


BREACHES = {
    "A recorder-night must be in one split only": [
        ("a.wav", "negative", "train", "s", "r", "2025-01-01"),
        ("b.wav", "negative", "val", "s", "r", "2025-01-01"),
    ],
    "The pool's recorders must appear in no other split": [
        ("a.wav", "negative", "pool", "s", "r", "2025-01-01"),
        ("b.wav", "negative", "train", "s", "r", "2025-01-02"),
    ],
    "A site of test_ood must appear in no other split": [
        ("a.wav", "negative", "test_ood", "s", "r1", "2025-01-01"),
        ("b.wav", "negative", "pool", "s", "r2", "2025-01-02"),
    ],
    "Recordings of the pool must have the label negative": [
        ("a.wav", "positive", "pool", "s", "r1", "2025-01-01"),
        ("b.wav", "negative", "train", "t", "r2", "2025-01-02"),
    ],
}


@pytest.mark.parametrize("rule", BREACHES)
def test_a_breach_of_a_split_rule_stops_the_run_and_lists_its_rows(rule, make_manifest):
    with pytest.raises(InputError, match=rule) as error:
        checks.separate_rejected(checked(make_manifest(*BREACHES[rule])), 0.05)
    assert ".wav (split " in str(error.value)


@pytest.mark.parametrize("rule", BREACHES)
def test_the_manifest_alone_shows_a_breach(rule, make_manifest):
    with pytest.raises(InputError, match=rule):
        checks.check_split_rules(make_manifest(*BREACHES[rule]), checks.MANIFEST_RULES)


def test_the_same_audio_in_two_splits_stops_the_run_unless_it_is_silence(make_manifest):
    table = make_manifest(
        ("a.wav", "negative", "train", "s", "r1", "2025-01-01"), ("b.wav", "negative", "val", "s", "r2", "2025-01-02")
    )
    with pytest.raises(InputError, match="same audio must be in one split"):
        checks.separate_rejected(checked(table, sha256="same"), 0.05)
    usable, _ = checks.separate_rejected(checked(table, sha256="same", flags="silent"), 0.05)
    assert len(usable) == 2


def test_the_same_audio_twice_in_one_split_is_used_once(make_manifest):
    table = make_manifest(
        ("b.wav", "negative", "train", "s", "r2", "2025-01-02"), ("a.wav", "negative", "train", "s", "r1", "2025-01-01")
    )
    gathered = checks.merge_shards([checked(table, sha256="same")])
    assert dict(zip(gathered.file_path, gathered.reason, strict=True)) == {
        "a.wav": "",
        "b.wav": "same audio as another file: a.wav",
    }


def test_the_same_audio_in_the_pool_and_held_out_of_it_is_used_once(make_manifest):
    table = make_manifest(
        ("b.wav", "negative", "test_pool", "s", "r", "2025-01-02"),
        ("a.wav", "negative", "pool", "s", "r", "2025-01-01"),
    )
    gathered = checks.merge_shards([checked(table, sha256="same")])
    usable, rejected = checks.separate_rejected(gathered, 0.5)
    assert (list(usable.file_path), list(rejected.reason)) == (["a.wav"], ["same audio as another file: a.wav"])


def test_the_same_audio_with_both_labels_stops_the_run_and_names_both_rows(make_manifest):
    table = make_manifest(
        ("x/a.wav", "negative", "train", "s", "r", "2025-01-01"),
        ("x/b.wav", "positive", "train", "s", "r", "2025-01-01"),
    )
    gathered = checks.merge_shards([checked(table, sha256="same")])
    with pytest.raises(InputError, match="The same audio must have one label only") as error:
        checks.separate_rejected(gathered, 1)
    assert "x/a.wav (split train, label negative" in str(error.value)
    assert "x/b.wav (split train, label positive" in str(error.value)


def test_copies_are_counted_together(make_manifest):
    rows = [(f"{n:02d}.wav", "negative", "pool", "s", "r", "2025-01-01") for n in range(24)]
    table = checked(make_manifest(*rows), sha256=[str(n // 2) for n in range(24)])
    with pytest.raises(InputError, match=r"12 of 24 .*: 12 same audio as another file\.\n") as error:
        checks.separate_rejected(checks.merge_shards([table]), 0.05)
    assert "Remove the copies from the manifest." in str(error.value)
    assert "Check audio_root" not in str(error.value)


def test_a_hint_fits_the_reason(make_manifest):
    table = checked(make_manifest(("a.wav", "negative", "train", "s", "r", "")), reason="too short: 0.200 s")
    with pytest.raises(InputError, match="Lower min_duration_s"):
        checks.separate_rejected(table, 0)


def test_rejections_stop_the_run_only_above_the_allowed_share(make_manifest):
    rows = [(f"{n}.wav", "negative", "train", "s", "r", "2025-01-01") for n in range(10)]
    table = checked(make_manifest(*rows), reason=["missing", *[""] * 9])
    usable, rejected = checks.separate_rejected(table, 0.1)
    assert (len(usable), len(rejected)) == (9, 1)
    with pytest.raises(InputError, match=r"1 of 10 recordings are rejected \(10.0%\).*1 missing"):
        checks.separate_rejected(table, 0.09)


@pytest.mark.parametrize(("durations", "weak_labels", "warns"), [
    ([3, 9, 60], "all", True), ([3, 9, 9], "all", False), ([3, 9, 60], "two_pass", False), ([], "all", False),
])  # fmt: skip
def test_long_training_positives_are_a_warning_if_all_of_their_windows_are_trained_on(
    caplog, durations, weak_labels, warns
):
    train = pd.DataFrame({"duration_s": durations, "label": "positive", "split": "train"})
    others = pd.DataFrame({"duration_s": [60, 60], "label": ["positive", "negative"], "split": ["val", "train"]})
    checks.warn_of_long_positives(pd.concat([train, others]), 3.0, weak_labels)
    printed = caplog.text
    assert ("1 of 3 training positives are longer than 3 windows (the longest: 60 s)" in printed) == warns
    assert ("training.weak_labels" in printed) == warns


@pytest.mark.parametrize("block_frames", [1 << 20, 3000])
def test_silences_are_found_also_across_the_blocks_of_decoding(tmp_path, wav, monkeypatch, block_frames):
    monkeypatch.setattr(recording_probe, "BLOCK_FRAMES", block_frames)
    samples = 0.1 * np.random.default_rng(0).standard_normal(5 * 8000)
    samples[8000:20000] = 0
    samples[24000:25000] = 0
    wav("a.wav", samples, rate=8000)
    facts = recording_probe.probe_in_root("a.wav", str(tmp_path), 0.5, 3.0)
    assert facts.silences == "1-2.5" and facts.flat_share == pytest.approx(13000 / 40000, abs=0.001)


def test_the_stop_for_missing_recordings_names_the_likely_cause(tmp_path):
    (tmp_path / "D7").mkdir()
    (tmp_path / "D7/a.wav").touch()
    table = pd.DataFrame([{"file_path": "D7\\a.wav", "reason": "missing"}]).assign(
        split="train", label="negative", site="s", recorder_id="r", night="", group="r", sha256="", flags=""
    )
    with pytest.raises(InputError, match="the files exist if backslashes are slashes"):
        checks.separate_rejected(table, 0.05, str(tmp_path))
