"""Detectors to compare: each is trained on the same windows and scores the same test files, on one CPU thread."""

import json
import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from hardneg.audio.windowing import WindowSpec
from hardneg.common import tables
from hardneg.experiments import split_scores, training_run, training_sets
from hardneg.features import extractors, store
from hardneg.features.feature_settings import parse_features
from hardneg.models import checkpoints
from hardneg.models.file_scores import score_by_highest_window
from hardneg.models.metrics import measure_ranking
from hardneg.models.training_settings import TrainingSettings
from hardneg.recordings.manifest import TEST_SPLITS

VALIDATION = "holdout"
# Inverse strengths of the L2 penalty among which validation chooses.
INVERSE_PENALTIES = np.logspace(-5, 2, 15)
SCRIPTS = Path(__file__).parents[2]

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Duration:
    """How long a step takes.

    Attributes
    ----------
    cpu_s : CPU time (s).
    wall_s : elapsed time (s), which depends on the machine's other load.
    """

    cpu_s: float
    wall_s: float

    def __add__(self, other: "Duration") -> "Duration":
        return Duration(self.cpu_s + other.cpu_s, self.wall_s + other.wall_s)


@dataclass(frozen=True, slots=True)
class Data:
    """Labeled recordings, the features of their windows, and what these cost.

    Attributes
    ----------
    config : a complete configuration.
    labelled : checked recordings outside the pool.
    index : their windows.
    folder : a folder with ``labelled.parquet``, ``index.parquet`` and ``positives.csv``.
    learning : the time to extract the features of the training and validation windows.
    tests : the same for the windows of the test splits.
    """

    config: Mapping[str, Any]
    labelled: pd.DataFrame
    index: pd.DataFrame
    folder: Path
    learning: Duration
    tests: Duration

    @property
    def test_windows(self) -> int:
        """The number of windows of the test splits."""
        return int(self.index.file_path.isin(self.labelled.file_path[self.labelled.split.isin(TEST_SPLITS)]).sum())


@dataclass(frozen=True, slots=True)
class Measurement:
    """What one training of one detector gave.

    Attributes
    ----------
    detector, seed : which one.
    training : the time from recordings to trained weights.
    windows_per_cpu_s : windows scored in a CPU second, from recordings to confidences.
    ranking : for each test split, its ``average_precision`` and ``auroc`` over all files.
    note : what the training chose.
    """

    detector: str
    seed: int
    training: Duration
    windows_per_cpu_s: float
    ranking: dict[str, dict[str, float]]
    note: str = ""


def measure_duration(function: Callable[[], Result]) -> tuple[Result, Duration]:
    """Call a function, and measure how long it takes."""
    wall, cpu = time.perf_counter(), time.process_time()
    result = function()
    return result, Duration(time.process_time() - cpu, time.perf_counter() - wall)


def prepare_data(config: Mapping[str, Any], labelled: pd.DataFrame, audio_root: str, folder: Path) -> Data:
    """Extract the features of all labeled recordings, those of the test splits separately.

    Parameters
    ----------
    config : a complete configuration, for its windows and features.
    labelled : checked recordings outside the pool.
    audio_root : the folder that their paths are relative to.
    folder : where to write. What an earlier call wrote there is used again.
    """
    durations_path = folder / "durations.json"
    if not durations_path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        _extract_features(config, labelled, audio_root, folder)
        positives = labelled[(labelled.split == "train") & (labelled.label == "positive")]
        tables.write(positives[["file_path"]].assign(start_s=np.nan), folder / "positives.csv")
        tables.write(labelled, folder / "labelled.parquet")
    durations = {name: Duration(**value) for name, value in tables.read_json(durations_path).items()}
    return Data(config, labelled, tables.read(folder / "index.parquet"), folder, **durations)


