"""Check that the arms of a comparison differ in what is compared, and in nothing else."""

from collections.abc import Iterator, Sequence

import pandas as pd

from hardneg.common.errors import InputError

# These axes change the labeled windows. A comparison along one of them cannot ask for the same windows.
LABELLED_AXES = {"positive_subset", "validation", "internal_fraction", "balance"}
# These axes change only the mined windows.
MINED_AXES = {"negative_tier", "mined_windows_per_file"}
LEAST_USED = 0.8
WARNING_COLUMNS = ["arm", "warning"]


def check_arms(runs: pd.DataFrame, comparisons: Sequence[tuple[str, str]], axes: Sequence[str]) -> pd.DataFrame:
    """Check that runs can be compared, and collect what limits the comparison.

    Parameters
    ----------
    runs : one row per run and split, from :func:`hardneg.experiments.run_tables.collect_runs`.
    comparisons : the axis that varies, and its baseline as text.
    axes : all axes except the seed.

    Returns
    -------
    One row per warning: ``arm`` names the values on the axes, ``warning`` is a sentence. Arms are warned about that
    used too few files of their tier, that equal their baseline, whose labelled windows were cut, or with a training
        that failed.

    Raises
    ------
    InputError
        If a run and its baseline were trained on different labeled windows, and no class was cut. The message names
        the rows.
    """
    table = runs.astype(dict.fromkeys(axes, str)).drop_duplicates([*axes, "seed"])
    # NaN stands for an empty text in a CSV file.
    texts = table[["warning", "diagnosis"]].astype(object).fillna("")
    table = table.assign(**texts, arm=_name_arms(table, axes))
    warnings = [*_find_failed_trainings(table), *_find_unused_tiers(table)]
    for vary, baseline in dict.fromkeys(comparisons):
        pairs = _pair_arms(table, vary, baseline, axes)
        if vary not in LABELLED_AXES:
            warnings += _find_labelled_differences(pairs, vary, baseline, axes)
        if vary in MINED_AXES:
            warnings += _find_equal_arms(pairs, vary, baseline)
    return pd.DataFrame(warnings, columns=WARNING_COLUMNS).drop_duplicates(ignore_index=True)


def _pair_arms(table: pd.DataFrame, vary: str, baseline: str, axes: Sequence[str]) -> pd.DataFrame:
    """Put each run beside the baseline's run with the same seed and the same values of the other axes."""
    keys = [*(axis for axis in axes if axis != vary), "seed"]
    columns = [*keys, "labelled_hash", "training_hash", "warning"]
    base = table[table[vary] == baseline][columns]
    return table[table[vary] != baseline].merge(base, on=keys, suffixes=("", "_baseline"), validate="m:1")


def _find_labelled_differences(
    pairs: pd.DataFrame, vary: str, baseline: str, axes: Sequence[str]
) -> Iterator[tuple[str, str]]:
    different = pairs[pairs.labelled_hash != pairs.labelled_hash_baseline]
    is_cut = (different.warning != "") | (different.warning_baseline != "")
    refused = different[~is_cut]
    if len(refused):
        rows = refused[[*axes, "seed", "labelled_hash", "labelled_hash_baseline"]].to_string(index=False)
        raise InputError(
            f"runs.csv: these runs were not trained on the same labeled windows as their baseline ({vary} = "
            f"{baseline}), so a difference would not be that of the {vary.replace('_', ' ')}:\n{rows}\n"
            "Train both again with the same recordings: delete results/runs and run again."
        )
    for arm in different[is_cut].arm.unique():
        yield (
            arm,
            f"training.balance: cut removed other labeled windows than in {baseline}. The difference is not that of "
            f"the {vary.replace('_', ' ')} alone.",
        )


def _find_equal_arms(pairs: pd.DataFrame, vary: str, baseline: str) -> Iterator[tuple[str, str]]:
    equal = pairs[pairs.training_hash == pairs.training_hash_baseline]
    for arm, rows in equal.groupby("arm", sort=False):
        seeds = ", ".join(map(str, rows.seed))
        yield (
            str(arm),
            f"was trained on the same windows as {vary.replace('_', ' ')} {baseline} (seeds {seeds}). "
            "The difference between them does not measure the tier.",
        )


def _find_failed_trainings(table: pd.DataFrame) -> Iterator[tuple[str, str]]:
    for arm, runs in table.groupby("arm", sort=False):
        failed = runs[runs.diagnosis != ""]
        if failed.empty:
            continue
        example = f"the detector of seed {failed.seed.iloc[0]} {failed.diagnosis.iloc[0]}"
        if len(failed) == 1:
            yield str(arm), f"{example}. Its differences mean little."
        else:
            yield (
                str(arm),
                f"{len(failed)} of {len(runs)} trainings failed; for example, {example}. Differences mean little.",
            )


def _find_unused_tiers(table: pd.DataFrame) -> Iterator[tuple[str, str]]:
    for arm, rows in table[table.tier_files > 0].groupby("arm", sort=False):
        share = rows.tier_files_used.sum() / rows.tier_files.sum()
        if share < LEAST_USED:
            remedy = (
                "Set training.balance to batches."
                if (rows.warning != "").any()
                else "Train for more epochs, or use training.mined: share with a larger training.mined_share."
            )
            yield (
                str(arm),
                f"used {share:.0%} of the files of its tier up to the epochs that are kept, on average over seeds. "
                f"{remedy}",
            )


def _name_arms(table: pd.DataFrame, axes: Sequence[str]) -> pd.Series:
    """Name each arm by its values on the axes that vary."""
    shown = [axis for axis in axes if table[axis].nunique() > 1] or list(axes)
    return table[shown].agg(", ".join, axis=1)
