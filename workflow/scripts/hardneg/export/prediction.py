"""Run an exported detector over recordings, with the windows and features that it was trained on."""

import hashlib
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from torch import nn

from hardneg.audio import windowing
from hardneg.common import tables
from hardneg.common.errors import InputError
from hardneg.common.log import logger, track_progress
from hardneg.export.description import DetectorDescription, hash_backbone
from hardneg.features import extractors
from hardneg.features.extraction import BATCH_WINDOWS, Extractor
from hardneg.features.feature_settings import LogMelSettings
from hardneg.models import checkpoints
from hardneg.models.file_scores import score_by_highest_window
from hardneg.models.inference import predict_confidences
from hardneg.recordings import detection_tables, recording_probe
from hardneg.recordings.discovery import has_utf8_name

LONGEST_NAME_BYTES = 200  # file systems allow 255, and the tables add a suffix
SCORE_COLUMNS = ["file_path", "confidence", "start_s", "end_s"]


@dataclass(frozen=True, slots=True)
class Detector:
    """A trained network with the extractor of its features.

    Attributes
    ----------
    network : maps features to a logit.
    extract : maps samples, (windows, samples), to features.
    description : see :class:`~hardneg.export.description.DetectorDescription`.
    device : a torch device.
    """

    network: nn.Module
    extract: Extractor
    description: DetectorDescription
    device: str

    def score_recording(self, path: str | os.PathLike[str]) -> pd.DataFrame:
        """Score each window of a recording.

        Features are rounded to float16, like those in the feature store that the detector was trained on.

        Returns
        -------
        ``file_path, start_s, end_s, confidence``, in order of time.

        Raises
        ------
        InputError
            If the recording cannot be used; see :func:`hardneg.recordings.recording_probe.probe_recording`. Also if its
            name is not UTF-8, because tables could not contain it.
        """
        if not has_utf8_name(Path(path)):
            raise InputError("its name is not UTF-8; rename it")
        spec = self.description.windows
        facts = recording_probe.probe_recording(path, 0.0, spec.length / spec.rate)
        if facts.reason:
            raise InputError(facts.reason)
        row = {"file_path": Path(path).name, "duration_s": facts.duration_s, "sample_rate": facts.sample_rate}
        chunks, index = windowing.plan_windows(pd.DataFrame([row]), str(Path(path).parent), spec)
        confidences = np.concatenate([self._score_windows(windowing.read_windows(chunk, spec)) for chunk in chunks])
        return index.assign(file_path=str(path), confidence=confidences.astype(np.float64)).drop(columns="row")

    def _score_windows(self, windows: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        with torch.inference_mode():
            batches = torch.split(torch.from_numpy(windows).to(self.device), BATCH_WINDOWS)
            features = torch.cat([self.extract(batch).half().cpu() for batch in batches])
        return predict_confidences(self.network, features.numpy(), self.device)


def load_detector(model: str | os.PathLike[str], device: str, backbone: str | None = None) -> Detector:
    """Load an exported model.

    Parameters
    ----------
    model : the folder that ``snakemake export`` wrote, or the ``.safetensors`` file in it.
    device : a torch device.
    backbone : path of the backbone's file; None if it has not moved since the training.

    Raises
    ------
    InputError
        If a file is missing, or the backbone's file is not the one that the model was trained on.
    """
    weights = Path(model, "model.safetensors") if Path(model).is_dir() else Path(model)
    description = DetectorDescription.read(weights.with_suffix(".json"))
    network = checkpoints.load(weights, description.model_input)
    features = description.features
    if backbone:
        if isinstance(features, LogMelSettings):
            raise InputError(f"{weights} uses log-mel features, not a backbone: run again without --backbone.")
        features = replace(features, path=backbone)
    expected, actual = description.backbone.sha256, hash_backbone(features)
    if expected != actual:
        raise InputError(
            f"{weights} was trained on a backbone with the SHA-256 {expected}, but the backbone here has {actual}. "
            "With --backbone, give the file that it was trained on."
        )
    extract = extractors.build(features, description.windows, device)
    return Detector(network.to(device), extract, description, device)


def predict_recordings(
    detector: Detector,
    files: list[tuple[Path, Path]],
    output: str | os.PathLike[str],
    threshold: float | None = None,
) -> pd.DataFrame:
    """Score recordings, and write the windows that reach the threshold as tables for BirdNET-Analyzer and Raven.

    Parameters
    ----------
    files : from :func:`hardneg.recordings.discovery.find_audio_files`.
    output : folder for the tables, which are named after the recordings, and for ``scores.csv``.
    threshold : None for the detector's own, which was frozen on validation data.

    Returns
    -------
    The content of ``scores.csv``: one row per recording, the most confident first, with ``file_path, confidence,
    start_s, end_s, flagged``. A recording that cannot be used gets a warning with the reason instead of a row.

    Raises
    ------
    InputError
        If no recording can be used. ``scores.csv`` is then written without rows.
    """
    threshold = detector.description.threshold if threshold is None else threshold
    highest_hz = detector.description.windows.rate / 2
    scored = [pd.DataFrame(columns=SCORE_COLUMNS)]
    stems = name_tables(files)
    for (path, _), stem in track_progress(zip(files, stems, strict=True), len(files), "recordings"):
        try:
            windows = detector.score_recording(path)
        except (InputError, OSError, RuntimeError) as error:
            shown = str(path).encode("utf-8", "backslashreplace").decode()
            logger.warning("%s is left out: %s", shown, error)
            continue
        scored.append(score_by_highest_window(windows))
        flagged = windows[windows.confidence >= threshold]
        detection_tables.write_detections(flagged, detector.description.label, highest_hz, Path(output, stem))
    scores = pd.concat(scored[1:] or scored)
    scores = scores.sort_values(["confidence", "file_path"], ascending=[False, True], ignore_index=True)
    scores = scores.assign(flagged=scores.confidence >= threshold)
    tables.write(scores, Path(output, "scores.csv"))
    if scores.empty:
        raise InputError("None of the recordings can be used. The warnings above give the reasons.")
    return scores


def name_tables(files: Sequence[tuple[Path, Path]]) -> list[Path]:
    """Name the tables of each recording, so that no two recordings share one.

    Tables are named after the recording without its suffix. If several have that name, they keep the suffix. If that
    is not enough, because folders on the command line contain the same names, the whole path is the name. A long name
    is cut and ends with a hash, because the names of tables are longer than those of recordings.

    >>> files = ["a/x.wav", "a/x.flac", "b/y.wav", "/d/e/z.wav", "/d/f/z.wav"]
    >>> named = name_tables([(Path(file), Path(file) if file[0] != "/" else Path("z.wav")) for file in files])
    >>> [path.as_posix() for path in named]
    ['a/x.wav', 'a/x.flac', 'b/y', 'd/e/z.wav', 'd/f/z.wav']
    """
    stems = Counter(name.with_suffix("") for _, name in files)
    names = Counter(name for _, name in files)
    tables = [
        name.with_suffix("") if stems[name.with_suffix("")] == 1
        else name if names[name] == 1
        else Path(*path.resolve().parts[1:])
        for path, name in files
    ]  # fmt: skip
    return [_shorten_name(path) for path in tables]


def _shorten_name(path: Path) -> Path:
    encoded = os.fsencode(path.name)
    if len(encoded) <= LONGEST_NAME_BYTES:
        return path
    digest = hashlib.sha256(encoded).hexdigest()[:8]
    return path.with_name(f"{encoded[: LONGEST_NAME_BYTES - 9].decode('utf-8', 'ignore')}~{digest}")
