"""Describe the confidences of the pool: how many files are above any cut, and where the hardest ones come from."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from hardneg.mining.tiers import rank_by_confidence
from hardneg.recordings.nights import name_recorder_nights

HISTOGRAM_BINS = 50
CUT_STEPS = 1000
COUNTS = tuple(digit * 10**power for power in range(1, 7) for digit in (1, 2, 5))


@dataclass(frozen=True, slots=True)
class Cut:
    """A number of hardest files, and the lowest confidence among them."""

    files: int
    confidence: float


@dataclass(frozen=True, slots=True)
class Concentration:
    """Where the hardest files come from.

    Attributes
    ----------
    files : how many of the hardest files.
    recorder, recorder_share : the recorder with most of them, and its share of them.
    night, night_share : the recorder-night with most of them, and its share.
    recorders : number of recorders among them.
    """

    files: int
    recorder: str
    recorder_share: float
    night: str
    night_share: float
    recorders: int


@dataclass(frozen=True, slots=True)
class PoolOverview:
    """The confidences of a pool.

    Attributes
    ----------
    files, recorders, nights : numbers of them.
    lowest, highest : confidence of a file.
    histogram : files in each of :data:`HISTOGRAM_BINS` bins from 0 to 1.
    at_or_above : files with a confidence of at least k / :data:`CUT_STEPS`, for k from 0 to :data:`CUT_STEPS`.
    cuts : the confidence of the hardest 10, 20, 50, ... files.
    at_top : files that share the highest confidence.
    concentrations : of the hardest files, in rising numbers.
    """

    files: int
    recorders: int
    nights: int
    lowest: float
    highest: float
    histogram: list[int]
    at_or_above: list[int]
    cuts: list[Cut]
    at_top: int
    concentrations: list[Concentration]


def describe_pool(scores: pd.DataFrame, hardest: int) -> PoolOverview:
    """Describe the confidences of a pool with at least one file.

    Parameters
    ----------
    scores : one row per pool file: ``file_path, confidence, recorder_id, date, night``.
    hardest : number of hardest files whose recorders are described, besides the hardest 1 %.
    """
    ranked = rank_by_confidence(scores)
    confidences = ranked.confidence.to_numpy(float)
    ascending = confidences[::-1]
    below = np.searchsorted(ascending, np.arange(CUT_STEPS + 1) / CUT_STEPS, side="left")
    counts = sorted({min(hardest, len(ranked)), max(len(ranked) // 100, min(hardest, len(ranked)))})
    return PoolOverview(
        files=len(ranked),
        recorders=int(ranked.recorder_id.nunique()),
        nights=int(name_recorder_nights(ranked).nunique()),
        lowest=float(ascending[0]),
        highest=float(ascending[-1]),
        histogram=np.histogram(confidences, np.linspace(0, 1, HISTOGRAM_BINS + 1))[0].tolist(),
        at_or_above=(len(ranked) - below).tolist(),
        cuts=[Cut(count, float(confidences[count - 1])) for count in COUNTS if count <= len(ranked)],
        at_top=int((confidences == confidences[0]).sum()),
        concentrations=[describe_concentration(ranked.head(count)) for count in counts],
    )


def describe_concentration(files: pd.DataFrame) -> Concentration:
    """Describe which recorder and which recorder-night most of these files come from."""
    recorders = files.recorder_id.astype(str).value_counts()
    nights = name_recorder_nights(files).astype(str).value_counts()
    return Concentration(
        files=len(files),
        recorder=str(recorders.index[0]),
        recorder_share=float(recorders.iloc[0] / len(files)),
        night=str(nights.index[0]),
        night_share=float(nights.iloc[0] / len(files)),
        recorders=len(recorders),
    )
