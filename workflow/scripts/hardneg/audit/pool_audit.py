"""Say which pool files are probably not negatives, or of no use: flags with a reason and a score, no silent drop."""

import numpy as np
import pandas as pd
from scipy.special import logit

from hardneg.audit.suspected_positives import positive_level
from hardneg.common.formatting import format_number

FLAGS = ("suspected_positive", "near_duplicate", "unusable", "one_model_only")
ABOUT = ["file_path", "confidence", "start_s", "end_s", "recorder_id", "date", "site"]
INSIDE = (1e-6, 1 - 1e-6)


def flag(
    scores: pd.DataFrame,
    recordings: pd.DataFrame,
    cross_fitted: pd.DataFrame,
    copies: pd.DataFrame,
    validation_confidences: np.ndarray | None,
    thresholds: dict,
) -> pd.DataFrame:
    """Audit the pool.

    Parameters
    ----------
    scores : one row per pool file with its hardest window; a column ``confidence_MODEL`` for each mining model where
        there are several.
    recordings : the checked rows of the pool.
    cross_fitted : ``file_path, confidence, label, origin`` of labelled and pool files, each scored by models that have
        not heard its recorder (:func:`hardneg.audit.suspected_positives.average`).
    copies : ``file_path, similarity, similar_to`` of the files that are nearly the same as another.
    validation_confidences : of the validation positives, by the mining model; None where it may have trained on them.
    thresholds : the block ``audit`` of the configuration.

    Returns
    -------
    One row per pool file, in the order of `scores`: the columns of :data:`ABOUT`; ``cross_fit``, the confidence of
    models that have not heard its recorder; for each of :data:`FLAGS` whether it is raised, ``..._score`` and
    ``..._reason``; and ``margin``, how far ``cross_fit`` is from its threshold (logits): the audit is least sure of
    the lowest.
    """
    fitted = cross_fitted.rename(columns={"confidence": "cross_fit"})[["file_path", "cross_fit"]]
    table = scores[ABOUT].merge(fitted, on="file_path", how="left", validate="1:1")
    parts = [
        suspected_positive(table, cross_fitted, validation_confidences, thresholds),
        near_duplicate(table, copies),
        unusable(table, recordings, thresholds),
        one_model_only(scores, thresholds["one_model_confidence"]),
    ]
    return pd.concat([table, *parts], axis=1)


def suspected_positive(
    table: pd.DataFrame, cross_fitted: pd.DataFrame, validation_confidences: np.ndarray | None, thresholds: dict
) -> pd.DataFrame:
    """Flag files that score as labelled positives do, by models that trained on neither.

    Two criteria, either of which is enough. *Cross-fit*: models that were told that the pool is negative, and have not
    heard this file's recorder, still score it above the ``cross_fit_percentile`` of the labelled positives, scored in
    the same way (confident learning, C. Northcutt et al., 2021; there the threshold is the mean). *Ceiling*: the
    mining model scores it above the ``ceiling_percentile`` of the validation positives (positive-aware mining, G. de
    Souza P. Moreira et al., NV-Retriever, 2024).

    Returns
    -------
    ``suspected_positive``, its score (share of the labelled positives whose cross-fitted score is lower), its reason,
    and ``margin``.
    """
    positives = np.sort(cross_fitted.confidence[cross_fitted.label == 1])
    score = pd.Series(np.searchsorted(positives, table.cross_fit) / max(len(positives), 1), index=table.index)
    score = score.where(table.cross_fit.notna())
    level = positive_level(cross_fitted, thresholds["cross_fit_percentile"])
    disagrees = table.cross_fit >= level
    reasons = pd.Series("", index=table.index, dtype=object)
    reasons[disagrees] = [
        f"models that never heard its recorder score it {format_number(confidence)}, above {share:.0%} of labelled positives"
        for confidence, share in zip(table.cross_fit[disagrees], score[disagrees], strict=True)
    ]
    if validation_confidences is not None and len(validation_confidences):
        ceiling = np.quantile(validation_confidences, thresholds["ceiling_percentile"] / 100)
        above = table.confidence >= ceiling
        more = f"the mining model scores it at or above {format_number(ceiling, 5)}, as it does {{:.0%}} of validation positives"
        share = float(np.mean(np.asarray(validation_confidences) >= ceiling))
        reasons[above] = _join(reasons[above], [more.format(share)] * int(above.sum()))
        disagrees = disagrees | above
    return _columns("suspected_positive", disagrees, score, reasons).assign(
        margin=(logit(table.cross_fit.clip(*INSIDE)) - logit(np.clip(level, *INSIDE))).abs()
    )


