"""Run an exported detector over recordings, window by window, as it was trained."""

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import soundfile
import torch
from torch import nn

from hardneg.audio import windowing
from hardneg.audio.windowing import WindowSpec
from hardneg.common import fingerprint, tables
from hardneg.common.errors import InputError
from hardneg.common.log import logger, track_progress
from hardneg.features import extractors
from hardneg.features.extraction import BATCH
from hardneg.mining import detection_tables
from hardneg.models import checkpoints
from hardneg.models.file_scores import score_by_highest_window
from hardneg.models.inference import predict_confidences


@dataclass(frozen=True)
class Detector:
    """A trained network with all that stands before it.

    Attributes
    ----------
    description : of the exported model: ``input, label, threshold`` and what made it.
    """

    network: nn.Module
    backbone: extractors.Backbone
    description: dict
    device: str

    def score(self, path: str | os.PathLike) -> pd.DataFrame:
        """Score a recording: ``file_path, start_s, end_s, confidence``, one row per window, in order of time.

        Features are rounded to float16 as the cached ones are that the detector was trained on.
        """
        windows = WindowSpec.from_seconds(**self.description["input"]["windows"])
        planned, index = windowing.plan_windows(_as_listed(Path(path)), str(Path(path).parent), windows)
        confidence = [self._confidences(windowing.read_windows(stretch, windows)) for stretch in planned]
        return index.assign(file_path=str(path), confidence=np.concatenate(confidence).astype(np.float64)).drop(
            columns="row"
        )

    def _confidences(self, heard: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            parts = torch.from_numpy(heard).to(self.device).split(BATCH)
            features = torch.cat([self.backbone(some).half().cpu() for some in parts])
        return predict_confidences(self.network, features.numpy(), self.device)


def _as_listed(path: Path) -> pd.DataFrame:
    found = soundfile.info(path)
    facts = {"file_path": path.name, "duration_s": found.frames / found.samplerate, "sample_rate": found.samplerate}
    return pd.DataFrame([facts])


def load(model: str | os.PathLike, device: str, backbone: str | None = None) -> Detector:
    """Load an exported model.

    Parameters
    ----------
    model : the folder that ``snakemake export`` writes, or the ``.safetensors`` in it.
    device : a torch device.
    backbone : where the backbone's file is, if not where it was when the model was trained.

    Raises
    ------
    InputError
        If a part is missing, or the backbone's file is not the one that the model was trained on.
    """
    weights = Path(model, "model.safetensors") if Path(model).is_dir() else Path(model)
    described = weights.with_suffix(".json")
    if not described.is_file():
        raise InputError(f"{model} is no exported model: {described} does not exist.")
    description = tables.read_json(described)
    if "threshold" not in description:
        raise InputError(
            f"{described} holds no threshold: export the run with `snakemake export` and give that folder."
        )
    network, _ = checkpoints.load(weights, description["input"])
    features = description["input"]["features"] | ({"path": backbone} if backbone else {})
    expected, found = description["backbone"]["sha256"], sha256_of_backbone(features)
    if expected != found:
        raise InputError(
            f"{weights} was trained on a backbone with the SHA-256 {expected}, and the one here has {found}: give the "
            "file that it was trained on (--backbone)."
        )
    front_end = extractors.build(features, description["input"]["windows"], device)
    return Detector(network.to(device), front_end, description, device)


def sha256_of_backbone(features: dict) -> str | None:
    """The first 16 digits of the SHA-256 of the file of a pretrained network; None for features that have none."""
    path = extractors.file_of(features)
    return fingerprint.hash_file(path) if path else None


def predict(
    detector: Detector, files: list[tuple[Path, Path]], output: str | os.PathLike, threshold: float | None = None
) -> pd.DataFrame:
    """Score recordings and write, for each, the windows that reach the threshold as BirdNET's CSV and for Raven.

    Parameters
    ----------
    files : from :func:`hardneg.recordings.discovery.find_audio_files`.
    output : folder for the tables; they take the names of the recordings.
    threshold : None for the detector's own, frozen on validation data.

    Returns
    -------
    One row per recording, the most confident first: ``file_path, confidence, start_s, end_s, flagged``; also written to
    ``scores.csv``. A recording that cannot be decoded is left out, with a warning.
    """
    threshold = detector.description["threshold"] if threshold is None else threshold
    highest_hz = detector.description["input"]["windows"]["sample_rate"] / 2
    best = []
    for path, name in track_progress(files, len(files), "recordings"):
        try:
            windows = detector.score(path)
        except (InputError, OSError, RuntimeError) as error:
            logger.warning("%s cannot be decoded: %s", path, error)
            continue
        best.append(score_by_highest_window(windows))
        flagged = windows[windows.confidence >= threshold]
        detection_tables.write_detections(flagged, detector.description["label"], highest_hz, Path(output, name.with_suffix("")))
    if not best:
        raise InputError("none of the recordings could be decoded.")
    scores = pd.concat(best).sort_values(["confidence", "file_path"], ascending=[False, True], ignore_index=True)
    scores = scores.assign(flagged=scores.confidence >= threshold)
    tables.write(scores, Path(output, "scores.csv"))
    return scores
