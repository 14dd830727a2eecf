"""Choose a tier for each goal, by stated rules and from the numbers alone."""

from dataclasses import dataclass, field
from typing import Any

import pandas as pd
from scipy import stats

from hardneg.models.metrics import COMPARED_METRICS, MATCHED_METRICS
from hardneg.report.findings import explain_verdict
from hardneg.statistics.delta_table import axes_of

# Each goal is decided by one metric. Few false alarms and few missed calls are decided at matched operating points:
# at the frozen threshold, a tier reaches either by moving the threshold alone.
GOALS = {
    "precision_at_baseline_recall": "few false alarms",
    "f1": "a balance of both",
    "recall_at_baseline_fp_rate": "few missed calls",
}
TRADE_METRICS = ("precision", "recall", "false_positives_per_hour")
THRESHOLD_FREE_METRICS = ("average_precision", *MATCHED_METRICS)


@dataclass(frozen=True, slots=True)
class SelectedInterval:
    """The interval of a tier, corrected for its selection on the same test files.

    Attributes
    ----------
    low, high : its ends.
    level : coverage of the interval of one tier by itself.
    """

    low: float
    high: float
    level: float


@dataclass(frozen=True, slots=True)
class ControlEvidence:
    """The control of equal size beside a recommended tier.

    Attributes
    ----------
    name : of the control.
    effect : its row of the table of differences, compared with the baseline; None if it was not compared.
    hardness : the row of the tier compared with the control; None if they were not compared.
    """

    name: str
    effect: dict[str, Any] | None
    hardness: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class Refusal:
    """A tier that improves the goal's metric and is not recommended.

    Attributes
    ----------
    tier : its name.
    delta : its row of the table of differences.
    companions : rows of the other metrics that it is judged to hurt.
    recall_loss : of the tier on validation, if that is the reason.
    differences : number of differences behind the answer, if the interval that is corrected for them includes zero.
    """

    tier: str
    delta: dict[str, Any]
    companions: list[dict[str, Any]] = field(default_factory=list)
    recall_loss: float | None = None
    differences: int | None = None


@dataclass(frozen=True, slots=True)
class ChosenTier:
    """A recommended tier, with what a reader needs to judge it.

    Attributes
    ----------
    name : of the tier.
    delta : its row of the table of differences.
    selected : its interval, corrected for the selection; None where the table has no standard errors.
    controls : the controls of equal size.
    control_of : the tiers that it is itself a control of.
    trade : its rows in precision, recall and false positives per hour at the frozen threshold.
    threshold_free : its rows in the metrics that do not depend on the frozen threshold.
    recall_loss : on validation, mean over seeds.
    """

    name: str
    delta: dict[str, Any]
    selected: SelectedInterval | None
    controls: list[ControlEvidence]
    control_of: list[str]
    trade: list[dict[str, Any]]
    threshold_free: list[dict[str, Any]]
    recall_loss: float


@dataclass(frozen=True, slots=True)
class TierChoice:
    """The choice for one goal in one configuration of the other axes.

    Attributes
    ----------
    configuration : the values of the other axes that vary, in words; empty where none does.
    goal, metric : the goal, and the metric that decides it.
    compared : number of tiers that were compared with the baseline.
    chosen : None where no tier is recommended.
    refused : tiers that improve the metric and are not recommended.
    undecided : tiers whose difference is undecided.
    without_verdict : the reason for each tier whose difference has no verdict.
    flagged, minutes : files flagged in a night without calls, and the minutes to review them, with the tier or else
        with the baseline.
    """

    configuration: str
    goal: str
    metric: str
    compared: int
    chosen: ChosenTier | None
    refused: list[Refusal]
    undecided: list[str]
    without_verdict: dict[str, str]
    flagged: float
    minutes: float

    @property
    def tier(self) -> str | None:
        """Name of the recommended tier."""
        return self.chosen.name if self.chosen else None


@dataclass(frozen=True, slots=True)
class _Evidence:
    """The evidence for one configuration on the deciding split.

    Attributes
    ----------
    label : the configuration in words.
    rows : of the table of differences from the baseline.
    all_comparisons : all rows of the table of differences, those from controls included.
    differences : number of differences with a verdict behind the whole answer: all goals, tiers and configurations.
    losses : recall lost on validation, by tier.
    quiet_nights : the table of nights without calls, by tier.
    """

    label: str
    rows: list[dict[str, Any]]
    all_comparisons: pd.DataFrame
    differences: int
    losses: dict[str, float]
    quiet_nights: dict[str, pd.DataFrame]


