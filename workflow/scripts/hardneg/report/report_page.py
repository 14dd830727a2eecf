"""The report: one HTML page that needs no network."""

import os
from pathlib import Path

import pandas as pd
import yaml
from jinja2 import Environment, FileSystemLoader
from markupsafe import Markup

from hardneg.audit import clusters
from hardneg.common import tables
from hardneg.common.display_names import METRIC_NAMES, SPLIT_NAMES
from hardneg.common.files import write_text
from hardneg.common.formatting import escape_control_characters, format_number, format_points
from hardneg.mining import birdnet_label_counts
from hardneg.mining.tiers import is_none
from hardneg.report import audit_summary, findings, model_agreement, recommendation
from hardneg.review import review_table as answers
from hardneg.statistics import delta_table

TEMPLATE = Path(__file__).with_name("report.html.j2")
FLAGGED = {
    "suspected_positive": "suspected positives",
    "near_duplicate": "near duplicates",
    "unusable": "unusable files",
    "one_model_only": "files that one model only finds hard",
}
TIER_WORDS = {
    "ranked_by": "ranked by {}",
    "min_confidence": "confidence from {}",
    "max_confidence": "confidence below {}",
    "per_night": "at most {} of a recorder's night",
    "per_cluster": "at most {} of a cluster",
    "top_fraction": "the hardest {:.1%}",
    "top_k": "the {} hardest",
    "random": "{} at random",
    "match_size_of": "as many at random as {}",
}
DELTA_METRICS = ["average_precision", "f1", "precision", "recall", "false_positives_per_hour"]


def write(page_path: str | os.PathLike, context: dict, figures: dict[str, str | os.PathLike]) -> None:
    """Fill the template and write the page.

    Parameters
    ----------
    context : what the template shows; text is escaped.
    figures : the SVG file of each figure, by name.
    """
    environment = Environment(loader=FileSystemLoader(TEMPLATE.parent), autoescape=True, trim_blocks=True)
    environment.filters |= {
        "points": format_points,
        "number": format_number,
        "visible": escape_control_characters,
        "with_bound": findings.with_bound,
    }
    # The figures are our own files and matplotlib escapes their text.
    drawn = {name: Markup(_inline(path, name)) for name, path in figures.items()}  # noqa: S704
    forests = [drawn[name] for name in drawn if name.startswith("forest")]
    names = {"metric_names": METRIC_NAMES, "split_names": SPLIT_NAMES}
    write_text(
        environment.get_template(TEMPLATE.name).render(**context, **names, figures=drawn, forests=forests), page_path
    )


