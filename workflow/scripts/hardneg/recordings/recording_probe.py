"""Decode a recording once, to describe it or to say why it cannot be used."""

import hashlib
import os
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import soundfile

from hardneg.audio.unfinished_headers import open_recording

BLOCK_FRAMES = 1 << 20
FULL_SCALE = 0.999
MAX_CLIPPED_SHARE = 1e-3
SILENT_PEAK = 1e-4
MIN_FLAT_S = 0.01
MIN_SILENCE_S = 0.5
MAX_SILENCES = 1000
# The mix of two channels with independent noise has 0.7 of the level of one.
MAX_CANCELED_LEVEL = 0.1


@dataclass(frozen=True, slots=True)
class RecordingFacts:
    """Facts about a recording, from decoding it. The defaults stand for a recording that cannot be opened.

    Attributes
    ----------
    duration_s : of the decoded samples (s).
    sample_rate : of the file (Hz).
    channels : their number.
    sha256 : hash of the decoded samples, so that a copy in another container counts as the same audio.
    peak : largest absolute sample of the mix of all channels, which detectors receive, relative to full scale.
    clipped_share : share of the samples at full scale.
    dc_offset : absolute mean of the worst channel, relative to full scale.
    flat_share : share of the time in stretches of at least 10 ms during which the mix does not change (dropouts).
    silences : stretches of at least :data:`MIN_SILENCE_S` during which the mix does not change (s), such as
        ``12-15.2; 30-33``. Windows within them are not trained on.
    flags : comma-separated: silent (the mix), clipped, short (than a window), dead_channel, out_of_phase (channels that
        cancel each other).
    reason : why the recording cannot be used; empty if it can.
    """

    duration_s: float = np.nan
    sample_rate: int | None = None
    channels: int | None = None
    sha256: str = ""
    peak: float = np.nan
    clipped_share: float = np.nan
    dc_offset: float = np.nan
    flat_share: float = np.nan
    silences: str = ""
    flags: str = ""
    reason: str = ""


COLUMN_TYPES = {
    "duration_s": "float64",
    "sample_rate": "Int64",
    "channels": "Int64",
    "sha256": "object",
    "peak": "float64",
    "clipped_share": "float64",
    "dc_offset": "float64",
    "flat_share": "float64",
    "silences": "object",
    "flags": "object",
    "reason": "object",
}


def probe_in_root(file_path: str, audio_root: str, min_duration_s: float, window_s: float) -> RecordingFacts:
    """Probe a recording of the manifest. No file outside `audio_root` is opened; see :func:`probe_recording`."""
    if not file_path:
        return RecordingFacts(reason="missing: the manifest gives no path")
    path = Path(audio_root, file_path)
    try:
        if not path.resolve().is_relative_to(Path(audio_root).resolve()):
            return RecordingFacts(reason="path outside audio_root")
    except (OSError, RuntimeError, ValueError) as error:
        return _reject_unreadable(error)
    return probe_recording(path, min_duration_s, window_s)


def probe_recording(path: str | os.PathLike[str], min_duration_s: float, window_s: float) -> RecordingFacts:
    """Decode one recording in blocks, and describe it.

    Parameters
    ----------
    path : the file.
    min_duration_s : shorter recordings are rejected (s).
    window_s : recordings shorter than a window are flagged ``short`` (s).
    """
    path = Path(path)
    try:
        if not path.exists():
            return RecordingFacts(reason="missing")
        if not path.is_file():
            return RecordingFacts(reason="unreadable: not a file")
        if path.stat().st_size == 0:
            return RecordingFacts(reason="empty")
        with open_recording(path) as recording:
            if not recording.seekable():
                return RecordingFacts(
                    reason=f"unreadable: {recording.subtype} cannot be read from the middle; convert it to FLAC"
                )
            return _measure(recording, min_duration_s, window_s)
    except (soundfile.LibsndfileError, OSError, RuntimeError, ValueError) as error:
        return _reject_unreadable(error)


def is_silent(table: pd.DataFrame) -> pd.Series:
    """Return which checked recordings are flagged silent. All silence has the same hash, so copies mean nothing."""
    return table["flags"].fillna("").str.split(",").map(lambda flags: "silent" in flags).astype(bool)


def find_flat_runs(samples: npt.NDArray[np.float32], min_frames: int) -> npt.NDArray[np.int64]:
    """Find the stretches of at least `min_frames` during which samples, shape (n,), do not change.

    Returns
    -------
    First sample, and the sample after the last one; shape (runs, 2).

    Examples
    --------
    >>> find_flat_runs(np.array([1, 0, 0, 0, 2, 2, 3], np.float32), 3).tolist()
    [[1, 4]]
    """
    changes = np.flatnonzero(np.diff(samples)) + 1
    borders = np.concatenate([[0], changes, [len(samples)]])
    is_long = np.diff(borders) >= min_frames
    return np.column_stack([borders[:-1][is_long], borders[1:][is_long]])


def _reject_unreadable(error: Exception) -> RecordingFacts:
    return RecordingFacts(reason=f"unreadable: {' '.join(str(error).split())}")


