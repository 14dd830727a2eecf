"""Time a matrix of the study's size on simulated features: ``python -m hardneg.benchmarks.matrix_timing results/bench``.

Each run is trained and evaluated as the rules ``train`` and ``evaluate`` do it, in two new processes of one thread,
imports included; Snakemake's own time is not. Runs are heads on embeddings or, with ``--model cnn``, the default
network on log-mel windows; with ``--device cuda`` the processes share a GPU.
"""

import argparse
import multiprocessing
import os
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from hardneg.common import tables
from hardneg.common.files import write_text
from hardneg.models.training_settings import TrainingSettings

WINDOW_S = 3.0
INPUT = {"windows": {"length_s": WINDOW_S}, "features": {"kind": "simulated"}}
FILES = {"train": 5500, "val": 1000, "test_iid": 2943, "test_ood": 3585, "pool": 1500}  # the tests are the study's
SHAPES = {"head": (1024,), "cnn": (64, 188)}  # 3 s of 64 bands, a frame each 16 ms
BLOCK = 500
TRAINING = {
    "channels": [16, 32, 64, 128], "hidden_units": 0, "dropout": 0.25, "patience": 50, "batch_size": 32,
    "learning_rate": 0.001, "weight_decay": 0.01, "warmup_fraction": 0.1, "mixup": 0.2, "label_smoothing": 0.1,
    "focal_gamma": 0, "upsampling": "none", "upsampling_ratio": 1.0, "internal_fraction": 0.2, "balance": False,
}  # fmt: skip


def simulate(folder: Path, shape: tuple[int, ...], seed: int = 1) -> None:
    """Write the tables and arrays that a run reads: features of a `shape`, one window a file."""
    rng = np.random.default_rng(seed)
    split = np.repeat(list(FILES), list(FILES.values()))
    number = np.arange(len(split))
    positive = (number % 2 == 0) & (split != "pool")
    about = {"quality": "high", "call_type": "", "site": "s", "recorder_id": "r", "date": "", "duration_s": WINDOW_S}
    files = pd.DataFrame({"file_path": [f"{place:06d}.wav" for place in number], "split": split}).assign(
        label=np.where(positive, "positive", "negative"), group=(number % 400).astype(str), **about
    )
    index = pd.DataFrame({"file_path": files.file_path, "start_s": 0.0, "end_s": WINDOW_S, "row": number})
    array = np.lib.format.open_memmap(folder / "features.npy", "w+", np.float16, (len(split), *shape))
    for start in range(0, len(split), BLOCK):
        block = array[start : start + BLOCK]
        shift = 0.05 * positive[start : start + BLOCK].reshape(-1, *[1] * len(shape))
        block[:] = rng.standard_normal(block.shape, np.float32) + shift
    index["array"] = str(folder / "features.npy")
    pool = split == "pool"
    tables.write(files[~pool], folder / "labelled.parquet")
    tables.write(index[~pool], folder / "index.parquet")
    tables.write(index[pool], folder / "pool_index.parquet")
    tables.write(files[pool].assign(start_s=0.0), folder / "tier.csv")
    tables.write(files[positive & (split == "train")][["file_path"]].assign(start_s=np.nan), folder / "positives.csv")


def train(folder: Path, device: str, more: dict, seed: int) -> float:
    """Train one run; give the CPU seconds of this process since it began."""
    from hardneg.common import torch_device
    from hardneg.experiments import training_run

    run = folder / f"run-{seed}"
    run.mkdir()
    names = {"labelled": "parquet", "positives": "csv", "index": "parquet", "tier": "csv", "pool_index": "parquet"}
    outputs = {"weights": "model.safetensors", "history": "history.csv", "validation_scores": "validation.parquet"}
    training_run.train_run(
        {name: str(folder / f"{name}.{suffix}") for name, suffix in names.items()},
        {name: str(run / path) for name, path in (outputs | {"training_set": "set.parquet"}).items()},
        run={"validation": "holdout"},
        seed=seed,
        training=TrainingSettings(**TRAINING | more),
        input=INPUT,
        device=torch_device.select_device(device, 1),
    )
    return time.process_time()


def evaluate(folder: Path, device: str, seed: int) -> float:
    """Evaluate one run; give the CPU seconds of this process since it began."""
    from hardneg.common import torch_device
    from hardneg.experiments import evaluation
    from hardneg.models import checkpoints

    run = folder / f"run-{seed}"
    device = torch_device.select_device(device, 1)
    network, _ = checkpoints.load(run / "model.safetensors", INPUT)
    files = [tables.read(path) for path in (folder / "labelled.parquet", folder / "index.parquet")]
    scores = evaluation.score_splits(network, *files, tables.read(run / "validation.parquet"), device)
    tables.write(scores, run / "scores.parquet")
    tables.write(evaluation.measure(scores, precision=0.9, calibration_bins=10), run / "metrics.csv")
    return time.process_time()


def main(arguments: list[str] | None = None) -> None:
    """Train and evaluate so many runs, as many at a time as there are processes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--runs", type=int, default=72)
    parser.add_argument("--model", choices=SHAPES, default="head")
    parser.add_argument("--hidden-units", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=50)
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--processes", type=int, default=os.cpu_count(), help="runs at a time")
    given = parser.parse_args(arguments)
    folder = given.folder / f"matrix-{time.strftime('%Y%m%d-%H%M%S')}"
    folder.mkdir(parents=True)
    simulate(folder, SHAPES[given.model])
    more = {"model": given.model, "hidden_units": given.hidden_units, "epochs": given.epochs}
    started = time.perf_counter()
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(given.processes, mp_context=context, max_tasks_per_child=1) as pool:
        trained = list(pool.map(partial(train, folder, given.device, more), range(given.runs)))
        evaluated = list(pool.map(partial(evaluate, folder, given.device), range(given.runs)))
    wall = time.perf_counter() - started
    said = (
        f"{given.runs} runs of {given.model}, {given.hidden_units} hidden units, {given.epochs} epochs, "
        f"on {given.device}, {given.processes} processes: {wall:.0f} s; "
        f"CPU seconds of a training {np.median(trained):.1f}, of an evaluation {np.median(evaluated):.1f} (medians)\n"
    )
    write_text(said, folder / "matrix.txt")
    print(said, end="")


if __name__ == "__main__":
    main()