def gather(
    inputs: dict,
    target: str,
    generated: bool,
    axes: list[str],
    tiers: dict[str, dict],
    statistics: dict,
    evaluation: dict,
    config: dict,
    review: dict,
    second_round: dict,
) -> dict:
    """Read what the page shows.

    Parameters
    ----------
    inputs : paths of ``recordings, rejected, runs, deltas, model`` (the description of any run) and the list ``tiers``,
        in the order of those `tiers` that choose files; where the pool is audited, ``audit, scores, clusters`` too, and
        ``truth`` where it is known; ``scores`` also where several models mined;
        ``sounds`` where BirdNET named the mined files; where the pool was mined twice, ``rounds``.
    target : the species' name.
    generated : whether the recordings are artificial.
    axes : the axes of the matrix that have more than one value.
    tiers : the definition of each tier.
    statistics : how differences are judged.
    evaluation : what else is measured.
    config : the whole configuration, to be shown.
    review : ``file``, the people's answers, and ``conflicts``, how they are settled.
    second_round : what the second round's detector trained on; empty where there was none.
    """
    runs = tables.read(inputs["runs"])
    deltas = tables.read(inputs["deltas"])
    chosen = [name for name, definition in tiers.items() if not is_none(definition)]
    none = next((name for name, definition in tiers.items() if is_none(definition)), "")
    held = {name: tables.read(path) for name, path in zip(chosen, inputs["tiers"], strict=True)}
    nights, most = tables.read(inputs["nights"]), config["recommendation"]["max_recall_loss"]
    controls = findings.controls_of(tiers)
    return {
        "target": target,
        "generated": generated,
        "audit": _audit(inputs, tiers, review) if inputs["audit"] else None,
        "models": model_agreement.describe(
            tables.read(inputs["scores"]), tiers, config["audit"]["one_model_confidence"]
        )
        if inputs["scores"]
        else None,
        "clusters": clusters.in_tiers(held, tables.read(inputs["clusters"])) if inputs["clusters"] else [],
        "sounds": birdnet_label_counts.summarize_tiers(tables.read(inputs["sounds"]), held) if inputs["sounds"] else [],
        "least_label": birdnet_label_counts.MIN_CONFIDENCE,
        "second_round": second_round,
        "rounds": tables.read(inputs["rounds"]).to_dict("records") if inputs["rounds"] else [],
        "recommendation": recommendation.recommend(deltas, runs, nights, none, most, controls),
        "statistics": statistics,
        "evaluation": evaluation,
        "interactions": tables.read(inputs["interactions"]).to_dict("records"),
        "nights": night_rows(nights),
        "qualities": quality_rows(tables.read(inputs["breakdown"])),
        "run_count": len(runs) // runs.split.nunique(),
        "axes_text": ", ".join(axis.replace("_", " ") for axis in axes) or "nothing",
        "overview": overview(tables.read(inputs["recordings"]), tables.read(inputs["rejected"])),
        "comparisons": deltas_by_comparison(deltas),
        "in_short": findings.in_short(deltas),
        "verdicts": findings.by_verdict(deltas),
        "harder_or_more": findings.harder_or_more(deltas, controls, none),
        "tiers": tier_rows(held, tiers, runs),
        "versions": tables.read_json(inputs["model"])["versions"],
        "configuration": yaml.safe_dump(config, sort_keys=False, allow_unicode=True),
    }


def _audit(inputs: dict, tiers: dict[str, dict], review: dict) -> dict:
    truth = tables.read(inputs["truth"]) if inputs["truth"] else None
    rows = answers.read(review["file"])
    decisions = answers.resolve(rows, review["conflicts"])
    audited, scores = tables.read(inputs["audit"]), tables.read(inputs["scores"])
    return audit_summary.summarise(audited, scores, tiers, truth, rows, decisions)


def overview(recordings: pd.DataFrame, rejected: pd.DataFrame) -> dict:
    """Count files, hours, recorder-dates and sites per split and label, and the rejections by reason."""
    table = recordings.groupby(["split", "label"], as_index=False).agg(
        files=("file_path", "size"),
        hours=("duration_s", lambda seconds: seconds.sum() / 3600),
        recorder_dates=("group", "nunique"),
        sites=("site", "nunique"),
    )
    order = ["train", "val", "test_iid", "test_ood", "pool"]
    table = table.sort_values("split", key=lambda column: column.map(order.index), kind="stable")
    reasons = rejected.reason.str.split(":").str[0].value_counts()
    return {"splits": table.to_dict("records"), "rejected": reasons.to_dict(), "rejected_files": len(rejected)}


def deltas_by_comparison(deltas: pd.DataFrame) -> list[dict]:
    """Arrange the deltas for the page: one table per comparison and split, one row per configuration and value."""
    blocks = []
    for (vary, baseline, split), part in deltas.groupby(["vary", "baseline", "split"], sort=False):
        held = delta_table.varying_axes(deltas)
        rows = []
        for key, cells in part.groupby([*held, "value"], sort=False):
            by_metric = cells.set_index("metric", drop=False)
            rows.append(
                {"held": key[:-1], "value": key[-1], "n": int(cells.n.max()), "metrics": by_metric.to_dict("index")}
            )
        blocks.append(
            {"vary": vary, "baseline": baseline, "split": split, "held": held, "rows": rows, "metrics": DELTA_METRICS}
        )
    return blocks