@dataclass(slots=True)
class _Levels:
    """What is added up while a recording is decoded; arrays have one value per channel."""

    channels: int
    frames: int = 0
    clipped: int = 0
    flat: int = 0
    flat_runs: list[tuple[int, int]] = field(default_factory=list)
    mix_peak: float = 0.0
    mix_energy: float = 0.0
    peaks: npt.NDArray[np.float64] = field(init=False)
    sums: npt.NDArray[np.float64] = field(init=False)
    energies: npt.NDArray[np.float64] = field(init=False)

    def __post_init__(self) -> None:
        self.peaks, self.sums, self.energies = (np.zeros(self.channels) for _ in range(3))

    def add(self, block: npt.NDArray[np.float32], min_flat_frames: int) -> None:
        """Add a block of samples, shape (frames, channels)."""
        level = np.abs(block)
        mix = block[:, 0] if self.channels == 1 else block.mean(axis=1)
        self.clipped += int((level >= FULL_SCALE).sum())
        runs = find_flat_runs(mix, min_flat_frames)
        self.flat += int((runs[:, 1] - runs[:, 0]).sum())
        # A short one counts only at the border of a block, where it may be the part of a long one.
        is_long = runs[:, 1] - runs[:, 0] >= round(MIN_SILENCE_S / MIN_FLAT_S) * min_flat_frames
        for first, end in runs[is_long | (runs[:, 0] == 0) | (runs[:, 1] == len(mix))] + self.frames:
            self._add_flat_run(int(first), int(end))
        self.frames += len(block)
        self.mix_peak = max(self.mix_peak, float(np.abs(mix).max(initial=0)))
        self.peaks = np.maximum(self.peaks, level.max(axis=0, initial=0))
        self.sums += block.sum(axis=0, dtype=np.float64)
        if self.channels > 1:
            self.mix_energy += float(np.square(mix).sum(dtype=np.float64))
            self.energies += np.square(block).sum(axis=0, dtype=np.float64)

    def _add_flat_run(self, first: int, end: int) -> None:
        """Add a stretch, joined with the one before if that ends where this begins, as at the border of two blocks."""
        if self.flat_runs and self.flat_runs[-1][1] == first:
            first, _ = self.flat_runs.pop()
        self.flat_runs.append((first, end))

    def format_silences(self, rate: int) -> str:
        """Format the long stretches without change, in seconds."""
        long = [(first / rate, end / rate) for first, end in self.flat_runs if end - first >= MIN_SILENCE_S * rate]
        return "; ".join(f"{first:.6g}-{end:.6g}" for first, end in long[:MAX_SILENCES])

    def raise_flags(self, duration_s: float, window_s: float) -> list[str]:
        """List the flags of the whole recording."""
        is_dead = self.peaks < SILENT_PEAK
        canceled = self.mix_energy < MAX_CANCELED_LEVEL**2 * float(self.energies.max())
        flags = {
            "silent": self.mix_peak < SILENT_PEAK,
            "clipped": self.clipped > MAX_CLIPPED_SHARE * self.frames * self.channels,
            "short": duration_s < window_s,
            "dead_channel": bool(is_dead.any() and not is_dead.all()),
            "out_of_phase": self.channels > 1 and canceled and not is_dead.any(),
        }
        return [flag for flag, is_raised in flags.items() if is_raised]


def _measure(recording: soundfile.SoundFile, min_duration_s: float, window_s: float) -> RecordingFacts:
    levels = _Levels(recording.channels)
    content = hashlib.sha256(f"{recording.samplerate}:{recording.channels}:".encode())
    # Not recording.blocks(): if decoding stops early, it yields a buffer whose rest is not from the file.
    while levels.frames < recording.frames:
        block_frames = min(BLOCK_FRAMES, recording.frames - levels.frames)
        block = recording.read(block_frames, dtype="float32", always_2d=True)
        if not np.isfinite(block).all():
            return RecordingFacts(reason="non-finite samples")
        levels.add(block, round(MIN_FLAT_S * recording.samplerate))
        content.update(np.ascontiguousarray(block).data)
        if len(block) < block_frames:  # some decoders would continue behind the damage
            break
    frames, duration_s = levels.frames, levels.frames / recording.samplerate
    if frames == 0:
        reason = "zero samples"
    elif frames < recording.frames:
        reason = f"unreadable: ends after {frames} of {recording.frames} samples"
    elif duration_s < min_duration_s:
        reason = f"too short: {duration_s:.3f} s"
    else:
        reason = ""
    return RecordingFacts(
        duration_s=duration_s,
        sample_rate=recording.samplerate,
        channels=recording.channels,
        sha256=content.hexdigest(),
        peak=levels.mix_peak,
        clipped_share=levels.clipped / max(frames * recording.channels, 1),
        dc_offset=float(np.abs(levels.sums).max()) / max(frames, 1),
        flat_share=levels.flat / max(frames, 1),
        silences=levels.format_silences(recording.samplerate),
        flags=",".join(levels.raise_flags(duration_s, window_s)),
        reason=reason,
    )
