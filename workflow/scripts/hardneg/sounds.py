"""What the pool's hard negatives sound like, in BirdNET's words."""

import numpy as np
import pandas as pd
import torch

from hardneg import birdnet, features

COLUMNS = ["file_path", "confidence", "start_s", "end_s", "birdnet_label", "birdnet_confidence"]


def name_sounds(scores: pd.DataFrame, index: pd.DataFrame) -> pd.DataFrame:
    """Give the hardest window of each file BirdNET's most confident label, from its cached embedding.

    Parameters
    ----------
    scores : one row per file, with its hardest window: ``file_path, confidence, start_s, end_s``.
    index : the pool's windows with their embeddings: ``file_path, start_s, array, row``.

    Returns
    -------
    The columns of :data:`COLUMNS`, in the order of `scores`; ``birdnet_confidence`` is the sigmoid of the logit.
    """
    windows = scores.merge(index[["file_path", "start_s", "array", "row"]], on=["file_path", "start_s"], validate="1:1")
    classify, labels = birdnet.load().classify, np.array(birdnet.labels(), dtype=object)
    with torch.inference_mode():
        logits = classify(torch.from_numpy(features.load(windows)).float())
        top = logits.max(dim=1)
    named = {"birdnet_label": labels[top.indices.numpy()], "birdnet_confidence": torch.sigmoid(top.values).numpy()}
    return windows.assign(**named)[COLUMNS]


def count(sounds: pd.DataFrame, tiers: dict[str, pd.DataFrame], least: float = 0.1) -> pd.DataFrame:
    """Count the labels in each tier.

    Parameters
    ----------
    sounds : from :func:`name_sounds`.
    tiers : the files of each tier: ``file_path``.
    least : a label of a lower confidence counts as "none".

    Returns
    -------
    ``tier, birdnet_label, files, share``, the most frequent label of each tier first; ``share`` in (0, 1].
    """
    label = sounds.birdnet_label.where(sounds.birdnet_confidence >= least, "none")
    parts = []
    for tier, files in tiers.items():
        counted = label[sounds.file_path.isin(files.file_path)].value_counts(sort=True)
        table = counted.rename_axis("birdnet_label").reset_index(name="files")
        parts.append(table.assign(tier=tier, share=table.files / max(len(files), 1)))
    columns = ["tier", "birdnet_label", "files", "share"]
    return pd.concat(parts, ignore_index=True)[columns] if parts else pd.DataFrame(columns=columns)
