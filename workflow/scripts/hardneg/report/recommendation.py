"""Recommend a tier for each goal, in words."""

from dataclasses import dataclass, replace
from itertools import groupby

import pandas as pd

from hardneg.common.formatting import format_number, format_points, quote_name
from hardneg.report.findings import (
    Row,
    format_difference,
    format_interval,
    format_size,
    format_verdict,
    join_names,
    name_in_text,
)
from hardneg.report.tier_choices import (
    ChosenTier,
    ControlEvidence,
    Refusal,
    SelectionRules,
    TierChoice,
    choose_tiers,
)

NOT_COMPARED = "the metric was not measured"


@dataclass(frozen=True, slots=True)
class Statement:
    """A conclusion in one or two sentences, and what a reader needs to judge it.

    Attributes
    ----------
    headline : the conclusion, with the trade that it makes.
    details : one sentence or two each; may be empty.
    """

    headline: str
    details: list[str]


@dataclass(frozen=True, slots=True)
class Recommendation:
    """Which tier to train on, for each goal.

    Attributes
    ----------
    split : the test split that decides.
    choices : one per configuration and goal.
    max_recall_loss : the recall that a recommended tier may cost.
    statements : the recommendation in words.
    caveats : what weakens it, in words.
    """

    split: str
    choices: list[TierChoice]
    max_recall_loss: float
    statements: list[Statement]
    caveats: list[str]


def recommend(
    deltas: pd.DataFrame,
    runs: pd.DataFrame,
    nights: pd.DataFrame,
    baseline: str,
    max_recall_loss: float,
    controls: dict[str, list[str]],
    alpha: float = 0.05,
    site: str = "",
) -> Recommendation | None:
    """Recommend a tier for each goal and configuration, by the rules of :func:`choose_tiers`.

    The out-of-distribution test decides, where there is one.

    Parameters
    ----------
    deltas, runs, nights : see :func:`hardneg.report.tier_choices.choose_tiers`.
    baseline, max_recall_loss, controls, alpha : see :class:`hardneg.report.tier_choices.SelectionRules`.
    site : the only site of the out-of-distribution test, which each statement then names; empty if it has several.

    Returns
    -------
    None where no tier is compared with `baseline`.
    """
    splits = deltas.split[(deltas.vary == "negative_tier") & (deltas.baseline.astype(str) == baseline)]
    if splits.empty:
        return None
    split = "test_ood" if "test_ood" in set(splits) else splits.iloc[0]
    rules = SelectionRules(baseline, max_recall_loss, controls, alpha)
    choices = choose_tiers(deltas, runs, nights, split, rules)
    statements = write_statements(choices, baseline)
    if site and split == "test_ood":
        statements = [
            replace(statement, headline=f"At {site}, {statement.headline[0].lower()}{statement.headline[1:]}")
            for statement in statements
        ]
    return Recommendation(split, choices, max_recall_loss, statements, write_caveats(choices))


def write_statements(choices: list[TierChoice], baseline: str) -> list[Statement]:
    """Write the recommended tiers first, then the refused ones, then the goals that no tier serves."""
    statements = [_recommend_in_words(choice, choice.chosen, baseline) for choice in choices if choice.chosen]
    statements += [_refuse_in_words(choice, refusal) for choice in choices for refusal in choice.refused]
    not_judged = [choice for choice in choices if _explain_no_verdict(choice)]
    statements += [
        Statement(f"{_goal(choice)}, nothing can be recommended: {_explain_no_verdict(choice)}.", [])
        for choice in not_judged
    ]
    remaining = [choice for choice in choices if not (choice.chosen or choice.refused or choice in not_judged)]
    if len(remaining) == len(choices):
        text = (
            f"No tier is judged better than {quote_name(baseline)} for any goal. Nothing here shows that mined "
            "negatives are worth their cost."
        )
        return [Statement(text, [])]
    for configuration, group in groupby(remaining, key=lambda choice: choice.configuration):
        start = f"With {configuration}, no" if configuration else "No"
        goals = join_names([choice.goal for choice in group], "or")
        statements.append(Statement(f"{start} tier is judged better than {quote_name(baseline)} for {goals}.", []))
    return statements


def write_caveats(choices: list[TierChoice]) -> list[str]:
    """Write what weakens the recommendation: differences that are undecided or without a verdict."""
    caveats = []
    undecided = sum(len(choice.undecided) for choice in choices)
    if undecided:
        total = sum(choice.compared for choice in choices)
        caveats.append(
            f"{undecided} of the {total} differences behind the answer are undecided. Their verdicts show what limits "
            "them: seeds, test nights or validation nights."
        )
    for choice in choices:
        if choice.without_verdict and not _explain_no_verdict(choice):
            tiers = "; ".join(f"{tier} ({reason})" for tier, reason in choice.without_verdict.items())
            caveats.append(f"{_goal(choice)}, these tiers have no verdict: {tiers}.")
    return caveats


