"""Describe in words whether the effect of a tier depends on the rest of the design."""

from dataclasses import dataclass

import pandas as pd

from hardneg.common.formatting import format_points
from hardneg.report.findings import join_names, name_in_text
from hardneg.report.questions import HEADLINES

SPLITS_IN_TEXT = {"test_iid": "in distribution", "test_ood": "out of distribution"}
TITLES = {
    "positive_subset": "Does the effect depend on the positives?",
    "validation": "Does the effect depend on the validation scheme?",
    "split": "Does a gain in distribution carry over?",
}


@dataclass(frozen=True, slots=True)
class DependenceRow:
    """The effect of one value at two levels of another axis.

    Attributes
    ----------
    value, configuration, split, metric : which effect. The split is empty if the splits are the levels.
    effect_reference, effect : the effect at the two levels, in points.
    change : the second minus the first, as a number to sort by.
    difference, interval : the same in points, with its interval.
    verdict : ``depends``, ``undecided`` or ``no verdict``.
    reason : why there is no verdict; may be empty.
    """

    value: str
    configuration: str
    split: str
    metric: str
    effect_reference: str
    effect: str
    change: float
    difference: str
    interval: str
    verdict: str
    reason: str


@dataclass(frozen=True, slots=True)
class DependenceTable:
    """The effects of one comparison at two levels of another axis.

    Attributes
    ----------
    title : the question.
    sentences : the answer in words.
    reference, level : the two levels, as a reader knows them.
    rows : the effects in the headline metrics.
    """

    title: str
    sentences: list[str]
    reference: str
    level: str
    rows: list[DependenceRow]


def describe_dependence(interactions: pd.DataFrame) -> list[DependenceTable]:
    """Arrange the interactions, one table per pair of levels of an axis.

    Parameters
    ----------
    interactions : from :func:`hardneg.statistics.interactions.estimate_interactions`.
    """
    shown = interactions[interactions.metric.isin(HEADLINES)].astype({"value": str, "level": str, "reference": str})
    tables = []
    for (interaction, reference, level), part in shown.groupby(["interaction", "reference", "level"], sort=False):
        axis = interaction.split(" x ")[-1]
        rows = [_describe_row(row, configuration, axis) for row, configuration in _with_configurations(part)]
        name = axis.replace("_", " ")
        names = [SPLITS_IN_TEXT[split] if axis == "split" else f"{name} {split}" for split in (reference, level)]
        title = TITLES.get(axis, f"Does the effect depend on the {name}?")
        tables.append(DependenceTable(title, _answer_in_words(rows, names, axis), names[0], names[1], rows))
    return tables


def _with_configurations(part: pd.DataFrame) -> list[tuple[pd.Series, str]]:
    """Put beside each row those parts of its configuration that not all rows share."""
    parts = [str(text).split(", ") if isinstance(text, str) and text else [] for text in part.configuration]
    shared = set.intersection(*map(set, parts))
    names = [", ".join(name for name in row if name not in shared).replace("_", " ") for row in parts]
    return list(zip((row for _, row in part.iterrows()), names, strict=True))


def _describe_row(row: pd.Series, configuration: str, axis: str) -> DependenceRow:
    interval = "" if pd.isna(row.ci_low) else f"[{format_points(row.ci_low)}, {format_points(row.ci_high)}]"
    return DependenceRow(
        value=row["value"],
        configuration=configuration,
        split="" if axis == "split" else SPLITS_IN_TEXT[row.split],
        metric=row.metric,
        effect_reference=format_points(row.effect_reference),
        effect=format_points(row.effect),
        change=row.difference,
        difference=format_points(row.difference),
        interval=interval,
        verdict=row.verdict,
        reason=row.reason if isinstance(row.reason, str) else "",
    )


def _answer_in_words(rows: list[DependenceRow], levels: list[str], axis: str) -> list[str]:
    reference, level = levels if axis == "split" else [f"with {name}" for name in levels]
    sentences = []
    for row in (row for row in rows if row.verdict == "depends"):
        effect = row.value + (f" ({row.configuration})" if row.configuration else "")
        metric = name_in_text(row.metric) + (f" {row.split}" if row.split else "")
        sentences.append(
            f"The effect of {effect} differs in {metric}: it is {row.effect_reference} points {reference} and "
            f"{row.effect} points {level}. The difference is {row.difference} points {row.interval}."
        )
    words = {"undecided": "undecided", "no verdict": "without a verdict"}
    counts = {text: sum(row.verdict == verdict for row in rows) for verdict, text in words.items()}
    rest = [f"{count} {'is' if count == 1 else 'are'} {text}" for text, count in counts.items() if count]
    if not sentences:
        sentences.append(
            f"No effect is shown to differ between {levels[0]} and {levels[1]}. Undecided effects may still differ."
        )
    if len(rows) in counts.values():
        (text,) = [text for text, count in counts.items() if count]
        sentences.append(f"All {len(rows)} effects are {text}." if len(rows) > 1 else f"The effect is {text}.")
    elif rest:
        sentences.append(f"Of {len(rows)} effects, {join_names(rest, 'and')}.")
    return sentences
