"""Cut the recordings into shards: the unit of one job, stable while the manifest grows."""

from pathlib import Path

import numpy as np
import pandas as pd

from hardneg.common.errors import InputError
from hardneg.common.hashing import digest, uniform
from hardneg.recordings.manifest import assign_splits

NEEDED = {
    "pool": "give the recordings to mine, which are known not to hold the species, the split pool.",
    "train": "leave the split of labelled recordings empty to have it assigned, or give some of them the split train.",
}


def assign_splits_and_shards(table: pd.DataFrame, splits: dict, files_per_shard: int) -> pd.DataFrame:
    """Complete a manifest for the workflow: every row with its ``split`` and its ``shard``.

    Parameters
    ----------
    table : a manifest from :func:`hardneg.recordings.manifest.read`.
    splits : the parameters of :func:`hardneg.recordings.manifest.assign_splits`.
    files_per_shard : see :func:`assign_shards`.

    Raises
    ------
    InputError
        If a site to hold out is none of the manifest's, or a split that the workflow cannot do without has no row.
    """
    sites = sorted(set(table.site) - {""})
    for site in splits["ood_sites"]:
        if site not in sites:
            known = f"has: {', '.join(sites[:20])}{' ...' * (len(sites) > 20)}" if sites else "has none"
            raise InputError(f"splits.ood_sites names '{site}', which is no site of the manifest; it {known}.")
    table = assign_splits(table, **splits)
    for split, remedy in NEEDED.items():
        if not (table.split == split).any():
            raise InputError(f"the manifest has no row of split {split}: {remedy}")
    return table.assign(shard=assign_shards(table, files_per_shard))


def assign_shards(table: pd.DataFrame, files_per_shard: int) -> pd.Series:
    """Name the shard of each recording.

    Recorder-dates are put in order of date and recorder, and a cut is made after each one whose hash is small
    (content-defined chunking, as in A. Muthitacharoen et al., "A low-bandwidth network file system", SOSP 2001).
    A shard is named after the recorder-dates that it holds, so a new night makes new shards, changes at most
    the one that it falls in, and leaves all others alone. The pool and the labelled recordings share none.

    Parameters
    ----------
    table : a manifest with its splits assigned.
    files_per_shard : the mean number of files that a shard should hold.

    Returns
    -------
    ``pool-<hash>`` or ``labelled-<hash>`` for each row, with the index of `table`.
    """
    part = pd.Series(np.where(table.split == "pool", "pool", "labelled"), index=table.index, name="part")
    groups = table.groupby([part, "date", "recorder_id", "group"], sort=True).size().rename("files").reset_index()
    chance = groups.files / files_per_shard
    ends = (uniform(list(groups.group), "shard") < chance) | (groups.part != groups.part.shift(-1))
    chunk = ends.shift(fill_value=False).cumsum()
    names = groups.groupby(chunk).group.transform(lambda held: digest(list(held), 8))
    shard_of = dict(zip(zip(groups.part, groups.group, strict=True), groups.part + "-" + names, strict=True))
    return pd.Series([shard_of[key] for key in zip(part, table.group, strict=True)], index=table.index, dtype=object)


def hash_shards(table: pd.DataFrame, audio_root: str | None) -> dict[str, str]:
    """Hash what each shard is made from: its rows and, on disk, the size and time of each file.

    Parameters
    ----------
    table : from :func:`assign_splits_and_shards`; every column counts.
    audio_root : the folder of the files; None where the workflow itself makes them, and rows alone count.

    Returns
    -------
    A hash for each shard name.
    """
    rows = table.astype(str).agg("\x1f".join, axis=1)
    if audio_root is not None:
        rows = rows + [_stamp(Path(audio_root, path)) for path in table.file_path]
    return {shard: digest(sorted(rows[index])) for shard, index in table.groupby("shard").groups.items()}


def _stamp(path: Path) -> str:
    try:
        status = path.stat()
    except (OSError, ValueError):
        return "absent"
    return f"{status.st_size}:{status.st_mtime_ns}"
