"""Open every recording of the manifest, and report which can be used and why the others cannot."""

import hashlib
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from operator import attrgetter
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd
import soundfile

from hardneg.common import crash_isolation, process_context
from hardneg.common.errors import InputError
from hardneg.common.log import track_progress
from hardneg.recordings.manifest import POOL, TEST_POOL

BLOCK_FRAMES = 1 << 20
FULL_SCALE = 0.999
MAX_CLIPPED_SHARE = 1e-3
SILENT_PEAK = 1e-4
MIN_FLAT_S = 0.01
LISTED_ROWS = 20

Rules: TypeAlias = dict[str, Callable[[pd.DataFrame], pd.DataFrame]]


@dataclass(frozen=True, slots=True)
class RecordingFacts:
    """Facts about a recording, from decoding it. The defaults stand for a recording that cannot be opened.

    Attributes
    ----------
    duration_s : of the decoded samples (s).
    sample_rate : of the file (Hz).
    channels : their number.
    sha256 : hash of the decoded samples, so that a copy in another container counts as the same audio.
    peak : largest absolute sample, relative to full scale.
    clipped_share : share of the samples at full scale.
    dc_offset : absolute mean of the worst channel, relative to full scale.
    flat_share : share of the time in stretches of at least 10 ms during which no channel changes (dropouts).
    flags : comma-separated: silent, clipped, short (than a window).
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
    "flags": "object",
    "reason": "object",
}


def check_recordings(
    table: pd.DataFrame, audio_root: str, min_duration_s: float, window_s: float, workers: int
) -> pd.DataFrame:
    """Open and decode each recording, in parallel.

    Parameters
    ----------
    table : rows of a manifest.
    audio_root : the folder that paths are relative to. No file outside it is opened.
    min_duration_s : shorter recordings are rejected (s).
    window_s : recordings shorter than a window are flagged ``short`` (s).
    workers : number of processes.

    Returns
    -------
    The rows with a column for each attribute of :class:`RecordingFacts`.
    """
    repeated = table.file_path.duplicated()
    probe = partial(probe_recording, audio_root=audio_root, min_duration_s=min_duration_s, window_s=window_s)
    start_pool = partial(ProcessPoolExecutor, mp_context=process_context.get_context())
    probes = crash_isolation.map_in_order(
        probe, table.file_path, start_pool, workers, _reject_crash, pending_per_worker=16
    )
    probes = track_progress(probes, len(table), "checking recordings")
    facts = pd.DataFrame(map(attrgetter(*COLUMN_TYPES), probes), columns=list(COLUMN_TYPES))
    checked = pd.concat([table.reset_index(drop=True), facts.astype(COLUMN_TYPES)], axis=1)
    checked.loc[repeated.to_numpy() & (checked.reason == ""), "reason"] = "duplicate row"
    return checked


def probe_recording(file_path: str, audio_root: str, min_duration_s: float, window_s: float) -> RecordingFacts:
    """Decode one recording in blocks and describe it; see :func:`check_recordings` for the parameters."""
    if not file_path:
        return RecordingFacts(reason="missing: the manifest gives no path")
    path = Path(audio_root, file_path)
    try:
        if not path.resolve().is_relative_to(Path(audio_root).resolve()):
            return RecordingFacts(reason="path outside audio_root")
        if not path.exists():
            return RecordingFacts(reason="missing")
        if not path.is_file():
            return RecordingFacts(reason="unreadable: not a file")
        if path.stat().st_size == 0:
            return RecordingFacts(reason="empty")
        with soundfile.SoundFile(path) as recording:
            return _measure(recording, min_duration_s, window_s)
    except (soundfile.LibsndfileError, OSError, RuntimeError, ValueError) as error:
        return RecordingFacts(reason=f"unreadable: {' '.join(str(error).split())}")


def _reject_crash(file_path: str) -> RecordingFacts:
    """Reject a recording that ended the process that decoded it."""
    return RecordingFacts(reason="unreadable: the decoder crashed or ran out of memory")


def _measure(recording: soundfile.SoundFile, min_duration_s: float, window_s: float) -> RecordingFacts:
    frames, clipped, flat, peak, total = 0, 0, 0, 0.0, np.zeros(recording.channels)
    content = hashlib.sha256(f"{recording.samplerate}:{recording.channels}:".encode())
    # Not recording.blocks(): if decoding stops early, it yields a buffer whose rest is not from the file.
    while frames < recording.frames:
        block_frames = min(BLOCK_FRAMES, recording.frames - frames)
        block = recording.read(block_frames, dtype="float32", always_2d=True)
        if not np.isfinite(block).all():
            return RecordingFacts(reason="non-finite samples")
        level = np.abs(block)
        frames, clipped = frames + len(block), clipped + int((level >= FULL_SCALE).sum())
        peak = max(peak, float(level.max(initial=0)))
        total += block.sum(axis=0, dtype=np.float64)
        flat += count_flat_frames(block, round(MIN_FLAT_S * recording.samplerate))
        content.update(np.ascontiguousarray(block).data)
        if len(block) < block_frames:  # some decoders would continue behind the damage
            break
    duration_s = frames / recording.samplerate
    flags = {
        "silent": peak < SILENT_PEAK,
        "clipped": clipped > MAX_CLIPPED_SHARE * frames * recording.channels,
        "short": duration_s < window_s,
    }
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
        peak=peak,
        clipped_share=clipped / max(frames * recording.channels, 1),
        dc_offset=float(np.abs(total).max()) / max(frames, 1),
        flat_share=flat / max(frames, 1),
        flags=",".join(flag for flag, is_raised in flags.items() if is_raised),
        reason=reason,
    )


def count_flat_frames(block: npt.NDArray[np.float32], min_frames: int) -> int:
    """Count the frames in stretches of at least `min_frames` during which no channel changes.

    Parameters
    ----------
    block : samples, shape (frames, channels).
    """
    changes = np.flatnonzero((np.diff(block, axis=0) != 0).any(axis=1)) + 1
    lengths = np.diff(np.concatenate([[0], changes, [len(block)]]))
    return int(lengths[lengths >= min_frames].sum())


def merge_shards(shards: list[pd.DataFrame]) -> pd.DataFrame:
    """Merge checked shards in order of path. Of the same audio in one split, only the first row stays usable.

    The pool and the recordings held out of it count as one split here: chance may divide two copies between them.
    """
    table = pd.concat(shards, ignore_index=True).sort_values(["file_path", "shard"], ignore_index=True)
    usable = table[(table.reason == "") & ~is_silent(table)]
    source = usable.split.replace({TEST_POOL: POOL})
    first = usable.groupby([source, "sha256"]).file_path.transform("first")
    copies = first[first != usable.file_path]
    table.loc[copies.index, "reason"] = "same audio as " + copies
    return table


def separate_rejected(table: pd.DataFrame, max_rejected_fraction: float) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Check the recordings against the split rules, and separate the rejected recordings from the usable ones.

    Returns
    -------
    usable, rejected : rows without and with a ``reason``.

    Raises
    ------
    InputError
        If recordings break a split rule (the message lists them), or if too large a share is rejected.
    """
    usable, rejected = table[table.reason == ""], table[table.reason != ""]
    check_split_rules(usable, RULES)
    share = len(rejected) / max(len(table), 1)
    if share > max_rejected_fraction:
        counts = rejected.reason.str.split(":").str[0].value_counts()
        raise InputError(
            f"{len(rejected)} of {len(table)} recordings are rejected ({share:.1%}), more than max_rejected_fraction "
            f"({max_rejected_fraction:.1%}): {', '.join(f'{n} {reason}' for reason, n in counts.items())}.\n"
            f"{_list_rows(rejected, 'reason')}\n"
            "Check audio_root. If the run can do without these recordings, raise max_rejected_fraction."
        )
    return usable.drop(columns="reason"), rejected