def _extract_features(config: Mapping[str, Any], labelled: pd.DataFrame, audio_root: str, folder: Path) -> None:
    """Write ``learning.npy``, ``tests.npy``, their common index, and how long each took."""
    windows, settings = WindowSpec.from_seconds(**config["windows"]), parse_features(config["features"])
    is_test = labelled.split.isin(TEST_SPLITS)
    durations, indexes = {}, []
    for name, files in (("learning", labelled[~is_test]), ("tests", labelled[is_test])):
        array = folder / f"{name}.npy"
        extract = partial(extractors.extract_features, files, audio_root, array, windows, settings, "cpu")
        index, duration = measure_duration(extract)
        durations[name] = asdict(duration)
        indexes.append(index.assign(array=str(array)))
    tables.write(pd.concat(indexes, ignore_index=True), folder / "index.parquet")
    tables.write_json(durations, folder / "durations.json")


def measure_network(name: str, data: Data, seed: int) -> Measurement:
    """Train and score a network of this workflow as the rules ``train`` and ``evaluate`` do."""
    config = data.config
    model_input = {key: config[key] for key in ("windows", "features")}
    with tempfile.TemporaryDirectory() as run:
        outputs = training_run.RunOutputs(
            weights=f"{run}/model.safetensors",
            description=f"{run}/model.json",
            history=f"{run}/history.csv",
            validation_scores=f"{run}/validation_scores.parquet",
            training_set=f"{run}/training_set.parquet",
        )
        inputs = training_run.RunInputs(
            labelled=str(data.folder / "labelled.parquet"),
            positives=str(data.folder / "positives.csv"),
            index=str(data.folder / "index.parquet"),
        )
        settings = training_run.RunSettings(
            {"validation": VALIDATION}, seed, TrainingSettings.from_config(config["training"]), model_input
        )
        _, training = measure_duration(lambda: training_run.train_run(inputs, outputs, settings, "cpu"))
        network = checkpoints.load(Path(outputs.weights), model_input)
        validation_scores = tables.read(outputs.validation_scores)
        scores, scoring = measure_duration(
            lambda: split_scores.score_splits([network], data.labelled, data.index, [validation_scores], "cpu")
        )
    speed = data.test_windows / (data.tests + scoring).cpu_s
    return Measurement(name, seed, data.learning + training, speed, rank_files(scores[0]))


def measure_logistic_regression(name: str, data: Data, seed: int) -> Measurement:
    """Fit scikit-learn's logistic regression to the features; validation average precision chooses the penalty.

    Features are standardized, and classes have equal weight. Nothing depends on the seed.
    """
    composed = training_sets.compose(
        training_sets.WindowSources(
            labelled=data.labelled,
            positives=tables.read(data.folder / "positives.csv"),
            labelled_index=data.index,
            mined=pd.DataFrame(),
            reviewed=pd.DataFrame(),
        ),
        VALIDATION,
        TrainingSettings.from_config(data.config["training"]),
        seed,
    )
    (model, penalty), training = measure_duration(lambda: _fit_logistic_regression(composed))
    tests = data.labelled[data.labelled.split.isin(TEST_SPLITS)][["file_path", "split", "label"]]
    windows = data.index[data.index.file_path.isin(tests.file_path)]
    confidences, scoring = measure_duration(lambda: model(store.load(windows)))
    scores = score_by_highest_window(windows.assign(confidence=confidences)).merge(tests, on="file_path")
    scores["label"] = (scores.label == "positive").astype(int)
    speed = data.test_windows / (data.tests + scoring).cpu_s
    return Measurement(name, seed, data.learning + training, speed, rank_files(scores), f"C = {penalty:.2g}")


Predictor = Callable[[npt.NDArray[Any]], npt.NDArray[np.float64]]