def _recommend_in_words(choice: TierChoice, chosen: ChosenTier, baseline: str) -> Statement:
    delta = chosen.delta
    if chosen.selected:
        delta = delta | {"ci_low": chosen.selected.low, "ci_high": chosen.selected.high}
    trade, threshold_free = (
        ", ".join(f"{name_in_text(row['metric'])} {_effect_in_words(row)}" for row in rows)
        for rows in (chosen.trade, chosen.threshold_free)
    )
    headline = (
        f"{_goal(choice)}, train on {quote_name(chosen.name)}: {name_in_text(choice.metric)} "
        f"{format_difference(delta)} {format_interval(delta)} compared with {quote_name(baseline)}. "
        f"The trade at the frozen threshold: {trade or 'not measured'}."
    )
    details = [
        *([f"Without the frozen threshold: {threshold_free}."] if threshold_free else []),
        *_describe_controls(chosen, baseline),
        *_describe_selection(choice, chosen),
        f"In a night without calls, expect {format_number(choice.flagged, 1)} flagged files and "
        f"{format_number(choice.minutes, 0)} minutes of review.",
    ]
    return Statement(headline, details)


def _describe_selection(choice: TierChoice, chosen: ChosenTier) -> list[str]:
    name = quote_name(chosen.name)
    best = (
        f"{name} is the best of {choice.compared} tiers on this test, and the best of several looks better than it is."
    )
    sentences = [best] if choice.compared > 1 else []
    if chosen.selected is None:
        return [*sentences, "Neither the difference nor its interval is corrected for the selection."]
    level = f"{100 * chosen.selected.level:.4g} %"
    return [
        *sentences,
        f"The interval is corrected for all differences behind this answer ({level} by itself). The difference is not.",
    ]


def _describe_controls(chosen: ChosenTier, baseline: str) -> list[str]:
    if chosen.control_of:
        tiers = join_names([quote_name(tier) for tier in chosen.control_of], "and")
        return [f"{quote_name(chosen.name)} is itself a control of {tiers}, so hardness does not explain its effect."]
    if not chosen.controls:
        return ["It has no control of equal size. More negatives alone may explain the difference."]
    texts = [_describe_control(chosen.name, control, baseline) for control in chosen.controls]
    return [text for text in texts if text]


def _describe_control(tier: str, control: ControlEvidence, baseline: str) -> str:
    name = quote_name(control.name)
    sentences = []
    if control.effect is not None:
        effect = _effect_in_words(control.effect, with_interval=True)
        sentences.append(f"The control of equal size, {name}: {effect} compared with {quote_name(baseline)}")
    if control.hardness is not None:
        effect = _effect_in_words(control.hardness, with_interval=True)
        sentences.append(f"{quote_name(tier)} compared with {name}: {effect}")
        if control.hardness["verdict"] != "improves":
            sentences.append("The tier is not shown to be better than this control")
    return "".join(f"{sentence}. " for sentence in sentences).rstrip()


def _refuse_in_words(choice: TierChoice, refusal: Refusal) -> Statement:
    return Statement(
        f"{_goal(choice)}, {quote_name(refusal.tier)} is not recommended. It improves {name_in_text(choice.metric)} by "
        f"{format_size(refusal.delta)} {format_interval(refusal.delta)}, but {_explain_refusal(refusal)}.",
        [],
    )


def _explain_refusal(refusal: Refusal) -> str:
    if refusal.companions:
        hurt = [
            f"{name_in_text(row['metric'])} by {format_size(row)} {format_interval(row)}" for row in refusal.companions
        ]
        return f"it hurts {join_names(hurt, 'and')}"
    if refusal.recall_loss is not None:
        return f"it loses {format_points(refusal.recall_loss)[1:]} points of recall on validation"
    return f"its interval includes zero after correction for the {refusal.differences} differences behind this answer"


def _explain_no_verdict(choice: TierChoice) -> str:
    """Return why no tier has a verdict for a goal; empty if any tier has one."""
    if not choice.compared:
        return NOT_COMPARED
    if len(choice.without_verdict) < choice.compared:
        return ""
    return f"there is no verdict ({'; '.join(dict.fromkeys(choice.without_verdict.values()))})"


def _goal(choice: TierChoice) -> str:
    return f"For {choice.goal}" + (f" (with {choice.configuration})" if choice.configuration else "")


def _effect_in_words(row: Row, with_interval: bool = False) -> str:
    interval = f" {format_interval(row)}" if with_interval and not pd.isna(row["ci_low"]) else ""
    return f"{format_difference(row)}{interval} ({format_verdict(row, unit=True)})"
