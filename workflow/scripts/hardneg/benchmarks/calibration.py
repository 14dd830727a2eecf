"""Test verdicts and recommendations on studies whose true effect is known.

``python -m hardneg.benchmarks.calibration results/calibration`` writes the tables of docs/understanding/statistics.md.
"""

import argparse
import multiprocessing
import os
import warnings
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats

from hardneg.benchmarks.calibration_cells import INTERACTIONS, Cell, extend_cell, rounds_of
from hardneg.common.display_names import METRIC_NAMES
from hardneg.common.files import write_text
from hardneg.common.log import track_progress
from hardneg.models.metrics import LOWER_IS_BETTER, TEST_SPLIT_METRICS
from hardneg.statistics.paired_tests import adjust_p_values

ALPHA = 0.05
STEP = 40
DESIGN = [
    "seeds", "validation_nights", "validation_files", "test_nights", "effect", "scores", "shared", "recorders",
    "internal", "interaction",
]  # fmt: skip
SEEDS = (3, 5, 10)
VALIDATION = ((4, 30), (14, 11), (30, 20))
TEST_NIGHTS = (6, 12, 40)
PLANTED_EFFECTS = (0.6, 1.2)
BEST_TIER = "tier 1"
CALLS = ("improves", "hurts")
DEPENDS = "depends"
POOLED = {
    "all": "any_design",
    "studies": "kind",
    "seeds": "seeds",
    "validation nights": "validation_nights",
    "test nights": "test_nights",
    "share of files with a call": "prevalence",
}
REDUCED_CELLS = (Cell(3, 14, 11, 12), Cell(6, 4, 30, 12, shared=True))


def list_cells(scores: Sequence[str] = ()) -> list[Cell]:
    """List the designs of the full grid.

    Parameters
    ----------
    scores : folders of finished runs, whose scores are permuted as well.
    """
    designs = list(product(TEST_NIGHTS, VALIDATION, SEEDS))
    cells = [Cell(seeds, *validation, nights) for nights, validation, seeds in designs]
    cells += [Cell(seeds, *nights, 40, shared=True) for nights, seeds in product(((4, 30), (14, 11)), SEEDS)]
    cells += [Cell(2, 14, 11, 12), Cell(2, 14, 11, 40), Cell(5, 14, 11, 3), Cell(5, 4, 30, 3)]
    cells += [
        Cell(seeds, 14, 11, nights, effect) for effect, nights, seeds in product(PLANTED_EFFECTS, (12, 40), SEEDS)
    ]
    cells += [
        Cell(seeds, validation, 0, nights, 0.0, folder)
        for folder, seeds, validation, nights in product(scores, (3, 5), (4, 14), TEST_NIGHTS)
    ]
    return cells


def list_interaction_cells() -> list[Cell]:
    """List the designs in which the verdict on an interaction is tested."""
    grid = product(INTERACTIONS, (12, 40), (3, 10))
    return [Cell(seeds, 14, 11, nights, 1.2, interaction=kind) for kind, nights, seeds in grid]


def list_further_cells() -> list[Cell]:
    """List designs with `internal` validation, and those whose nights four recorders hear and count as four nights."""
    grid = list(product((12, 40), (3, 10)))
    cells = [Cell(seeds, 14, 11, nights, internal=True) for nights, seeds in grid]
    return cells + [Cell(seeds, 14, 11, nights, recorders=4) for nights, seeds in grid]


def calibrate(cells: Sequence[Cell], studies: int, resamples: int, folder: Path, workers: int) -> pd.DataFrame:
    """Run the studies of all cells, in rounds that each add some studies to every cell.

    Parameters
    ----------
    studies : of each cell.
    resamples : draws of each bootstrap.
    folder : keeps the studies, so that an interrupted calibration continues.
    workers : processes; each runs one cell at a time.

    Returns
    -------
    The rows of :func:`hardneg.benchmarks.calibration_cells.run_study`, with the attributes of the cell.
    """
    context = multiprocessing.get_context("spawn")  # a forked process can wait forever for a lock of another thread
    with ProcessPoolExecutor(workers, mp_context=context, initializer=_prepare_process) as pool:
        for count in rounds_of(studies, STEP):
            extend = partial(extend_cell, studies=count, resamples=resamples, folder=folder)
            tables = list(track_progress(pool.map(extend, cells), len(cells), f"{count} studies of each cell"))
    return pd.concat(
        [
            table.assign(**{name: getattr(cell, name) for name in DESIGN})
            for cell, table in zip(cells, tables, strict=True)
        ],
        ignore_index=True,
    )


