"""Measure how the tables grow: simulated pools, scored, gathered, ranked and cut into tiers.

``python -m hardneg.benchmarks.ranking_growth results/growth`` writes ``growth.csv`` and ``growth.md``.
"""

import argparse
import multiprocessing
import resource
import shutil
import time
from pathlib import Path

import numpy as np
import pandas as pd

from hardneg.common import tables
from hardneg.common.files import write_text
from hardneg.mining import ranking, tiers
from hardneg.mining.tiers import TierDefinition

SHARD_WINDOWS = 100_000
WINDOWS_PER_FILE = 20
WINDOW_S = 3.0


def simulate(folder: Path, windows: int, seed: int = 1) -> list[Path]:
    """Write the window scores of a pool of one-minute files, a shard at a time, and what is known of its recordings.

    Returns
    -------
    The shards' tables, as :func:`hardneg.mining.window_scoring.score_windows` gives them. ``recordings.parquet`` is beside them.
    """
    rng = np.random.default_rng(seed)
    files = SHARD_WINDOWS // WINDOWS_PER_FILE
    shards = []
    with tables.parquet_appender(folder / "recordings.parquet") as append:
        for shard in range(-(-windows // SHARD_WINDOWS)):
            recorder, night = f"recorder{shard % 50:03d}", f"{20200101 + shard // 50}"
            paths = pd.Series([f"{recorder}/{night}/{night}_{place:06d}.WAV" for place in range(files)])
            start = np.tile(np.arange(WINDOWS_PER_FILE) * WINDOW_S, files)
            scored = pd.DataFrame(
                {
                    "file_path": paths.repeat(WINDOWS_PER_FILE).to_numpy(),
                    "start_s": start,
                    "end_s": start + WINDOW_S,
                    "confidence": rng.beta(0.3, 3, len(start)),
                }
            )
            shards.append(folder / f"shard-{shard:06d}.parquet")
            tables.write(scored, shards[-1])
            about = {"recorder_id": recorder, "date": night, "site": "s", "group": f"{recorder} {night}"}
            append(pd.DataFrame({"file_path": paths} | about))
    return shards


def tier(folder: Path, shards: list[Path]) -> dict[str, float]:
    """Gather, rank and cut as the rules rank_pool and assign_tier do; give the time of each (s) and the peak memory."""
    times, started = {}, time.perf_counter()

    def lap(name: str) -> None:
        nonlocal started
        now = time.perf_counter()
        times[name], started = now - started, now

    scores = ranking.gather_scores(shards, folder / "windows.parquet")
    lap("gather_s")
    scores = ranking.rank_files(scores, tables.read(folder / "recordings.parquet"))
    tables.write(scores, folder / "scores.parquet")
    files = len(scores)
    del scores  # each rule begins anew
    lap("rank_s")
    hard = tiers.cut_tier(tables.read(folder / "scores.parquet"), "hard", TierDefinition(min_confidence=0.85))
    tables.write(hard, folder / "hard.csv")
    lap("tier_s")
    control = tiers.cut_tier(
        tables.read(folder / "scores.parquet"), "control", TierDefinition(match_size_of="hard"), size=len(hard)
    )
    tables.write(control, folder / "control.csv")
    lap("control_s")
    used = resource.getrusage(resource.RUSAGE_SELF)
    return times | {"cpu_s": used.ru_utime + used.ru_stime, "files": files, "peak_mib": used.ru_maxrss / 1024}


def _measure(folder: Path, windows: int, found: multiprocessing.Queue) -> None:
    shards = sorted(folder.glob("shard-*.parquet"))
    found.put({"windows": windows, "shards": len(shards)} | tier(folder, shards))


def main(arguments: list[str] | None = None) -> None:
    """Measure each size in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--windows", type=float, nargs="+", default=[1e6, 1e7, 1e8])
    options = parser.parse_args(arguments)
    rows = []
    context = multiprocessing.get_context("spawn")
    for windows in map(int, options.windows):
        pool = options.folder / f"pool-{windows}"
        pool.mkdir(parents=True, exist_ok=True)
        simulate(pool, windows)
        found = context.Queue()
        process = context.Process(target=_measure, args=(pool, windows, found))
        process.start()
        rows.append(found.get())
        process.join()
        shutil.rmtree(pool)
        print(rows[-1], flush=True)
    table = pd.DataFrame(rows)
    tables.write(table, options.folder / "growth.csv")
    lines = [" | ".join(table.columns), " | ".join(["---"] * table.shape[1])]
    lines += [" | ".join(f"{value:,.1f}".removesuffix(".0") for value in row) for row in table.to_numpy(float)]
    write_text("".join(f"| {line} |\n" for line in lines), options.folder / "growth.md")


if __name__ == "__main__":
    main()
