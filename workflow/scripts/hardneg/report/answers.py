"""Answer the questions of the reproduced study about each tier, by stated rules from verdicts and intervals."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import pandas as pd
from scipy import stats

from hardneg.report.findings import explain_verdict, format_difference, format_interval, format_verdict, join_names
from hardneg.statistics.confusers import ALL, FEWER, MORE
from hardneg.statistics.delta_table import axes_of

SUPPORTED, CONTRADICTED, UNCLEAR, NOT_MEASURED = "supported", "contradicted", "not distinguishable", "not measured"
QUESTIONS = {
    "precision": "Precision rises at equal recall.",
    "confusers": "False alarms in recordings like the mined ones become rarer at equal recall.",
    "new sites": "The ranking improves at the sites held out.",
    "recall": "Recall is lost at the frozen threshold.",
    "positives": "The effect depends on the positives.",
    "validation": "The effect depends on the validation scheme.",
    "carry over": "A gain in distribution does not carry over to the sites held out.",
    "hardest": "The hardest tier ranks worse at the sites held out than the next one.",
    "artifact": "The hardest tier is an artifact of the mining model, or contains calls.",
    "memorized": "The mined recordings are memorized: equally hard ones that were not trained on stay false alarms.",
}
# A share is high if the lower end of its 95 % interval (C. J. Clopper and E. S. Pearson, Biometrika 26, 1934) is above
# this: of suspected calls in a tier, and of one recorder in a tier as a multiple of its share of the pool. It is low if
# the upper end is below. Agreement is low if the mean Jaccard index of pairs of mining models is below its limit.
HIGH_SUSPECTED_SHARE, HIGH_CONCENTRATION, LOW_AGREEMENT = 0.25, 2.0, 0.5
SIGNS = 3
# Recordings are not memorized if at most this share more is flagged among those that were not trained on.
SMALL_MEMORIZED_SHARE = 0.1
# A tier is easier than the hardest one if more than this share of its files scores lower than all of that tier's. A
# tier with the same bounds, whose suspected calls stay, is not easier.
MIN_EASIER_SHARE = 0.1
NAMED_KINDS = 3


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to one question about one tier.

    Attributes
    ----------
    question : a key of :data:`QUESTIONS`.
    statement : what is supported, contradicted or not.
    tier : the tier in question.
    configuration : the values of the other axes that vary, in words; empty where none does.
    answer : ``supported``, ``contradicted``, ``not distinguishable`` or ``not measured``.
    evidence : the figures behind it, in words.
    """

    question: str
    statement: str
    tier: str
    configuration: str
    answer: str
    evidence: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """The tables that answers are made from.

    Attributes
    ----------
    deltas, interactions : the comparisons.
    confusers : false positives in the held-out pool by kind of sound; None if they were not compared.
    memorization : mined files compared with held-out files; None if nothing was held out of the pool.
    tiers : the files of each tier that mines, except controls.
    pool : one row per pool file with its ``recorder_id``; None if unknown.
    jaccard : how far the mining models agree on the files of each tier, see
        :class:`hardneg.report.model_agreement.TierAgreement`; empty for one model.
    suspected : number of suspected calls and of files within the bounds of each audited tier.
    baseline : the tier without mined negatives.
    site : the only site of the out-of-distribution test; empty if it has several, or if there is no such test.
    """

    deltas: pd.DataFrame
    interactions: pd.DataFrame
    confusers: pd.DataFrame | None
    memorization: pd.DataFrame | None
    tiers: Mapping[str, pd.DataFrame]
    pool: pd.DataFrame | None
    suspected: Mapping[str, tuple[int, int]]
    jaccard: Mapping[str, float | None]
    baseline: str
    site: str = ""


