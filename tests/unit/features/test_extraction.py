"""Fast extraction matches a simple reference: soundfile to float, mean, soxr on the whole, one window at a time."""

import subprocess
import sys

import librosa
import numpy as np
import pytest
import soundfile
import soxr
import torch
from paths import SCRIPTS

from hardneg.audio import decoding, windowing
from hardneg.audio.windowing import WindowSpec
from hardneg.features import device_extraction, extraction, extractors, store
from hardneg.features.feature_settings import LogMelSettings
from hardneg.features.logmel import LogMel
from hardneg.recordings import checks

RATE = 24000
WINDOWS = {"length_s": 0.5, "hop_s": 0.35, "sample_rate": RATE}
LOGMEL = {"n_mels": 40, "fmin": 100, "fmax": 9000, "n_fft": 1024, "hop_s": 0.016}
FORMATS = [
    ("wav", "PCM_U8"), ("wav", "PCM_16"), ("wav", "PCM_24"), ("wav", "PCM_32"), ("wav", "FLOAT"), ("wav", "DOUBLE"),
    ("flac", "PCM_S8"), ("flac", "PCM_16"), ("flac", "PCM_24"), ("aiff", "PCM_S8"), ("wav", "ULAW"), ("ogg", "VORBIS"),
]  # fmt: skip
RATES = [8000, 11025, 16000, 22050, 24000, 32000, 44100, 48000, 96000, 192000, 250000, 256000, 384000]


def plain(path):
    samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    samples = samples.mean(axis=1)
    return samples if rate == RATE else soxr.resample(samples, rate, RATE, quality="HQ")


def plain_pictures(samples):
    length, hop = round(WINDOWS["length_s"] * RATE), round(WINDOWS["hop_s"] * RATE)
    last = max(len(samples) - length, 0)
    starts = [*range(0, last, hop), last]
    cuts = [np.pad(samples, (0, length))[start : start + length] for start in starts]
    power = [
        librosa.feature.melspectrogram(
            y=cut, sr=RATE, n_fft=1024, hop_length=384, n_mels=40, fmin=100, fmax=9000, pad_mode="constant"
        )
        for cut in cuts
    ]
    return librosa.power_to_db(np.stack(power), ref=1.0, amin=1e-10, top_db=None), np.array(starts) / RATE


def noise(seed, samples, channels):
    rng = np.random.default_rng(seed)
    return (10 ** rng.uniform(-3, -0.7) * rng.standard_normal((samples, channels))).clip(-1, 1)


def extract(table, folder, processes=1, name="a.npy"):
    checked = checks.check_recordings(table, str(folder), 0.001, 0.5, workers=1)
    assert (checked.reason == "").all()
    index = extractors.extract_features(
        checked,
        str(folder),
        folder / name,
        WindowSpec.from_seconds(**WINDOWS),
        LogMelSettings(**LOGMEL),
        "cpu",
        processes,
    )
    return index, np.load(folder / name)


@pytest.mark.parametrize(("extension", "subtype"), FORMATS)
@pytest.mark.parametrize("channels", [1, 2])
def test_decoding_is_soundfiles_own_conversion(tmp_path, extension, subtype, channels):
    path = tmp_path / f"x.{extension}"
    soundfile.write(path, noise(len(subtype) + channels, 7919, channels), 48000, subtype=subtype)
    expected = soundfile.read(path, dtype="float32", always_2d=True)[0].mean(axis=1)
    np.testing.assert_allclose(decoding.decode(path)[0], expected, rtol=0, atol=1e-7)


def read_part(path, first, count):
    stored = windowing.read_chunk(windowing.AudioChunk(path, 48000, first, count, np.zeros(1, np.int64), 0))
    expected, _ = soundfile.read(path, frames=count, start=first, dtype="float32", always_2d=True)
    np.testing.assert_allclose(decoding.to_float_mono(stored), expected.mean(axis=1), rtol=0, atol=1e-7)


@pytest.mark.parametrize(("extension", "subtype"), FORMATS)
@pytest.mark.parametrize("channels", [1, 2, 3])
def test_a_part_of_a_file_is_soundfiles(tmp_path, extension, subtype, channels):
    path = tmp_path / f"x.{extension}"
    soundfile.write(path, noise(len(subtype) + channels, 7919, channels), 48000, subtype=subtype)
    read_part(path, 0, 7919)
    read_part(path, 1009, 3001)


