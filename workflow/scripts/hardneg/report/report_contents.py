"""Collect what the report shows, from the tables of a finished run."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from hardneg.audit.clusters import TierClusters, describe_tier_clusters
from hardneg.audit.reliability import Reliability
from hardneg.common import tables
from hardneg.common.formatting import escape_control_characters, quote_name
from hardneg.experiments.run_description import read_versions
from hardneg.mining.birdnet_label_counts import MIN_CONFIDENCE, TierLabels, summarize_tier_labels
from hardneg.mining.tiers import is_none
from hardneg.report import (
    answers,
    audit_summary,
    effect_dependence,
    findings,
    model_agreement,
    recommendation,
    report_tables,
    tier_descriptions,
)
from hardneg.report.answers import Answer
from hardneg.report.audit_summary import AuditSummary
from hardneg.report.configuration_differences import ConfigurationDifference, find_differences
from hardneg.report.confuser_table import ConfuserTable, build_confuser_tables
from hardneg.report.effect_dependence import DependenceTable
from hardneg.report.findings import HardnessEffect, VerdictTable
from hardneg.report.model_agreement import ModelAgreement
from hardneg.report.recommendation import Recommendation
from hardneg.report.report_tables import CallRow, ComparisonTable, NightRow, QualityRow, RecordingCounts
from hardneg.report.tier_descriptions import TierDescription
from hardneg.review import review_table


@dataclass(frozen=True, slots=True)
class ReportInputs:
    """Paths of the tables behind the report; None where the configuration asks for no such table.

    Attributes
    ----------
    recordings, rejected : the recordings that were used, and those that were not.
    runs, deltas, interactions, nights, breakdown : the results over all runs.
    comparison_warnings : what limits the comparisons, from :func:`hardneg.experiments.arm_checks.check_arms`.
    models : the description of each run, for its settings and the versions of what computed it.
    tiers : the files of each tier that mines, in the order of :attr:`ReportSettings.tiers`.
    tier_notes : what limits each of these tiers.
    mining_problems : what is wrong with the mining models; see :mod:`hardneg.review.first_look`.
    audit, audit_reliability, clusters, truth, review : the audit's flags, how far they can be trusted, the clusters of
        the pool, which generated files contain the target, and the reviewers' answers.
    scores : of the pool, where it is audited or several models mined.
    sounds : BirdNET's labels, counted per tier.
    rounds : the comparison of two rounds of mining.
    confusers : false positives in the held-out pool by kind of sound.
    memorization : mined files compared with held-out files of the same confidence.
    calls : what the detectors find of single annotated calls.
    """

    recordings: str
    rejected: str
    runs: str
    deltas: str
    comparison_warnings: str
    interactions: str
    nights: str
    breakdown: str
    models: list[str]
    tiers: list[str]
    tier_notes: list[str]
    mining_problems: str
    audit: str | None = None
    audit_reliability: str | None = None
    clusters: str | None = None
    scores: str | None = None
    truth: str | None = None
    review: str | None = None
    sounds: str | None = None
    rounds: str | None = None
    confusers: str | None = None
    memorization: str | None = None
    calls: str | None = None


@dataclass(frozen=True, slots=True)
class ReportSettings:
    """The settings that the report applies or explains.

    Attributes
    ----------
    target : name of the species.
    generated : whether the recordings are artificial.
    axes : the axes of the matrix that have more than one value.
    tiers : the definition of each tier.
    alpha, p_adjustment, power : how differences are judged.
    calibration_bins : of the reliability figure.
    files_per_night, review_s : files that a recorder makes in a night, and seconds of review per flagged file.
    one_model_confidence : the confidence from which a file counts as hard for a mining model.
    max_recall_loss : recall on validation that a recommended tier may cost.
    review_conflicts : how reviewers' conflicting answers are settled.
    review_matches : the recording for each path that the review writes in another way.
    second_round : what the second round's detector trained on; empty for one round.
    configuration : the whole configuration, to show.
    """

    target: str
    generated: bool
    axes: list[str]
    tiers: dict[str, dict[str, Any]]
    alpha: float
    p_adjustment: str
    power: float
    calibration_bins: int
    files_per_night: int
    review_s: float
    one_model_confidence: float
    max_recall_loss: float
    review_conflicts: str
    review_matches: dict[str, str]
    second_round: dict[str, Any]
    configuration: dict[str, Any]


@dataclass(frozen=True, slots=True)
class ReportContents:
    """Contents of the page, in its order; empty or None where a section does not apply.

    Attributes
    ----------
    settings : see :class:`ReportSettings`.
    run_count : number of trained detectors.
    summary : the first comparison, one sentence per split.
    recordings, tiers : what the runs were made from.
    comparisons, verdicts, hardness_effects, dependence : the differences.
    versions : of the software.
    mining_problems : what is wrong with the mining models, in sentences.
    comparison_warnings : what limits the comparisons: rows with ``arm`` and ``warning``.
    configuration_differences : keys in which runs differ from the configuration of the report.
    least_label : the confidence from which a label of BirdNET counts.
    recommendation, nights, qualities, calls, audit, models, clusters, sounds, rounds, confusers, answers : see the
        modules that make them.
    """

    settings: ReportSettings
    run_count: int
    summary: list[str]
    recordings: RecordingCounts
    tiers: list[TierDescription]
    comparisons: list[ComparisonTable]
    verdicts: list[VerdictTable]
    versions: Mapping[str, str]
    recommendation: Recommendation | None = None
    comparison_warnings: list[dict[str, Any]] = field(default_factory=list)
    configuration_differences: list[ConfigurationDifference] = field(default_factory=list)
    mining_problems: list[str] = field(default_factory=list)
    hardness_effects: list[HardnessEffect] = field(default_factory=list)
    dependence: list[DependenceTable] = field(default_factory=list)
    nights: list[NightRow] = field(default_factory=list)
    qualities: list[QualityRow] = field(default_factory=list)
    calls: list[CallRow] = field(default_factory=list)
    audit: AuditSummary | None = None
    models: ModelAgreement | None = None
    clusters: list[TierClusters] = field(default_factory=list)
    sounds: list[TierLabels] = field(default_factory=list)
    least_label: float = MIN_CONFIDENCE
    rounds: list[dict[str, Any]] = field(default_factory=list)
    confusers: list[ConfuserTable] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)


def collect_contents(inputs: ReportInputs, settings: ReportSettings) -> ReportContents:
    """Read the tables and derive everything that the page shows."""
    runs, deltas, nights = (tables.read(path) for path in (inputs.runs, inputs.deltas, inputs.nights))
    mined = [name for name, definition in settings.tiers.items() if not is_none(definition)]
    none = next((name for name, definition in settings.tiers.items() if is_none(definition)), "")
    tier_files = {name: tables.read(path) for name, path in zip(mined, inputs.tiers, strict=True)}
    notes = {name: tables.read_json(path)["notes"] for name, path in zip(mined, inputs.tier_notes, strict=True)}
    controls = findings.find_controls(settings.tiers)
    interactions, audit = tables.read(inputs.interactions), _summarize_audit(inputs, settings)
    confusers = tables.read(inputs.confusers) if inputs.confusers else None
    models = _compare_models(inputs, settings)
    recordings = tables.read(inputs.recordings)
    site = find_only_site(recordings)
    return ReportContents(
        settings=settings,
        run_count=len(runs) // runs.split.nunique(),
        summary=findings.summarize_first_comparison(deltas, site),
        recordings=report_tables.count_recordings(recordings, tables.read(inputs.rejected)),
        tiers=tier_descriptions.describe_tiers(tier_files, notes, settings.tiers, runs),
        comparisons=report_tables.build_comparison_tables(deltas),
        verdicts=findings.build_verdict_tables(deltas),
        versions=read_versions(inputs.models[0]),
        configuration_differences=find_differences(inputs.models, settings.configuration),
        recommendation=recommendation.recommend(
            deltas, runs, nights, none, settings.max_recall_loss, controls, settings.alpha, site
        ),
        hardness_effects=findings.separate_hardness_from_size(deltas, controls, none),
        dependence=effect_dependence.describe_dependence(interactions),
        comparison_warnings=tables.read(inputs.comparison_warnings).to_dict("records"),
        mining_problems=tables.read_json(inputs.mining_problems)["problems"],
        nights=report_tables.build_night_rows(nights),
        qualities=report_tables.build_quality_rows(tables.read(inputs.breakdown)),
        calls=report_tables.build_call_rows(tables.read(inputs.calls)) if inputs.calls else [],
        audit=audit,
        models=models,
        clusters=describe_tier_clusters(tier_files, tables.read(inputs.clusters)) if inputs.clusters else [],
        sounds=summarize_tier_labels(tables.read(inputs.sounds), tier_files) if inputs.sounds else [],
        rounds=tables.read(inputs.rounds).to_dict("records") if inputs.rounds else [],
        confusers=build_confuser_tables(confusers) if confusers is not None else [],
        answers=answers.answer_questions(
            answers.Evidence(
                deltas=deltas,
                interactions=interactions,
                confusers=confusers,
                memorization=tables.read(inputs.memorization) if inputs.memorization else None,
                tiers={
                    name: files for name, files in tier_files.items() if "match_size_of" not in settings.tiers[name]
                },
                pool=tables.read(inputs.scores) if inputs.scores else None,
                suspected={row["name"]: (row["suspected_positive"], row["files"]) for row in audit.tiers}
                if audit
                else {},
                jaccard={tier.name: tier.jaccard for tier in models.tiers} if models else {},
                baseline=none,
                site=site,
            )
        ),
    )


def find_only_site(recordings: pd.DataFrame) -> str:
    """Find the only site of the out-of-distribution test, to show; empty if it has several, or if there is none."""
    sites = recordings.site[recordings.split == "test_ood"].astype(str).unique()
    return quote_name(escape_control_characters(sites[0])) if len(sites) == 1 and sites[0] else ""


def _summarize_audit(inputs: ReportInputs, settings: ReportSettings) -> AuditSummary | None:
    if not (inputs.audit and inputs.audit_reliability and inputs.scores):
        return None
    no_answers = pd.DataFrame(columns=review_table.COLUMNS)
    answers = review_table.read_review(inputs.review, settings.review_matches) if inputs.review else no_answers
    return audit_summary.summarize_audit(
        audited=tables.read(inputs.audit),
        reliability=Reliability(**tables.read(inputs.audit_reliability).iloc[0].to_dict()),
        scores=tables.read(inputs.scores),
        definitions=settings.tiers,
        truth=tables.read(inputs.truth) if inputs.truth else None,
        answers=answers,
        decisions=review_table.resolve_conflicts(answers, settings.review_conflicts),
    )


def _compare_models(inputs: ReportInputs, settings: ReportSettings) -> ModelAgreement | None:
    if not inputs.scores:
        return None
    return model_agreement.compare_models(tables.read(inputs.scores), settings.tiers, settings.one_model_confidence)