def answer_questions(evidence: Evidence) -> list[Answer]:
    """Answer every question of :data:`QUESTIONS` about every tier that it applies to.

    A statement about a difference is *supported* if its adjusted verdict has the stated direction. It is
    *contradicted* if the verdict has the other direction, or excludes a difference that matters. Otherwise it is *not
    distinguishable*. A dependence is supported if an interaction is judged to exist, and is never contradicted.
    """
    deltas = evidence.deltas
    from_baseline = deltas[(deltas.vary == "negative_tier") & (deltas.baseline.astype(str) == evidence.baseline)]
    splits = set(from_baseline.split)
    deciding = "test_ood" if "test_ood" in splits else "test_iid"
    answers: list[Answer] = []
    for tier in evidence.tiers:
        rows = from_baseline[from_baseline["value"].astype(str) == tier]
        answers += _judge("precision", tier, rows, evidence, "precision_at_baseline_recall", deciding, "improves")
        answers += _answer_confusers(tier, rows, evidence)
        answers += _judge("new sites", tier, rows, evidence, "average_precision", "test_ood", "improves")
        answers += _judge("recall", tier, rows, evidence, "recall", deciding, "hurts")
        answers += _answer_dependence(tier, evidence.interactions)
        answers += _answer_carry_over(tier, rows, deltas, evidence.interactions)
        answers += _answer_memorized(tier, evidence)
    answers += _answer_hardest(evidence)
    order = list(QUESTIONS)
    return sorted(answers, key=lambda answer: order.index(answer.question))


def to_table(answers: Sequence[Answer]) -> pd.DataFrame:
    """Arrange answers as ``answers.csv``: one row each, with the attributes of :class:`Answer` as columns."""
    return pd.DataFrame([asdict(answer) for answer in answers], columns=list(Answer.__dataclass_fields__))


def _judge(
    question: str, tier: str, rows: pd.DataFrame, evidence: Evidence, metric: str, split: str, direction: str
) -> Iterator[Answer]:
    """Answer one question for each configuration of the other axes, from the verdict on one metric and split."""
    place = f"at {evidence.site}: " if evidence.site and split == "test_ood" else ""
    for _, row in rows[(rows.metric == metric) & (rows.split == split)].iterrows():
        configuration = _name_configuration(row, evidence.deltas)
        yield _make(question, tier, configuration, _read_verdict(row, direction), place + _describe(row))


def _read_verdict(row: Mapping[str, Any] | pd.Series, direction: str) -> str:
    if row["verdict"] == direction:
        return SUPPORTED
    excluded = row["verdict"] in ("improves", "hurts", "no effect larger than d")
    return CONTRADICTED if excluded else UNCLEAR


def _answer_confusers(tier: str, rows: pd.DataFrame, evidence: Evidence) -> Iterator[Answer]:
    """Answer from false positives in the held-out pool, and name the kinds of sound that changed."""
    part = rows[(rows.metric == "fp_rate_at_baseline_recall") & (rows.split == "test_pool")]
    for _, row in part.iterrows():
        text = _describe(row)
        if evidence.confusers is not None:
            kinds = evidence.confusers[evidence.confusers["value"].astype(str) == tier]
            for axis in set(axes_of(evidence.deltas)) & set(kinds.columns):
                if pd.notna(row[axis]):
                    kinds = kinds[kinds[axis].astype(str) == str(row[axis])]
            text += _name_changed_kinds(kinds[kinds.cluster.astype(str) != ALL])
        configuration = _name_configuration(row, evidence.deltas)
        yield _make("confusers", tier, configuration, _read_verdict(row, "improves"), text)


def _name_changed_kinds(kinds: pd.DataFrame) -> str:
    texts = []
    for change in (FEWER, MORE):
        changed = kinds[kinds.change == change].sort_values("difference", key=abs, ascending=False)
        if changed.empty:
            continue
        names = (
            changed["name"].fillna("cluster " + changed.cluster.astype(str))
            if "name" in changed
            else ("cluster " + changed.cluster.astype(str))
        )
        distinct = list(dict.fromkeys(name.replace("_", " ") for name in names))
        listed = distinct[:NAMED_KINDS] + [f"{len(distinct) - NAMED_KINDS} more"] * (len(distinct) > NAMED_KINDS)
        texts.append(f"{change}: {join_names(listed, 'and')}")
    return f". By kind of sound, {'; '.join(texts)}" if texts else ". No single kind of sound changes clearly"


