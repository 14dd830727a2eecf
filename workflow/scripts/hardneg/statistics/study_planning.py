"""Plan a study before recording: which difference can be found, with how many seeds and test nights."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from hardneg.common.errors import InputError
from hardneg.models.metrics import LOWER_IS_BETTER
from hardneg.recordings.manifest import TEST_SPLITS
from hardneg.recordings.nights import name_clusters
from hardneg.statistics.delta_table import varying_axes
from hardneg.statistics.seed_planning import compute_detectable_effect

ARM = ["vary", "value", "baseline", "split", "metric"]
COLUMNS = ["split", "metric", "seeds", "nights", "detectable_effect", "arms", "seed_sd", "night_sd"]


@dataclass(frozen=True, slots=True)
class Spread:
    """How far a difference varies.

    Attributes
    ----------
    seed_sd : standard deviation from seed to seed.
    night_sd : standard deviation from night to night: the standard error that any number of seeds leaves, times the
        square root of the number of test nights.
    arms : differences in one comparison and metric. The level of a decision is divided by it.
    """

    seed_sd: float
    night_sd: float
    arms: int


def plan_design(
    spread: Spread, seeds: Sequence[int], nights: Sequence[int], alpha: float = 0.05, power: float = 0.8
) -> pd.DataFrame:
    """Compute the smallest true difference that each design finds with probability `power`.

    The variance that nights cause is taken to fall in proportion to their number, as if nights were independent; see
    :func:`hardneg.statistics.seed_planning.compute_detectable_effect`.

    Returns
    -------
    ``seeds, nights, detectable_effect``: a row for each combination. Missing with fewer than two seeds or nights.
    """
    rows = [
        {
            "seeds": count,
            "nights": number,
            "detectable_effect": compute_detectable_effect(
                spread.seed_sd, spread.night_sd**2 / number, count, alpha / spread.arms, power, number - 1
            )
            if number > 1
            else np.nan,
        }
        for count in seeds
        for number in nights
    ]
    return pd.DataFrame(rows)


def estimate_spreads(
    deltas: pd.DataFrame, pairs: pd.DataFrame, nights: dict[str, int]
) -> dict[tuple[str, str], Spread]:
    """Estimate the spread of each metric on each test split from a finished study: the median over its arms.

    Parameters
    ----------
    deltas : from :func:`hardneg.statistics.comparison.compare_runs`.
    pairs : the difference of each seed, from :func:`hardneg.statistics.run_pairs.pair_all`.
    nights : the number of nights of each test split.

    Returns
    -------
    By split and metric; only where the study has at least two seeds and an interval.
    """
    axes = [*ARM, *varying_axes(deltas)]
    spread = pairs.groupby(axes, as_index=False).change.agg(seed_sd="std", seeds="size")
    merged = deltas.merge(spread, on=axes, validate="1:1")
    merged = merged[merged.split.isin(nights) & merged.seed_sd.notna() & merged.standard_error.notna()]
    merged = merged[~merged.metric.isin(LOWER_IS_BETTER)]
    of_nights = (merged.standard_error**2 - merged.seed_sd**2 / merged.seeds).clip(lower=0)
    merged = merged.assign(night_sd=np.sqrt(of_nights * merged.split.map(nights).astype(float)))
    return {
        (str(split), str(metric)): Spread(
            float(rows.seed_sd.median()),
            float(rows.night_sd.median()),
            int(rows.groupby(["vary", "baseline"]).size().max()),
        )
        for (split, metric), rows in merged.groupby(["split", "metric"], sort=False)
    }


def plan_from_results(
    deltas: pd.DataFrame,
    pairs: pd.DataFrame,
    recordings: pd.DataFrame,
    metrics: Sequence[str],
    seeds: Sequence[int],
    multiples: Sequence[float],
    power: float = 0.8,
) -> pd.DataFrame:
    """Plan a further study like a finished one.

    Parameters
    ----------
    deltas, pairs : see :func:`estimate_spreads`.
    recordings : the recordings of that study: ``split, file_path`` and what names their nights.
    metrics : which metrics to plan for.
    seeds : numbers of seeds.
    multiples : numbers of test nights, as multiples of that study's.
    power : the probability with which the difference is to be found.

    Returns
    -------
    :data:`COLUMNS`.

    Raises
    ------
    InputError
        If the study has one seed, or no test split with intervals.
    """
    tests = recordings[recordings.split.isin(TEST_SPLITS)]
    nights = {str(split): int(name_clusters(files, "night").nunique()) for split, files in tests.groupby("split")}
    spreads = estimate_spreads(deltas, pairs, nights)
    parts = [
        plan_design(
            spread, seeds, [max(round(multiple * nights[split]), 1) for multiple in multiples], power=power
        ).assign(split=split, metric=metric, arms=spread.arms, seed_sd=spread.seed_sd, night_sd=spread.night_sd)
        for (split, metric), spread in spreads.items()
        if metric in metrics
    ]
    if not parts:
        raise InputError("these results have no difference with an interval and at least two seeds to plan from.")
    return pd.concat(parts, ignore_index=True)[COLUMNS]
