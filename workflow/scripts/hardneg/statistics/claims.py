"""Hold what a study claims against its own runs."""

import math

import pandas as pd

from hardneg.common.display_names import METRIC_NAMES
from hardneg.common.errors import InputError
from hardneg.common.formatting import format_number, format_points
from hardneg.statistics import paired_tests

SUPPORTED, CONTRADICTED = "supported", "contradicted"
UNDECIDED = "not distinguishable from no effect"


def judge(claims: list[dict], deltas: pd.DataFrame, alpha: float, power: float) -> pd.DataFrame:
    """Judge each figure that a claim is about.

    A claim is *contradicted* if the runs' own figure is not what it says (the sign, or the range, to half a unit of the
    third decimal), or if an effect the other way is more than chance; *supported* if the figure is as claimed and the
    adjusted p is at most `alpha`; else the figure is as claimed and *not distinguishable from no effect*.

    Parameters
    ----------
    claims : each with ``text``, ``groups``, ``values``, ``metric`` and one of ``difference`` (the figure claimed),
        ``between`` (two limits) and ``positive: true``.
    deltas : from :func:`hardneg.statistics.external_runs.compare`.
    alpha, power : for the verdict and for the number of seeds that would find the figure, if its p is the smallest of
        those that are adjusted together.

    Returns
    -------
    One row per claim, group and value: ``claim`` (its number), ``text``, the row of `deltas`, ``verdict,
    claim_verdict`` (over all its figures: contradicted if one is, supported if all are) and ``seeds_needed``.

    Raises
    ------
    InputError
        If a group, or a value in all its groups, has no difference that a claim could be about.
    """
    rows = []
    for place, claim in enumerate(claims, start=1):
        differences = deltas[deltas.group.isin(claim["groups"]) & (deltas.value != deltas.baseline)]
        found = differences[differences.value.isin(claim["values"]) & (differences.metric == claim["metric"])]
        lost = set(claim["groups"]) - set(found.group)
        if lost:
            raise InputError(f"claim {place} ({claim['text']}): no difference in {', '.join(sorted(lost))}.")
        lost = set(claim["values"]) - set(found.value)
        if lost:
            named, there = (", ".join(sorted(values)) for values in (lost, set(differences.value)))
            raise InputError(
                f"claim {place} ({claim['text']}): no difference of {named} in its groups; there are: {there}."
            )
        verdicts = [_verdict(row, claim, alpha) for row in found.itertuples()]
        overall = CONTRADICTED if CONTRADICTED in verdicts else SUPPORTED if set(verdicts) == {SUPPORTED} else UNDECIDED
        level = alpha / max(deltas[deltas.metric == claim["metric"]].p.count(), 1)
        needed = [
            paired_tests.seeds_needed(abs(row.difference), row.seed_sd, 0.0, level, power) for row in found.itertuples()
        ]
        about = {"claim": place, "text": claim["text"], "claim_verdict": overall}
        rows.append(found.assign(**about, verdict=verdicts, seeds_needed=needed))
    return pd.concat(rows, ignore_index=True)


def _verdict(row, claim: dict, alpha: float) -> str:
    slack = 0.0005 + 1e-9
    if "between" in claim:
        low, high = claim["between"]
        as_claimed = low - slack <= row.difference <= high + slack
        sign = math.copysign(1, low + high)
    elif "difference" in claim:
        as_claimed = abs(row.difference - claim["difference"]) <= 2 * slack
        sign = math.copysign(1, claim["difference"])
    else:
        as_claimed, sign = row.difference > 0, 1.0
    certain = row.p_adjusted <= alpha
    if not as_claimed or (certain and row.difference * sign < 0):
        return CONTRADICTED
    return SUPPORTED if certain else UNDECIDED


def as_markdown(judged: pd.DataFrame, adjust: str, power: float, note: str = "") -> str:
    """Write the claims down, each with the figures it is about; `note` is what a reader must know of the runs."""
    counts = judged.drop_duplicates("claim").claim_verdict.value_counts()
    verdicts = ", ".join(f"{count} {verdict}" for verdict, count in counts.items())
    pairs = sorted({int(pairs) for pairs in judged.pairs})
    lines = [
        "# The study's claims, held against its own runs",
        "",
        f"Of {judged.claim.nunique()} claims: {verdicts}.",
        "",
        "Differences are in points (hundredths) against the group's baseline, with the interval of a t test",
        f"paired by seed. p is adjusted ({adjust}) over all differences in one metric.",
        f"With {' or '.join(map(str, pairs))} seeds the exact sign-flip test cannot give a p below",
        f"{judged.p_sign_flip_smallest.min():g}, whatever the runs show. Seeds: how many would find the figure seen,",
        f"if it is the true one, with a probability of {100 * power:g} % and after adjustment.",
        *(["", note] if note else []),
        "",
    ]
    for place, part in judged.groupby("claim"):
        first = part.iloc[0]
        lines += [f"## {place}. {first.text}", "", f"**{first.claim_verdict.capitalize()}.**", ""]
        lines += [
            "| group | tier | metric | runs | found | interval | p | adjusted p | Welch's p | seeds | verdict |",
            "|---|---|---|---|---|---|---|---|---|---|---|",
        ]
        for row in part.itertuples():
            needed = "more than 1,000" if row.seeds_needed == math.inf else format_number(row.seeds_needed, 0)
            cells = [
                row.group, row.value, METRIC_NAMES[row.metric], f"{row.n}", format_points(row.difference),
                f"[{format_points(row.ci_low)}, {format_points(row.ci_high)}]", format_number(row.p), format_number(row.p_adjusted),
                format_number(row.p_welch), needed, row.verdict,
            ]  # fmt: skip
            lines.append("| " + " | ".join(cells) + " |")
        lines.append("")
    return "\n".join(lines)
