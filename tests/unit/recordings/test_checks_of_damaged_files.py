"""Recordings as recorders, editors and accidents leave them, each with the expected result of the check."""

import os
import signal
import struct

import numpy as np
import pytest
import soundfile

from hardneg.audio import decoding, resampling
from hardneg.audio.windowing import WindowSpec
from hardneg.common.errors import InputError
from hardneg.features import extractors
from hardneg.features.feature_settings import LogMelSettings
from hardneg.recordings import checks, recording_probe
from hardneg.review import clips

RATE = 16000
NOISE = 0.1 * np.random.default_rng(0).standard_normal(2 * RATE)


def written(subtype="PCM_16", form="WAV", rate=RATE, channels=1, samples=NOISE):
    def make(path):
        sound = np.repeat(samples[:, None], channels, axis=1)
        soundfile.write(path, sound, rate, subtype=subtype, format=form)

    return make


def raw(content):
    return lambda path: path.write_bytes(content)


def cut(make, keep):
    """Write a file, then keep its first bytes only."""

    def make_cut(path):
        make(path)
        path.write_bytes(path.read_bytes()[:keep])

    return make_cut


def patched(offset, content, form="WAV"):
    """Write a recording, then overwrite some bytes of its header."""

    def make(path):
        written(form=form)(path)
        old = path.read_bytes()
        path.write_bytes(old[:offset] + content + old[offset + len(content) :])

    return make


def audiomoth(header_bytes, samples):
    """A WAV with the padded header that AudioMoth writes: a LIST chunk fills it up to 488 bytes."""
    data = samples.astype("<i2").tobytes()
    comment = b"ICMT" + struct.pack("<I", header_bytes - 64) + b"Recorded by AudioMoth".ljust(header_bytes - 64, b"\0")
    chunks = b"WAVEfmt " + struct.pack("<IHHIIHH", 16, 1, 1, RATE, 2 * RATE, 2, 16)
    chunks += (
        b"LIST"
        + struct.pack("<I", 4 + len(comment))
        + b"INFO"
        + comment
        + b"data"
        + struct.pack("<I", len(data))
        + data
    )
    return raw(b"RIFF" + struct.pack("<I", len(chunks)) + chunks)


def linked(target):
    return lambda path: path.symlink_to(target)


USED = ""
CASES = {
    # written by recorders and editors
    "8 bit": (written("PCM_U8"), USED),
    "16 bit": (written("PCM_16"), USED),
    "24 bit": (written("PCM_24"), USED),
    "32 bit": (written("PCM_32"), USED),
    "float": (written("FLOAT"), USED),
    "double": (written("DOUBLE"), USED),
    "A-law": (written("ALAW"), USED),
    "mu-law": (written("ULAW"), USED),
    "FLAC": (written("PCM_16", "FLAC"), USED),
    "FLAC of 24 bits": (written("PCM_24", "FLAC"), USED),
    "Ogg Vorbis": (written("VORBIS", "OGG"), USED),
    "stereo": (written(channels=2), USED),
    "eight channels": (written(channels=8), USED),
    "8 kHz": (written(rate=8000), USED),
    "44.1 kHz": (written(rate=44100), USED),
    "384 kHz": (written(rate=384000, samples=np.tile(NOISE, 12)), USED),
    "an odd rate": (written(rate=11127), USED),
    "MP3 named WAV": (written("MPEG_LAYER_III", "MP3", rate=44100), USED),
    "AudioMoth": (audiomoth(488, 9000 * NOISE), USED),
    "silence": (written(samples=np.zeros(RATE)), USED),
    "full scale": (written(samples=np.sign(NOISE)), USED),
    "cut off in the field": (cut(written(), 44 + 2 * RATE), USED),
    "a header that promises more": (patched(40, struct.pack("<I", 10**9)), USED),
    "no length": (patched(40, bytes(4)), USED),
    "FLAC without a length": (patched(21, b"\xf0" + bytes(4), "FLAC"), USED),
    # not usable
    "GSM, which cannot be read from the middle": (written("GSM610", rate=8000), "unreadable"),
    "FLAC that promises more": (patched(22, struct.pack(">I", 4 * RATE), "FLAC"), "unreadable"),
    "nothing": (raw(b""), "empty"),
    "header alone": (cut(written(), 44), "zero samples"),
    "AudioMoth without samples": (audiomoth(488, NOISE[:0]), "zero samples"),
    "half a header": (cut(written(), 20), "unreadable"),
    "FLAC cut off": (cut(written("PCM_16", "FLAC"), 9000), "unreadable"),
    "FLAC header alone": (cut(written("PCM_16", "FLAC"), 60), ("unreadable", "zero samples")),
    "FLAC whose tags swallow its sound": (patched(42, b"\x00\x1e\x94\x92", "FLAC"), "zero samples"),
    "a rate of nothing": (patched(24, struct.pack("<I", 0)), "unreadable"),
    "no channels": (patched(22, struct.pack("<H", 0)), "unreadable"),
    "text": (raw(b"date,time\n2025,1\n"), "unreadable"),
    "zip": (raw(b"PK\x03\x04" + bytes(200)), "unreadable"),
    "random bytes": (raw(np.random.default_rng(1).bytes(5000)), "unreadable"),
    "NaN": (written("FLOAT", samples=np.where(np.arange(len(NOISE)) == 77, np.nan, NOISE)), "non-finite samples"),
    "infinity": (written("FLOAT", samples=np.where(np.arange(len(NOISE)) == 77, -np.inf, NOISE)), "non-finite samples"),
    "a blink": (written(samples=NOISE[:100]), "too short"),
    "one sample": (written(samples=NOISE[:1]), "too short"),
    "folder": (lambda path: path.mkdir(), "unreadable"),
    "nowhere": (lambda path: None, "missing"),
    "a link out": (linked("/etc/hostname"), "path outside audio_root"),
    "a link to nowhere": (linked("gone.wav"), "missing"),
    "a link to itself": (linked("x.wav"), ("unreadable", "missing")),
    "a pipe": (lambda path: os.mkfifo(path), "unreadable"),
}