def _prepare_process() -> None:
    warnings.simplefilter("ignore")


def summarize(judged: pd.DataFrame) -> pd.DataFrame:
    """Count verdicts and recommendations per cell and metric.

    The 95 % limits are those of C. J. Clopper and E. S. Pearson, *Biometrika* 26, 1934. They count each study once,
    although it has three differences.

    Returns
    -------
    One row per cell and metric:

    - ``studies``, and ``decided``, the studies with a verdict in this metric;
    - ``withheld``, the share of differences without a verdict;
    - ``called``, the share of decided studies in which any tier without a true effect *improves* or *hurts* after
      adjustment, with ``called_low`` and ``called_high``;
    - ``alone``, the share of differences without a true effect whose p is at most 0.05 before adjustment;
    - ``recommended``, the share of studies that recommend a tier without a true effect, with limits;
    - ``covered``, the share of intervals with the true difference, with limits;
    - ``difference``, the true difference of the first tier;
    - ``power``, the share of decided studies that call the first tier as it truly is;
    - ``oracle_power``, the same for a z test that knows the standard error of the difference. Its p values are adjusted
      in the same way.
    """
    rows = []
    for key, cell in judged.groupby(DESIGN, sort=False):
        design = dict(zip(DESIGN, key, strict=True))
        effects = {BEST_TIER: design["effect"], "tier 2": design["effect"] / 2}
        useless = cell[cell["value"].map(effects).fillna(0) == 0]
        recommended = useless.groupby("study").recommended.max()
        for metric in cell.metric.unique():
            part = _add_truth(cell[cell.metric == metric], has_effect=design["effect"] != 0)
            counts = {"metric": metric, "studies": cell.study.nunique(), "withheld": part.p.isna().mean()}
            verdicts = _count_verdicts(part, useless[useless.metric == metric])
            rows.append(design | counts | verdicts | _measure_share("recommended", recommended))
    return pd.DataFrame(rows)


def summarize_interactions(judged: pd.DataFrame) -> pd.DataFrame:
    """Count how often an interaction is found, per cell and metric.

    Returns
    -------
    One row per cell and metric, with ``studies, decided, withheld`` as in :func:`summarize`, ``called``, the share of
    decided studies in which the tier's effect *depends* on the positives, and ``covered``, each with limits. The true
    interaction is zero, or the mean over all studies of the same kind if the cell has one.
    """
    rows = []
    for (*key, metric), part in judged.groupby([*DESIGN, "metric"], sort=False):
        design = dict(zip(DESIGN, key, strict=True))
        part = _add_truth(part, has_effect=sum(INTERACTIONS[design["interaction"]]) == 1)
        decided = part[part.p.notna()]
        covered = decided.ci_low.le(decided.truth) & decided.ci_high.ge(decided.truth)
        counts = {"metric": metric, "studies": len(part), "decided": len(decided), "withheld": part.p.isna().mean()}
        called = _measure_share("called", decided.verdict == DEPENDS)
        rows.append(design | counts | called | _measure_share("covered", covered))
    return pd.DataFrame(rows)


def pool_cells(judged: pd.DataFrame) -> pd.DataFrame:
    """Count false calls over all cells without an effect that share one property of their design.

    Returns
    -------
    One row per property, value and metric: ``property, value, metric, studies``, and the columns ``decided``,
    ``called`` and ``recommended`` of :func:`summarize`.
    """
    without_effect = judged[judged.effect == 0]
    without_effect = without_effect.assign(
        study=without_effect.groupby([*DESIGN, "study"]).ngroup(),
        any_design="all",
        kind=[_name_kind(design) for design in without_effect[DESIGN].to_dict("records")],
    )
    rows = []
    for name, column in POOLED.items():
        for value, group in without_effect.groupby(column):
            recommended = group.groupby("study").recommended.max()
            start = {"property": name, "value": value, "studies": group.study.nunique()}
            for metric, part in group.groupby("metric", sort=False):
                decided = part[part.p.notna()]
                called = decided.verdict.isin(CALLS).groupby(decided.study).any()
                shares = _measure_share("called", called) | _measure_share("recommended", recommended)
                rows.append(start | {"metric": metric, "decided": len(called)} | shares)
    return pd.DataFrame(rows)


