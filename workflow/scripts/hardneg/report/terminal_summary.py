"""Summarize a run for the terminal when it ends."""

import re
import shutil
from pathlib import Path

import pandas as pd

from hardneg.common import tables
from hardneg.common.errors import KILLED_ADVICE, describe_full_disk
from hardneg.common.formatting import MISSING
from hardneg.report.findings import JUDGED
from hardneg.statistics.delta_table import varying_axes

SIGKILLED = re.compile(r"SIGKILL|OUT_OF_MEMORY|exit status (-9|137)\b|exit code (-9|137)\b")
NEARLY_FULL = 1_000_000  # bytes free
SHORT_NAMES = {
    "average_precision": "AP",
    "f1": "F1",
    "precision": "precision",
    "recall": "recall",
    "precision_at_baseline_recall": "P@R",
    "recall_at_baseline_fp_rate": "R@FP",
}


def summarize_results(results: str) -> str:
    """Write the answer, the differences as means over seeds, and the path of the report.

    After `snakemake mine`, which makes no report, write the summary of the first look at the pool instead.

    Parameters
    ----------
    results : the folder of the results.
    """
    look_path = Path(results, "mining", "first_look.txt")
    deltas_path, answer_path, report_path = (
        Path(results, name) for name in ("deltas.csv", "answer.txt", "report.html")
    )
    has_report = deltas_path.is_file() and answer_path.is_file() and report_path.is_file()
    if look_path.is_file() and not (has_report and look_path.stat().st_mtime < answer_path.stat().st_mtime):
        return f"\n{look_path.read_text(encoding='utf-8')}"
    if not has_report:
        return ""
    deltas = tables.read(deltas_path)
    answer = answer_path.read_text(encoding="utf-8")
    warnings = format_warnings(Path(results, "comparison_warnings.csv"))
    return f"\n{answer}\n{format_differences(deltas)}\n\n{warnings}Report: {report_path.resolve()}\n"


def summarize_sites(results: str) -> str:
    """Write what the tiers do over sites that were held out in turn; empty before the comparison is made."""
    text_path, page_path = Path(results, "sites.txt"), Path(results, "sites.html")
    if not (text_path.is_file() and page_path.is_file()):
        return ""
    return f"\n{text_path.read_text(encoding='utf-8')}\nReport: {page_path.resolve()}\n"


def explain_failure(results: str, logs: list[str]) -> str:
    """Explain a failure that the machine may have caused, from Snakemake's own logs; empty if nothing is known.

    Parameters
    ----------
    results : the folder of the results.
    logs : the paths of Snakemake's logs.
    """
    text = "".join(Path(log).read_text(errors="replace") for log in logs if Path(log).is_file())
    folder = Path(results).resolve()
    if folder.exists() and shutil.disk_usage(folder).free < NEARLY_FULL:
        return f"\n{describe_full_disk(folder)}\n"
    return f"\nA job was {KILLED_ADVICE}\n" if SIGKILLED.search(text) else ""


def summarize_claims(results: str) -> str:
    """Write the verdict on each claim of a study, and the path of the page that explains them."""
    claims_path, page_path = Path(results, "published", "claims.csv"), Path(results, "published", "claims.md")
    if not (claims_path.is_file() and page_path.is_file()):
        return ""
    claims = tables.read(claims_path).drop_duplicates("claim")
    lines = [f"{row.claim:>3}. {row.text}: {row.claim_verdict}" for row in claims.itertuples()]
    return "\n" + "\n".join([*lines, "", f"Details: {page_path.resolve()}"]) + "\n"


def format_warnings(path: Path) -> str:
    """Format what limits the comparisons, one line per warning; empty without warnings."""
    warnings = pd.read_csv(path) if path.is_file() else pd.DataFrame()
    lines = [f"- {row.arm}: {row.warning}" for row in warnings.itertuples()]
    return "\n".join(["Warnings", *lines]) + "\n\n" if lines else ""


def format_differences(deltas: pd.DataFrame) -> str:
    """Format the differences in points (hundredths), one line per comparison and split, one column per metric."""
    summary = deltas[deltas.metric.isin(SHORT_NAMES)]
    keys = ["vary", "baseline", "split", *varying_axes(deltas), "value"]
    wide = summary.assign(points=100 * summary.difference).pivot(index=keys, columns="metric", values="points")
    wide = wide.reindex(summary[keys].drop_duplicates()).sort_index(level="split", sort_remaining=False, kind="stable")
    shown = [metric for metric in SHORT_NAMES if metric in wide]
    summary = summary.assign(words=summary.verdict + " " + summary.metric.map(SHORT_NAMES))
    judged = summary[summary.verdict.isin(JUDGED)].groupby(keys, sort=False).words.agg("; ".join)
    on_f1 = "F1: " + summary[summary.metric == "f1"].set_index(keys).verdict
    verdicts = judged.reindex(wide.index).fillna(on_f1.reindex(wide.index))
    wide = wide[shown].rename(columns=SHORT_NAMES).assign(verdict=verdicts)
    texts = [f"Differences from the baseline in points (hundredths), mean of {deltas.n.max()} seeds"]
    if "P@R" in wide:
        texts[0] += (
            "\nP@R: precision at the baseline's recall. R@FP: recall at the baseline's false positives per hour."
        )
    for (vary, baseline), part in wide.groupby(level=["vary", "baseline"], sort=False):
        lines = part.droplevel(["vary", "baseline"]).reset_index()
        table = lines.rename(columns={"value": vary}).to_string(
            index=False, float_format="{:+.1f}".format, na_rep=MISSING
        )
        texts.append(f"{vary} compared with {baseline}:\n{table}")
    return "\n\n".join(texts)
