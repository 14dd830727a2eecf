"""The reviewers' answers, as far as they decide what the workflow does."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from hardneg.configuration_rules import Config
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
    """

    path: str
    conflicts: str
    answers: pd.DataFrame
    decisions: dict[str, str]

    @classmethod
    def from_config(cls, config: Config) -> "ReviewPlan":
        """Read the answers and settle their conflicts.

        Raises
        ------
        InputError
            If the table is not a review.
        """
        path, conflicts = str(Path(config["review"]["file"]).expanduser()), config["review"]["conflicts"]
        answers = review_table.read_review(path)
        return cls(path, conflicts, answers, review_table.resolve_conflicts(answers, conflicts))

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