def _name_kind(design: Mapping[str, object]) -> str:
    if design["scores"]:
        return "permuted scores"
    if design["interaction"]:
        return str(design["interaction"])
    if design["internal"]:
        return "simulated, internal"
    if design["recorders"] != 1:
        return f"simulated, {design['recorders']} recorders"
    return "simulated, shared" if design["shared"] else "simulated"


def _add_truth(differences: pd.DataFrame, has_effect: bool) -> pd.DataFrame:
    """Add the true difference and standard error: mean and standard deviation over all studies of the same kind."""
    by_kind = differences.groupby(["value", "prevalence"]).difference
    truth = by_kind.transform("mean") if has_effect else 0.0
    return differences.assign(truth=truth, true_error=by_kind.transform("std"))


def _count_verdicts(part: pd.DataFrame, useless: pd.DataFrame) -> dict[str, float]:
    decided = part[part.p.notna()]
    without_effect = useless[useless.p.notna()]
    called = without_effect.verdict.isin(CALLS).groupby(without_effect.study).any()
    covered = decided.ci_low.le(decided.truth) & decided.ci_high.ge(decided.truth)
    best = decided[decided["value"] == BEST_TIER]
    higher = part.metric.iloc[0] not in LOWER_IS_BETTER
    true_verdict = np.where((best.truth > 0) == higher, "improves", "hurts")
    return {
        "decided": decided.study.nunique(),
        **_measure_share("called", called),
        "alone": float((without_effect.p <= ALPHA).mean()),
        **_measure_share("covered", covered, decided.study.nunique()),
        "difference": best.truth.mean(),
        "power": float(np.mean(best.verdict == true_verdict)) if len(best) else np.nan,
        "oracle_power": _measure_oracle_power(decided),
    }


def _measure_oracle_power(decided: pd.DataFrame) -> float:
    p = pd.Series(2 * stats.norm.sf(np.abs(decided.difference / decided.true_error)), decided.index)
    adjusted = p.groupby(decided.study).transform(lambda family: adjust_p_values(family.to_numpy()))
    is_right = (adjusted <= ALPHA) & (np.sign(decided.difference) == np.sign(decided.truth))
    return float(is_right[decided["value"] == BEST_TIER].mean())


def _measure_share(name: str, hits: pd.Series, studies: int | None = None) -> dict[str, float]:
    """Measure a share and its limits; `studies` is the number of independent hits, if there are fewer than hits."""
    count = len(hits) if studies is None else studies
    if count == 0:
        return dict.fromkeys([name, f"{name}_low", f"{name}_high"], np.nan)
    share = float(hits.mean())
    limits = stats.binomtest(round(share * count), count).proportion_ci(0.95, method="exact")
    return {name: share, f"{name}_low": limits.low, f"{name}_high": limits.high}


def format_markdown(table: pd.DataFrame, pooled: pd.DataFrame) -> str:
    """Format the results of :func:`summarize` and :func:`pool_cells` as Markdown, one table per question."""
    none, planted = table[table.effect == 0], table[table.effect != 0]
    parts = ["Any tier called *improves* or *hurts* without an effect, or recommended (% of studies), all designs:\n"]
    parts += [_format_pooled(pooled), "The same in each design:\n", _format_shares(none, "called", ("recommended",))]
    parts += ["Intervals that contain the true difference (%):\n", _format_shares(table, "covered")]
    parts += ["Differences without a verdict (%):\n", _format_shares(table, "withheld")]
    if len(planted):
        parts += ["Power, and in brackets that of an oracle that knows the standard error (%):\n"]
        parts.append(_format_power(planted))
    return "\n".join(parts)


def format_interactions(table: pd.DataFrame) -> str:
    """Format the results of :func:`summarize_interactions` as Markdown."""
    return "\n".join(
        [
            "The tier's effect *depends* on the positives (% of studies):\n",
            _format_shares(table, "called"),
            "Intervals that contain the true interaction (%):\n",
            _format_shares(table, "covered"),
        ]
    )


