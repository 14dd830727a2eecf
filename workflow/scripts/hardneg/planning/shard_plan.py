"""The recordings of a project, and the shards that its jobs work on."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import pandas as pd

from hardneg.common.hashing import digest
from hardneg.configuration_rules import Config
from hardneg.planning.inputs import path_if
from hardneg.recordings import checks, manifest, planned_manifest, sharding, stretches
from hardneg.recordings.manifest import TEST_POOL, SplitSettings
from hardneg.recordings.planned_manifest import PlannedManifest
from hardneg.synthetic import dataset

PARTS = ("labelled", "pool")


@dataclass(frozen=True)
class ShardPlan:
    """The shards of a project.

    Attributes
    ----------
    prefix : what paths of results begin with.
    manifest_path : the manifest.
    is_generated : whether the workflow itself makes the recordings and their manifest.
    audio_root : folder that the manifest's paths are relative to, on disk.
    hashes : for each shard a hash of what it is made from; see :func:`hardneg.recordings.sharding.hash_shards`.
    has_test_pool : whether recordings are held out of the pool.
    has_stretches : whether recordings have labeled stretches; see :mod:`hardneg.recordings.stretches`.
    settings : the settings that decide the shards.
    planned : the folder of the planned manifest; see :mod:`hardneg.recordings.planned_manifest`.
    read_recordings : returns the manifest, with the split and the shard of every row.
    """

    prefix: str
    manifest_path: str
    is_generated: bool
    audio_root: str
    hashes: dict[str, str]
    has_test_pool: bool
    has_stretches: bool
    settings: dict[str, Any]
    planned: str
    read_recordings: Callable[[], pd.DataFrame]

    @classmethod
    def from_config(cls, config: Config, results: str, prefix: str) -> "ShardPlan":
        """Read or generate the manifest, check its splits and cut it into shards.

        Parameters
        ----------
        config : the complete configuration.
        results : folder of the results, on disk.
        prefix : what paths of results begin with.

        Raises
        ------
        InputError
            If the manifest cannot be read, lacks a split or breaks a rule of the splits.
        """
        is_generated = "generated" in config
        splits = SplitSettings(**config["splits"])
        manifest_path, audio_root = _locate_recordings(config, results, prefix)
        if is_generated:
            design = dataset.draw_design(**config["generated"])
            table = manifest.complete(dataset.extract_manifest(design), "generated", splits.night_begins)
        else:
            table = manifest.read(manifest_path, splits.night_begins)
        table = sharding.assign_splits_and_shards(table, splits, config["files_per_shard"])
        checks.check_split_rules(table, checks.MANIFEST_RULES)
        return cls(
            prefix=prefix,
            manifest_path=manifest_path,
            is_generated=is_generated,
            audio_root=audio_root,
            hashes=sharding.hash_shards(table, None if is_generated else audio_root),
            has_test_pool=bool((table.split == TEST_POOL).any()),
            has_stretches=stretches.has_stretches(table),
            settings=_select_settings(config),
            planned=locate_planned_manifest(results),
            read_recordings=lambda: table,
        )

    @classmethod
    def from_planned(cls, config: Config, results: str, prefix: str) -> "ShardPlan | None":
        """Take the plan that the process wrote which started this job; None if there is no such plan."""
        settings, folder = _select_settings(config), locate_planned_manifest(results)
        planned = PlannedManifest.read(folder, settings)
        if planned is None:
            return None
        manifest_path, audio_root = _locate_recordings(config, results, prefix)
        return cls(
            prefix=prefix,
            manifest_path=manifest_path,
            is_generated="generated" in config,
            audio_root=audio_root,
            hashes=planned.hashes,
            has_test_pool=planned.has_test_pool,
            has_stretches=planned.has_stretches,
            settings=settings,
            planned=folder,
            read_recordings=partial(planned_manifest.read_recordings, folder),
        )

    def write(self) -> None:
        """Write the plan for the jobs."""
        planned_manifest.write(
            self.planned, self.recordings, self.hashes, self.has_test_pool, self.has_stretches, self.settings
        )

    @cached_property
    def recordings(self) -> pd.DataFrame:
        """The manifest, with the split and the shard of every row."""
        return self.read_recordings()

    def annotated_recordings(self, part: str) -> str | list[str]:
        """Locate the recordings of a part whose windows are labeled; for the pool, an empty list."""
        return path_if(part == "labelled", f"{self.prefix}/inputs/labelled.parquet")

    def hash_splits(self, part: str) -> str:
        """Hash the split of every recording of a part."""
        rows = self.recordings[self.recordings.shard.str.startswith(part)]
        return digest(sorted(zip(rows.file_path, rows.split, strict=True)))

    def names(self, part: str) -> list[str]:
        """List the shards of one part, ``labelled`` or ``pool``, in alphabetical order."""
        return self._names[part]

    @cached_property
    def _names(self) -> dict[str, list[str]]:
        return {part: sorted(shard for shard in self.hashes if shard.startswith(part)) for part in PARTS}


def locate_planned_manifest(results: str) -> str:
    """Locate the planned manifest of a folder of results, among Snakemake's files."""
    return f".snakemake/planned/{digest(results)}"


def _select_settings(config: Config) -> dict[str, Any]:
    """Select the settings that decide the shards."""
    keys = ("generated", "manifest", "audio_root", "splits", "files_per_shard")
    return {key: config[key] for key in keys if key in config}


def _locate_recordings(config: Config, results: str, prefix: str) -> tuple[str, str]:
    """Locate the manifest, and on disk the folder that its paths are relative to."""
    if "generated" in config:
        store = config["pathvars"].get("store")
        return f"{store or prefix}/soundscapes/manifest.csv", f"{store or results}/soundscapes/audio"
    return str(Path(config["manifest"]).expanduser()), str(Path(config["audio_root"]).expanduser())
