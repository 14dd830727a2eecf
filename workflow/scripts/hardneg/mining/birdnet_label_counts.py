"""Count what BirdNET takes the mined files for, tier by tier."""

import pandas as pd

NONE, LEAST = "none", 0.1


def count(sounds: pd.DataFrame, tiers: dict[str, pd.DataFrame], least: float = LEAST) -> pd.DataFrame:
    """Count the labels in each tier.

    Parameters
    ----------
    sounds : from :func:`hardneg.mining.birdnet_labels.label_with_birdnet`.
    tiers : the files of each tier: ``file_path``.
    least : a label of a lower confidence counts as "none".

    Returns
    -------
    ``tier, birdnet_label, files, share``, the most frequent label of each tier first; ``share`` in (0, 1].
    """
    label = sounds.birdnet_label.where(sounds.birdnet_confidence >= least, NONE)
    parts = []
    for tier, files in tiers.items():
        counted = label[sounds.file_path.isin(files.file_path)].value_counts(sort=True)
        table = counted.rename_axis("birdnet_label").reset_index(name="files")
        parts.append(table.assign(tier=tier, share=table.files / max(len(files), 1)))
    columns = ["tier", "birdnet_label", "files", "share"]
    return pd.concat(parts, ignore_index=True)[columns] if parts else pd.DataFrame(columns=columns)


def leading(counts: pd.DataFrame, tiers: dict[str, pd.DataFrame], most: int = 5) -> list[dict]:
    """Put the most frequent labels of each tier into words.

    Parameters
    ----------
    counts : from :func:`count`.
    tiers : the files of each tier.
    most : labels of each.

    Returns
    -------
    For each tier that holds files ``name``, ``files``, ``labels`` (how many it has) and ``largest``: of its `most` most
    frequent labels ``label`` (the common name), ``scientific``, ``files`` and ``share``. Files without a confident
    label are counted apart: ``unnamed`` and ``unnamed_share``.
    """
    rows = []
    for name, tier in tiers.items():
        own = counts[counts.tier.astype(str) == name]
        named = own[own.birdnet_label != NONE]
        unnamed = int(own.files[own.birdnet_label == NONE].sum())
        if tier.empty:
            continue
        largest = []
        for row in named.head(most).itertuples():
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
