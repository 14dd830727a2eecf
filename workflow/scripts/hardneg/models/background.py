"""The sounds that augmentation mixes into training windows: labeled negatives, or pool files that no tier mines."""

from collections.abc import Sequence

import pandas as pd

from hardneg.common.hashing import uniform
from hardneg.models.batches import name_windows

# More windows add little variety and take memory.
MOST_WINDOWS = 2000


def select_windows(windows: pd.DataFrame) -> pd.DataFrame:
    """Select the windows to mix in: all, or :data:`MOST_WINDOWS` of them by a hash of their names, in table order.

    Parameters
    ----------
    windows : ``file_path, start_s`` and any other columns.
    """
    if len(windows) <= MOST_WINDOWS:
        return windows.reset_index(drop=True)
    draw = pd.Series(uniform(name_windows(windows), "background"), index=windows.index)
    return windows.loc[draw.nsmallest(MOST_WINDOWS).index].sort_index().reset_index(drop=True)


def select_unmined(pool_index: pd.DataFrame, tiers: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Select windows of pool files that are in no tier.

    The same windows serve every run, so that no run learns from files that another run mines.

    Parameters
    ----------
    pool_index : the windows of the pool.
    tiers : the files of every tier, drawn for every seed.

    Returns
    -------
    Rows of `pool_index`; see :func:`select_windows`.
    """
    mined: set[str] = set().union(*(tier.file_path for tier in tiers))
    return select_windows(pool_index[~pool_index.file_path.isin(mined)])
