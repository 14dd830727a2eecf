"""The audit of the pool: its cross-fitted scores and its models."""

from dataclasses import dataclass
from typing import Any

from hardneg.configuration_rules import Config
from hardneg.models.training_settings import override
from hardneg.planning.mining_plan import MiningPlan

SEEDS_PER_PASS = 1000


@dataclass(frozen=True)
class AuditPlan:
    """The audit.

    Attributes
    ----------
    config : the complete configuration.
    prefix : what paths of results begin with.
    mining : the mining models.
    """

    config: Config
    prefix: str
    mining: MiningPlan

    @property
    def last_scores(self) -> list[str]:
        """The cross-fitted scores that the audit judges by."""
        return self.locate_scores_before(self.config["audit"]["passes"])

    def locate_scores_before(self, number: int) -> list[str]:
        """Locate the scores that a pass builds on.

        Parameters
        ----------
        number : the pass, from 0.

        Returns
        -------
        The scores of the passes before it. The first pass counts only if it is the only one, because its models have
        been trained on every hidden positive of the pool as a negative.
        """
        passes = range(1, number) if number > 1 else range(number)
        return [f"{self.prefix}/audit/passes/{earlier}.parquet" for earlier in passes]

    def collect_pass_settings(self, number: int) -> dict[str, Any]:
        """Collect the settings of the models of one pass; each pass has its own seed."""
        audit = self.config["audit"]
        return {
            "folds": audit["folds"],
            "pool_files": audit["pool_files"],
            "training": override(self.mining.training, audit["training"]),
            "seed": audit["seed"] + SEEDS_PER_PASS * number,
        }
