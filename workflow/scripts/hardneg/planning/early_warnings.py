"""What can be said about a study before its first job: recordings, splits and devices that do not fit it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import soundfile

from hardneg.common import gpu_detection
from hardneg.planning.shard_plan import ShardPlan
from hardneg.recordings.manifest import TEST_SPLITS
from hardneg.recordings.missing_files import explain_missing_files, find_missing_files, find_outside_files
from hardneg.recordings.nights import name_clusters

PROBED_FILES = 24
MIN_CLUSTERS = 3
FEW_POSITIVES = 20
MAX_SHARED_NIGHTS = 0.2  # share of recorder-nights; where few are shared, intervals hardly change
CLUSTER_NAMES = {"night": "recorder-nights", "date": "nights of a site", "site": "sites"}


def find_warnings(shards: ShardPlan, config: dict[str, Any]) -> Iterator[str]:
    """Find what will make a study fail or tell little.

    Parameters
    ----------
    shards : the recordings.
    config : the complete configuration.

    Yields
    ------
    One sentence or two for each problem.
    """
    recordings, splits = shards.recordings, config["splits"]
    is_fold = splits.get("as_fold", False)
    if not splits.get("rotate"):
        uses_val = "holdout" in config["matrix"].get("validation", ["holdout"])
        held_out = f"While {', '.join(splits['ood_sites'])} is held out: " if is_fold else ""
        for warning in check_splits(recordings, config["statistics"]["cluster"], uses_val):
            yield held_out + warning
        # Generated recordings are independent: no animal is on two of them.
        if config["statistics"]["cluster"] == "night" and not shards.is_generated:
            for warning in check_shared_nights(recordings, uses_val):
                yield held_out + warning
    if is_fold:  # the rotation itself has looked at the recordings
        return
    if not shards.is_generated:
        missing = find_missing_files(recordings.file_path, shards.audio_root)
        message = explain_missing_files(missing, len(recordings), shards.audio_root)
        if message:
            yield message
        present = recordings.file_path[~recordings.file_path.isin(missing)]
        outside = find_outside_files(list(present), shards.audio_root)
        if outside:
            yield (
                f"Links lead {len(outside)} of the recordings that were tried out of audio_root, such as {outside[0]}. "
                "They will be rejected: set audio_root to a folder with all recordings, or copy them."
            )
        yield from check_formats(present, shards.audio_root, config["windows"])
    yield from check_device(config.get("device", "cpu"))


def check_splits(recordings: pd.DataFrame, cluster: str, uses_val: bool) -> Iterator[str]:
    """Find splits without one class, and splits with too few positives or nights to tell anything.

    Parameters
    ----------
    recordings : the manifest, with the split of every row.
    cluster : the unit of resampling; see :func:`hardneg.recordings.nights.name_clusters`.
    uses_val : whether runs choose their threshold on the split ``val``.
    """
    for split in (*(["val"] if uses_val else []), *TEST_SPLITS):
        files = recordings[recordings.split == split].drop_duplicates("file_path")
        positives = int((files.label == "positive").sum())
        if files.empty:
            if split == "val":
                yield (
                    "The split val is empty, so no threshold can be chosen. Assign recordings of other recorder-nights "
                    "than those of training to it. Without dates, a recorder has only one night."
                )
            continue
        if positives in (0, len(files)):
            missing = "positive" if positives == 0 else "negative"
            effect = "training will stop" if split == "val" else "most of its metrics will be missing"
            yield f"The split {split} has no {missing} recording: {effect}. Move a recorder-night with some to it."
        elif positives < FEW_POSITIVES:
            yield f"The split {split} has only {positives} positive recordings: its metrics will be uncertain."
        clusters = name_clusters(files, cluster).nunique()
        if split in TEST_SPLITS and clusters < MIN_CLUSTERS:
            yield (
                f"The split {split} has {clusters} {CLUSTER_NAMES[cluster]}. There will be no verdict on it, because "
                f"an interval needs at least {MIN_CLUSTERS}."
            )


def check_shared_nights(recordings: pd.DataFrame, uses_val: bool) -> Iterator[str]:
    """Find splits in which recorders of one site recorded the same nights, although each counts as a night.

    Recorders that hear the same calls are not independent; see
    :func:`hardneg.recordings.nights.name_clusters`.

    Parameters
    ----------
    recordings : the manifest, with the split of every row.
    uses_val : whether runs choose their threshold on the split ``val``.
    """
    counts = []
    for split in (*(["val"] if uses_val else []), *TEST_SPLITS):
        files = recordings[recordings.split == split]
        all_nights = files.group.nunique()
        nights = files[files.night.fillna("").ne("") & files.site.fillna("").ne("")]
        nights = nights.drop_duplicates(["recorder_id", "night"])
        shared = nights[nights.duplicated(["site", "night"], keep=False)]
        if len(shared) > MAX_SHARED_NIGHTS * all_nights:
            counts.append(f"{len(shared)} of {all_nights} in {split}")
    if counts:
        yield (
            f"Several recorders of one site recorded the same nights: {', '.join(counts)} recorder-nights. If they "
            "hear the same animals, these are not independent, and chance differences are called real too often. Then "
            "set statistics.cluster to date."
        )


def check_formats(file_paths: pd.Series, audio_root: str, windows: dict[str, Any]) -> Iterator[str]:
    """Open a sample of the recordings, and compare their sample rate and length with the windows."""
    step = max(len(file_paths) // PROBED_FILES, 1)
    infos = [info for path in file_paths.iloc[::step][:PROBED_FILES] if (info := _read_info(Path(audio_root, path)))]
    rate, length_s = windows["sample_rate"], windows["length_s"]
    low = [info.samplerate for info in infos if info.samplerate < rate]
    if len(low) > len(infos) / 2:
        yield (
            f"{len(low)} of {len(infos)} recordings that were tried have sample rates below windows.sample_rate "
            f"({rate} Hz), such as {low[0]} Hz. Their upper frequencies are empty: set it to {max(low)}."
        )
    short = [info.frames / info.samplerate for info in infos if info.frames / info.samplerate < length_s]
    if len(short) > len(infos) / 2:
        yield (
            f"{len(short)} of {len(infos)} recordings that were tried are shorter than windows.length_s ({length_s:g} "
            f"s), such as {short[0]:.2f} s. The rest of their windows is silence: choose shorter windows."
        )


def check_device(device: str) -> Iterator[str]:
    """Find GPUs that the configuration asks for and this machine does not have, or cannot use."""
    if device == "cuda" and not (gpu_detection.has_device_file() and gpu_detection.has_driver()):
        yield (
            "device is cuda, but this machine has no working NVIDIA driver. This is right only if jobs run on another "
            "machine. Otherwise set device to auto or cpu, or repair the driver."
        )
    if device == "auto" and gpu_detection.has_gpu() and not gpu_detection.has_driver():
        yield "This machine has an NVIDIA device without a working driver. Jobs will run on the CPU: repair the driver."


def _read_info(path: Path) -> Any:
    """Read the header of a recording; None if it cannot be opened."""
    try:
        return soundfile.info(path) if path.is_file() else None
    except (soundfile.LibsndfileError, OSError, RuntimeError, ValueError):
        return None