def _answer_dependence(tier: str, interactions: pd.DataFrame) -> Iterator[Answer]:
    """Answer whether a tier's effect depends on the positives or on the validation scheme, in average precision."""
    for question, axis in (("positives", "positive_subset"), ("validation", "validation")):
        rows = interactions[
            (interactions.interaction == f"negative_tier x {axis}")
            & (interactions["value"].astype(str) == tier)
            & (interactions.metric == "average_precision")
        ]
        if rows.empty:
            continue
        depends = rows[rows.verdict == "depends"]
        shown = depends if len(depends) else rows
        texts = [
            f"{row.level} minus {row.reference} ({row.split.removeprefix('test_').upper()}): "
            f"{format_difference(row)} {format_interval(row)}".rstrip()
            for _, row in shown.iterrows()
        ]
        answer = SUPPORTED if len(depends) else UNCLEAR
        yield _make(question, tier, "", answer, f"average precision, {'; '.join(dict.fromkeys(texts))}")


def _answer_carry_over(
    tier: str, rows: pd.DataFrame, deltas: pd.DataFrame, interactions: pd.DataFrame
) -> Iterator[Answer]:
    """Answer whether a gain in distribution is absent out of distribution, in average precision."""
    ranking = rows[rows.metric == "average_precision"]
    contrasts = interactions[
        (interactions.interaction == "negative_tier x split")
        & (interactions["value"].astype(str) == tier)
        & (interactions.metric == "average_precision")
    ]
    for _, iid in ranking[ranking.split == "test_iid"].iterrows():
        configuration = _name_configuration(iid, deltas)
        same = [axis for axis in axes_of(deltas) if axis in ranking and pd.notna(iid[axis])]
        ood = ranking[(ranking.split == "test_ood") & (ranking[same] == iid[same]).all(axis=1)]
        if ood.empty:
            continue
        text = f"IID {_describe(iid)}; OOD {_describe(ood.iloc[0])}"
        fixed = {f"{axis} {iid[axis]}" for axis in same}
        contrast = contrasts[[set(str(names).split(", ")) == fixed for names in contrasts.configuration]]
        smaller = len(contrast) and contrast.verdict.iloc[0] == "depends" and contrast.difference.iloc[0] < 0
        if iid.verdict == "improves" and smaller:
            answer = SUPPORTED
        elif ood.verdict.iloc[0] == "improves":
            answer = CONTRADICTED
        else:
            answer = UNCLEAR
        yield _make("carry over", tier, configuration, answer, text)


def _answer_memorized(tier: str, evidence: Evidence) -> Iterator[Answer]:
    """Answer from the flagged shares of mined files and of held-out files of the same confidence."""
    if evidence.memorization is None:
        return
    for _, row in evidence.memorization[evidence.memorization.negative_tier.astype(str) == tier].iterrows():
        excludes_none, excludes_many = row.ci_low > 0, row.ci_high < SMALL_MEMORIZED_SHARE
        answer = SUPPORTED if excludes_none else CONTRADICTED if excludes_many else UNCLEAR
        limits = f" [{100 * row.ci_low:+.0f}, {100 * row.ci_high:+.0f}]" if pd.notna(row.ci_low) else ""
        text = (
            f"at the frozen threshold, {100 * row.held_out_flagged_share:.0f} % of {row.held_out_files:.0f} held-out "
            f"files ({row.held_out_nights:.0f} recorder-nights) and {100 * row.flagged_share:.0f} % of "
            f"{row.files:.0f} mined files ({row.nights:.0f}) are flagged: {100 * row.difference:+.0f} points{limits}; "
            f"mean loss {row.held_out_loss:.2f} and {row.loss:.2f}"
        )
        yield _make("memorized", tier, _name_configuration(row, evidence.deltas), answer, text)


