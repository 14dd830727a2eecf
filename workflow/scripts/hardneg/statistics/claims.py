"""Check the claims of a study against its own runs."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import pandas as pd

from hardneg.common.display_names import METRIC_NAMES
from hardneg.common.errors import InputError
from hardneg.common.formatting import format_number, format_points
from hardneg.statistics import seed_planning

SUPPORTED, CONTRADICTED = "supported", "contradicted"
UNDECIDED = "not distinguishable from no effect"
ROUNDING = 0.0005 + 1e-9


@dataclass(frozen=True, slots=True)
class Claim:
    """A claim about differences in one metric.

    Exactly one of `difference`, `between` and `positive` is given.

    Attributes
    ----------
    text : the claim in words.
    groups, values : the groups, and the values in them, that the claim is about.
    metric : of the differences.
    difference : the claimed difference.
    between : the claimed lower and upper limit of the differences.
    positive : whether the claim is that the differences are positive.
    """

    text: str
    groups: Sequence[str]
    values: Sequence[str]
    metric: str
    difference: float | None = None
    between: tuple[float, float] | None = None
    positive: bool = False


def judge(claims: Iterable[Claim], deltas: pd.DataFrame, alpha: float, power: float) -> pd.DataFrame:
    """Judge each difference that a claim is about.

    A claim is *contradicted* if the difference of the runs is not as claimed, or if the opposite effect is significant.
    Signs and ranges are compared to half a unit of the third decimal. A claim is *supported* if the difference is as
    claimed and the adjusted p is at most `alpha`. Otherwise it is *not distinguishable from no effect*.

    Parameters
    ----------
    deltas : from :func:`hardneg.statistics.external_runs.compare`.
    alpha : level of the verdict.
    power : probability with which ``seeds_needed`` would find the difference, if its p is the smallest of its family.

    Returns
    -------
    One row per claim, group and value: ``claim`` (its number), ``text``, the row of `deltas`, ``verdict,
    claim_verdict`` and ``seeds_needed``. ``claim_verdict`` is about all differences of the claim: contradicted if one
    is, supported if all are.

    Raises
    ------
    InputError
        If a group, or a value in all its groups, has no difference that the claim could be about.
    """
    parts = []
    for claim_number, claim in enumerate(claims, start=1):
        differences = _select_differences(claim_number, claim, deltas)
        verdicts = [_judge_difference(row.difference, row.p_adjusted, claim, alpha) for row in differences.itertuples()]
        level = alpha / max(deltas[deltas.metric == claim.metric].p.count(), 1)
        seeds = [
            seed_planning.count_seeds_needed(abs(row.difference), row.seed_sd, 0.0, level, power)
            for row in differences.itertuples()
        ]
        numbered = {"claim": claim_number, "text": claim.text, "claim_verdict": _combine(verdicts)}
        parts.append(differences.assign(**numbered, verdict=verdicts, seeds_needed=seeds))
    return pd.concat(parts, ignore_index=True)


def format_markdown(judged: pd.DataFrame, p_adjustment: str, power: float, note: str = "") -> str:
    """Format the claims as a Markdown page, each with the differences that it is about.

    Parameters
    ----------
    judged : from :func:`judge`.
    p_adjustment, power : as used for `judged`.
    note : what a reader must know about the runs.
    """
    counts = judged.drop_duplicates("claim").claim_verdict.value_counts()
    verdicts = ", ".join(f"{count} {verdict}" for verdict, count in counts.items())
    pairs = " or ".join(str(count) for count in sorted({int(count) for count in judged.pairs}))
    lines = [
        "# The study's claims, checked against its own runs",
        "",
        f"Of {judged.claim.nunique()} claims: {verdicts}.",
        "",
        "Differences are in points (hundredths) from the baseline of the group. The interval is that of a t test",
        f"paired by seed. p is adjusted ({p_adjustment}) over all differences in one metric.",
        f"With {pairs} seeds, p of the exact sign-flip test cannot be below {judged.p_sign_flip_smallest.min():g}.",
        "",
        'The column "seeds" gives the number of seeds that would find the difference, if it is the true one, with a',
        f"probability of {100 * power:g} % after adjustment.",
        *(["", note] if note else []),
        "",
    ]
    for claim_number, part in judged.groupby("claim"):
        first = part.iloc[0]
        lines += [f"## {claim_number}. {first.text}", "", f"**{first.claim_verdict.capitalize()}.**", ""]
        lines += [
            "| group | tier | metric | runs | difference | interval | p | adjusted p | Welch's p | seeds | verdict |",
            "|---|---|---|---|---|---|---|---|---|---|---|",
        ]
        for row in part.itertuples():
            seeds = "more than 1,000" if row.seeds_needed == math.inf else format_number(row.seeds_needed, 0)
            cells = [
                row.group,
                row.value,
                METRIC_NAMES[row.metric],
                f"{row.n}",
                format_points(row.difference),
                f"[{format_points(row.ci_low)}, {format_points(row.ci_high)}]",
                format_number(row.p),
                format_number(row.p_adjusted),
                format_number(row.p_welch),
                seeds,
                row.verdict,
            ]
            lines.append("| " + " | ".join(cells) + " |")
        lines.append("")
    return "\n".join(lines)


def _select_differences(claim_number: int, claim: Claim, deltas: pd.DataFrame) -> pd.DataFrame:
    """Select the rows of `deltas` that a claim is about."""
    in_groups = deltas[deltas.group.isin(claim.groups) & (deltas.value != deltas.baseline)]
    selected = in_groups[in_groups.value.isin(claim.values) & (in_groups.metric == claim.metric)]
    missing = set(claim.groups) - set(selected.group)
    if missing:
        raise InputError(
            f"claim {claim_number} ({claim.text}): no difference in {', '.join(sorted(missing))}. Correct its groups."
        )
    missing = set(claim.values) - set(selected.value)
    if missing:
        raise InputError(
            f"claim {claim_number} ({claim.text}): no difference of {', '.join(sorted(missing))} in its groups; there "
            f"are: {', '.join(sorted(set(in_groups.value)))}."
        )
    return selected


def _judge_difference(difference: float, p_adjusted: float, claim: Claim, alpha: float) -> str:
    if claim.between is not None:
        low, high = claim.between
        as_claimed = low - ROUNDING <= difference <= high + ROUNDING
        sign = math.copysign(1, low + high)
    elif claim.difference is not None:
        as_claimed = abs(difference - claim.difference) <= 2 * ROUNDING
        sign = math.copysign(1, claim.difference)
    else:
        as_claimed, sign = difference > 0, 1.0
    significant = p_adjusted <= alpha
    if not as_claimed or (significant and difference * sign < 0):
        return CONTRADICTED
    return SUPPORTED if significant else UNDECIDED


def _combine(verdicts: Sequence[str]) -> str:
    if CONTRADICTED in verdicts:
        return CONTRADICTED
    return SUPPORTED if set(verdicts) == {SUPPORTED} else UNDECIDED
