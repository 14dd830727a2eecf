"""Recommend a tier for each goal, by stated rules and from the numbers alone."""

from dataclasses import dataclass
from typing import Any

import pandas as pd

from hardneg.common.formatting import format_number, format_points, quote_name
from hardneg.report.findings import format_interval, format_verdict
from hardneg.statistics.delta_table import axes_of

METRICS_IN_TEXT = {"precision": "precision", "f1": "F1", "recall": "recall"}
GOALS = {"precision": "few false alarms", "f1": "a balance of both (F1)", "recall": "few missed calls"}


@dataclass(frozen=True, slots=True)
class TierChoice:
    """The recommended tier for one goal in one configuration of the other axes.

    Attributes
    ----------
    configuration : the values of the other axes that vary, in words; empty where none does.
    goal, metric : the goal, and the metric that measures it.
    tier : None where no tier is judged better than the baseline.
    delta : the tier's row of the table of differences.
    control : the tier's difference from as many random negatives; None where there is no such control.
    trade : the tier's rows of the table of differences in precision and recall, without the goal's own metric.
    recall_loss : of the tier on validation, mean over seeds.
    flagged, minutes : files flagged in a night without calls, and the minutes to review them, with the tier or else
        with the baseline.
    undecided : tiers whose difference is undecided.
    """

    configuration: str
    goal: str
    metric: str
    tier: str | None
    delta: dict[str, Any] | None
    control: dict[str, Any] | None
    trade: list[dict[str, Any]]
    recall_loss: float | None
    flagged: float
    minutes: float
    undecided: list[str]


@dataclass(frozen=True, slots=True)
class _Evidence:
    """Tables that the choices of one test split are based on; see :func:`recommend`."""

    deltas: pd.DataFrame
    quiet_nights: pd.DataFrame
    baseline: str
    controls: dict[str, str]


@dataclass(frozen=True, slots=True)
class Recommendation:
    """Which tier to train on, for each goal.

    Attributes
    ----------
    split : the test split that decides.
    choices : one per configuration and goal.
    max_recall_loss : the recall that a recommended tier may cost.
    sentences : the recommendation in words.
    caveats : what weakens it, in words.
    """

    split: str
    choices: list[TierChoice]
    max_recall_loss: float
    sentences: list[str]
    caveats: list[str]


def recommend(
    deltas: pd.DataFrame,
    runs: pd.DataFrame,
    nights: pd.DataFrame,
    baseline: str,
    max_recall_loss: float,
    controls: dict[str, str],
) -> Recommendation | None:
    """Choose a tier for each goal.

    Each configuration of the other axes has its own choices. Among the tiers that *improve* the goal's metric at the
    frozen threshold, the one with the largest difference from `baseline` is recommended. The out-of-distribution test
    decides, where there is one. A tier that costs more recall on validation than `max_recall_loss` is not eligible.

    Parameters
    ----------
    deltas : with verdicts; see :mod:`hardneg.statistics.comparison`.
    runs : one row per run and split.
    nights : flagged files and minutes per night; see :mod:`hardneg.experiments.night_tables`.
    baseline : the tier without mined negatives.
    max_recall_loss : in recall, mean over seeds.
    controls : the tier of as many random negatives, for each tier that has one.

    Returns
    -------
    None where no tier is compared with `baseline`.
    """
    tiers = deltas[(deltas.vary == "negative_tier") & (deltas.baseline.astype(str) == baseline)]
    if tiers.empty:
        return None
    split = "test_ood" if "test_ood" in set(tiers.split) else tiers.split.iloc[0]
    axes = [axis for axis in axes_of(deltas) if axis != "negative_tier" and tiers[axis].notna().any()]
    varying = [axis for axis in axes if tiers[axis].nunique() > 1]
    losses = measure_recall_losses(runs, axes, baseline)
    quiet_nights = nights[(nights.split == split) & (nights.calling_files == 0)]
    evidence = _Evidence(deltas[deltas.split == split], quiet_nights, baseline, controls)
    choices: list[TierChoice] = []
    excluded = set()
    for key, part in tiers[tiers.split == split].groupby(axes or (lambda _: 0), sort=False):
        configuration = dict(zip(axes, key if axes else (), strict=True))
        label = ", ".join(f"{axis.replace('_', ' ')} {configuration[axis]}" for axis in varying)
        values = tuple(map(str, configuration.values()))
        loss = {tier: float(losses.loc[(*values, tier) if values else tier]) for tier in part["value"].astype(str)}
        too_costly = [tier for tier, lost in loss.items() if lost > max_recall_loss]
        excluded |= {(label, tier) for tier in too_costly}
        eligible = part[~part["value"].astype(str).isin(too_costly)]
        choices += [_choose_tier(eligible, configuration, label, metric, loss, evidence) for metric in GOALS]
    return Recommendation(
        split=split,
        choices=choices,
        max_recall_loss=max_recall_loss,
        sentences=_write_sentences(choices, baseline),
        caveats=_write_caveats(choices, sorted(excluded), max_recall_loss),
    )


