"""Print and draw the plan of a study."""

import pandas as pd
from matplotlib.figure import Figure

from hardneg.common.display_names import METRIC_NAMES, SPLIT_NAMES
from hardneg.report.figures import COLORS


def format_plan(plan: pd.DataFrame, power: float) -> str:
    """Format the smallest differences that can be found as text, in points: a row for each number of seeds.

    Parameters
    ----------
    plan : from :func:`hardneg.statistics.study_planning.plan_from_results`.
    power : the probability to find them.
    """
    parts = [f"The smallest true difference that a study finds with a probability of {power:.0%}, in points:"]
    for (split, metric), rows in plan.groupby(["split", "metric"], sort=False):
        table = (100 * rows.set_index(["seeds", "nights"]).detectable_effect).round(1).unstack("nights")
        table.index.name, table.columns.name = "seeds", "test nights"
        parts.append(
            f"{SPLIT_NAMES.get(split, split)}: {METRIC_NAMES.get(metric, metric)}\n{table.to_string(na_rep='-')}"
        )
    return "\n\n".join(parts)


def draw_plan(plan: pd.DataFrame) -> Figure:
    """Draw the smallest difference by the number of test nights, one line for each number of seeds."""
    panels_of = list(plan.groupby(["split", "metric"], sort=False))
    figure = Figure(figsize=(10, 0.6 + 2.6 * -(-len(panels_of) // 3)))
    panels = figure.subplots(-(-len(panels_of) // 3), 3, squeeze=False).ravel()
    for panel, ((split, metric), rows) in zip(panels, panels_of, strict=False):
        for index, (seeds, line) in enumerate(rows.groupby("seeds")):
            color = COLORS[index % len(COLORS)]
            panel.plot(
                line.nights, 100 * line.detectable_effect, "o-", color=color, markersize=3.5, label=f"{seeds} seeds"
            )
        panel.set_title(f"{SPLIT_NAMES.get(split, split)}\n{METRIC_NAMES.get(metric, metric)}", fontsize=9)
        panel.set(xlabel="Test nights", ylabel="Difference (points)")
        panel.set_ylim(bottom=0)
    for panel in panels[len(panels_of) :]:
        panel.set_visible(False)
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=6, frameon=False)
    return figure
