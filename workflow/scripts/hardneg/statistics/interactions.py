"""Does the effect of a tier depend on the positives, on the validation scheme, or on the test split?"""

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from hardneg.common.log import track_progress
from hardneg.models.metrics import TEST_SPLIT_METRICS
from hardneg.recordings.manifest import TEST_SPLITS
from hardneg.statistics.comparison import RunResampler, StatisticsSettings
from hardneg.statistics.difference_estimates import estimate_differences
from hardneg.statistics.paired_tests import adjust_p_values
from hardneg.statistics.run_pairs import Comparison
from hardneg.statistics.scored_files import ScoreLoader

COLUMNS = [
    "interaction", "vary", "value", "baseline", "level", "reference", "configuration", "split", "metric", "n", "effect",
    "effect_reference", "difference", "ci_low", "ci_high", "p", "p_adjusted", "verdict", "reason",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Contrast:
    """Two differences from the same baseline that are subtracted from each other.

    Attributes
    ----------
    interaction : the two axes, for example ``negative_tier x positive_subset``.
    value : the value of the first axis that is compared with its baseline.
    level, reference : the two values of the second axis.
    fixed : the values of all other axes.
    split : the test split; both of them for an interaction with the split.
    """

    interaction: str
    value: str
    level: str
    reference: str
    fixed: Mapping[str, str]
    split: str


def estimate_interactions(
    runs: pd.DataFrame,
    comparison: Comparison,
    axes: Sequence[str],
    settings: StatisticsSettings,
    load_scores: ScoreLoader,
) -> pd.DataFrame:
    """Test whether the differences of one comparison differ between the values of each other axis, and between splits.

    An interaction is a difference of differences: the effect of a tier at one value of another axis, minus its effect
    at the first value of that axis. Seeds are paired. Nights are resampled as for the differences themselves, and are
    the same for both effects if these are on the same split. The interaction with the split is the effect out of
    distribution minus the effect in distribution. If it is below zero, a gain in distribution did not carry over.

    Parameters
    ----------
    runs : one row per run and split, with the columns of `axes`, ``seed`` and ``split``.
    comparison : the axis whose effect may depend on others.
    axes : all axes except the seed.
    load_scores : returns the file scores of a run (its axes and seed) on a split.

    Returns
    -------
    The columns of :data:`COLUMNS`. ``effect`` and ``effect_reference`` are the two effects. ``p_adjusted`` is adjusted
    over all rows of one pair of axes and one metric. The verdict is ``depends``, ``undecided`` or ``no verdict``. There
    is no row if no other axis varies and there is only one test split.
    """
    runs = runs[runs.split.isin(TEST_SPLITS)].astype(dict.fromkeys([*axes, "seed"], str))
    resampler = RunResampler(load_scores, settings.resamples)
    contrasts = list(_list_contrasts(runs, comparison, axes))
    rows = [
        row
        for contrast in track_progress(contrasts, len(contrasts), "testing interactions")
        for row in _test_contrast(runs, contrast, comparison, settings, resampler)
    ]
    table = pd.DataFrame(rows, columns=[column for column in COLUMNS if column not in ("p_adjusted", "verdict")])
    family = table.groupby(["interaction", "metric"], sort=False).p
    table["p_adjusted"] = (
        family.transform(lambda p: adjust_p_values(p.to_numpy(float), settings.p_adjustment)) if len(table) else []
    )
    table["verdict"] = [
        "no verdict" if math.isnan(p) else "depends" if p <= settings.alpha else "undecided" for p in table.p_adjusted
    ]
    return table[COLUMNS]


def _list_contrasts(runs: pd.DataFrame, comparison: Comparison, axes: Sequence[str]) -> Iterator[Contrast]:
    """List the contrasts of every value with the baseline: by each other axis that varies, and by split."""
    other_axes = [axis for axis in axes if axis != comparison.vary]
    values = [value for value in runs[comparison.vary].unique() if value != comparison.baseline]
    levels = {axis: list(runs[axis].unique()) for axis in other_axes}
    splits = [split for split in TEST_SPLITS if split in set(runs.split)]
    for value in values:
        for axis in other_axes:
            rest = [other for other in other_axes if other != axis]
            for fixed in itertools.product(*(levels[other] for other in rest)):
                for level, split in itertools.product(levels[axis][1:], splits):
                    name = f"{comparison.vary} x {axis}"
                    yield Contrast(name, value, level, levels[axis][0], dict(zip(rest, fixed, strict=True)), split)
        if len(splits) == len(TEST_SPLITS):
            for fixed in itertools.product(*levels.values()):
                iid, ood = TEST_SPLITS
                name = f"{comparison.vary} x split"
                yield Contrast(name, value, ood, iid, dict(zip(other_axes, fixed, strict=True)), f"{ood} - {iid}")


def _test_contrast(
    runs: pd.DataFrame,
    contrast: Contrast,
    comparison: Comparison,
    settings: StatisticsSettings,
    resampler: RunResampler,
) -> Iterator[dict[str, object]]:
    """Yield a row for each metric, or none if the runs of one of the two effects are not there."""
    by_split = contrast.interaction.endswith(" x split")
    axis = contrast.interaction.removeprefix(f"{comparison.vary} x ")
    sides = []
    for level in (contrast.level, contrast.reference):
        other_axes = dict(contrast.fixed) if by_split else {**contrast.fixed, axis: level}
        sides.append((other_axes, level if by_split else contrast.split))
    shared = set.intersection(
        *(
            _list_seeds(runs, {**other_axes, comparison.vary: value}, split)
            for other_axes, split in sides
            for value in (contrast.value, comparison.baseline)
        )
    )
    seeds = [seed for seed in runs.seed.unique() if seed in shared]
    if not seeds:
        return
    effect, reference = (
        resampler.resample_difference(comparison, contrast.value, other_axes, seeds, split)
        for other_axes, split in sides
    )
    estimates = estimate_differences(effect.minus(reference), 1 - settings.alpha)
    for column, (metric, measured) in enumerate(estimates.items()):
        if metric not in TEST_SPLIT_METRICS:
            continue
        yield {
            "interaction": contrast.interaction,
            "vary": comparison.vary,
            "value": contrast.value,
            "baseline": comparison.baseline,
            "level": contrast.level,
            "reference": contrast.reference,
            "configuration": ", ".join(f"{name} {value}" for name, value in contrast.fixed.items()),
            "split": contrast.split,
            "metric": metric,
            "n": len(seeds),
            "effect": float(effect.observed[:, column].mean()),
            "effect_reference": float(reference.observed[:, column].mean()),
            "difference": measured.estimate.difference,
            "ci_low": measured.estimate.low,
            "ci_high": measured.estimate.high,
            "p": measured.estimate.p,
            "reason": measured.reason,
        }


def _list_seeds(runs: pd.DataFrame, arm: Mapping[str, str], split: str) -> set[str]:
    """List the seeds with which an arm was run and tested on a split."""
    selected = runs[runs.split == split]
    for axis, value in arm.items():
        selected = selected[selected[axis] == value]
    return set(selected.seed)
