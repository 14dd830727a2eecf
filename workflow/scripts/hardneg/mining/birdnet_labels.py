"""Label the pool's hard negatives with BirdNET's classes, to show what they sound like."""

import numpy as np
import pandas as pd
import torch

from hardneg.features import birdnet, store

COLUMNS = ["file_path", "confidence", "start_s", "end_s", "birdnet_label", "birdnet_confidence"]


def label_with_birdnet(scores: pd.DataFrame, index: pd.DataFrame) -> pd.DataFrame:
    """Label the hardest window of each file with BirdNET's most confident class, from the cached embedding.

    Parameters
    ----------
    scores : one row per file, with its hardest window: ``file_path, confidence, start_s, end_s``.
    index : the pool's windows with their embeddings: ``file_path, start_s, array, row``.

    Returns
    -------
    The columns of :data:`COLUMNS`, in the order of `scores`. ``birdnet_confidence`` is the sigmoid of the logit.
    """
    windows = store.locate_windows(scores, index)
    classify, labels = birdnet.load().classify, np.array(birdnet.read_labels(), dtype=object)
    with torch.inference_mode():
        logits = classify(torch.from_numpy(store.load(windows)).float())
        top = logits.max(dim=1)
    columns = {"birdnet_label": labels[top.indices.numpy()], "birdnet_confidence": torch.sigmoid(top.values).numpy()}
    return windows.assign(**columns)[COLUMNS]
