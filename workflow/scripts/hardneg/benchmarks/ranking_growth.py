"""Measure how time and memory grow with the pool: simulated scores are gathered, ranked and cut into tiers.

``python -m hardneg.benchmarks.ranking_growth results/growth`` writes ``growth.csv`` and ``growth.md``.
"""

import argparse
import multiprocessing
import resource
import shutil
import time
from collections.abc import Sequence
from multiprocessing.queues import Queue
from pathlib import Path

import numpy as np
import pandas as pd

from hardneg.common import tables
from hardneg.common.files import write_text
from hardneg.mining import ranking, tiers
from hardneg.mining.tiers import TierDefinition

WINDOWS_PER_SHARD = 100_000
WINDOWS_PER_FILE = 20
WINDOW_S = 3.0


def simulate_pool(folder: Path, windows: int, seed: int = 1) -> None:
    """Write the window scores of a pool of one-minute files, one shard at a time, and its ``recordings.parquet``.

    The shards are as from :func:`hardneg.mining.window_scoring.score_windows`.
    """
    rng = np.random.default_rng(seed)
    files = WINDOWS_PER_SHARD // WINDOWS_PER_FILE
    with tables.parquet_appender(folder / "recordings.parquet") as append:
        for shard in range(-(-windows // WINDOWS_PER_SHARD)):
            recorder, night = f"recorder{shard % 50:03d}", f"{20200101 + shard // 50}"
            paths = pd.Series([f"{recorder}/{night}/{night}_{file:06d}.WAV" for file in range(files)])
            start = np.tile(np.arange(WINDOWS_PER_FILE) * WINDOW_S, files)
            scores = pd.DataFrame(
                {
                    "file_path": paths.repeat(WINDOWS_PER_FILE).to_numpy(),
                    "start_s": start,
                    "end_s": start + WINDOW_S,
                    "confidence": rng.beta(0.3, 3, len(start)),
                }
            )
            tables.write(scores, folder / f"shard-{shard:06d}.parquet")
            recording = {"recorder_id": recorder, "date": night, "night": night, "site": "s"}
            append(pd.DataFrame({"file_path": paths} | recording | {"group": f"{recorder} {night}"}))


def measure_steps(folder: Path, shards: Sequence[Path]) -> dict[str, float]:
    """Gather, rank and cut a pool as the rules rank_pool and assign_tier do.

    Returns
    -------
    Time of each step (s), CPU time of the process (s), number of files, and peak memory (MiB).
    """
    times: dict[str, float] = {}
    started = time.perf_counter()

    def end_step(name: str) -> None:
        nonlocal started
        now = time.perf_counter()
        times[name], started = now - started, now

    scores = ranking.gather_scores(shards, folder / "windows.parquet")
    end_step("gather_s")
    scores = ranking.rank_files(scores, tables.read(folder / "recordings.parquet"))
    tables.write(scores, folder / "scores.parquet")
    files = len(scores)
    del scores  # each rule reads its own
    end_step("rank_s")
    hard = tiers.cut_tier(tables.read(folder / "scores.parquet"), "hard", TierDefinition(min_confidence=0.85)).files
    tables.write(hard, folder / "hard.csv")
    end_step("tier_s")
    control = tiers.cut_tier(
        tables.read(folder / "scores.parquet"), "control", TierDefinition(match_size_of="hard"), size=len(hard)
    ).files
    tables.write(control, folder / "control.csv")
    end_step("control_s")
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return times | {"cpu_s": usage.ru_utime + usage.ru_stime, "files": files, "peak_mib": usage.ru_maxrss / 1024}


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure each size of pool in a new process, and write the tables."""
    parser = argparse.ArgumentParser(
        prog="python -m hardneg.benchmarks.ranking_growth", description=str(__doc__).splitlines()[0]
    )
    parser.add_argument("folder", type=Path, help="where to write")
    parser.add_argument("--windows", type=float, nargs="+", default=[1e6, 1e7, 1e8], help="sizes of the pool")
    options = parser.parse_args(arguments)
    rows = []
    for windows in map(int, options.windows):
        pool = options.folder / f"pool-{windows}"
        pool.mkdir(parents=True, exist_ok=True)
        simulate_pool(pool, windows)
        rows.append(_measure_in_new_process(pool, windows))
        shutil.rmtree(pool)
        print(rows[-1], flush=True)
    table = pd.DataFrame(rows)
    tables.write(table, options.folder / "growth.csv")
    lines = [" | ".join(table.columns), " | ".join(["---"] * table.shape[1])]
    lines += [" | ".join(f"{value:,.1f}".removesuffix(".0") for value in row) for row in table.to_numpy(float)]
    write_text("".join(f"| {line} |\n" for line in lines), options.folder / "growth.md")


def _measure_in_new_process(folder: Path, windows: int) -> dict[str, float]:
    context = multiprocessing.get_context("spawn")
    results: Queue[dict[str, float]] = context.Queue()
    process = context.Process(target=_measure, args=(folder, windows, results))
    process.start()
    row = results.get()
    process.join()
    return row


def _measure(folder: Path, windows: int, results: "Queue[dict[str, float]]") -> None:
    shards = sorted(folder.glob("shard-*.parquet"))
    results.put({"windows": windows, "shards": len(shards)} | measure_steps(folder, shards))


if __name__ == "__main__":
    main()