@pytest.mark.parametrize("case", CASES)
def test_each_recording_is_used_or_rejected_with_its_reason(case, tmp_path):
    make, expected = CASES[case]
    make(tmp_path / "x.wav")
    facts = recording_probe.probe_in_root("x.wav", str(tmp_path), min_duration_s=0.05, window_s=1.0)
    reason = facts.reason.split(":")[0]
    assert reason in (expected if isinstance(expected, tuple) else (expected,)), facts.reason
    if not reason:
        samples, rate = decoding.decode(tmp_path / "x.wav")
        assert facts.duration_s == pytest.approx(len(samples) / rate)
        resampled = resampling.resample(samples, rate, 24000)
        assert np.isfinite(resampled).all() and len(resampled) == pytest.approx(24000 * facts.duration_s, abs=2)


NAMES = [
    "with space.wav", "quote'.wav", 'double".wav', "new\nline.wav", "hash#.wav", "{brace}.wav", "<angle>.wav",
    "$(touch x).wav", "`touch x`.wav", "semi;colon.wav", "-dash.wav", "naïve-蛙.wav", "a" * 251 + ".wav", "%s.wav", "*.wav",
    "\u202ertl.wav", "comma,.wav", "back\\slash.wav",
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_any_file_name_is_accepted_and_has_no_effect(name, tmp_path, make_manifest):
    written()(tmp_path / name)
    table = make_manifest((name, "negative", "train", "s", "r", "2025-01-01"))
    checked = checks.check_recordings(table, str(tmp_path), 0.05, 1.0, workers=1)
    assert list(checked.reason) == [""]
    checked.to_parquet(tmp_path / "t.parquet")
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([name, "t.parquet"])


@pytest.mark.parametrize("name", ["../x.wav", "/etc/hostname", "a/../../x.wav", "~/x.wav"])
def test_no_path_leads_out_of_the_audio_root(name, tmp_path):
    (tmp_path / "root").mkdir()
    written()(tmp_path / "x.wav")
    reason = recording_probe.probe_in_root(name, str(tmp_path / "root"), 0.05, 1.0).reason
    assert reason == ("missing" if name.startswith("~") else "path outside audio_root")


def test_a_bad_file_does_not_affect_good_ones(tmp_path, make_manifest):
    names = []
    for index, (make, _) in enumerate(CASES.values()):
        (tmp_path / str(index)).mkdir()
        make(tmp_path / str(index) / "x.wav")
        names.append(f"{index}/x.wav")
    table = make_manifest(*[(name, "negative", "train", "s", "r", "2025-01-01") for name in names])
    checked = checks.check_recordings(table, str(tmp_path), 0.05, 1.0, workers=2)
    used = [expected == USED for _, expected in CASES.values()]
    assert list(checked.reason == "") == used
    rejected = checked[checked.reason != ""]
    assert len(rejected) + sum(used) == len(table)


WINDOWS = WindowSpec.from_seconds(length_s=1.0, hop_s=1.0, sample_rate=8000)
LOGMEL = LogMelSettings(n_mels=16, fmin=50, fmax=4000, n_fft=512, hop_s=0.02)


def test_a_file_that_vanishes_or_shrinks_after_the_check_is_named(tmp_path, make_manifest, wav):
    (tmp_path / "features").mkdir()
    for name in ("gone.wav", "shorter.wav"):
        wav(name, rate=8000)
        table = checks.check_recordings(
            make_manifest((name, "negative", "train", "s", "r", "")), str(tmp_path), 0.1, 1.0, workers=1
        )
        (tmp_path / name).unlink()
        if name == "shorter.wav":
            wav(name, rate=8000, seconds=2.0)
        with pytest.raises(InputError, match=f"{name} passed the check but cannot be decoded now"):
            extractors.extract_features(table, str(tmp_path), tmp_path / "features" / "a.npy", WINDOWS, LOGMEL, "cpu")
        assert not list((tmp_path / "features").iterdir())


@pytest.fixture
def crashing_decoder(monkeypatch):
    """Make the decoder crash other processes at files named ``evil``, as soon as the returned list has items."""
    armed, test_process = [], os.getpid()
    open_recording = soundfile.SoundFile

    def crash(path, *arguments, **options):
        if armed and "evil" in str(path) and os.getpid() != test_process:
            os.kill(os.getpid(), signal.SIGSEGV)
        return open_recording(path, *arguments, **options)

    monkeypatch.setattr(soundfile, "SoundFile", crash)
    return armed


def check_three(folder, make_manifest, wav):
    """Check three recordings, of which the middle one is evil."""
    names = [wav(f"{name}.wav", rate=8000, subtype="FLOAT") for name in ("a", "evil", "z")]
    rows = [(name, "negative", "train", "s", "r", "") for name in names]
    return checks.check_recordings(make_manifest(*rows), str(folder), 0.1, 1.0, workers=2)


def test_a_recording_that_crashes_the_decoder_is_rejected_alone(tmp_path, make_manifest, wav, crashing_decoder):
    crashing_decoder.append(True)
    checked = check_three(tmp_path, make_manifest, wav)
    assert list(checked.reason) == ["", "unreadable: the decoder crashed or ran out of memory", ""]


def test_a_recording_that_crashes_the_decoder_after_the_check_is_named(tmp_path, make_manifest, wav, crashing_decoder):
    table = check_three(tmp_path, make_manifest, wav)
    (tmp_path / "features").mkdir()
    crashing_decoder.append(True)
    with pytest.raises(InputError, match=r"evil\.wav passed the check but cannot be decoded now \(the decoder crashed"):
        extractors.extract_features(
            table, str(tmp_path), tmp_path / "features" / "a.npy", WINDOWS, LOGMEL, "cpu", processes=2
        )
    assert not list((tmp_path / "features").iterdir())


@pytest.mark.parametrize("make", [os.mkfifo, lambda path: path.symlink_to("/dev/zero")], ids=["pipe", "device"])
def test_a_pipe_or_device_that_replaces_a_recording_after_the_check_is_named(tmp_path, make_manifest, wav, make):
    wav("x.wav", rate=8000)
    row = ("x.wav", "negative", "train", "s", "r", "")
    table = checks.check_recordings(make_manifest(row), str(tmp_path), 0.1, 1.0, workers=1)
    (tmp_path / "x.wav").unlink()
    make(tmp_path / "x.wav")
    with pytest.raises(InputError, match=r"x\.wav passed the check but cannot be decoded now .*not a regular file"):
        extractors.extract_features(table, str(tmp_path), tmp_path / "a.npy", WINDOWS, LOGMEL, "cpu")
    settings = clips.ClipSettings(str(tmp_path), 16000, 0.5, 4000)
    with pytest.raises(InputError, match=r"x\.wav passed the check but cannot be decoded now .*not a regular file"):
        clips.cut_clip(clips.ClipWindow("x.wav", 0.0, 1.0), tmp_path, settings)
