"""Flag pool files that are probably not negatives, or unusable: with a reason and a score, and without dropping any."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from hardneg.audit.suspected_positives import Suspicion, to_logit
from hardneg.common.formatting import format_number
from hardneg.mining.combination import list_scored_models

FLAGS = ("suspected_positive", "near_duplicate", "unusable", "one_model_only")
COLUMNS = ["file_path", "confidence", "start_s", "end_s", "recorder_id", "date", "site"]


@dataclass(frozen=True, slots=True)
class AuditSettings:
    """The thresholds of the flags: keys of ``audit`` in the configuration.

    Attributes
    ----------
    silent_peak_db : unusable: the highest peak of silence (dB of full scale).
    clipped_share : unusable: share of clipped samples.
    dc_offset : unusable: DC offset, as a share of full scale.
    dropout_share : unusable: share of the time without a signal.
    one_model_confidence : one model only: confidence at which a file is hard for a mining model.
    """

    silent_peak_db: float
    clipped_share: float
    dc_offset: float
    dropout_share: float
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
    suspicion : from :func:`hardneg.audit.suspected_positives.derive_threshold`.
    is_excluded : whether suspected positives may leave tiers; see :mod:`hardneg.audit.reliability`.
    near_duplicates : ``file_path, similarity, similar_to``, from
        :func:`hardneg.audit.near_duplicates.find_near_duplicates`.
    """

    scores: pd.DataFrame
    recordings: pd.DataFrame
    cross_fitted: pd.DataFrame
    suspicion: Suspicion
    is_excluded: bool
    near_duplicates: pd.DataFrame


def flag_pool_files(inputs: AuditInputs, settings: AuditSettings) -> pd.DataFrame:
    """Audit the pool.

    Returns
    -------
    One row per pool file, in the order of the scores, with :data:`COLUMNS` and ``cross_fit``: the confidence of
    models that were not trained on the file's recorder. For each of :data:`FLAGS`: whether it is raised, its
    ``..._score`` and its ``..._reason``. ``margin`` is the distance of ``cross_fit`` from its threshold, in logits;
    the audit is least certain of the lowest. ``suspected_positive_excluded`` is whether tiers that exclude suspected
    positives leave the file out.
    """
    cross_fit = inputs.cross_fitted.rename(columns={"confidence": "cross_fit"})[["file_path", "cross_fit"]]
    table = inputs.scores[COLUMNS].merge(cross_fit, on="file_path", how="left", validate="1:1")
    parts = [
        flag_suspected_positives(table, inputs.cross_fitted, inputs.suspicion, inputs.is_excluded),
        flag_near_duplicates(table, inputs.near_duplicates),
        flag_unusable_files(table, inputs.recordings, settings),
        flag_one_model_only(inputs.scores, settings.one_model_confidence),
    ]
    return pd.concat([table, *parts], axis=1)


def flag_suspected_positives(
    table: pd.DataFrame, cross_fitted: pd.DataFrame, suspicion: Suspicion, is_excluded: bool
) -> pd.DataFrame:
    """Flag files that models score as high as labeled positives, although the models took the pool for negative.

    The models were not trained on the file's recorder. This is confident learning (C. Northcutt et al., 2021), with a
    threshold that follows from the estimated number of hidden positives. The labeled positives are cross-fitted too.

    Returns
    -------
    ``suspected_positive``; its score, which is the estimated probability that the file is a hidden positive; its
    reason; ``suspected_positive_excluded`` and ``margin``.
    """
    positives = np.sort(cross_fitted.confidence[cross_fitted.label == 1])
    lower = pd.Series(np.searchsorted(positives, table.cross_fit) / max(len(positives), 1), index=table.index)
    score = pd.Series(np.nan, index=table.index)
    if suspicion.mixture:
        score[:] = suspicion.mixture.look_up_probability(to_logit(table.cross_fit).to_numpy())
    raised = table.cross_fit >= suspicion.threshold
    reasons = pd.Series("", index=table.index, dtype=object)
    reasons[raised] = [
        f"models trained without its recorder score it {format_number(confidence)}, above {share:.0%} of labeled "
        f"positives; it is a hidden positive with an estimated probability of {probability:.0%}"
        for confidence, share, probability in zip(table.cross_fit[raised], lower[raised], score[raised], strict=True)
    ]
    limit = to_logit(pd.Series([suspicion.threshold])).iloc[0]
    return _flag_columns("suspected_positive", raised, score, reasons).assign(
        suspected_positive_excluded=raised & is_excluded, margin=(to_logit(table.cross_fit) - limit).abs()
    )


def flag_near_duplicates(table: pd.DataFrame, near_duplicates: pd.DataFrame) -> pd.DataFrame:
    """Flag files that are nearly the same as a labeled positive or as a harder file of the pool."""
    similar = table[["file_path"]].merge(near_duplicates, on="file_path", how="left", validate="1:1")
    raised = similar.similarity.notna()
    reasons = ("similar to " + similar.similar_to[raised]).reindex(table.index, fill_value="")
    return _flag_columns("near_duplicate", raised, similar.similarity, reasons)


def flag_unusable_files(table: pd.DataFrame, recordings: pd.DataFrame, settings: AuditSettings) -> pd.DataFrame:
    """Flag silence, clipping, DC offset and dropouts.

    The score is the worst measure, in units of its threshold: a file is flagged from 1.
    """
    measured = table[["file_path"]].merge(recordings, on="file_path", how="left", validate="1:1")
    peak_db = 20 * np.log10(measured.peak.clip(lower=1e-9))
    measures = {
        "silent (peak {:.0f} dB)": (peak_db, peak_db / settings.silent_peak_db),
        "clipped ({:.2%} of the samples)": (measured.clipped_share, measured.clipped_share / settings.clipped_share),
        "DC offset ({:.3f} of full scale)": (measured.dc_offset, measured.dc_offset / settings.dc_offset),
        "dropouts ({:.1%} of the time)": (measured.flat_share, measured.flat_share / settings.dropout_share),
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