def near_duplicate(table: pd.DataFrame, copies: pd.DataFrame) -> pd.DataFrame:
    """Flag files that are nearly the same as a labelled positive or as a harder file of the pool."""
    found = table[["file_path"]].merge(copies, on="file_path", how="left", validate="1:1")
    raised = found.similarity.notna()
    reasons = ("like " + found.similar_to[raised]).reindex(table.index, fill_value="")
    return _columns("near_duplicate", raised, found.similarity, reasons)


def unusable(table: pd.DataFrame, recordings: pd.DataFrame, thresholds: dict) -> pd.DataFrame:
    """Flag silence, clipping, offset, dropouts and short recordings.

    The score is the worst measure in units of its threshold: 1 and more is flagged.
    """
    found = table[["file_path"]].merge(recordings, on="file_path", how="left", validate="1:1")
    peak_db = 20 * np.log10(found.peak.clip(lower=1e-9))
    measures = {
        "silent (peak {:.0f} dB)": (peak_db, peak_db / thresholds["silent_peak_db"]),
        "clipped ({:.2%} of the samples)": (found.clipped_share, found.clipped_share / thresholds["clipped_share"]),
        "offset ({:.3f} of full scale)": (found.dc_offset, found.dc_offset / thresholds["dc_offset"]),
        "dropouts ({:.1%} of the time)": (found.flat_share, found.flat_share / thresholds["dropout_share"]),
        "short ({:.2f} s)": (found.duration_s, thresholds["short_s"] / found.duration_s),
    }
    reasons = pd.Series("", index=table.index, dtype=object)
    for text, (measure, excess) in measures.items():
        raised = excess >= 1
        reasons[raised] = _join(reasons[raised], [text.format(value) for value in measure[raised]])
    score = pd.concat([excess for _, excess in measures.values()], axis=1).max(axis=1)
    return _columns("unusable", score >= 1, score, reasons)


def one_model_only(scores: pd.DataFrame, hard: float) -> pd.DataFrame:
    """Flag files that one mining model alone finds hard: perhaps that model's artefact.

    Parameters
    ----------
    scores : with a column ``confidence_MODEL`` per mining model; fewer than two raise no flag.
    hard : the confidence from which a file is hard.

    Returns
    -------
    The flag, its score (how far the one model is above the next) and its reason.
    """
    models = [column for column in scores.columns if column.startswith("confidence_")]
    if len(models) < 2:
        return _columns("one_model_only", pd.Series(False, scores.index), np.nan, pd.Series("", scores.index))
    by_model = scores[models].to_numpy()
    ordered = np.sort(by_model, axis=1)
    alone = pd.Series((ordered[:, -1] >= hard) & (ordered[:, -2] < hard), index=scores.index)
    names = np.array([column.removeprefix("confidence_") for column in models])[by_model.argmax(axis=1)]
    reasons = pd.Series([f"hard for {name} alone" for name in names], index=scores.index).where(alone, "")
    return _columns("one_model_only", alone, ordered[:, -1] - ordered[:, -2], reasons)


def against_truth(audited: pd.DataFrame, truth: pd.DataFrame, tiers: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Hold the flag *suspected positive* against a known truth.

    Parameters
    ----------
    audited : from :func:`flag`.
    truth : ``file_path, hidden``: whether a pool file holds the target unlabelled.
    tiers : the files to judge by, before anything was left out, by name.

    Returns
    -------
    One row per tier: ``tier, files, hidden, found`` (hidden and flagged), ``false_alarms``, ``recall``, ``precision``,
    ``false_alarm_rate`` (share of the true negatives flagged); rates are missing where nothing is to be counted.
    """
    known = audited.merge(truth[["file_path", "hidden"]], on="file_path", validate="1:1")
    rows = []
    for name, tier in tiers.items():
        part = known[known.file_path.isin(tier.file_path)]
        flagged, hidden = part.suspected_positive, part.hidden.astype(bool)
        found, wrong = int((flagged & hidden).sum()), int((flagged & ~hidden).sum())
        rows.append(
            {
                "tier": name,
                "files": len(part),
                "hidden": int(hidden.sum()),
                "found": found,
                "false_alarms": wrong,
                "recall": _share(found, hidden.sum()),
                "precision": _share(found, found + wrong),
                "false_alarm_rate": _share(wrong, (~hidden).sum()),
            }
        )
    return pd.DataFrame(rows)


def _columns(name: str, raised: pd.Series, score: pd.Series, reasons: pd.Series) -> pd.DataFrame:
    return pd.DataFrame({name: raised, f"{name}_score": score, f"{name}_reason": reasons}, index=raised.index)


def _join(reasons: pd.Series, more: list[str]) -> list[str]:
    return [f"{first}; {second}" if first else second for first, second in zip(reasons, more, strict=True)]


def _share(part: int, whole: int) -> float:
    return part / whole if whole else float("nan")
