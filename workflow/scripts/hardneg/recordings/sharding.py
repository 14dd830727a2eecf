"""Divide the recordings into shards. A shard is the work of one job and stays stable while the manifest grows."""

import os

import numpy as np
import pandas as pd

from hardneg.common.errors import InputError
from hardneg.common.hashing import digest, uniform
from hardneg.recordings.manifest import POOL, TEST_POOL, SplitSettings, assign_splits

REQUIRED_SPLITS = {
    POOL: "Give the split pool to the recordings to mine, which do not contain the species.",
    "train": "Leave the split of labeled recordings empty to have it assigned, or give some of them the split train.",
}
LISTED_SITES = 20


def assign_splits_and_shards(table: pd.DataFrame, settings: SplitSettings, files_per_shard: int) -> pd.DataFrame:
    """Complete a manifest for the workflow, so that every row has a ``split`` and a ``shard``.

    Parameters
    ----------
    table : a manifest from :func:`hardneg.recordings.manifest.read`.
    settings : how rows without a split get one.
    files_per_shard : see :func:`assign_shards`.

    Raises
    ------
    InputError
        If the manifest does not contain a site of `settings`, or a split that the workflow needs has no row.
    """
    sites = sorted(set(table.site) - {""})
    for site in settings.ood_sites:
        if site not in sites:
            known = (
                f"has: {', '.join(sites[:LISTED_SITES])}{' ...' * (len(sites) > LISTED_SITES)}" if sites else "has none"
            )
            raise InputError(
                f"splits.ood_sites names '{site}', but the manifest has no such site; it {known}. "
                "Correct the name, or remove it."
            )
    table = assign_splits(table, settings)
    for split, remedy in REQUIRED_SPLITS.items():
        if not (table.split == split).any():
            raise InputError(f"the manifest has no row of split {split}. {remedy}")
    return table.assign(shard=assign_shards(table, files_per_shard))


def assign_shards(table: pd.DataFrame, files_per_shard: int) -> pd.Series:
    """Name the shard of each recording.

    Recorder-nights are sorted by night and recorder. A shard ends after each recorder-night whose hash is small
    (content-defined chunking, as in A. Muthitacharoen et al., "A low-bandwidth network file system", SOSP 2001).
    The name of a shard is a hash of its recorder-nights. A new night therefore creates new shards, changes at most the
    shard that it falls in, and leaves all others alone. No shard contains both pool and labeled recordings.
    Recordings held out of the pool are in its shards.

    Parameters
    ----------
    table : a manifest with its splits assigned.
    files_per_shard : mean number of files in a shard.

    Returns
    -------
    ``pool-<hash>`` or ``labelled-<hash>`` for each row, with the index of `table`.
    """
    part = pd.Series(np.where(table.split.isin((POOL, TEST_POOL)), "pool", "labelled"), index=table.index, name="part")
    groups = table.groupby([part, "night", "recorder_id", "group"], sort=True).size().rename("files").reset_index()
    chance = groups.files / files_per_shard
    is_last = (uniform(list(groups.group), "shard") < chance) | (groups.part != groups.part.shift(-1))
    chunk = is_last.shift(fill_value=False).cumsum()
    hashes = groups.groupby(chunk).group.transform(lambda names: digest(list(names), 8))
    shard_of = dict(zip(zip(groups.part, groups.group, strict=True), groups.part + "-" + hashes, strict=True))
    return pd.Series([shard_of[key] for key in zip(part, table.group, strict=True)], index=table.index, dtype=object)


def hash_shards(table: pd.DataFrame, audio_root: str | None) -> dict[str, str]:
    """Hash what decides the result of each shard: its rows, and the size and time of each file on disk.

    Parameters
    ----------
    table : from :func:`assign_splits_and_shards`; every column counts.
    audio_root : the folder of the files. With None, only rows count, because the workflow itself generates the files.

    Returns
    -------
    A hash for each shard name.
    """
    # One shard at a time: the text of all rows takes gigabytes.
    hashes = {}
    for shard, index in table.groupby("shard").indices.items():
        part = table.iloc[index]
        columns = (part[column].astype(str).tolist() for column in part.columns)
        rows = ["\x1f".join(cells) for cells in zip(*columns, strict=True)]
        if audio_root is not None:
            paths = (os.path.join(audio_root, path) for path in part.file_path)  # noqa: PTH118, as below
            rows = [row + _describe_file_state(path) for row, path in zip(rows, paths, strict=True)]
        hashes[str(shard)] = digest(sorted(rows))
    return hashes


def _describe_file_state(path: str) -> str:
    """Return the size and modification time of a file, or ``absent``."""
    try:
        status = os.stat(path)  # noqa: PTH116, a Path takes three times as long
    except (OSError, ValueError):
        return "absent"
    return f"{status.st_size}:{status.st_mtime_ns}"