def _answer_hardest(evidence: Evidence) -> Iterator[Answer]:
    """Answer the questions about the hardest tier: is it worse than the next one, and what does it consist of?"""
    nested = {name: float(files.confidence.min()) for name, files in evidence.tiers.items() if len(files)}
    ordered = sorted(nested, key=lambda name: nested[name], reverse=True)
    if not ordered:
        return
    hardest = ordered[0]
    easier = [name for name in ordered if (evidence.tiers[name].confidence < nested[hardest]).mean() > MIN_EASIER_SHARE]
    if easier:
        deltas = evidence.deltas[evidence.deltas.vary == "negative_tier"]
        rows = deltas[(deltas["value"].astype(str) == hardest) & (deltas.baseline.astype(str) == easier[0])]
        answers = list(_judge("hardest", hardest, rows, evidence, "average_precision", "test_ood", "hurts"))
        missing = f"add {{vary: negative_tier, baseline: {easier[0]}}} to comparisons"
        yield from answers or [_make("hardest", hardest, "", NOT_MEASURED, missing)]
    yield _answer_artifact(hardest, evidence)


def _answer_artifact(tier: str, evidence: Evidence) -> Answer:
    """Answer from three signs: suspected calls, one recorder that dominates, and mining models that disagree.

    One sign supports the statement. Only if all three are known and absent is it contradicted.
    """
    files = evidence.tiers[tier]
    texts, present, absent = [], 0, 0
    if tier in evidence.suspected:
        suspected, inside = evidence.suspected[tier]
        low, high = _measure_limits(suspected, inside)
        present, absent = present + (low > HIGH_SUSPECTED_SHARE), absent + (high < HIGH_SUSPECTED_SHARE)
        texts.append(f"the audit suspects {suspected} of {inside} files ({100 * low:.0f} to {100 * high:.0f} %)")
    if evidence.pool is not None:
        counts = files.recorder_id.value_counts()
        share_of_pool = float((evidence.pool.recorder_id == counts.index[0]).mean())
        low, high = _measure_limits(int(counts.iloc[0]), len(files))
        limit = HIGH_CONCENTRATION * share_of_pool
        present, absent = present + (low > limit), absent + (high < limit)
        texts.append(
            f"recorder {counts.index[0]} has {100 * counts.iloc[0] / len(files):.0f} % of the tier and "
            f"{100 * share_of_pool:.0f} % of the pool"
        )
    jaccard = evidence.jaccard.get(tier)
    if jaccard is not None:
        present, absent = present + (jaccard < LOW_AGREEMENT), absent + (jaccard >= LOW_AGREEMENT)
        texts.append(f"the mining models agree on its files with a mean Jaccard index of {jaccard:.2f}")
    else:
        texts.append("one mining model, so its stability is unknown (mining.seeds trains several)")
    answer = SUPPORTED if present else CONTRADICTED if absent == SIGNS else UNCLEAR
    return _make("artifact", tier, "", answer, "; ".join(texts))


def _measure_limits(count: int, total: int) -> tuple[float, float]:
    if not total:
        return 0.0, 1.0
    limits = stats.binomtest(count, total).proportion_ci(0.95, method="exact")
    return float(limits.low), float(limits.high)


def _make(question: str, tier: str, configuration: str, answer: str, evidence: str) -> Answer:
    return Answer(question, QUESTIONS[question], tier, configuration, answer, evidence)


def _describe(row: pd.Series) -> str:
    reason = explain_verdict(row)
    verdict = format_verdict(row, unit=True) + (f" ({reason})" if reason else "")
    return f"{format_difference(row)} {format_interval(row)}: {verdict}".replace(" :", ":")


def _name_configuration(row: pd.Series, deltas: pd.DataFrame) -> str:
    axes = [axis for axis in axes_of(deltas) if deltas[axis].nunique() > 1 and axis != "negative_tier"]
    return ", ".join(str(row[axis]) for axis in axes if pd.notna(row[axis]))
