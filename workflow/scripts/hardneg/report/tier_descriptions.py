"""Describe the tiers for the report: definition in words, size, confidences."""

from dataclasses import dataclass
from typing import Any

import pandas as pd

from hardneg.mining.tiers import is_redrawn

FLAGS_IN_WORDS = {
    "suspected_positive": "suspected positives",
    "near_duplicate": "near-duplicates",
    "unusable": "unusable files",
    "one_model_only": "files that only one model finds hard",
}
RULES_IN_WORDS = {
    "ranked_by": "ranked by {}",
    "min_confidence": "confidence of at least {}",
    "max_confidence": "confidence below {}",
    "per_night": "at most {} per recorder-night",
    "per_cluster": "at most {} per cluster",
    "top_fraction": "the hardest {:.1%}",
    "top_k": "the {} hardest",
    "random": "{} at random",
    "match_size_of": "cut at random to the size of {}",
}
ROUNDS_IN_WORDS: dict[int | str, str] = {2: "second round of mining", "joint": "both rounds of mining"}
NOTHING_MINED = "no mined negatives"


@dataclass(frozen=True, slots=True)
class TierDescription:
    """One tier of the matrix.

    Attributes
    ----------
    name, definition : the definition in words.
    files, recorders : numbers of them.
    lowest, highest : confidence of its files; None for an empty tier.
    trained_windows : mined windows that its runs trained on, mean over runs; None where no run used it.
    mines : whether the definition selects files at all.
    notes : what limits the tier, in sentences.
    """

    name: str
    definition: str
    files: int
    recorders: int
    lowest: float | None
    highest: float | None
    trained_windows: float | None
    mines: bool
    notes: list[str]

    @property
    def warnings(self) -> list[str]:
        """What a reader must know before comparing this tier with others, in sentences that name it."""
        if self.mines and not self.files:
            return [f"Tier {self.name} has no files, so its runs are left out. {' '.join(self.notes)}"]
        return [f"Tier {self.name}: {note}" for note in self.notes]


def describe_tiers(
    tiers: dict[str, pd.DataFrame],
    notes: dict[str, list[str]],
    definitions: dict[str, dict[str, Any]],
    runs: pd.DataFrame,
) -> list[TierDescription]:
    """Describe every tier of the matrix.

    Parameters
    ----------
    tiers : the files of each tier that selects files; of a tier that is drawn again for each seed, the first seed's.
    notes : what limits each of these tiers; see :class:`hardneg.mining.tiers.Tier`.
    definitions : of all tiers.
    runs : one row per run and split.
    """
    trained = runs.drop_duplicates(["positive_subset", "negative_tier", "validation", "seed"])
    windows = trained.groupby(trained.negative_tier.astype(str)).mined_negatives.mean()
    descriptions = []
    for name, definition in definitions.items():
        files = tiers.get(name, pd.DataFrame({"confidence": [], "recorder_id": []}))
        descriptions.append(
            TierDescription(
                name=name,
                definition=describe_definition(definition),
                files=len(files),
                recorders=files.recorder_id.nunique(),
                lowest=None if files.empty else files.confidence.min(),
                highest=None if files.empty else files.confidence.max(),
                trained_windows=windows.get(name),
                mines=name in tiers,
                notes=notes.get(name, []),
            )
        )
    return descriptions


def describe_definition(definition: dict[str, Any]) -> str:
    """Describe what a tier selects, in the order in which the rules apply.

    >>> describe_definition({"min_confidence": 0.5, "random": 100, "exclude": ["near_duplicate"]})
    'without near-duplicates; confidence of at least 0.5; 100 at random; drawn again for each seed'
    """
    rules = [text.format(definition[key]) for key, text in RULES_IN_WORDS.items() if key in definition]
    if definition.get("disjoint"):
        rules.append(f"without the files of {definition['match_size_of']}")
    if is_redrawn(definition):
        rules.append("drawn again for each seed")
    if "exclude" in definition:
        rules.insert(0, "without " + ", ".join(FLAGS_IN_WORDS[flag] for flag in definition["exclude"]))
    if "round" in definition:
        rules.insert(0, ROUNDS_IN_WORDS[definition["round"]])
    return "; ".join(rules) or NOTHING_MINED