def _fit_logistic_regression(composed: training_sets.ComposedSet) -> tuple[Predictor, float]:
    """Return the chosen model, from features to confidences, and its inverse penalty."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import average_precision_score
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    features = store.load(composed.train).astype(np.float32)
    validation = store.load(composed.validation).astype(np.float32)
    best, chosen = -1.0, None
    for inverse_penalty in INVERSE_PENALTIES:
        model = make_pipeline(
            StandardScaler(), LogisticRegression(C=inverse_penalty, class_weight="balanced", max_iter=2000)
        )
        model.fit(features, composed.train.label)
        confidences = model.predict_proba(validation)[:, 1]
        files = score_by_highest_window(composed.validation.assign(confidence=confidences))
        labels = files.file_path.map(composed.validation.groupby("file_path").label.first())
        precision = average_precision_score(labels, files.confidence)
        if precision > best:
            best, chosen = precision, (model, float(inverse_penalty))
    assert chosen is not None  # there are penalties
    model, inverse_penalty = chosen
    return lambda windows: model.predict_proba(windows.astype(np.float32))[:, 1], inverse_penalty


def measure_opensoundscape(data: Data, audio_root: str, seed: int, steps: int, python: Path) -> list[Measurement]:
    """Train OpenSoundscape's CNN in its own environment; measure the weights of its best step and of its last.

    Parameters
    ----------
    data : for its windows; the features are not used.
    python : the interpreter of an environment that has OpenSoundscape.
    """
    windows_settings = data.config["windows"]
    with tempfile.TemporaryDirectory() as folder:
        paths = [f"{folder}/{name}" for name in ("windows.csv", "scores.csv", "times.json")]
        tables.write(list_windows(data, audio_root), paths[0])
        options = {
            "--length-s": windows_settings["length_s"],
            "--rate": windows_settings["sample_rate"],
            "--steps": steps,
            "--seed": seed,
        }
        command = [str(python), "-W", "ignore", "-m", "hardneg.benchmarks.opensoundscape_training", *paths]
        command += [str(part) for option in options.items() for part in option]
        subprocess.run(command, check=True, env=os.environ | {"PYTHONPATH": str(SCRIPTS)})  # noqa: S603 # our module
        scores, times = tables.read(paths[1]), json.loads(Path(paths[2]).read_text())
    training = Duration(times["training_cpu_s"], times["training_s"])
    speed = data.test_windows / times["prediction_cpu_s"]
    measurements = []
    for weights, rows in scores.groupby("weights"):
        files = rows.groupby("file")[["label", "confidence"]].max().join(rows.groupby("file").split.first())
        step = times["best_step"] if weights == "best" else steps
        note = f"step {step} of {steps}, OpenSoundscape {times['versions']['opensoundscape']}"
        measurements.append(
            Measurement(f"opensoundscape {weights}", seed, training, speed, rank_files(files.reset_index()), note)
        )
    return measurements


def list_windows(data: Data, audio_root: str) -> pd.DataFrame:
    """List the windows of all labeled recordings as OpenSoundscape names their columns.

    Returns
    -------
    ``file`` (absolute), ``start_time, end_time, label`` (1 or 0) and ``split``.
    """
    recordings = data.labelled[["file_path", "split", "label"]]
    windows = data.index[["file_path", "start_s", "end_s"]].merge(recordings, on="file_path", validate="m:1")
    return pd.DataFrame(
        {
            "file": [str(Path(audio_root, path).resolve()) for path in windows.file_path],
            "start_time": windows.start_s,
            "end_time": windows.end_s,
            "label": (windows.label == "positive").astype(int),
            "split": windows.split,
        }
    )


def rank_files(files: pd.DataFrame) -> dict[str, dict[str, float]]:
    """Measure how well the confidences of each test split's files rank them.

    Parameters
    ----------
    files : ``split, label`` (1 or 0) and ``confidence``.
    """
    ranking = {}
    for split in TEST_SPLITS:
        rows = files[files.split == split]
        measured = measure_ranking(rows.label.to_numpy(), rows.confidence.to_numpy())
        ranking[split] = {"average_precision": measured.average_precision, "auroc": measured.auroc}
    return ranking
