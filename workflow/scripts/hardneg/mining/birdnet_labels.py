"""What the pool's hard negatives sound like, in BirdNET's words."""

import numpy as np
import pandas as pd
import torch

from hardneg.features import birdnet, store

COLUMNS = ["file_path", "confidence", "start_s", "end_s", "birdnet_label", "birdnet_confidence"]


def label_with_birdnet(scores: pd.DataFrame, index: pd.DataFrame) -> pd.DataFrame:
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
        logits = classify(torch.from_numpy(store.load(windows)).float())
        top = logits.max(dim=1)
    named = {"birdnet_label": labels[top.indices.numpy()], "birdnet_confidence": torch.sigmoid(top.values).numpy()}
    return windows.assign(**named)[COLUMNS]
