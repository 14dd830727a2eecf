"""Time a matrix of the size of the reference study, on simulated features.

``python -m hardneg.benchmarks.matrix_timing results/bench`` writes ``matrix-<time>/matrix.txt``. It works as the rules
do, in new processes of one thread. ``train`` trains a run, ``evaluate`` scores the runs of three seeds, and
``collect_runs`` measures all of them. Times include imports, but not Snakemake. Runs are heads on embeddings or, with
``--model cnn``, the default network on log-mel windows. With ``--device cuda`` the processes share a GPU.
"""

import argparse
import multiprocessing
import os
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from hardneg.common import tables
from hardneg.common.files import write_text
from hardneg.models.training_settings import NO_AUGMENTATION, TrainingSettings

WINDOW_S = 3.0
INPUT: dict[str, Any] = {"windows": {"length_s": WINDOW_S}, "features": {"kind": "simulated"}}
# Files of each split. The test splits have the size of the study's.
FILES = {"train": 5500, "val": 1000, "test_iid": 2943, "test_ood": 3585, "pool": 1500}
SHAPES = {"head": (1024,), "cnn": (64, 188)}  # the latter is 3 s in 64 bands, with a frame every 16 ms
RECORDER_NIGHTS = 400
SEEDS = 3
BLOCK_ROWS = 500
TRAINING = TrainingSettings(
    model="head",
    channels=[16, 32, 64, 128],
    hidden_units=0,
    dropout=0.25,
    epochs=50,
    keep_epoch="last",
    ema=0.98,
    epoch_measure="average_precision",
    patience=0,
    min_epochs=1,
    batch_size=32,
    learning_rate=0.001,
    weight_decay=0.01,
    warmup_fraction=0.1,
    augmentation=NO_AUGMENTATION,
    mixup=0.2,
    label_smoothing=0.1,
    focal_gamma=0,
    balance="batches",
    mined="add",
    mined_share=0.25,
    mined_weight=1.0,
    mined_windows_per_file=1,
    epoch_size="labelled",
    weak_labels="all",
    upsampling="none",
    upsampling_ratio=1.0,
    internal_fraction=0.2,
)


def simulate_features(folder: Path, shape: tuple[int, ...], files: Mapping[str, int] = FILES, seed: int = 1) -> None:
    """Write the tables and the array that a run reads: features of this `shape`, one window for each of `files`."""
    rng = np.random.default_rng(seed)
    split = np.repeat(list(files), list(files.values()))
    rows = np.arange(len(split))
    positive = (rows % 2 == 0) & (split != "pool")
    recordings = pd.DataFrame(
        {
            "file_path": [f"{row:06d}.wav" for row in rows],
            "split": split,
            "label": np.where(positive, "positive", "negative"),
            "group": (rows % RECORDER_NIGHTS).astype(str),
        }
    ).assign(quality="high", call_type="", site="s", recorder_id="r", date="", night="", duration_s=WINDOW_S)
    index = pd.DataFrame({"file_path": recordings.file_path, "start_s": 0.0, "end_s": WINDOW_S, "row": rows})
    array = np.lib.format.open_memmap(folder / "features.npy", "w+", np.float16, (len(split), *shape))
    for start in range(0, len(split), BLOCK_ROWS):
        block = array[start : start + BLOCK_ROWS]
        shift = 0.05 * positive[start : start + BLOCK_ROWS].reshape(-1, *[1] * len(shape))
        block[:] = rng.standard_normal(block.shape, np.float32) + shift
    index["array"] = str(folder / "features.npy")
    in_pool = split == "pool"
    tables.write(recordings[~in_pool], folder / "labelled.parquet")
    tables.write(index[~in_pool], folder / "index.parquet")
    tables.write(index[in_pool], folder / "pool_index.parquet")
    tables.write(recordings[in_pool].assign(start_s=0.0), folder / "tier.csv")
    tables.write(
        recordings[positive & (split == "train")][["file_path"]].assign(start_s=np.nan), folder / "positives.csv"
    )


