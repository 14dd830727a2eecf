"""Train OpenSoundscape's CNN on windows that a table lists, and score the windows of the test splits.

``python -m hardneg.benchmarks.opensoundscape_training windows.csv scores.csv times.json`` needs OpenSoundscape, so
:mod:`hardneg.benchmarks.detector_comparison` runs it in another environment. The network is a ResNet-18 with random
initial weights. Preprocessing, augmentation, optimizer and batch size are the library's defaults. The schedule of the
learning rate, which is made for 1,000 steps, is set to the number of steps. As in the library's tutorial, windows of
the smaller class are repeated until both classes are equal.
"""

import argparse
import json
import random
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

# Both must come before OpenSoundscape, which imports the two libraries.
from hardneg.benchmarks.torchvision_on_any_torch import torchvision
from hardneg.common.torchaudio_on_any_torch import torchaudio

CLASS = "target"
WINDOW = ["file", "start_time", "end_time"]
VALIDATION_INTERVAL = 100  # steps, the library's default
VALIDATIONS = 5  # at least, for shorter trainings


def build_network(length_s: float, rate: int) -> Any:
    """Build OpenSoundscape's ResNet-18 for windows of `length_s` seconds at `rate` Hz."""
    from opensoundscape import CNN

    network = CNN("resnet18", classes=[CLASS], sample_duration=length_s, sample_rate=rate, arch_weights=None)
    network.verbose = 0
    return network


def train(network: Any, windows: pd.DataFrame, steps: int, seed: int, folder: Path) -> None:
    """Train, and keep the weights of the step with the best validation AUROC; both as the library does by default.

    Parameters
    ----------
    windows : ``file, start_time, end_time, label`` (1 or 0) and ``split``.
    folder : where the library saves weights: the best step's and the last's.
    """
    from opensoundscape.data_selection import resample

    tables = {split: to_label_table(rows) for split, rows in windows.groupby("split")}
    larger = int(windows[windows.split == "train"].label.value_counts().max())
    network.lr_scheduler_params["kwargs"]["max_steps"] = steps
    network.train(
        resample(tables["train"], larger, n_samples_without_labels=larger, random_state=seed),
        tables["val"],
        steps=steps,
        validation_interval=max(min(steps // VALIDATIONS, VALIDATION_INTERVAL), 1),
        save_path=str(folder),
        invalid_samples_log=None,
        progress_bar=False,
    )


def to_label_table(windows: pd.DataFrame) -> pd.DataFrame:
    """Convert windows to the library's form: one column of labels, and an index of file, start and end."""
    return windows.set_index(WINDOW)[["label"]].rename(columns={"label": CLASS})


def score(network: Any, windows: pd.DataFrame) -> pd.DataFrame:
    """Score windows, with the sigmoid of the network's logit as ``confidence``."""
    scores = network.predict(to_label_table(windows), batch_size=64, activation_layer="sigmoid", progress_bar=False)
    return windows.assign(confidence=scores[CLASS].to_numpy())


def main() -> None:
    """Train one network, score the test windows with its best and its last weights, and write scores and times."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("windows", type=Path, help="table of windows: file, start_time, end_time, label, split")
    parser.add_argument("scores", type=Path, help="table to write")
    parser.add_argument("times", type=Path, help="JSON file to write")
    parser.add_argument("--length-s", type=float, default=3.0)
    parser.add_argument("--rate", type=int, default=16000)
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(options.seed)
    random.seed(options.seed)
    np.random.seed(options.seed)  # noqa: NPY002 # the library draws from the global generator
    windows = pd.read_csv(options.windows)
    tests = windows[windows.split.str.startswith("test_")]
    network = build_network(options.length_s, options.rate)
    with tempfile.TemporaryDirectory() as folder:
        wall, cpu = time.perf_counter(), time.process_time()
        train(network, windows, options.steps, options.seed, Path(folder))
        times = {"training_s": time.perf_counter() - wall, "training_cpu_s": time.process_time() - cpu}
        cpu = time.process_time()
        best = score(network, tests).assign(weights="best")
        times["prediction_cpu_s"] = time.process_time() - cpu
        # The library's own loading function would first download other weights.
        last = torch.load(f"{folder}/last.model", weights_only=False)  # a file of this process
        network.network.load_state_dict(last["weights"])
        scores = pd.concat([best, score(network, tests).assign(weights="last")])
    import opensoundscape

    versions = {library.__name__: library.__version__ for library in (opensoundscape, torch, torchvision, torchaudio)}
    scores.to_csv(options.scores, index=False)
    options.times.write_text(json.dumps(times | {"best_step": network.best_step, "versions": versions}))


if __name__ == "__main__":
    main()
