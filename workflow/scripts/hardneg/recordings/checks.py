"""Open every recording that the manifest lists: say which can be used, and why the others cannot."""

import hashlib
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import soundfile

from hardneg.common import process_context
from hardneg.common.errors import InputError
from hardneg.common.log import track_progress

FACTS = {
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
BLOCK_FRAMES = 1 << 20
FULL_SCALE = 0.999
CLIPPED_SHARE = 1e-3
SILENT_PEAK = 1e-4
FLAT_S = 0.01


def check_recordings(
    table: pd.DataFrame, audio_root: str, min_duration_s: float, window_s: float, workers: int
) -> pd.DataFrame:
    """Open and decode each recording, in parallel.

    Parameters
    ----------
    table : rows of a manifest.
    audio_root : the folder that paths are relative to; nothing outside it is opened.
    min_duration_s : a shorter recording is rejected (s).
    window_s : a recording shorter than a window is flagged ``short`` (s).
    workers : processes.

    Returns
    -------
    The rows with ``duration_s``, ``sample_rate``, ``channels``, ``sha256`` (of the decoded samples, so that a copy
    in another container is the same audio), ``peak``, ``clipped_share`` (of the samples), ``dc_offset`` (of the worst
    channel; both relative to full scale), ``flat_share`` (of the time, in stretches of 10 ms and more in which nothing
    changes: dropouts), ``flags`` (comma-separated: silent, clipped, short) and ``reason``, which is empty where the
    recording can be used.
    """
    repeated = table.file_path.duplicated()
    probe_one = partial(probe_recording, audio_root=audio_root, min_duration_s=min_duration_s, window_s=window_s)
    with ProcessPoolExecutor(workers, process_context.get_context()) as pool:
        probes = pool.map(probe_one, table.file_path, chunksize=16)
        facts = pd.DataFrame(list(track_progress(probes, len(table), "checking recordings")), columns=list(FACTS))
    checked = pd.concat([table.reset_index(drop=True), facts.astype(FACTS)], axis=1)
    checked.loc[repeated.to_numpy() & (checked.reason == ""), "reason"] = "duplicate row"
    return checked


def probe_recording(file_path: str, audio_root: str, min_duration_s: float, window_s: float) -> dict:
    """Decode one recording in blocks and describe it; see :func:`check_recordings` for the facts returned."""
    empty = {"float64": np.nan, "Int64": None, "object": ""}
    facts = {fact: empty[kind] for fact, kind in FACTS.items()}
    if not file_path:
        return facts | {"reason": "missing: the manifest gives no path"}
    path = Path(audio_root, file_path)
    try:
        if not path.resolve().is_relative_to(Path(audio_root).resolve()):
            return facts | {"reason": "path outside audio_root"}
        if not path.exists():
            return facts | {"reason": "missing"}
        if not path.is_file():
            return facts | {"reason": "unreadable: not a file"}
        if path.stat().st_size == 0:
            return facts | {"reason": "empty"}
        with soundfile.SoundFile(path) as recording:
            return facts | _listen(recording, min_duration_s, window_s)
    except (soundfile.LibsndfileError, OSError, RuntimeError, ValueError) as error:
        return facts | {"reason": f"unreadable: {' '.join(str(error).split())}"}


def _listen(recording: soundfile.SoundFile, min_duration_s: float, window_s: float) -> dict:
    frames, clipped, flat, peak, total = 0, 0, 0, 0.0, np.zeros(recording.channels)
    content = hashlib.sha256(f"{recording.samplerate}:{recording.channels}:".encode())
    # Not recording.blocks(): where decoding stops short it gives the rest of its buffer as it found it.
    while frames < recording.frames:
        wanted = min(BLOCK_FRAMES, recording.frames - frames)
        block = recording.read(wanted, dtype="float32", always_2d=True)
        if not np.isfinite(block).all():
            return {"reason": "non-finite samples"}
        level = np.abs(block)
        frames, clipped = frames + len(block), clipped + int((level >= FULL_SCALE).sum())
        peak = max(peak, float(level.max(initial=0)))
        total += block.sum(axis=0, dtype=np.float64)
        flat += flat_frames(block, round(FLAT_S * recording.samplerate))
        content.update(np.ascontiguousarray(block).data)
        if len(block) < wanted:  # some decoders would go on behind the damage
            break
    duration = frames / recording.samplerate
    flags = {
        "silent": peak < SILENT_PEAK,
        "clipped": clipped > CLIPPED_SHARE * frames * recording.channels,
        "short": duration < window_s,
    }
    if frames == 0:
        reason = "zero samples"
    elif frames < recording.frames:
        reason = f"unreadable: ends after {frames} of {recording.frames} samples"
    elif duration < min_duration_s:
        reason = f"too short: {duration:.3f} s"
    else:
        reason = ""
    return {
        "duration_s": duration,
        "sample_rate": recording.samplerate,
        "channels": recording.channels,
        "sha256": content.hexdigest(),
        "peak": peak,
        "clipped_share": clipped / max(frames * recording.channels, 1),
        "dc_offset": float(np.abs(total).max()) / max(frames, 1),
        "flat_share": flat / max(frames, 1),
        "flags": ",".join(flag for flag, raised in flags.items() if raised),
        "reason": reason,
    }


def flat_frames(block: np.ndarray, shortest: int) -> int:
    """Count the frames in stretches of `shortest` and more in which no channel changes.

    Parameters
    ----------
    block : samples, shape (frames, channels).
    shortest : frames.
    """
    changes = np.flatnonzero((np.diff(block, axis=0) != 0).any(axis=1)) + 1
    lengths = np.diff(np.concatenate([[0], changes, [len(block)]]))
    return int(lengths[lengths >= shortest].sum())


def merge_shards(shards: list[pd.DataFrame]) -> pd.DataFrame:
    """Put checked shards together, in order of path; audio listed twice in one split keeps its first row."""
    table = pd.concat(shards, ignore_index=True).sort_values(["file_path", "shard"], ignore_index=True)
    usable = table[(table.reason == "") & ~is_silent(table)]
    first = usable.groupby(["split", "sha256"]).file_path.transform("first")
    copies = first[first != usable.file_path]
    table.loc[copies.index, "reason"] = "same audio as " + copies
    return table


def separate_rejected(table: pd.DataFrame, max_rejected_fraction: float) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Hold the checked recordings against the rules of the design; part the usable from the rejected.

    Returns
    -------
    usable, rejected : rows without and with a ``reason``.

    Raises
    ------
    InputError
        If a rule on splits is breached (the rows are listed) or too large a share is rejected.
    """
    usable, rejected = table[table.reason == ""], table[table.reason != ""]
    check_split_rules(usable, RULES)
    share = len(rejected) / max(len(table), 1)
    if share > max_rejected_fraction:
        counts = rejected.reason.str.split(":").str[0].value_counts()
        raise InputError(
            f"{len(rejected)} of {len(table)} recordings are rejected ({share:.1%}), more than max_rejected_fraction "
            f"({max_rejected_fraction:.1%}): {', '.join(f'{n} {reason}' for reason, n in counts.items())}.\n"
            f"{_listing(rejected, 'reason')}\n"
            "Is audio_root right? If these may be left out, raise max_rejected_fraction."
        )
    return usable.drop(columns="reason"), rejected


def check_split_rules(table: pd.DataFrame, rules: dict[str, Callable[[pd.DataFrame], pd.DataFrame]]) -> None:
    """Hold recordings against rules: :data:`RULES`, or before any is opened :data:`MANIFEST_RULES`.

    Raises
    ------
    InputError
        If one is breached; the rows are listed.
    """
    for rule, breaches in rules.items():
        rows = breaches(table)
        if len(rows):
            raise InputError(f"{rule}, but:\n{_listing(rows)}\nMend the manifest (column split) and run again.")


def is_silent(table: pd.DataFrame) -> pd.Series:
    """Whether each checked recording is flagged silent; all silence is alike, so its hash says nothing."""
    return table["flags"].fillna("").str.split(",").map(lambda flags: "silent" in flags).astype(bool)


def _in_several(table: pd.DataFrame, key: str, value: pd.Series) -> pd.DataFrame:
    return table[value.groupby(table[key]).transform("nunique") > 1].sort_values([key, "split"])


def _copies(table: pd.DataFrame) -> pd.DataFrame:
    sounding = table[~is_silent(table)]
    return _in_several(sounding, "sha256", sounding.split)


def _test_sites(table: pd.DataFrame) -> pd.DataFrame:
    held_out = set(table.site[table.split == "test_ood"]) - {""}
    return table[table.site.isin(held_out) & (table.split != "test_ood")].sort_values(["site", "split"])


MANIFEST_RULES: dict[str, Callable[[pd.DataFrame], pd.DataFrame]] = {
    "A recorder-date must be in one split only": lambda table: _in_several(table, "group", table.split),
    "The pool's recorders must appear in no other split": lambda table: _in_several(
        table, "recorder_id", table.split == "pool"
    ),
    "A site of test_ood must appear in no other split": _test_sites,
    "The pool must be labelled negative": lambda table: table[(table.split == "pool") & (table.label == "positive")],
}
RULES = MANIFEST_RULES | {"The same audio must be in one split only": _copies}


def _listing(rows: pd.DataFrame, column: str | None = None, most: int = 20) -> str:
    lines = [
        f"  {row.file_path} (split {row.split}, site {row.site or 'unknown'}, recorder {row.recorder_id}, "
        f"date {row.date or 'unknown'})" + (f": {row[column]}" if column else "")
        for _, row in rows.head(most).iterrows()
    ]
    return "\n".join(lines + [f"  ... and {len(rows) - most} more"] * (len(rows) > most))