def check_split_rules(table: pd.DataFrame, rules: Rules) -> None:
    """Check recordings against rules: :data:`RULES`, or :data:`MANIFEST_RULES` before any recording is opened.

    Raises
    ------
    InputError
        If recordings break a rule; the message lists them.
    """
    for rule, find_breaches in rules.items():
        rows = find_breaches(table)
        if len(rows):
            raise InputError(
                f"{rule}. These rows break the rule:\n{_list_rows(rows)}\n"
                "Correct the manifest (column split) and run again."
            )


def is_silent(table: pd.DataFrame) -> pd.Series:
    """Return which checked recordings are flagged silent. All silence has the same hash, so copies mean nothing."""
    return table["flags"].fillna("").str.split(",").map(lambda flags: "silent" in flags).astype(bool)


def _find_in_several(table: pd.DataFrame, key: str, value: pd.Series) -> pd.DataFrame:
    """Return the rows whose `key` occurs with more than one `value`."""
    return table[value.groupby(table[key]).transform("nunique") > 1].sort_values([key, "split"])


def _find_divided_nights(table: pd.DataFrame) -> pd.DataFrame:
    return _find_in_several(table, "group", table.split)


def _find_shared_recorders(table: pd.DataFrame) -> pd.DataFrame:
    return _find_in_several(table, "recorder_id", table.split.isin((POOL, TEST_POOL)))


def _find_shared_sites(table: pd.DataFrame) -> pd.DataFrame:
    ood_sites = set(table.site[table.split == "test_ood"]) - {""}
    return table[table.site.isin(ood_sites) & (table.split != "test_ood")].sort_values(["site", "split"])


def _find_pool_positives(table: pd.DataFrame) -> pd.DataFrame:
    return table[table.split.isin((POOL, TEST_POOL)) & (table.label == "positive")]


def _find_copies(table: pd.DataFrame) -> pd.DataFrame:
    audible = table[~is_silent(table)]
    return _find_in_several(audible, "sha256", audible.split)


MANIFEST_RULES: Rules = {
    "A recorder-night must be in one split only": _find_divided_nights,
    "The pool's recorders must appear in no other split": _find_shared_recorders,
    "A site of test_ood must appear in no other split": _find_shared_sites,
    "Recordings of the pool must have the label negative": _find_pool_positives,
}
RULES: Rules = MANIFEST_RULES | {"The same audio must be in one split only": _find_copies}


def _list_rows(rows: pd.DataFrame, column: str | None = None) -> str:
    lines = [
        f"  {row.file_path} (split {row.split}, site {row.site or 'unknown'}, recorder {row.recorder_id}, "
        f"night {row.night or 'unknown'})" + (f": {row[column]}" if column else "")
        for _, row in rows.head(LISTED_ROWS).iterrows()
    ]
    hidden = len(rows) - LISTED_ROWS
    return "\n".join(lines + [f"  ... and {hidden} more"] * (hidden > 0))