def train(folder: Path, device: str, training: TrainingSettings, seed: int) -> float:
    """Train one run and return the CPU time (s) of this process since it started."""
    from hardneg.common import torch_device
    from hardneg.experiments import training_run

    run = folder / f"run-{seed}"
    run.mkdir()
    inputs = training_run.RunInputs(
        labelled=str(folder / "labelled.parquet"),
        positives=str(folder / "positives.csv"),
        index=str(folder / "index.parquet"),
        tier=str(folder / "tier.csv"),
        pool_index=str(folder / "pool_index.parquet"),
    )
    outputs = training_run.RunOutputs(
        weights=str(run / "model.safetensors"),
        description=str(run / "model.json"),
        history=str(run / "history.csv"),
        validation_scores=str(run / "validation.parquet"),
        training_set=str(run / "set.parquet"),
    )
    settings = training_run.RunSettings({"validation": "holdout"}, seed, training, INPUT)
    training_run.train_run(inputs, outputs, settings, torch_device.select_device(device, 1))
    return time.process_time()


def score(folder: Path, device: str, seeds: Sequence[int]) -> float:
    """Score the runs of these seeds, and return the CPU time (s) of this process since it started."""
    from hardneg.common import torch_device
    from hardneg.experiments import split_scores
    from hardneg.models import checkpoints

    device = torch_device.select_device(device, 1)
    runs = [folder / f"run-{seed}" for seed in seeds]
    scores = split_scores.score_splits(
        [checkpoints.load(run / "model.safetensors", INPUT).to(device) for run in runs],
        tables.read(folder / "labelled.parquet"),
        tables.read(folder / "index.parquet"),
        [tables.read(run / "validation.parquet") for run in runs],
        device,
    )
    for table, run in zip(scores, runs, strict=True):
        tables.write(table, run / "scores.parquet")
    return time.process_time()


def measure(folder: Path, seeds: Sequence[int]) -> float:
    """Measure the runs of these seeds, and return the CPU time (s) of this process since it started."""
    from hardneg.experiments import evaluation, run_tables
    from hardneg.models.thresholds import HIGHEST_F1

    scores, models = ([folder / f"run-{seed}" / name for seed in seeds] for name in ("scores.parquet", "model.json"))
    settings = evaluation.EvaluationSettings(precision=0.9, calibration_bins=10, rule=HIGHEST_F1)
    collected = run_tables.collect_runs(scores, models, [{"seed": str(seed)} for seed in seeds], settings)
    tables.write(collected.runs, folder / "runs.csv")
    return time.process_time()


def main(arguments: Sequence[str] | None = None) -> None:
    """Train and score the runs in parallel, measure them, and write how long that took."""
    parser = argparse.ArgumentParser(
        prog="python -m hardneg.benchmarks.matrix_timing", description=str(__doc__).splitlines()[0]
    )
    parser.add_argument("folder", type=Path, help="where to write")
    parser.add_argument("--runs", type=int, default=72)
    parser.add_argument("--model", choices=SHAPES, default="head")
    parser.add_argument("--hidden-units", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=50)
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--processes", type=int, default=os.cpu_count(), help="runs in parallel")
    options = parser.parse_args(arguments)
    folder = options.folder / f"matrix-{time.strftime('%Y%m%d-%H%M%S')}"
    folder.mkdir(parents=True)
    simulate_features(folder, SHAPES[options.model])
    training = replace(TRAINING, model=options.model, hidden_units=options.hidden_units, epochs=options.epochs)
    start = time.perf_counter()
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(options.processes, mp_context=context, max_tasks_per_child=1) as pool:
        training_s = list(pool.map(partial(train, folder, options.device, training), range(options.runs)))
        arms = [range(start, min(start + SEEDS, options.runs)) for start in range(0, options.runs, SEEDS)]
        scoring_s = list(pool.map(partial(score, folder, options.device), arms))
        measuring_s = pool.submit(measure, folder, range(options.runs)).result()
    wall_s = time.perf_counter() - start
    total_s = sum(training_s) + sum(scoring_s) + measuring_s
    summary = (
        f"{options.runs} runs of {options.model}, {options.hidden_units} hidden units, {options.epochs} epochs, "
        f"on {options.device}, {options.processes} processes: {wall_s:.0f} s. CPU seconds: {total_s:.0f}. "
        f"A training {np.median(training_s):.1f}, scoring {SEEDS} runs {np.median(scoring_s):.1f} (medians), measuring "
        f"all {measuring_s:.1f}.\n"
    )
    write_text(summary, folder / "matrix.txt")
    print(summary, end="")


if __name__ == "__main__":
    main()
