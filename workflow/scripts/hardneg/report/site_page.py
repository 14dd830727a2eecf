"""The page about sites that were held out in turn: what each tier does at each, and on average."""

import io
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from jinja2 import Environment, FileSystemLoader
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hardneg.common.display_names import METRIC_NAMES
from hardneg.common.files import write_text
from hardneg.common.formatting import format_number
from hardneg.report.findings import format_difference, format_interval, format_verdict, name_in_text
from hardneg.report.forest_plot import UNDECIDED_COLOR, VERDICT_COLORS
from hardneg.report.questions import HEADLINES
from hardneg.statistics.delta_table import varying_axes
from hardneg.statistics.site_comparison import NEW_SITES

TEMPLATE = Path(__file__).with_name("sites.html.j2")
DECIDING_SPLIT, DECIDING_METRIC = "test_ood", "average_precision"
SHORT_SPLITS = {"test_ood": "OOD", "test_iid": "IID", "test_pool": "Held-out pool"}
SITE_COLOR, MEAN_SIZE, SITE_SIZE = "#777777", 6.0, 3.5


@dataclass(frozen=True, slots=True)
class SiteContents:
    """What the page shows.

    Attributes
    ----------
    target : name of the species.
    alpha : level of the tests.
    left_out : sites that were never held out.
    scope : ``new sites`` or ``these sites``: what the intervals are about.
    sites : the sites, or groups of sites, that were held out.
    answers : one sentence for each tier and configuration.
    rows : the means of all metrics, to show.
    by_site, means : the tables; see :func:`hardneg.statistics.site_comparison.compare_sites`.
    """

    target: str
    alpha: float
    left_out: list[str]
    scope: str
    sites: list[str]
    answers: list[str]
    rows: list[dict[str, Any]]
    by_site: pd.DataFrame
    means: pd.DataFrame


def collect_contents(
    by_site: pd.DataFrame, means: pd.DataFrame, target: str, alpha: float, left_out: Sequence[str]
) -> SiteContents:
    """Derive what the page shows from the two tables."""
    deciding = _select_deciding(means)
    axes = varying_axes(means)
    shown = means[means.metric.isin(HEADLINES)].sort_values("split", key=_order_splits, kind="stable")
    rows = [
        {
            "split": SHORT_SPLITS[row["split"]],
            "metric": METRIC_NAMES[row["metric"]],
            "name": _name_row(row, axes),
            "difference": format_difference(row),
            "interval": format_interval(row),
            "verdict": format_verdict(row),
            "reason": "" if pd.isna(row["reason"]) else row["reason"],
            "sites": int(row["sites"]),
            "tau": format_difference({**row, "difference": row["tau"]}).lstrip("+"),
            "i_squared": format_number(100 * row["i_squared"], 0),
        }
        for row in shown.to_dict("records")
    ]
    return SiteContents(
        target=target,
        alpha=alpha,
        left_out=list(left_out),
        scope=deciding.scope.iloc[0] if len(deciding) else "",
        sites=list(by_site.site.unique()),
        answers=[_answer(row, axes) for row in deciding.to_dict("records")],
        rows=rows,
        by_site=by_site,
        means=means,
    )


def write_page(contents: SiteContents, path: str | os.PathLike[str]) -> None:
    """Fill the template and write the page, which contains everything that it shows."""
    environment = Environment(loader=FileSystemLoader(TEMPLATE.parent), autoescape=True, trim_blocks=True)
    svg = io.StringIO()
    draw_sites(contents.by_site, contents.means).savefig(svg, format="svg")
    figure = Markup(svg.getvalue()[svg.getvalue().index("<svg") :])  # noqa: S704, it is our own figure
    page = environment.get_template(TEMPLATE.name).render(contents=contents, figure=figure, new_sites=NEW_SITES)
    write_text(page, path)


def format_summary(contents: SiteContents) -> str:
    """Write the answers as text, for the terminal."""
    return "\n".join(
        [
            f"{contents.target}: {len(contents.sites)} sites held out in turn. Intervals are about {contents.scope}.",
            *(f"- {answer}" for answer in contents.answers),
            "",
        ]
    )


