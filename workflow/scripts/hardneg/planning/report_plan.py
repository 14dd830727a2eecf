"""The report: its figures, and the tables that only some reports contain."""

from dataclasses import dataclass

from hardneg.planning.inputs import Inputs, path_if
from hardneg.planning.mining_plan import MiningPlan
from hardneg.planning.review_plan import ReviewPlan
from hardneg.planning.tier_plan import TierPlan


@dataclass(frozen=True)
class ReportPlan:
    """The report.

    Attributes
    ----------
    prefix : what paths of results begin with.
    store : what paths of the recordings and features begin with.
    comparison_count : the number of comparisons.
    has_truth : whether the recordings are generated, so that the unlabeled positives of the pool are known.
    has_labels : whether BirdNET labels the mined files.
    compares_confusers : whether false positives in the held-out pool are compared by kind of sound.
    measures_memorization : whether mined files are compared with held-out files of the same confidence.
    measures_calls : whether single annotated calls are counted.
    mining, review, tiers : the plans of these stages.
    """

    prefix: str
    store: str
    comparison_count: int
    has_truth: bool
    has_labels: bool
    compares_confusers: bool
    measures_memorization: bool
    measures_calls: bool
    mining: MiningPlan
    review: ReviewPlan
    tiers: TierPlan

    @property
    def figures(self) -> list[str]:
        """The figures: the overview, a forest plot for each comparison, then the others."""
        forest_plots = [f"forest_{number + 1}" for number in range(self.comparison_count)]
        confusers = ["confuser_rates"] * self.compares_confusers
        others = ["metrics", "precision_recall", "reliability", "pool_scores", "training_curves"]
        return ["overview", *forest_plots, *confusers, *others]

    def caption(self, figure: str) -> str:
        """Name the caption of a figure; all forest plots have the same."""
        return "forest" if figure.startswith("forest_") else figure

    @property
    def inputs(self) -> Inputs:
        """Locate the tables that only some reports contain.

        Returns
        -------
        Paths of ``tiers, tier_notes, mining_problems, audit, audit_reliability, clusters, scores, truth, review,
        sounds, confusers, memorization, calls, rounds``. A path is an empty list if this report does not contain the
        table.
        """
        audited, several_models = self.tiers.is_audited, len(self.mining.models) > 1
        return {
            "tiers": self.tiers.mined_paths,
            "tier_notes": [f"{path.removesuffix('.csv')}.json" for path in self.tiers.mined_paths],
            "mining_problems": f"{self.prefix}/mining/first_look.json",
            "audit": path_if(audited, f"{self.prefix}/audit/pool.csv"),
            "audit_reliability": path_if(audited, f"{self.prefix}/audit/reliability.csv"),
            "clusters": path_if(audited, f"{self.prefix}/audit/clusters.csv"),
            "scores": path_if(audited or several_models, self.mining.scores),
            "truth": path_if(audited and self.has_truth, f"{self.store}/soundscapes/truth.csv"),
            "review": path_if(audited and bool(self.review.inputs), self.review.path),
            "sounds": path_if(self.has_labels, f"{self.prefix}/tiers/sounds/counts.csv"),
            "confusers": path_if(self.compares_confusers, f"{self.prefix}/confusers.csv"),
            "calls": path_if(self.measures_calls, f"{self.prefix}/calls.csv"),
            "memorization": path_if(self.measures_memorization, f"{self.prefix}/memorization.csv"),
            "rounds": path_if(self.mining.second_round is not None, f"{self.prefix}/mining/second/comparison.csv"),
        }