@dataclass(frozen=True, slots=True)
class SelectionRules:
    """When a tier is recommended.

    Attributes
    ----------
    baseline : the tier without mined negatives.
    max_recall_loss : recall on validation that a recommended tier may cost, mean over seeds.
    controls : the random tiers of equal size, for each tier that has any.
    alpha : accepted probability of any recommendation without an effect.
    """

    baseline: str
    max_recall_loss: float
    controls: dict[str, list[str]]
    alpha: float


def choose_tiers(
    deltas: pd.DataFrame, runs: pd.DataFrame, nights: pd.DataFrame, split: str, rules: SelectionRules
) -> list[TierChoice]:
    """Choose a tier for each goal in each configuration of the other axes.

    A tier qualifies if

    - it *improves* the metric of the goal, compared with the baseline;
    - it is not judged to hurt any other metric on the same split;
    - it loses no more than the accepted recall on validation;
    - its interval leaves out zero after correction for its selection; see :func:`correct_for_selection`.

    Of the tiers that qualify, the one with the largest difference is chosen.

    Parameters
    ----------
    deltas : with verdicts; see :mod:`hardneg.statistics.comparison`.
    runs : one row per run and split.
    nights : flagged files and minutes per night; see :mod:`hardneg.experiments.night_tables`.
    split : the test split that decides.
    """
    comparisons = deltas[(deltas.split == split) & (deltas.vary == "negative_tier")]
    tiers = comparisons[comparisons.baseline.astype(str) == rules.baseline]
    axes = [axis for axis in axes_of(deltas) if axis != "negative_tier" and tiers[axis].notna().any()]
    varying = [axis for axis in axes if tiers[axis].nunique() > 1]
    losses = measure_recall_losses(runs, axes, rules.baseline)
    quiet = nights[(nights.split == split) & (nights.calling_files == 0)]
    quiet_by_arm = _divide(quiet, [*axes, "negative_tier"])
    comparisons_by_configuration = _divide(comparisons, axes)
    differences = int((tiers.metric.isin(GOALS) & (tiers.verdict != "no verdict")).sum())
    choices: list[TierChoice] = []
    for key, part in tiers.groupby(axes or (lambda _: 0), sort=False):
        configuration = dict(zip(axes, key if axes else (), strict=True))
        values, names = tuple(map(str, configuration.values())), part["value"].astype(str)
        evidence = _Evidence(
            label=", ".join(f"{axis.replace('_', ' ')} {configuration[axis]}" for axis in varying),
            rows=part.assign(value=names).to_dict("records"),
            all_comparisons=comparisons_by_configuration[values],
            differences=differences,
            losses={name: float(losses.loc[(*values, name) if values else name]) for name in names.unique()},
            quiet_nights={
                name: quiet_by_arm.get((*values, name), quiet.iloc[:0]) for name in [*names.unique(), rules.baseline]
            },
        )
        choices += [_choose_tier(metric, evidence, rules) for metric in GOALS]
    return choices


def measure_recall_losses(runs: pd.DataFrame, axes: list[str], baseline: str) -> pd.Series:
    """Measure the recall on validation that each tier costs: mean over paired seeds, by configuration and tier."""
    validation = runs[runs.split == "val"].astype(dict.fromkeys([*axes, "negative_tier"], str))
    recall = validation.pivot_table(index=[*axes, "seed"], columns="negative_tier", values="recall", dropna=False)
    losses = recall.rsub(recall[baseline], axis=0)
    long = losses.reset_index().melt([*axes, "seed"], var_name="negative_tier", value_name="loss")
    return long.groupby([*axes, "negative_tier"]).loss.mean()


def correct_for_selection(row: dict[str, Any], tiers: int, differences: int, alpha: float) -> SelectedInterval | None:
    """Correct the interval of the best of several tiers; None without a standard error.

    The best of several tiers tends to look better than it is, because the same test files select it and measure it.
    The corrected interval is Bonferroni's (O. J. Dunn, *J. Am. Stat. Assoc.* 56, 1961). It covers ``1 - alpha / k`` for
    k tiers, or ``1 - 2 alpha / m`` for the m differences behind the whole answer, whichever is more. From the first
    follows that the interval of the selected tier covers ``1 - alpha``. From the second follows that the probability of
    any interval above its true difference, and so of any recommendation without an effect, is at most `alpha`. The
    difference itself is not corrected.

    Parameters
    ----------
    row : of the table of differences.
    tiers : k, the number of tiers that the best one was selected from.
    differences : m, the number of differences in all goals and configurations.
    """
    error, df = row.get("standard_error"), row.get("degrees_of_freedom")
    if error is None or pd.isna(error) or pd.isna(df):
        return None
    outside = alpha * min(1 / tiers, 2 / differences)
    half_width = float(stats.t.isf(outside / 2, df)) * error
    return SelectedInterval(row["difference"] - half_width, row["difference"] + half_width, 1 - outside)


