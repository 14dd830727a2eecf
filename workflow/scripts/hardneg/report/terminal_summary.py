"""What is left on the terminal when a run has ended."""

import re
import shutil
from pathlib import Path

import pandas as pd

from hardneg.common.errors import KILLED_ADVICE, describe_full_disk
from hardneg.statistics import delta_table

SIGKILLED = re.compile(r"SIGKILL|OUT_OF_MEMORY|exit status (-9|137)\b|exit code (-9|137)\b")
NEARLY_NOTHING = 1_000_000  # bytes
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


def of_failure(results: str, logs: list[str]) -> str:
    """What may have gone wrong with the machine, told from Snakemake's own logs; empty if nothing is known.

    Parameters
    ----------
    results : the folder of the results.
    logs : the paths of Snakemake's logs.
    """
    said = "".join(Path(log).read_text(errors="replace") for log in logs if Path(log).is_file())
    folder = Path(results).resolve()
    if folder.exists() and shutil.disk_usage(folder).free < NEARLY_NOTHING:
        return f"\n{describe_full_disk(folder)}\n"
    return f"\nA job was {KILLED_ADVICE}\n" if SIGKILLED.search(said) else ""


def of_claims(results: str) -> str:
    """The verdict on each claim, and where the whole lies."""
    claims_path, page_path = Path(results, "published", "claims.csv"), Path(results, "published", "claims.md")
    if not (claims_path.is_file() and page_path.is_file()):
        return ""
    claims = pd.read_csv(claims_path).drop_duplicates("claim")
    lines = [f"{row.claim:>3}. {row.text}: {row.claim_verdict}" for row in claims.itertuples()]
    return "\n" + "\n".join([*lines, "", f"Claims: {page_path.resolve()}"]) + "\n"


def table_of(deltas: pd.DataFrame) -> str:
    """Differences in points (hundredths), one line per comparison and split, one column per metric."""
    shown = deltas[deltas.metric.isin(list(SHOWN))]
    held = delta_table.varying_axes(deltas)
    keys = ["vary", "baseline", "split", *held, "value"]
    wide = shown.assign(points=100 * shown.difference).pivot(index=keys, columns="metric", values="points")
    wide = wide.reindex(shown[keys].drop_duplicates()).sort_index(level="split", sort_remaining=False, kind="stable")
    verdicts = shown[shown.metric == "f1"].set_index(keys).verdict.reindex(wide.index)
    wide = wide[list(SHOWN)].rename(columns=SHOWN).assign(**{"verdict on F1": verdicts})
    texts = [f"Difference in points (100 x), mean over {deltas.n.max()} seeds"]
    for (vary, baseline), part in wide.groupby(level=["vary", "baseline"], sort=False):
        lines = part.droplevel(["vary", "baseline"]).reset_index()
        lines = lines.rename(columns={"value": vary}).to_string(index=False, float_format="{:+.1f}".format)
        texts.append(f"{vary} against {baseline}:\n{lines}")
    return "\n\n".join(texts)