def draw_sites(by_site: pd.DataFrame, means: pd.DataFrame) -> Figure:
    """Draw the differences in average precision: a column for each tier, a row for each site, and their mean below."""
    by_site, means = _select_deciding(by_site), _select_deciding(means)
    axes, values, sites = varying_axes(means), list(pd.unique(means.value)), list(pd.unique(by_site.site))
    if not values:
        return Figure(figsize=(10, 0.5))
    configurations = means[axes].drop_duplicates().reset_index(drop=True) if axes else pd.DataFrame(index=[0])
    offsets = np.linspace(-0.25, 0.25, max(len(configurations), 1)) if len(configurations) > 1 else [0.0]
    figure = Figure(figsize=(10, 1.1 + 0.34 * (len(sites) + 1) * max(1.0, 0.5 * len(configurations))))
    panels = figure.subplots(1, len(values), sharey=True, sharex=True, squeeze=False)[0]
    for panel, value in zip(panels, values, strict=True):
        panel.axvline(0, color="#999999", linewidth=0.8)
        panel.axhline(len(sites) - 0.5, color="#cccccc", linewidth=0.8)
        for offset, (_, configuration) in zip(offsets, configurations.iterrows(), strict=True):
            at_sites, mean = (_pick(table, value, configuration) for table in (by_site, means))
            for row in at_sites.itertuples():
                _draw_row(panel, row, sites.index(row.site) + offset, SITE_COLOR, SITE_SIZE)
            for row in mean.itertuples():
                color = VERDICT_COLORS.get(row.verdict, UNDECIDED_COLOR)
                _draw_row(panel, row, len(sites) + offset, color, MEAN_SIZE)
        panel.set_title(str(value), fontsize=9)
        panel.grid(axis="y", visible=False)
    panels[0].set_yticks(range(len(sites) + 1), [*sites, "mean"])
    panels[0].set_ylim(len(sites) + 0.5, -0.5)
    figure.supxlabel(f"Difference in {name_in_text(DECIDING_METRIC)} (points)", fontsize=9)
    return figure


def _select_deciding(table: pd.DataFrame) -> pd.DataFrame:
    is_first = (table.vary == table.vary.iloc[0]) & (table.baseline == table.baseline.iloc[0])
    return table[is_first & (table.split == DECIDING_SPLIT) & (table.metric == DECIDING_METRIC)]


def _order_splits(splits: pd.Series) -> pd.Series:
    return splits.map(list(SHORT_SPLITS).index)


def _pick(table: pd.DataFrame, value: str, configuration: pd.Series) -> pd.DataFrame:
    rows = table[table["value"] == value]
    for axis, cell in configuration.items():
        rows = rows[rows[axis] == cell]
    return rows


def _draw_row(panel: Axes, row: Any, height: float, color: str, size: float) -> None:
    panel.plot([100 * row.ci_low, 100 * row.ci_high], [height, height], color=color, linewidth=1.4)
    panel.plot(100 * row.difference, height, "D", color=color, markersize=size)


def _name_row(row: dict[str, Any], axes: Sequence[str]) -> str:
    others = [str(row[axis]) for axis in axes if pd.notna(row[axis])]
    return f"{', '.join([str(row['value']), *others])} against {row['baseline']}"


def _answer(row: dict[str, Any], axes: Sequence[str]) -> str:
    where = f"at new sites like these {row['sites']}" if row["scope"] == NEW_SITES else f"at these {row['sites']} sites"
    spread = f" From {_points(row, 'lowest')} to {_points(row, 'highest')} at the single sites." if row["sites"] else ""
    reason = f" ({row['reason']})" if isinstance(row["reason"], str) and row["reason"] else ""
    interval = f" {format_interval(row)}" if format_interval(row) else ""
    return (
        f"{_name_row(row, axes)}, {name_in_text(row['metric'])} {where}: {format_difference(row)}{interval}: "
        f"{format_verdict(row, unit=True)}{reason}.{spread}"
    )


def _points(row: dict[str, Any], column: str) -> str:
    return format_difference({**row, "difference": row[column]}, unit=False)
