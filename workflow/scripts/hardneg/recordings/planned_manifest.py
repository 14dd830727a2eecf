"""The manifest as it was planned: with splits and shards, on disk, one shard after the other.

Reading a manifest of a million rows takes half a minute. The process that plans a run does it once and writes the
result. Jobs read their shard from it.
"""

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

import pandas as pd
import pyarrow.compute

from hardneg.common import tables
from hardneg.common.errors import InputError
from hardneg.common.hashing import digest

TABLE, DESCRIPTION = "manifest.parquet", "description.json"


@dataclass(frozen=True, slots=True)
class PlannedManifest:
    """A planned manifest on disk.

    Attributes
    ----------
    settings_hash : hash of the settings that it was planned with.
    hashes : for each shard, a hash of what it is made from.
    has_test_pool : whether recordings are held out of the pool.
    has_stretches : whether recordings have labeled stretches.
    """

    settings_hash: str
    hashes: dict[str, str]
    has_test_pool: bool
    has_stretches: bool

    @classmethod
    def read(cls, folder: str | os.PathLike[str], settings: Mapping[str, Any]) -> Self | None:
        """Read the description of a planned manifest; None if there is none, or if it had other settings.

        Parameters
        ----------
        folder : the folder that contains it.
        settings : what decides the plan, besides the content of the manifest.
        """
        path = Path(folder, DESCRIPTION)
        try:
            planned = cls(**tables.read_json(path))
        except (FileNotFoundError, InputError, TypeError):
            return None
        return planned if planned.settings_hash == digest(settings) else None


def write(
    folder: str | os.PathLike[str],
    recordings: pd.DataFrame,
    hashes: dict[str, str],
    has_test_pool: bool,
    has_stretches: bool,
    settings: Mapping[str, Any],
) -> None:
    """Write a planned manifest, unless it is there already.

    Parameters
    ----------
    folder : the folder to write to.
    recordings : the manifest, with the split and the shard of every row.
    hashes, has_test_pool, has_stretches : see :class:`PlannedManifest`.
    settings : see :meth:`PlannedManifest.read`.
    """
    planned = PlannedManifest(digest(settings), hashes, has_test_pool, has_stretches)
    if PlannedManifest.read(folder, settings) == planned:
        return
    # A row group for each shard, so that a job reads only its own.
    with tables.parquet_appender(Path(folder, TABLE)) as append:
        for _, index in sorted(recordings.groupby("shard").indices.items()):
            append(recordings.iloc[index].astype(object))
    tables.write_json(asdict(planned), Path(folder, DESCRIPTION))


def read_recordings(folder: str | os.PathLike[str]) -> pd.DataFrame:
    """Read all rows of a planned manifest."""
    return tables.read(Path(folder, TABLE)).astype(object)


def read_shard(folder: str | os.PathLike[str], shard: str, shard_hash: str) -> pd.DataFrame:
    """Read the rows of one shard without loading the others.

    Parameters
    ----------
    folder : the folder that contains the plan.
    shard : name of the shard.
    shard_hash : its hash, from :func:`hardneg.recordings.sharding.hash_shards`.

    Raises
    ------
    InputError
        If there is no plan of a shard with this hash.
    """
    path = Path(folder, DESCRIPTION)
    hashes = tables.read_json(path)["hashes"] if path.is_file() else {}
    if hashes.get(shard) != shard_hash:
        raise InputError(
            f"{folder} has no plan of shard {shard}, because the manifest changed during the run, or Snakemake ran "
            "with --no-hooks. Run again without that option."
        )
    return tables.read_rows(Path(folder, TABLE), pyarrow.compute.field("shard") == shard).astype(object)
