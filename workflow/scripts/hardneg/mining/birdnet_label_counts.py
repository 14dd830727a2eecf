"""Count BirdNET's labels among the mined files, tier by tier."""

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

NO_LABEL, MIN_CONFIDENCE = "none", 0.1
COLUMNS = ["tier", "birdnet_label", "files", "share"]


@dataclass(frozen=True, slots=True)
class LabelInTier:
    """One label among the files of a tier.

    Attributes
    ----------
    label, scientific : common and scientific name.
    files, share : number and share of the tier's files.
    """

    label: str
    scientific: str
    files: int
    share: float


@dataclass(frozen=True, slots=True)
class TierLabels:
    """The labels of a tier with files.

    Attributes
    ----------
    name : the tier.
    files : its files.
    labels : number of different labels.
    largest : the most frequent labels.
    unnamed, unnamed_share : number and share of the files without a confident label.
    """

    name: str
    files: int
    labels: int
    largest: list[LabelInTier]
    unnamed: int
    unnamed_share: float


def count_labels(
    labels: pd.DataFrame, tiers: Mapping[str, pd.DataFrame], min_confidence: float = MIN_CONFIDENCE
) -> pd.DataFrame:
    """Count the labels in each tier.

    Parameters
    ----------
    labels : from :func:`hardneg.mining.birdnet_labels.label_with_birdnet`.
    tiers : the files of each tier: ``file_path``.
    min_confidence : a label with a lower confidence counts as "none".

    Returns
    -------
    ``tier, birdnet_label, files, share``, the most frequent label of each tier first; ``share`` is in (0, 1].
    """
    confident = labels.birdnet_label.where(labels.birdnet_confidence >= min_confidence, NO_LABEL)
    parts = []
    for tier, files in tiers.items():
        counts = confident[labels.file_path.isin(files.file_path)].value_counts(sort=True)
        table = counts.rename_axis("birdnet_label").reset_index(name="files")
        parts.append(table.assign(tier=tier, share=table.files / max(len(files), 1)))
    return pd.concat(parts, ignore_index=True)[COLUMNS] if parts else pd.DataFrame(columns=COLUMNS)


def summarize_tier_labels(counts: pd.DataFrame, tiers: Mapping[str, pd.DataFrame], top: int = 5) -> list[TierLabels]:
    """Summarize the most frequent labels of each tier that has files.

    Parameters
    ----------
    counts : from :func:`count_labels`.
    tiers : the files of each tier.
    top : number of labels to list for each tier.
    """
    summaries = []
    for name, tier in tiers.items():
        if tier.empty:
            continue
        tier_counts = counts[counts.tier.astype(str) == name]
        named = tier_counts[tier_counts.birdnet_label != NO_LABEL]
        unnamed = int(tier_counts.files[tier_counts.birdnet_label == NO_LABEL].sum())
        largest = []
        for row in named.head(top).itertuples():
            scientific, _, common = row.birdnet_label.partition("_")
            largest.append(LabelInTier(common, scientific, row.files, row.share))
        summaries.append(TierLabels(name, len(tier), len(named), largest, unnamed, unnamed / len(tier)))
    return summaries
