"""What is left on the terminal when a run has ended."""

from pathlib import Path

import pandas as pd

SHOWN = {"average_precision": "AP", "f1": "F1", "precision": "precision", "recall": "recall"}


def of_results(results: str) -> str:
    """A short text: the differences from the baselines, seeds averaged, and where the report lies.

    Parameters
    ----------
    results : the folder of the results.
    """
    deltas_path, report_path = Path(results, "deltas.csv"), Path(results, "report.html")
    if not (deltas_path.is_file() and report_path.is_file()):
        return ""
    return f"\n{table_of(pd.read_csv(deltas_path, dtype={'value': str}))}\n\nReport: {report_path.resolve()}\n"


def table_of(deltas: pd.DataFrame) -> str:
    """Differences in points (hundredths), one line per comparison and split, one column per metric."""
    shown = deltas[deltas.metric.isin(list(SHOWN))]
    first, last = list(deltas.columns).index("baseline") + 1, list(deltas.columns).index("metric")
    held = [axis for axis in deltas.columns[first:last] if axis == "split" or deltas[axis].nunique() > 1]
    keys = ["split", *[axis for axis in held if axis != "split"], "vary", "value", "baseline"]
    wide = shown.assign(points=100 * shown.difference).pivot_table(index=keys, columns="metric", values="points", sort=False)
    wide = wide[list(SHOWN)].rename(columns=SHOWN).sort_index(level=keys[: len(held)], sort_remaining=False)
    lines = wide.reset_index().to_string(index=False, float_format="{:+.1f}".format)
    return f"Difference from the baseline in points (100 x), mean over {deltas.n.max()} seeds:\n{lines}"
