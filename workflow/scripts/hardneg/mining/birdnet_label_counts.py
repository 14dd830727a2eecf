"""Count BirdNET's labels among the mined files, tier by tier."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

NO_LABEL, MIN_CONFIDENCE = "none", 0.1
COLUMNS = ["tier", "birdnet_label", "files", "share"]


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


def summarize_tiers(counts: pd.DataFrame, tiers: Mapping[str, pd.DataFrame], top: int = 5) -> list[dict[str, Any]]:
    """Summarize the most frequent labels of each tier for the report.

    Parameters
    ----------
    counts : from :func:`count_labels`.
    tiers : the files of each tier.
    top : number of labels per tier.

    Returns
    -------
    One row per tier with files: ``name``, ``files``, ``labels`` (number of different labels) and ``largest``. The
    latter lists the most frequent labels with ``label`` (the common name), ``scientific``, ``files`` and ``share``.
    ``unnamed`` and ``unnamed_share`` count the files without a confident label.
    """
    rows = []
    for name, tier in tiers.items():
        if tier.empty:
            continue
        tier_counts = counts[counts.tier.astype(str) == name]
        named = tier_counts[tier_counts.birdnet_label != NO_LABEL]
        unnamed = int(tier_counts.files[tier_counts.birdnet_label == NO_LABEL].sum())
        largest = []
        for row in named.head(top).itertuples():
            scientific, _, common = row.birdnet_label.partition("_")
            largest.append({"label": common, "scientific": scientific, "files": row.files, "share": row.share})
        rows.append(
            {
                "name": name,
                "files": len(tier),
                "labels": len(named),
                "largest": largest,
                "unnamed": unnamed,
                "unnamed_share": unnamed / len(tier),
            }
        )
    return rows
