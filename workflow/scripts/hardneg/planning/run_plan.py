"""The runs of the matrix: where each is written, and what each trains on."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from hardneg.configuration_rules import Config
from hardneg.experiments import matrix
from hardneg.experiments.added_seeds import select_added_runs
from hardneg.planning.inputs import Inputs, path_if
from hardneg.planning.tier_plan import TierPlan
from hardneg.statistics.sequential import plan_looks

# What the training and the evaluation of a run write into its folder.
RUN_FILES = (
    "model.safetensors", "model.json", "history.csv", "validation_scores.parquet", "training_set.parquet",
    "scores.parquet",
)  # fmt: skip


@dataclass(frozen=True)
class RunPlan:
    """The runs.

    Attributes
    ----------
    config : the complete configuration.
    prefix : what paths of results begin with.
    features : folder of the features.
    tiers : the negative tiers.
    added : the runs that were added to the matrix after a look at the verdicts.
    """

    config: Config
    prefix: str
    features: str
    tiers: TierPlan
    added: list[dict[str, str]] = field(default_factory=list)

    @cached_property
    def table(self) -> list[dict[str, str]]:
        """The value of every axis for each run, as text."""
        runs: list[dict[str, str]] = matrix.expand(self.config["matrix"], self.config["leave_out"]).to_dict("records")
        return [*runs, *select_added_runs(self.added, runs)]

    @cached_property
    def added_seeds(self) -> list[str]:
        """The seeds of runs that were added to the matrix."""
        own = set(map(str, self.config["matrix"]["seed"]))
        return sorted({run["seed"] for run in self.table} - own, key=int)

    @property
    def looks(self) -> list[int]:
        """The numbers of seeds at which verdicts are looked at; empty for a study that is looked at once."""
        if "decide" not in self.config:
            return []
        return plan_looks(len(self.config["matrix"]["seed"]), self.config["decide"]["seeds_at_most"])

    @property
    def axes(self) -> list[str]:
        """The axes of the matrix without the seed, in the order of columns and folders."""
        return matrix.order_axes(self.config["matrix"])[:-1]

    @property
    def varied_axes(self) -> list[str]:
        """The axes that have more than one value."""
        return [axis for axis, values in self.config["matrix"].items() if len(values) > 1]

    @property
    def arm_pattern(self) -> str:
        """The part of a run's path that all seeds of an arm share, with wildcards.

        For example, ``positive_subset~{positive_subset}/negative_tier~{negative_tier}/validation~{validation}``.
        """
        return "/".join(f"{axis}~{{{axis}}}" for axis in self.axes)

    @property
    def pattern(self) -> str:
        """The part of a run's path that its axes and its seed decide, with wildcards."""
        return f"{self.arm_pattern}/seed~{{seed}}"

    @cached_property
    def folders(self) -> list[str]:
        """The folder of each run, in the order of :attr:`table`."""
        return [self.folder(run) for run in self.table]

    @property
    def exported(self) -> str:
        """The folder of the run that the export writes."""
        return self.folder(matrix.select_run(self.config["matrix"], self.config["export"]["run"]))

    def folder(self, run: dict[str, str]) -> str:
        """Locate a run by its value on every axis."""
        return f"{self.prefix}/runs/{self.pattern.format(**run)}"

    def files(self, name: str) -> list[str]:
        """Locate one file of each run, in the order of :attr:`table`."""
        return [f"{folder}/{name}" for folder in self.folders]

    def seed_files(self, name: str) -> list[str]:
        """Locate one file of each seed of an arm, with wildcards for the axes."""
        return [f"{self.prefix}/runs/{self.arm_pattern}/seed~{seed}/{name}" for seed in self.config["matrix"]["seed"]]

    def added_file(self, name: str) -> str:
        """Locate one file of a run with an added seed, with wildcards. Other seeds do not match."""
        pattern = self.pattern.replace("{seed}", f"{{seed,{'|'.join(self.added_seeds)}}}")
        return f"{self.prefix}/runs/{pattern}/{name}"

    def inputs(self, run: dict[str, str]) -> Inputs:
        """Locate what a run trains on.

        A run without mined negatives does not depend on mining.

        Parameters
        ----------
        run : its value on every axis.

        Returns
        -------
        Paths of ``labelled, positives, index, tier, pool_index, window_scores, background``. ``tier`` is an empty list
        without mined negatives, ``pool_index`` if no file of the pool is trained on, ``window_scores`` if the run
        trains on one window of each mined file, and ``background`` if nothing of the pool is mixed in.
        """
        positive_subset, negative_tier = run["positive_subset"], run["negative_tier"]
        has_mined = not self.tiers.is_none(negative_tier)
        training = self.training(run)
        windows_per_file, background = training["mined_windows_per_file"], training["augmentation"]["background"]
        return {
            "labelled": f"{self.prefix}/inputs/labelled.parquet",
            "positives": f"{self.prefix}/positives/{positive_subset}.csv",
            "index": f"{self.features}/labelled.parquet",
            "tier": path_if(has_mined, self.tiers.path(negative_tier, run["seed"])),
            "pool_index": path_if(has_mined or self.has_reviewed(positive_subset), f"{self.features}/pool.parquet"),
            "window_scores": self.tiers.window_scores(negative_tier) if has_mined and windows_per_file > 1 else [],
            "background": path_if(background == "pool", f"{self.prefix}/background.parquet"),
        }

    def selection(self, positive_subset: str) -> dict[str, Any]:
        """Collect the settings that select a positive subset from the labeled recordings."""
        definition = self.config["positive_subsets"][positive_subset]
        return {key: value for key, value in definition.items() if key != "reviewed"}

    def has_reviewed(self, positive_subset: str) -> bool:
        """Whether a positive subset includes files of the pool that reviewers found to be positive."""
        return bool(self.config["positive_subsets"].get(positive_subset, {}).get("reviewed", False))

    def positive_inputs(self, positive_subset: str) -> Inputs:
        """Locate what a positive subset is selected from.

        Returns
        -------
        Paths of ``recordings, ranking, pool``. ``ranking`` is an empty list if the subset adds no ranked recordings,
        and ``pool`` if it includes no reviewed files.
        """
        definition = self.config["positive_subsets"].get(positive_subset, {})
        return {
            "recordings": f"{self.prefix}/inputs/labelled.parquet",
            "ranking": path_if("add" in definition, f"{self.prefix}/positives/ranking.parquet"),
            "pool": path_if(self.has_reviewed(positive_subset), f"{self.prefix}/inputs/pool.parquet"),
        }

    def training(self, run: dict[str, str]) -> dict[str, Any]:
        """Resolve the training settings of a run: those of the configuration, with the run's own values."""
        return matrix.resolve_training(self.config["matrix"], self.config["training"], run)
