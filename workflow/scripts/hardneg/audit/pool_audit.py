"""Flag pool files that are probably not negatives, or unusable: with a reason and a score, and without dropping any."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import logit

from hardneg.audit.suspected_positives import compute_threshold
from hardneg.common.formatting import format_number
from hardneg.mining.combination import list_scored_models

FLAGS = ("suspected_positive", "near_duplicate", "unusable", "one_model_only")
COLUMNS = ["file_path", "confidence", "start_s", "end_s", "recorder_id", "date", "site"]
LOGIT_RANGE = (1e-6, 1 - 1e-6)  # keeps logits finite


@dataclass(frozen=True, slots=True)
class AuditSettings:
    """The thresholds of the flags: keys of ``audit`` in the configuration.

    Attributes
    ----------
    cross_fit_percentile : suspected positive: percentile of the labeled positives' cross-fitted confidences.
    ceiling_percentile : suspected positive: percentile of the validation positives' confidences by the mining model.
    silent_peak_db : unusable: the highest peak of silence (dB of full scale).
    clipped_share : unusable: share of clipped samples.
    dc_offset : unusable: DC offset, as a share of full scale.
    dropout_share : unusable: share of the time without a signal.
    short_s : unusable: longest duration of a short recording (s).
    one_model_confidence : one model only: confidence at which a file is hard for a mining model.
    """

    cross_fit_percentile: float
    ceiling_percentile: float
    silent_peak_db: float
    clipped_share: float
    dc_offset: float
    dropout_share: float
    short_s: float
    one_model_confidence: float


@dataclass(frozen=True, slots=True)
class AuditInputs:
    """The tables that the audit judges by.

    Attributes
    ----------
    scores : one row per pool file with its hardest window; with several mining models, a column ``confidence_MODEL``
        for each.
    recordings : the checked rows of the pool.
    cross_fitted : ``file_path, confidence, label, origin`` of labeled and pool files, from
        :func:`hardneg.audit.suspected_positives.average_passes`.
    near_duplicates : ``file_path, similarity, similar_to``, from
        :func:`hardneg.audit.near_duplicates.find_near_duplicates`.
    validation_scores : ``confidence, label`` (1 or 0) of the validation files, by the mining model; None if it may
        have been trained on them.
    """

    scores: pd.DataFrame
    recordings: pd.DataFrame
    cross_fitted: pd.DataFrame
    near_duplicates: pd.DataFrame
    validation_scores: pd.DataFrame | None


def flag_pool_files(inputs: AuditInputs, settings: AuditSettings) -> pd.DataFrame:
    """Audit the pool.

    Returns
    -------
    One row per pool file, in the order of the scores, with :data:`COLUMNS` and ``cross_fit``: the confidence of
    models that were not trained on the file's recorder. For each of :data:`FLAGS`: whether it is raised, its
    ``..._score`` and its ``..._reason``. ``margin`` is the distance of ``cross_fit`` from its threshold, in logits;
    the audit is least certain of the lowest.
    """
    cross_fit = inputs.cross_fitted.rename(columns={"confidence": "cross_fit"})[["file_path", "cross_fit"]]
    table = inputs.scores[COLUMNS].merge(cross_fit, on="file_path", how="left", validate="1:1")
    parts = [
        flag_suspected_positives(table, inputs.cross_fitted, inputs.validation_scores, settings),
        flag_near_duplicates(table, inputs.near_duplicates),
        flag_unusable_files(table, inputs.recordings, settings),
        flag_one_model_only(inputs.scores, settings.one_model_confidence),
    ]
    return pd.concat([table, *parts], axis=1)


def flag_suspected_positives(
    table: pd.DataFrame,
    cross_fitted: pd.DataFrame,
    validation_scores: pd.DataFrame | None,
    settings: AuditSettings,
) -> pd.DataFrame:
    """Flag files that score as high as labeled positives.

    Either of two criteria is enough:

    - *Cross-fit*: models that were trained on the pool as negatives, but not on its recorder, score it at or above the
      ``cross_fit_percentile`` of labeled positives. This is confident learning (C. Northcutt et al., 2021), which
      takes the mean as its threshold. The positives are cross-fitted too.
    - *Ceiling*: the mining model scores it at or above the ``ceiling_percentile`` of the validation positives. This is
      positive-aware mining (G. de Souza P. Moreira et al., NV-Retriever, 2024).

    Returns
    -------
    ``suspected_positive``; its score, which is the share of labeled positives with a lower cross-fitted confidence;
    its reason; and ``margin``.
    """
    positives = np.sort(cross_fitted.confidence[cross_fitted.label == 1])
    score = pd.Series(np.searchsorted(positives, table.cross_fit) / max(len(positives), 1), index=table.index)
    score = score.where(table.cross_fit.notna())
    threshold = compute_threshold(cross_fitted, settings.cross_fit_percentile)
    raised = table.cross_fit >= threshold
    reasons = pd.Series("", index=table.index, dtype=object)
    reasons[raised] = [
        f"models trained without its recorder score it {format_number(confidence)}, above {share:.0%} of labeled "
        "positives"
        for confidence, share in zip(table.cross_fit[raised], score[raised], strict=True)
    ]
    if validation_scores is not None and (validation_scores.label == 1).any():
        validation_positives = validation_scores.confidence[validation_scores.label == 1].to_numpy()
        ceiling = np.quantile(validation_positives, settings.ceiling_percentile / 100)
        above = table.confidence >= ceiling
        share = float(np.mean(validation_positives >= ceiling))
        reason = (
            f"the mining model scores it {format_number(ceiling, 5)} or higher, as it scores only {share:.0%} of "
            "validation positives"
        )
        reasons[above] = _join_reasons(reasons[above], [reason] * int(above.sum()))
        raised = raised | above
    margin = logit(table.cross_fit.clip(*LOGIT_RANGE)) - logit(np.clip(threshold, *LOGIT_RANGE))
    return _flag_columns("suspected_positive", raised, score, reasons).assign(margin=margin.abs())


def flag_near_duplicates(table: pd.DataFrame, near_duplicates: pd.DataFrame) -> pd.DataFrame:
    """Flag files that are nearly the same as a labeled positive or as a harder file of the pool."""
    similar = table[["file_path"]].merge(near_duplicates, on="file_path", how="left", validate="1:1")
    raised = similar.similarity.notna()
    reasons = ("similar to " + similar.similar_to[raised]).reindex(table.index, fill_value="")
    return _flag_columns("near_duplicate", raised, similar.similarity, reasons)


def flag_unusable_files(table: pd.DataFrame, recordings: pd.DataFrame, settings: AuditSettings) -> pd.DataFrame:
    """Flag silence, clipping, DC offset, dropouts and short recordings.

    The score is the worst measure, in units of its threshold: a file is flagged from 1.
    """
    measured = table[["file_path"]].merge(recordings, on="file_path", how="left", validate="1:1")
    peak_db = 20 * np.log10(measured.peak.clip(lower=1e-9))
    measures = {
        "silent (peak {:.0f} dB)": (peak_db, peak_db / settings.silent_peak_db),
        "clipped ({:.2%} of the samples)": (measured.clipped_share, measured.clipped_share / settings.clipped_share),
        "DC offset ({:.3f} of full scale)": (measured.dc_offset, measured.dc_offset / settings.dc_offset),
        "dropouts ({:.1%} of the time)": (measured.flat_share, measured.flat_share / settings.dropout_share),
        "short ({:.2f} s)": (measured.duration_s, settings.short_s / measured.duration_s),
    }
    reasons = pd.Series("", index=table.index, dtype=object)
    for text, (measure, excess) in measures.items():
        exceeded = excess >= 1
        reasons[exceeded] = _join_reasons(reasons[exceeded], [text.format(value) for value in measure[exceeded]])
    score = pd.concat([excess for _, excess in measures.values()], axis=1).max(axis=1)
    return _flag_columns("unusable", score >= 1, score, reasons)


def flag_one_model_only(scores: pd.DataFrame, min_confidence: float) -> pd.DataFrame:
    """Flag files that exactly one of several mining models finds hard: possibly an artifact of that model.

    Parameters
    ----------
    scores : with a column ``confidence_MODEL`` per mining model; a single model raises no flag.
    min_confidence : confidence at which a file is hard for a model.

    Returns
    -------
    The flag; its score, which is the distance of the highest from the second-highest confidence; and its reason.
    """
    models = list_scored_models(scores)
    if len(models) < 2:
        return _flag_columns("one_model_only", pd.Series(False, scores.index), np.nan, pd.Series("", scores.index))
    by_model = scores[[f"confidence_{model}" for model in models]].to_numpy()
    ordered = np.sort(by_model, axis=1)
    raised = pd.Series((ordered[:, -1] >= min_confidence) & (ordered[:, -2] < min_confidence), index=scores.index)
    hardest_for = np.array(models)[by_model.argmax(axis=1)]
    reasons = pd.Series([f"hard only for {name}" for name in hardest_for], index=scores.index).where(raised, "")
    return _flag_columns("one_model_only", raised, ordered[:, -1] - ordered[:, -2], reasons)


def compare_with_truth(audited: pd.DataFrame, truth: pd.DataFrame, tiers: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Compare the flag *suspected positive* with a known truth.

    Parameters
    ----------
    audited : from :func:`flag_pool_files`.
    truth : ``file_path, hidden``: whether a pool file contains the target unlabeled.
    tiers : the files of each tier before any were excluded, by name.

    Returns
    -------
    One row per tier: ``tier, files, hidden, found`` (hidden and flagged), ``false_alarms``, ``recall``, ``precision``
    and ``false_alarm_rate`` (share of the true negatives that are flagged). A rate without cases is missing.
    """
    known = audited.merge(truth[["file_path", "hidden"]], on="file_path", validate="1:1")
    rows = []
    for name, tier in tiers.items():
        files = known[known.file_path.isin(tier.file_path)]
        flagged, hidden = files.suspected_positive, files.hidden.astype(bool)
        true_positives, false_positives = int((flagged & hidden).sum()), int((flagged & ~hidden).sum())
        rows.append(
            {
                "tier": name,
                "files": len(files),
                "hidden": int(hidden.sum()),
                "found": true_positives,
                "false_alarms": false_positives,
                "recall": _share(true_positives, hidden.sum()),
                "precision": _share(true_positives, true_positives + false_positives),
                "false_alarm_rate": _share(false_positives, (~hidden).sum()),
            }
        )
    return pd.DataFrame(rows)


def _flag_columns(name: str, raised: pd.Series, score: pd.Series, reasons: pd.Series) -> pd.DataFrame:
    return pd.DataFrame({name: raised, f"{name}_score": score, f"{name}_reason": reasons}, index=raised.index)


def _join_reasons(reasons: pd.Series, more: list[str]) -> list[str]:
    return [f"{first}; {second}" if first else second for first, second in zip(reasons, more, strict=True)]


def _share(part: int, whole: int) -> float:
    return part / whole if whole else float("nan")
