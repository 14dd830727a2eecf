"""The reviewers' answers, as far as they decide what the workflow does."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from hardneg.common.log import logger
from hardneg.configuration_rules import Config
from hardneg.planning.shard_plan import ShardPlan
from hardneg.recordings.path_matching import PathMatches, match_paths
from hardneg.review import review_table


@dataclass(frozen=True)
class ReviewPlan:
    """The review.

    Attributes
    ----------
    path : the table of answers; it need not exist.
    conflicts : how answers that differ are settled.
    answers : the rows of the table.
    decisions : the label of each reviewed file.
    matches : the recording for each path that the table writes in another way than the manifest.
    """

    path: str
    conflicts: str
    answers: pd.DataFrame
    decisions: dict[str, str]
    matches: dict[str, str]

    @classmethod
    def from_config(cls, config: Config, shards: ShardPlan) -> "ReviewPlan":
        """Read the answers, find their recordings and settle their conflicts.

        A warning names the answers on files that are not in the manifest. They have no effect.

        Parameters
        ----------
        config : the complete configuration.
        shards : the recordings; they are not read if there is no answer.

        Raises
        ------
        InputError
            If the table is not a review, or is one of another species.
        """
        path, conflicts = str(Path(config["review"]["file"]).expanduser()), config["review"]["conflicts"]
        answers = review_table.read_review(path)
        review_table.refuse_other_species(answers, config["target"], path)
        if answers.empty:
            return cls(path, conflicts, answers, {}, {})
        recordings = shards.recordings
        foreign = answers.file_path[~answers.file_path.isin(recordings.file_path)].unique()
        matches = match_paths(foreign, recordings) if len(foreign) else PathMatches()
        for problem in matches.describe_problems():
            logger.warning("review %s: %s. These answers have no effect.", path, problem)
        answers = answers.assign(file_path=answers.file_path.replace(matches.matched))
        return cls(path, conflicts, answers, review_table.resolve_conflicts(answers, conflicts), matches.matched)

    @property
    def settings(self) -> dict[str, Any]:
        """What a job needs to read the answers."""
        return {"file": self.path, "conflicts": self.conflicts, "matches": self.matches}

    @property
    def inputs(self) -> list[str]:
        """The table of answers, if it exists."""
        return [self.path] if Path(self.path).is_file() else []

    @property
    def positives(self) -> list[list[str | float]]:
        """The path of each file that reviewers labeled positive, with the start (s) of the reviewed window.

        These are plain values, because they become a parameter of a rule.
        """
        positives = review_table.list_positives(self.answers, self.decisions)
        return [[positive.file_path, positive.start_s] for positive in positives]