@pytest.mark.parametrize("kind", ["RIFX", "WAVEX", "RF64", "chunks", "cut short", "no length", "odd end"])
def test_unusual_headers_of_wav_files_are_read_like_soundfile(tmp_path, kind):
    path = tmp_path / "x.wav"
    written = {"format": kind} if kind in ("WAVEX", "RF64") else {"format": "WAV"}
    sound = noise(3, 7919, 2)
    soundfile.write(path, sound, 48000, subtype="PCM_16", endian="BIG" if kind == "RIFX" else None, **written)
    content = path.read_bytes()
    data = content.index(b"data") if b"data" in content else 0
    if kind == "chunks":  # one of an odd length, so padded, before the sound, and one after it
        note = b"LIST" + (5).to_bytes(4, "little") + b"hello\0"
        content = content[:data] + note + content[data:] + note
    if kind == "cut short":
        content = content[:-4001]
    if kind == "no length":  # as a recorder leaves it that lost its power
        content = content[: data + 4] + b"\0\0\0\0" + content[data + 8 :]
    if kind == "odd end":
        content += b"\1"
    path.write_bytes(content)
    frames = soundfile.info(path).frames
    read_part(path, 0, frames)
    read_part(path, frames // 3, frames // 2)


def test_features_of_every_kind_of_file_match_the_reference(tmp_path, make_manifest):
    rng = np.random.default_rng(4)
    rows = []
    for number, rate in enumerate(RATES):
        extension, subtype = FORMATS[number % 9]
        rate = 48000 if extension == "flac" and rate > 192000 else rate
        sound = noise(number, int(rng.integers(rate // 3, 1.5 * rate)) | 1, 1 + number % 2)
        soundfile.write(tmp_path / f"{number}.{extension}", sound, rate, subtype=subtype)
        rows.append((f"{number}.{extension}", "negative", "train", "s", "r", ""))
    index, features = extract(make_manifest(*rows), tmp_path, processes=2)
    for name, windows in index.groupby("file_path"):
        expected, starts = plain_pictures(plain(tmp_path / name))
        np.testing.assert_allclose(windows.start_s, starts)
        np.testing.assert_allclose(features[windows["row"]], expected, rtol=1e-3, atol=0.04, err_msg=name)


def test_the_result_does_not_depend_on_the_number_of_processes(tmp_path, make_manifest, wav):
    names = [wav(f"{number}.wav", seconds=0.3 + 0.21 * number, rate=48000, seed=number) for number in range(9)]
    table = make_manifest(*[(name, "negative", "train", "s", "r", "") for name in names])
    alone, ours = extract(table, tmp_path), extract(table, tmp_path, processes=3, name="b.npy")
    assert alone[0].equals(ours[0])
    np.testing.assert_array_equal(alone[1], ours[1])


@pytest.mark.parametrize("processes", [1, 2])
def test_extraction_for_a_gpu_computes_the_same_features(tmp_path, make_manifest, wav, monkeypatch, processes):
    """Batches of unlike lengths, rates, widths and channels, through slots that are used repeatedly."""
    monkeypatch.setattr(device_extraction, "BATCH_SAMPLES", 100_000)
    monkeypatch.setattr(windowing, "MAX_CHUNK_S", 2)
    rng = np.random.default_rng(8)
    kinds = [("PCM_16", 1), ("PCM_16", 2), ("PCM_24", 1), ("FLOAT", 2), ("PCM_32", 1), ("PCM_U8", 1)]
    rows = []
    for number in range(40):
        subtype, channels = kinds[number % len(kinds)]
        rate = [48000, 24000, 96000, 44100, 44056][number % 5]
        sound = noise(number, int(rng.integers(rate // 4, (5 if number < 3 else 1) * rate)), channels)
        rows.append((wav(f"{number}.wav", sound, rate, subtype=subtype), "negative", "train", "s", "r", ""))
    table = checks.check_recordings(make_manifest(*rows), str(tmp_path), 0.001, 0.5, workers=1)
    windows = WindowSpec(RATE, 12000, 8400)
    planned, index = windowing.plan_windows(table, str(tmp_path), windows)
    batches = list(device_extraction.batch_similar_chunks(planned))
    assert len(batches) > 12 and sum(map(len, batches)) == len(planned)
    extractor = LogMel(RATE, **LOGMEL)
    counts = np.zeros(len(index), int)
    expected = {
        part.first_row: extractor(torch.from_numpy(windowing.read_windows(part, windows))).numpy() for part in planned
    }
    expected = np.concatenate([expected[row] for row in sorted(expected)])
    for batch_rows, features in device_extraction.compute_features(batches, windows, extractor, "cpu", processes):
        counts[batch_rows] += 1
        np.testing.assert_allclose(features, expected[batch_rows], rtol=1e-3, atol=0.05)
    assert (counts == 1).all()


@pytest.mark.parametrize("rate", [8000, 24000, 44100, 48000, 250000])
@pytest.mark.parametrize("hop", [8000, 12000, 13001])
def test_a_long_recording_is_read_in_chunks_as_if_it_were_whole(tmp_path, make_manifest, monkeypatch, rate, hop):
    monkeypatch.setattr(windowing, "MAX_CHUNK_S", 2)
    path = tmp_path / "long.wav"
    soundfile.write(path, noise(rate, int(7.3 * rate) + 1, 1), rate)
    table = checks.check_recordings(
        make_manifest(("long.wav", "negative", "train", "s", "r", "")), str(tmp_path), 0.1, 1, workers=1
    )
    windows = WindowSpec(RATE, 12000, hop)
    parts, index = windowing.plan_windows(table, str(tmp_path), windows)
    assert len(parts) > 2 and max(part.frames for part in parts) < 3 * rate
    ours = np.concatenate([windowing.read_windows(part, windows) for part in parts])
    whole = plain(path)
    expected = windowing.cut_windows(whole, windowing.compute_window_starts(len(whole), 12000, hop), 12000)
    assert len(index) == len(expected)
    np.testing.assert_allclose(ours, expected, atol=2e-5)


def test_without_recordings_the_array_has_no_windows(tmp_path, make_manifest, wav):
    wav("a.wav")
    table = checks.check_recordings(
        make_manifest(("a.wav", "negative", "train", "s", "r", "")), str(tmp_path), 0.1, 1, workers=1
    )
    index = extractors.extract_features(
        table.iloc[:0],
        str(tmp_path),
        tmp_path / "a.npy",
        WindowSpec.from_seconds(**WINDOWS),
        LogMelSettings(**LOGMEL),
        "cpu",
    )
    assert np.load(tmp_path / "a.npy").shape == (0, 40, 32) and list(index) == store.INDEX_COLUMNS


def test_the_output_of_an_extractor_is_stored_one_row_per_window(tmp_path, make_manifest, wav):
    wav("a.wav", 0.25 * np.ones(20000), rate=8000)
    table = checks.check_recordings(
        make_manifest(("a.wav", "negative", "train", "s", "r", "")), str(tmp_path), 0.1, 1, workers=1
    )
    index = extraction.write_features(
        table, str(tmp_path), tmp_path / "a.npy", WindowSpec(8000, 8000, 8000), lambda windows: windows.mean(dim=1, keepdim=True),
        "cpu", 2,
    )  # fmt: skip
    assert index.start_s.tolist() == [0, 1, 1.5]
    np.testing.assert_allclose(np.load(tmp_path / "a.npy"), [[0.25]] * 3)


def test_the_index_changes_when_the_features_change(tmp_path, make_manifest, wav):
    def content(gain, processes):
        wav("a.wav", gain * np.ones(20000), rate=8000)
        table = checks.check_recordings(
            make_manifest(("a.wav", "negative", "train", "s", "r", "")), str(tmp_path), 0.1, 1, workers=1
        )
        spec = WindowSpec(8000, 8000, 8000)
        index = extraction.write_features(
            table, str(tmp_path), tmp_path / "a.npy", spec, lambda windows: windows, "cpu", processes
        )
        (content_hash,) = set(index.content)
        return content_hash

    assert content(0.25, 1) == content(0.25, 2) != content(0.5, 1)


def test_memory_does_not_grow_with_the_number_of_files(tmp_path, wav):
    """The extractor returns the windows themselves: 360 of them at once would be 104 MB as float32."""
    wav("a.wav", rate=48000)
    for number in range(360):
        (tmp_path / f"{number}.wav").hardlink_to(tmp_path / "a.wav")
    program = f"""
import resource, torch, pandas as pd
from hardneg.features import extraction
from hardneg.audio.windowing import WindowSpec
torch.set_num_threads(1)
def peak(files):
    table = pd.DataFrame({{"file_path": [f"{{n}}.wav" for n in range(files)], "duration_s": 3.0, "sample_rate": 48000}})
    extraction.write_features(table, {str(tmp_path)!r}, {str(tmp_path / "a.npy")!r}, WindowSpec(24000, 72000, 72000), torch.nn.Identity(), "cpu", 1)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(peak(60), peak(360))
"""
    completed = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=SCRIPTS)
    few, many = map(float, completed.stdout.split())
    assert np.load(tmp_path / "a.npy", mmap_mode="r").shape == (360, 72000)
    assert many - few < 15