def night_rows(nights: pd.DataFrame) -> list[dict]:
    """Arrange the nights of the out-of-distribution site: one row per configuration, its columns by calling files."""
    part = nights[nights.split == ("test_ood" if "test_ood" in set(nights.split) else "test_iid")]
    axes = [axis for axis in part.columns[: list(part.columns).index("split")] if part[axis].nunique() > 1]
    rows = []
    for key, cells in part.groupby(axes or ["split"], sort=False):
        by_count = cells.set_index("calling_files")
        rows.append(
            {
                "where": dict(zip(axes, key, strict=False)),
                "missed": by_count.miss_probability.drop(index=0).to_dict(),
                "flagged": by_count.flagged_files[0],
                "minutes": by_count.review_minutes[0],
            }
        )
    return rows


def quality_rows(breakdown: pd.DataFrame) -> list[dict]:
    """Recall by quality of the positives for each split and tier: means over runs."""
    part = breakdown[breakdown.by == "quality"]
    means = part.groupby(["split", "negative_tier", "value"], sort=False).recall.mean()
    return [
        {"split": split, "tier": tier, "recall": cells.droplevel([0, 1]).to_dict()}
        for (split, tier), cells in means.groupby(level=["split", "negative_tier"], sort=False)
    ]


def tier_rows(tiers: dict[str, pd.DataFrame], definitions: dict[str, dict], runs: pd.DataFrame) -> list[dict]:
    """One row per tier: definition, files, recorders, confidences, and windows of it trained on (mean)."""
    trained = runs.drop_duplicates(["positive_subset", "negative_tier", "validation", "seed"])
    mined = trained.groupby(trained.negative_tier.astype(str)).train_mined.mean()
    rows = []
    for name, definition in definitions.items():
        tier = tiers.get(name)
        rows.append(
            {
                "name": name,
                "definition": definition_in_words(definition),
                "files": 0 if tier is None else len(tier),
                "recorders": 0 if tier is None else tier.recorder_id.nunique(),
                "low": None if tier is None or tier.empty else tier.confidence.min(),
                "high": None if tier is None or tier.empty else tier.confidence.max(),
                "mined": mined.get(name),
                "empty": tier is not None and tier.empty,
            }
        )
    return rows


def definition_in_words(definition: dict) -> str:
    """Say what a tier takes, in the order in which it does.

    >>> definition_in_words({"min_confidence": 0.5, "match_size_of": "conf85", "exclude": ["near_duplicate", "unusable"]})
    'without near duplicates, unusable files; confidence from 0.5; as many at random as conf85'
    """
    said = [TIER_WORDS[key].format(definition[key]) for key in TIER_WORDS if key in definition]
    if "exclude" in definition:
        said.insert(0, "without " + ", ".join(FLAGGED[flag] for flag in definition["exclude"]))
    if "round" in definition:
        said.insert(0, {2: "second round of mining", "joint": "both rounds of mining"}[definition["round"]])
    return "; ".join(said) or "no mined negatives"


def read_runs(paths: list[str], runs: list[dict]) -> pd.DataFrame:
    """Put one table of each run together, with the run's axes and a ``run`` column that names it."""
    parts = [
        tables.read(path).assign(**axes, run=" ".join(map(str, axes.values())))
        for path, axes in zip(paths, runs, strict=True)
    ]
    return pd.concat(parts, ignore_index=True)


def _inline(path: str | os.PathLike, name: str) -> str:
    """Drop what stands before <svg> and keep the ids of several figures on one page apart."""
    svg = Path(path).read_text(encoding="utf-8")
    svg = svg[svg.index("<svg") :]
    return svg.replace('id="', f'id="{name}-').replace('"#', f'"#{name}-').replace("url(#", f"url(#{name}-")