def measure_recall_losses(runs: pd.DataFrame, axes: list[str], baseline: str) -> pd.Series:
    """Measure the recall on validation that each tier costs: mean over paired seeds, by configuration and tier."""
    validation = runs[runs.split == "val"].astype(dict.fromkeys([*axes, "negative_tier"], str))
    recall = validation.pivot_table(index=[*axes, "seed"], columns="negative_tier", values="recall")
    losses = recall.rsub(recall[baseline], axis=0)
    long = losses.reset_index().melt([*axes, "seed"], var_name="negative_tier", value_name="loss")
    return long.groupby([*axes, "negative_tier"]).loss.mean()


def _choose_tier(
    eligible: pd.DataFrame,
    configuration: dict[str, Any],
    label: str,
    metric: str,
    losses: dict[str, float],
    evidence: _Evidence,
) -> TierChoice:
    cells = eligible[eligible.metric == metric]
    better = cells[cells.verdict == "improves"]
    best = better.loc[better.difference.idxmax()] if len(better) else None
    tier = None if best is None else str(best["value"])
    night = _select(evidence.quiet_nights, configuration | {"negative_tier": tier or evidence.baseline})
    against_control = _select(
        evidence.deltas,
        configuration
        | {"vary": "negative_tier", "value": tier, "baseline": evidence.controls.get(tier or "", ""), "metric": metric},
    )
    trade = eligible[(eligible["value"].astype(str) == tier) & eligible.metric.isin({"precision", "recall"} - {metric})]
    return TierChoice(
        configuration=label,
        goal=GOALS[metric],
        metric=metric,
        tier=tier,
        delta=None if best is None else best.to_dict(),
        control=None if against_control.empty else against_control.iloc[0].to_dict(),
        trade=trade.to_dict("records"),
        recall_loss=None if tier is None else losses[tier],
        flagged=night.flagged_files.mean(),
        minutes=night.review_minutes.mean(),
        undecided=list(cells["value"][cells.verdict == "undecided"].astype(str)),
    )


def _select(table: pd.DataFrame, cells: dict[str, Any]) -> pd.DataFrame:
    """Select the rows with these cells, compared as text."""
    for column, cell in cells.items():
        table = table[table[column].astype(str) == str(cell)]
    return table


def _write_sentences(choices: list[TierChoice], baseline: str) -> list[str]:
    if not any(choice.tier for choice in choices):
        return [
            f"No tier is judged better than {quote_name(baseline)} for any goal. Nothing here shows that mined "
            "negatives are worth their cost."
        ]
    sentences = [_recommend_in_words(choice, baseline) for choice in choices if choice.tier]
    for configuration in dict.fromkeys(choice.configuration for choice in choices):
        goals = [choice.goal for choice in choices if choice.configuration == configuration and not choice.tier]
        if goals:
            start = f"With {configuration}, no" if configuration else "No"
            alternatives = " or ".join([", ".join(goals[:-1]), goals[-1]] if goals[1:] else goals)
            sentences.append(f"{start} tier is judged better than {quote_name(baseline)} for {alternatives}.")
    return sentences


def _recommend_in_words(choice: TierChoice, baseline: str) -> str:
    configuration = f" (with {choice.configuration})" if choice.configuration else ""
    difference = _difference_in_words(choice.delta) if choice.delta else ""
    trade = "; ".join(f"{_difference_in_words(delta)} ({_verdict_in_words(delta)})" for delta in choice.trade)
    return (
        f"For {choice.goal}{configuration}, train on {quote_name(choice.tier or baseline)}: {difference} compared with "
        f"{quote_name(baseline)}. The trade: {trade or 'not measured'}. In a night without calls, expect "
        f"{format_number(choice.flagged, 1)} flagged files and {format_number(choice.minutes, 0)} minutes of review."
    )


def _difference_in_words(delta: dict[str, Any]) -> str:
    return f"{METRICS_IN_TEXT[delta['metric']]} {format_points(delta['difference'])} points {format_interval(delta)}"


def _verdict_in_words(delta: dict[str, Any]) -> str:
    verdict = format_verdict(delta)
    return f"{verdict} points" if verdict.startswith("no effect") else verdict


def _write_caveats(choices: list[TierChoice], excluded: list[tuple[str, str]], max_recall_loss: float) -> list[str]:
    caveats = []
    if excluded:
        names = "; ".join(f"{tier} ({label})" if label else tier for label, tier in excluded)
        caveats.append(
            f"These tiers are not recommended, because they cost more than {format_points(max_recall_loss)[1:]} points "
            f"of recall on validation: {names}."
        )
    undecided = sum(len(choice.undecided) for choice in choices)
    if undecided:
        caveats.append(
            f"{undecided} of the differences behind the recommendation are undecided. More seeds or more test nights "
            "can decide them."
        )
    return caveats
