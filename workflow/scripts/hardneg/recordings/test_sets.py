"""The sets of files that a detector is measured on."""

import pandas as pd

from hardneg.recordings.manifest import TEST_POOL


def select_test_files(scores: pd.DataFrame, split: str) -> pd.DataFrame:
    """Select the files that a run is measured on in one split.

    The recordings held out of the pool contain no calls. To measure their false positives at a given recall, the calls
    of the out-of-distribution test join them, or those of the in-distribution test if there is no other. These calls
    have duration 0 here, so that rates are per recorded hour of the pool.

    Parameters
    ----------
    scores : one row per split and file: ``split, label`` (1 or 0), ``duration_s`` (s).
    split : a split of `scores`.

    Returns
    -------
    The rows of the split, with the joined calls after them.

    Examples
    --------
    >>> scores = pd.DataFrame({"split": ["test_ood", "test_ood", "test_pool"], "label": [1, 0, 0], "duration_s": 3.0})
    >>> select_test_files(scores, "test_pool")[["split", "label", "duration_s"]].values.tolist()
    [['test_pool', 0, 3.0], ['test_ood', 1, 0.0]]
    """
    files = scores[scores.split == split]
    if split != TEST_POOL:
        return files
    has_ood = (scores.split == "test_ood").any()
    is_call = (scores.split == ("test_ood" if has_ood else "test_iid")) & (scores.label == 1)
    return pd.concat([files, scores[is_call].assign(duration_s=0.0)])