def _choose_tier(metric: str, evidence: _Evidence, rules: SelectionRules) -> TierChoice:
    cells = [row for row in evidence.rows if row["metric"] == metric]
    judged = sum(row["verdict"] != "no verdict" for row in cells)
    rows = sorted((row for row in cells if row["verdict"] == "improves"), key=lambda row: -row["difference"])
    refusals = [_refuse(row, judged, evidence, rules) for row in rows]
    qualified = [row for row, refusal in zip(rows, refusals, strict=True) if refusal is None]
    chosen = _describe_tier(qualified[0], judged, evidence, rules) if qualified else None
    night = evidence.quiet_nights[chosen.name if chosen else rules.baseline]
    return TierChoice(
        configuration=evidence.label,
        goal=GOALS[metric],
        metric=metric,
        compared=len(cells),
        chosen=chosen,
        refused=[refusal for refusal in refusals if refusal],
        undecided=[row["value"] for row in cells if row["verdict"] == "undecided"],
        without_verdict={row["value"]: explain_verdict(row) for row in cells if row["verdict"] == "no verdict"},
        flagged=night.flagged_files.mean(),
        minutes=night.review_minutes.mean(),
    )


def _describe_tier(row: dict[str, Any], judged: int, evidence: _Evidence, rules: SelectionRules) -> ChosenTier:
    tier, metric = row["value"], row["metric"]
    by_metric = {cells["metric"]: cells for cells in evidence.rows if cells["value"] == tier}
    trade, threshold_free = (
        [by_metric[name] for name in names if name in by_metric and name != metric]
        for names in (TRADE_METRICS, THRESHOLD_FREE_METRICS)
    )
    return ChosenTier(
        name=tier,
        delta=row,
        selected=correct_for_selection(row, judged, evidence.differences, rules.alpha),
        controls=[_compare_with_control(row, name, evidence, rules) for name in rules.controls.get(tier, [])],
        control_of=[name for name, controls in rules.controls.items() if tier in controls],
        trade=trade,
        threshold_free=threshold_free,
        recall_loss=evidence.losses[tier],
    )


def _refuse(row: dict[str, Any], judged: int, evidence: _Evidence, rules: SelectionRules) -> Refusal | None:
    """Find the reason not to recommend a tier that improves the metric of a goal; None if there is none."""
    tier = row["value"]
    others = [cells for cells in evidence.rows if cells["value"] == tier and cells["metric"] != row["metric"]]
    companions = [cells for cells in others if cells["verdict"] == "hurts" and cells["metric"] in COMPARED_METRICS]
    if companions:
        return Refusal(tier, row, companions=companions)
    if evidence.losses[tier] > rules.max_recall_loss:
        return Refusal(tier, row, recall_loss=evidence.losses[tier])
    selected = correct_for_selection(row, judged, evidence.differences, rules.alpha)
    if selected and selected.low <= 0:
        return Refusal(tier, row, differences=evidence.differences)
    return None


def _compare_with_control(
    row: dict[str, Any], control: str, evidence: _Evidence, rules: SelectionRules
) -> ControlEvidence:
    rows = evidence.all_comparisons[evidence.all_comparisons.metric == row["metric"]]
    effect = _select(rows, {"value": control, "baseline": rules.baseline})
    hardness = _select(rows, {"value": row["value"], "baseline": control})
    return ControlEvidence(control, *(part.iloc[0].to_dict() if len(part) else None for part in (effect, hardness)))


def _select(table: pd.DataFrame, cells: dict[str, Any]) -> pd.DataFrame:
    """Select the rows with these cells, compared as text."""
    for column, cell in cells.items():
        table = table[table[column].astype(str) == str(cell)]
    return table


def _divide(table: pd.DataFrame, columns: list[str]) -> dict[tuple[str, ...], pd.DataFrame]:
    """Divide a table by the cells of some columns, compared as text."""
    positions: dict[tuple[str, ...], list[int]] = {} if columns else {(): list(range(len(table)))}
    for position, cells in enumerate(table[columns].astype(str).itertuples(index=False, name=None)):
        positions.setdefault(cells, []).append(position)
    return {cells: table.iloc[rows] for cells, rows in positions.items()}
