"""The recordings of a project, and the shards that its jobs work on."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pandas as pd

from hardneg.configuration_rules import Config
from hardneg.recordings import checks, manifest, sharding
from hardneg.recordings.manifest import TEST_POOL, SplitSettings
from hardneg.synthetic import dataset

PARTS = ("labelled", "pool")


@dataclass(frozen=True)
class ShardPlan:
    """The shards of a project.

    Attributes
    ----------
    manifest_path : the manifest.
    is_generated : whether the workflow itself makes the recordings and their manifest.
    audio_root : folder that the manifest's paths are relative to, on disk.
    recordings : the manifest, with the split and the shard of every row.
    hashes : for each shard a hash of what it is made from; see :func:`hardneg.recordings.sharding.hash_shards`.
    """

    manifest_path: str
    is_generated: bool
    audio_root: str
    recordings: pd.DataFrame
    hashes: dict[str, str]

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
        if is_generated:
            manifest_path, audio_root = f"{prefix}/soundscapes/manifest.csv", f"{results}/soundscapes/audio"
            design = dataset.draw_design(**config["generated"])
            table = manifest.complete(dataset.extract_manifest(design), "generated", splits.night_begins)
        else:
            manifest_path, audio_root = (str(Path(config[key]).expanduser()) for key in ("manifest", "audio_root"))
            table = manifest.read(manifest_path, splits.night_begins)
        table = sharding.assign_splits_and_shards(table, splits, config["files_per_shard"])
        checks.check_split_rules(table, checks.MANIFEST_RULES)
        hashes = sharding.hash_shards(table, None if is_generated else audio_root)
        return cls(manifest_path, is_generated, audio_root, table, hashes)

    @cached_property
    def has_test_pool(self) -> bool:
        """Whether recordings are held out of the pool."""
        return bool((self.recordings.split == TEST_POOL).any())

    def names(self, part: str) -> list[str]:
        """List the shards of one part, ``labelled`` or ``pool``, in alphabetical order."""
        return self._names[part]

    @cached_property
    def _names(self) -> dict[str, list[str]]:
        return {part: sorted(shard for shard in self.hashes if shard.startswith(part)) for part in PARTS}
