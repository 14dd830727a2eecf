"""Say which tier to take for which goal, by stated rules and from the numbers alone."""

import pandas as pd

from hardneg.common.display_names import SPLIT_NAMES
from hardneg.common.formatting import format_number, format_points, quote_name

IN_TEXT = {"precision": "precision", "f1": "F1", "recall": "recall"}
GOALS = {"precision": "few false alarms", "f1": "both alike (F1)", "recall": "few missed calls"}


def recommend(
    deltas: pd.DataFrame,
    runs: pd.DataFrame,
    nights: pd.DataFrame,
    baseline: str,
    max_recall_loss: float,
    controls: dict[str, str],
) -> dict:
    """Choose a tier for each goal.

    For each configuration of the other axes and each goal, the tier with the largest difference from `baseline` among
    those that *improve* the goal's metric at the frozen threshold, out of distribution where there is such a test. A
    tier that costs more recall on validation than `max_recall_loss` (mean over seeds) is never recommended.

    Parameters
    ----------
    deltas : with verdicts; see :mod:`hardneg.statistics.comparison`.
    runs : one row per run and split.
    nights : flagged files and minutes per night; see :mod:`hardneg.experiments.night_tables`.
    baseline : the tier without mined negatives.
    max_recall_loss : in recall.
    controls : the tier of as many random negatives, for each tier that has one.

    Returns
    -------
    ``split``; ``paragraph``, a list of sentences; ``guarded``, the tiers that the guard rules out; ``rows``, one per
    configuration and goal: ``where, goal, metric``, ``tier`` (None where none is judged better than the baseline), its
    ``delta`` (the row of `deltas`), ``control`` (its difference from its control, None where there is none) and
    ``recall_loss`` on validation, ``flagged`` and ``minutes`` per night without
    calls (of the tier, or else the baseline), and ``undecided`` tiers. Empty where no tier is compared with `baseline`.
    """
    tiers = deltas[(deltas.vary == "negative_tier") & (deltas.baseline.astype(str) == baseline)]
    if tiers.empty:
        return {}
    split = "test_ood" if "test_ood" in set(tiers.split) else tiers.split.iloc[0]
    columns = list(deltas.columns)
    between = columns[columns.index("baseline") + 1 : columns.index("split")]
    axes = [axis for axis in between if axis != "negative_tier" and tiers[axis].notna().any()]
    losses = recall_losses(runs, axes, baseline)
    rows = []
    for key, part in tiers[tiers.split == split].groupby(axes or (lambda _: 0), sort=False):
        where = dict(zip(axes, key if axes else (), strict=True))
        for metric in GOALS:
            cells = part[part.metric == metric]
            rows.append(_choose(cells, where, metric, losses, nights[nights.split == split], baseline, max_recall_loss))
    shown = [axis for axis in axes if tiers[axis].nunique() > 1]
    for row in rows:
        row["control"] = _against_control(deltas[deltas.split == split], row, controls)
        row["where"] = ", ".join(f"{axis.replace('_', ' ')} {row['where'][axis]}" for axis in shown)
    guarded = sorted({(row["where"], tier) for row in rows for tier in row.pop("guarded")})
    return {
        "split": split,
        "rows": rows,
        "guarded": guarded,
        "max_recall_loss": max_recall_loss,
        "paragraph": _paragraph(rows, guarded, split, baseline, max_recall_loss),
    }


def recall_losses(runs: pd.DataFrame, axes: list[str], baseline: str) -> pd.Series:
    """Recall on validation that a tier costs against `baseline`: mean over paired seeds, by configuration and tier."""
    validation = runs[runs.split == "val"].astype(dict.fromkeys([*axes, "negative_tier"], str))
    recall = validation.pivot_table(index=[*axes, "seed"], columns="negative_tier", values="recall")
    losses = recall.rsub(recall[baseline], axis=0)
    long = losses.reset_index().melt([*axes, "seed"], var_name="negative_tier", value_name="loss")
    return long.groupby([*axes, "negative_tier"]).loss.mean()


def _choose(
    cells: pd.DataFrame, where: dict, metric: str, losses: pd.Series, nights: pd.DataFrame, baseline: str, most: float
) -> dict:
    place = tuple(map(str, where.values()))
    loss = {tier: float(losses.loc[(*place, tier) if place else tier]) for tier in cells.value.astype(str)}
    guarded = [tier for tier, lost in loss.items() if lost > most]
    better = cells[(cells.verdict == "improves") & ~cells.value.astype(str).isin(guarded)]
    best = better.loc[better.difference.idxmax()] if len(better) else None
    tier = None if best is None else str(best.value)
    quiet = nights[(nights.calling_files == 0) & (nights.negative_tier.astype(str) == (tier or baseline))]
    for axis, value in where.items():
        quiet = quiet[quiet[axis].astype(str) == str(value)]
    undecided = cells[(cells.verdict == "undecided") & ~cells.value.astype(str).isin(guarded)]
    return {
        "where": where,
        "goal": GOALS[metric],
        "metric": metric,
        "tier": tier,
        "delta": None if best is None else best.to_dict(),
        "recall_loss": loss.get(tier),
        "flagged": quiet.flagged_files.mean(),
        "minutes": quiet.review_minutes.mean(),
        "undecided": list(undecided.value.astype(str)),
        "guarded": guarded,
    }


def _against_control(deltas: pd.DataFrame, row: dict, controls: dict[str, str]) -> dict | None:
    """The difference of the tier taken from its control, in the same configuration and metric."""
    wanted = row["where"] | {"vary": "negative_tier", "value": row["tier"], "metric": row["metric"]}
    wanted["baseline"] = controls.get(row["tier"], "")
    same = pd.concat([deltas[column].astype(str) == str(value) for column, value in wanted.items()], axis=1).all(axis=1)
    return deltas[same].iloc[0].to_dict() if same.any() else None


def _paragraph(rows: list[dict], guarded: list[tuple[str, str]], split: str, baseline: str, most: float) -> list[str]:
    def at(where: str) -> str:
        return f" ({where})" if where else ""

    found = [row for row in rows if row["tier"]]
    if found:
        told = [
            f"for {row['goal']}{at(row['where'])} take {row['tier']}: {IN_TEXT[row['metric']]} "
            f"{format_points(row['delta']['difference'])} points [{format_points(row['delta']['ci_low'])}, "
            f"{format_points(row['delta']['ci_high'])}], {format_number(row['flagged'], 1)} files or {format_number(row['minutes'], 0)} "
            "minutes to review in a night without calls"
            for row in found
        ]
        sentences = [f"{SPLIT_NAMES[split]}, against {baseline}: {'; '.join(told)}."]
        without = [f"{row['goal']}{at(row['where'])}" for row in rows if not row["tier"]]
        if without:
            sentences.append(f"No tier is judged better than {quote_name(baseline)} for {'; '.join(without)}.")
    else:
        sentences = [
            f"{SPLIT_NAMES[split]}, no tier is judged better than {quote_name(baseline)}: nothing here says that mined "
            "negatives are worth their trouble, for whichever goal."
        ]
    if guarded:
        names = "; ".join(f"{tier}{at(where)}" for where, tier in guarded)
        sentences.append(
            f"Ruled out, since they cost more than {format_points(most)[1:]} points of recall on validation: {names}."
        )
    open_ = sum(len(row["undecided"]) for row in rows)
    if open_:
        sentences.append(f"{open_} of the differences behind this are undecided: more seeds or test nights would tell.")
    return sentences
