"""Write the model card of an exported detector."""

import math
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from jinja2 import Environment, FileSystemLoader

from hardneg.common.display_names import CLUSTER_NAMES, METRIC_NAMES, SPLIT_NAMES
from hardneg.common.formatting import MISSING, escape_markdown, format_number
from hardneg.experiments.run_description import RunDescription
from hardneg.export.description import DetectorDescription
from hardneg.models.metrics import METRICS
from hardneg.statistics.difference_estimates import estimate_night_intervals
from hardneg.statistics.scored_files import ScoredFiles

TEMPLATE = Path(__file__).with_name("model_card.md.j2")


@dataclass(frozen=True, slots=True)
class Measurement:
    """One metric on one test split, with its 95 % interval, as the card shows them."""

    split: str
    metric: str
    value: str
    interval: str


def render_card(
    detector: DetectorDescription,
    run: RunDescription,
    measurements: list[Measurement],
    recordings: pd.DataFrame,
    cluster: str = "night",
) -> str:
    """Render the card as Markdown.

    Parameters
    ----------
    detector : how to use it.
    run : what produced it.
    measurements : from :func:`measure_with_intervals`.
    recordings : the recordings used: ``split, label, file_path, group``.
    cluster : what the intervals of `measurements` resample; see :func:`measure_with_intervals`.
    """
    counts = recordings.groupby(["split", "label"]).agg(files=("file_path", "size"), nights=("group", "nunique"))
    # Each value is escaped: names come from configurations and manifests of other people.
    environment = Environment(  # noqa: S701 - Markdown
        loader=FileSystemLoader(TEMPLATE.parent), trim_blocks=True, finalize=escape_markdown
    )
    return environment.get_template(TEMPLATE.name).render(
        detector=detector,
        run=run,
        measurements=measurements,
        cluster=CLUSTER_NAMES[cluster],
        recordings=counts.reset_index().to_dict("records"),
    )


def measure_with_intervals(
    metrics: pd.DataFrame, scores: pd.DataFrame, resamples: int, cluster: str = "night"
) -> list[Measurement]:
    """List the metrics of each test split with 95 % intervals from resampled recorder-nights.

    Parameters
    ----------
    metrics, scores : of one run; see :mod:`hardneg.experiments.evaluation`.
    resamples : draws of the bootstrap.
    cluster : what is resampled together; see :func:`hardneg.recordings.nights.name_clusters`.
    """
    measurements = []
    for values in metrics[metrics.split != "val"].to_dict("records"):
        files = scores[scores.split == values["split"]]
        run = ScoredFiles.from_table(files, values["threshold"], cluster, sort_nights=False)
        intervals = estimate_night_intervals(run, resamples)
        measurements += [
            Measurement(
                split=SPLIT_NAMES.get(values["split"], values["split"]),
                metric=METRIC_NAMES[metric],
                value=format_number(values[metric]),
                interval=_format_interval(*intervals[metric]),
            )
            for metric in METRICS
        ]
    return measurements


def _format_interval(low: float, high: float) -> str:
    return MISSING if math.isnan(low) else f"{format_number(low)} to {format_number(high)}"