def _format_shares(table: pd.DataFrame, share: str, more: tuple[str, ...] = ()) -> str:
    lines = _start_table([METRIC_NAMES[metric] for metric in TEST_SPLIT_METRICS] + list(more))
    for key, cell in table.groupby(DESIGN, sort=False):
        by_metric = cell.set_index("metric")
        cells = [_format_share(by_metric.loc[metric], share) for metric in TEST_SPLIT_METRICS]
        cells += [_format_share(cell.iloc[0], name) for name in more]
        lines.append(_format_row(key, cell.studies.iloc[0], cells))
    return "\n".join(lines) + "\n"


def _format_pooled(pooled: pd.DataFrame) -> str:
    names = [METRIC_NAMES[metric] for metric in TEST_SPLIT_METRICS]
    header = ["studies with", "number of studies", *names, "recommended"]
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    for (name, value), group in pooled.groupby(["property", "value"], sort=False):
        by_metric = group.set_index("metric")
        cells = [_format_share(by_metric.loc[metric], "called") for metric in TEST_SPLIT_METRICS]
        cells.append(_format_share(group.iloc[0], "recommended"))
        label = "any design" if name == "all" else f"{name}: {value}"
        lines.append("| " + " | ".join([label, str(group.studies.iloc[0]), *cells]) + " |")
    return "\n".join(lines) + "\n"


def _format_power(table: pd.DataFrame) -> str:
    lines = _start_table([METRIC_NAMES[metric] for metric in TEST_SPLIT_METRICS])
    for key, cell in table.groupby(DESIGN, sort=False):
        by_metric = cell.set_index("metric").loc[list(TEST_SPLIT_METRICS)]
        powers = zip(by_metric.power, by_metric.oracle_power, strict=True)
        cells = [f"{100 * power:.0f} ({100 * oracle:.0f})" for power, oracle in powers]
        lines.append(_format_row(key, cell.studies.iloc[0], cells))
    return "\n".join(lines) + "\n"


def _start_table(columns: list[str]) -> list[str]:
    header = ["studies", "effect (logits)", "seeds", "validation nights", "test nights", "number of studies", *columns]
    return ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]


def _format_row(key: tuple[object, ...], studies: int, cells: list[str]) -> str:
    design = dict(zip(DESIGN, key, strict=True))
    world = _name_kind(design)
    files = f" x {design['validation_files']} files" if design["validation_files"] else ""
    validation = f"{design['validation_nights']}{files}"
    start = [world, f"{design['effect']:g}", str(design["seeds"]), validation, str(design["test_nights"]), str(studies)]
    return "| " + " | ".join([*start, *cells]) + " |"


def _format_share(row: pd.Series, name: str) -> str:
    if pd.isna(row[name]):
        return ""
    limits = f" ({100 * row[f'{name}_low']:.1f}-{100 * row[f'{name}_high']:.1f})" if f"{name}_low" in row else ""
    return f"{100 * row[name]:.1f}{limits}"


def main() -> None:
    """Calibrate on the full grid, and write the tables."""
    parser = argparse.ArgumentParser(prog="python -m hardneg.benchmarks.calibration", description=__doc__)
    parser.add_argument("folder", type=Path, help="for calibration.md, calibration.csv and the studies")
    parser.add_argument("--studies", type=int, default=1000, help="of each cell")
    parser.add_argument("--resamples", type=int, default=300, help="draws of each bootstrap")
    parser.add_argument("--scores", nargs="*", default=[], help="folders of finished runs, whose scores are permuted")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="processes")
    parser.add_argument("--reduced", action="store_true", help="only two designs")
    parser.add_argument("--interactions", action="store_true", help="test verdicts on interactions instead")
    parser.add_argument("--further", action="store_true", help="test internal validation and shared nights instead")
    options = parser.parse_args()
    _prepare_process()
    name = "interactions" if options.interactions else "further" if options.further else "calibration"
    cells = {"interactions": list_interaction_cells(), "further": list_further_cells()}.get(
        name, REDUCED_CELLS if options.reduced else list_cells(options.scores)
    )
    judged = calibrate(cells, options.studies, options.resamples, options.folder / "studies", options.workers)
    if options.interactions:
        table = summarize_interactions(judged)
        page = format_interactions(table)
    else:
        table = summarize(judged)
        page = format_markdown(table, pool_cells(judged))
    table.to_csv(options.folder / f"{name}.csv", index=False)
    write_text(page, options.folder / f"{name}.md")
    print(page)


if __name__ == "__main__":
    main()
