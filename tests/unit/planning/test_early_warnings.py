from types import SimpleNamespace

import pandas as pd
import pytest

from hardneg.common import gpu_detection
from hardneg.planning import early_warnings

WINDOWS = {"sample_rate": 16000, "length_s": 1.0}


def split(name, positives, negatives, nights=5):
    rows = [("positive", n) for n in range(positives)] + [("negative", n) for n in range(negatives)]
    table = pd.DataFrame(rows, columns=["label", "n"])
    night = "2025-03-" + (table.n % nights + 10).astype(str)
    return table.assign(
        split=name, file_path=[f"{name}{n}.wav" for n in range(len(rows))], recorder_id="r", site="s", night=night, group="r@" + night
    )  # fmt: skip


def warnings_of(*splits, uses_val=True):
    return list(early_warnings.check_splits(pd.concat(splits, ignore_index=True), "night", uses_val))


GOOD = [split("val", 30, 30), split("test_iid", 30, 30), split("test_ood", 30, 30)]


@pytest.mark.parametrize(
    ("splits", "expected"),
    [
        (GOOD, []),
        ([*GOOD[:2], split("test_ood", 0, 30)], ["The split test_ood has no positive recording: most of its metrics"]),
        ([*GOOD[:2], split("test_ood", 30, 0)], ["The split test_ood has no negative recording"]),
        ([split("val", 0, 9), *GOOD[1:]], ["The split val has no positive recording: training will stop"]),
        ([split("val", 12, 30), *GOOD[1:]], ["The split val has only 12 positive recordings"]),
        (
            [*GOOD[:2], split("test_ood", 30, 30, nights=2)],
            ["The split test_ood has 2 recorder-nights. There will be no"],
        ),
        ([split("val", 30, 30, nights=1), *GOOD[1:]], []),
        (GOOD[:1], []),
        (GOOD[1:], ["The split val is empty"]),
    ],
)
def test_splits_that_can_tell_nothing_are_named(splits, expected):
    found = warnings_of(*splits)
    assert len(found) == len(expected)
    assert all(start in warning for start, warning in zip(expected, found, strict=True))


def test_internal_validation_needs_no_val_split():
    assert warnings_of(*GOOD[1:], uses_val=False) == []


def recorders_of_a_site(split, recorders, nights, site="pond", shared=True):
    """One file per recorder and night; recorders take turns unless they share the nights."""
    rows = [
        (f"r{r}", f"2025-03-{10 + n + (0 if shared else r * nights)}") for r in range(recorders) for n in range(nights)
    ]
    table = pd.DataFrame(rows, columns=["recorder_id", "night"])
    return table.assign(split=split, site=site, group=table.recorder_id + "@" + table.night)


@pytest.mark.parametrize(
    ("split", "expected"),
    [
        (recorders_of_a_site("test_ood", 3, 4), ["12 of 12 in test_ood recorder-nights"]),
        (recorders_of_a_site("val", 2, 4), ["8 of 8 in val recorder-nights"]),
        (recorders_of_a_site("pool", 3, 4), []),
        (recorders_of_a_site("test_ood", 3, 4, shared=False), []),
        (recorders_of_a_site("test_ood", 3, 4, site=""), []),
        (recorders_of_a_site("test_ood", 3, 4).assign(night=""), []),
        (recorders_of_a_site("test_ood", 3, 4).assign(site=lambda table: table.recorder_id), []),
        (
            pd.concat(
                [recorders_of_a_site("test_iid", 1, 19), recorders_of_a_site("test_iid", 2, 2)]
            ).drop_duplicates(),
            [],
        ),
    ],
    ids=["shared", "validation", "pool", "in turn", "no site", "no dates", "recorders apart", "few"],
)
def test_recorders_that_share_nights_are_named(split, expected):
    found = list(early_warnings.check_shared_nights(split, uses_val=True))
    assert len(found) == len(expected)
    assert all(part in warning for part, warning in zip(expected, found, strict=True))


@pytest.mark.parametrize(
    ("cluster", "is_generated", "warned"), [("night", False, True), ("date", False, False), ("night", True, False)]
)
def test_shared_nights_matter_where_recorder_nights_of_real_recordings_are_resampled(
    tmp_path, wav, cluster, is_generated, warned
):
    shared = split("test_ood", 30, 30).assign(recorder_id=lambda table: "r" + (table.n % 2).astype(str))
    shared["group"] = shared.recorder_id + "@" + shared.night
    recordings = pd.concat([*GOOD[:2], shared], ignore_index=True)
    for name in recordings.file_path.unique():
        wav(name, rate=16000, seconds=1.0)
    shards = SimpleNamespace(recordings=recordings, is_generated=is_generated, audio_root=str(tmp_path))
    config = {"splits": {"ood_sites": ["s"]}, "matrix": {}, "statistics": {"cluster": cluster}, "windows": WINDOWS}
    found = list(early_warnings.find_warnings(shards, config))
    assert any("set statistics.cluster to date" in warning for warning in found) is warned


@pytest.mark.parametrize(
    ("rates", "seconds", "expected"),
    [
        ([16000, 16000, 8000], 3.0, []),
        ([8000, 16000, 8000], 3.0, ["2 of 3 recordings that were tried have sample rates below windows.sample_rate"]),
        ([16000, 16000, 48000], 0.5, ["3 of 3 recordings that were tried are shorter than windows.length_s (1 s)"]),
    ],
)
def test_windows_that_do_not_fit_most_recordings_are_named(tmp_path, wav, rates, seconds, expected):
    names = [wav(f"{number}.wav", rate=rate, seconds=seconds) for number, rate in enumerate(rates)]
    (tmp_path / "text.wav").write_text("not audio")
    paths = pd.Series([*names, "text.wav", "absent.wav"])
    found = list(early_warnings.check_formats(paths, str(tmp_path), WINDOWS))
    assert [warning[: len(start)] for start, warning in zip(expected, found, strict=True)] == expected


@pytest.mark.parametrize(
    ("device", "files", "driver", "expected"),
    [
        ("cuda", [], False, "device is cuda, but this machine has no working NVIDIA driver"),
        ("cuda", ["nvidia0"], False, "no working NVIDIA driver"),
        ("cuda", ["nvidia0"], True, ""),
        ("auto", ["nvidia0"], False, "NVIDIA device without a working driver. Jobs will run on the CPU"),
        ("auto", ["nvidia0"], True, ""),
        ("auto", [], False, ""),
        ("cpu", ["nvidia0"], False, ""),
    ],
)
def test_a_gpu_that_cannot_be_used_is_named_before_the_first_job(
    tmp_path, monkeypatch, device, files, driver, expected
):
    for name in files:
        (tmp_path / name).touch()
    monkeypatch.setattr(gpu_detection, "DEVICES", tmp_path)
    monkeypatch.setattr(gpu_detection, "version", lambda name: "2.13.0")
    monkeypatch.setattr(gpu_detection, "has_driver", lambda: driver)
    found = list(early_warnings.check_device(device))
    assert (expected in found[0]) if expected else not found
