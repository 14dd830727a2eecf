"""The negative tiers: what each is cut from, and which of them a review changes."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hardneg.common import tables
from hardneg.configuration_rules import Config
from hardneg.mining import mining_models, second_round, tiers
from hardneg.mining.tiers import PoolTables
from hardneg.planning.inputs import Inputs, path_if
from hardneg.planning.mining_plan import MiningPlan, locate_tier


@dataclass(frozen=True)
class TierPlan:
    """The negative tiers.

    Attributes
    ----------
    definitions : the definition of each tier.
    trained_on : the tiers of the matrix.
    seeds : the seeds of the matrix, as text.
    mining : the models that score the pool.
    """

    definitions: dict[str, dict[str, Any]]
    trained_on: list[str]
    seeds: list[str]
    mining: MiningPlan

    @classmethod
    def from_config(cls, config: Config, mining: MiningPlan) -> "TierPlan":
        """Take the tiers of a complete configuration."""
        matrix = config["matrix"]
        return cls(config["negative_tiers"], list(matrix["negative_tier"]), list(map(str, matrix["seed"])), mining)

    @property
    def in_matrix(self) -> dict[str, dict[str, Any]]:
        """The definitions of the tiers of the matrix."""
        return {name: self.definitions[name] for name in self.trained_on}

    @property
    def mined(self) -> list[str]:
        """The tiers of the matrix that contain mined files."""
        return [name for name in self.trained_on if not self.is_none(name)]

    @property
    def cut_by_confidence(self) -> list[str]:
        """The tiers of :attr:`mined` that contain all files between two confidences."""
        return [name for name in self.mined if tiers.is_cut_by_confidence(self.definitions[name])]

    @property
    def mined_paths(self) -> list[str]:
        """The files of :attr:`mined`, where one file stands for a tier: of a redrawn tier, the first seed's."""
        return [self.path(name) for name in self.mined]

    @property
    def all_mined_paths(self) -> list[str]:
        """The files of :attr:`mined` for every seed."""
        return list(dict.fromkeys(self.path(name, seed) for name in self.mined for seed in self.seeds))

    @property
    def counted_confidences(self) -> list[float]:
        """The confidences from which the comparison of two rounds counts files."""
        return second_round.list_thresholds(self.definitions)

    @property
    def is_audited(self) -> bool:
        """Whether a tier of the matrix excludes what the audit flags."""
        return any("exclude" in self.definitions[name] for name in self.trained_on)

    @property
    def fixed(self) -> list[str]:
        """The tiers that all seeds share."""
        return [name for name in self.definitions if name not in self.redrawn]

    @property
    def redrawn(self) -> list[str]:
        """The tiers that are drawn again for each seed of the matrix."""
        return [name for name, definition in self.definitions.items() if tiers.is_redrawn(definition)]

    @property
    def controls(self) -> list[str]:
        """The names of the tiers that are drawn at random."""
        return [name for name, definition in self.definitions.items() if tiers.is_drawn(definition)]

    def is_none(self, name: str) -> bool:
        """Whether a tier adds no mined negatives."""
        return tiers.is_none(self.definitions[name])

    def path(self, name: str, seed: str | None = None) -> str:
        """Locate the files of a tier for a seed of the matrix; by default, for the first one."""
        return locate_tier(self.mining.prefix, name, self.definitions[name], seed or self.seeds[0])

    def ranking(self, name: str) -> str:
        """Name the score that a tier is cut by: ``mean``, ``minimum`` or the name of a mining model."""
        definition = self.definitions[name]
        ranked: str = self.definitions[definition.get("match_size_of", name)].get("ranked_by", mining_models.MEAN)
        return ranked

    def window_scores(self, name: str) -> list[str]:
        """Locate the scored windows of the pool that rank the windows of a tier's files."""
        return self.mining.window_scores(self.ranking(name))

    def window_aggregation(self, name: str) -> str:
        """Name how these scores are combined, ``mean`` or ``min``."""
        return "min" if self.ranking(name) == mining_models.MINIMUM else "mean"

    def definitions_for(self, name: str) -> dict[str, dict[str, Any]]:
        """Collect the definitions that decide a tier: its own, and that of the tier whose size it matches."""
        matched = self.definitions[name].get("match_size_of")
        return {key: dict(self.definitions[key]) for key in (name, matched) if key is not None}

    def inputs(self, name: str) -> Inputs:
        """Locate the tables of the pool that decide a tier.

        Returns
        -------
        Paths of ``scores, audit, clusters, second_scores, first_round_tier``. A path is an empty list if neither the
        tier nor the tier that it matches needs the table.
        """
        keys = {key for definition in self.definitions_for(name).values() for key in definition}
        prefix = self.mining.prefix
        return {
            "scores": self.mining.scores,
            "audit": path_if("exclude" in keys, f"{prefix}/audit/pool.csv"),
            "clusters": path_if("per_cluster" in keys, f"{prefix}/audit/clusters.csv"),
            "second_scores": path_if("round" in keys, self.mining.second_scores),
            "first_round_tier": path_if("round" in keys, self.mining.first_round_tier or []),
        }

    def hash_review_effect_on_disk(
        self, name: str, decisions: dict[str, str], results: str, run_seed: int | None = None
    ) -> str:
        """Hash the effect of a review on a tier, from the tables of the pool on disk.

        The review is not an input of a tier. Otherwise, every answer would rebuild every tier.

        Parameters
        ----------
        name : the tier.
        decisions : the label of each reviewed file.
        results : folder of the results, on disk.
        run_seed : see :func:`hardneg.mining.tiers.build_tier`.

        Returns
        -------
        ``""`` if the review changes nothing, or if the tables of the pool do not exist yet.
        """
        paths = {
            table: Path(path.replace(self.mining.prefix, results, 1))
            for table, path in self.inputs(name).items()
            if isinstance(path, str)
        }
        if not decisions or not all(path.exists() for path in paths.values()):
            return ""
        pool = PoolTables(**{table: tables.read(path) for table, path in paths.items()})
        return tiers.hash_review_effect(name, self.definitions_for(name), pool, decisions, run_seed)
